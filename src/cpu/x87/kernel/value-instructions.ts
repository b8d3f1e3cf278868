/**
 * Instructions on numbers that compiled code has in locals, for the cases that it does not compute itself. A number is an exponent, with
 * `SPECIAL` in it unless the number is normal, a sign in the top bit of 64, and a significand.
 *
 * A function whose exceptions are all masked adds them to FSW and leaves 1 in SCRATCH_VALID, C1 as 0 or 1 in SCRATCH_FLAGS, and of a number
 * the exponent in SCRATCH_HIGH and the sign in SCRATCH_SIGN. Otherwise it changes nothing and leaves 0 there: the instruction is the
 * interpreter's.
 */
import { FCW, FSW, X87_SCRATCH } from '../../layout';
import { squareRoot } from './arithmetic';
import { compute } from './arithmetic-instructions';
import { relate, relationFound } from './compare';
import { isValid, narrow, toInteger } from './convert';
import { isNormal } from './operands';
import { roundToInteger } from './remainder';
import {
  C1, EXCEPTIONS, EXPONENT_MASK, RC_CHOP, SCRATCH_FLAGS, SCRATCH_HIGH, SCRATCH_VALID, SIGN, begin, getResultSe, getResultSig, raised, setRoundingControl,
} from './state';

const SCRATCH_SIGN = X87_SCRATCH + 16;
/** As src/jit/x87-real.ts has it. */
const SPECIAL = 1 << 20;

function pack(exponent: i32, sign: u64): i32 {
  return (exponent & EXPONENT_MASK) | (i32(sign >> 48) & SIGN);
}

function accept(cpu: i32, valid: bool): bool {
  const exceptions = raised() & EXCEPTIONS;
  const accepted = valid && (exceptions & ~(<i32>load<u16>(cpu, FCW))) === 0;
  store<i32>(cpu, i32(accepted), SCRATCH_VALID);
  if (!accepted) return false;
  store<i32>(cpu, i32((raised() & C1) !== 0), SCRATCH_FLAGS);
  store<u16>(cpu, <u16>(<i32>load<u16>(cpu, FSW) | exceptions), FSW);
  return true;
}

function answer(cpu: i32, valid: bool): u64 {
  if (!accept(cpu, valid)) return 0;
  const se = getResultSe();
  const sig = getResultSig();
  store<i32>(cpu, (se & EXPONENT_MASK) | (isNormal(se, sig) ? 0 : SPECIAL), SCRATCH_HIGH);
  store<u64>(cpu, <u64>se << 48, SCRATCH_SIGN);
  return sig;
}

export function value_arithmetic(cpu: i32, op: i32, aExponent: i32, aSign: i64, aSig: i64, bExponent: i32, bSign: i64, bSig: i64): i64 {
  begin(cpu);
  return answer(cpu, compute(op, pack(aExponent, aSign), aSig, pack(bExponent, bSign), bSig));
}

export function value_sqrt(cpu: i32, exponent: i32, sign: i64, sig: i64): i64 {
  begin(cpu);
  return answer(cpu, squareRoot(pack(exponent, sign), sig));
}

export function value_rndint(cpu: i32, exponent: i32, sign: i64, sig: i64): i64 {
  begin(cpu);
  return answer(cpu, roundToInteger(pack(exponent, sign), sig));
}

export function value_compare(cpu: i32, quiet: i32, aExponent: i32, aSign: i64, aSig: i64, bExponent: i32, bSign: i64, bSig: i64): i32 {
  begin(cpu);
  accept(cpu, relate(pack(aExponent, aSign), aSig, pack(bExponent, bSign), bSig, quiet !== 0));
  return relationFound();
}

export function value_narrow(cpu: i32, fractionBits: i32, exponent: i32, sign: i64, sig: i64): i64 {
  begin(cpu);
  const bits = narrow(pack(exponent, sign), sig, fractionBits);
  accept(cpu, isValid());
  return bits;
}

export function value_integer(cpu: i32, bits: i32, truncate: i32, exponent: i32, sign: i64, sig: i64): i64 {
  begin(cpu);
  if (truncate) setRoundingControl(RC_CHOP);
  const value = toInteger(pack(exponent, sign), sig, bits);
  accept(cpu, isValid());
  return value;
}
