/** Packed integers of SSSE3 and SSE4: on MMX registers too where they have such a form [SDM1 12.3 to 12.6, 12.10]. */
import type { SIMD } from '../../wasm/opcodes.ts';
import type { Body, I32, Ops, V128 } from '../ops.ts';
import { lanewise, multiplyEven, pack, sideBySide, simd } from './mmx.ts';
import { combine, constantVector, eachPart, fromLow, immediateOf, IOTA, isMmx, transform, vector, withMmx } from './sse-operands.ts';

const splatByte = (o: Ops, value: I32): V128 => o.e.simd('i8x16.splat', value);
const iota = (o: Ops): V128 => constantVector(o, 8, IOTA);

/** Indices with the top bit set give zero; else the low bits count, as many as the operand has bytes. */
const shuffleBytes = combine((o, a, b) => o.e.simd('i8x16.swizzle', a, o.e.simd('v128.and', b, splatByte(o, o.i32(isMmx(o, 0) ? 0x87 : 0x8f)))));

/** Lanes 0, 2, 4 … of two vectors in a row; with `offset` the ones after each. */
const everySecond = (bytes: 2 | 4, offset: 0 | 1): number[] =>
  IOTA.map((i) => Math.floor(i / bytes) * 2 * bytes + offset * bytes + (i % bytes));
const neighbours = (bytes: 2 | 4, op: keyof typeof SIMD): Body =>
  sideBySide((o, a, b) => simd(op)(o, o.e.shuffle(a, b, everySecond(bytes, 0)), o.e.shuffle(a, b, everySecond(bytes, 1))));

/** Unsigned bytes times signed ones; neighbouring products added with saturation. */
const multiplyAddBytes = combine((o, a, b) => {
  const { e } = o;
  const eight = o.i32(8);
  const even = e.simd('i16x8.mul', e.simd('v128.and', a, e.simd('i16x8.splat', o.i32(0xff))), e.simd('i16x8.shr_s', e.simd('i16x8.shl', b, eight), eight));
  const odd = e.simd('i16x8.mul', e.simd('i16x8.shr_u', a, eight), e.simd('i16x8.shr_s', b, eight));
  return e.simd('i16x8.add_sat_s', even, odd);
});
/** WebAssembly's operation saturates -1 times -1. */
const multiplyRound = combine((o, a, b) => {
  const least = o.e.simd('i16x8.splat', o.i32(0x8000));
  const both = o.e.simd('v128.and', o.e.simd('i16x8.eq', a, least), o.e.simd('i16x8.eq', b, least));
  return o.e.simd('v128.xor', o.e.simd('i16x8.q15mulr_sat_s', a, b), both);
});
const sign = (shape: 'i8x16' | 'i16x8' | 'i32x4', bits: number): Body =>
  combine((o, a, b) => {
    const { e } = o;
    const negative = e.simd(`${shape}.shr_s`, b, o.i32(bits - 1));
    const signed = e.simd(`${shape}.sub`, e.simd('v128.xor', a, negative), negative);
    return e.simd('v128.andnot', signed, e.simd(`${shape}.eq`, b, constantVector(o, 64, [0, 0])));
  });
const magnitude = (shape: 'i8x16' | 'i16x8' | 'i32x4'): Body => transform((o, v) => o.e.simd(`${shape}.abs`, v));

/** The bytes from the immediate on of the second source with the first one behind it. */
const alignRight = combine((o, a, b) => {
  const bytes = isMmx(o, 0) ? 16 : 32;
  const count = immediateOf(o);
  const at = o.e.simd('i8x16.add', iota(o), splatByte(o, o.select(o.ltU(count, o.i32(bytes)), count, o.i32(bytes))));
  if (isMmx(o, 0)) return o.e.simd('i8x16.swizzle', o.e.shuffle(b, a, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]), at);
  const high = o.e.simd('i8x16.swizzle', a, o.e.simd('i8x16.sub', at, splatByte(o, o.i32(16))));
  return o.e.simd('v128.or', o.e.simd('i8x16.swizzle', b, at), high);
});

type Extension = 'i16x8.extend_low_i8x16' | 'i32x4.extend_low_i16x8' | 'i64x2.extend_low_i32x4';
/** Widens the low elements; a 256-bit destination's second part takes those that come next. */
const extend = (signed: 's' | 'u', bytes: number, ...steps: Extension[]): Body => (o) =>
  withMmx(o, () => {
    const source = vector(o, 1);
    const shifted = IOTA.map((i) => (i + bytes) % 16);
    eachPart(o, (byte) => {
      const low = byte === 0 ? source : o.e.shuffle(source, source, shifted);
      return steps.reduce((v, step) => o.e.simd(`${step}_${signed}`, v), low);
    });
  });
const extensions = (signed: 's' | 'u', letter: string): Record<string, Body> => {
  const [byte, word, doubleword] = ['i16x8.extend_low_i8x16', 'i32x4.extend_low_i16x8', 'i64x2.extend_low_i32x4'] as const;
  return {
    [`PMOV${letter}XBW`]: extend(signed, 8, byte), [`PMOV${letter}XBD`]: extend(signed, 4, byte, word),
    [`PMOV${letter}XBQ`]: extend(signed, 2, byte, word, doubleword), [`PMOV${letter}XWD`]: extend(signed, 8, word),
    [`PMOV${letter}XWQ`]: extend(signed, 4, word, doubleword), [`PMOV${letter}XDQ`]: extend(signed, 8, doubleword),
  };
};

/** The least word, and its first place. */
const leastWord = transform((o, v) => {
  const { e } = o;
  const halves = e.simd('i16x8.min_u', v, e.shuffle(v, v, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]));
  const quarters = e.simd('i16x8.min_u', halves, e.shuffle(halves, halves, [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]));
  const least = e.simd('i16x8.min_u', quarters, e.shuffle(quarters, quarters, [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]));
  const place = e.unary('ctz', e.simd('i16x8.bitmask', e.simd('i16x8.eq', v, least)));
  const word = e.extractLane('i16x8.extract_lane_u', least, 0);
  return fromLow(o, o.toI64(o.or(word, o.shl(place, o.i32(16)))));
});

/**
 * Eight sums of absolute differences: four bytes of the second source, chosen by the immediate's low two bits, with four of
 * the first one from the place that the third bit says on, and from each of the seven that follow.
 */
const slidingDifferences = combine((o, a, b, byte) => {
  const { e } = o;
  const control = byte === 0 ? immediateOf(o) : o.shrU(immediateOf(o), o.i32(3));
  const from = o.and(control, o.i32(4));
  const block = o.shl(o.and(control, o.i32(3)), o.i32(2));
  // Words of one byte each: the other index lies outside.
  const words = (first: (i: number) => number, base: I32): V128 =>
    e.simd('i8x16.add', constantVector(o, 16, IOTA.slice(0, 8).map((i) => first(i) | 0x8000)), e.simd('i16x8.splat', base));
  const differences = [0, 1, 2, 3].map((k) => {
    const x = e.simd('i8x16.swizzle', a, words((i) => i + k, from));
    const y = e.simd('i8x16.swizzle', b, words(() => k, block));
    return e.simd('i16x8.abs', e.simd('i16x8.sub', x, y));
  });
  return differences.reduce((x, y) => e.simd('i16x8.add', x, y));
});

export const sseIntegerBodies: Record<string, Body> = {
  PSHUFB: shuffleBytes,
  PHADDW: neighbours(2, 'i16x8.add'), PHADDD: neighbours(4, 'i32x4.add'), PHADDSW: neighbours(2, 'i16x8.add_sat_s'),
  PHSUBW: neighbours(2, 'i16x8.sub'), PHSUBD: neighbours(4, 'i32x4.sub'), PHSUBSW: neighbours(2, 'i16x8.sub_sat_s'),
  PMADDUBSW: multiplyAddBytes, PMULHRSW: multiplyRound,
  PSIGNB: sign('i8x16', 8), PSIGNW: sign('i16x8', 16), PSIGND: sign('i32x4', 32),
  PABSB: magnitude('i8x16'), PABSW: magnitude('i16x8'), PABSD: magnitude('i32x4'), PALIGNR: alignRight,
  ...extensions('s', 'S'), ...extensions('u', 'Z'),
  PMULDQ: multiplyEven('i64x2.extmul_low_i32x4_s'), PMULLD: lanewise('i32x4.mul'), PACKUSDW: pack('i16x8.narrow_i32x4_u'),
  PCMPEQQ: lanewise('i64x2.eq'), PCMPGTQ: lanewise('i64x2.gt_s'),
  PMINSB: lanewise('i8x16.min_s'), PMAXSB: lanewise('i8x16.max_s'), PMINUW: lanewise('i16x8.min_u'), PMAXUW: lanewise('i16x8.max_u'),
  PMINSD: lanewise('i32x4.min_s'), PMAXSD: lanewise('i32x4.max_s'), PMINUD: lanewise('i32x4.min_u'), PMAXUD: lanewise('i32x4.max_u'),
  PHMINPOSUW: leastWord, MPSADBW: slidingDifferences,
};
