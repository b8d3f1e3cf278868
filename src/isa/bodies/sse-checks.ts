/**
 * When a plain WebAssembly operation does what the SSE instruction does [SDM1 10.2.3, 11.5]: it rounds to nearest, no
 * exception but #P can happen and PE is set already (or cannot be), and neither operands nor result are NaNs or denormals.
 * Where that is not so, the exact kernel (src/cpu/sse) computes.
 *
 * Tests are made on vectors of bits and gathered in sign bits, so that one branch decides; scalars are tested as vectors.
 */
import * as L from '../../cpu/layout.ts';
import { type FloatOperation, type FloatShape, type I32, type Ops, ROUNDING, type V128, type Val } from '../ops.ts';
import { constantVector } from './sse-operands.ts';

/** RC, PM and PE of MXCSR, and how they stand when an inexact result rounded to nearest goes unnoticed. */
const MXCSR_ROUNDING = 0x7020;
const MXCSR_UNNOTICED = 0x1020;
const MXCSR_PE = 0x20;

/** Not 0 when rounding an inexact normal result to nearest would be wrong, or be noticed. FTZ and DAZ matter to denormals alone. */
export const roundsNoticeably = (o: Ops): I32 => o.remembered(ROUNDING, () => noticesRounding(o.e, o.stateLoad('i32', L.MXCSR)));
export const noticesRounding = (e: Ops['e'], mxcsr: I32): I32 => e.binary('xor', e.binary('and', mxcsr, e.i32(MXCSR_ROUNDING)), e.i32(MXCSR_UNNOTICED));

/** Not 0 when, by what `roundsNoticeably` gave, more is amiss than that PE is not set yet. */
export const otherRounding = (o: Ops, rounds: I32): I32 => o.and(rounds, o.i32(~MXCSR_PE));

export type Shape = FloatShape;
const integerShape = (shape: Shape) => (shape === 'f32x4' ? 'i32x4' : 'i64x2');
/** Bit patterns of a format: its smallest normal number and its infinity. */
const PATTERNS = {
  f32x4: { normal: 0x00800000n, infinity: 0x7f800000n },
  f64x2: { normal: 0x0010000000000000n, infinity: 0x7ff0000000000000n },
} as const;
const splatPattern = (o: Ops, shape: Shape, pattern: bigint): V128 =>
  shape === 'f32x4' ? constantVector(o, 32, [pattern, pattern, pattern, pattern]) : constantVector(o, 64, [pattern, pattern]);
const magnitude = (o: Ops, shape: Shape, v: V128): V128 => o.e.simd(`${shape}.abs`, v);
const lessPattern = (o: Ops, shape: Shape, v: V128, pattern: bigint): V128 =>
  o.e.simd(`${integerShape(shape)}.sub`, v, splatPattern(o, shape, pattern));
/** Not 0 when a lane of any of the vectors has its sign bit set. */
const anySign = (o: Ops, shape: Shape, ...flags: V128[]): I32 =>
  o.e.simd(`${integerShape(shape)}.bitmask`, flags.reduce((a, b) => o.e.simd('v128.or', a, b)));

/**
 * Not 0 when a lane of any of the vectors is no normal number, or is among the smallest, to which tiny results may have been
 * rounded [SDM1 4.9.1.5]. With one added, an exponent of all ones or below three is 0 but for its two lowest bits; the least
 * of such exponents is 0 when one is, and goes below it by a subtraction.
 */
export function notAllNormal(o: Ops, shape: Shape, ...vectors: V128[]): I32 {
  return leastNotNormal(o, shape, vectors.map((v) => exponents(o, shape, v)).reduce((a, b) => o.e.simd('i16x8.min_u', a, b)));
}
export function exponents(o: Ops, shape: Shape, v: V128): V128 {
  const { normal, infinity } = PATTERNS[shape];
  const raised = o.e.simd(`${integerShape(shape)}.add`, v, splatPattern(o, shape, normal));
  return o.e.simd('v128.and', raised, splatPattern(o, shape, infinity - 3n * normal));
}
/** Bits of which some in the exponent of a lane are set when its number is not in the middle of its format's range (cpu/sse/middle.ts). */
export function distanceFromMiddle(o: Ops, shape: Shape, v: V128): V128 {
  return o.e.simd(`${integerShape(shape)}.add`, v, middleConstant(o, shape, 0));
}
/** Likewise, but zeros may be anywhere. */
export function distanceUnlessZero(o: Ops, shape: Shape, v: V128): V128 {
  return o.e.simd('v128.andnot', distanceFromMiddle(o, shape, v), o.e.simd(`${shape}.eq`, v, constantVector(o, 64, [0, 0])));
}
/** Not 0 when such distances, OR-ed, are of a lane that is elsewhere. */
export const anyFarFromMiddle = (o: Ops, shape: Shape, distances: V128): I32 =>
  o.e.simd('v128.any_true', o.e.simd('v128.and', distances, middleConstant(o, shape, 1)));
/** From memory, which takes the engine one instruction where a constant takes it four. */
const middleConstant = (o: Ops, shape: Shape, n: 0 | 1): V128 =>
  o.remembered(`middle ${shape} ${n}`, () => o.stateLoad('v128', L.MIDDLE_CONSTANTS + ((shape === 'f32x4' ? 0 : 2) + n) * 16));

export const leastNotNormal = (o: Ops, shape: Shape, least: V128): I32 => anySign(o, shape, lessPattern(o, shape, least, 1n));

// Of magnitudes, in the sign bits. Less one, only zeros are negative; less the smallest normal number, zeros and denormals are.

const isZero = (o: Ops, shape: Shape, size: V128): V128 => lessPattern(o, shape, size, 1n);
const isDenormal = (o: Ops, shape: Shape, size: V128): V128 =>
  o.e.simd('v128.andnot', lessPattern(o, shape, size, PATTERNS[shape].normal), isZero(o, shape, size));
const isTiny = (o: Ops, shape: Shape, size: V128): V128 => lessPattern(o, shape, size, PATTERNS[shape].normal + 1n);
const isNan = (o: Ops, shape: Shape, size: V128): V128 =>
  o.e.simd(`${integerShape(shape)}.sub`, splatPattern(o, shape, PATTERNS[shape].infinity), size);
const isInfiniteOrNan = (o: Ops, shape: Shape, size: V128): V128 =>
  o.e.simd(`${integerShape(shape)}.add`, size, splatPattern(o, shape, PATTERNS[shape].normal));

/** Not 0 when a lane is neither normal nor zero. */
export const notAllTame = (o: Ops, shape: Shape, v: V128): I32 => {
  const size = magnitude(o, shape, v);
  return anySign(o, shape, isDenormal(o, shape, size), isInfiniteOrNan(o, shape, size));
};
/** Not 0 when a lane of any of the vectors is a NaN or a denormal. */
export const notAllPlain = (o: Ops, shape: Shape, vectors: readonly V128[]): I32 => {
  const sizes = vectors.map((v) => magnitude(o, shape, v));
  return anySign(o, shape, ...sizes.flatMap((size) => [isDenormal(o, shape, size), isNan(o, shape, size)]));
};

/**
 * Not 0 when a result may have come with an exception other than #P. Where an underflow may give a zero, only that of an operand
 * makes an exact one; sums and roots never underflow to zero.
 */
export function notAllExact(o: Ops, shape: Shape, operation: FloatOperation, a: V128, b: V128, result: V128): I32 {
  const { e } = o;
  const [first, second, value] = [a, b, result].map((v) => magnitude(o, shape, v));
  const zero = (size: V128) => isZero(o, shape, size);
  const zeros = {
    sum: () => zero(value),
    root: () => zero(value),
    product: () => e.simd('v128.and', zero(value), e.simd('v128.or', zero(first), zero(second))),
    quotient: () => e.simd('v128.and', zero(value), zero(first)),
  }[operation]();
  const tiny = e.simd('v128.andnot', isTiny(o, shape, value), zeros);
  return anySign(o, shape, tiny, isInfiniteOrNan(o, shape, value), isDenormal(o, shape, first), isDenormal(o, shape, second));
}

/** `fast` unless `suspect` is not 0; then what `slow` gives. */
export function unless<T extends 'i32' | 'i64' | 'f32' | 'f64' | 'v128'>(o: Ops, suspect: I32, fast: Val<T>, slow: () => Val<T>): Val<T> {
  if (o.constant(suspect) === 0) return fast;
  const result = o.e.variable(fast.type);
  o.e.set(result, fast);
  o.e.ifRarely(suspect, () => o.e.set(result, slow()));
  return o.e.get(result);
}
/** `fast` unless a lane of any of the vectors is a NaN or a denormal; then what `slow` gives. Most are zeros, or found in the middle of their range by a quick look. */
export function unlessPlain<T extends 'i32' | 'f32' | 'f64' | 'v128'>(o: Ops, shape: Shape, vectors: readonly V128[], fast: Val<T>, slow: () => Val<T>): Val<T> {
  if (vectors.length === 0) return fast;
  const distances = vectors.map((v) => distanceUnlessZero(o, shape, v)).reduce((a, b) => o.e.simd('v128.or', a, b));
  return unless(o, anyFarFromMiddle(o, shape, distances), fast, () => unless(o, notAllPlain(o, shape, vectors), fast, slow));
}
/** `fast` where `condition` holds, else what `slow` gives. */
export const guarded = <T extends 'i32' | 'i64' | 'f32' | 'f64' | 'v128'>(o: Ops, condition: I32, fast: Val<T>, slow: () => Val<T>): Val<T> =>
  unless(o, o.eqz(condition), fast, slow);
