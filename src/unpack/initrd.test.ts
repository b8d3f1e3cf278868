import { constants, gzipSync, type ZlibOptions } from 'node:zlib';
import { expect, it } from 'vitest';
import { buildX87Kernel } from '../cpu/x87/build-kernel.ts';
import { unpackInitrd } from './initrd.ts';

const LEAF = new WebAssembly.Module((await buildX87Kernel()) as BufferSource);
const MOST = 1 << 20;
const unpack = (packed: Uint8Array, most = MOST): Uint8Array | undefined => unpackInitrd(packed, LEAF, most);

/** Bytes that repeat at all distances, and some that do not. */
function original(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = seed;
  const random = (below: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
  for (let at = 0; at < length; ) {
    const distance = random(3) === 0 || at === 0 ? 0 : 1 + random(Math.min(at, random(2) === 0 ? 40 : 32_768));
    for (let n = random(distance === 0 ? 20 : 300); n >= 0 && at < length; n--, at++) bytes[at] = distance === 0 ? random(256) : bytes[at - distance];
  }
  return bytes;
}
const ORIGINAL = original(300_000, 1);

it.each<[string, ZlibOptions]>([
  ['as usual', {}],
  ['as small as it gets', { level: 9 }],
  ['with fixed codes', { strategy: constants.Z_FIXED }],
  ['without matches', { strategy: constants.Z_HUFFMAN_ONLY }],
  ['with matches of distance 1 only', { strategy: constants.Z_RLE }],
  ['as plain blocks', { level: 0 }],
])('an archive that gzip has packed %s is unpacked, of any length', (_, options) => {
  expect(unpack(gzipSync(ORIGINAL, options))).toEqual(ORIGINAL);
  // From the whole of archives onwards, in fours.
  for (const length of [0, 4, 8, 100, 65_532, 65_536, 65_540]) expect(unpack(gzipSync(ORIGINAL.subarray(0, length), options))).toEqual(ORIGINAL.subarray(0, length));
});

it('archives one after the other begin at multiples of four, whatever is between them and in their headers', () => {
  const withHeader = (flags: number, ...fields: number[]): Uint8Array => {
    const packed = gzipSync(Uint8Array.of(1, 2, 3, 4, 5));
    return Uint8Array.from([...packed.subarray(0, 3), flags, ...packed.subarray(4, 10), ...fields, ...packed.subarray(10)]);
  };
  const members = [withHeader(4, 2, 0, 7, 7), withHeader(8, 0x61, 0), withHeader(16 | 2, 0x62, 0, 9, 9), withHeader(0)];
  const packed = Uint8Array.from([...members[0], ...members[1], 0, 0, 0, ...members[2], 0, ...members[3], 0, 0, 0, 0]);
  const member = [1, 2, 3, 4, 5];
  expect(unpack(packed)).toEqual(Uint8Array.from([...member, 0, 0, 0, ...member, 0, 0, 0, ...member, 0, 0, 0, ...member]));
});

it('what is damaged, cut off or followed by anything else is left to the guest', () => {
  const packed = gzipSync(original(2000, 2));
  for (let at = 0; at < packed.length; at++) {
    const damaged = packed.slice();
    damaged[at] ^= 0x41;
    const unpacked = unpack(damaged);
    // Date, hints and the system are not looked at.
    if (unpacked) expect([...Array(6).keys()].map((n) => n + 4), `byte ${at}`).toContain(at);
    else expect(unpacked).toBeUndefined();
    expect(unpack(packed.subarray(0, at))).toBeUndefined();
  }
  expect(unpack(Uint8Array.from([...packed, 1, 2, 3]))).toBeUndefined();
  expect(unpack(Uint8Array.from([...packed, 0, 0x1f, 0x8b, 8]))).toBeUndefined();
});

it('what is not packed, or packed otherwise, is left to the guest', () => {
  expect(unpack(new TextEncoder().encode('070701'))).toBeUndefined();
  expect(unpack(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd))).toBeUndefined();
});

it('so is what has more in it than may come out', () => {
  expect(unpack(gzipSync(ORIGINAL), ORIGINAL.length)).toEqual(ORIGINAL);
  expect(unpack(gzipSync(ORIGINAL), ORIGINAL.length - 1)).toBeUndefined();
  expect(unpack(gzipSync(new Uint8Array(50_000_000)))).toBeUndefined();
});
