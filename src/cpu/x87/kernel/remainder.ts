/** FPREM and FPREM1, FRNDINT, FSCALE and FXTRACT on operands that are not on the stack. */
import {
  acceptDenormal, acceptDenormal2, answerUnordered, answerUnordered2, isInfinity, isUnordered, isZero, normalExponent,
  normalSig,
} from './operands';
import { WRAP, raiseInexact, roundAt, roundResult, wasCarried } from './round';
import {
  BIAS, C0, C1, C2, C3, EXPONENT_MASK, INTEGER_BIT, OE, PE, SIGN, UE, ZE, getResultSe, getResultSig, invalid, masked, raise, raiseBefore, setResult,
} from './state';
import { divide, low, shiftRightSticky } from './wide';

let reduced: bool = false;

export function beginReduction(): void {
  reduced = false;
}

/** Whether the last FPREM got as far as a quotient, whose low bits the condition codes tell. */
export function wasReduced(): bool {
  return reduced;
}

/** An operand as it is, but for a pseudo-denormal's exponent, and no underflow where it is denormal. */
function keep(se: i32, sig: u64): void {
  setResult((se & SIGN) | (<i64>sig < 0 ? normalExponent(se, sig) : 0), sig);
}

/** FPREM (`nearest` false: quotient truncated) or FPREM1 (rounded to nearest even): raises C0 to C3 too. */
export function partialRemainder(aSe: i32, aSig: u64, bSe: i32, bSig: u64, nearest: bool): bool {
  if (isUnordered(aSe, aSig) || isUnordered(bSe, bSig)) return answerUnordered2(aSe, aSig, bSe, bSig);
  if (isInfinity(aSe, aSig) || isZero(bSe, bSig)) return invalid();
  if (!acceptDenormal2(aSe, aSig, bSe, bSig)) return false;
  reduced = true;
  if (isZero(aSe, aSig)) {
    setResult(aSe, 0);
    return true;
  }
  if (isInfinity(bSe, bSig)) {
    keep(aSe, aSig); // [SDM2 FPREM, table 3-26]
    return true;
  }
  const divisorExponent = normalExponent(bSe, bSig);
  const difference = normalExponent(aSe, aSig) - divisorExponent;
  const dividend = normalSig(aSig);
  const divisor = normalSig(bSig);
  if (difference >= 64) {
    // Takes off 32 to 63 bits of the difference and leaves C2 set for the next round [SDM2 FPREM].
    const step = (difference & 31) | 32;
    reduce(dividend, divisor, step);
    raise(C2);
    setRemainder(aSe & SIGN, divisorExponent + difference - step, low());
    return true;
  }
  let quotient: u64 = 0;
  let rest = dividend;
  if (difference >= 0) {
    quotient = reduce(dividend, divisor, difference);
    rest = low();
  } else if (difference < -1) {
    setRemainder(aSe & SIGN, normalExponent(aSe, aSig), dividend);
    return true;
  }
  let sign = aSe & SIGN;
  let exponent = divisorExponent;
  if (nearest) {
    // For a difference of -1 the rest counts in halves of the divisor's unit, so half the divisor is `divisor` itself.
    if (difference === -1) {
      exponent--;
      if (dividend > divisor) {
        rest = divisor - (dividend - divisor);
        sign ^= SIGN;
        quotient = 1;
      }
    } else {
      const left = divisor - rest;
      if (rest > left || (rest === left && (quotient & 1) !== 0)) {
        rest = left;
        sign ^= SIGN;
        quotient++;
      }
    }
  } else if (difference === -1) exponent--;
  if (quotient & 4) raise(C0);
  if (quotient & 2) raise(C3);
  if (quotient & 1) raise(C1);
  setRemainder(sign, exponent, rest, aSe & SIGN);
  return true;
}

/** dividend * 2^shift = q * divisor + rest: returns the low bits of q; low() is the rest. Shift is 0 to 63. */
function reduce(dividend: u64, divisor: u64, shift: i32): u64 {
  const carry: u64 = u64(dividend >= divisor);
  const rest = carry ? dividend - divisor : dividend;
  if (shift === 0) {
    divide(0, rest, divisor);
    return carry;
  }
  const n = <u64>shift;
  return divide(rest >> (64 - n), rest << n, divisor) | (carry << n);
}

function setRemainder(sign: i32, exponent: i32, rest: u64, zeroSign: i32 = -1): void {
  if (rest === 0) setResult(zeroSign < 0 ? sign : zeroSign, 0);
  else roundResult(sign, exponent - i32(clz<u64>(rest)), normalSig(rest), 0, 0);
}

export function roundToInteger(se: i32, sig: u64): bool {
  if (isUnordered(se, sig)) return answerUnordered(se, sig);
  const exponent = (se & EXPONENT_MASK) - BIAS;
  if (exponent >= 63 || isZero(se, sig)) {
    setResult(se, sig);
    return true;
  }
  if (!acceptDenormal(se, sig)) return false;
  const sign = se & SIGN;
  if (exponent >= 0) {
    const mask = (<u64>1 << <u64>(63 - exponent)) - 1;
    const rounded = roundAt(sign !== 0, sig, 0, mask);
    if (wasCarried()) setResult(se + 1, INTEGER_BIT);
    else setResult(se, rounded);
  } else {
    const whole = shiftRightSticky(sig, 0, min(63 - exponent, 128));
    const rounded = roundAt(sign !== 0, whole, low(), 0);
    setResult(rounded === 0 ? sign : sign | BIAS, rounded === 0 ? 0 : INTEGER_BIT);
  }
  raiseInexact();
  return true;
}

/** ST(0) * 2^trunc(ST(1)): a is ST(0), b is ST(1). */
export function scale(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  if (isUnordered(aSe, aSig) || isUnordered(bSe, bSig)) return answerUnordered2(aSe, aSig, bSe, bSig);
  const down = (bSe & SIGN) !== 0;
  if (isInfinity(bSe, bSig)) {
    if (down ? isInfinity(aSe, aSig) : isZero(aSe, aSig)) return invalid();
    if (!acceptDenormal(aSe, aSig)) return false;
    if (down) setResult(aSe & SIGN, 0);
    else setResult((aSe & SIGN) | EXPONENT_MASK, INTEGER_BIT);
    return true;
  }
  if (!acceptDenormal2(aSe, aSig, bSe, bSig)) return false;
  if (isInfinity(aSe, aSig) || isZero(aSe, aSig)) {
    setResult(aSe, aSig);
    return true;
  }
  if (isZero(bSe, bSig)) {
    keep(aSe, aSig); // [SDM2 FSCALE]
    return true;
  }
  const power = (bSe & EXPONENT_MASK) - BIAS;
  let by: i32 = power < 0 ? 0 : power > 16 ? 0x1ffff : i32(bSig >> <u64>(63 - power));
  if (down) by = -by;
  const exponent = normalExponent(aSe, aSig) + by;
  // Where not even the wrapped exponent fits, the answer is zero or infinity also unmasked [SDM1 8.5.4, 8.5.5].
  if (!masked(UE) && exponent + WRAP <= 0) {
    raise(UE | PE);
    setResult(aSe & SIGN, 0);
  } else if (!masked(OE) && exponent - WRAP >= EXPONENT_MASK) {
    raise(OE | PE | C1);
    setResult((aSe & SIGN) | EXPONENT_MASK, INTEGER_BIT);
  } else roundResult(aSe & SIGN, exponent, normalSig(aSig), 0, 0);
  return true;
}

let exponentSe: i32 = 0;
let exponentSig: u64 = 0;

/** FXTRACT's exponent as a real; the result is the significand. */
export function getExponentSe(): i32 {
  return exponentSe;
}

export function getExponentSig(): u64 {
  return exponentSig;
}

export function extract(se: i32, sig: u64): bool {
  exponentSe = EXPONENT_MASK;
  exponentSig = INTEGER_BIT;
  if (isUnordered(se, sig)) {
    const stored = answerUnordered(se, sig);
    exponentSe = getResultSe();
    exponentSig = getResultSig();
    return stored;
  }
  setResult(se, sig);
  if (isInfinity(se, sig)) return true;
  if (isZero(se, sig)) {
    exponentSe = SIGN | EXPONENT_MASK;
    return raiseBefore(ZE);
  }
  if (!acceptDenormal(se, sig)) return false;
  setResult((se & SIGN) | BIAS, normalSig(sig));
  const exponent = normalExponent(se, sig) - BIAS;
  if (exponent === 0) {
    exponentSe = 0;
    exponentSig = 0;
    return true;
  }
  const size = <u64>abs(exponent);
  exponentSe = (exponent < 0 ? SIGN : 0) | (BIAS + 63 - i32(clz<u64>(size)));
  exponentSig = normalSig(size);
  return true;
}
