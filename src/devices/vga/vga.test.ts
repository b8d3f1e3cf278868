import { beforeEach, describe, expect, it } from 'vitest';
import { CRTC_MODE_CONTROL } from './registers.ts';
import { Board } from './test-fixture.ts';
import { MODE_12, MODE_13 } from './test-modes.ts';
import { findFont, MODE_03, setTextMode } from './text-mode.ts';

let board: Board;
beforeEach(() => {
  board = new Board();
});

const setGraphics = (index: number, value: number): void => board.indexed(0x3ce, index, value);
const setSequencer = (index: number, value: number): void => board.indexed(0x3c4, index, value);

describe('registers', () => {
  it('keeps the bits that exist', () => {
    setSequencer(4, 0xff);
    expect(board.ports.in8(0x3c5)).toBe(0x0e);
    setGraphics(5, 0xff);
    expect(board.ports.in8(0x3cf)).toBe(0x7b);
  });

  it('answers at 3Dx or at 3Bx, by the emulation that misc output selects', () => {
    board.ports.out8(0x3c2, 1);
    board.indexed(0x3d4, 0x0f, 0x55);
    expect(board.ports.in8(0x3d5)).toBe(0x55);
    expect(board.ports.in8(0x3b5)).toBe(0xff);
    board.ports.out8(0x3c2, 0);
    expect(board.ports.in8(0x3b5)).toBe(0x55);
    expect(board.ports.in8(0x3d5)).toBe(0xff);
  });

  it('locks CRTC registers 0 to 7 but not the line compare bit', () => {
    board.ports.out8(0x3c2, 1);
    board.indexed(0x3d4, 0x11, 0x80);
    board.indexed(0x3d4, 0x00, 0x5f);
    expect(board.ports.in8(0x3d5)).toBe(0);
    board.indexed(0x3d4, 0x07, 0xff);
    expect(board.ports.in8(0x3d5)).toBe(0x10);
    board.indexed(0x3d4, CRTC_MODE_CONTROL, 0xa3);
    expect(board.ports.in8(0x3d5)).toBe(0xa3);
  });

  it('toggles the attribute port between index and data, input status 1 starting over', () => {
    board.ports.out8(0x3c2, 1);
    board.attribute(0x05, 0x15);
    board.ports.out8(0x3c0, 0x25);
    board.ports.in8(0x3da);
    board.ports.out8(0x3c0, 0x25);
    expect(board.ports.in8(0x3c0)).toBe(0x25);
    expect(board.ports.in8(0x3c1)).toBe(0x15);
  });

  it('reads and writes DAC colors in threes, six bits each', () => {
    board.color(7, 0xff, 2, 3);
    board.ports.out8(0x3c7, 7);
    expect(board.ports.in8(0x3c7)).toBe(3);
    expect([1, 2, 3].map(() => board.ports.in8(0x3c9))).toEqual([0x3f, 2, 3]);
    board.ports.out8(0x3c8, 0);
    expect(board.ports.in8(0x3c7)).toBe(0);
  });

  it('never throws on any port and value', () => {
    for (let port = 0x3b0; port < 0x3e0; port++) {
      for (const value of [0, 0x55, 0xff]) {
        board.ports.out8(port, value);
        board.ports.in8(port);
      }
    }
    for (let index = 0; index < 32; index++) board.dispi(index, 0xffff);
    board.poke(0xa0000, 1, 2, 3);
    expect(() => board.renderer.render()).not.toThrow();
  });
});

describe('retrace', () => {
  const status = (): number => board.ports.in8(0x3da);

  it('comes 70 times a second in text mode', () => {
    board.setMode(MODE_03);
    let pulses = 0;
    let last = 0;
    for (let i = 0; i < 100_000; i++) {
      board.clock.advance(10_000);
      const now = status() & 8;
      if (now && !last) pulses++;
      last = now;
    }
    expect(pulses).toBe(70);
  });

  it('comes with no sensible timing in the registers, and in VBE modes', () => {
    const seen = (): number => {
      let bits = 0;
      for (let i = 0; i < 2000; i++) {
        board.clock.advance(10_000);
        bits |= status() & 8 ? 1 : 2;
      }
      return bits;
    };
    board.ports.out8(0x3c2, 1);
    expect(seen()).toBe(3);
    for (const [index, value] of [
      [1, 640],
      [2, 480],
      [3, 32],
      [4, 0x41],
    ])
      board.dispi(index, value);
    expect(seen()).toBe(3);
  });
});

describe('window', () => {
  it('moves with the memory map and answers nowhere else', () => {
    board.setMode(MODE_03);
    board.poke(0xb8000, 0x41, 0x07);
    expect([board.peek(0xb8000), board.peek(0xb8001)]).toEqual([0x41, 0x07]);
    expect(board.peek(0xb0000)).toBe(0xff);
    expect(board.peek(0xa0000)).toBe(0xff);
    board.ports.out8(0x3c2, MODE_03.misc & ~2);
    expect(board.peek(0xb8000)).toBe(0xff);
  });

  it('puts characters and attributes into planes 0 and 1', () => {
    board.setMode(MODE_03);
    board.memory.writePhys(0xb8000, 4, 0x1f420741);
    expect(board.vram(0, 8)).toEqual([0x41, 0x07, 0, 0, 0x42, 0x1f, 0, 0]);
    expect(board.memory.readPhys(0xb8000, 4)).toBe(0x1f420741);
    board.memory.writePhys(0xb8001, 2, 0x4370);
    expect(board.vram(0, 8)).toEqual([0x41, 0x70, 0, 0, 0x43, 0x1f, 0, 0]);
  });

  it('is linear in chain-4 mode, at all widths', () => {
    board.setMode(MODE_13);
    board.memory.writePhys(0xa0000, 4, 0x04030201);
    board.memory.writePhys(0xa0005, 2, 0x0706);
    board.poke(0xa0008, 9);
    expect(board.vram(0, 9)).toEqual([1, 2, 3, 4, 0, 6, 7, 0, 9]);
    expect(board.memory.readPhys(0xa0000, 4)).toBe(0x04030201);
    expect(board.memory.readPhys(0xa0001, 2)).toBe(0x0302);
    setSequencer(2, 0x05);
    board.memory.writePhys(0xa0000, 4, 0);
    expect(board.vram(0, 4)).toEqual([0, 2, 0, 4]);
  });
});

describe('planes', () => {
  beforeEach(() => board.setMode(MODE_12));
  const planes = (place: number): number[] => board.vram(place * 4, 4);

  it('writes the planes of the map mask (mode X)', () => {
    setSequencer(2, 0x06);
    board.poke(0xa0010, 0xab);
    expect(planes(0x10)).toEqual([0, 0xab, 0xab, 0]);
    setGraphics(4, 1);
    expect(board.peek(0xa0010)).toBe(0xab);
    setGraphics(4, 3);
    expect(board.peek(0xa0010)).toBe(0);
  });

  it('write mode 0 rotates, sets and resets, combines with the latches and masks bits', () => {
    board.poke(0xa0000, 0xf0);
    board.peek(0xa0000);
    setGraphics(3, 4);
    board.poke(0xa0001, 0x12);
    expect(planes(1)).toEqual([0x21, 0x21, 0x21, 0x21]);
    setGraphics(3, 0);
    setGraphics(0, 0x05);
    setGraphics(1, 0x0f);
    setGraphics(8, 0x3c);
    board.poke(0xa0002, 0x00);
    expect(planes(2)).toEqual([0xfc, 0xc0, 0xfc, 0xc0]);
    setGraphics(1, 0);
    setGraphics(8, 0xff);
    for (const [operation, result] of [
      [1, 0x30],
      [2, 0xf3],
      [3, 0xc3],
    ]) {
      setGraphics(3, operation << 3);
      board.poke(0xa0003, 0x33);
      expect(planes(3)[0]).toBe(result);
    }
  });

  it('write mode 1 copies the latches', () => {
    board.vga.vram.write(0, Uint8Array.of(1, 2, 3, 4));
    board.peek(0xa0000);
    setGraphics(5, 1);
    board.poke(0xa0020, 0xff);
    expect(planes(0x20)).toEqual([1, 2, 3, 4]);
  });

  it('write mode 2 spreads a color over the masked bits', () => {
    setGraphics(5, 2);
    setGraphics(8, 0x80);
    board.poke(0xa0000, 0x0a);
    expect(planes(0)).toEqual([0, 0x80, 0, 0x80]);
  });

  it('write mode 3 takes the bits to set from the processor', () => {
    setGraphics(5, 3);
    setGraphics(0, 0x03);
    setGraphics(8, 0x7f);
    board.poke(0xa0000, 0xc1);
    expect(planes(0)).toEqual([0x41, 0x41, 0, 0]);
  });

  it('read mode 1 finds a color', () => {
    board.vga.vram.write(0, Uint8Array.of(0xf0, 0x0f, 0xff, 0x00));
    setGraphics(5, 8);
    setGraphics(2, 0x05);
    setGraphics(7, 0x0f);
    expect(board.peek(0xa0000)).toBe(0xf0);
    setGraphics(7, 0x04);
    expect(board.peek(0xa0000)).toBe(0xff);
    setGraphics(7, 0x00);
    expect(board.peek(0xa0000)).toBe(0xff);
  });
});

describe('Bochs VBE', () => {
  const set = (width: number, height: number, bpp: number, flags = 0x41): void => {
    for (const [index, value] of [
      [4, 0],
      [1, width],
      [2, height],
      [3, bpp],
      [4, flags],
    ])
      board.dispi(index, value);
  };

  it('identifies itself and tells its limits', () => {
    expect(board.readDispi(0)).toBe(0xb0c5);
    board.dispi(0, 0xb0c2);
    expect(board.readDispi(0)).toBe(0xb0c2);
    board.dispi(0, 0x1234);
    expect(board.readDispi(0)).toBe(0xb0c2);
    board.dispi(4, 2);
    expect([1, 2, 3].map((index) => board.readDispi(index))).toEqual([16000, 12000, 32]);
    expect(board.readDispi(10)).toBe(256);
    board.ports.out16(0x1ce, 10);
    expect(board.ports.in16(0x1d0)).toBe(256);
  });

  it('computes the virtual screen and clears the memory unless told not to', () => {
    board.vga.vram.write(0x1000, Uint8Array.of(1, 2, 3));
    set(1024, 768, 32, 0xc1);
    expect(board.vram(0x1000, 3)).toEqual([1, 2, 3]);
    expect(board.readDispi(6)).toBe(1024);
    expect(board.readDispi(7)).toBe(4096);
    set(1024, 768, 32);
    expect(board.vram(0x1000, 3)).toEqual([0, 0, 0]);
    board.dispi(6, 2048);
    board.dispi(9, 0xffff);
    expect(board.readDispi(7)).toBe(2048);
    expect(board.readDispi(9)).toBe(2048 - 768);
  });

  it('moves the window at A0000 by banks', () => {
    board.ports.out8(0x3c2, 3);
    set(640, 480, 8, 1);
    board.dispi(5, 2);
    board.memory.writePhys(0xa0004, 4, 0xdeadbeef);
    expect(board.vram(0x20004, 4)).toEqual([0xef, 0xbe, 0xad, 0xde]);
    expect(board.memory.readPhys(0xa0004, 4)).toBe(0xdeadbeef);
    board.dispi(5, 0xffff);
    expect(board.readDispi(5)).toBe(0xff);
  });

  it('widens the DAC to eight bits', () => {
    set(640, 480, 8, 0x61);
    board.color(1, 0xfe, 0x81, 0x7f);
    board.ports.out8(0x3c7, 1);
    expect([1, 2, 3].map(() => board.ports.in8(0x3c9))).toEqual([0xfe, 0x81, 0x7f]);
  });
});

describe('PCI face', () => {
  it('maps the frame buffer and the register page', () => {
    board.mapBars(0xe0000000, 0xfebf0000);
    expect(board.pci.config.read(0, 4)).toBe(0x11111234);
    board.memory.writePhys(0xe0000010, 4, 0x01020304);
    expect(board.vram(0x10, 4)).toEqual([4, 3, 2, 1]);
    expect(board.memory.readPhys(0xfebf0500, 2)).toBe(0xb0c5);
    expect(board.memory.readPhys(0xfebf0600, 4)).toBe(8);
    expect(board.memory.readPhys(0xfebf0604, 4)).toBe(0x1e1e1e1e);
    board.memory.writePhys(0xfebf0502, 2, 800);
    expect(board.readDispi(1)).toBe(800);
    board.memory.writePhys(0xfebf0404, 2, 0x0f02);
    expect(board.ports.in8(0x3c5)).toBe(0x0f);
    board.memory.writePhys(0xfebf0fff, 1, 1);
  });

  it('shows a monitor whose data sums to zero', () => {
    board.mapBars(0xe0000000, 0xfebf0000);
    const block = Array.from({ length: 128 }, (_, i) => board.memory.readPhys(0xfebf0000 + i, 1));
    expect(block.slice(0, 8)).toEqual([0, 255, 255, 255, 255, 255, 255, 0]);
    expect(block.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
  });

  it('shows the option ROM where its BAR is', () => {
    board = new Board(Uint8Array.of(0x55, 0xaa, 1));
    board.mapBars(0xe0000000, 0xfebf0000);
    board.pci.config.write(0x30, 4, 0xffffffff);
    expect(board.pci.config.read(0x30, 4)).toBe(0xfffff001);
    board.pci.config.write(0x30, 4, 0xfec10001);
    board.memory.writePhys(0xfec10000, 1, 0);
    expect(board.memory.readPhys(0xfec10000, 2)).toBe(0xaa55);
  });
});

describe('text mode without a video BIOS', () => {
  it('gives a blank screen that shows what is written, in the font of a ROM image', () => {
    const rom = new Uint8Array(8192);
    rom.set([0, 0, 0x7e, 0x81, 0xa5, 0x81, 0x81, 0xbd], 100 + 16);
    rom[100 + 0x41 * 16] = 0x80;
    for (const [index, value] of [
      [1, 640],
      [2, 480],
      [3, 16],
      [4, 0x41],
    ])
      board.dispi(index, value);
    setTextMode(board.vga, findFont(rom));
    board.poke(0xb8000, 0x41, 0x1e);
    board.renderer.render();
    expect([board.pixel(0, 0), board.pixel(1, 0)]).toEqual([0xffff55, 0x0000aa]);
    expect(
      board.renderer
        .textScreen()!
        .map((row) => row.trimEnd())
        .join(''),
    ).toBe('A');
    expect(findFont(new Uint8Array(8192))).toBeUndefined();
  });
});

describe('snapshots', () => {
  it('restores the registers of all blocks', () => {
    board.setMode(MODE_13);
    board.color(3, 1, 2, 3);
    board.mapBars(0xe0000000, 0xfebf0000);
    for (const [index, value] of [
      [1, 640],
      [2, 480],
      [3, 16],
      [4, 0x61],
    ])
      board.dispi(index, value);
    const state = structuredClone(board.pci.save());
    const other = new Board();
    other.pci.restore(state);
    expect(other.pci.save()).toEqual(state);
    expect(other.readDispi(1)).toBe(640);
    expect(other.memory.readPhys(0xfebf0500, 2)).toBe(0xb0c5);
  });
});
