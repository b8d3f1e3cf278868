/**
 * FCOM, FUCOM, FCOMI, FUCOMI, FTST and FXAM [SDM1 8.3.6].
 *
 * Deviation: FCOMI and FUCOMI leave C1 alone but for a stack underflow, as AMD's processors do; [SDM2 FCOMI] clears it.
 */
import {
  acceptDenormal2, isDenormal, isInfinity, isNan, isNormal, isSignalling, isUnordered, isUnsupported, isZero,
} from './operands';
import {
  C0, C1, C2, C3, DE, EXPONENT_MASK, IE, SIGN, SF, begin, finish, isEmpty, popTimes, raise, raiseBefore, raised, stSe, stSig,
  underflowStack,
} from './state';

const GREATER = 0;
const LESS = C0;
const EQUAL = C3;
const UNORDERED = C3 | C2 | C0;
const CODES = C3 | C2 | C1 | C0;

let relation: i32 = 0;

/** The condition codes that the last comparison found. */
export function relationFound(): i32 {
  return relation;
}

/** Compares; says whether the instruction goes on. FUCOM is quiet about QNaNs. */
export function relate(aSe: i32, aSig: u64, bSe: i32, bSig: u64, quiet: bool): bool {
  if (isNormal(aSe, aSig) && isNormal(bSe, bSig)) {
    relation = compareNumbers(aSe, aSig, bSe, bSig);
    return true;
  }
  if (isUnordered(aSe, aSig) || isUnordered(bSe, bSig)) {
    relation = UNORDERED;
    const silent =
      quiet &&
      !(isUnsupported(aSe, aSig) || isUnsupported(bSe, bSig) || isSignalling(aSe, aSig) || isSignalling(bSe, bSig));
    return silent || raiseBefore(IE);
  }
  relation = compareNumbers(aSe, aSig, bSe, bSig);
  return acceptDenormal2(aSe, aSig, bSe, bSig);
}

function compareNumbers(aSe: i32, aSig: u64, bSe: i32, bSig: u64): i32 {
  if (isZero(aSe, aSig) && isZero(bSe, bSig)) return EQUAL;
  if ((aSe ^ bSe) & SIGN) return aSe & SIGN ? LESS : GREATER;
  // A pseudo-denormal has the value of the normal number with exponent 1.
  let aExponent = aSe & EXPONENT_MASK;
  let bExponent = bSe & EXPONENT_MASK;
  if (aExponent === 0 && <i64>aSig < 0) aExponent = 1;
  if (bExponent === 0 && <i64>bSig < 0) bExponent = 1;
  if (aExponent === bExponent && aSig === bSig) return EQUAL;
  const below = aExponent < bExponent || (aExponent === bExponent && aSig < bSig);
  return below !== ((aSe & SIGN) !== 0) ? LESS : GREATER;
}

function report(cpu: i32, goesOn: bool, pops: i32): void {
  raise(relation);
  finish(cpu, CODES);
  if (goesOn) popTimes(cpu, pops);
}

export function compareSt(cpu: i32, i: i32, pops: i32, quiet: bool): void {
  begin(cpu);
  let goesOn: bool;
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) {
    relation = UNORDERED;
    goesOn = underflowStack();
  } else goesOn = relate(stSe(cpu, 0), stSig(cpu, 0), stSe(cpu, i), stSig(cpu, i), quiet);
  report(cpu, goesOn, pops);
}

/** With a value from memory; `denormal`: it was one before it was normalised. */
export function compareValue(cpu: i32, se: i32, sig: u64, denormal: bool, pops: i32): void {
  begin(cpu);
  let goesOn: bool;
  if (isEmpty(cpu, 0)) {
    relation = UNORDERED;
    goesOn = underflowStack();
  } else {
    goesOn = relate(stSe(cpu, 0), stSig(cpu, 0), se, sig, false);
    if (denormal && relation !== UNORDERED) goesOn = raiseBefore(DE);
  }
  report(cpu, goesOn, pops);
}

/** FCOMI and FUCOMI: the relation as ZF (bit 6), PF (bit 2) and CF (bit 0), where FSTSW and SAHF would put it. */
export function compareFlags(cpu: i32, i: i32, pop: i32, quiet: bool): i32 {
  begin(cpu);
  let goesOn: bool;
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) {
    relation = UNORDERED;
    goesOn = underflowStack();
  } else goesOn = relate(stSe(cpu, 0), stSig(cpu, 0), stSe(cpu, i), stSig(cpu, i), quiet);
  finish(cpu, raised() & SF ? C1 : 0);
  if (goesOn) popTimes(cpu, pop);
  return relation >> 8;
}

export function fxam(cpu: i32): void {
  begin(cpu);
  const se = stSe(cpu, 0);
  const sig = stSig(cpu, 0);
  let kind = C2;
  if (isEmpty(cpu, 0)) kind = C3 | C0;
  else if (isUnsupported(se, sig)) kind = 0;
  else if (isNan(se, sig)) kind = C0;
  else if (isInfinity(se, sig)) kind = C2 | C0;
  else if (isZero(se, sig)) kind = C3;
  else if (isDenormal(se, sig)) kind = C3 | C2;
  raise(se & SIGN ? kind | C1 : kind);
  finish(cpu, CODES);
}
