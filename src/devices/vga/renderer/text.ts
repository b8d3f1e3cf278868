/** Text modes: characters in plane 0, attributes in plane 1, fonts in plane 2 [IBM VGA 2, "Alphanumeric modes"]. */
import type { Vga } from '../vga.ts';
import * as R from '../registers.ts';
import { CP437 } from './cp437.ts';
import { type DisplayMode, type Line, locate } from './display-mode.ts';

export type TextMode = Extract<DisplayMode, { kind: 'text' }>;

/** Frames between changes of the cursor and of blinking characters. */
const CURSOR_FRAMES = 8,
  CHARACTER_FRAMES = 16;
/** A place is an index into planes of 64 KiB. */
const PLACE_MASK = 0xffff;
/** Bytes between the glyphs of a font, and the planes that separate its rows. */
const GLYPH_SIZE = 32,
  PLANES = 4;
const PLANE_CHARACTER = 0,
  PLANE_ATTRIBUTE = 1,
  PLANE_FONT = 2;
const ATTRIBUTE_BLINK = 0x80,
  ATTRIBUTE_FONT_A = 0x08;
/** Attributes whose foreground is 1 and background 0, bright or blinking or not. */
const UNDERLINE_BITS = 0x77,
  UNDERLINE_VALUE = 0x01;
const LINE_GRAPHICS_FIRST = 0xc0,
  LINE_GRAPHICS_LAST = 0xdf;

/** Two bits that change whenever something blinks: whether the cursor, and blinking characters, can be seen now. */
export function blinkPhase(vga: Vga): number {
  const frame = Math.floor(vga.now / (vga.timing.lineNs * vga.timing.lines));
  const cursor = Math.floor(frame / CURSOR_FRAMES) & 1;
  const characters = vga.attribute.blink ? Math.floor(frame / CHARACTER_FRAMES) & 1 : 0;
  return (cursorExists(vga) ? 1 - cursor : 0) | ((1 - characters) << 1);
}

function cursorExists(vga: Vga): boolean {
  const start = vga.crtc.registers[R.CRTC_CURSOR_START];
  return (start & R.CRTC_CS_CURSOR_OFF) === 0 && (start & 0x1f) <= (vga.crtc.registers[R.CRTC_CURSOR_END] & 0x1f);
}

/** What stays the same over a frame. */
interface TextFrame {
  readonly memory: Uint8Array;
  readonly colors: Uint32Array;
  readonly fontA: number;
  readonly fontB: number;
  readonly underlineRow: number;
  readonly lineGraphics: boolean;
  readonly blink: boolean;
  readonly blinkVisible: boolean;
  /** Place of the cursor, or -1. */
  readonly cursor: number;
  readonly cursorStart: number;
  readonly cursorEnd: number;
  readonly dots: 8 | 9;
}

/** @param memory the 256 KiB of the planes; @param colors RGBA of the 16 colors. */
export function renderText(
  vga: Vga,
  mode: TextMode,
  memory: Uint8Array,
  colors: Uint32Array,
  pixels: Uint32Array,
): void {
  const { attribute, crtc, sequencer } = vga;
  const phase = blinkPhase(vga);
  const frame: TextFrame = {
    memory,
    colors,
    fontA: sequencer.fontA,
    fontB: sequencer.fontB,
    underlineRow: crtc.underlineRow,
    lineGraphics: attribute.lineGraphics,
    blink: attribute.blink,
    blinkVisible: (phase & 2) !== 0,
    cursor: phase & 1 ? crtc.cursorLocation : -1,
    cursorStart: crtc.registers[R.CRTC_CURSOR_START] & 0x1f,
    cursorEnd: crtc.registers[R.CRTC_CURSOR_END] & 0x1f,
    dots: mode.dots,
  };
  const line: Line = { address: 0, rowScan: 0, panning: 0 };
  // One column more than is shown, for panning.
  const row = new Uint32Array((mode.columns + 1) * mode.dots);
  for (let y = 0; y < mode.height; y++) {
    locate(mode, y, line);
    for (let column = 0; column <= mode.columns; column++) {
      renderCell(frame, (line.address + column) & PLACE_MASK, line.rowScan, row, column * mode.dots);
    }
    copyLine(mode, row, line.panning, pixels, y * mode.width);
  }
}

function renderCell(frame: TextFrame, place: number, rowScan: number, row: Uint32Array, at: number): void {
  const { memory, colors, dots } = frame;
  const character = memory[place * PLANES + PLANE_CHARACTER];
  const attribute = memory[place * PLANES + PLANE_ATTRIBUTE];
  const font = attribute & ATTRIBUTE_FONT_A ? frame.fontA : frame.fontB;
  let bits = memory[((font + character * GLYPH_SIZE + rowScan) & PLACE_MASK) * PLANES + PLANE_FONT] << 1;
  if (frame.lineGraphics && character >= LINE_GRAPHICS_FIRST && character <= LINE_GRAPHICS_LAST)
    bits |= (bits >> 1) & 1;
  if (frame.blink && attribute & ATTRIBUTE_BLINK && !frame.blinkVisible) bits = 0;
  if (rowScan === frame.underlineRow && (attribute & UNDERLINE_BITS) === UNDERLINE_VALUE) bits = 0x1ff;
  if (place === frame.cursor && rowScan >= frame.cursorStart && rowScan <= frame.cursorEnd) bits = 0x1ff;
  const foreground = colors[attribute & 0x0f];
  const background = colors[(attribute >> 4) & (frame.blink ? 7 : 15)];
  for (let dot = 0; dot < dots; dot++) row[at + dot] = bits & (0x100 >> dot) ? foreground : background;
}

function copyLine(mode: TextMode, row: Uint32Array, panning: number, pixels: Uint32Array, at: number): void {
  if (!mode.doubled) {
    pixels.set(row.subarray(panning, panning + mode.width), at);
    return;
  }
  for (let x = 0; x < mode.width; x++) pixels[at + x] = row[panning + (x >> 1)];
}

/** The characters on the screen, a string a row, by code page 437 whatever font is loaded. */
export function readText(mode: TextMode, memory: Uint8Array): string[] {
  const line: Line = { address: 0, rowScan: 0, panning: 0 };
  const rowLines = mode.rowHeight * (mode.doubleScan ? 2 : 1);
  const rows: string[] = [];
  for (let y = 0; y + rowLines <= mode.height; y += rowLines) {
    locate(mode, y, line);
    let row = '';
    for (let column = 0; column < mode.columns; column++) {
      row += CP437[memory[((line.address + column) & PLACE_MASK) * PLANES + PLANE_CHARACTER]];
    }
    rows.push(row);
  }
  return rows;
}
