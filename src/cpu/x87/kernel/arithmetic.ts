/**
 * Addition, subtraction, multiplication, division and square root on operands that are not on the stack. Each makes the
 * result and says whether it is to be stored (no: an unmasked exception was found before computing).
 */
import {
  acceptDenormal, acceptDenormal2, answerUnordered, answerUnordered2, isInfinity, isNormal, isUnordered, isZero,
  normalExponent, normalSig,
} from './operands';
import { roundResult, setCancelledZero } from './round';
import { BIAS, EXPONENT_MASK, INTEGER_BIT, SIGN, ZE, invalid, precisionMask, raiseBefore, setResult } from './state';
import { divide, low, multiply, shiftRightSticky } from './wide';

export function add(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  return isNormal(aSe, aSig) && isNormal(bSe, bSig)
    ? addNumbers(aSe, aSig, bSe, bSig)
    : addSpecial(aSe, aSig, bSe, bSig, 0);
}

export function subtract(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  return isNormal(aSe, aSig) && isNormal(bSe, bSig)
    ? addNumbers(aSe, aSig, bSe ^ SIGN, bSig)
    : addSpecial(aSe, aSig, bSe, bSig, SIGN);
}

function addSpecial(aSe: i32, aSig: u64, bSe: i32, bSig: u64, flip: i32): bool {
  if (isUnordered(aSe, aSig) || isUnordered(bSe, bSig)) return answerUnordered2(aSe, aSig, bSe, bSig);
  bSe ^= flip;
  const infinite = isInfinity(aSe, aSig);
  if (infinite && isInfinity(bSe, bSig) && aSe !== bSe) return invalid();
  if (!acceptDenormal2(aSe, aSig, bSe, bSig)) return false;
  if (infinite || isInfinity(bSe, bSig)) setResult(infinite ? aSe : bSe, INTEGER_BIT);
  else if (isZero(aSe, aSig) && isZero(bSe, bSig)) {
    if (aSe === bSe) setResult(aSe, 0);
    else setCancelledZero();
  } else if (isZero(aSe, aSig)) roundNumber(bSe, bSig);
  else if (isZero(bSe, bSig)) roundNumber(aSe, aSig);
  else return addNumbers(aSe, aSig, bSe, bSig);
  return true;
}

function roundNumber(se: i32, sig: u64): void {
  roundResult(se & SIGN, normalExponent(se, sig), normalSig(sig), 0, precisionMask());
}

function addNumbers(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  let sign = aSe & SIGN;
  const differ = ((aSe ^ bSe) & SIGN) !== 0;
  let exponent = normalExponent(aSe, aSig);
  let otherExponent = normalExponent(bSe, bSig);
  let high = normalSig(aSig);
  let other = normalSig(bSig);
  if (otherExponent > exponent || (otherExponent === exponent && other > high)) {
    const e = exponent;
    exponent = otherExponent;
    otherExponent = e;
    const s = high;
    high = other;
    other = s;
    sign = bSe & SIGN;
  }
  const otherHigh = shiftRightSticky(other, 0, exponent - otherExponent);
  const otherRest = low();
  if (!differ) {
    const sum = high + otherHigh;
    if (sum < high) {
      const rest = shiftRightSticky(sum, otherRest, 1);
      roundResult(sign, exponent + 1, rest | INTEGER_BIT, low(), precisionMask());
    } else roundResult(sign, exponent, sum, otherRest, precisionMask());
    return true;
  }
  let rest = <u64>0 - otherRest;
  high -= otherHigh + u64(otherRest !== 0);
  if (high === 0) {
    if (rest === 0) {
      setCancelledZero();
      return true;
    }
    high = rest;
    rest = 0;
    exponent -= 64;
  }
  const shift = clz<u64>(high);
  if (shift !== 0) {
    high = (high << shift) | (rest >> (64 - shift));
    rest <<= shift;
  }
  roundResult(sign, exponent - i32(shift), high, rest, precisionMask());
  return true;
}

export function multiplyReal(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  const sign = (aSe ^ bSe) & SIGN;
  if (!(isNormal(aSe, aSig) && isNormal(bSe, bSig))) {
    if (isUnordered(aSe, aSig) || isUnordered(bSe, bSig)) return answerUnordered2(aSe, aSig, bSe, bSig);
    const infinite = isInfinity(aSe, aSig) || isInfinity(bSe, bSig);
    const zero = isZero(aSe, aSig) || isZero(bSe, bSig);
    if (infinite && zero) return invalid();
    if (!acceptDenormal2(aSe, aSig, bSe, bSig)) return false;
    if (infinite || zero) {
      if (infinite) setResult(sign | EXPONENT_MASK, INTEGER_BIT);
      else setResult(sign, 0);
      return true;
    }
  }
  let exponent = normalExponent(aSe, aSig) + normalExponent(bSe, bSig) - BIAS + 1;
  let high = multiply(normalSig(aSig), normalSig(bSig));
  let rest = low();
  if (<i64>high >= 0) {
    high = (high << 1) | (rest >> 63);
    rest <<= 1;
    exponent--;
  }
  roundResult(sign, exponent, high, rest, precisionMask());
  return true;
}

export function divideReal(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  const sign = (aSe ^ bSe) & SIGN;
  if (!(isNormal(aSe, aSig) && isNormal(bSe, bSig))) {
    if (isUnordered(aSe, aSig) || isUnordered(bSe, bSig)) return answerUnordered2(aSe, aSig, bSe, bSig);
    const infinite = isInfinity(aSe, aSig);
    const zero = isZero(aSe, aSig);
    if ((infinite && isInfinity(bSe, bSig)) || (zero && isZero(bSe, bSig))) return invalid();
    if (isZero(bSe, bSig)) {
      setResult(sign | EXPONENT_MASK, INTEGER_BIT);
      return infinite ? true : raiseBefore(ZE);
    }
    if (!acceptDenormal2(aSe, aSig, bSe, bSig)) return false;
    if (infinite || zero || isInfinity(bSe, bSig)) {
      if (infinite) setResult(sign | EXPONENT_MASK, INTEGER_BIT);
      else setResult(sign, 0);
      return true;
    }
  }
  const dividend = normalSig(aSig);
  const divisor = normalSig(bSig);
  let exponent = normalExponent(aSe, aSig) - normalExponent(bSe, bSig) + BIAS;
  let quotient: u64;
  if (dividend < divisor) {
    exponent--;
    quotient = divide(dividend, 0, divisor);
  } else quotient = divide(dividend >> 1, dividend << 63, divisor);
  // The remainder only has to tell which side of half a unit the rest is on: below, above, or none at all.
  const remainder = low();
  const rest = remainder === 0 ? 0 : remainder > divisor - remainder ? INTEGER_BIT | 1 : 1;
  roundResult(sign, exponent, quotient, rest, precisionMask());
  return true;
}

export function squareRoot(se: i32, sig: u64): bool {
  if (isUnordered(se, sig)) return answerUnordered(se, sig);
  if (isZero(se, sig)) {
    setResult(se, 0);
    return true;
  }
  if (se & SIGN) return invalid();
  if (isInfinity(se, sig)) {
    setResult(se, sig);
    return true;
  }
  if (!acceptDenormal(se, sig)) return false;
  const exponent = normalExponent(se, sig) - BIAS;
  const odd = exponent & 1;
  // root = floor(sqrt(n * 2^63)) for n in [1, 4) with 63 fraction bits; radicand is n * 2^126, as two words.
  const normal = normalSig(sig);
  const high = odd ? normal : normal >> 1;
  const rest = odd ? <u64>0 : normal << 63;
  // The estimate is off by a unit or so: settle it so that root^2 <= radicand < (root + 1)^2.
  let root = estimateRoot(high, rest);
  let squareHigh = multiply(root, root);
  while (squareHigh > high || (squareHigh === high && low() > rest)) {
    root--;
    squareHigh = multiply(root, root);
  }
  let remainderLow = rest - low();
  let remainderHigh = high - squareHigh - u64(rest < low());
  // (root + 1)^2 is 2 * root + 1 more; 2 * root is (1 : root << 1), root's top bit being set.
  while (remainderHigh > 1 || (remainderHigh === 1 && remainderLow > root << 1)) {
    const step = (root << 1) | 1;
    remainderHigh -= 1 + u64(remainderLow < step);
    remainderLow -= step;
    root++;
  }
  const above = remainderHigh !== 0 || remainderLow > root;
  const left = (remainderHigh | remainderLow) === 0 ? <u64>0 : above ? INTEGER_BIT | 1 : 1;
  roundResult(0, (exponent >> 1) + BIAS, root, left, precisionMask());
  return true;
}

/** sqrt(high : rest) within a few units, top bit set; high is at least 2^62. */
function estimateRoot(high: u64, rest: u64): u64 {
  const rough = sqrt<f64>(<f64>high * 18446744073709551616.0);
  let root: u64 = rough >= 18446744073709551615.0 ? <u64>-1 : <u64>rough;
  if (high === <u64>-1) return high;
  if (root <= high) root = <u64>-1;
  if (<i64>root >= 0) root = INTEGER_BIT;
  // One Newton step: (root + radicand / root) / 2, the sum being 65 bits wide.
  const quotient = divide(high, rest, root);
  const sum = root + quotient;
  return (sum >> 1) | (sum < root ? INTEGER_BIT : 0);
}

