/**
 * SSE arithmetic and comparisons [SDM1 10.4, 11.4]: plain WebAssembly operations where sse-checks.ts has them right, which one
 * branch decides, and the exact kernel elsewhere.
 */
import { SSE_ADD, SSE_ADDSUB, SSE_DIV, SSE_MAX, SSE_MIN, SSE_MUL, SSE_SQRT, SSE_SUB } from '../../cpu/sse/operations.ts';
import type { Body, FloatOperation, I32, I64, Ops, V128, Val } from '../ops.ts';
import { notAllExact, notAllNormal, notAllTame, roundsNoticeably, type Shape, unless, unlessPlain } from './sse-checks.ts';
import { combine, constantVector, doubleword, element, exact, firstSource, immediateOf, partsOf, transform } from './sse-operands.ts';

interface Operation {
  readonly number: number;
  readonly name: 'add' | 'sub' | 'mul' | 'div' | 'sqrt';
  readonly kind: FloatOperation;
}
type BinaryOperation = Operation & { readonly name: 'add' | 'sub' | 'mul' | 'div' };
const isBinary = (op: Operation): op is BinaryOperation => op.name !== 'sqrt';
export const ADD: BinaryOperation = { number: SSE_ADD, name: 'add', kind: 'sum' };
const SUB: BinaryOperation = { number: SSE_SUB, name: 'sub', kind: 'sum' };
export const MUL: BinaryOperation = { number: SSE_MUL, name: 'mul', kind: 'product' };
const DIV: BinaryOperation = { number: SSE_DIV, name: 'div', kind: 'quotient' };
const SQRT: Operation = { number: SSE_SQRT, name: 'sqrt', kind: 'root' };
const SIGN32 = 0x80000000;
const SIGN64 = 1n << 63n;

/** One body for singles and doubles: the low element of operands and destination, in vectors for the tests. */
interface Format<F extends 'f32' | 'f64'> {
  readonly kind: F;
  readonly shape: Shape;
  splat(o: Ops, x: Val<F>): V128;
  replace(o: Ops, v: V128, x: Val<F>): V128;
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

export const SINGLE: Format<'f32'> = {
  kind: 'f32', shape: 'f32x4',
  splat: (o, x) => o.e.simd('f32x4.splat', x),
  replace: (o, v, x) => o.e.replaceLane('f32x4.replace_lane', v, 0, x),
  pair: (o, x, y) => o.e.replaceLane('f32x4.replace_lane', o.e.simd('f32x4.splat', x), 1, y),
  exactly: (o, op, a, b) => asSingle(o, exact(o, 'sse_f32', 'i32', o.i32(op), ...singleBits(o, [a, b]))),
  compare: (o, predicate, a, b) => asSingle(o, exact(o, 'sse_compare_f32', 'i32', predicate, ...singleBits(o, [a, b]))),
  relate: (o, quiet, a, b) => exact(o, 'sse_comi_f32', 'i32', o.i32(quiet), ...singleBits(o, [a, b])) as I32,
  mask: (o, ones) => asSingle(o, ones),
};
export const DOUBLE: Format<'f64'> = {
  kind: 'f64', shape: 'f64x2',
  splat: (o, x) => o.e.simd('f64x2.splat', x),
  replace: (o, v, x) => o.e.replaceLane('f64x2.replace_lane', v, 0, x),
  pair: (o, x, y) => o.e.replaceLane('f64x2.replace_lane', o.e.simd('f64x2.splat', x), 1, y),
  exactly: (o, op, a, b) => asDouble(o, exact(o, 'sse_f64', 'i64', o.i32(op), ...doubleBits(o, [a, b]))),
  compare: (o, predicate, a, b) => asDouble(o, exact(o, 'sse_compare_f64', 'i64', predicate, ...doubleBits(o, [a, b]))),
  relate: (o, quiet, a, b) => exact(o, 'sse_comi_f64', 'i32', o.i32(quiet), ...doubleBits(o, [a, b])) as I32,
  mask: (o, ones) => asDouble(o, o.toI64S(ones)),
};
/** Writes the low element; the others are those of the first source. */
export function putElement<F extends 'f32' | 'f64'>(o: Ops, format: Format<F>, value: Val<F>): void {
  if (firstSource(o) === 0) o.storeRegister(0, format.kind, value as never);
  else o.storeRegister(0, 'v128', format.replace(o, o.loadRegister(1, 'v128'), value));
}
/** The low elements of both sources. */
function elements<F extends 'f32' | 'f64'>(o: Ops, format: Format<F>): [a: Val<F>, b: Val<F>] {
  const first = firstSource(o);
  const b = element(o, first + 1, format.kind);
  return [element(o, first, format.kind), b];
}

/** What decides about one operation, on singles or doubles, scalar or packed. */
interface Checked<T extends 'f32' | 'f64' | 'v128'> {
  readonly shape: Shape;
  /** The kernel's operation. */
  readonly number: number;
  readonly operation: FloatOperation;
  readonly operands: readonly Val<T>[];
  readonly value: Val<T>;
  asVector(x: Val<T>): V128;
  /** Two values in one vector, where that is cheaper than one each. */
  pair?(x: Val<T>, y: Val<T>): V128;
  exactly(): Val<T>;
}
/**
 * The value where it is right, and else what the kernel gives. Compiled code remembers that numbers have been found tame,
 * leaves an operation to the interpreter whose operands or result are not, and decides about several at once.
 */
function checked<T extends 'f32' | 'f64' | 'v128'>(o: Ops, c: Checked<T>): Val<T> {
  const [a, b = a] = c.operands;
  const inexactly = () => notAllExact(o, c.shape, c.operation, c.asVector(a), c.asVector(b), c.asVector(c.value));
  const notice = () => void o.kernel(`sse_${c.shape}`, 'v128', o.i32(c.number), c.asVector(a), c.asVector(b));
  if (partsOf(o, 0).length === 1 && o.defer({ ...c, inexact: inexactly, notice })) return c.value;
  const unknown = c.operands.filter((x) => !o.isTame(c.shape, x));
  const vectors = c.pair && unknown.length === 2 ? [c.pair(unknown[0], unknown[1])] : unknown.map((x) => c.asVector(x));
  const suspect = o.or(notAllNormal(o, c.shape, ...vectors, c.asVector(c.value)), roundsNoticeably(o));
  const closer = () => {
    const inexact = inexactly();
    if (!o.remembersTame) return unless(o, o.or(inexact, roundsNoticeably(o)), c.value, () => c.exactly());
    o.e.ifRarely(inexact, () => o.giveUp());
    return unless(o, roundsNoticeably(o), c.value, () => {
      const result = c.exactly();
      o.e.ifRarely(notAllTame(o, c.shape, c.asVector(result)), () => o.giveUp());
      return result;
    });
  };
  const result = unless(o, suspect, c.value, closer);
  // A divisor may be infinite.
  o.noteTame(c.shape, result, ...(c.operation === 'quotient' ? [a] : c.operands));
  return result;
}

const scalar = <F extends 'f32' | 'f64'>(format: Format<F>, op: Operation): Body => (o) => {
  const b = element(o, firstSource(o) + 1, format.kind);
  const a = op.name === 'sqrt' ? b : element(o, firstSource(o), format.kind);
  const value = op.name === 'sqrt' ? o.e.unary('sqrt', b) : o.e.binary(op.name, a, b);
  putElement(o, format, checked<F>(o, {
    shape: format.shape, number: op.number, operation: op.kind, operands: op.name === 'sqrt' ? [b] : [a, b], value,
    asVector: (x) => format.splat(o, x), pair: (x, y) => format.pair(o, x, y), exactly: () => format.exactly(o, op.number, a, b),
  }));
};

/** `value` where it is what operation `number` of the kernel gives for `a` and `b`, and that otherwise. */
const packedChecked = (o: Ops, shape: Shape, operation: FloatOperation, number: number, a: V128, b: V128, value: V128): V128 =>
  checked<'v128'>(o, {
    shape, number, operation, operands: a === b ? [a] : [a, b], value,
    asVector: (x) => x, exactly: () => exact(o, `sse_${shape}`, 'v128', o.i32(number), a, b) as V128,
  });
export const packedArithmetic = (shape: Shape, op: BinaryOperation) => (o: Ops, a: V128, b: V128): V128 =>
  packedChecked(o, shape, op.kind, op.number, a, b, o.e.simd(`${shape}.${op.name}`, a, b));
const packedFloat = (shape: Shape, op: Operation): Body => {
  if (isBinary(op)) return combine(packedArithmetic(shape, op));
  return transform((o, v) => packedChecked(o, shape, op.kind, op.number, v, v, o.e.simd(`${shape}.sqrt`, v)));
};

/** `fast` unless one of two numbers is a NaN or a denormal; then what `slow` gives. */
function ifPlain<F extends 'f32' | 'f64', T extends 'i32' | F>(o: Ops, format: Format<F>, a: Val<F>, b: Val<F>, fast: Val<T>, slow: () => Val<T>): Val<T> {
  const [x, y] = [a, b].filter((v) => !o.isTame(format.shape, v));
  const vectors = x === undefined ? [] : [y === undefined ? format.splat(o, x) : format.pair(o, x, y)];
  return unlessPlain(o, format.shape, vectors, fast, slow);
}

/** MINSS and MAXSS give the second operand when both are zeros. */
const scalarExtreme = <F extends 'f32' | 'f64'>(format: Format<F>, number: number): Body => (o) => {
  const [a, b] = elements(o, format);
  const chosen = o.select(o.e.compare(number === SSE_MIN ? 'lt' : 'gt', a, b), a, b);
  putElement(o, format, ifPlain(o, format, a, b, chosen, () => format.exactly(o, number, a, b)));
};
const packedExtreme = (shape: Shape, number: number): Body =>
  combine((o, a, b) => {
    const takesFirst = o.e.simd(number === SSE_MIN ? `${shape}.lt` : `${shape}.gt`, a, b);
    const chosen = o.e.simd('v128.bitselect', a, b, takesFirst);
    return unlessPlain(o, shape, [a, b], chosen, () => exact(o, `sse_${shape}`, 'v128', o.i32(number), a, b) as V128);
  });

// SSE3: neighbours, and differences and sums in turn

const EVENS = { f32x4: [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27], f64x2: [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23] };
/** Even elements of both sources with odd ones. */
const horizontal = (shape: Shape, op: BinaryOperation): Body =>
  combine((o, a, b) => {
    const bytes = shape === 'f32x4' ? 4 : 8;
    const odds = EVENS[shape].map((byte) => byte + bytes);
    return packedArithmetic(shape, op)(o, o.e.shuffle(a, b, EVENS[shape]), o.e.shuffle(a, b, odds));
  });
/** Differences in even elements, sums in odd ones. */
const inTurn = (shape: Shape): Body =>
  combine((o, a, b) => {
    const signs = shape === 'f32x4' ? constantVector(o, 32, [SIGN32, 0, SIGN32, 0]) : constantVector(o, 64, [SIGN64, 0n]);
    return packedChecked(o, shape, 'sum', SSE_ADDSUB, a, b, o.e.simd(`${shape}.add`, a, o.e.simd('v128.xor', b, signs)));
  });

/**
 * Predicates of ordered operands: EQ or LE, LT or LE, and the negation in bit 2 [SDM2 CMPPS]. The two more bits that there are
 * after a VEX prefix matter to the kernel alone.
 */
interface Predicate {
  readonly number: I32;
  readonly equal: I32;
  readonly less: I32;
  readonly negate: I32;
}
function predicate(o: Ops): Predicate {
  const immediate = immediateOf(o);
  const number = o.and(immediate, o.i32(7));
  const kind = o.and(number, o.i32(3));
  const less = o.and(o.xor(kind, o.shrU(kind, o.i32(1))), o.i32(1));
  return { number: o.vex ? o.and(immediate, o.i32(31)) : number, equal: o.eqz(o.and(kind, o.i32(1))), less: o.or(less, o.eq(kind, o.i32(2))), negate: o.shrU(number, o.i32(2)) };
}
const scalarCompare = <F extends 'f32' | 'f64'>(format: Format<F>): Body => (o) => {
  const [a, b] = elements(o, format);
  const p = predicate(o);
  const equal = o.and(p.equal, o.e.compare('eq', a, b));
  const less = o.and(p.less, o.e.compare('lt', a, b));
  const mask = format.mask(o, o.sub(o.i32(0), o.xor(o.or(equal, less), p.negate)));
  putElement(o, format, ifPlain(o, format, a, b, mask, () => format.compare(o, p.number, a, b)));
};
const packedCompare = (shape: Shape): Body =>
  combine((o, a, b) => {
    const p = predicate(o);
    const where = (bit: I32, mask: V128) => o.e.simd('v128.and', mask, o.e.simd('i32x4.splat', o.sub(o.i32(0), bit)));
    const equal = where(p.equal, o.e.simd(`${shape}.eq`, a, b));
    const less = where(p.less, o.e.simd(`${shape}.lt`, a, b));
    const mask = o.e.simd('v128.xor', o.e.simd('v128.or', equal, less), o.e.simd('i32x4.splat', o.sub(o.i32(0), p.negate)));
    return unlessPlain(o, shape, [a, b], mask, () => exact(o, `sse_compare_${shape}`, 'v128', p.number, a, b) as V128);
  });

/** ZF, PF and CF by the relation; OF, SF and AF cleared. */
const compareFlags = <F extends 'f32' | 'f64'>(format: Format<F>, quiet: 0 | 1): Body => (o) => {
  const b = element(o, 1, format.kind);
  const a = element(o, 0, format.kind);
  const flags = o.or(o.shl(o.e.compare('eq', a, b), o.i32(6)), o.e.compare('lt', a, b));
  o.writeFlags(ifPlain(o, format, a, b, flags, () => format.relate(o, quiet, a, b)));
};

/** RCPPS and RSQRTPS: tables of the kernel's, without exceptions. */
const estimate = (name: 'sse_rcp_f32' | 'sse_rsqrt_f32', lanes: 1 | 4): Body => {
  if (lanes === 4) {
    return transform((o, source) => {
      const lane = (i: number) => o.kernel(name, 'i32', o.e.extractLane('i32x4.extract_lane', source, i));
      return [0, 1, 2, 3].reduce((v, i) => o.e.replaceLane('i32x4.replace_lane', v, i, lane(i)), source);
    });
  }
  return (o) => putElement(o, SINGLE, asSingle(o, o.kernel(name, 'i32', doubleword(o, firstSource(o) + 1))));
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
  ADDSUBPS: inTurn('f32x4'), ADDSUBPD: inTurn('f64x2'), HADDPS: horizontal('f32x4', ADD), HADDPD: horizontal('f64x2', ADD),
  HSUBPS: horizontal('f32x4', SUB), HSUBPD: horizontal('f64x2', SUB),
  COMISS: compareFlags(SINGLE, 0), COMISD: compareFlags(DOUBLE, 0), UCOMISS: compareFlags(SINGLE, 1), UCOMISD: compareFlags(DOUBLE, 1),
  RCPSS: estimate('sse_rcp_f32', 1), RCPPS: estimate('sse_rcp_f32', 4), RSQRTSS: estimate('sse_rsqrt_f32', 1), RSQRTPS: estimate('sse_rsqrt_f32', 4),
};
