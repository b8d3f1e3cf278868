/** Comparisons and conversions of one element [SDM1 11.4.4, 11.5.2]. */
import { compareNumbers } from './arithmetic';
import {
  accept, exponentBias, exponentOf, isDenormal, isInfinity, isNan, isSignalling, isZero, signBit, significandOf,
  useDouble, useSingle,
} from './format';
import { encode, integerExponent, roundInteger, shiftRightJam, wasInexact } from './round';
import { DE, IE, PE, raiseAfter, raiseBefore } from './state';

export const UNORDERED = 2;

/** -1, 0, 1 or UNORDERED; a quiet comparison takes QNaNs without #I. */
export function relate(first: u64, second: u64, quiet: bool): i32 {
  const a = accept(first);
  const b = accept(second);
  if (isNan(a) || isNan(b)) {
    if (!quiet || isSignalling(a) || isSignalling(b)) raiseBefore(IE);
    return UNORDERED;
  }
  if (isDenormal(a) || isDenormal(b)) raiseBefore(DE);
  return compareNumbers(a, b);
}

/**
 * Whether a predicate of CMPPS holds [SDM2 CMPPS]: EQ LT LE UNORD, and their opposites. Bit 3 turns what unordered operands
 * give, bit 4 whether QNaNs signal.
 */
export function holds(predicate: i32, a: u64, b: u64): bool {
  const kind = predicate & 3;
  const relation = relate(a, b, (kind == 0 || kind == 3) != ((predicate & 16) != 0));
  let yes: bool;
  if (kind == 0) yes = relation == 0;
  else if (kind == 1) yes = relation == -1;
  else if (kind == 2) yes = relation == -1 || relation == 0;
  else yes = relation == UNORDERED;
  if (relation == UNORDERED && (predicate & 8) != 0) yes = !yes;
  return yes != ((predicate & 4) != 0);
}

/** To a signed integer of 32 bits; the integer indefinite where it does not fit. */
export function toInteger(value: u64, truncate: bool): i32 {
  const result = toWideInteger(value, truncate, 31);
  return result == i64.MIN_VALUE ? i32.MIN_VALUE : <i32>result;
}

/** To a signed integer that has `bits` bits beside its sign; the one of 64 bits that is the integer indefinite where it does not fit. */
export function toWideInteger(value: u64, truncate: bool, bits: i32): i64 {
  const x = accept(value);
  if (isZero(x)) return 0;
  const exponent = exponentOf(x) - exponentBias();
  const negative = (x & signBit()) != 0;
  if (isNan(x) || isInfinity(x) || exponent > bits) return indefiniteInteger();
  // A number as large as that has no fraction, which has two bits here.
  if (exponent > 61) return largeInteger(x, exponent, negative);
  const size = roundInteger(negative, shiftRightJam(significandOf(x), 61 - exponent), truncate);
  if (size > (<u64>1 << <u64>bits) - 1 + u64(negative)) return indefiniteInteger();
  if (wasInexact()) raiseAfter(PE);
  return negative ? -(<i64>size) : <i64>size;
}
function largeInteger(x: u64, exponent: i32, negative: bool): i64 {
  const size = significandOf(x) >> <u64>(63 - exponent);
  if (exponent == 63 && !(negative && size == <u64>1 << 63)) return indefiniteInteger();
  return negative ? -(<i64>size) : <i64>size;
}

function indefiniteInteger(): i64 {
  raiseBefore(IE);
  return i64.MIN_VALUE;
}

export function fromInteger(value: i64): u64 {
  if (value == 0) return 0;
  const size: u64 = value < 0 ? -<u64>value : <u64>value;
  const shift = clz<u64>(size);
  return encode(value < 0 ? signBit() : 0, integerExponent() - i32(shift), size << shift);
}

/** Double to single. Works in the double format and leaves the single one. */
export function narrow(value: u64): u64 {
  useDouble();
  const x = accept(value);
  const sign = u64((x & signBit()) != 0) << 31;
  if (isSignalling(x)) raiseBefore(IE);
  if (isNan(x)) return sign | 0x7fc00000 | ((x << 12) >> 41);
  if (isInfinity(x)) return sign | 0x7f800000;
  if (isZero(x)) return sign;
  if (isDenormal(x)) raiseBefore(DE);
  const exponent = exponentOf(x) - exponentBias();
  const sig = significandOf(x);
  useSingle();
  return encode(sign, exponent + exponentBias(), sig);
}

/** Single to double: always exact. Works in the single format and leaves the double one. */
export function widen(value: u64): u64 {
  useSingle();
  const x = accept(value);
  const sign = u64((x & signBit()) != 0) << 63;
  if (isSignalling(x)) raiseBefore(IE);
  if (isNan(x)) return sign | 0x7ff8000000000000 | ((x & 0x7fffff) << 29);
  if (isInfinity(x)) return sign | 0x7ff0000000000000;
  if (isZero(x)) return sign;
  if (isDenormal(x)) raiseBefore(DE);
  const exponent = exponentOf(x) - exponentBias();
  const sig = significandOf(x);
  useDouble();
  return encode(sign, exponent + exponentBias(), sig);
}
