/**
 * Configuration space of one PCI function: identification, command register, base address registers that map and unmap
 * regions, and the interrupt pin. A device makes one, adds its regions as BARs in `attach` and drives `interrupt`.
 *
 * References: [PCI 2.1] chapter 6; [PCI 2.3] 6.2.2 (interrupt disable and status).
 * Deviation: a BAR of address 0 or one that ends past 4 GiB stays unmapped, so that a guest sizing its BARs with decoding
 * on does not move a region over memory.
 */
import type { IrqLine, Region, Width } from '../device.ts';
import {
  PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_PREFETCH, PCI_BASE_ADDRESS_SPACE_IO, PCI_CACHE_LINE_SIZE, PCI_CAPABILITY_LIST, PCI_CLASS_PROG,
  PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, PCI_COMMAND_IO, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY, PCI_COMMAND_WRITABLE,
  PCI_DEVICE_ID, PCI_HEADER_TYPE, PCI_HEADER_TYPE_MULTI_FUNCTION, PCI_INTERRUPT_LINE, PCI_INTERRUPT_PIN,
  PCI_LATENCY_TIMER, PCI_REVISION_ID, PCI_ROM_ADDRESS, PCI_ROM_ADDRESS_ENABLE, PCI_STATUS, PCI_STATUS_CAP_LIST, PCI_STATUS_CLEARABLE,
  PCI_STATUS_INTERRUPT, PCI_SUBSYSTEM_ID, PCI_SUBSYSTEM_VENDOR_ID, PCI_VENDOR_ID, SUBSYSTEM_QEMU, SUBSYSTEM_VENDOR_QEMU,
} from './registers.ts';

export interface PciConfigOptions {
  readonly vendorId: number;
  readonly deviceId: number;
  /** 24 bits: base class, subclass, programming interface; 0x010180 is an IDE controller with bus mastering. */
  readonly classCode: number;
  readonly revision?: number;
  /** Default: QEMU's 1af4:1100. */
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** 1 is INTA#. Default: 0, no interrupt. */
  readonly interruptPin?: 0 | 1 | 2 | 3 | 4;
  /** Function 0 of a device with more functions. */
  readonly multifunction?: boolean;
  /** Default: the usual bits. */
  readonly commandWritable?: number;
  /** Command register after a reset. Default: 0, nothing is decoded. */
  readonly command?: number;
  readonly status?: number;
}

export interface PciConfigState {
  readonly version: 1;
  readonly bytes: Uint8Array;
  readonly pinAsserted: boolean;
}

interface Bar {
  readonly register: number;
  readonly size: number;
  readonly io: boolean;
  readonly region: Region;
}

const CONFIG_SIZE = 256;
/** Where capabilities begin, after the header. */
const CAPABILITIES = 0x40;

export class PciConfig {
  /** What the guest reads. A device writes its own read-only registers here. */
  readonly bytes = new Uint8Array(CONFIG_SIZE);
  /** The function's interrupt pin, level-triggered; the device drives it as if it were wired straight through. */
  readonly interrupt: IrqLine = { set: (level) => this.setPin(level) };
  /** Called after a guest's write that touched [offset, offset + width). Mapping of BARs is already done. */
  onWrite: ((offset: number, width: Width) => void) | undefined = undefined;
  /** Called before a guest's read of [offset, offset + width), for registers that are worked out when they are read. */
  onRead: ((offset: number, width: Width) => void) | undefined = undefined;
  private nextCapability = CAPABILITIES;
  private readonly writable = new Uint8Array(CONFIG_SIZE);
  private readonly clearable = new Uint8Array(CONFIG_SIZE);
  private readonly initial = new Uint8Array(CONFIG_SIZE);
  private readonly bars: Bar[] = [];
  private pinAsserted = false;
  private line: IrqLine | undefined = undefined;

  constructor(options: PciConfigOptions) {
    this.define(PCI_VENDOR_ID, 2, options.vendorId);
    this.define(PCI_DEVICE_ID, 2, options.deviceId);
    this.define(PCI_COMMAND, 2, options.command ?? 0, options.commandWritable ?? PCI_COMMAND_WRITABLE);
    this.define(PCI_STATUS, 2, options.status ?? 0);
    this.clearable[PCI_STATUS + 1] = PCI_STATUS_CLEARABLE >> 8;
    this.define(PCI_REVISION_ID, 1, options.revision ?? 0);
    this.define(PCI_CLASS_PROG, 2, options.classCode & 0xffff);
    this.define(PCI_CLASS_PROG + 2, 1, options.classCode >>> 16);
    this.define(PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
    this.define(PCI_LATENCY_TIMER, 1, 0, 0xff);
    this.define(PCI_HEADER_TYPE, 1, options.multifunction === true ? PCI_HEADER_TYPE_MULTI_FUNCTION : 0);
    this.define(PCI_SUBSYSTEM_VENDOR_ID, 2, options.subsystemVendorId ?? SUBSYSTEM_VENDOR_QEMU);
    this.define(PCI_SUBSYSTEM_ID, 2, options.subsystemId ?? SUBSYSTEM_QEMU);
    this.define(PCI_INTERRUPT_LINE, 1, 0, 0xff);
    this.define(PCI_INTERRUPT_PIN, 1, options.interruptPin ?? 0);
  }

  /** Sets a register's value after reset and the bits that the guest may change. */
  define(offset: number, width: Width, value: number, writableBits = 0): void {
    for (let i = 0; i < width; i++) {
      this.initial[offset + i] = value >>> (8 * i);
      this.bytes[offset + i] = value >>> (8 * i);
      this.writable[offset + i] = writableBits >>> (8 * i);
    }
  }

  /** Puts a capability of `size` bytes in front of the list [PCI 2.3, 6.7]; gives its offset. */
  addCapability(id: number, size: number): number {
    const at = this.nextCapability;
    this.nextCapability = (at + size + 3) & ~3;
    if (this.nextCapability > CONFIG_SIZE) throw new Error('capabilities of a PCI function do not fit');
    this.define(at, 1, id);
    this.define(at + 1, 1, this.bytes[PCI_CAPABILITY_LIST]);
    this.define(PCI_CAPABILITY_LIST, 1, at);
    this.define(PCI_STATUS, 2, this.get(PCI_STATUS, 2) | PCI_STATUS_CAP_LIST);
    return at;
  }

  /** Changes which bits of a byte the guest may write, for registers that can be locked. */
  setWritable(offset: number, bits: number): void {
    this.writable[offset] = bits;
  }

  /** Base address register `index` (0 to 5) for ports; `size` is a power of two, at least 4. Default: the region's size rounded up. */
  addIoBar(index: number, region: Region, size = roundUp(region.size, 4)): void {
    this.addBar(PCI_BASE_ADDRESS_0 + 4 * index, size, true, region, PCI_BASE_ADDRESS_SPACE_IO);
  }

  /** Base address register for memory, 32 bits wide; `size` is a power of two, at least 16. */
  addMemoryBar(index: number, region: Region, options: { readonly size?: number; readonly prefetchable?: boolean } = {}): void {
    const flags = options.prefetchable === true ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0;
    this.addBar(PCI_BASE_ADDRESS_0 + 4 * index, options.size ?? roundUp(region.size, 16), false, region, flags);
  }

  /** Expansion ROM; `size` is a power of two, at least 2 KiB. */
  addRomBar(region: Region, size = roundUp(region.size, 2048)): void {
    this.addBar(PCI_ROM_ADDRESS, size, false, region, 0);
    this.writable[PCI_ROM_ADDRESS] |= PCI_ROM_ADDRESS_ENABLE;
  }

  /** Wires the interrupt pin; the bus does it when the function is put into a slot. */
  connect(line: IrqLine): void {
    this.line = line;
    this.updateLine();
  }

  get(offset: number, width: Width): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.bytes[(offset + i) & 0xff];
    return value;
  }

  get interruptPin(): number {
    return this.bytes[PCI_INTERRUPT_PIN];
  }

  /** The guest allows this function to be a bus master: to access memory, and to send messages [PCI 2.3, 6.2.2; PCI 3.0, 6.8.3]. */
  get busMaster(): boolean {
    return (this.bytes[PCI_COMMAND] & PCI_COMMAND_MASTER) !== 0;
  }

  /** As if the guest had allowed it. */
  becomeMaster(): void {
    this.bytes[PCI_COMMAND] |= PCI_COMMAND_MASTER;
  }

  read(offset: number, width: Width): number {
    this.onRead?.(offset, width);
    return this.get(offset, width);
  }

  write(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) {
      const at = (offset + i) & 0xff;
      const byte = (value >>> (8 * i)) & 0xff;
      this.bytes[at] = ((this.bytes[at] & ~this.writable[at]) | (byte & this.writable[at])) & ~(byte & this.clearable[at]);
    }
    const touches = (from: number, size: number): boolean => offset < from + size && from < offset + width;
    if (touches(PCI_COMMAND, 2)) {
      this.updateBars();
      this.updateLine();
    } else if (touches(PCI_BASE_ADDRESS_0, 24) || touches(PCI_ROM_ADDRESS, 4)) {
      this.updateBars();
    }
    this.onWrite?.(offset, width);
  }

  reset(): void {
    this.bytes.set(this.initial);
    this.pinAsserted = false;
    this.updateBars();
  }

  save(): PciConfigState {
    return { version: 1, bytes: this.bytes.slice(), pinAsserted: this.pinAsserted };
  }

  restore(state: PciConfigState): void {
    this.bytes.set(state.bytes);
    this.pinAsserted = state.pinAsserted;
    this.updateBars();
    this.updateLine();
  }

  private addBar(register: number, size: number, io: boolean, region: Region, flags: number): void {
    this.bars.push({ register, size, io, region });
    this.define(register, 4, flags, -size >>> 0);
  }

  private updateBars(): void {
    const wanted = this.bars.map((bar) => this.barAddress(bar));
    // Everything that goes away goes first, so that two regions can change places.
    this.bars.forEach(({ region }, i) => {
      if (region.base !== undefined && region.base !== wanted[i]) region.unmap();
    });
    this.bars.forEach(({ region }, i) => {
      const base = wanted[i];
      if (base !== undefined && region.base !== base) region.mapAt(base);
    });
  }

  private barAddress(bar: Bar): number | undefined {
    const enable = bar.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    if ((this.bytes[PCI_COMMAND] & enable) === 0) return undefined;
    const raw = this.get(bar.register, 4);
    if (bar.register === PCI_ROM_ADDRESS && (raw & PCI_ROM_ADDRESS_ENABLE) === 0) return undefined;
    const base = (raw & -bar.size) >>> 0;
    const end = base + bar.size;
    if (base === 0 || end > (bar.io ? 0x10000 : 0xffffffff)) return undefined;
    return base;
  }

  private setPin(level: boolean): void {
    this.pinAsserted = level;
    this.updateLine();
  }

  private updateLine(): void {
    if (this.pinAsserted) this.bytes[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    else this.bytes[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
    this.line?.set(this.pinAsserted && (this.get(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) === 0);
  }
}

function roundUp(size: number, least: number): number {
  let power = least;
  while (power < size) power *= 2;
  return power;
}
