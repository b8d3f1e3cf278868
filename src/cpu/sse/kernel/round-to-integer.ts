/** ROUNDPS and its kin: one element to a whole number of its format [SDM1 12.10.6]. */
import { accept, exponentBias, exponentOf, fractionBits, isInfinity, isNan, isSignalling, isZero, quietBit, signBit } from './format';
import { IE, PE, RC_DOWN, RC_NEAREST, RC_UP, raiseAfter, raiseBefore, roundingControl } from './state';

/** The immediate: RC, to take that of MXCSR instead, and not to report #P. */
const USES_MXCSR = 4;
const SUPPRESSES_PRECISION = 8;

export function roundToInteger(value: u64, control: i32): u64 {
  const x = accept(value);
  if (isNan(x)) {
    if (isSignalling(x)) raiseBefore(IE);
    return x | quietBit();
  }
  if (isInfinity(x) || isZero(x)) return x;
  const exponent = exponentOf(x) - exponentBias();
  if (exponent >= fractionBits()) return x;
  const rc = control & USES_MXCSR ? roundingControl() : control & 3;
  const result = exponent < 0 ? fromFraction(x, exponent, rc) : roundFraction(x, fractionBits() - exponent, rc);
  if (result != x && !(control & SUPPRESSES_PRECISION)) raiseAfter(PE);
  return result;
}

/** Below 1: a zero or a one. */
function fromFraction(x: u64, exponent: i32, rc: i32): u64 {
  const sign = x & signBit();
  const one = sign | (<u64>exponentBias() << <u64>fractionBits());
  // More than a half goes up to one, a half itself to the even zero.
  const half = sign | (<u64>(exponentBias() - 1) << <u64>fractionBits());
  if (rc == RC_NEAREST) return exponent == -1 && x != half ? one : sign;
  return rc == (sign != 0 ? RC_DOWN : RC_UP) ? one : sign;
}

/** Drops `bits` bits of the fraction; a carry goes on into the exponent, as it should. */
function roundFraction(x: u64, bits: i32, rc: i32): u64 {
  const unit = <u64>1 << <u64>bits;
  const below = x & (unit - 1);
  const kept = x - below;
  if (below == 0) return x;
  const half = unit >> 1;
  const negative = (x & signBit()) != 0;
  const up = rc == RC_NEAREST ? below > half || (below == half && (kept & unit) != 0) : rc == (negative ? RC_DOWN : RC_UP);
  return up ? kept + unit : kept;
}
