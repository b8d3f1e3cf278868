/** Classes of operands, and the responses to NaNs, unsupported encodings and denormals [SDM1 4.8.3, 8.2.2, 8.5.1]. */
import {
  DE, EXPONENT_MASK, IE, INTEGER_BIT, QUIET_BIT, SIGN, invalid, masked, raise, raiseBefore, setResult,
} from './state';

/** Neither zero, denormal, infinity, NaN nor unsupported. */
export function isNormal(se: i32, sig: u64): bool {
  return <u32>((se & EXPONENT_MASK) - 1) < 0x7ffe && <i64>sig < 0;
}

export function isZero(se: i32, sig: u64): bool {
  return (se & EXPONENT_MASK) === 0 && sig === 0;
}

/** Denormal or pseudo-denormal. */
export function isDenormal(se: i32, sig: u64): bool {
  return (se & EXPONENT_MASK) === 0 && sig !== 0;
}

/** Pseudo-NaN, pseudo-infinity or unnormal. */
export function isUnsupported(se: i32, sig: u64): bool {
  return (se & EXPONENT_MASK) !== 0 && <i64>sig >= 0;
}

export function isInfinity(se: i32, sig: u64): bool {
  return (se & EXPONENT_MASK) === EXPONENT_MASK && sig === INTEGER_BIT;
}

export function isNan(se: i32, sig: u64): bool {
  return (se & EXPONENT_MASK) === EXPONENT_MASK && sig > INTEGER_BIT;
}

export function isSignalling(se: i32, sig: u64): bool {
  return isNan(se, sig) && (sig & QUIET_BIT) === 0;
}

/** NaN or unsupported: what no computation starts with. */
export function isUnordered(se: i32, sig: u64): bool {
  return isNan(se, sig) || isUnsupported(se, sig);
}

/** The response to a single operand for which `isUnordered`; says whether the result is to be stored. */
export function answerUnordered(se: i32, sig: u64): bool {
  if (isUnsupported(se, sig)) return invalid();
  setResult(se, sig | QUIET_BIT);
  return isSignalling(se, sig) ? raiseBefore(IE) : true;
}

/** Likewise for two operands, one or both of which are unordered [SDM1 table 4-7]. */
export function answerUnordered2(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  if (isUnsupported(aSe, aSig) || isUnsupported(bSe, bSig)) return invalid();
  const aSignals = isSignalling(aSe, aSig);
  const bSignals = isSignalling(bSe, bSig);
  let first = true;
  if (!isNan(bSe, bSig)) first = true;
  else if (!isNan(aSe, aSig)) first = false;
  else if (aSignals !== bSignals) first = bSignals;
  else {
    const a = aSig | QUIET_BIT;
    const b = bSig | QUIET_BIT;
    first = a !== b ? a > b : (aSe & SIGN) === 0;
  }
  if (first) setResult(aSe, aSig | QUIET_BIT);
  else setResult(bSe, bSig | QUIET_BIT);
  if (!aSignals && !bSignals) return true;
  raise(IE);
  return masked(IE);
}

/** Raises #D if the operand is denormal; says whether the instruction goes on. */
export function acceptDenormal(se: i32, sig: u64): bool {
  return !isDenormal(se, sig) || raiseBefore(DE);
}

/** Raises #D if either is denormal. */
export function acceptDenormal2(aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  return !(isDenormal(aSe, aSig) || isDenormal(bSe, bSig)) || raiseBefore(DE);
}

/** The significand shifted until its top bit is set; not for zero. */
export function normalSig(sig: u64): u64 {
  return sig << clz<u64>(sig);
}

/** The biased exponent that goes with `normalSig`: below 1 for denormals. */
export function normalExponent(se: i32, sig: u64): i32 {
  const e = se & EXPONENT_MASK;
  return e === 0 ? 1 - i32(clz<u64>(sig)) : e;
}
