/**
 * SSE conversions [SDM1 10.4.5, 11.4.1.6]. As in sse-checks.ts the plain WebAssembly operation serves where it is known to be
 * exact or to round without being noticed, and the exact kernel everywhere else.
 */
import * as L from '../../cpu/layout.ts';
import type { Body, I32, I64, Int, Ops, V128, Val } from '../ops.ts';
import { guarded, roundsNoticeably, unless, unlessPlain } from './sse-checks.ts';
import { DOUBLE, putElement, SINGLE } from './sse-float.ts';
import {
  both, constantVector, convertWithMmx, doubleword, eachPart, element, exact, firstSource, fromLow, highHalf, isMmx, lowHalf, partsOf, quadword, raiseJoined,
  setVector, vector, withMmx,
} from './sse-operands.ts';

// MXCSR: an inexact result is not noticed, by truncation or by rounding to nearest
const PM_PE = 0x1020;
const RC_PM_PE = 0x7020;

/** Doubles whose magnitude lies between these patterns are normal singles when rounded. */
const SMALLEST_SINGLE = 0x3810000000000000n;
const LARGEST_SINGLE = 0x47efffffe0000000n;
const TWO_TO_31 = 2 ** 31;
const TWO_TO_63 = 2 ** 63;

const asSingle = (o: Ops, bits: I32): Val<'f32'> => o.e.convert('f32FromBits', bits);
const asDouble = (o: Ops, bits: I64): Val<'f64'> => o.e.convert('f64FromBits', bits);

const unnoticed = (o: Ops, truncate: boolean): I32 =>
  o.eq(o.and(o.stateLoad('i32', L.MXCSR), o.i32(truncate ? PM_PE : RC_PM_PE)), o.i32(PM_PE));

const toInteger = (single: boolean, truncate: boolean): Body => (o) => (o.bits(0) === 64 ? toQuadword : toDoubleword)(o, single, truncate);
function toDoubleword(o: Ops, single: boolean, truncate: boolean): void {
  const bits = single ? doubleword(o, 1) : quadword(o, 1);
  const x = single ? asSingle(o, bits as I32) : asDouble(o, bits as I64);
  const whole = truncate ? x : o.e.unary('nearest', x);
  const n = single ? o.e.convert('i32TruncSatF32', whole as Val<'f32'>) : o.e.convert('i32TruncSatF64', whole as Val<'f64'>);
  const back = single ? o.e.convert('f32FromI32', n) : o.e.convert('f64FromI32', n);
  const slow = () => exact(o, single ? 'sse_f32_to_i32' : 'sse_f64_to_i32', 'i32', o.i32(truncate ? 1 : 0), bits) as I32;
  o.put(0, guarded(o, fitsInteger(o, whole, TWO_TO_31, o.e.compare('eq', back, x), truncate), n, slow));
}
function toQuadword(o: Ops, single: boolean, truncate: boolean): void {
  const bits = single ? doubleword(o, 1) : quadword(o, 1);
  const x = single ? asSingle(o, bits as I32) : asDouble(o, bits as I64);
  const whole = truncate ? x : o.e.unary('nearest', x);
  const n = single ? o.e.convert('i64TruncSatF32', whole as Val<'f32'>) : o.e.convert('i64TruncSatF64', whole as Val<'f64'>);
  const back = single ? o.e.convert('f32FromI64', n) : o.e.convert('f64FromI64', n);
  const slow = () => exact(o, single ? 'sse_f32_to_i64' : 'sse_f64_to_i64', 'i64', o.i32(truncate ? 1 : 0), bits) as I64;
  o.put(0, guarded(o, fitsInteger(o, whole, TWO_TO_63, o.e.compare('eq', back, x), truncate), n, slow));
}
function fitsInteger(o: Ops, whole: Val<'f32'> | Val<'f64'>, limit: number, exactly: I32, truncate: boolean): I32 {
  const bound = whole.type === 'f32' ? o.e.f32(limit) : o.e.f64(limit);
  const inRange = o.e.compare('lt', o.e.unary('abs', whole), bound as never);
  return o.and(inRange, o.or(exactly, unnoticed(o, truncate)));
}

/** `n` is in range where it has not been saturated, and was not -2^31, which the kernel then settles. */
const packedFits = (o: Ops, shape: 'f32x4' | 'f64x2', whole: V128, back: V128, x: V128, truncate: boolean): I32 => {
  const integers = shape === 'f32x4' ? 'i32x4' : 'i64x2';
  const limit = o.e.simd(`${shape}.splat`, shape === 'f32x4' ? o.e.f32(TWO_TO_31) : o.e.f64(TWO_TO_31)) as V128;
  const inRange = o.e.simd(`${integers}.all_true`, o.e.simd(`${shape}.lt`, o.e.simd(`${shape}.abs`, whole), limit));
  const exactly = o.e.simd(`${integers}.all_true`, o.e.simd(`${shape}.eq`, back, x));
  return o.and(inRange, o.or(exactly, unnoticed(o, truncate)));
};
/** CVTPS2DQ; CVTPS2PI converts its two elements twice. */
const singlesToIntegers = (truncate: boolean): Body => (o) =>
  convertWithMmx(o, () => partsOf(o, 1).map((byte) => (isMmx(o, 0) ? both(o, quadword(o, 1)) : vector(o, 1, byte))), (x) => {
    const whole = truncate ? x : o.e.simd('f32x4.nearest', x);
    const n = o.e.simd('i32x4.trunc_sat_f32x4_s', whole);
    const fits = packedFits(o, 'f32x4', whole, o.e.simd('f32x4.convert_i32x4_s', n), x, truncate);
    return guarded(o, fits, n, () => exact(o, 'sse_f32x4_to_i32x4', 'v128', o.i32(truncate ? 1 : 0), x) as V128);
  }, (parts) => parts.forEach((n, i) => setVector(o, 0, n, 16 * i)));
const doublesToIntegers = (truncate: boolean): Body => (o) =>
  convertWithMmx(o, () => partsOf(o, 1).map((byte) => vector(o, 1, byte)), (x) => {
    const whole = truncate ? x : o.e.simd('f64x2.nearest', x);
    const n = o.e.simd('i32x4.trunc_sat_f64x2_s_zero', whole);
    const fits = packedFits(o, 'f64x2', whole, o.e.simd('f64x2.convert_low_i32x4_s', n), x, truncate);
    return guarded(o, fits, n, () => exact(o, 'sse_f64x2_to_i32x2', 'v128', o.i32(truncate ? 1 : 0), x) as V128);
  }, (parts) => setVector(o, 0, joinLow(o, parts)));
/** The low halves of what two parts were narrowed to. */
const joinLow = (o: Ops, parts: readonly V128[]): V128 =>
  parts.length === 1 ? parts[0] : o.e.replaceLane('i64x2.replace_lane', parts[0], 1, lowHalf(o, parts[1]));
/** The two elements of the low half, or of the next one, in the low half. */
const elementsOf = (o: Ops, source: V128, byte: number): V128 => (byte === 0 ? source : both(o, highHalf(o, source)));

const integerToSingle: Body = (o) => {
  const from = firstSource(o) + 1;
  const n = o.get(from);
  const slow = () =>
    n.type === 'i64' ? exact(o, 'sse_i64_to_f32', 'i32', n as I64) : exact(o, 'sse_i32_to_f32', 'i32', n as I32);
  const x = n.type === 'i64' ? o.e.convert('f32FromI64', n as I64) : o.e.convert('f32FromI32', n as I32);
  putElement(o, SINGLE, unless(o, roundsNoticeably(o), x, () => asSingle(o, slow() as I32)));
};
/** 32 bits always fit. */
const integerToDouble: Body = (o) => {
  const n = o.get(firstSource(o) + 1);
  if (n.type === 'i32') {
    const x = o.e.convert('f64FromI32', n as I32);
    o.noteInteger(x);
    return putElement(o, DOUBLE, x);
  }
  const slow = () => asDouble(o, exact(o, 'sse_i64_to_f64', 'i64', n as I64) as I64);
  putElement(o, DOUBLE, unless(o, roundsNoticeably(o), o.e.convert('f64FromI64', n as I64), slow));
};
const integersToSingles: Body = (o) =>
  convertWithMmx(o, () => partsOf(o, 1).map((byte) => vector(o, 1, byte)), (n) =>
    unless(o, roundsNoticeably(o), o.e.simd('f32x4.convert_i32x4_s', n), () => exact(o, 'sse_i32x4_to_f32x4', 'v128', n) as V128),
  (parts) => {
    // CVTPI2PS leaves the high half alone.
    if (isMmx(o, 1)) o.storeRegister(0, 'i64', lowHalf(o, parts[0]));
    else parts.forEach((x, i) => setVector(o, 0, x, 16 * i));
  });
const integersToDoubles: Body = (o) =>
  withMmx(o, () => {
    const source = vector(o, 1);
    eachPart(o, (byte) => o.e.simd('f64x2.convert_low_i32x4_s', elementsOf(o, source, byte)));
  });

const singleToDouble: Body = (o) => {
  const x = element(o, firstSource(o) + 1, 'f32');
  const slow = () => asDouble(o, exact(o, 'sse_f32_to_f64', 'i64', o.e.convert('i32FromF32Bits', x)) as I64);
  putElement(o, DOUBLE, unlessPlain(o, 'f32x4', [o.e.simd('f32x4.splat', x)], o.e.convert('promote', x), slow));
};
const singlesToDoubles: Body = (o) => {
  const source = o.operandSize(1) === 'q' ? both(o, quadword(o, 1)) : vector(o, 1);
  eachPart(o, (byte) => {
    const x = both(o, byte === 0 ? lowHalf(o, source) : highHalf(o, source));
    const slow = () => exact(o, 'sse_f32x2_to_f64x2', 'v128', x) as V128;
    return unlessPlain(o, 'f32x4', [x], o.e.simd('f64x2.promote_low_f32x4', x), slow);
  });
};
const doubleToSingle: Body = (o) => {
  const x = element(o, firstSource(o) + 1, 'f64');
  const bits = o.e.convert('i64FromF64Bits', x);
  const size = o.and(bits, o.i64((1n << 63n) - 1n));
  const inRange = o.and(o.e.compare('geU', size, o.i64(SMALLEST_SINGLE)), o.e.compare('leU', size, o.i64(LARGEST_SINGLE)));
  const fits = o.and(o.eqz(roundsNoticeably(o)), o.or(o.eqz(size as Int), inRange));
  const slow = () => asSingle(o, exact(o, 'sse_f64_to_f32', 'i32', bits) as I32);
  putElement(o, SINGLE, guarded(o, fits, o.e.convert('demote', x), slow));
};
const doublesToSingles: Body = (o) => {
  const splat = (pattern: bigint) => constantVector(o, 64, [pattern, pattern]);
  const parts = partsOf(o, 1).map((byte) => vector(o, 1, byte)).map((x) => {
    const size = o.e.simd('f64x2.abs', x);
    const above = (pattern: bigint) => o.e.simd('i64x2.gt_s', size, splat(pattern));
    const inRange = o.e.simd('v128.andnot', above(SMALLEST_SINGLE - 1n), above(LARGEST_SINGLE));
    const lanes = o.e.simd('v128.or', inRange, o.e.simd('i64x2.eq', size, splat(0n)));
    const fits = o.and(o.eqz(roundsNoticeably(o)), o.e.simd('i64x2.all_true', lanes));
    return guarded(o, fits, o.e.simd('f32x4.demote_f64x2_zero', x), () => exact(o, 'sse_f64x2_to_f32x2', 'v128', x) as V128);
  });
  raiseJoined(o);
  setVector(o, 0, joinLow(o, parts));
};

/** F16C: four halves for each 16 bytes of singles. */
const halvesToSingles: Body = (o) => {
  const source = vector(o, 1);
  eachPart(o, (byte) => exact(o, 'sse_f16x4_to_f32x4', 'v128', elementsOf(o, source, byte)) as V128);
};
const singlesToHalves: Body = (o) => {
  if (o.inMemory(0)) o.probeWrite(0, 8 * partsOf(o, 1).length);
  const parts = partsOf(o, 1).map((byte) => exact(o, 'sse_f32x4_to_f16x4', 'v128', o.field(2), vector(o, 1, byte)) as V128);
  raiseJoined(o);
  const value = joinLow(o, parts);
  if (!o.inMemory(0)) o.storeRegister(0, 'v128', parts.length > 1 ? value : fromLow(o, lowHalf(o, value)));
  else if (parts.length > 1) o.storeOperand(0, 'v128', value);
  else o.storeOperand(0, 'i64', lowHalf(o, value));
};

export const sseConvertBodies: Record<string, Body> = {
  VCVTPH2PS: halvesToSingles, VCVTPS2PH: singlesToHalves,
  CVTSS2SI: toInteger(true, false), CVTTSS2SI: toInteger(true, true), CVTSD2SI: toInteger(false, false), CVTTSD2SI: toInteger(false, true),
  CVTPS2DQ: singlesToIntegers(false), CVTTPS2DQ: singlesToIntegers(true), CVTPS2PI: singlesToIntegers(false), CVTTPS2PI: singlesToIntegers(true),
  CVTPD2DQ: doublesToIntegers(false), CVTTPD2DQ: doublesToIntegers(true), CVTPD2PI: doublesToIntegers(false), CVTTPD2PI: doublesToIntegers(true),
  CVTSI2SS: integerToSingle, CVTSI2SD: integerToDouble, CVTDQ2PS: integersToSingles, CVTPI2PS: integersToSingles,
  CVTDQ2PD: integersToDoubles, CVTPI2PD: integersToDoubles,
  CVTSS2SD: singleToDouble, CVTPS2PD: singlesToDoubles, CVTSD2SS: doubleToSingle, CVTPD2PS: doublesToSingles,
};
