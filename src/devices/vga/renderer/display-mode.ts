/**
 * What the registers say is on the screen, in one description that the renderers work from.
 *
 * Lines that the hardware repeats (double scan, 200-line modes on a 400-line monitor) are rendered once, and dots of a
 * halved dot clock in graphics are one pixel: mode 13h is a picture of 320 by 200, `aspect` says how it is shown.
 */
import * as R from '../registers.ts';
import type { Vga } from '../vga.ts';

interface Common {
  readonly width: number;
  readonly height: number;
  /** Width to height of the picture on the monitor. */
  readonly aspect: number;
}

/** How scan lines get their addresses. Addresses count places in the planes. */
export interface Addressing {
  readonly start: number;
  readonly rowOffset: number;
  /** Scan lines from one rendered line to the next. */
  readonly lineStep: number;
  readonly doubleScan: boolean;
  readonly rowHeight: number;
  readonly presetRowScan: number;
  readonly lineCompare: number;
  /** Pixels that the picture is moved to the left by, above and below line compare. */
  readonly panning: number;
  readonly panningBelow: number;
  /** Address bits that the row counter's bits 0 and 1 replace, or 0. */
  readonly rowBit0: number;
  readonly rowBit1: number;
}

export type DisplayMode =
  | ({ readonly kind: 'blank' } & Common)
  | ({ readonly kind: 'text'; readonly columns: number; readonly dots: 8 | 9; readonly doubled: boolean } & Common &
      Addressing)
  | ({ readonly kind: 'planar' | 'interleaved' | 'packed' } & Common & Addressing)
  | ({
      readonly kind: 'linear';
      readonly bpp: 8 | 15 | 16 | 24 | 32;
      readonly start: number;
      readonly lineBytes: number;
    } & Common);

const NO_LINE_COMPARE = Number.POSITIVE_INFINITY;
const MONITOR_ASPECT = 4 / 3;
/** A picture that a register accident asks for; nothing on a VGA is larger than this. */
const MAX_WIDTH = 2048,
  MAX_HEIGHT = 1024;

export function displayMode(vga: Vga): DisplayMode {
  const { attribute, dispi, sequencer } = vga;
  const mode = dispi.enabled ? vbeMode(vga) : legacyMode(vga);
  const blank = !attribute.paletteEnabled || (!dispi.enabled && sequencer.screenOff);
  return blank ? { kind: 'blank', width: mode.width, height: mode.height, aspect: mode.aspect } : mode;
}

function vbeMode(vga: Vga): DisplayMode {
  const { width, height, bpp, start, lineBytes } = vga.dispi.geometry;
  const common = { width, height, aspect: width / height };
  if (bpp !== 4) return { kind: 'linear', bpp, start, lineBytes, ...common };
  return { kind: 'planar', ...common, ...plainAddressing(start, lineBytes) };
}

function plainAddressing(start: number, rowOffset: number): Addressing {
  return {
    start,
    rowOffset,
    lineStep: 1,
    doubleScan: false,
    rowHeight: 1,
    presetRowScan: 0,
    lineCompare: NO_LINE_COMPARE,
    panning: 0,
    panningBelow: 0,
    rowBit0: 0,
    rowBit1: 0,
  };
}

function legacyMode(vga: Vga): DisplayMode {
  const { crtc, graphics, sequencer } = vga;
  const lines = Math.min(crtc.displayLines, MAX_HEIGHT);
  if (!graphics.graphics) {
    const dots = sequencer.dotsPerCharacter;
    const doubled = sequencer.dotClockHalved;
    const columns = Math.min(crtc.columns, Math.floor(MAX_WIDTH / (doubled ? 18 : 9)));
    const width = columns * dots * (doubled ? 2 : 1);
    const addressing = legacyAddressing(vga, 1, textPanning(vga, dots));
    return { kind: 'text', columns, dots, doubled, width, height: lines, aspect: MONITOR_ASPECT, ...addressing };
  }
  const kind = graphics.shift256 ? 'packed' : graphics.shiftInterleave ? 'interleaved' : 'planar';
  const lineStep = (crtc.doubleScan ? 2 : 1) * (crtc.rowScanBits ? 1 : crtc.rowHeight);
  const width = Math.min(crtc.columns * (kind === 'packed' ? 4 : 8), MAX_WIDTH);
  const height = Math.max(1, Math.floor(lines / lineStep));
  const pan = vga.attribute.pixelPanning;
  const panning = kind === 'packed' ? (pan >> 1) & 3 : pan & 7;
  return { kind, width, height, aspect: MONITOR_ASPECT, ...legacyAddressing(vga, lineStep, panning) };
}

/** With nine dots, 8 stands for no panning and 0 to 7 for one more [IBM VGA 2, Horizontal PEL Panning]. */
function textPanning(vga: Vga, dots: 8 | 9): number {
  const pan = vga.attribute.pixelPanning;
  if (dots === 8) return pan & 7;
  return pan >= 8 ? 0 : pan + 1;
}

function legacyAddressing(vga: Vga, lineStep: number, panning: number): Addressing {
  const { attribute, crtc } = vga;
  const bits = crtc.rowScanBits;
  return {
    start: crtc.startAddress + crtc.bytePanning,
    rowOffset: crtc.rowOffset,
    lineStep,
    doubleScan: crtc.doubleScan,
    rowHeight: crtc.rowHeight,
    presetRowScan: crtc.presetRowScan,
    lineCompare: crtc.lineCompare,
    panning,
    panningBelow: attribute.panningCompatible ? 0 : panning,
    rowBit0: bits & R.CRTC_MC_CMS0 ? 1 << (13 - crtc.addressShift) : 0,
    rowBit1: bits & R.CRTC_MC_CMS1 ? 1 << (14 - crtc.addressShift) : 0,
  };
}

/** Where one rendered line begins. */
export interface Line {
  /** First place in the planes. */
  address: number;
  /** Scan line in its row of characters. */
  rowScan: number;
  panning: number;
}

/** Fills `line` for the line `y` of the picture. */
export function locate(mode: Addressing, y: number, line: Line): void {
  let scan = y * mode.lineStep;
  let start = mode.start;
  let preset = mode.presetRowScan;
  line.panning = mode.panning;
  if (scan > mode.lineCompare) {
    scan -= mode.lineCompare + 1;
    start = preset = 0;
    line.panning = mode.panningBelow;
  }
  const counted = (mode.doubleScan ? scan >> 1 : scan) + preset;
  line.rowScan = counted % mode.rowHeight;
  line.address = start + Math.floor(counted / mode.rowHeight) * mode.rowOffset;
}

/** Replaces address bits by the row counter's, for the layouts of the CGA and the Hercules card. */
export function withRowBits(mode: Addressing, address: number, rowScan: number): number {
  let at = address;
  if (mode.rowBit0) at = (at & ~mode.rowBit0) | (rowScan & 1 ? mode.rowBit0 : 0);
  if (mode.rowBit1) at = (at & ~mode.rowBit1) | (rowScan & 2 ? mode.rowBit1 : 0);
  return at;
}
