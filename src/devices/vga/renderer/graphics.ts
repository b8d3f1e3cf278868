/** Graphics modes whose pixels come through the planes or straight from video memory. */
import { type DisplayMode, type Line, locate, withRowBits } from './display-mode.ts';

export type PlaneMode = Extract<DisplayMode, { kind: 'planar' | 'interleaved' | 'packed' }>;
export type LinearMode = Extract<DisplayMode, { kind: 'linear' }>;

/** Where RGBA pixels of 16 or 256 colors come from. */
export interface Palette {
  /** The 16 colors through the attribute controller, its plane enable register included. */
  readonly attribute: Uint32Array;
  /** The 256 colors of the DAC. */
  readonly dac: Uint32Array;
}

/** A byte's bits, most significant first, as the low bits of eight nibbles, first pixel in the topmost. */
const NIBBLES = Uint32Array.from({ length: 256 }, (_, byte) => {
  let nibbles = 0;
  for (let bit = 0; bit < 8; bit++) nibbles |= ((byte >> bit) & 1) << (bit * 4);
  return nibbles >>> 0;
});
/** A byte's four pairs of bits as the low bits of four nibbles. */
const PAIRS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let nibbles = 0;
  for (let pair = 0; pair < 4; pair++) nibbles |= ((byte >> (pair * 2)) & 3) << (pair * 4);
  return nibbles;
});

/** @param memory what the planes hold, four bytes a place; addresses wrap at its end, a power of two. */
export function renderPlanes(mode: PlaneMode, memory: Uint8Array, palette: Palette, pixels: Uint32Array): void {
  const line: Line = { address: 0, rowScan: 0, panning: 0 };
  const perPlace = mode.kind === 'packed' ? 4 : 8;
  const places = Math.ceil(mode.width / perPlace) + 1;
  const row = new Uint32Array(places * perPlace);
  const placeMask = memory.length / 4 - 1;
  const unpack = { planar: unpackPlanar, interleaved: unpackInterleaved, packed: unpackPacked }[mode.kind];
  for (let y = 0; y < mode.height; y++) {
    locate(mode, y, line);
    for (let i = 0; i < places; i++) {
      const place = withRowBits(mode, line.address + i, line.rowScan) & placeMask;
      unpack(memory, place * 4, palette, row, i * perPlace);
    }
    pixels.set(row.subarray(line.panning, line.panning + mode.width), y * mode.width);
  }
}

function unpackPlanar(memory: Uint8Array, at: number, palette: Palette, row: Uint32Array, x: number): void {
  const colors =
    NIBBLES[memory[at]] |
    (NIBBLES[memory[at + 1]] << 1) |
    (NIBBLES[memory[at + 2]] << 2) |
    (NIBBLES[memory[at + 3]] << 3);
  putNibbles(colors, palette, row, x);
}

/** Planes 0 and 2 give the first four pixels, two bits each, planes 1 and 3 the others. */
function unpackInterleaved(memory: Uint8Array, at: number, palette: Palette, row: Uint32Array, x: number): void {
  const first = PAIRS[memory[at]] | (PAIRS[memory[at + 2]] << 2);
  const second = PAIRS[memory[at + 1]] | (PAIRS[memory[at + 3]] << 2);
  putNibbles((first << 16) | second, palette, row, x);
}

function putNibbles(colors: number, palette: Palette, row: Uint32Array, x: number): void {
  for (let i = 0; i < 8; i++) row[x + i] = palette.attribute[(colors >>> (28 - i * 4)) & 0x0f];
}

function unpackPacked(memory: Uint8Array, at: number, palette: Palette, row: Uint32Array, x: number): void {
  for (let i = 0; i < 4; i++) row[x + i] = palette.dac[memory[at + i]];
}

/** @param memory the bytes from the first pixel shown to the last. */
export function renderLinear(mode: LinearMode, memory: Uint8Array, palette: Palette, pixels: Uint32Array): void {
  const convert = { 8: convert8, 15: convert15, 16: convert16, 24: convert24, 32: convert32 }[mode.bpp];
  for (let y = 0; y < mode.height; y++)
    convert(memory, y * mode.lineBytes, palette, pixels, y * mode.width, mode.width);
}

type Convert = (
  memory: Uint8Array,
  from: number,
  palette: Palette,
  pixels: Uint32Array,
  to: number,
  count: number,
) => void;

const convert8: Convert = (memory, from, palette, pixels, to, count) => {
  for (let i = 0; i < count; i++) pixels[to + i] = palette.dac[memory[from + i]];
};

const convert15: Convert = (memory, from, _palette, pixels, to, count) => {
  for (let i = 0; i < count; i++) {
    const color = memory[from + i * 2] | (memory[from + i * 2 + 1] << 8);
    pixels[to + i] = rgba(scale5(color >> 10), scale5(color >> 5), scale5(color));
  }
};

const convert16: Convert = (memory, from, _palette, pixels, to, count) => {
  for (let i = 0; i < count; i++) {
    const color = memory[from + i * 2] | (memory[from + i * 2 + 1] << 8);
    const green = (color >> 5) & 0x3f;
    pixels[to + i] = rgba(scale5(color >> 11), (green << 2) | (green >> 4), scale5(color));
  }
};

const convert24: Convert = (memory, from, _palette, pixels, to, count) => {
  for (let i = 0, at = from; i < count; i++, at += 3) pixels[to + i] = rgba(memory[at + 2], memory[at + 1], memory[at]);
};

const convert32: Convert = (memory, from, _palette, pixels, to, count) => {
  for (let i = 0, at = from; i < count; i++, at += 4) pixels[to + i] = rgba(memory[at + 2], memory[at + 1], memory[at]);
};

const rgba = (red: number, green: number, blue: number): number => 0xff000000 | (blue << 16) | (green << 8) | red;

function scale5(component: number): number {
  const five = component & 0x1f;
  return (five << 3) | (five >> 2);
}
