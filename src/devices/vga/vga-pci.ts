/**
 * PCI face of the VGA: function 1234:1111 with the frame buffer (BAR 0), a page of registers (BAR 2) and the video BIOS
 * as expansion ROM. Reference: QEMU docs/specs/standard-vga.
 *
 * Deviation: registers are little-endian only; the byte order register of the page reads so and ignores writes.
 */
import type { BusRegistrar, Device, IoHandler, RamRegion, ResetKind, Width } from '../device.ts';
import { PAGE_SIZE } from '../../memory/address.ts';
import { PciConfig, type PciConfigState } from '../pci/pci-config.ts';
import { edid } from './edid.ts';
import { DISPI_COUNT } from './registers.ts';
import { Vga, type VgaOptions, type VgaState } from './vga.ts';

export interface VgaPciOptions extends VgaOptions {
  /** Option ROM image (vgabios-stdvga.bin). Default: none, and no ROM BAR. */
  readonly rom?: Uint8Array;
}

export interface VgaPciState {
  readonly version: 1;
  readonly vga: VgaState;
  readonly config: PciConfigState;
}

const VENDOR_ID = 0x1234,
  DEVICE_ID = 0x1111,
  CLASS_VGA = 0x030000,
  REVISION = 2;
const BAR_FRAMEBUFFER = 0,
  BAR_MMIO = 2;
const MMIO_SIZE = 0x1000;
/** Parts of the register page. */
const MMIO_EDID_END = 0x400,
  MMIO_VGA = 0x400,
  MMIO_VGA_END = 0x420,
  MMIO_DISPI = 0x500,
  MMIO_QEXT = 0x600;
const MMIO_DISPI_END = MMIO_DISPI + DISPI_COUNT * 2;
/** QEMU's extension registers: how many bytes there are of them, and the frame buffer's byte order. */
const QEXT_SIZE = 8,
  QEXT_LITTLE_ENDIAN = 0x1e1e1e1e;

export class VgaPci implements Device<VgaPciState> {
  readonly id = 'vga';
  readonly vga: Vga;
  readonly config = new PciConfig({
    vendorId: VENDOR_ID,
    deviceId: DEVICE_ID,
    classCode: CLASS_VGA,
    revision: REVISION,
  });
  private readonly rom: Uint8Array | undefined;
  private readonly edid = edid();

  constructor(options: VgaPciOptions) {
    this.vga = new Vga(options);
    this.rom = options.rom;
  }

  attach(bus: BusRegistrar): void {
    this.vga.attach(bus);
    this.config.addMemoryBar(BAR_FRAMEBUFFER, this.vga.vram, { prefetchable: true });
    const mmio: IoHandler = {
      read: (offset, width) => this.readMmio(offset, width),
      write: (offset, width, value) => this.writeMmio(offset, width, value),
    };
    this.config.addMemoryBar(BAR_MMIO, bus.memory('vga-mmio', MMIO_SIZE, mmio, { widths: [1, 2] }));
    if (this.rom !== undefined) this.config.addRomBar(this.romRegion(bus, this.rom));
  }

  reset(kind: ResetKind): void {
    this.config.reset();
    this.vga.reset(kind);
  }

  save(): VgaPciState {
    return { version: 1, vga: this.vga.save(), config: this.config.save() };
  }

  restore(state: VgaPciState): void {
    this.vga.restore(state.vga);
    this.config.restore(state.config);
  }

  private romRegion(bus: BusRegistrar, rom: Uint8Array): RamRegion {
    let size = PAGE_SIZE;
    while (size < rom.length) size *= 2;
    const region = bus.ram('vga-rom', size, { rom: true });
    region.write(0, rom);
    return region;
  }

  private readMmio(offset: number, width: Width): number {
    if (offset < MMIO_EDID_END) return this.bytes(this.edid, offset, width);
    if (offset < MMIO_VGA_END) {
      const low = this.vga.readPort(offset - MMIO_VGA);
      return width === 1 ? low : low | (this.vga.readPort(offset + 1 - MMIO_VGA) << 8);
    }
    if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END) {
      const value = this.vga.dispi.read((offset - MMIO_DISPI) >> 1);
      return offset & 1 ? value >> 8 : value;
    }
    if (offset >= MMIO_QEXT && offset < MMIO_QEXT + QEXT_SIZE) {
      const value = offset < MMIO_QEXT + 4 ? QEXT_SIZE : QEXT_LITTLE_ENDIAN;
      return value >>> ((offset & 3) * 8);
    }
    return 0xffff;
  }

  private writeMmio(offset: number, width: Width, value: number): void {
    if (offset >= MMIO_VGA && offset < MMIO_VGA_END) {
      this.vga.writePort(offset - MMIO_VGA, value & 0xff);
      if (width === 2) this.vga.writePort(offset + 1 - MMIO_VGA, value >> 8);
    } else if (width === 2 && offset >= MMIO_DISPI && offset < MMIO_DISPI_END && (offset & 1) === 0) {
      this.vga.writeDispi((offset - MMIO_DISPI) >> 1, value);
    }
  }

  private bytes(source: Uint8Array, offset: number, width: Width): number {
    const low = source[offset] ?? 0;
    return width === 1 ? low : low | ((source[offset + 1] ?? 0) << 8);
  }
}
