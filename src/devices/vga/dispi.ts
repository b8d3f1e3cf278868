/**
 * Bochs VBE extension ("DISPI"): ports 1CE (index) and 1CF or 1D0 (data), 16 bits wide. The registers only; what
 * switching a mode on does to the rest of the VGA is in vga.ts. References: QEMU docs/specs/standard-vga; the VBE
 * documentation that comes with Bochs (vbe_display_api.txt), identifier B0C5.
 *
 * Nonsensical geometry is moved to the nearest that fits the memory when a mode is on, as QEMU does.
 */
import * as R from './registers.ts';

/** Where the pixels of a VBE mode lie. */
export interface VbeGeometry {
  readonly width: number;
  readonly height: number;
  readonly bpp: 4 | 8 | 15 | 16 | 24 | 32;
  /** Bytes from one line to the next; in 4 bpp modes, bytes of each plane. */
  readonly lineBytes: number;
  /** Byte offset of the first pixel shown; in 4 bpp modes, in each plane. */
  readonly start: number;
}

export interface DispiState {
  readonly index: number;
  readonly registers: Uint16Array;
}

const DEPTHS: readonly number[] = [4, 8, 15, 16, 24, 32];
/** 4 bpp stands for half a byte here: a line of `width` pixels takes width / 2 bytes of memory. */
const bitsInMemory = (bpp: number): number => (bpp === 15 ? 16 : bpp);

export class Dispi {
  index = 0;
  private readonly registers = new Uint16Array(R.DISPI_COUNT);
  private readonly vramBytes: number;

  constructor(vramBytes: number) {
    this.vramBytes = vramBytes;
    this.reset();
  }

  get enabled(): boolean {
    return (this.registers[R.DISPI_ENABLE] & R.DISPI_ENABLED) !== 0;
  }

  get eightBitDac(): boolean {
    return (this.registers[R.DISPI_ENABLE] & R.DISPI_8BIT_DAC) !== 0;
  }

  get bpp(): VbeGeometry['bpp'] {
    return this.registers[R.DISPI_BPP] as VbeGeometry['bpp'];
  }

  /** Bytes that the window at A0000 is moved by; zero while no VBE mode is on. */
  get bankOffset(): number {
    return this.enabled ? this.registers[R.DISPI_BANK] * 0x10000 : 0;
  }

  get geometry(): VbeGeometry {
    const r = this.registers;
    const bits = bitsInMemory(this.bpp);
    const perPlane = this.bpp === 4 ? 4 : 1;
    const lineBytes = (r[R.DISPI_VIRT_WIDTH] * bits) / 8 / perPlane;
    const start = r[R.DISPI_Y_OFFSET] * lineBytes + Math.floor((r[R.DISPI_X_OFFSET] * bits) / 8 / perPlane);
    return { width: r[R.DISPI_XRES], height: r[R.DISPI_YRES], bpp: this.bpp, lineBytes, start };
  }

  /** @param index which register; the port side passes the index register. */
  read(index = this.index): number {
    const capabilities = (this.registers[R.DISPI_ENABLE] & R.DISPI_GETCAPS) !== 0;
    switch (index) {
      case R.DISPI_XRES:
        return capabilities ? R.DISPI_MAX_XRES : this.registers[index];
      case R.DISPI_YRES:
        return capabilities ? R.DISPI_MAX_YRES : this.registers[index];
      case R.DISPI_BPP:
        return capabilities ? R.DISPI_MAX_BPP : this.registers[index];
      case R.DISPI_VIDEO_MEMORY_64K:
        return this.vramBytes / 0x10000;
      default:
        return index < R.DISPI_COUNT ? this.registers[index] : 0;
    }
  }

  /** Returns whether this write has switched a mode on. */
  write(value: number, index = this.index): boolean {
    if (index === R.DISPI_ID) {
      if (value >= R.DISPI_ID0 && value <= R.DISPI_ID5) this.registers[index] = value;
      return false;
    }
    if (index >= R.DISPI_VIDEO_MEMORY_64K) return false;
    const before = this.enabled;
    this.registers[index] = value;
    if (index === R.DISPI_BANK) this.registers[index] = value % (this.vramBytes / 0x10000);
    if (!this.enabled) {
      this.registers[R.DISPI_BANK] = index === R.DISPI_BANK ? this.registers[index] : 0;
      return false;
    }
    const switchedOn = !before;
    if (switchedOn) {
      this.registers[R.DISPI_VIRT_WIDTH] = this.registers[R.DISPI_X_OFFSET] = this.registers[R.DISPI_Y_OFFSET] = 0;
    }
    this.fit();
    return switchedOn;
  }

  get clearsMemory(): boolean {
    return (this.registers[R.DISPI_ENABLE] & R.DISPI_NOCLEARMEM) === 0;
  }

  reset(): void {
    this.index = 0;
    this.registers.fill(0);
    this.registers[R.DISPI_ID] = R.DISPI_ID5;
  }

  save(): DispiState {
    return { index: this.index, registers: this.registers.slice() };
  }

  restore(state: DispiState): void {
    this.index = state.index;
    this.registers.set(state.registers);
  }

  /** Makes the geometry one that lies inside the memory. */
  private fit(): void {
    const r = this.registers;
    if (!DEPTHS.includes(r[R.DISPI_BPP])) r[R.DISPI_BPP] = 8;
    const bits = bitsInMemory(r[R.DISPI_BPP]);
    r[R.DISPI_XRES] = Math.min(Math.max(r[R.DISPI_XRES] & ~7, 8), R.DISPI_MAX_XRES);
    r[R.DISPI_YRES] = Math.min(Math.max(r[R.DISPI_YRES], 1), R.DISPI_MAX_YRES);
    r[R.DISPI_VIRT_WIDTH] = Math.max(r[R.DISPI_VIRT_WIDTH] & ~7, r[R.DISPI_XRES]);
    let lineBytes = (r[R.DISPI_VIRT_WIDTH] * bits) / 8;
    if (lineBytes * r[R.DISPI_YRES] > this.vramBytes) {
      r[R.DISPI_VIRT_WIDTH] = r[R.DISPI_XRES];
      lineBytes = (r[R.DISPI_VIRT_WIDTH] * bits) / 8;
    }
    const lines = Math.floor(this.vramBytes / lineBytes);
    r[R.DISPI_YRES] = Math.min(r[R.DISPI_YRES], lines);
    r[R.DISPI_VIRT_HEIGHT] = Math.min(lines, 0xffff);
    r[R.DISPI_X_OFFSET] = Math.min(r[R.DISPI_X_OFFSET], r[R.DISPI_VIRT_WIDTH] - r[R.DISPI_XRES]);
    r[R.DISPI_Y_OFFSET] = Math.min(r[R.DISPI_Y_OFFSET], lines - r[R.DISPI_YRES]);
  }
}
