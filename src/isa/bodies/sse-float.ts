/**
 * SSE arithmetic and comparisons [SDM1 10.4, 11.4]: plain WebAssembly operations where sse-checks.ts has them right, which one
 * branch decides, and the exact kernel elsewhere.
 */
import { SSE_ADD, SSE_DIV, SSE_MAX, SSE_MIN, SSE_MUL, SSE_SQRT, SSE_SUB } from '../../cpu/sse/operations.ts';
import type { Body, I32, I64, Ops, V128, Val } from '../ops.ts';
import { notAllExact, notAllNormal, notAllPlain, roundsNoticeably, type Shape, unless, type ZeroSource } from './sse-checks.ts';
import { doubleword, element, exact, vector } from './sse-operands.ts';

interface Operation {
  readonly number: number;
  readonly name: 'add' | 'sub' | 'mul' | 'div' | 'sqrt';
  readonly zeroFrom: ZeroSource;
}
const ADD: Operation = { number: SSE_ADD, name: 'add', zeroFrom: 'any' };
const SUB: Operation = { number: SSE_SUB, name: 'sub', zeroFrom: 'any' };
const MUL: Operation = { number: SSE_MUL, name: 'mul', zeroFrom: 'either' };
const DIV: Operation = { number: SSE_DIV, name: 'div', zeroFrom: 'first' };
const SQRT: Operation = { number: SSE_SQRT, name: 'sqrt', zeroFrom: 'any' };

/** One body for singles and doubles: the low element of operands and destination, in vectors for the tests. */
interface Format<F extends 'f32' | 'f64'> {
  readonly kind: F;
  readonly shape: Shape;
  splat(o: Ops, x: Val<F>): V128;
  pair(o: Ops, x: Val<F>, y: Val<F>): V128;
  /** The kernel's operation; its comparison, as a mask; its relation, as flags. */
  exactly(o: Ops, op: number, a: Val<F>, b: Val<F>): Val<F>;
  compare(o: Ops, predicate: I32, a: Val<F>, b: Val<F>): Val<F>;
  relate(o: Ops, quiet: 0 | 1, a: Val<F>, b: Val<F>): I32;
  /** An i32 of all ones or zeros as a mask. */
  mask(o: Ops, ones: I32): Val<F>;
}
const singleBits = (o: Ops, values: Val<'f32'>[]): I32[] => values.map((v) => o.e.convert('i32FromF32Bits', v));
const doubleBits = (o: Ops, values: Val<'f64'>[]): I64[] => values.map((v) => o.e.convert('i64FromF64Bits', v));
const asSingle = (o: Ops, bits: Val): Val<'f32'> => o.e.convert('f32FromBits', bits as I32);
const asDouble = (o: Ops, bits: Val): Val<'f64'> => o.e.convert('f64FromBits', bits as I64);

const SINGLE: Format<'f32'> = {
  kind: 'f32', shape: 'f32x4',
  splat: (o, x) => o.e.simd('f32x4.splat', x),
  pair: (o, x, y) => o.e.replaceLane('f32x4.replace_lane', o.e.simd('f32x4.splat', x), 1, y),
  exactly: (o, op, a, b) => asSingle(o, exact(o, 'sse_f32', 'i32', o.i32(op), ...singleBits(o, [a, b]))),
  compare: (o, predicate, a, b) => asSingle(o, exact(o, 'sse_compare_f32', 'i32', predicate, ...singleBits(o, [a, b]))),
  relate: (o, quiet, a, b) => exact(o, 'sse_comi_f32', 'i32', o.i32(quiet), ...singleBits(o, [a, b])) as I32,
  mask: (o, ones) => asSingle(o, ones),
};
const DOUBLE: Format<'f64'> = {
  kind: 'f64', shape: 'f64x2',
  splat: (o, x) => o.e.simd('f64x2.splat', x),
  pair: (o, x, y) => o.e.replaceLane('f64x2.replace_lane', o.e.simd('f64x2.splat', x), 1, y),
  exactly: (o, op, a, b) => asDouble(o, exact(o, 'sse_f64', 'i64', o.i32(op), ...doubleBits(o, [a, b]))),
  compare: (o, predicate, a, b) => asDouble(o, exact(o, 'sse_compare_f64', 'i64', predicate, ...doubleBits(o, [a, b]))),
  relate: (o, quiet, a, b) => exact(o, 'sse_comi_f64', 'i32', o.i32(quiet), ...doubleBits(o, [a, b])) as I32,
  mask: (o, ones) => asDouble(o, o.toI64S(ones)),
};
/** Writes the low element; the others stay. */
const putElement = <F extends 'f32' | 'f64'>(o: Ops, format: Format<F>, value: Val<F>): void => o.storeRegister(0, format.kind, value as never);

const scalar = <F extends 'f32' | 'f64'>(format: Format<F>, op: Operation): Body => (o) => {
  const { shape } = format;
  const b = element(o, 1, format.kind);
  const a = op.name === 'sqrt' ? b : element(o, 0, format.kind);
  const value = op.name === 'sqrt' ? o.e.unary('sqrt', b) : o.e.binary(op.name, a, b);
  const operands = op.name === 'sqrt' ? format.splat(o, b) : format.pair(o, a, b);
  const suspect = o.or(notAllNormal(o, shape, operands, format.splat(o, value)), roundsNoticeably(o));
  const closer = () => {
    const inexact = notAllExact(o, shape, op.zeroFrom, format.splat(o, a), format.splat(o, b), format.splat(o, value));
    return unless(o, o.or(inexact, roundsNoticeably(o)), value, () => format.exactly(o, op.number, a, b));
  };
  putElement(o, format, unless(o, suspect, value, closer));
};
const packedFloat = (shape: Shape, op: Operation): Body => (o) => {
  const b = vector(o, 1);
  const a = op.name === 'sqrt' ? b : vector(o, 0);
  const value = op.name === 'sqrt' ? o.e.simd(`${shape}.sqrt`, b) : o.e.simd(`${shape}.${op.name}`, a, b);
  const suspect = o.or(notAllNormal(o, shape, ...(op.name === 'sqrt' ? [b] : [a, b]), value), roundsNoticeably(o));
  const slow = () => exact(o, `sse_${shape}`, 'v128', o.i32(op.number), a, b) as V128;
  const closer = () => unless(o, o.or(notAllExact(o, shape, op.zeroFrom, a, b, value), roundsNoticeably(o)), value, slow);
  o.storeRegister(0, 'v128', unless(o, suspect, value, closer));
};

/** MINSS and MAXSS give the second operand when both are zeros. */
const scalarExtreme = <F extends 'f32' | 'f64'>(format: Format<F>, number: number): Body => (o) => {
  const b = element(o, 1, format.kind);
  const a = element(o, 0, format.kind);
  const chosen = o.select(o.e.compare(number === SSE_MIN ? 'lt' : 'gt', a, b), a, b);
  const suspect = notAllPlain(o, format.shape, format.pair(o, a, b));
  putElement(o, format, unless(o, suspect, chosen, () => format.exactly(o, number, a, b)));
};
const packedExtreme = (shape: Shape, number: number): Body => (o) => {
  const b = vector(o, 1);
  const a = vector(o, 0);
  const takesFirst = o.e.simd(number === SSE_MIN ? `${shape}.lt` : `${shape}.gt`, a, b);
  const chosen = o.e.simd('v128.bitselect', a, b, takesFirst);
  const slow = () => exact(o, `sse_${shape}`, 'v128', o.i32(number), a, b) as V128;
  o.storeRegister(0, 'v128', unless(o, notAllPlain(o, shape, a, b), chosen, slow));
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
const scalarCompare = <F extends 'f32' | 'f64'>(format: Format<F>): Body => (o) => {
  const b = element(o, 1, format.kind);
  const a = element(o, 0, format.kind);
  const p = predicate(o);
  const equal = o.and(p.equal, o.e.compare('eq', a, b));
  const less = o.and(p.less, o.e.compare('lt', a, b));
  const mask = format.mask(o, o.sub(o.i32(0), o.xor(o.or(equal, less), p.negate)));
  const suspect = notAllPlain(o, format.shape, format.pair(o, a, b));
  putElement(o, format, unless(o, suspect, mask, () => format.compare(o, p.number, a, b)));
};
const packedCompare = (shape: Shape): Body => (o) => {
  const b = vector(o, 1);
  const a = vector(o, 0);
  const p = predicate(o);
  const where = (bit: I32, mask: V128) => o.e.simd('v128.and', mask, o.e.simd('i32x4.splat', o.sub(o.i32(0), bit)));
  const equal = where(p.equal, o.e.simd(`${shape}.eq`, a, b));
  const less = where(p.less, o.e.simd(`${shape}.lt`, a, b));
  const mask = o.e.simd('v128.xor', o.e.simd('v128.or', equal, less), o.e.simd('i32x4.splat', o.sub(o.i32(0), p.negate)));
  const slow = () => exact(o, `sse_compare_${shape}`, 'v128', p.number, a, b) as V128;
  o.storeRegister(0, 'v128', unless(o, notAllPlain(o, shape, a, b), mask, slow));
};

/** ZF, PF and CF by the relation; OF, SF and AF cleared. */
const compareFlags = <F extends 'f32' | 'f64'>(format: Format<F>, quiet: 0 | 1): Body => (o) => {
  const b = element(o, 1, format.kind);
  const a = element(o, 0, format.kind);
  const flags = o.or(o.shl(o.e.compare('eq', a, b), o.i32(6)), o.e.compare('lt', a, b));
  const suspect = notAllPlain(o, format.shape, format.pair(o, a, b));
  o.writeFlags(unless(o, suspect, flags, () => format.relate(o, quiet, a, b)));
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

type Formats = (format: Format<'f32'> | Format<'f64'>) => Body;
const forms = (name: string, scalarBody: Formats, packedBody: (shape: Shape) => Body): Record<string, Body> => ({
  [`${name}SS`]: scalarBody(SINGLE), [`${name}SD`]: scalarBody(DOUBLE), [`${name}PS`]: packedBody('f32x4'), [`${name}PD`]: packedBody('f64x2'),
});
const arithmetic = (name: string, op: Operation) => forms(name, (format) => scalar(format as Format<'f64'>, op), (shape) => packedFloat(shape, op));
const extremes = (name: string, number: number) =>
  forms(name, (format) => scalarExtreme(format as Format<'f64'>, number), (shape) => packedExtreme(shape, number));

export const sseFloatBodies: Record<string, Body> = {
  ...arithmetic('ADD', ADD), ...arithmetic('SUB', SUB), ...arithmetic('MUL', MUL), ...arithmetic('DIV', DIV), ...arithmetic('SQRT', SQRT),
  ...extremes('MIN', SSE_MIN), ...extremes('MAX', SSE_MAX), ...forms('CMP', (format) => scalarCompare(format as Format<'f64'>), packedCompare),
  COMISS: compareFlags(SINGLE, 0), COMISD: compareFlags(DOUBLE, 0), UCOMISS: compareFlags(SINGLE, 1), UCOMISD: compareFlags(DOUBLE, 1),
  RCPSS: estimate('sse_rcp_f32', 1), RCPPS: estimate('sse_rcp_f32', 4), RSQRTSS: estimate('sse_rsqrt_f32', 1), RSQRTPS: estimate('sse_rsqrt_f32', 4),
};
