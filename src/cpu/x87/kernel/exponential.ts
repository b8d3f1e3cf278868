/** F2XM1, FYL2X and FYL2XP1, computed to more than 105 bits before rounding [SDM1 8.3.7]. */
import {
  EXPONENTIAL, EXPONENTIAL_TERMS, LN2_HIGH, LN2_LOW, ODD_RECIPROCALS, ODD_TERMS, TWO_LOG2E_HIGH, TWO_LOG2E_LOW,
} from './constants';
import {
  acceptDenormal, acceptDenormal2, answerUnordered, answerUnordered2, isInfinity, isUnordered, isZero, normalExponent,
  normalSig,
} from './operands';
import { roundResult } from './round';
import { BIAS, EXPONENT_MASK, INTEGER_BIT, PE, SIGN, UE, ZE, getResultSe, invalid, raise, raiseBefore, setResult } from './state';
import { alternatingSeries, divideFractions, low, multiplyFractions, series, shiftRightSticky } from './wide';

/** sqrt 2 as a significand: arguments above are taken as half of twice as much. */
const SQRT2: u64 = 0xb504f333f9de6484;

/** 2^x - 1 for |x| at most 1; beyond that the result is undefined, and the operand stays as on AMD's processors. */
export function exponentialLess1(se: i32, sig: u64): bool {
  if (isUnordered(se, sig)) return answerUnordered(se, sig);
  if (isInfinity(se, sig)) {
    if (se & SIGN) setResult(SIGN | BIAS, INTEGER_BIT);
    else setResult(se, sig);
    return true;
  }
  if (!acceptDenormal(se, sig)) return false;
  const negative = (se & SIGN) !== 0;
  let exponent = normalExponent(se, sig) - BIAS;
  setResult(se, sig);
  if (isZero(se, sig)) return true;
  const one = exponent === 0 && sig === INTEGER_BIT;
  if (exponent >= 0 && !(one && !negative)) {
    // #P is raised also where the result is exact.
    raise(PE);
    if (one) setResult(SIGN | (BIAS - 1), INTEGER_BIT);
    return true;
  }
  // y = |x| ln 2 as a fraction times 2^exponent.
  exponent++;
  let yHigh = multiplyFractions(normalSig(sig), 0, LN2_HIGH, LN2_LOW);
  let yLow = low();
  if (<i64>yHigh >= 0) {
    yHigh = (yHigh << 1) | (yLow >> 63);
    yLow <<= 1;
    exponent--;
  }
  const fixedHigh = shiftRightSticky(yHigh, yLow, min(-exponent, 128));
  const fixedLow = low();
  let high: u64;
  let rest: u64;
  if (negative) {
    // y (1 - y (1/2! - y (1/3! - …)))
    high = alternatingSeries(EXPONENTIAL, EXPONENTIAL_TERMS, fixedHigh, fixedLow);
    high = multiplyFractions(high, low(), fixedHigh, fixedLow);
    rest = low() | 1;
    high = multiplyFractions(~high, 0 - rest, yHigh, yLow);
    rest = low();
  } else {
    // y (1 + y (1/2! + y (1/3! + …))), the bracket halved to stay below one.
    high = series(EXPONENTIAL, EXPONENTIAL_TERMS, fixedHigh, fixedLow);
    high = multiplyFractions(high, low(), fixedHigh, fixedLow);
    rest = (low() >> 1) | (high << 63) | 1;
    high = multiplyFractions((high >> 1) | INTEGER_BIT, rest, yHigh, yLow);
    rest = low();
    exponent++;
  }
  finish(se & SIGN, exponent, high, rest);
  return true;
}

/** Normalises a fraction times 2^exponent that is never exact, and rounds it. */
function finish(sign: i32, exponent: i32, high: u64, rest: u64): void {
  const zeros = clz<u64>(high);
  if (zeros) {
    high = (high << zeros) | (rest >> (64 - zeros));
    rest <<= zeros;
  }
  roundResult(sign, BIAS - 1 + exponent - i32(zeros), high, rest | 1, 0);
}

// A logarithm to base 2: sign, and a normalised fraction times 2^lExponent; or exactly zero.
let lNegative: bool = false;
let lExponent: i32 = 0;
let lHigh: u64 = 0;
let lLow: u64 = 0;
let lExact: bool = false;

/** log2((1 + s) / (1 - s)) for the s = nHigh:nLow / dHigh:dLow * 2^exponent, from 0 to 0.172; d's top bit is set. */
function logarithmOfRatio(nHigh: u64, nLow: u64, dHigh: u64, dLow: u64, exponent: i32): void {
  let high = divideFractions(nHigh, nLow, dHigh, dLow);
  let rest = low();
  const zeros = clz<u64>(high);
  if (zeros) {
    high = (high << zeros) | (rest >> (64 - zeros));
    rest <<= zeros;
    exponent -= i32(zeros);
  }
  let squareHigh = multiplyFractions(high, rest, high, rest);
  squareHigh = shiftRightSticky(squareHigh, low(), min(-2 * exponent, 128));
  const squareLow = low() | 1;
  // 2 / ln 2 * s (1 + s^2 (1/3 + s^2 (1/5 + …))): the bracket is halved, 2 / ln 2 quartered.
  let sumHigh = series(ODD_RECIPROCALS, ODD_TERMS, squareHigh, squareLow);
  sumHigh = multiplyFractions(sumHigh, low(), squareHigh, squareLow);
  const sumLow = (low() >> 1) | (sumHigh << 63);
  high = multiplyFractions(high, rest, (sumHigh >> 1) | INTEGER_BIT, sumLow);
  lHigh = multiplyFractions(high, low(), TWO_LOG2E_HIGH, TWO_LOG2E_LOW);
  lLow = low();
  lExponent = exponent + 3;
  lExact = false;
  normaliseLogarithm();
}

function normaliseLogarithm(): void {
  const zeros = clz<u64>(lHigh);
  if (zeros === 64) {
    lHigh = lLow;
    lLow = 0;
    lExponent -= 64;
    if (lHigh) normaliseLogarithm();
  } else if (zeros) {
    lHigh = (lHigh << zeros) | (lLow >> (64 - zeros));
    lLow <<= zeros;
    lExponent -= i32(zeros);
  }
}

/** log2 of a positive number: high:rest, normalised, and its unbiased exponent. */
function logarithm(exponent: i32, sig: u64, rest: u64): void {
  let whole = exponent;
  if (sig === INTEGER_BIT && rest === 0) {
    lHigh = 0;
    lLow = 0;
    lNegative = false;
    lExact = true;
  } else if (sig < SQRT2) {
    // m = sig / 2^63: s = (m - 1) / (m + 1)
    lNegative = false;
    const sum = (sig >> 1) + (INTEGER_BIT >> 1);
    logarithmOfDifference(sig - INTEGER_BIT, rest, sum, (sig << 63) | (rest >> 1));
  } else {
    // m = sig / 2^64, below one: s = (1 - m) / (1 + m)
    whole++;
    lNegative = true;
    const difference = 0 - sig - u64(rest !== 0);
    logarithmOfDifference(difference, 0 - rest, (sig >> 1) | INTEGER_BIT, (sig << 63) | (rest >> 1));
  }
  if (whole !== 0) addWhole(whole);
}

/** With s = n / 2d; n is normalised first, as it may be tiny. */
function logarithmOfDifference(nHigh: u64, nLow: u64, dHigh: u64, dLow: u64): void {
  let shift = clz<u64>(nHigh);
  if (shift === 64) {
    nHigh = nLow;
    nLow = 0;
    const more = clz<u64>(nHigh);
    nHigh <<= more;
    shift += more;
  } else if (shift) {
    nHigh = (nHigh << shift) | (nLow >> (64 - shift));
    nLow <<= shift;
  }
  logarithmOfRatio(nHigh >> 2, (nHigh << 62) | (nLow >> 2), dHigh, dLow, 1 - i32(shift));
}

/** Adds an integer to the logarithm of the fraction, whose magnitude is at most one half. */
function addWhole(whole: i32): void {
  const zeros = clz<u64>(<u64>abs(whole));
  const exponent = 64 - i32(zeros);
  const wholeHigh = <u64>abs(whole) << zeros;
  if (!lExact) {
    const small = shiftRightSticky(lHigh, lLow, min(exponent - lExponent, 128));
    const smallLow = low();
    if (lNegative === whole < 0) {
      lLow = smallLow;
      lHigh = wholeHigh + small;
    } else {
      lLow = 0 - smallLow;
      lHigh = wholeHigh - small - u64(smallLow !== 0);
    }
  } else lHigh = wholeHigh;
  lNegative = whole < 0;
  lExponent = exponent;
  normaliseLogarithm();
}

/** y times the logarithm. */
function multiplyLogarithm(ySe: i32, ySig: u64): void {
  const sign = (ySe & SIGN) ^ (lNegative ? SIGN : 0);
  let high = multiplyFractions(lHigh, lLow, normalSig(ySig), 0);
  let rest = low();
  let exponent = normalExponent(ySe, ySig) - BIAS + 1 + lExponent;
  if (!lExact) {
    finish(sign, exponent, high, rest);
    return;
  }
  if (<i64>high >= 0) {
    high = (high << 1) | (rest >> 63);
    rest <<= 1;
    exponent--;
  }
  roundResult(sign, BIAS - 1 + exponent, high, rest, 0);
  // #P, and with it #U, is raised also where the result is exact.
  raise((getResultSe() & EXPONENT_MASK) === 0 ? PE | UE : PE);
}

/** FYL2X: y log2 x, y being ST(1) and x ST(0) [SDM2 table 3-59]. */
export function yTimesLogarithm(ySe: i32, ySig: u64, xSe: i32, xSig: u64): bool {
  if (isUnordered(ySe, ySig) || isUnordered(xSe, xSig)) return answerUnordered2(ySe, ySig, xSe, xSig);
  if (xSe & SIGN && !isZero(xSe, xSig)) return invalid();
  const yInfinite = isInfinity(ySe, ySig);
  const yZero = isZero(ySe, ySig);
  if (isZero(xSe, xSig)) {
    if (yZero) return invalid();
    setResult((ySe & SIGN) ^ (SIGN | EXPONENT_MASK), INTEGER_BIT);
    return yInfinite || raiseBefore(ZE);
  }
  const one = xSe === BIAS && xSig === INTEGER_BIT;
  if (isInfinity(xSe, xSig) ? yZero : one && yInfinite) return invalid();
  if (!acceptDenormal2(ySe, ySig, xSe, xSig)) return false;
  const flip = (xSe & EXPONENT_MASK) < BIAS ? SIGN : 0;
  if (yInfinite || isInfinity(xSe, xSig)) setResult((ySe & SIGN) ^ flip | EXPONENT_MASK, INTEGER_BIT);
  else if (yZero || one) setResult((ySe & SIGN) ^ flip, 0);
  else {
    logarithm(normalExponent(xSe, xSig) - BIAS, normalSig(xSig), 0);
    multiplyLogarithm(ySe, ySig);
  }
  return true;
}

/**
 * FYL2XP1: y log2(x + 1). For |x| of 1 - sqrt(1/2) and more the result is undefined [SDM2 table 3-60]; here it is the
 * logarithm down to x = -1, and x itself from there on, as on AMD's processors.
 */
export function yTimesLogarithmPlus1(ySe: i32, ySig: u64, xSe: i32, xSig: u64): bool {
  if (isUnordered(ySe, ySig) || isUnordered(xSe, xSig)) return answerUnordered2(ySe, ySig, xSe, xSig);
  const sign = (ySe ^ xSe) & SIGN;
  const yInfinite = isInfinity(ySe, ySig);
  const xInfinite = isInfinity(xSe, xSig);
  if (isZero(xSe, xSig) ? yInfinite : xInfinite && (isZero(ySe, ySig) || (xSe & SIGN) !== 0)) return invalid();
  if (!acceptDenormal2(ySe, ySig, xSe, xSig)) return false;
  if (yInfinite || xInfinite) setResult(sign | EXPONENT_MASK, INTEGER_BIT);
  else if (isZero(xSe, xSig) || isZero(ySe, ySig)) setResult(sign, 0);
  else {
    const exponent = normalExponent(xSe, xSig) - BIAS;
    if ((xSe & SIGN) !== 0 && exponent >= 0) {
      raise(PE);
      setResult(xSe, xSig);
      return true;
    }
    if (exponent < -2) smallPlus1(xSe, exponent, normalSig(xSig));
    else plus1(xSe, exponent, normalSig(xSig));
    multiplyLogarithm(ySe, ySig);
  }
  return true;
}

/** log2(1 + x) for |x| from 1/4, as the logarithm of the sum. */
function plus1(se: i32, exponent: i32, sig: u64): void {
  let high: u64;
  let rest: u64;
  if (se & SIGN) {
    const size = shiftRightSticky(sig, 0, -1 - exponent);
    rest = 0 - low();
    high = 0 - size - u64(rest !== 0);
    exponent = -1;
  } else if (exponent < 0) {
    high = shiftRightSticky(sig, 0, -exponent) | INTEGER_BIT;
    rest = low();
    exponent = 0;
  } else {
    const one = shiftRightSticky(INTEGER_BIT, 0, min(exponent, 128));
    rest = low();
    high = sig + one;
    if (high < sig) {
      rest = (rest >> 1) | (high << 63);
      high = (high >> 1) | INTEGER_BIT;
      exponent++;
    }
  }
  const zeros = clz<u64>(high);
  if (zeros) {
    high = (high << zeros) | (rest >> (64 - zeros));
    rest <<= zeros;
  }
  logarithm(exponent - i32(zeros), high, rest);
}

/** log2(1 + x) for |x| below 1/4: s = x / (2 + x). */
function smallPlus1(se: i32, exponent: i32, sig: u64): void {
  lNegative = (se & SIGN) !== 0;
  // |x| / 4 as a fraction, and (2 + x) / 4.
  const quarter = shiftRightSticky(sig, 0, min(1 - exponent, 128));
  const quarterLow = low();
  let high: u64;
  let rest: u64;
  if (lNegative) {
    rest = 0 - quarterLow;
    high = INTEGER_BIT - quarter - u64(quarterLow !== 0);
  } else {
    rest = quarterLow;
    high = INTEGER_BIT + quarter;
  }
  const zeros = clz<u64>(high);
  if (zeros) {
    high = (high << zeros) | (rest >> (64 - zeros));
    rest <<= zeros;
  }
  logarithmOfRatio(sig >> 2, sig << 62, high, rest, exponent + 1 + i32(zeros));
}
