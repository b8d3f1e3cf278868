/**
 * Text mode 3 set by the host, for guests that are started without a video BIOS: the kernels' boot protocols promise a
 * screen of 80 by 25 characters at B8000 that somebody else has set up.
 */
import * as R from './registers.ts';
import type { Vga } from './vga.ts';

/** Values of all registers of a mode. */
export interface Mode {
  readonly misc: number;
  readonly sequencer: readonly number[];
  readonly crtc: readonly number[];
  readonly graphics: readonly number[];
  readonly attribute: readonly number[];
}

/** The 16 colors of the CGA among the 64 of the EGA. */
export const EGA_PALETTE: readonly number[] = [
  0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
];

/** 80 by 25 characters, color, 9 by 16 dots. */
export const MODE_03: Mode = {
  misc: 0x67,
  sequencer: [3, 0x00, 3, 0, 2],
  crtc: [
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96,
    0xb9, 0xa3, 0xff,
  ],
  graphics: [0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff],
  attribute: [...EGA_PALETTE, 0x0c, 0, 0x0f, 0x08, 0],
};

const FONT_HEIGHT = 16,
  FONT_CHARACTERS = 256,
  GLYPH_SIZE = 32;
const PLANE_FONT = 2,
  PLANES = 4;
const CELLS = 80 * 25;
const BLANK_CELL: readonly number[] = [0x20, 0x07];
/** Rows of the smiling face, code 1, by which the 8x16 font is found in a video BIOS; code 0 before it is empty. */
const FACE: readonly number[] = [0, 0, 0x7e, 0x81, 0xa5, 0x81, 0x81, 0xbd];

/** The 8 by 16 font (256 glyphs of 16 bytes) inside a video BIOS image, or undefined where there is none. */
export function findFont(rom: Uint8Array): Uint8Array | undefined {
  const bytes = FONT_CHARACTERS * FONT_HEIGHT;
  for (let at = 0; at + bytes <= rom.length; at++) {
    if (
      FACE.every((row, i) => rom[at + FONT_HEIGHT + i] === row) &&
      rom.subarray(at, at + FONT_HEIGHT).every((row) => row === 0)
    ) {
      return rom.slice(at, at + bytes);
    }
  }
  return undefined;
}

/** Sets the mode and clears the screen. @param font 256 glyphs of 16 bytes; without one, characters have no shape. */
export function setTextMode(vga: Vga, font?: Uint8Array): void {
  const indexed = (port: number, values: readonly number[]): void =>
    values.forEach((value, i) => {
      vga.writePort(port, i);
      vga.writePort(port + 1, value);
    });
  vga.writeDispi(R.DISPI_ENABLE, 0);
  vga.writePort(R.PORT_MISC_WRITE, MODE_03.misc);
  indexed(R.PORT_SEQ_INDEX, MODE_03.sequencer);
  indexed(R.PORT_CRTC_INDEX, [...new Array<number>(R.CRTC_VERTICAL_RETRACE_END).fill(0), 0]);
  indexed(R.PORT_CRTC_INDEX, MODE_03.crtc);
  indexed(R.PORT_GC_INDEX, MODE_03.graphics);
  vga.readPort(R.PORT_INPUT_STATUS_1);
  MODE_03.attribute.forEach((value, i) => {
    vga.writePort(R.PORT_ATC, i);
    vga.writePort(R.PORT_ATC, value);
  });
  vga.writePort(R.PORT_ATC, R.ATC_INDEX_PAS);
  setColors(vga);
  fillPlanes(vga, font);
}

/** The EGA's 64 colors: two bits a component, the weaker ones in bits 3 to 5. */
function setColors(vga: Vga): void {
  vga.writePort(R.PORT_PEL_MASK, 0xff);
  vga.writePort(R.PORT_DAC_WRITE_INDEX, 0);
  for (let color = 0; color < 64; color++) {
    for (const bit of [2, 1, 0])
      vga.writePort(R.PORT_DAC_DATA, ((color >> bit) & 1) * 0x2a + ((color >> (bit + 3)) & 1) * 0x15);
  }
}

function fillPlanes(vga: Vga, font: Uint8Array | undefined): void {
  const memory = new Uint8Array(FONT_CHARACTERS * GLYPH_SIZE * PLANES);
  for (let cell = 0; cell < CELLS; cell++) memory.set(BLANK_CELL, cell * PLANES);
  font?.forEach((row, i) => {
    const place = Math.floor(i / FONT_HEIGHT) * GLYPH_SIZE + (i % FONT_HEIGHT);
    memory[place * PLANES + PLANE_FONT] = row;
  });
  vga.vram.write(0, memory);
}
