/** The transcendental instructions on the stack. */
import { exponentialLess1, yTimesLogarithm, yTimesLogarithmPlus1 } from './exponential';
import { isInfinity, isUnordered } from './operands';
import {
  BIAS, C1, C2, INDEFINITE, INDEFINITE_SE, INTEGER_BIT, begin, finish, getResultSe, getResultSig, isEmpty, overflowStack,
  pop, push, raise, setSt, stSe, stSig, storeResult, underflowStack,
} from './state';
import { arctangent, cosine, cosineOfSame, isOutOfRange, sine, tangent } from './trigonometry';

export function f2xm1(cpu: i32): void {
  begin(cpu);
  if (isEmpty(cpu, 0) ? underflowStack() : exponentialLess1(stSe(cpu, 0), stSig(cpu, 0))) storeResult(cpu, 0);
  finish(cpu, C1);
}

const FYL2X = 0;
const FYL2XP1 = 1;
const FPATAN = 2;

/** ST(1) = f(ST(1), ST(0)), then a pop. */
function binary(cpu: i32, which: i32): void {
  begin(cpu);
  let stored: bool;
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) stored = underflowStack();
  else {
    const xSe = stSe(cpu, 0);
    const xSig = stSig(cpu, 0);
    const ySe = stSe(cpu, 1);
    const ySig = stSig(cpu, 1);
    if (which === FYL2X) stored = yTimesLogarithm(ySe, ySig, xSe, xSig);
    else if (which === FYL2XP1) stored = yTimesLogarithmPlus1(ySe, ySig, xSe, xSig);
    else stored = arctangent(ySe, ySig, xSe, xSig);
  }
  if (stored) {
    storeResult(cpu, 1);
    pop(cpu);
  }
  finish(cpu, C1);
}

export function fyl2x(cpu: i32): void {
  binary(cpu, FYL2X);
}

export function fyl2xp1(cpu: i32): void {
  binary(cpu, FYL2XP1);
}

export function fpatan(cpu: i32): void {
  binary(cpu, FPATAN);
}

/** FSIN or FCOS. */
function circular(cpu: i32, isSine: bool): void {
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    if (underflowStack()) storeResult(cpu, 0);
  } else {
    const se = stSe(cpu, 0);
    const sig = stSig(cpu, 0);
    if (isOutOfRange(se, sig)) raise(C2);
    else if (isSine ? sine(se, sig) : cosine(se, sig)) storeResult(cpu, 0);
  }
  finish(cpu, C1 | C2);
}

export function fsin(cpu: i32): void {
  circular(cpu, true);
}

export function fcos(cpu: i32): void {
  circular(cpu, false);
}

/** What FPTAN and FSINCOS do before they compute: true when there is nothing left but to end. */
function isRefused(cpu: i32): bool {
  const empty = isEmpty(cpu, 0);
  if (empty || !isEmpty(cpu, -1)) {
    if (empty ? underflowStack() : overflowStack()) {
      setSt(cpu, 0, INDEFINITE_SE, INDEFINITE);
      push(cpu, INDEFINITE_SE, INDEFINITE);
    }
    return true;
  }
  if (!isOutOfRange(stSe(cpu, 0), stSig(cpu, 0))) return false;
  raise(C2);
  return true;
}

export function fptan(cpu: i32): void {
  begin(cpu);
  if (!isRefused(cpu)) {
    const se = stSe(cpu, 0);
    const sig = stSig(cpu, 0);
    if (tangent(se, sig)) {
      storeResult(cpu, 0);
      // A NaN is pushed in place of 1.0.
      if (isUnordered(se, sig) || isInfinity(se, sig)) push(cpu, getResultSe(), getResultSig());
      else push(cpu, BIAS, INTEGER_BIT);
    }
  }
  finish(cpu, C1 | C2);
}

export function fsincos(cpu: i32): void {
  begin(cpu);
  if (!isRefused(cpu)) {
    const se = stSe(cpu, 0);
    const sig = stSig(cpu, 0);
    if (sine(se, sig)) {
      storeResult(cpu, 0);
      if (!isUnordered(se, sig) && !isInfinity(se, sig)) cosineOfSame(se, sig);
      push(cpu, getResultSe(), getResultSig());
    }
  }
  finish(cpu, C1 | C2);
}
