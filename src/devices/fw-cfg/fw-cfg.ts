/**
 * QEMU's firmware configuration device: numbered items and named files that the firmware reads through a data port or
 * by DMA. The board adds the items before the machine runs.
 *
 * References: [QEMU docs/specs/fw_cfg].
 * Deviation: no item can be written.
 */
import { physAddr, ticks } from '../../memory/address.ts';
import { FOUR_GIB } from '../../memory/ram-layout.ts';
import type { BusRegistrar, Clock, Device, Dma, Timer, Width } from '../device.ts';
import {
  DMA_CTL_ERROR, DMA_CTL_READ, DMA_CTL_SELECT, DMA_CTL_SKIP, DMA_CTL_WRITE, DMA_SIGNATURE_HIGH, DMA_SIGNATURE_LOW,
  FILE_ENTRY_SIZE, FILE_NAME_SIZE, FW_CFG_ACPI_TABLES, FW_CFG_BOOT_MENU, FW_CFG_FILE_DIR, FW_CFG_FILE_FIRST, FW_CFG_ID,
  FW_CFG_IRQ0_OVERRIDE, FW_CFG_KEY_MASK, FW_CFG_MAX_CPUS, FW_CFG_NB_CPUS, FW_CFG_NOGRAPHIC, FW_CFG_NUMA,
  FW_CFG_RAM_SIZE, FW_CFG_SIGNATURE, FW_CFG_SMBIOS_ENTRIES, FW_CFG_UUID, ID_DMA, ID_TRADITIONAL, PORT_FW_CFG,
  PORT_FW_CFG_DMA,
} from './registers.ts';

const E820_RAM = 1, E820_ENTRY_SIZE = 20;
const DMA_DESCRIPTOR_SIZE = 16;
/** Longest piece that one DMA transfer moves at a time, so that a guest's length is no host allocation. */
const DMA_CHUNK = 4096;
/** What a transfer moves at once, and the time until it goes on: a length of gigabytes keeps neither host nor guest. */
const DMA_BURST = 1 << 20, DMA_BURST_NS = 1_000_000;
const EMPTY = new Uint8Array(0);

export interface FwCfgOptions {
  readonly clock: Clock;
  readonly memory: Dma;
  /** RAM below 4 GiB, in bytes. */
  readonly ramBytes: number;
  readonly ramAbove4GBytes?: number;
  /** Default: 1. */
  readonly cpus?: number;
  /** Lets SeaBIOS show its boot menu. Default: false. */
  readonly bootMenu?: boolean;
}

export interface FwCfgState {
  readonly version: 1;
  readonly key: number;
  readonly offset: number;
  readonly dmaHigh: number;
  readonly copying: Copying | undefined;
  readonly deadline: number | undefined;
}

/** Bytes, or what makes them when they are asked for, always as many: they may tell what firmware has done by then. */
export type Content = Uint8Array | (() => Uint8Array);

/** A read by DMA that is under way. */
interface Copying {
  /** Address of the descriptor, which gets the answer at the end. */
  readonly descriptor: number;
  address: number;
  left: number;
}

export class FwCfg implements Device<FwCfgState> {
  readonly id = 'fw-cfg';
  private readonly memory: Dma;
  /** No RAM lies from here on. */
  private readonly memoryEnd: number;
  private readonly items = new Map<number, Content>();
  private readonly files: { name: string; content: Content }[] = [];
  private key = 0;
  /** What the key stands for. */
  private item: Uint8Array = EMPTY;
  private offset = 0;
  /** Upper half of the DMA descriptor's address; writing the lower half starts the transfer. */
  private dmaHigh = 0;
  private readonly clock: Clock;
  private readonly burst: Timer;
  private copying: Copying | undefined = undefined;

  constructor(options: FwCfgOptions) {
    this.memory = options.memory;
    this.clock = options.clock;
    this.burst = options.clock.timer('fw-cfg', () => this.copyBurst());
    const cpus = options.cpus ?? 1;
    const above = options.ramAbove4GBytes ?? 0;
    this.memoryEnd = FOUR_GIB + above;
    this.addItem(FW_CFG_SIGNATURE, new TextEncoder().encode('QEMU'));
    this.addItem(FW_CFG_ID, integer(ID_TRADITIONAL | ID_DMA, 4));
    this.addItem(FW_CFG_UUID, new Uint8Array(16));
    this.addItem(FW_CFG_RAM_SIZE, integer(options.ramBytes + above, 8));
    this.addItem(FW_CFG_NOGRAPHIC, integer(0, 2));
    this.addItem(FW_CFG_NB_CPUS, integer(cpus, 2));
    this.addItem(FW_CFG_MAX_CPUS, integer(cpus, 2));
    this.addItem(FW_CFG_BOOT_MENU, integer(options.bootMenu === true ? 1 : 0, 2));
    // No NUMA nodes: a count of zero, then the node of each processor.
    this.addItem(FW_CFG_NUMA, new Uint8Array(8 + 8 * cpus));
    this.addItem(FW_CFG_ACPI_TABLES, integer(0, 2));
    this.addItem(FW_CFG_SMBIOS_ENTRIES, integer(0, 2));
    this.addItem(FW_CFG_IRQ0_OVERRIDE, integer(1, 4));
    this.addFile('etc/e820', e820(options.ramBytes, above));
  }

  /** Adds or replaces a numbered item. */
  addItem(key: number, content: Content): void {
    this.items.set(key, content);
    if (key === this.key) this.item = bytesOf(content);
  }

  /** Adds or replaces a file; names have at most 55 characters: 'etc/acpi/tables', 'genroms/…', 'vgaroms/…', 'bootorder'. */
  addFile(name: string, content: Content): void {
    const existing = this.files.find((file) => file.name === name);
    if (existing !== undefined) existing.content = content;
    else this.files.push({ name, content });
    // The directory is sorted by name, and the keys follow its order.
    this.files.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const [i, file] of this.files.entries()) this.addItem(FW_CFG_FILE_FIRST + i, file.content);
    this.addItem(FW_CFG_FILE_DIR, this.directory());
  }

  attach(bus: BusRegistrar): void {
    const traditional = {
      read: (offset: number, width: Width) => (offset === 1 && width === 1 ? this.readByte() : 0),
      write: (offset: number, width: Width, value: number) => {
        if (offset === 0 && width === 2) this.select(value);
      },
    };
    bus.ports('fw-cfg', 2, traditional, { widths: [1, 2] }).mapAt(PORT_FW_CFG);
    const dma = {
      read: (offset: number, width: Width) => readSignature(offset, width),
      write: (offset: number, width: Width, value: number) => this.writeDmaAddress(offset, width, value),
    };
    bus.ports('fw-cfg-dma', 8, dma, { widths: [1, 2, 4] }).mapAt(PORT_FW_CFG_DMA);
  }

  reset(): void {
    this.select(FW_CFG_SIGNATURE);
    this.dmaHigh = 0;
    this.abandon();
  }

  save(): FwCfgState {
    const copying = this.copying && { ...this.copying };
    return { version: 1, key: this.key, offset: this.offset, dmaHigh: this.dmaHigh, copying, deadline: this.burst.deadline };
  }

  restore(state: FwCfgState): void {
    this.select(state.key);
    this.offset = state.offset;
    this.dmaHigh = state.dmaHigh;
    this.abandon();
    this.copying = state.copying && { ...state.copying };
    if (state.deadline !== undefined) this.burst.armAt(ticks(state.deadline));
  }

  private directory(): Uint8Array {
    const bytes = new Uint8Array(4 + FILE_ENTRY_SIZE * this.files.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.files.length);
    this.files.forEach(({ name, content }, i) => {
      const at = 4 + FILE_ENTRY_SIZE * i;
      view.setUint32(at, bytesOf(content).length);
      view.setUint16(at + 4, FW_CFG_FILE_FIRST + i);
      bytes.set(new TextEncoder().encode(name).subarray(0, FILE_NAME_SIZE - 1), at + 8);
    });
    return bytes;
  }

  private select(key: number): void {
    this.key = key & FW_CFG_KEY_MASK;
    this.offset = 0;
    this.item = bytesOf(this.items.get(this.key) ?? EMPTY);
  }

  /** Past the end of an item, and in one that is not there, everything is zero. */
  private readByte(): number {
    return this.item[this.offset++] ?? 0;
  }

  private writeDmaAddress(offset: number, width: Width, value: number): void {
    if (width !== 4) return;
    const half = swap32(value);
    if (offset === 0) {
      this.dmaHigh = half;
    } else if (offset === 4) {
      const address = this.dmaHigh * FOUR_GIB + half;
      this.dmaHigh = 0;
      this.transfer(address);
    }
  }

  /**
   * Carries out a descriptor: control, length, address, all big-endian; the control word is the answer. A new one ends
   * the one that is under way.
   */
  private transfer(at: number): void {
    this.abandon();
    const descriptor = new Uint8Array(DMA_DESCRIPTOR_SIZE);
    this.memory.read(physAddr(at), descriptor);
    const view = new DataView(descriptor.buffer);
    const control = view.getUint32(0);
    const length = view.getUint32(4);
    const address = view.getUint32(8) * FOUR_GIB + view.getUint32(12);
    if ((control & DMA_CTL_SELECT) !== 0) this.select(control >>> 16);
    if ((control & DMA_CTL_READ) !== 0) {
      this.copying = { descriptor: at, address, left: length };
      this.copyBurst();
      return;
    }
    if ((control & (DMA_CTL_WRITE | DMA_CTL_SKIP)) === DMA_CTL_SKIP) this.offset += length;
    this.answer(at, (control & DMA_CTL_WRITE) !== 0 ? DMA_CTL_ERROR : 0);
  }

  private answer(descriptor: number, result: number): void {
    const control = new Uint8Array(4);
    new DataView(control.buffer).setUint32(0, result);
    this.memory.write(physAddr(descriptor), control);
  }

  private abandon(): void {
    this.copying = undefined;
    this.burst.cancel();
  }

  /** Past the end of the item come zeros, as many as were asked for. */
  private copyBurst(): void {
    const { copying, item } = this;
    if (copying === undefined) return;
    const chunk = new Uint8Array(DMA_CHUNK);
    for (let done = 0; done < DMA_BURST && copying.left > 0; done += DMA_CHUNK) {
      const size = Math.min(DMA_CHUNK, copying.left);
      const part = item.subarray(this.offset, this.offset + size);
      chunk.fill(0);
      chunk.set(part);
      this.memory.write(physAddr(copying.address), chunk.subarray(0, size));
      this.offset += size;
      copying.address += size;
      copying.left -= size;
    }
    // Zeros for addresses where nothing is need not be counted out.
    if (copying.address >= this.memoryEnd && this.offset >= item.length) copying.left = 0;
    if (copying.left > 0) this.burst.armAt(ticks(this.clock.now + DMA_BURST_NS));
    else {
      this.copying = undefined;
      this.answer(copying.descriptor, 0);
    }
  }
}

function bytesOf(content: Content): Uint8Array {
  return typeof content === 'function' ? content() : content;
}

function integer(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
}

function e820(below: number, above: number): Uint8Array {
  const ranges = [[0, below], ...(above > 0 ? [[FOUR_GIB, above]] : [])];
  const bytes = new Uint8Array(E820_ENTRY_SIZE * ranges.length);
  ranges.forEach(([base, size], i) => {
    bytes.set(integer(base, 8), E820_ENTRY_SIZE * i);
    bytes.set(integer(size, 8), E820_ENTRY_SIZE * i + 8);
    bytes.set(integer(E820_RAM, 4), E820_ENTRY_SIZE * i + 16);
  });
  return bytes;
}

/** The register is big-endian: the byte at the lowest port is the most significant one. */
function readSignature(offset: number, width: Width): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) {
    const at = offset + i;
    const word = at < 4 ? DMA_SIGNATURE_HIGH : DMA_SIGNATURE_LOW;
    value = value * 256 + ((word >>> (8 * (3 - (at & 3)))) & 0xff);
  }
  return value;
}

function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
