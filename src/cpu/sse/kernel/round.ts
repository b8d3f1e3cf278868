/** Rounding to the format that is worked on, with #O, #U and #P [SDM1 4.8.4, 4.9.1, 10.2.3.3]. */
import { exponentBias, fractionBits, infinityBits, signBit, topExponent } from './format';
import { OE, PE, RC_CHOP, RC_DOWN, RC_NEAREST, RC_UP, UE, flushesToZero, masked, raiseAfter, roundingControl } from './state';

/** sig >> count with every lost bit gathered in the lowest bit. */
export function shiftRightJam(sig: u64, count: i32): u64 {
  if (count <= 0) return sig;
  if (count > 63) return u64(sig != 0);
  const n = <u64>count;
  return (sig >> n) | u64(sig << (64 - n) != 0);
}

let inexact: bool = false;

/** Rounds `sig` to a multiple of 2^drop and divides by it. */
function roundAt(negative: bool, sig: u64, drop: u64): u64 {
  const unit = <u64>1 << drop;
  const below = sig & (unit - 1);
  const kept = sig >> drop;
  inexact = below != 0;
  if (!inexact) return kept;
  const rc = roundingControl();
  const half = unit >> 1;
  const up = rc == RC_NEAREST ? below > half || (below == half && (kept & 1) != 0) : rc == (negative ? RC_DOWN : RC_UP);
  return kept + u64(up);
}

/** The low bits of `x` rounded to an integer by RC, or towards zero; `x` has two bits of fraction, jammed. */
export function roundInteger(negative: bool, x: u64, truncate: bool): u64 {
  if (!truncate) return roundAt(negative, x, 2);
  inexact = (x & 3) != 0;
  return x >> 2;
}

export function wasInexact(): bool {
  return inexact;
}

/**
 * Encodes a number other than zero: sign (0 or the sign bit), biased exponent, and significand with the top bit in bit 63
 * and whatever is lost below gathered in bit 0.
 */
export function encode(sign: u64, exponent: i32, sig: u64): u64 {
  const negative = sign != 0;
  const drop = <u64>(63 - fractionBits());
  const kept = roundAt(negative, sig, drop);
  const carried = kept >> <u64>(fractionBits() + 1) != 0;
  if (exponent < 0 || (exponent == 0 && !carried)) return encodeTiny(sign, exponent, sig, drop);
  const final = exponent + i32(carried);
  if (final >= topExponent()) return overflow(sign);
  if (inexact) raiseAfter(PE);
  // The integer bit adds one to the exponent; after a carry the fraction is zero.
  return sign | ((<u64>(final - 1) << <u64>fractionBits()) + (carried ? kept >> 1 : kept));
}

/** Tiny is judged on the result as rounded with an unbounded exponent [SDM1 4.9.1.5]. */
function encodeTiny(sign: u64, exponent: i32, sig: u64, drop: u64): u64 {
  if (!masked(UE)) {
    raiseAfter(inexact ? UE | PE : UE);
    return sign;
  }
  if (flushesToZero()) {
    raiseAfter(UE | PE);
    return sign;
  }
  const kept = roundAt(sign != 0, shiftRightJam(sig, 1 - exponent), drop);
  if (inexact) raiseAfter(UE | PE);
  return sign | kept;
}

function overflow(sign: u64): u64 {
  raiseAfter(inexact || masked(OE) ? OE | PE : OE);
  const rc = roundingControl();
  const toInfinity = rc != RC_CHOP && rc != (sign != 0 ? RC_UP : RC_DOWN);
  return sign | (toInfinity ? infinityBits() : infinityBits() - 1);
}

/** The zero of an exact cancellation. */
export function cancelledZero(): u64 {
  return roundingControl() == RC_DOWN ? signBit() : 0;
}

/** Biased exponent of an integer below 2^64 whose top bit is in bit 63. */
export function integerExponent(): i32 {
  return exponentBias() + 63;
}
