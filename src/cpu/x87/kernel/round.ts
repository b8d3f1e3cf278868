/** Rounding to the destination's precision and range, with #O, #U and #P [SDM1 4.8.4, 8.5.4 to 8.5.6]. */
import {
  C1, INTEGER_BIT, OE, PE, RC_CHOP, RC_DOWN, RC_NEAREST, RC_UP, SIGN, UE, masked, raise, roundingControl, setResult,
} from './state';
import { low, shiftRightSticky } from './wide';

/** What an unmasked overflow or underflow adds to or takes from the exponent of a result in a register. */
export const WRAP = 0x6000;
const EXPONENT_INFINITY = 0x7fff;

let inexact: bool = false;
let up: bool = false;
let carried: bool = false;

export function wasInexact(): bool {
  return inexact;
}

export function wasCarried(): bool {
  return carried;
}

/**
 * Rounds high:rest (rest counts below the lowest bit of `high`) to the bits outside `mask`, by RC. A carry out of bit 63
 * leaves 0 and `wasCarried()`.
 */
export function roundAt(negative: bool, high: u64, rest: u64, mask: u64): u64 {
  const below = high & mask;
  carried = false;
  up = false;
  inexact = (below | rest) !== 0;
  if (!inexact) return high;
  const kept = high & ~mask;
  const unit = mask + 1;
  const rc = roundingControl();
  if (rc === RC_NEAREST) {
    if (mask === 0) up = rest > INTEGER_BIT || (rest === INTEGER_BIT && (high & 1) !== 0);
    else {
      const half = unit >> 1;
      up = below > half || (below === half && (rest !== 0 || (high & unit) !== 0));
    }
  } else up = rc === (negative ? RC_DOWN : RC_UP);
  if (!up) return kept;
  const rounded = kept + unit;
  carried = rounded === 0;
  return rounded;
}

/** Raises #P, with C1 for a rounding away from zero, if the last `roundAt` was inexact. */
export function raiseInexact(): void {
  if (inexact) raise(up ? PE | C1 : PE);
}

/** Whether a masked overflow gives infinity and not the largest finite number. */
export function overflowsToInfinity(negative: bool): bool {
  const rc = roundingControl();
  return rc !== RC_CHOP && rc !== (negative ? RC_UP : RC_DOWN);
}

/**
 * Makes the instruction's result of a normalised significand (top bit of `high` set), any exponent (biased) and a sign,
 * rounded to the bits outside `mask`.
 */
export function roundResult(sign: i32, exponent: i32, high: u64, rest: u64, mask: u64): void {
  if (exponent <= 0) {
    roundTiny(sign, exponent, high, rest, mask);
    return;
  }
  let sig = roundAt(sign !== 0, high, rest, mask);
  if (carried) {
    sig = INTEGER_BIT;
    exponent++;
  }
  if (exponent >= EXPONENT_INFINITY) {
    raise(OE);
    if (masked(OE)) {
      if (overflowsToInfinity(sign !== 0)) {
        raise(PE | C1);
        setResult(sign | EXPONENT_INFINITY, INTEGER_BIT);
      } else {
        raise(PE);
        setResult(sign | (EXPONENT_INFINITY - 1), ~mask);
      }
      return;
    }
    exponent -= WRAP;
  }
  raiseInexact();
  setResult(sign | exponent, sig);
}

function roundTiny(sign: i32, exponent: i32, high: u64, rest: u64, mask: u64): void {
  const negative = sign !== 0;
  let sig = roundAt(negative, high, rest, mask);
  // Tiny is judged on the result as rounded with an unbounded exponent [SDM1 4.9.1.5].
  const tiny = exponent < 0 || !carried;
  if (!tiny || !masked(UE)) {
    if (carried) {
      sig = INTEGER_BIT;
      exponent++;
    }
    if (tiny) {
      raise(UE);
      exponent += WRAP;
    }
    raiseInexact();
    setResult(sign | exponent, sig);
    return;
  }
  const shifted = shiftRightSticky(high, rest, 1 - exponent);
  sig = roundAt(negative, shifted, low(), mask);
  raiseInexact();
  if (inexact) raise(UE);
  setResult(sign | i32(sig >> 63), sig);
}

/** A zero with the sign that an exact cancellation has by RC. */
export function setCancelledZero(): void {
  setResult(roundingControl() === RC_DOWN ? SIGN : 0, 0);
}
