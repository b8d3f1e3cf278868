/**
 * Attribute controller (port 3C0, read back at 3C1): the 16-color palette, and what the last step to the DAC does
 * [IBM VGA 2, Attribute Controller Registers].
 *
 * Deviation: palette registers can be written while the display uses the palette (as on QEMU's and most clones).
 */
import { RegisterFile, type RegisterFileState } from './register-file.ts';
import * as R from './registers.ts';

export interface AttributeControllerState extends RegisterFileState {
  readonly dataNext: boolean;
}

const WRITABLE = [...new Array<number>(16).fill(0x3f), 0xef, 0xff, 0x3f, 0x0f, 0x0f];

export class AttributeController extends RegisterFile {
  /** The flip-flop: whether the next write to 3C0 is data. */
  private dataNext = false;

  constructor() {
    super(WRITABLE, 0x3f);
  }

  /** A write to 3C0. Returns whether the screen may look different. */
  writeIndexOrData(value: number): boolean {
    this.dataNext = !this.dataNext;
    if (!this.dataNext) return this.set(this.index & 0x1f, value);
    const before = this.index;
    this.selectIndex(value);
    return ((before ^ this.index) & R.ATC_INDEX_PAS) !== 0;
  }

  override readData(): number {
    return this.registers[this.index & 0x1f] ?? 0;
  }

  /** Reading input status 1 makes the next write an index. */
  resetFlipFlop(): void {
    this.dataNext = false;
  }

  get paletteEnabled(): boolean {
    return (this.index & R.ATC_INDEX_PAS) !== 0;
  }

  get blink(): boolean {
    return (this.registers[R.ATC_MODE_CONTROL] & R.ATC_MC_BLINK) !== 0;
  }

  /** Characters C0 to DF repeat their eighth dot as the ninth. */
  get lineGraphics(): boolean {
    return (this.registers[R.ATC_MODE_CONTROL] & R.ATC_MC_LINE_GRAPHICS) !== 0;
  }

  /** The lower part of a split screen is not panned. */
  get panningCompatible(): boolean {
    return (this.registers[R.ATC_MODE_CONTROL] & R.ATC_MC_PIXEL_PANNING_COMPATIBLE) !== 0;
  }

  get pixelPanning(): number {
    return this.registers[R.ATC_HORIZONTAL_PIXEL_PANNING];
  }

  get colorPlaneEnable(): number {
    return this.registers[R.ATC_COLOR_PLANE_ENABLE] & 0x0f;
  }

  /** DAC index of one of the 16 colors. */
  dacIndex(color: number): number {
    const palette = this.registers[color & 0x0f];
    const select = this.registers[R.ATC_COLOR_SELECT];
    const p54 = this.registers[R.ATC_MODE_CONTROL] & R.ATC_MC_P54_SELECT;
    const low = p54 ? (palette & 0x0f) | ((select & 3) << 4) : palette;
    return low | ((select & 0x0c) << 4);
  }

  override reset(): void {
    super.reset();
    this.dataNext = false;
  }

  save(): AttributeControllerState {
    return { ...this.saveFile(), dataNext: this.dataNext };
  }

  restore(state: AttributeControllerState): void {
    this.restoreFile(state);
    this.dataNext = state.dataNext;
  }
}
