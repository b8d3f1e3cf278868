/**
 * SSE arithmetic and comparisons [SDM1 10.4, 11.4]. The plain WebAssembly operation is right when it rounds to nearest,
 * no exception but #P can happen and PE is set already (or cannot be), and neither operands nor result are NaNs or
 * denormals: that is tested inline, on the bits, and everything else goes to the exact kernel (src/cpu/sse).
 */
import * as L from '../../cpu/layout.ts';
import { SSE_ADD, SSE_DIV, SSE_MAX, SSE_MIN, SSE_MUL, SSE_SQRT, SSE_SUB } from '../../cpu/sse/operations.ts';
import type { Body, I32, I64, Int, Ops, V128, Val } from '../ops.ts';
import { constantVector, doubleword, exact, quadword, vector } from './sse-operands.ts';

/** RC, FTZ, DAZ, PM and PE of MXCSR, and how they stand when an inexact result rounded to nearest goes unnoticed. */
const MXCSR_MODE = 0xf060;
const MXCSR_PLAIN = 0x1020;

export const roundsPlainly = (o: Ops): I32 => o.eq(o.and(o.stateLoad('i32', L.MXCSR), o.i32(MXCSR_MODE)), o.i32(MXCSR_PLAIN));

/** Bit patterns of a format: its smallest normal number and its infinity. */
const SINGLE = { normal: 0x00800000n, infinity: 0x7f800000n };
const DOUBLE = { normal: 0x0010000000000000n, infinity: 0x7ff0000000000000n };
const formatOf = (like: Int) => (like.type === 'i64' ? DOUBLE : SINGLE);
const patternOf = (o: Ops, like: Int, pattern: bigint): Int => (like.type === 'i64' ? o.i64(pattern) : o.i32(Number(BigInt.asIntN(32, pattern))));

// Tests on a scalar's bits with the sign shifted out, so that all are unsigned comparisons

const withoutSign = (o: Ops, bits: Int): Int => o.shl(bits, o.constantLike(bits, 1));
const isZero = (o: Ops, shifted: Int): I32 => o.eqz(shifted);
/**
 * A result that no exception but #P came with: finite, and above the smallest normal number, to which tiny results may
 * have been rounded [SDM1 4.9.1.5].
 */
const isSafe = (o: Ops, shifted: Int): I32 => {
  const { normal, infinity } = formatOf(shifted);
  const above = o.sub(shifted, patternOf(o, shifted, normal * 2n + 1n));
  return o.ltU(above, patternOf(o, shifted, (infinity - normal) * 2n - 1n));
};
const isNoDenormal = (o: Ops, shifted: Int): I32 => {
  const { normal } = formatOf(shifted);
  const below = o.sub(shifted, o.constantLike(shifted, 1));
  return o.e.compare('geU', below, patternOf(o, shifted, normal * 2n - 1n));
};
/** Zero, normal or infinite. */
const isPlain = (o: Ops, shifted: Int): I32 => {
  const { normal, infinity } = formatOf(shifted);
  const above = o.sub(shifted, patternOf(o, shifted, normal * 2n));
  return o.or(isZero(o, shifted), o.e.compare('leU', above, patternOf(o, shifted, (infinity - normal) * 2n)));
};
export const scalarIsPlain = (o: Ops, bits: Int): I32 => isPlain(o, withoutSign(o, bits));

// The same on vectors of magnitudes, as masks

type Shape = 'f32x4' | 'f64x2';
const integerShape = (shape: Shape) => (shape === 'f32x4' ? 'i32x4' : 'i64x2');
const splatPattern = (o: Ops, shape: Shape, pattern: bigint): V128 =>
  shape === 'f32x4' ? constantVector(o, 32, [pattern, pattern, pattern, pattern]) : constantVector(o, 64, [pattern, pattern]);
const patterns = (shape: Shape) => (shape === 'f32x4' ? SINGLE : DOUBLE);
const magnitude = (o: Ops, shape: Shape, v: V128): V128 => o.e.simd(`${shape}.abs`, v);
const above = (o: Ops, shape: Shape, v: V128, pattern: bigint): V128 =>
  o.e.simd(`${integerShape(shape)}.gt_s`, v, splatPattern(o, shape, pattern));
const zeroLanes = (o: Ops, shape: Shape, v: V128): V128 => o.e.simd(`${integerShape(shape)}.eq`, v, splatPattern(o, shape, 0n));
const safeLanes = (o: Ops, shape: Shape, v: V128): V128 => {
  const { normal, infinity } = patterns(shape);
  return o.e.simd('v128.andnot', above(o, shape, v, normal), above(o, shape, v, infinity - 1n));
};
const noDenormalLanes = (o: Ops, shape: Shape, v: V128): V128 =>
  o.e.simd('v128.or', zeroLanes(o, shape, v), above(o, shape, v, patterns(shape).normal - 1n));
const plainLanes = (o: Ops, shape: Shape, v: V128): V128 =>
  o.e.simd('v128.andnot', noDenormalLanes(o, shape, v), above(o, shape, v, patterns(shape).infinity));
const all = (o: Ops, shape: Shape, ...masks: V128[]): I32 =>
  o.e.simd(`${integerShape(shape)}.all_true`, masks.reduce((a, b) => o.e.simd('v128.and', a, b)));
export const lanesArePlain = (o: Ops, shape: Shape, v: V128): I32 => all(o, shape, plainLanes(o, shape, magnitude(o, shape, v)));

/** `fast` where `condition` holds, else what `slow` gives. */
export function guarded<T extends 'i32' | 'i64' | 'v128'>(o: Ops, condition: I32, fast: Val<T>, slow: () => Val<T>): Val<T> {
  const result = o.e.variable(fast.type);
  o.e.set(result, fast);
  o.e.if(o.eqz(condition), () => o.e.set(result, slow()));
  return o.e.get(result);
}

interface Operation {
  readonly number: number;
  readonly name: 'add' | 'sub' | 'mul' | 'div' | 'sqrt';
  /** Whose zero makes an exact zero: an underflow gives zeros too. Sums and roots never underflow to zero. */
  readonly zeroFrom: 'any' | 'either' | 'first';
}
const ADD: Operation = { number: SSE_ADD, name: 'add', zeroFrom: 'any' };
const SUB: Operation = { number: SSE_SUB, name: 'sub', zeroFrom: 'any' };
const MUL: Operation = { number: SSE_MUL, name: 'mul', zeroFrom: 'either' };
const DIV: Operation = { number: SSE_DIV, name: 'div', zeroFrom: 'first' };
const SQRT: Operation = { number: SSE_SQRT, name: 'sqrt', zeroFrom: 'any' };

const asFloat = (o: Ops, bits: Int): Val<'f32'> | Val<'f64'> =>
  bits.type === 'i64' ? o.e.convert('f64FromBits', bits as I64) : o.e.convert('f32FromBits', bits as I32);
const asBits = (o: Ops, value: Val): Int =>
  value.type === 'f64' ? o.e.convert('i64FromF64Bits', value as Val<'f64'>) : o.e.convert('i32FromF32Bits', value as Val<'f32'>);

const scalar = (wide: boolean, op: Operation): Body => (o) => {
  const b = wide ? quadword(o, 1) : doubleword(o, 1);
  const a = op.name === 'sqrt' ? b : wide ? quadword(o, 0) : doubleword(o, 0);
  const value = op.name === 'sqrt' ? o.e.unary('sqrt', asFloat(o, b)) : o.e.binary(op.name, asFloat(o, a), asFloat(o, b) as never);
  const bits = asBits(o, value);
  const [first, second, result] = [a, b, bits].map((x) => withoutSign(o, x));
  const zeros = { any: () => o.i32(1), either: () => o.or(isZero(o, first), isZero(o, second)), first: () => isZero(o, first) }[op.zeroFrom]();
  const resultFits = o.or(isSafe(o, result), o.and(isZero(o, result), zeros));
  const operandsFit = op.name === 'sqrt' ? isNoDenormal(o, second) : o.and(isNoDenormal(o, first), isNoDenormal(o, second));
  const fits = o.and(roundsPlainly(o), o.and(resultFits, operandsFit));
  const slow = () => exact(o, wide ? 'sse_f64' : 'sse_f32', wide ? 'i64' : 'i32', o.i32(op.number), a, b) as Int;
  o.storeRegister(0, wide ? 'i64' : 'i32', guarded(o, fits, bits, slow) as never);
};
const packedFloat = (shape: Shape, op: Operation): Body => (o) => {
  const b = vector(o, 1);
  const a = op.name === 'sqrt' ? b : vector(o, 0);
  const value = op.name === 'sqrt' ? o.e.simd(`${shape}.sqrt`, b) : o.e.simd(`${shape}.${op.name}`, a, b);
  const [first, second, result] = [a, b, value].map((v) => magnitude(o, shape, v));
  const or = (x: V128, y: V128) => o.e.simd('v128.or', x, y);
  const zeros = {
    any: () => zeroLanes(o, shape, result),
    either: () => o.e.simd('v128.and', zeroLanes(o, shape, result), or(zeroLanes(o, shape, first), zeroLanes(o, shape, second))),
    first: () => o.e.simd('v128.and', zeroLanes(o, shape, result), zeroLanes(o, shape, first)),
  }[op.zeroFrom]();
  const operands = op.name === 'sqrt' ? [second] : [first, second];
  const lanes = all(o, shape, or(safeLanes(o, shape, result), zeros), ...operands.map((v) => noDenormalLanes(o, shape, v)));
  const slow = () => exact(o, `sse_${shape}`, 'v128', o.i32(op.number), a, b) as V128;
  o.storeRegister(0, 'v128', guarded(o, o.and(roundsPlainly(o), lanes), value, slow));
};

/** MINSS and MAXSS give the second operand when both are zeros. */
const scalarExtreme = (wide: boolean, number: number): Body => (o) => {
  const b = wide ? quadword(o, 1) : doubleword(o, 1);
  const a = wide ? quadword(o, 0) : doubleword(o, 0);
  const takesFirst = o.e.compare(number === SSE_MIN ? 'lt' : 'gt', asFloat(o, a), asFloat(o, b) as never);
  const chosen = o.select(takesFirst, a, b as never) as Int;
  const slow = () => exact(o, wide ? 'sse_f64' : 'sse_f32', wide ? 'i64' : 'i32', o.i32(number), a, b) as Int;
  o.storeRegister(0, wide ? 'i64' : 'i32', guarded(o, o.and(scalarIsPlain(o, a), scalarIsPlain(o, b)), chosen, slow) as never);
};
const packedExtreme = (shape: Shape, number: number): Body => (o) => {
  const b = vector(o, 1);
  const a = vector(o, 0);
  const takesFirst = o.e.simd(number === SSE_MIN ? `${shape}.lt` : `${shape}.gt`, a, b);
  const chosen = o.e.simd('v128.bitselect', a, b, takesFirst);
  const fits = o.and(lanesArePlain(o, shape, a), lanesArePlain(o, shape, b));
  o.storeRegister(0, 'v128', guarded(o, fits, chosen, () => exact(o, `sse_${shape}`, 'v128', o.i32(number), a, b) as V128));
};

/** Predicates of ordered operands: EQ or LE, LT or LE, and the negation in bit 2 [SDM2 CMPPS]. */
interface Predicate {
  readonly number: I32;
  readonly equal: I32;
  readonly less: I32;
  readonly negate: I32;
}
function predicate(o: Ops): Predicate {
  const number = o.and(o.field(2), o.i32(7));
  const kind = o.and(number, o.i32(3));
  const less = o.and(o.xor(kind, o.shrU(kind, o.i32(1))), o.i32(1));
  return { number, equal: o.eqz(o.and(kind, o.i32(1))), less: o.or(less, o.eq(kind, o.i32(2))), negate: o.shrU(number, o.i32(2)) };
}
const scalarCompare = (wide: boolean): Body => (o) => {
  const b = wide ? quadword(o, 1) : doubleword(o, 1);
  const a = wide ? quadword(o, 0) : doubleword(o, 0);
  const p = predicate(o);
  const equal = o.and(p.equal, o.e.compare('eq', asFloat(o, a), asFloat(o, b) as never));
  const less = o.and(p.less, o.e.compare('lt', asFloat(o, a), asFloat(o, b) as never));
  const mask = o.sub(o.i32(0), o.xor(o.or(equal, less), p.negate));
  const slow = () => exact(o, wide ? 'sse_compare_f64' : 'sse_compare_f32', wide ? 'i64' : 'i32', p.number, a, b) as Int;
  const plain = o.and(scalarIsPlain(o, a), scalarIsPlain(o, b));
  o.storeRegister(0, wide ? 'i64' : 'i32', guarded(o, plain, wide ? o.toI64S(mask) : (mask as Int), slow) as never);
};
const packedCompare = (shape: Shape): Body => (o) => {
  const b = vector(o, 1);
  const a = vector(o, 0);
  const p = predicate(o);
  const where = (bit: I32, mask: V128) => o.e.simd('v128.and', mask, o.e.simd('i32x4.splat', o.sub(o.i32(0), bit)));
  const equal = where(p.equal, o.e.simd(`${shape}.eq`, a, b));
  const less = where(p.less, o.e.simd(`${shape}.lt`, a, b));
  const mask = o.e.simd('v128.xor', o.e.simd('v128.or', equal, less), o.e.simd('i32x4.splat', o.sub(o.i32(0), p.negate)));
  const fits = o.and(lanesArePlain(o, shape, a), lanesArePlain(o, shape, b));
  o.storeRegister(0, 'v128', guarded(o, fits, mask, () => exact(o, `sse_compare_${shape}`, 'v128', p.number, a, b) as V128));
};

/** ZF, PF and CF by the relation; OF, SF and AF cleared. */
const compareFlags = (wide: boolean, quiet: 0 | 1): Body => (o) => {
  const b = wide ? quadword(o, 1) : doubleword(o, 1);
  const a = wide ? quadword(o, 0) : doubleword(o, 0);
  const zf = o.shl(o.e.compare('eq', asFloat(o, a), asFloat(o, b) as never), o.i32(6));
  const flags = o.or(zf, o.e.compare('lt', asFloat(o, a), asFloat(o, b) as never));
  const plain = o.and(scalarIsPlain(o, a), scalarIsPlain(o, b));
  o.writeFlags(guarded(o, plain, flags, () => exact(o, wide ? 'sse_comi_f64' : 'sse_comi_f32', 'i32', o.i32(quiet), a, b) as I32));
};

/** RCPPS and RSQRTPS: tables of the kernel's, without exceptions. */
const estimate = (name: 'sse_rcp_f32' | 'sse_rsqrt_f32', lanes: 1 | 4): Body => (o) => {
  if (lanes === 1) {
    const source = doubleword(o, 1);
    return o.storeRegister(0, 'i32', o.kernel(name, 'i32', source));
  }
  const source = vector(o, 1);
  let result = source;
  for (let i = 0; i < lanes; i++) {
    result = o.e.replaceLane('i32x4.replace_lane', result, i, o.kernel(name, 'i32', o.e.extractLane('i32x4.extract_lane', source, i)));
  }
  o.storeRegister(0, 'v128', result);
};

const forms = (name: string, scalarBody: (wide: boolean) => Body, packedBody: (shape: Shape) => Body): Record<string, Body> => ({
  [`${name}SS`]: scalarBody(false), [`${name}SD`]: scalarBody(true), [`${name}PS`]: packedBody('f32x4'), [`${name}PD`]: packedBody('f64x2'),
});
const arithmetic = (name: string, op: Operation) => forms(name, (wide) => scalar(wide, op), (shape) => packedFloat(shape, op));
const extremes = (name: string, number: number) => forms(name, (wide) => scalarExtreme(wide, number), (shape) => packedExtreme(shape, number));

export const sseFloatBodies: Record<string, Body> = {
  ...arithmetic('ADD', ADD), ...arithmetic('SUB', SUB), ...arithmetic('MUL', MUL), ...arithmetic('DIV', DIV), ...arithmetic('SQRT', SQRT),
  ...extremes('MIN', SSE_MIN), ...extremes('MAX', SSE_MAX), ...forms('CMP', scalarCompare, packedCompare),
  COMISS: compareFlags(false, 0), COMISD: compareFlags(true, 0), UCOMISS: compareFlags(false, 1), UCOMISD: compareFlags(true, 1),
  RCPSS: estimate('sse_rcp_f32', 1), RCPPS: estimate('sse_rcp_f32', 4), RSQRTSS: estimate('sse_rsqrt_f32', 1), RSQRTPS: estimate('sse_rsqrt_f32', 4),
};
