/** Packed integers: one body for the forms on MMX registers and those on XMM registers [SDM1 9.4, 11.4.2]. */
import * as L from '../../cpu/layout.ts';
import type { SIMD } from '../../wasm/opcodes.ts';
import type { Body, I32, I64, Ops, V128 } from '../ops.ts';
import {
  beginMmx, combine, commitMmx, constantVector, eachPart, firstSource, IOTA, isMmx, lowHalf, partsOf, quadword, setVector, transform, vector, withMmx, zeroVector,
} from './sse-operands.ts';

type Binary = (o: Ops, a: V128, b: V128) => V128;
type Shape = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2';

export const simd = (op: keyof typeof SIMD): Binary => (o, a, b) => o.e.simd(op, a, b) as V128;
export const lanewise = (op: keyof typeof SIMD): Body => combine(simd(op));

/** As `combine`, 64-bit operands side by side in both sources, so that an MMX register is half of an XMM register. */
export const sideBySide = (compute: Binary): Body =>
  combine((o, a, b) => {
    if (!isMmx(o, 0)) return compute(o, a, b);
    const joined = o.e.shuffle(a, b, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
    return compute(o, joined, joined);
  });
export const pack = (op: keyof typeof SIMD): Body => sideBySide(simd(op));

/** Lanes of `bytes` bytes taken in turn from both operands' low or high halves, as a byte shuffle of 16. */
export const interleave = (bytes: number, from: number, length: number): number[] => {
  const out: number[] = [];
  for (let at = from; at < from + length; at += bytes) {
    for (let b = 0; b < bytes; b++) out.push(at + b);
    for (let b = 0; b < bytes; b++) out.push(16 + at + b);
  }
  return out;
};
const unpackLow = (bytes: number): Body => combine((o, a, b) => o.e.shuffle(a, b, interleave(bytes, 0, 8)));
const unpackHigh = (bytes: number): Body =>
  combine((o, a, b) => {
    // An MMX register's high half lies in the middle of the pair.
    const lanes = isMmx(o, 0) ? interleave(bytes, 4, 4) : interleave(bytes, 8, 8);
    return o.e.shuffle(a, b, [...lanes, ...lanes].slice(0, 16));
  });

const multiplyHigh = (low: keyof typeof SIMD, high: keyof typeof SIMD): Body =>
  combine((o, a, b) => {
    const odd = [2, 3, 6, 7, 10, 11, 14, 15];
    return o.e.shuffle(simd(low)(o, a, b), simd(high)(o, a, b), [...odd, ...odd.map((i) => i + 16)]);
  });
export const multiplyEven = (op: 'i64x2.extmul_low_i32x4_u' | 'i64x2.extmul_low_i32x4_s'): Body =>
  combine((o, a, b) => {
    const evens = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
    return o.e.simd(op, o.e.shuffle(a, a, evens), o.e.shuffle(b, b, evens));
  });
/** Sums of the absolute differences of eight bytes, in the low word of each half. */
const sumOfDifferences: Binary = (o, a, b) => {
  const { e } = o;
  const differences = e.simd('v128.or', e.simd('i8x16.sub_sat_u', a, b), e.simd('i8x16.sub_sat_u', b, a));
  const quads = e.simd('i32x4.extadd_pairwise_i16x8_u', e.simd('i16x8.extadd_pairwise_i8x16_u', differences));
  const sums = e.simd('i64x2.add', quads, e.simd('i64x2.shr_u', quads, o.i32(32)));
  return e.simd('v128.and', sums, constantVector(o, 64, [0xffff, 0xffff]));
};

/** Operand whose lanes an instruction shifts: in the VEX form of the shifts by an immediate it is ModRM.rm. */
const shifted = (o: Ops): number => (o.operandCount === 3 ? 1 : 0);
/** A count is the low 64 bits of the source, or an immediate [SDM2 PSLLW]. */
const shiftCount = (o: Ops, n: number): I64 => {
  if (o.isImmediate(n)) return o.toI64(o.field(n));
  return isMmx(o, n) ? quadword(o, n) : lowHalf(o, vector(o, n));
};
const shift = (op: keyof typeof SIMD, bits: number, arithmetic = false): Body => (o) =>
  withMmx(o, () => {
    const source = shifted(o);
    const count = shiftCount(o, source + 1);
    const inRange = o.ltU(count, o.i64(bits));
    const by = o.wrap(count);
    const within = o.select(inRange, by, o.i32(bits - 1));
    eachPart(o, (byte) => {
      const a = vector(o, source, byte);
      return arithmetic ? (o.e.simd(op, a, within) as V128) : o.select(inRange, o.e.simd(op, a, by) as V128, zeroVector(o));
    });
  });
/** PSLLDQ and PSRLDQ: swizzling gives zero for indices outside the vector. */
const shiftBytes = (op: 'i8x16.add' | 'i8x16.sub'): Body => (o) => {
  const source = shifted(o);
  const count = o.field(source + 1);
  const by = o.select(o.ltU(count, o.i32(16)), count, o.i32(16));
  const indices = o.e.simd(op, constantVector(o, 8, IOTA), o.e.simd('i8x16.splat', by)) as V128;
  eachPart(o, (byte) => o.e.simd('i8x16.swizzle', vector(o, source, byte), indices));
};

/** Byte indices for lanes of `bits` bits, by the two-bit fields of an immediate: lane `at + i` is `at + field i`. */
export function fieldIndices(o: Ops, bits: 16 | 32, order: I32, at: number): V128 {
  const { e } = o;
  // Both shapes have the same operations.
  const shape = (bits === 16 ? 'i16x8' : 'i32x4') as 'i32x4';
  const inside = (i: number) => i >= at && i < at + 4;
  const each = (f: (i: number) => number) => constantVector(o, bits, IOTA.slice(0, 128 / bits).map(f));
  /** A lane's number in each of its bytes, times its size; and the bytes' numbers in a lane. */
  const bytes = bits === 16 ? 0x0202 : 0x04040404;
  const ramp = bits === 16 ? 0x0100 : 0x03020100;
  // A multiplication moves each lane's field to bits 6 and 7.
  const moved = e.simd(`${shape}.mul`, e.simd(`${shape}.splat`, order), each((i) => (inside(i) ? 64 >> (2 * (i - at)) : 0)));
  const fields = e.simd('v128.and', e.simd(`${shape}.shr_u`, moved, o.i32(6)), each(() => 3));
  const scaled = e.simd(`${shape}.mul`, fields, each(() => bytes));
  return e.simd('i8x16.add', scaled, each((i) => ramp + bytes * (inside(i) ? at : i)));
}
const shuffleFields = (bits: 16 | 32, at: number): Body =>
  transform((o, source) => o.e.simd('i8x16.swizzle', source, fieldIndices(o, bits, o.field(2), at)));

/** Lane numbers are taken modulo the number of words. */
const wordNumber = (o: Ops, operand: number, immediate: number): I32 => o.and(o.field(immediate), o.i32(isMmx(o, operand) ? 3 : 7));
const extractWord: Body = (o) =>
  withMmx(o, () => {
    const first = o.shl(wordNumber(o, 1, 2), o.i32(1));
    const indices = o.e.simd('i16x8.splat', o.or(o.mul(first, o.i32(0x0101)), o.i32(0x0100)));
    o.put(0, o.e.extractLane('i16x8.extract_lane_u', o.e.simd('i8x16.swizzle', vector(o, 1), indices), 0));
  });
const insertWord: Body = (o) =>
  withMmx(o, () => {
    const into = firstSource(o);
    const word = o.get(into + 1) as I32;
    const chosen = o.e.simd('i16x8.splat', wordNumber(o, 0, into + 2));
    const mask = o.e.simd('i16x8.eq', constantVector(o, 16, IOTA.slice(0, 8)), chosen);
    setVector(o, 0, o.e.simd('v128.bitselect', o.e.simd('i16x8.splat', word), vector(o, into), mask));
  });
const byteMask: Body = (o) =>
  withMmx(o, () => {
    const masks = partsOf(o, 1).map((byte, i) => o.shl(o.e.simd('i8x16.bitmask', vector(o, 1, byte)), o.i32(16 * i)));
    const mask = masks.reduce((a, b) => o.or(a, b));
    o.put(0, isMmx(o, 1) ? o.and(mask, o.i32(0xff)) : mask);
  });

const emms: Body = (o) => {
  beginMmx(o);
  commitMmx(o);
  o.stateStore('u8', L.FTW, o.i32(0));
};

const arithmetic = (shape: Shape, letter: string): Record<string, Body> => ({
  [`PADD${letter}`]: lanewise(`${shape}.add`),
  [`PSUB${letter}`]: lanewise(`${shape}.sub`),
});
const saturating = (shape: 'i8x16' | 'i16x8', letter: string): Record<string, Body> => ({
  [`PADDS${letter}`]: lanewise(`${shape}.add_sat_s`), [`PADDUS${letter}`]: lanewise(`${shape}.add_sat_u`),
  [`PSUBS${letter}`]: lanewise(`${shape}.sub_sat_s`), [`PSUBUS${letter}`]: lanewise(`${shape}.sub_sat_u`),
  [`PAVG${letter}`]: lanewise(`${shape}.avgr_u`),
});
const comparing = (shape: 'i8x16' | 'i16x8' | 'i32x4', letter: string): Record<string, Body> => ({
  [`PCMPEQ${letter}`]: lanewise(`${shape}.eq`), [`PCMPGT${letter}`]: lanewise(`${shape}.gt_s`),
});
const shifting = (shape: 'i16x8' | 'i32x4' | 'i64x2', letter: string, bits: number): Record<string, Body> => ({
  [`PSLL${letter}`]: shift(`${shape}.shl`, bits), [`PSRL${letter}`]: shift(`${shape}.shr_u`, bits),
  [`PSRA${letter}`]: shift(`${shape}.shr_s`, bits, true),
});

export const and = lanewise('v128.and');
export const or = lanewise('v128.or');
export const xor = lanewise('v128.xor');
/** NOT of the destination AND the source. */
export const andNot = combine((o, a, b) => o.e.simd('v128.andnot', b, a));
export const unpackLowDoublewords = unpackLow(4);
export const unpackHighDoublewords = unpackHigh(4);
export const unpackLowQuadwords = combine((o, a, b) => o.e.shuffle(a, b, interleave(8, 0, 8)));
export const unpackHighQuadwords = combine((o, a, b) => o.e.shuffle(a, b, interleave(8, 8, 8)));

export const mmxBodies: Record<string, Body> = {
  ...arithmetic('i8x16', 'B'), ...arithmetic('i16x8', 'W'), ...arithmetic('i32x4', 'D'), ...arithmetic('i64x2', 'Q'),
  ...saturating('i8x16', 'B'), ...saturating('i16x8', 'W'),
  ...comparing('i8x16', 'B'), ...comparing('i16x8', 'W'), ...comparing('i32x4', 'D'),
  ...shifting('i16x8', 'W', 16), ...shifting('i32x4', 'D', 32), ...shifting('i64x2', 'Q', 64),
  PSLLDQ: shiftBytes('i8x16.sub'), PSRLDQ: shiftBytes('i8x16.add'),
  PAND: and, PANDN: andNot, POR: or, PXOR: xor,
  PMINUB: lanewise('i8x16.min_u'), PMAXUB: lanewise('i8x16.max_u'), PMINSW: lanewise('i16x8.min_s'), PMAXSW: lanewise('i16x8.max_s'),
  PMULLW: lanewise('i16x8.mul'), PMADDWD: lanewise('i32x4.dot_i16x8_s'),
  PMULHW: multiplyHigh('i32x4.extmul_low_i16x8_s', 'i32x4.extmul_high_i16x8_s'),
  PMULHUW: multiplyHigh('i32x4.extmul_low_i16x8_u', 'i32x4.extmul_high_i16x8_u'),
  PMULUDQ: multiplyEven('i64x2.extmul_low_i32x4_u'), PSADBW: combine(sumOfDifferences),
  PACKSSWB: pack('i8x16.narrow_i16x8_s'), PACKUSWB: pack('i8x16.narrow_i16x8_u'), PACKSSDW: pack('i16x8.narrow_i32x4_s'),
  PUNPCKLBW: unpackLow(1), PUNPCKLWD: unpackLow(2), PUNPCKLDQ: unpackLowDoublewords, PUNPCKLQDQ: unpackLowQuadwords,
  PUNPCKHBW: unpackHigh(1), PUNPCKHWD: unpackHigh(2), PUNPCKHDQ: unpackHighDoublewords, PUNPCKHQDQ: unpackHighQuadwords,
  PSHUFW: shuffleFields(16, 0), PSHUFLW: shuffleFields(16, 0), PSHUFHW: shuffleFields(16, 4), PSHUFD: shuffleFields(32, 0),
  PEXTRW: extractWord, PINSRW: insertWord, PMOVMSKB: byteMask, EMMS: emms,
};
