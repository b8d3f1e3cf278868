import { beforeEach, describe, expect, it } from 'vitest';
import { Board } from '../test-fixture.ts';
import { MODE_04, MODE_06, MODE_12, MODE_13 } from '../test-modes.ts';
import { MODE_03, type Mode } from '../text-mode.ts';
import { CP437 } from './cp437.ts';

let board: Board;
beforeEach(() => {
  board = new Board();
});

/** DAC entry n is the grey n / 63; what the EGA palette maps colors 8 to 15 to is 38h to 3Fh. */
const grey = (index: number): number => ((index << 2) | (index >> 4)) * 0x010101;

function start(mode: Mode): void {
  board.setMode(mode);
  for (let i = 0; i < 64; i++) board.color(i, i, i, i);
}

/** A glyph row pattern for a character of a font in plane 2. */
function glyph(font: number, character: number, ...rows: number[]): void {
  rows.forEach((row, i) => {
    board.vga.vram.write((font + character * 32 + i) * 4 + 2, Uint8Array.of(row));
  });
}

/** Pixels of a line as a string, each color by the letter given. */
function picture(x: number, y: number, width: number, names: Record<number, string>): string {
  return Array.from({ length: width }, (_, i) => names[board.pixel(x + i, y)] ?? '?').join('');
}

describe('text', () => {
  beforeEach(() => {
    start(MODE_03);
    board.indexed(0x3d4, 0x0a, 0x20);
  });

  it('draws nine dots a character, line graphics to the edge', () => {
    glyph(0, 0x41, 0x81);
    glyph(0, 0xc4, 0x81);
    board.poke(0xb8000, 0x41, 0x07, 0xc4, 0x17);
    const frame = board.renderer.render()!;
    expect([frame.width, frame.height, frame.aspect]).toEqual([720, 400, 4 / 3]);
    expect(picture(0, 0, 18, { [grey(7)]: '#', [grey(0)]: '.', [grey(1)]: '-' })).toBe('#......#.#------##');
  });

  it('has eight dots and doubled dots', () => {
    board.indexed(0x3d4, 0x11, 0);
    board.indexed(0x3c4, 1, 0x09);
    board.indexed(0x3d4, 1, 39);
    glyph(0, 0x41, 0xa0);
    board.poke(0xb8000, 0x41, 0x07);
    expect(board.renderer.render()!.width).toBe(640);
    expect(picture(0, 0, 8, { [grey(7)]: '#', [grey(0)]: '.' })).toBe('##..##..');
  });

  it('takes attribute bit 3 as font where there are two, and 50 lines of eight', () => {
    board.indexed(0x3c4, 3, 0x04);
    board.indexed(0x3d4, 9, 0x47);
    glyph(0x4000, 0x41, 0xff);
    board.poke(0xb8000, 0x41, 0x07, 0x41, 0x0f);
    board.renderer.render();
    expect([board.pixel(0, 0), board.pixel(9, 0)]).toEqual([grey(0), grey(0x3f)]);
    expect(board.renderer.textScreen()!.length).toBe(50);
  });

  it('shows the cursor in its lines, blinking by the virtual clock', () => {
    board.indexed(0x3d4, 0x0a, 13);
    board.indexed(0x3d4, 0x0b, 14);
    board.indexed(0x3d4, 0x0f, 1);
    board.poke(0xb8000, 0x20, 0x07, 0x20, 0x07);
    board.renderer.render();
    expect([12, 13, 14, 15].map((y) => board.pixel(9, y))).toEqual([grey(0), grey(7), grey(7), grey(0)]);
    expect(board.pixel(0, 13)).toBe(grey(0));
    expect(board.renderer.render()).toBeUndefined();
    board.clock.advance(9e9 / 70);
    expect(board.renderer.render()).toBeDefined();
    expect(board.pixel(9, 13)).toBe(grey(0));
  });

  it('blinks characters or has bright backgrounds', () => {
    glyph(0, 0x41, 0xff);
    board.poke(0xb8000, 0x41, 0x9f);
    board.renderer.render();
    expect([board.pixel(0, 0), board.pixel(0, 1)]).toEqual([grey(0x3f), grey(1)]);
    board.clock.advance(17e9 / 70);
    board.renderer.render();
    expect(board.pixel(0, 0)).toBe(grey(1));
    board.attribute(0x10, 0x04);
    board.ports.out8(0x3c0, 0x20);
    board.renderer.render();
    expect([board.pixel(0, 0), board.pixel(0, 1)]).toEqual([grey(0x3f), grey(0x39)]);
  });

  it('underlines where the attribute says so', () => {
    board.indexed(0x3d4, 0x14, 12);
    board.poke(0xb8000, 0x20, 0x01, 0x20, 0x07);
    board.renderer.render();
    expect([board.pixel(0, 12), board.pixel(0, 11), board.pixel(9, 12)]).toEqual([grey(1), grey(0), grey(0)]);
  });

  it('scrolls by start address and by panning, and splits at line compare', () => {
    glyph(0, 0x41, 0xff);
    board.poke(0xb8000, 0x41, 0x07);
    board.poke(0xb80a0, 0x20, 0x07, 0x41, 0x07);
    board.indexed(0x3d4, 0x0d, 80);
    board.attribute(0x13, 2);
    board.ports.out8(0x3c0, 0x20);
    board.indexed(0x3d4, 0x11, 0);
    board.indexed(0x3d4, 0x07, 0x0f);
    board.indexed(0x3d4, 0x09, 0x0f);
    board.indexed(0x3d4, 0x18, 31);
    board.renderer.render();
    expect(picture(0, 0, 20, { [grey(7)]: '#', [grey(0)]: '.' })).toBe('......########......');
    expect(board.pixel(0, 32)).toBe(grey(7));
    expect(board.renderer.textScreen()![2][0]).toBe('A');
  });

  it('gives the characters', () => {
    [...'Hi \u0001\u00cd'].forEach((c, i) => {
      board.poke(0xb8000 + i * 2, c.charCodeAt(0), 7);
    });
    const screen = board.renderer.textScreen()!;
    expect([screen.length, screen[0].length, screen[0].trimEnd()]).toEqual([25, 80, 'Hi ☺═']);
    expect(CP437.length).toBe(256);
    expect(CP437[0xdb] + CP437[0x7f] + CP437[0x80] + CP437[0xfe]).toBe('█⌂Ç■');
  });
});

describe('graphics', () => {
  it('mode 13h: 256 colors, a line twice', () => {
    start(MODE_13);
    board.poke(0xa0000, 1, 2, 3);
    board.poke(0xa0000 + 320 * 199 + 319, 9);
    const frame = board.renderer.render()!;
    expect([frame.width, frame.height]).toEqual([320, 200]);
    expect([0, 1, 2, 3].map((x) => board.pixel(x, 0))).toEqual([1, 2, 3, 0].map(grey));
    expect(board.pixel(319, 199)).toBe(grey(9));
    expect(board.renderer.textScreen()).toBeUndefined();
  });

  it('mode X: unchained, 240 lines, page flip', () => {
    start(MODE_13);
    board.indexed(0x3c4, 4, 6);
    for (const [index, value] of [
      [0x11, 0],
      [6, 0x0d],
      [7, 0x3e],
      [0x10, 0xea],
      [0x12, 0xdf],
      [0x14, 0],
      [0x17, 0xe3],
      [9, 0x41],
    ]) {
      board.indexed(0x3d4, index, value);
    }
    board.indexed(0x3c4, 2, 0x04);
    board.poke(0xa0000 + 19200, 5);
    board.indexed(0x3d4, 0x0c, 19200 >> 8);
    board.indexed(0x3d4, 0x0d, 19200 & 0xff);
    expect(board.renderer.render()!.height).toBe(240);
    expect([1, 2, 3].map((x) => board.pixel(x, 0))).toEqual([0, 5, 0].map(grey));
  });

  it('mode 12h: four planes through the palette, panned', () => {
    start(MODE_12);
    board.indexed(0x3ce, 5, 2);
    board.indexed(0x3ce, 8, 0x20);
    board.poke(0xa0000 + 80, 0x0f);
    expect(board.renderer.render()!.width).toBe(640);
    expect([1, 2, 3].map((x) => board.pixel(x, 1))).toEqual([0, 0x3f, 0].map(grey));
    board.attribute(0x13, 2);
    board.ports.out8(0x3c0, 0x20);
    board.renderer.render();
    expect(board.pixel(0, 1)).toBe(grey(0x3f));
  });

  it('mode 4: two bits a pixel, odd lines 8 KiB further on', () => {
    start(MODE_04);
    board.poke(0xb8000, 0b00_01_10_11, 0b11_00_00_01);
    board.poke(0xba000, 0b11_00_00_00);
    const frame = board.renderer.render()!;
    expect([frame.width, frame.height]).toEqual([320, 200]);
    const names = { [grey(0)]: '0', [grey(0x13)]: '1', [grey(0x15)]: '2', [grey(0x17)]: '3' };
    expect(picture(0, 0, 8, names)).toBe('01233001');
    expect(picture(0, 1, 8, names)).toBe('30000000');
  });

  it('mode 6: one bit a pixel', () => {
    start(MODE_06);
    board.poke(0xb8000 + 80, 0xa0);
    board.poke(0xba000, 0x01);
    const frame = board.renderer.render()!;
    expect([frame.width, frame.height]).toEqual([640, 200]);
    const names = { [grey(0)]: '.', [grey(0x17)]: '#' };
    expect(picture(0, 2, 8, names)).toBe('#.#.....');
    expect(picture(0, 1, 8, names)).toBe('.......#');
  });

  it('is black while the palette is off or the sequencer blanks', () => {
    start(MODE_13);
    board.color(0, 63, 0, 0);
    board.renderer.render();
    expect(board.pixel(0, 0)).toBe(0xff0000);
    board.indexed(0x3c4, 1, 0x21);
    board.renderer.render();
    expect(board.pixel(0, 0)).toBe(0);
  });
});

describe('VBE', () => {
  const set = (bpp: number): void => {
    for (const [index, value] of [
      [4, 0],
      [1, 64],
      [2, 4],
      [3, bpp],
      [4, 0x41],
    ])
      board.dispi(index, value);
    board.ports.in8(0x3da);
    board.ports.out8(0x3c0, 0x20);
  };

  it.each([
    [15, 2, [0x1f, 0x7c], 0xff00ff],
    [16, 2, [0xe0, 0x07], 0x00ff00],
    [24, 3, [1, 2, 3], 0x030201],
    [32, 4, [1, 2, 3, 0], 0x030201],
  ])('draws %i bits a pixel', (bpp, bytes, data, color) => {
    set(bpp);
    board.mapBars(0xe0000000, 0xfebf0000);
    board.poke(0xe0000000 + (64 + 1) * bytes, ...data);
    const frame = board.renderer.render()!;
    expect([frame.width, frame.height, frame.aspect]).toEqual([64, 4, 16]);
    expect([board.pixel(0, 1), board.pixel(1, 1), board.pixel(2, 1)]).toEqual([0, color, 0]);
  });

  it('draws a palette mode at an offset in a wider virtual screen', () => {
    set(8);
    board.dispi(6, 128);
    board.dispi(8, 8);
    board.dispi(9, 1);
    board.color(5, 63, 63, 63);
    board.vga.vram.write(128 + 8 + 2, Uint8Array.of(5));
    board.renderer.render();
    expect([board.pixel(2, 0), board.pixel(3, 0)]).toEqual([0xffffff, 0]);
  });

  it('redraws only after a write to the frame buffer or a register that shows', () => {
    set(32);
    board.mapBars(0xe0000000, 0xfebf0000);
    board.renderer.render();
    expect(board.renderer.render()).toBeUndefined();
    board.poke(0xe0000000, 1);
    expect(board.renderer.render()).toBeDefined();
    expect(board.renderer.render()).toBeUndefined();
    board.poke(0xe0000000, 2);
    expect(board.renderer.render()).toBeDefined();
    board.dispi(9, 1);
    expect(board.renderer.render()).toBeDefined();
  });
});
