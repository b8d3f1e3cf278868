/** Blends, inserts, extracts, duplications and tests of SSE3 and SSE4 [SDM1 12.3.3, 12.10]. */
import type { Body, I32, I64, Int, Ops, V128 } from '../ops.ts';
import {
  both, combine, constantVector, doubleword, eachPart, firstSource, immediateOf, IOTA, lowHalf, partsOf, setVector, transform, vector,
} from './sse-operands.ts';

type Lanes = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2';
const BITS = { i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64 } as const;
const perLane = (o: Ops, shape: Lanes, value: (lane: number) => number): V128 =>
  constantVector(o, BITS[shape], IOTA.slice(0, 128 / BITS[shape]).map(value));
const splat = (o: Ops, shape: Lanes, value: I32): V128 =>
  shape === 'i64x2' ? o.e.simd('i64x2.splat', o.toI64(value)) : o.e.simd(`${shape}.splat`, value);
/** Lanes whose bit in a number is set. */
export const lanesOf = (o: Ops, shape: Lanes, bits: I32, first = 0): V128 => {
  const own = perLane(o, shape, (lane) => 1 << (first + lane));
  return o.e.simd(`${shape}.eq`, o.e.simd('v128.and', splat(o, shape, bits), own), own);
};

/** The second source where the mask's lanes are negative: XMM0, or in the VEX form the last operand. */
const blendVariable = (shape: 'i8x16' | 'i32x4' | 'i64x2'): Body =>
  combine((o, a, b, byte) => {
    const mask = o.loadRegister(firstSource(o) + 2, 'v128', byte);
    return o.e.simd('v128.bitselect', b, a, o.e.simd(`${shape}.shr_s`, mask, o.i32(BITS[shape] - 1)));
  });
/** The second source where the immediate's bits are set; words have the same bits in both parts. */
const blend = (shape: 'i16x8' | 'i32x4' | 'i64x2'): Body =>
  combine((o, a, b, byte) => {
    const first = byte === 0 || shape === 'i16x8' ? 0 : 128 / BITS[shape];
    return o.e.simd('v128.bitselect', b, a, lanesOf(o, shape, immediateOf(o), first));
  });

/** A register's lane whose number is a value, in lane 0. */
const pick = (o: Ops, shape: Lanes, v: V128, lane: I32): V128 => {
  const bytes = BITS[shape] / 8;
  const first = o.e.simd('i8x16.splat', o.mul(lane, o.i32(bytes)));
  return o.e.simd('i8x16.swizzle', v, o.e.simd('i8x16.add', first, constantVector(o, 8, IOTA.map((i) => i % bytes))));
};
const laneNumber = (o: Ops, shape: Lanes, immediate: I32): I32 => o.and(immediate, o.i32(128 / BITS[shape] - 1));

const extract = (shape: Lanes): Body => (o) => {
  const lane = pick(o, shape, vector(o, 1), laneNumber(o, shape, o.field(2)));
  const narrow = { i8x16: 'i8x16.extract_lane_u', i16x8: 'i16x8.extract_lane_u', i32x4: 'i32x4.extract_lane' } as const;
  o.put(0, shape === 'i64x2' ? lowHalf(o, lane) : o.e.extractLane(narrow[shape], lane, 0));
};
const extractByWidth: Body = (o) => extract(o.bits(0) === 64 ? 'i64x2' : 'i32x4')(o);

/** Sets a lane, whose number is a value. */
const replace = (o: Ops, shape: Lanes, into: V128, value: Int, lane: I32): V128 => {
  const chosen = o.e.simd(`${shape}.eq`, perLane(o, shape, (n) => n), splat(o, shape, lane));
  const wide = value.type === 'i64' ? both(o, value as I64) : splat(o, shape, value as I32);
  return o.e.simd('v128.bitselect', wide, into, chosen);
};
const insert = (shape: Lanes): Body => (o) => {
  const into = firstSource(o);
  const value = o.get(into + 1);
  setVector(o, 0, replace(o, shape, vector(o, into), value, laneNumber(o, shape, o.field(into + 2))));
};
const insertByWidth: Body = (o) => insert(o.bits(firstSource(o) + 1) === 64 ? 'i64x2' : 'i32x4')(o);
/** One element of the source, or memory, to any place; the immediate's low bits clear elements. */
const insertSingle: Body = (o) => {
  const into = firstSource(o);
  const control = o.field(into + 2);
  const from = into + 1;
  const value = o.inMemory(from)
    ? doubleword(o, from)
    : o.e.extractLane('i32x4.extract_lane', pick(o, 'i32x4', vector(o, from), o.shrU(o.and(control, o.i32(0xc0)), o.i32(6))), 0);
  const replaced = replace(o, 'i32x4', vector(o, into), value, o.and(o.shrU(control, o.i32(4)), o.i32(3)));
  setVector(o, 0, o.e.simd('v128.andnot', replaced, lanesOf(o, 'i32x4', control)));
};

const PAIRS = { low: [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11], high: [4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15] };
const duplicateSingles = (which: 'low' | 'high'): Body => transform((o, v) => o.e.shuffle(v, v, PAIRS[which]));
const EVEN = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7];
const duplicateDoubles: Body = (o) => eachPart(o, (byte) => {
  const v = vector(o, 1, byte);
  return o.e.shuffle(v, v, EVEN);
});

const ZF = 0x40;
/** ZF: no common bit in the whole operands. CF: none of the second is missing in the first. Of signs alone with `shape`. */
const test = (shape?: 'i32x4' | 'i64x2'): Body => (o) => {
  const any = (op: 'v128.and' | 'v128.andnot', pairs: readonly [V128, V128][]): I32 => {
    const bits = pairs.map(([a, b]) => o.e.simd(op, b, a)).reduce((x, y) => o.e.simd('v128.or', x, y));
    return shape ? o.e.simd(`${shape}.bitmask`, bits) : o.e.simd('v128.any_true', bits);
  };
  const pairs = partsOf(o, 0).map((byte): [V128, V128] => {
    const b = vector(o, 1, byte);
    return [vector(o, 0, byte), b];
  });
  o.writeFlags(o.or(o.mul(o.eqz(any('v128.and', pairs)), o.i32(ZF)), o.eqz(any('v128.andnot', pairs))));
};

export const sseSelectBodies: Record<string, Body> = {
  PBLENDVB: blendVariable('i8x16'), BLENDVPS: blendVariable('i32x4'), BLENDVPD: blendVariable('i64x2'),
  PBLENDW: blend('i16x8'), BLENDPS: blend('i32x4'), BLENDPD: blend('i64x2'), PBLENDD: blend('i32x4'),
  PEXTRB: extract('i8x16'), PEXTRW_STORE: extract('i16x8'), PEXTRD: extractByWidth, EXTRACTPS: extract('i32x4'),
  PINSRB: insert('i8x16'), PINSRD: insertByWidth, INSERTPS: insertSingle,
  MOVSLDUP: duplicateSingles('low'), MOVSHDUP: duplicateSingles('high'), MOVDDUP: duplicateDoubles,
  PTEST: test(), TESTPS: test('i32x4'), TESTPD: test('i64x2'),
};
