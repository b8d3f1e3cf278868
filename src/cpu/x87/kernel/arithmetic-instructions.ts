/** The arithmetic instructions: FADD, FMUL, FSUB, FSUBR, FDIV and FDIVR in their register and memory forms. */
import { commonAdd, commonAddValue, commonDivide, commonDivideValue, commonMultiply, commonMultiplyValue } from './common';
import { add, divideReal, multiplyReal, subtract } from './arithmetic';
import { getValueSe, getValueSig, isDenormal32, isDenormal64, widen32, widen64, widenInteger } from './convert';
import { isUnordered, isZero } from './operands';
import { C1, DE, SIGN, begin, finish, isEmpty, pop, raiseBefore, stSe, stSig, storeResult, underflowStack } from './state';

const ADD = 0;
const MUL = 1;
const SUB = 2;
const SUBR = 3;
const DIV = 4;
const DIVR = 5;

export function compute(op: i32, aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  if (op === ADD) return add(aSe, aSig, bSe, bSig);
  if (op === MUL) return multiplyReal(aSe, aSig, bSe, bSig);
  if (op === SUB) return subtract(aSe, aSig, bSe, bSig);
  if (op === SUBR) return subtract(bSe, bSig, aSe, aSig);
  if (op === DIV) return divideReal(aSe, aSig, bSe, bSig);
  return divideReal(bSe, bSig, aSe, aSig);
}

function registers(op: i32, cpu: i32, dst: i32, src: i32, pops: i32): void {
  begin(cpu);
  const stored =
    isEmpty(cpu, dst) || isEmpty(cpu, src)
      ? underflowStack()
      : compute(op, stSe(cpu, dst), stSig(cpu, dst), stSe(cpu, src), stSig(cpu, src));
  if (stored) {
    storeResult(cpu, dst);
    if (pops) pop(cpu);
  }
  finish(cpu, C1);
}

/** ST(0) op the value that was widened last; `denormal`: the memory operand was one before it was normalised. */
function withValue(op: i32, cpu: i32, denormal: bool): void {
  begin(cpu);
  let stored: bool;
  if (isEmpty(cpu, 0)) stored = underflowStack();
  else {
    const se = stSe(cpu, 0);
    const sig = stSig(cpu, 0);
    // A NaN, an invalid operation or a division by zero goes before the denormal operand [SDM1 8.5.3].
    const counts = denormal && !isUnordered(se, sig) && !(op === DIVR && isZero(se, sig));
    stored = (!counts || raiseBefore(DE)) && compute(op, se, sig, getValueSe(), getValueSig());
  }
  if (stored) storeResult(cpu, 0);
  finish(cpu, C1);
}

export function fadd_st(cpu: i32, dst: i32, src: i32, pops: i32): void {
  if (!commonAdd(cpu, dst, src, 0, 0, pops)) registers(ADD, cpu, dst, src, pops);
}

export function fadd_f32(cpu: i32, bits: i32): void {
  widen32(bits);
  if (isDenormal32(bits) || !commonAddValue(cpu, getValueSe(), getValueSig(), 0)) withValue(ADD, cpu, isDenormal32(bits));
}

export function fadd_f64(cpu: i32, bits: i64): void {
  widen64(bits);
  if (isDenormal64(bits) || !commonAddValue(cpu, getValueSe(), getValueSig(), 0)) withValue(ADD, cpu, isDenormal64(bits));
}

export function fadd_i32(cpu: i32, value: i32): void {
  widenInteger(value);
  if (!commonAddValue(cpu, getValueSe(), getValueSig(), 0)) withValue(ADD, cpu, false);
}

export function fmul_st(cpu: i32, dst: i32, src: i32, pops: i32): void {
  if (!commonMultiply(cpu, dst, src, pops)) registers(MUL, cpu, dst, src, pops);
}

export function fmul_f32(cpu: i32, bits: i32): void {
  widen32(bits);
  if (isDenormal32(bits) || !commonMultiplyValue(cpu, getValueSe(), getValueSig())) withValue(MUL, cpu, isDenormal32(bits));
}

export function fmul_f64(cpu: i32, bits: i64): void {
  widen64(bits);
  if (isDenormal64(bits) || !commonMultiplyValue(cpu, getValueSe(), getValueSig())) withValue(MUL, cpu, isDenormal64(bits));
}

export function fmul_i32(cpu: i32, value: i32): void {
  widenInteger(value);
  if (!commonMultiplyValue(cpu, getValueSe(), getValueSig())) withValue(MUL, cpu, false);
}

export function fsub_st(cpu: i32, dst: i32, src: i32, pops: i32): void {
  if (!commonAdd(cpu, dst, src, 0, SIGN, pops)) registers(SUB, cpu, dst, src, pops);
}

export function fsub_f32(cpu: i32, bits: i32): void {
  widen32(bits);
  if (isDenormal32(bits) || !commonAddValue(cpu, getValueSe() ^ SIGN, getValueSig(), 0)) withValue(SUB, cpu, isDenormal32(bits));
}

export function fsub_f64(cpu: i32, bits: i64): void {
  widen64(bits);
  if (isDenormal64(bits) || !commonAddValue(cpu, getValueSe() ^ SIGN, getValueSig(), 0)) withValue(SUB, cpu, isDenormal64(bits));
}

export function fsub_i32(cpu: i32, value: i32): void {
  widenInteger(value);
  if (!commonAddValue(cpu, getValueSe() ^ SIGN, getValueSig(), 0)) withValue(SUB, cpu, false);
}

export function fsubr_st(cpu: i32, dst: i32, src: i32, pops: i32): void {
  if (!commonAdd(cpu, dst, src, SIGN, 0, pops)) registers(SUBR, cpu, dst, src, pops);
}

export function fsubr_f32(cpu: i32, bits: i32): void {
  widen32(bits);
  if (isDenormal32(bits) || !commonAddValue(cpu, getValueSe(), getValueSig(), SIGN)) withValue(SUBR, cpu, isDenormal32(bits));
}

export function fsubr_f64(cpu: i32, bits: i64): void {
  widen64(bits);
  if (isDenormal64(bits) || !commonAddValue(cpu, getValueSe(), getValueSig(), SIGN)) withValue(SUBR, cpu, isDenormal64(bits));
}

export function fsubr_i32(cpu: i32, value: i32): void {
  widenInteger(value);
  if (!commonAddValue(cpu, getValueSe(), getValueSig(), SIGN)) withValue(SUBR, cpu, false);
}

export function fdiv_st(cpu: i32, dst: i32, src: i32, pops: i32): void {
  if (!commonDivide(cpu, dst, src, false, pops)) registers(DIV, cpu, dst, src, pops);
}

export function fdiv_f32(cpu: i32, bits: i32): void {
  widen32(bits);
  if (isDenormal32(bits) || !commonDivideValue(cpu, getValueSe(), getValueSig(), false)) withValue(DIV, cpu, isDenormal32(bits));
}

export function fdiv_f64(cpu: i32, bits: i64): void {
  widen64(bits);
  if (isDenormal64(bits) || !commonDivideValue(cpu, getValueSe(), getValueSig(), false)) withValue(DIV, cpu, isDenormal64(bits));
}

export function fdiv_i32(cpu: i32, value: i32): void {
  widenInteger(value);
  if (!commonDivideValue(cpu, getValueSe(), getValueSig(), false)) withValue(DIV, cpu, false);
}

export function fdivr_st(cpu: i32, dst: i32, src: i32, pops: i32): void {
  if (!commonDivide(cpu, dst, src, true, pops)) registers(DIVR, cpu, dst, src, pops);
}

export function fdivr_f32(cpu: i32, bits: i32): void {
  widen32(bits);
  if (isDenormal32(bits) || !commonDivideValue(cpu, getValueSe(), getValueSig(), true)) withValue(DIVR, cpu, isDenormal32(bits));
}

export function fdivr_f64(cpu: i32, bits: i64): void {
  widen64(bits);
  if (isDenormal64(bits) || !commonDivideValue(cpu, getValueSe(), getValueSig(), true)) withValue(DIVR, cpu, isDenormal64(bits));
}

export function fdivr_i32(cpu: i32, value: i32): void {
  widenInteger(value);
  if (!commonDivideValue(cpu, getValueSe(), getValueSig(), true)) withValue(DIVR, cpu, false);
}
