/**
 * Graphics controller (ports 3CE/3CF): what becomes of a byte between the processor and the four planes
 * [IBM VGA 2, Graphics Controller Registers]. Plane data is a 32-bit value, plane n in bits 8n to 8n+7.
 */
import { RegisterFile, type RegisterFileState } from './register-file.ts';
import * as R from './registers.ts';

/** Four bits, one a plane, to the mask of those planes. */
export const PLANE_MASK = Int32Array.from({ length: 16 }, (_, planes) =>
  [0, 1, 2, 3].reduce((mask, plane) => mask | ((planes >> plane) & 1 ? 0xff << (plane * 8) : 0), 0),
);

/** A byte in all four planes. */
const spread = (byte: number): number => Math.imul(byte, 0x01010101);

export interface GraphicsControllerState extends RegisterFileState {
  readonly latch: number;
}

export class GraphicsController extends RegisterFile {
  /** What the last read fetched from the four planes. */
  latch = 0;

  constructor() {
    super([0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff], 0x0f);
  }

  get writeMode(): number {
    return this.registers[R.GC_GRAPHICS_MODE] & R.GC_GM_WRITE_MODE;
  }

  get readMode1(): boolean {
    return (this.registers[R.GC_GRAPHICS_MODE] & R.GC_GM_READ_MODE_1) !== 0;
  }

  get readPlane(): number {
    return this.registers[R.GC_READ_MAP_SELECT];
  }

  /** Reads take planes by address bit 0. */
  get oddEven(): boolean {
    return (this.registers[R.GC_GRAPHICS_MODE] & R.GC_GM_ODD_EVEN) !== 0;
  }

  /** Two adjacent addresses share a place in the planes. */
  get chainOddEven(): boolean {
    return (this.registers[R.GC_MISCELLANEOUS] & R.GC_MI_CHAIN_ODD_EVEN) !== 0;
  }

  get graphics(): boolean {
    return (this.registers[R.GC_MISCELLANEOUS] & R.GC_MI_GRAPHICS) !== 0;
  }

  /** 0: A0000, 128 KiB; 1: A0000, 64 KiB; 2: B0000, 32 KiB; 3: B8000, 32 KiB. */
  get memoryMap(): number {
    return this.registers[R.GC_MISCELLANEOUS] >> R.GC_MI_MEMORY_MAP_SHIFT;
  }

  get shift256(): boolean {
    return (this.registers[R.GC_GRAPHICS_MODE] & R.GC_GM_SHIFT_256) !== 0;
  }

  get shiftInterleave(): boolean {
    return (this.registers[R.GC_GRAPHICS_MODE] & R.GC_GM_SHIFT_INTERLEAVE) !== 0;
  }

  /** Write mode 0 with nothing in the way: each plane gets the processor's byte as it is. */
  get writesPlain(): boolean {
    const r = this.registers;
    return (
      this.writeMode === 0 && r[R.GC_ENABLE_SET_RESET] === 0 && r[R.GC_DATA_ROTATE] === 0 && r[R.GC_BIT_MASK] === 0xff
    );
  }

  /** What a processor's write puts into the four planes. */
  combine(value: number): number {
    const r = this.registers;
    let mask = r[R.GC_BIT_MASK];
    let data: number;
    switch (this.writeMode) {
      case 0: {
        const set = PLANE_MASK[r[R.GC_ENABLE_SET_RESET]];
        data = (spread(this.rotate(value)) & ~set) | (PLANE_MASK[r[R.GC_SET_RESET]] & set);
        break;
      }
      case 1:
        return this.latch;
      case 2:
        data = PLANE_MASK[value & 0x0f];
        break;
      default:
        data = PLANE_MASK[r[R.GC_SET_RESET]];
        mask &= this.rotate(value);
    }
    const bits = spread(mask);
    return (this.logical(data) & bits) | (this.latch & ~bits);
  }

  /** What read mode 1 gives for the latched data: ones where all planes that matter have the color to compare with. */
  compare(): number {
    const care = PLANE_MASK[this.registers[R.GC_COLOR_DONT_CARE]];
    const differing = (this.latch ^ PLANE_MASK[this.registers[R.GC_COLOR_COMPARE]]) & care;
    return ~(differing | (differing >>> 8) | (differing >>> 16) | (differing >>> 24)) & 0xff;
  }

  private rotate(value: number): number {
    const count = this.registers[R.GC_DATA_ROTATE] & 7;
    return ((value >> count) | (value << (8 - count))) & 0xff;
  }

  private logical(data: number): number {
    switch (this.registers[R.GC_DATA_ROTATE] >> 3) {
      case 1:
        return data & this.latch;
      case 2:
        return data | this.latch;
      case 3:
        return data ^ this.latch;
      default:
        return data;
    }
  }

  override reset(): void {
    super.reset();
    this.latch = 0;
  }

  save(): GraphicsControllerState {
    return { ...this.saveFile(), latch: this.latch };
  }

  restore(state: GraphicsControllerState): void {
    this.restoreFile(state);
    this.latch = state.latch;
  }
}
