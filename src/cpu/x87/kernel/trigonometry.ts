/**
 * FSIN, FCOS, FSINCOS, FPTAN and FPATAN. The argument is reduced by the processors' 66-bit pi [SDM1 8.3.8] and the
 * functions are then computed to about 120 bits, so that the result is the correctly rounded one of the reduced argument.
 */
import { ARCTANGENT, COSINE, ODD_RECIPROCALS, ODD_TERMS, PI_3_4_HIGH, PI_3_4_LOW, PI_HIGH, PI_LOW, SINE, TRIG_TERMS } from './constants';
import {
  acceptDenormal, acceptDenormal2, answerUnordered, answerUnordered2, isInfinity, isUnordered, isZero, normalExponent,
  normalSig,
} from './operands';
import { roundResult } from './round';
import { BIAS, C1, EXPONENT_MASK, INTEGER_BIT, SIGN, forget, invalid, raise, raised, setResult } from './state';
import { alternatingSeries, divide, divideFractions, low, multiply, multiplyFractions, shiftRightSticky } from './wide';

// The reduced argument: sign, unbiased exponent and normalised 128-bit significand, and which quarter turn it came from.
let rSign: i32 = 0;
let rExponent: i32 = 0;
let rHigh: u64 = 0;
let rLow: u64 = 0;
let quarter: i32 = 0;

// Sine and cosine of the reduced argument's magnitude: fractions, the sine's times 2^sExponent.
let sExponent: i32 = 0;
let sHigh: u64 = 0;
let sLow: u64 = 0;
let cHigh: u64 = 0;
let cLow: u64 = 0;

/** pi / 2 in units of 2^-67, from the 68-bit approximation of pi. */
const HALF_PI_TOP: u64 = 0xc;
const HALF_PI_LOW: u64 = 0x90fdaa22168c234c;
/** Its first 64 bits, in units of 2^-63. */
const HALF_PI: u64 = 0xc90fdaa22168c234;

/** Reduces |x| below 2^63 to at most pi / 4; sign included. */
function reduce(se: i32, sig: u64): void {
  const exponent = normalExponent(se, sig) - BIAS;
  rSign = se & SIGN;
  rExponent = exponent;
  rHigh = normalSig(sig);
  rLow = 0;
  quarter = 0;
  if (exponent < -1 || (exponent === -1 && rHigh <= HALF_PI)) return;
  let turns = quarterTurns(exponent, rHigh);
  const shift = <u64>(exponent + 4);
  let high: u64 = shift >= 64 ? rHigh << (shift - 64) : rHigh >> (64 - shift);
  let rest: u64 = shift >= 64 ? 0 : rHigh << shift;
  // x - turns * pi / 2 modulo 2^128: what is left is small, so nothing is lost.
  const productHigh = multiply(turns, HALF_PI_LOW) + turns * HALF_PI_TOP;
  const productLow = low();
  high = high - productHigh - u64(rest < productLow);
  rest -= productLow;
  let negative = false;
  // The number of turns is off by one at most: add or take a turn until the rest is at most half of one.
  for (;;) {
    negative = <i64>high < 0;
    const sizeHigh = negative ? ~high + u64(rest === 0) : high;
    const sizeLow = negative ? 0 - rest : rest;
    const half = HALF_PI_TOP >> 1;
    if (sizeHigh < half || (sizeHigh === half && sizeLow <= HALF_PI_LOW >> 1)) {
      high = sizeHigh;
      rest = sizeLow;
      break;
    }
    if (negative) {
      turns--;
      rest += HALF_PI_LOW;
      high += HALF_PI_TOP + u64(rest < HALF_PI_LOW);
    } else {
      turns++;
      high -= HALF_PI_TOP + u64(rest < HALF_PI_LOW);
      rest -= HALF_PI_LOW;
    }
  }
  quarter = i32(turns & 3);
  // A negative argument turns the other way.
  if (rSign) quarter = -quarter & 3;
  if (negative) rSign ^= SIGN;
  const zeros = high ? clz<u64>(high) : 64 + clz<u64>(rest);
  rExponent = 60 - i32(zeros);
  if (zeros >= 64) {
    rHigh = rest << (zeros - 64);
    rLow = 0;
  } else {
    rHigh = zeros ? (high << zeros) | (rest >> (64 - zeros)) : high;
    rLow = rest << zeros;
  }
}

/** |x| / (pi / 2), rounded, within one. */
function quarterTurns(exponent: i32, sig: u64): u64 {
  // sig / HALF_PI is x / (pi / 2) / 2^exponent, as sig and HALF_PI both count in units of 2^-63.
  const quotient = divide(sig >> 1, sig << 63, HALF_PI);
  const shift = <u64>(63 - exponent);
  if (shift === 0) return quotient;
  return shift >= 64 ? quotient >> 63 : (quotient >> shift) + ((quotient >> (shift - 1)) & 1);
}

/** Sine and cosine of the reduced argument. */
function sineAndCosine(): void {
  // r^2 as a fraction; at least one unit, so that a function of a tiny argument is inexact too.
  let squareHigh = multiplyFractions(rHigh, rLow, rHigh, rLow);
  squareHigh = shiftRightSticky(squareHigh, low(), min(-2 * (rExponent + 1), 128));
  const squareLow = low() | 1;
  let termHigh = alternatingSeries(SINE, TRIG_TERMS, squareHigh, squareLow);
  termHigh = multiplyFractions(termHigh, low(), squareHigh, squareLow);
  let termLow = low() | 1;
  // The bracket is 1 - term: in two's complement just -term.
  sHigh = multiplyFractions(~termHigh, 0 - termLow, rHigh, rLow);
  sLow = low();
  if (<i64>sHigh >= 0) {
    sHigh = (sHigh << 1) | (sLow >> 63);
    sLow <<= 1;
    sExponent = rExponent;
  } else sExponent = rExponent + 1;
  termHigh = alternatingSeries(COSINE, TRIG_TERMS, squareHigh, squareLow);
  termHigh = multiplyFractions(termHigh, low(), squareHigh, squareLow);
  termLow = low() | 1;
  cHigh = ~termHigh;
  cLow = 0 - termLow;
}

/** Makes the result sin(r + turns * pi / 2). */
function turnedSine(turns: i32): void {
  const sign = turns & 2 ? SIGN : 0;
  if (turns & 1) roundResult(sign, BIAS - 1, cHigh, cLow | 1, 0);
  else roundResult(sign ^ rSign, BIAS - 1 + sExponent, sHigh, sLow | 1, 0);
}

/** C2: the argument is 2^63 or more in magnitude and the instruction does nothing. */
export function isOutOfRange(se: i32, sig: u64): bool {
  return (se & EXPONENT_MASK) >= BIAS + 63 && <i64>sig < 0 && (se & EXPONENT_MASK) !== EXPONENT_MASK;
}

/** Whether the result that `isAnswered` made is to be stored. */
let stored: bool = false;

/** What FSIN, FCOS and FPTAN have in common before they compute: true when the result is made or refused already. */
function isAnswered(se: i32, sig: u64): bool {
  stored = false;
  if (isUnordered(se, sig)) stored = answerUnordered(se, sig);
  else if (isInfinity(se, sig)) stored = invalid();
  else if (acceptDenormal(se, sig)) return false;
  return true;
}

export function sine(se: i32, sig: u64): bool {
  if (isAnswered(se, sig)) return stored;
  if (isZero(se, sig)) setResult(se, 0);
  else {
    reduce(se, sig);
    sineAndCosine();
    turnedSine(quarter);
  }
  return true;
}

export function cosine(se: i32, sig: u64): bool {
  if (isAnswered(se, sig)) return stored;
  if (isZero(se, sig)) setResult(BIAS, INTEGER_BIT);
  else {
    reduce(se, sig);
    sineAndCosine();
    turnedSine(quarter + 1);
  }
  return true;
}

/** After `sine` of a number: makes the result its cosine; C1 goes on telling of the sine. */
export function cosineOfSame(se: i32, sig: u64): void {
  const up = raised() & C1;
  if (isZero(se, sig)) setResult(BIAS, INTEGER_BIT);
  else turnedSine(quarter + 1);
  forget(C1);
  raise(up);
}

export function tangent(se: i32, sig: u64): bool {
  if (isAnswered(se, sig)) return stored;
  if (isZero(se, sig)) {
    setResult(se, 0);
    return true;
  }
  reduce(se, sig);
  if ((quarter & 1) === 0 && rExponent < -40) {
    // r + r^3 / 3 + …: a trace above r.
    roundResult(rSign, BIAS + rExponent, rHigh, rLow | 1, 0);
    return true;
  }
  sineAndCosine();
  let exponent = sExponent;
  let high: u64;
  if (quarter & 1) {
    // -1 / tan r
    exponent = -exponent + 1;
    high = divideFractions(cHigh >> 1, (cLow >> 1) | (cHigh << 63), sHigh, sLow);
    rSign ^= SIGN;
  } else {
    exponent++;
    high = divideFractions(sHigh >> 1, (sLow >> 1) | (sHigh << 63), cHigh, cLow);
  }
  let rest = low();
  if (<i64>high >= 0) {
    high = (high << 1) | (rest >> 63);
    rest <<= 1;
    exponent--;
  }
  roundResult(rSign, BIAS - 1 + exponent, high, rest | 1, 0);
  return true;
}

/** FPATAN: the angle of the point (x, y), y being ST(1) and x ST(0) [SDM2 table 3-30]. */
export function arctangent(ySe: i32, ySig: u64, xSe: i32, xSig: u64): bool {
  if (isUnordered(ySe, ySig) || isUnordered(xSe, xSig)) return answerUnordered2(ySe, ySig, xSe, xSig);
  if (!acceptDenormal2(ySe, ySig, xSe, xSig)) return false;
  const sign = ySe & SIGN;
  const left = (xSe & SIGN) !== 0;
  const xInfinite = isInfinity(xSe, xSig);
  if (isInfinity(ySe, ySig)) {
    if (!xInfinite) roundResult(sign, BIAS, PI_HIGH, PI_LOW, 0);
    else if (left) roundResult(sign, BIAS + 1, PI_3_4_HIGH, PI_3_4_LOW, 0);
    else roundResult(sign, BIAS - 1, PI_HIGH, PI_LOW, 0);
  } else if (isZero(ySe, ySig) || xInfinite) {
    if (left) roundResult(sign, BIAS + 1, PI_HIGH, PI_LOW, 0);
    else setResult(sign, 0);
  } else if (isZero(xSe, xSig)) roundResult(sign, BIAS, PI_HIGH, PI_LOW, 0);
  else {
    const yExponent = normalExponent(ySe, ySig);
    const xExponent = normalExponent(xSe, xSig);
    const y = normalSig(ySig);
    const x = normalSig(xSig);
    const steep = yExponent > xExponent || (yExponent === xExponent && y > x);
    if (steep) ratioAngle(x, y, yExponent - xExponent);
    else ratioAngle(y, x, xExponent - yExponent);
    finishAngle(sign, left, steep);
  }
  return true;
}

// An angle of at most pi / 4: aHigh:aLow, normalised, as a fraction times 2^aExponent.
let aExponent: i32 = 0;
let aHigh: u64 = 0;
let aLow: u64 = 0;

/** atan(n / d * 2^-difference), which is at most atan 1. */
function ratioAngle(n: u64, d: u64, difference: i32): void {
  let at: i32 = 0;
  if (difference < 6) at = i32(<f64>n / <f64>d * <f64>(64 >> difference) * 0.25 + 0.5);
  if (at === 0) {
    aExponent = 1 - difference;
    smallAngle(divideFractions(n >> 1, n << 63, d, 0), low());
  } else {
    const negative = subtractSixteenths(n, d, difference, <u64>at);
    addTableAngle(at, negative);
  }
}

/** Makes a the magnitude of atan(n / d * 2^-difference) - atan(k / 16) and says whether that is negative. */
function subtractSixteenths(n: u64, d: u64, difference: i32, k: u64): bool {
  // tan(a - atan c) = (n - c d) / (d + c n) with c = k / 16, exactly; in sixteenths, with five bits of headroom.
  const nShift = <u64>(59 - difference);
  const nHigh = n >> (64 - nShift);
  const nLow = n << nShift;
  const dHigh = d >> 5;
  const dLow = d << 59;
  const leftHigh = (nHigh << 4) | (nLow >> 60);
  const leftLow = nLow << 4;
  const rightHigh = multiply(dLow, k) + dHigh * k;
  const rightLow = low();
  const negative = leftHigh < rightHigh || (leftHigh === rightHigh && leftLow < rightLow);
  let numeratorHigh = negative
    ? rightHigh - leftHigh - u64(rightLow < leftLow)
    : leftHigh - rightHigh - u64(leftLow < rightLow);
  let numeratorLow = negative ? rightLow - leftLow : leftLow - rightLow;
  const base = (dHigh << 4) | (dLow >> 60);
  const addHigh = multiply(nLow, k) + nHigh * k;
  let denominatorLow = (dLow << 4) + low();
  let denominatorHigh = base + addHigh + u64(denominatorLow < low());
  const zeros = clz<u64>(denominatorHigh);
  if (zeros) {
    denominatorHigh = (denominatorHigh << zeros) | (denominatorLow >> (64 - zeros));
    denominatorLow <<= zeros;
    numeratorHigh = (numeratorHigh << zeros) | (numeratorLow >> (64 - zeros));
    numeratorLow <<= zeros;
  }
  aExponent = 0;
  smallAngle(divideFractions(numeratorHigh, numeratorLow, denominatorHigh, denominatorLow), low());
  return negative;
}

/** Arctangent of a small fraction times 2^aExponent. */
function smallAngle(high: u64, rest: u64): void {
  if ((high | rest) === 0) {
    aHigh = 0;
    aLow = 0;
    return;
  }
  const zeros = high ? clz<u64>(high) : 64 + clz<u64>(rest);
  aExponent -= i32(zeros);
  if (zeros >= 64) {
    high = rest << (zeros - 64);
    rest = 0;
  } else if (zeros) {
    high = (high << zeros) | (rest >> (64 - zeros));
    rest <<= zeros;
  }
  let squareHigh = multiplyFractions(high, rest, high, rest);
  squareHigh = shiftRightSticky(squareHigh, low(), min(-2 * aExponent, 128));
  const squareLow = low() | 1;
  let termHigh = alternatingSeries(ODD_RECIPROCALS, ODD_TERMS, squareHigh, squareLow);
  termHigh = multiplyFractions(termHigh, low(), squareHigh, squareLow);
  const termLow = low() | 1;
  aHigh = multiplyFractions(~termHigh, 0 - termLow, high, rest);
  aLow = low();
  if (<i64>aHigh >= 0) {
    aHigh = (aHigh << 1) | (aLow >> 63);
    aLow <<= 1;
    aExponent--;
  }
}

/** a = atan(at / 16) +- a, with a normalised result. */
function addTableAngle(at: i32, negative: bool): void {
  const small = (aHigh | aLow) === 0 ? <u64>0 : shiftRightSticky(aHigh, aLow, min(-aExponent, 128));
  const smallLow = (aHigh | aLow) === 0 ? <u64>0 : low();
  const entry = ARCTANGENT + (<usize>(at - 1) << 4);
  const tableHigh = load<u64>(entry);
  const tableLow = load<u64>(entry, 8);
  if (negative) {
    aLow = tableLow - smallLow;
    aHigh = tableHigh - small - u64(tableLow < smallLow);
  } else {
    aLow = tableLow + smallLow;
    aHigh = tableHigh + small + u64(aLow < tableLow);
  }
  const zeros = clz<u64>(aHigh);
  aExponent = -i32(zeros);
  if (zeros) {
    aHigh = (aHigh << zeros) | (aLow >> (64 - zeros));
    aLow <<= zeros;
  }
}

/** Places the angle in its octant: pi / 2 - a, pi / 2 + a or pi - a where the point is steep or left. */
function finishAngle(sign: i32, left: bool, steep: bool): void {
  if (!left && !steep) {
    roundResult(sign, BIAS - 1 + aExponent, aHigh, aLow | 1, 0);
    return;
  }
  // In quarters: pi / 4 is PI as a fraction of one, so everything is divided by four (by eight for pi).
  const scale = steep ? 1 : 2;
  const small = shiftRightSticky(aHigh, aLow, min(scale - aExponent, 128));
  const smallLow = low();
  let high: u64;
  let rest: u64;
  if (left && steep) {
    rest = PI_LOW + smallLow;
    high = PI_HIGH + small + u64(rest < PI_LOW);
  } else {
    rest = PI_LOW - smallLow;
    high = PI_HIGH - small - u64(PI_LOW < smallLow);
  }
  let exponent = BIAS - 1 + scale;
  if (left && steep && high < PI_HIGH) {
    rest = (rest >> 1) | (high << 63);
    high = (high >> 1) | INTEGER_BIT;
    exponent++;
  } else if (<i64>high >= 0) {
    high = (high << 1) | (rest >> 63);
    rest <<= 1;
    exponent--;
  }
  roundResult(sign, exponent, high, rest | 1, 0);
}
