/** One operation on one pair of elements, exactly, for all roundings and exceptions [SDM1 11.5.2]. */
import { divide, low, multiply } from '../../x87/kernel/wide';
import { SSE_ADD, SSE_DIV, SSE_MAX, SSE_MIN, SSE_MUL, SSE_SQRT, SSE_SUB } from '../operations';
import {
  accept, exponentBias, exponentOf, indefinite, infinityBits, isDenormal, isInfinity, isNan, isSignalling, isZero, quietBit, signBit,
  significandOf,
} from './format';
import { cancelledZero, encode, shiftRightJam } from './round';
import { DE, IE, ZE, raiseBefore } from './state';

export function operate(op: i32, first: u64, second: u64): u64 {
  const a = accept(first);
  const b = accept(second);
  switch (op) {
    case SSE_SQRT: return squareRoot(b);
    case SSE_MIN: return extreme(a, b, a, b);
    case SSE_MAX: return extreme(a, b, b, a);
    default:
  }
  if (isNan(a) || isNan(b)) return propagate(a, b);
  switch (op) {
    case SSE_ADD: return add(a, b);
    case SSE_SUB: return add(a, b ^ signBit());
    case SSE_MUL: return multiplyNumbers(a, b);
    case SSE_DIV: return divideNumbers(a, b);
    default: return 0;
  }
}

/** The first operand if it is a NaN, else the second, quieted [SDM1 table 4-7]. */
function propagate(a: u64, b: u64): u64 {
  if (isSignalling(a) || isSignalling(b)) raiseBefore(IE);
  return (isNan(a) ? a : b) | quietBit();
}

function invalid(): u64 {
  raiseBefore(IE);
  return indefinite();
}

function noteDenormals(a: u64, b: u64): void {
  if (isDenormal(a) || isDenormal(b)) raiseBefore(DE);
}

/** -1, 0 or 1 for numbers and infinities. */
export function compareNumbers(a: u64, b: u64): i32 {
  if (isZero(a) && isZero(b)) return 0;
  const aNegative = (a & signBit()) != 0;
  if (aNegative != ((b & signBit()) != 0)) return aNegative ? -1 : 1;
  if (a == b) return 0;
  return a < b != aNegative ? -1 : 1;
}

/** MIN and MAX: the second operand when they are equal or one is a NaN. */
function extreme(a: u64, b: u64, low: u64, high: u64): u64 {
  if (isNan(a) || isNan(b)) {
    raiseBefore(IE);
    return b;
  }
  noteDenormals(a, b);
  return compareNumbers(low, high) < 0 ? a : b;
}

function add(a: u64, b: u64): u64 {
  if (isInfinity(a) && isInfinity(b) && a != b) return invalid();
  noteDenormals(a, b);
  if (isInfinity(a)) return a;
  if (isInfinity(b)) return b;
  if (isZero(b)) {
    if (!isZero(a)) return encode(a & signBit(), exponentOf(a), significandOf(a));
    return a == b ? a : cancelledZero();
  }
  if (isZero(a)) return encode(b & signBit(), exponentOf(b), significandOf(b));
  const swap = (a & ~signBit()) < (b & ~signBit());
  return addOrdered(swap ? b : a, swap ? a : b);
}

/** |a| >= |b|, both not zero. */
function addOrdered(a: u64, b: u64): u64 {
  const exponent = exponentOf(a);
  // A bit of room above for the carry.
  const large = significandOf(a) >> 1;
  const small = shiftRightJam(significandOf(b) >> 1, exponent - exponentOf(b));
  const sum = (a ^ b) & signBit() ? large - small : large + small;
  if (sum == 0) return cancelledZero();
  const shift = clz<u64>(sum);
  return encode(a & signBit(), exponent + 1 - i32(shift), sum << shift);
}

function multiplyNumbers(a: u64, b: u64): u64 {
  const sign = (a ^ b) & signBit();
  const infinite = isInfinity(a) || isInfinity(b);
  const zero = isZero(a) || isZero(b);
  if (infinite && zero) return invalid();
  noteDenormals(a, b);
  if (infinite) return sign | infinityBits();
  if (zero) return sign;
  let exponent = exponentOf(a) + exponentOf(b) - exponentBias() + 1;
  let sig = multiply(significandOf(a), significandOf(b));
  let rest = low();
  if (<i64>sig >= 0) {
    sig = (sig << 1) | (rest >> 63);
    rest <<= 1;
    exponent--;
  }
  return encode(sign, exponent, sig | u64(rest != 0));
}

function divideNumbers(a: u64, b: u64): u64 {
  const sign = (a ^ b) & signBit();
  if ((isInfinity(a) && isInfinity(b)) || (isZero(a) && isZero(b))) return invalid();
  if (isZero(b) && !isInfinity(a)) {
    raiseBefore(ZE);
    return sign | infinityBits();
  }
  noteDenormals(a, b);
  if (isInfinity(a)) return sign | infinityBits();
  if (isInfinity(b) || isZero(a)) return sign;
  const dividend = significandOf(a);
  const divisor = significandOf(b);
  let exponent = exponentOf(a) - exponentOf(b) + exponentBias();
  let quotient: u64;
  if (dividend < divisor) {
    exponent--;
    quotient = divide(dividend, 0, divisor);
  } else quotient = divide(dividend >> 1, dividend << 63, divisor);
  return encode(sign, exponent, quotient | u64(low() != 0));
}

function squareRoot(x: u64): u64 {
  if (isNan(x)) return propagate(x, x);
  if (isZero(x)) return x;
  if (x & signBit()) return invalid();
  if (isInfinity(x)) return x;
  if (isDenormal(x)) raiseBefore(DE);
  const exponent = exponentOf(x) - exponentBias();
  const odd = exponent & 1;
  // The radicand has 109 or 110 bits, so that the root has 55: more than any format keeps.
  const sig = significandOf(x) >> 10;
  const high = sig >> <u64>(9 - odd);
  const rest = sig << <u64>(55 + odd);
  // The estimate is good to 53 bits; settle it so that root^2 <= radicand < (root + 1)^2.
  let root = <u64>sqrt<f64>(<f64>sig * (odd ? 72057594037927936.0 : 36028797018963968.0));
  while (exceeds(root, high, rest)) root--;
  while (!exceeds(root + 1, high, rest)) root++;
  const exact = multiply(root, root) == high && low() == rest;
  return encode(0, (exponent >> 1) + exponentBias(), (root << 9) | u64(!exact));
}

/** root^2 > high : rest */
function exceeds(root: u64, high: u64, rest: u64): bool {
  const squareHigh = multiply(root, root);
  return squareHigh > high || (squareHigh == high && low() > rest);
}
