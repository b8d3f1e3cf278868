/** Rounding to integers and dot products of SSE4.1 [SDM1 12.10.6, 12.10.7]. */
import * as L from '../../cpu/layout.ts';
import type { Body, I32, Ops, V128 } from '../ops.ts';
import { notAllPlain, type Shape, unless } from './sse-checks.ts';
import { ADD, DOUBLE, MUL, packedArithmetic, putElement, SINGLE } from './sse-float.ts';
import { eachPart, element, exact, firstSource, immediateOf, partsOf, raiseJoined, transform, vector } from './sse-operands.ts';
import { lanesOf } from './sse-select.ts';

/** The immediate: RC, to take that of MXCSR instead, and not to report #P. */
const USES_MXCSR = 4;
const SUPPRESSES_PRECISION = 8;
/** By RC. */
const MODES = ['nearest', 'floor', 'ceil', 'trunc'] as const;
const RC_SHIFT = 13;
const PM_PE = 0x1020;

const roundingOf = (o: Ops, control: I32): I32 => {
  const own = o.shrU(o.stateLoad('i32', L.MXCSR), o.i32(RC_SHIFT));
  return o.and(o.select(o.and(control, o.i32(USES_MXCSR)), own, control), o.i32(3));
};
/** Not 0 when an inexact result is reported, or noted. */
const noticed = (o: Ops, control: I32): I32 => {
  const unnoticed = o.eq(o.and(o.stateLoad('i32', L.MXCSR), o.i32(PM_PE)), o.i32(PM_PE));
  return o.eqz(o.or(unnoticed, o.and(control, o.i32(SUPPRESSES_PRECISION))));
};

/** `v` rounded as the immediate says, which compiled code knows. */
function rounded(o: Ops, shape: Shape, control: I32, v: V128): V128 {
  const known = o.constant(control);
  if (known !== undefined && (known & USES_MXCSR) === 0) return o.e.simd(`${shape}.${MODES[known & 3]}`, v);
  const mode = roundingOf(o, control);
  const [nearest, floor, ceil, trunc] = MODES.map((name) => o.e.simd(`${shape}.${name}`, v));
  const low = o.and(mode, o.i32(1));
  return o.select(o.and(mode, o.i32(2)), o.select(low, trunc, ceil), o.select(low, floor, nearest));
}
function roundLanes(o: Ops, shape: Shape, control: I32, v: V128): V128 {
  const value = rounded(o, shape, control, v);
  const inexact = o.e.simd('v128.any_true', o.e.simd(`${shape}.ne`, value, v));
  const suspect = o.or(notAllPlain(o, shape, [v]), o.and(inexact, noticed(o, control)));
  return unless(o, suspect, value, () => exact(o, `sse_round_${shape}`, 'v128', control, v) as V128);
}
const roundPacked = (shape: Shape): Body => transform((o, v) => roundLanes(o, shape, o.field(2), v));
const roundSingle: Body = (o) => {
  const v = o.e.simd('f32x4.splat', element(o, firstSource(o) + 1, 'f32'));
  putElement(o, SINGLE, o.e.extractLane('f32x4.extract_lane', roundLanes(o, 'f32x4', immediateOf(o), v), 0));
};
const roundDouble: Body = (o) => {
  const v = o.e.simd('f64x2.splat', element(o, firstSource(o) + 1, 'f64'));
  putElement(o, DOUBLE, o.e.extractLane('f64x2.extract_lane', roundLanes(o, 'f64x2', immediateOf(o), v), 0));
};

/** Byte lanes of a shuffle that takes elements of `bytes` bytes. */
const elementsAt = (bytes: 4 | 8, ...numbers: number[]): number[] => numbers.flatMap((n) => Array.from({ length: bytes }, (_, i) => n * bytes + i));
/** Neighbours added, then pairs, in every element; which of two NaNs an element gets, Intel's processors decide so. */
const SUMS = {
  f32x4: [[elementsAt(4, 1, 0, 3, 2), elementsAt(4, 0, 1, 2, 3)], [elementsAt(4, 0, 1, 2, 3), elementsAt(4, 2, 3, 0, 1)]],
  f64x2: [[elementsAt(8, 0, 1), elementsAt(8, 1, 0)]],
} as const;

/** Products that the immediate's high half chooses, added in pairs; the sum where its low half says. */
const dotProduct = (shape: Shape): Body => (o) => {
  const { e } = o;
  const first = firstSource(o);
  const masked = (v: V128, shift: number): V128 =>
    e.simd('v128.and', v, lanesOf(o, shape === 'f32x4' ? 'i32x4' : 'i64x2', o.shrU(immediateOf(o), o.i32(shift))));
  const second = partsOf(o, 0).map((byte) => masked(vector(o, first + 1, byte), 4));
  // Each step raises its exceptions in all parts before the next one begins.
  let parts = second.map((b, i) => packedArithmetic(shape, MUL)(o, masked(vector(o, first, 16 * i), 4), b));
  for (const [x, y] of SUMS[shape]) {
    raiseJoined(o);
    parts = parts.map((v) => packedArithmetic(shape, ADD)(o, e.shuffle(v, v, x), e.shuffle(v, v, y)));
  }
  eachPart(o, (byte) => masked(parts[byte / 16], 0));
};

export const sseRoundBodies: Record<string, Body> = {
  ROUNDPS: roundPacked('f32x4'), ROUNDPD: roundPacked('f64x2'), ROUNDSS: roundSingle, ROUNDSD: roundDouble,
  DPPS: dotProduct('f32x4'), DPPD: dotProduct('f64x2'),
};
