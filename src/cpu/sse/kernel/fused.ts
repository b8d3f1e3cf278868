/** x * y + z with one rounding [SDM1 14.5]. */
import { low, multiply, shiftRightSticky } from '../../x87/kernel/wide';
import {
  accept, exponentBias, exponentOf, indefinite, infinityBits, isDenormal, isInfinity, isNan, isSignalling, isZero, quietBit, signBit, significandOf,
} from './format';
import { cancelledZero, encode } from './round';
import { DE, IE, raiseBefore } from './state';

/** The signs of product and addend are changed as `negateProduct` and `negateAddend` say; NaNs keep theirs. */
export function fusedMultiplyAdd(first: u64, second: u64, third: u64, negateProduct: bool, negateAddend: bool): u64 {
  const x = accept(first);
  const y = accept(second);
  const given = accept(third);
  if (isNan(x) || isNan(y) || isNan(given)) return propagate(x, y, given);
  const z = negateAddend ? given ^ signBit() : given;
  const productSign = ((x ^ y) & signBit()) ^ (negateProduct ? signBit() : 0);
  const infinite = isInfinity(x) || isInfinity(y);
  const zero = isZero(x) || isZero(y);
  if (infinite && zero) return invalid();
  if (infinite && isInfinity(z) && productSign != (z & signBit())) return invalid();
  if (isDenormal(x) || isDenormal(y) || isDenormal(z)) raiseBefore(DE);
  if (infinite) return productSign | infinityBits();
  if (isInfinity(z)) return z;
  if (zero) {
    if (!isZero(z)) return encode(z & signBit(), exponentOf(z), significandOf(z));
    return productSign == (z & signBit()) ? z : cancelledZero();
  }
  return addToProduct(productSign, x, y, z);
}

/** The first of the operands that is a NaN. With a quiet one even infinity times zero is no invalid operation. */
function propagate(x: u64, y: u64, z: u64): u64 {
  if (isSignalling(x) || isSignalling(y) || isSignalling(z)) raiseBefore(IE);
  return (isNan(x) ? x : isNan(y) ? y : z) | quietBit();
}
function invalid(): u64 {
  raiseBefore(IE);
  return indefinite();
}

/** Numbers of 128 bits, their top bits in bit 126, so that a sum has room. */
function addToProduct(sign: u64, x: u64, y: u64, z: u64): u64 {
  let exponent = exponentOf(x) + exponentOf(y) - exponentBias() + 1;
  let high = multiply(significandOf(x), significandOf(y));
  let rest = low();
  if (<i64>high >= 0) {
    high = (high << 1) | (rest >> 63);
    rest <<= 1;
    exponent--;
  }
  if (isZero(z)) return encode(sign, exponent, high | u64(rest != 0));
  rest = (rest >> 1) | (high << 63);
  high >>= 1;
  const zExponent = exponentOf(z);
  const zHigh = significandOf(z) >> 1;
  const zRest = significandOf(z) << 63;
  const zSign = z & signBit();
  const smaller = exponent != zExponent ? exponent < zExponent : high != zHigh ? high < zHigh : rest < zRest;
  return smaller
    ? addOrdered(zSign, zExponent, zHigh, zRest, sign, exponent, high, rest)
    : addOrdered(sign, exponent, high, rest, zSign, zExponent, zHigh, zRest);
}

/** The first is not smaller than the second. */
function addOrdered(sign: u64, exponent: i32, high: u64, rest: u64, otherSign: u64, otherExponent: i32, otherHigh: u64, otherRest: u64): u64 {
  const alignedHigh = shiftRightSticky(otherHigh, otherRest, min(exponent - otherExponent, 128));
  const alignedRest = low();
  let sumHigh: u64;
  let sumRest: u64;
  if (sign == otherSign) {
    sumRest = rest + alignedRest;
    sumHigh = high + alignedHigh + u64(sumRest < rest);
  } else {
    sumRest = rest - alignedRest;
    sumHigh = high - alignedHigh - u64(rest < alignedRest);
    if ((sumHigh | sumRest) == 0) return cancelledZero();
  }
  let top = exponent + 1;
  if (sumHigh == 0) {
    sumHigh = sumRest;
    sumRest = 0;
    top -= 64;
  }
  const shift = clz<u64>(sumHigh);
  if (shift != 0) sumHigh = (sumHigh << shift) | (sumRest >> (64 - shift));
  return encode(sign, top - i32(shift), sumHigh | u64(sumRest << shift != 0));
}
