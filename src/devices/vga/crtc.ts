/**
 * CRT controller (ports 3D4/3D5 or 3B4/3B5): geometry, start address, cursor, and the timing that input status 1 shows
 * [IBM VGA 2, CRT Controller Registers]. The beam is a function of the virtual clock; no timer runs for it.
 *
 * Deviations: no vertical interrupt (as QEMU's); skew bits are kept without effect.
 */
import { RegisterFile } from './register-file.ts';
import * as R from './registers.ts';

/** Where the beam's phases lie, in scan lines and nanoseconds. */
export interface Timing {
  readonly lineNs: number;
  /** Displayed part of a line. */
  readonly visibleNs: number;
  readonly lines: number;
  readonly displayLines: number;
  readonly retraceStart: number;
  readonly retraceEnd: number;
}

/** What a monitor shows with no sensible values in the registers: 640x400 at 70 Hz. */
const FALLBACK: Timing = {
  lineNs: 31778,
  visibleNs: 25422,
  lines: 449,
  displayLines: 400,
  retraceStart: 412,
  retraceEnd: 414,
};
/** Frame times that a guest polling for retrace can live with: 20 to 200 Hz. */
const FRAME_MIN_NS = 5_000_000,
  FRAME_MAX_NS = 50_000_000;

export class Crtc extends RegisterFile {
  constructor() {
    super(new Array<number>(R.CRTC_COUNT).fill(0xff), 0x3f);
  }

  /** Registers 0 to 7 are locked by bit 7 of register 11h, line compare's bit in register 7 excepted. */
  override writeData(value: number): boolean {
    if (this.index > R.CRTC_OVERFLOW || (this.registers[R.CRTC_VERTICAL_RETRACE_END] & R.CRTC_VRE_PROTECT) === 0) {
      return this.set(this.index, value);
    }
    if (this.index !== R.CRTC_OVERFLOW) return false;
    const kept = this.registers[R.CRTC_OVERFLOW] & ~R.CRTC_OV_LINE_COMPARE_8;
    return this.set(R.CRTC_OVERFLOW, kept | (value & R.CRTC_OV_LINE_COMPARE_8));
  }

  private word(high: number): number {
    return (this.registers[high] << 8) | this.registers[high + 1];
  }

  get startAddress(): number {
    return this.word(R.CRTC_START_ADDRESS_HIGH);
  }

  get cursorLocation(): number {
    return this.word(R.CRTC_CURSOR_LOCATION_HIGH);
  }

  /** Displayed character clocks of a line. */
  get columns(): number {
    return this.registers[R.CRTC_HORIZONTAL_DISPLAY_END] + 1;
  }

  /** Displayed scan lines of a frame. */
  get displayLines(): number {
    return this.tenBits(R.CRTC_VERTICAL_DISPLAY_END, 1, 6) + 1;
  }

  /** Scan line after which the display starts again at address 0. */
  get lineCompare(): number {
    const overflow = this.registers[R.CRTC_OVERFLOW];
    const maximum = this.registers[R.CRTC_MAXIMUM_SCAN_LINE];
    const high = ((overflow & R.CRTC_OV_LINE_COMPARE_8) << 4) | ((maximum & R.CRTC_MSL_LINE_COMPARE_9) << 3);
    return this.registers[R.CRTC_LINE_COMPARE] | high;
  }

  /** Scan lines of a row of characters (or of a repeated graphics line), 1 to 32. */
  get rowHeight(): number {
    return (this.registers[R.CRTC_MAXIMUM_SCAN_LINE] & 0x1f) + 1;
  }

  get doubleScan(): boolean {
    return (this.registers[R.CRTC_MAXIMUM_SCAN_LINE] & R.CRTC_MSL_DOUBLE_SCAN) !== 0;
  }

  /** Memory addresses from one row to the next. */
  get rowOffset(): number {
    return this.registers[R.CRTC_OFFSET] * 2;
  }

  get presetRowScan(): number {
    return this.registers[R.CRTC_PRESET_ROW_SCAN] & 0x1f;
  }

  get bytePanning(): number {
    return (this.registers[R.CRTC_PRESET_ROW_SCAN] >> 5) & 3;
  }

  get underlineRow(): number {
    return this.registers[R.CRTC_UNDERLINE_LOCATION] & 0x1f;
  }

  /** Bits of the row counter that replace address bits 13 and 14 (CGA and Hercules layouts). */
  get rowScanBits(): number {
    return ~this.registers[R.CRTC_MODE_CONTROL] & (R.CRTC_MC_CMS0 | R.CRTC_MC_CMS1);
  }

  /** How far memory addresses are shifted on their way out: 0 byte, 1 word, 2 doubleword mode. */
  get addressShift(): 0 | 1 | 2 {
    if (this.registers[R.CRTC_UNDERLINE_LOCATION] & R.CRTC_UL_DOUBLEWORD) return 2;
    return this.registers[R.CRTC_MODE_CONTROL] & R.CRTC_MC_BYTE_MODE ? 0 : 1;
  }

  /** @param dotNs nanoseconds of a dot; @param dots dots of a character clock. */
  timing(dotNs: number, dots: number): Timing {
    const characterNs = dotNs * dots;
    const lineNs = (this.registers[R.CRTC_HORIZONTAL_TOTAL] + 5) * characterNs;
    const lines = this.tenBits(R.CRTC_VERTICAL_TOTAL, 0, 5) + 2;
    const frameNs = lineNs * lines;
    if (frameNs < FRAME_MIN_NS || frameNs > FRAME_MAX_NS) return FALLBACK;
    const retraceStart = this.tenBits(R.CRTC_VERTICAL_RETRACE_START, 2, 7);
    if (retraceStart >= lines) return FALLBACK;
    // The end is told by its low four bits only.
    const length = (this.registers[R.CRTC_VERTICAL_RETRACE_END] - retraceStart) & 0x0f || 16;
    return {
      lineNs,
      visibleNs: Math.min(this.columns * characterNs, lineNs),
      lines,
      displayLines: Math.min(this.displayLines, lines),
      retraceStart,
      retraceEnd: retraceStart + length,
    };
  }

  /** A value whose bits 8 and 9 lie in the overflow register. */
  private tenBits(index: number, bit8: number, bit9: number): number {
    const overflow = this.registers[R.CRTC_OVERFLOW];
    return this.registers[index] | (((overflow >> bit8) & 1) << 8) | (((overflow >> bit9) & 1) << 9);
  }
}

/** Bits of input status 1 that follow the beam. */
export function beamStatus(timing: Timing, now: number): number {
  const position = now % (timing.lineNs * timing.lines);
  const line = Math.floor(position / timing.lineNs);
  let status = 0;
  if (line >= timing.displayLines || position - line * timing.lineNs >= timing.visibleNs)
    status |= R.IS1_DISPLAY_DISABLED;
  if (line >= timing.retraceStart && line < timing.retraceEnd) {
    status |= R.IS1_VERTICAL_RETRACE | R.IS1_DISPLAY_DISABLED;
  }
  return status;
}
