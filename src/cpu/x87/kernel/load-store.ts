/** The instructions that load, store and move: FLD, FILD, FBLD, FLD1 and so on, FST, FIST, FISTTP, FBSTP, FXCH, FCMOV. */
import { commonCommit, commonExchange, commonNarrow, commonPush } from './common';
import {
  getValueSe, getValueSig, isDenormal32, isDenormal64, isValid, narrow, toBcd, toInteger, widen32, widen64, widenBcd,
  widenInteger,
} from './convert';
import { isSignalling } from './operands';
import {
  C1, DE, IE, INDEFINITE, INDEFINITE_SE, QUIET_BIT, RC_CHOP, RC_NEAREST, RC_UP, SCRATCH_FLAGS, SCRATCH_HIGH, SCRATCH_VALID, begin, finish, isEmpty,
  overflowStack, pop, popTimes, push, raise, raiseBefore, raised, roundingControl, setRoundingControl, setSt, stSe, stSig,
  storeResult, underflowStack,
} from './state';

function pushValue(cpu: i32, se: i32, sig: u64): void {
  if (commonPush(cpu, se, sig)) return;
  if (overflowStack()) push(cpu, INDEFINITE_SE, INDEFINITE);
  finish(cpu, C1);
}

/** Pushes the widened real, quieted: only a conversion judges a NaN or a denormal, FLD m80 does not. */
function pushConverted(cpu: i32, denormal: bool): void {
  const se = getValueSe();
  let sig = getValueSig();
  if (!denormal && !isSignalling(se, sig) && commonPush(cpu, se, sig)) return;
  if (isEmpty(cpu, -1)) {
    let goesOn = true;
    if (isSignalling(se, sig)) {
      goesOn = raiseBefore(IE);
      sig |= QUIET_BIT;
    } else if (denormal) raise(DE); // Even unmasked, #D comes after the push.
    if (goesOn) push(cpu, se, sig);
  } else if (overflowStack()) push(cpu, INDEFINITE_SE, INDEFINITE);
  finish(cpu, C1);
}

export function fld_st(cpu: i32, i: i32): void {
  begin(cpu);
  if (isEmpty(cpu, i)) {
    if (underflowStack()) push(cpu, INDEFINITE_SE, INDEFINITE);
    finish(cpu, C1);
  } else pushValue(cpu, stSe(cpu, i), stSig(cpu, i));
}

export function fld_f32(cpu: i32, bits: i32): void {
  begin(cpu);
  widen32(bits);
  pushConverted(cpu, isDenormal32(bits));
}

export function fld_f64(cpu: i32, bits: i64): void {
  begin(cpu);
  widen64(bits);
  pushConverted(cpu, isDenormal64(bits));
}

export function fld_f80(cpu: i32, significand: i64, signExponent: i32): void {
  begin(cpu);
  pushValue(cpu, signExponent & 0xffff, significand);
}

export function fild(cpu: i32, value: i64): void {
  begin(cpu);
  widenInteger(value);
  pushValue(cpu, getValueSe(), getValueSig());
}

export function fbld(cpu: i32, digits: i64, high: i32): void {
  begin(cpu);
  widenBcd(digits, high);
  pushValue(cpu, getValueSe(), getValueSig());
}

/** Pushes a constant whose significand, truncated, is `sig`; `roundsUp`: the nearest one is the next [SDM1 8.3.8]. */
function pushConstant(cpu: i32, se: i32, sig: u64, roundsUp: bool): void {
  begin(cpu);
  const rc = roundingControl();
  pushValue(cpu, se, sig + u64(rc === RC_UP || (rc === RC_NEAREST && roundsUp)));
}

export function fld1(cpu: i32): void {
  begin(cpu);
  pushValue(cpu, 0x3fff, 0x8000000000000000);
}

export function fldz(cpu: i32): void {
  begin(cpu);
  pushValue(cpu, 0, 0);
}

export function fldl2t(cpu: i32): void {
  pushConstant(cpu, 0x4000, 0xd49a784bcd1b8afe, false);
}

export function fldl2e(cpu: i32): void {
  pushConstant(cpu, 0x3fff, 0xb8aa3b295c17f0bb, true);
}

export function fldpi(cpu: i32): void {
  pushConstant(cpu, 0x4000, 0xc90fdaa22168c234, true);
}

export function fldlg2(cpu: i32): void {
  pushConstant(cpu, 0x3ffd, 0x9a209a84fbcff798, true);
}

export function fldln2(cpu: i32): void {
  pushConstant(cpu, 0x3ffe, 0xb17217f7d1cf79ab, true);
}

function keep(cpu: i32, valid: bool): void {
  store<i32>(cpu, i32(valid), SCRATCH_VALID);
  store<i32>(cpu, raised(), SCRATCH_FLAGS);
}

export function fst_f32_begin(cpu: i32): i32 {
  return i32(narrowSt(cpu, 23, 0xffc00000));
}

export function fst_f64_begin(cpu: i32): i64 {
  return narrowSt(cpu, 52, 0xfff8000000000000);
}

function narrowSt(cpu: i32, fractionBits: i32, indefinite: u64): u64 {
  const common = commonNarrow(cpu, fractionBits);
  if (common !== 0) return common;
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    keep(cpu, underflowStack());
    return indefinite;
  }
  const bits = narrow(stSe(cpu, 0), stSig(cpu, 0), fractionBits);
  keep(cpu, isValid());
  return bits;
}

export function fst_f80_begin(cpu: i32): i64 {
  begin(cpu);
  const empty = isEmpty(cpu, 0);
  const valid = !empty || underflowStack();
  keep(cpu, valid);
  store<i32>(cpu, empty ? INDEFINITE_SE : stSe(cpu, 0), SCRATCH_HIGH);
  return empty ? INDEFINITE : stSig(cpu, 0);
}

function integerSt(cpu: i32, bits: i32, truncate: i32): i64 {
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    keep(cpu, underflowStack());
    return -1 << <i64>(bits - 1);
  }
  if (truncate) setRoundingControl(RC_CHOP);
  const value = toInteger(stSe(cpu, 0), stSig(cpu, 0), bits);
  keep(cpu, isValid());
  return value;
}

export function fist_i16_begin(cpu: i32, truncate: i32): i32 {
  return i32(integerSt(cpu, 16, truncate));
}

export function fist_i32_begin(cpu: i32, truncate: i32): i32 {
  return i32(integerSt(cpu, 32, truncate));
}

export function fist_i64_begin(cpu: i32, truncate: i32): i64 {
  return integerSt(cpu, 64, truncate);
}

export function fbstp_begin(cpu: i32): i64 {
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    keep(cpu, underflowStack());
    store<i32>(cpu, 0xffff, SCRATCH_HIGH);
    return INDEFINITE;
  }
  const digits = toBcd(stSe(cpu, 0), stSig(cpu, 0));
  keep(cpu, isValid());
  store<i32>(cpu, getValueSe(), SCRATCH_HIGH);
  return digits;
}

export function fst_commit(cpu: i32, pops: i32): void {
  if (load<i32>(cpu, SCRATCH_VALID) && commonCommit(cpu, load<i32>(cpu, SCRATCH_FLAGS), pops)) return;
  begin(cpu);
  raise(load<i32>(cpu, SCRATCH_FLAGS));
  finish(cpu, C1);
  if (load<i32>(cpu, SCRATCH_VALID)) popTimes(cpu, pops);
}

export function fst_st(cpu: i32, i: i32, pops: i32): void {
  begin(cpu);
  let stored = true;
  if (isEmpty(cpu, 0)) {
    stored = underflowStack();
    if (stored) storeResult(cpu, i);
  } else setSt(cpu, i, stSe(cpu, 0), stSig(cpu, 0));
  finish(cpu, C1);
  if (stored) popTimes(cpu, pops);
}

/** The alias of FSTP that does not check: an empty ST(0) is popped and nothing else. */
export function fstpnce(cpu: i32, i: i32): void {
  begin(cpu);
  if (!isEmpty(cpu, 0)) setSt(cpu, i, stSe(cpu, 0), stSig(cpu, 0));
  finish(cpu, C1);
  pop(cpu);
}

export function fxch(cpu: i32, i: i32): void {
  if (commonExchange(cpu, i)) return;
  begin(cpu);
  if ((isEmpty(cpu, 0) || isEmpty(cpu, i)) && !underflowStack()) {
    finish(cpu, C1);
    return;
  }
  const aSe = isEmpty(cpu, 0) ? INDEFINITE_SE : stSe(cpu, 0);
  const aSig = isEmpty(cpu, 0) ? INDEFINITE : stSig(cpu, 0);
  const bSe = isEmpty(cpu, i) ? INDEFINITE_SE : stSe(cpu, i);
  const bSig = isEmpty(cpu, i) ? INDEFINITE : stSig(cpu, i);
  setSt(cpu, 0, bSe, bSig);
  setSt(cpu, i, aSe, aSig);
  finish(cpu, C1);
}

export function fcmov(cpu: i32, i: i32, holds: i32): void {
  begin(cpu);
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) {
    if (underflowStack()) storeResult(cpu, 0);
    finish(cpu, C1);
  } else if (holds) setSt(cpu, 0, stSe(cpu, i), stSig(cpu, i));
}
