/** Instructions whose operands are ST(0) and ST(1) only, and the control instructions. */
import { FCS, FCW, FDP, FDS, FIP, FOP, FSW, FTOP, FTW } from '../../layout';
import { squareRoot } from './arithmetic';
import { compareFlags, compareSt, compareValue } from './compare';
import { getValueSe, getValueSig, isDenormal32, isDenormal64, widen32, widen64, widenInteger } from './convert';
import { beginReduction, extract, getExponentSe, getExponentSig, partialRemainder, roundToInteger, scale, wasReduced } from './remainder';
import {
  C0, C1, C2, C3, INDEFINITE, INDEFINITE_SE, SIGN, begin, finish, getResultSe, getResultSig, isEmpty,
  moveTop, overflowStack, push, setEmpty, setSt, stSe, stSig, storeResult, underflowStack, updateSummary,
} from './state';

const CODES = C3 | C2 | C1 | C0;

export function es_pending(cpu: i32): i32 {
  return (load<u16>(cpu, FSW) >> 7) & 1;
}

export function fninit(cpu: i32): void {
  store<u16>(cpu, 0x037f, FCW);
  store<u16>(cpu, 0, FSW);
  store<u8>(cpu, 0, FTOP);
  store<u8>(cpu, 0, FTW);
  store<u16>(cpu, 0, FOP);
  store<u64>(cpu, 0, FIP);
  store<u16>(cpu, 0, FCS);
  store<u64>(cpu, 0, FDP);
  store<u16>(cpu, 0, FDS);
}

export function fnclex(cpu: i32): void {
  store<u16>(cpu, load<u16>(cpu, FSW) & 0x7f00, FSW);
}

export function fldcw(cpu: i32, value: i32): void {
  store<u16>(cpu, <u16>((value & 0x1f3f) | 0x40), FCW);
  updateSummary(cpu);
}

export function update_summary(cpu: i32): void {
  updateSummary(cpu);
}

export function fincstp(cpu: i32): void {
  begin(cpu);
  moveTop(cpu, 1);
  finish(cpu, C1);
}

export function fdecstp(cpu: i32): void {
  begin(cpu);
  moveTop(cpu, -1);
  finish(cpu, C1);
}

export function ffree(cpu: i32, i: i32): void {
  begin(cpu);
  setEmpty(cpu, i);
  finish(cpu, C1);
}

export function fcom_st(cpu: i32, i: i32, pops: i32): void {
  compareSt(cpu, i, pops, false);
}

export function fucom_st(cpu: i32, i: i32, pops: i32): void {
  compareSt(cpu, i, pops, true);
}

export function fcom_f32(cpu: i32, bits: i32, pops: i32): void {
  widen32(bits);
  compareValue(cpu, getValueSe(), getValueSig(), isDenormal32(bits), pops);
}

export function fcom_f64(cpu: i32, bits: i64, pops: i32): void {
  widen64(bits);
  compareValue(cpu, getValueSe(), getValueSig(), isDenormal64(bits), pops);
}

export function fcom_i32(cpu: i32, value: i32, pops: i32): void {
  widenInteger(value);
  compareValue(cpu, getValueSe(), getValueSig(), false, pops);
}

export function ftst(cpu: i32): void {
  compareValue(cpu, 0, 0, false, 0);
}

export function fcomi(cpu: i32, i: i32, pops: i32): i32 {
  return compareFlags(cpu, i, pops, false);
}

export function fucomi(cpu: i32, i: i32, pops: i32): i32 {
  return compareFlags(cpu, i, pops, true);
}

export { fxam } from './compare';

function changeSign(cpu: i32, keep: i32, flip: i32): void {
  begin(cpu);
  if (!isEmpty(cpu, 0)) setSt(cpu, 0, (stSe(cpu, 0) & keep) ^ flip, stSig(cpu, 0));
  else if (underflowStack()) storeResult(cpu, 0);
  finish(cpu, C1);
}

export function fchs(cpu: i32): void {
  changeSign(cpu, 0xffff, SIGN);
}

export function fabs(cpu: i32): void {
  changeSign(cpu, 0x7fff, 0);
}

export function fsqrt(cpu: i32): void {
  begin(cpu);
  if (isEmpty(cpu, 0) ? underflowStack() : squareRoot(stSe(cpu, 0), stSig(cpu, 0))) storeResult(cpu, 0);
  finish(cpu, C1);
}

export function frndint(cpu: i32): void {
  begin(cpu);
  if (isEmpty(cpu, 0) ? underflowStack() : roundToInteger(stSe(cpu, 0), stSig(cpu, 0))) storeResult(cpu, 0);
  finish(cpu, C1);
}

export function fscale(cpu: i32): void {
  begin(cpu);
  const stored =
    isEmpty(cpu, 0) || isEmpty(cpu, 1)
      ? underflowStack()
      : scale(stSe(cpu, 0), stSig(cpu, 0), stSe(cpu, 1), stSig(cpu, 1));
  if (stored) storeResult(cpu, 0);
  finish(cpu, C1);
}

export function fxtract(cpu: i32): void {
  begin(cpu);
  if (isEmpty(cpu, 0) || !isEmpty(cpu, -1)) {
    if (isEmpty(cpu, 0) ? underflowStack() : overflowStack()) {
      setSt(cpu, 0, INDEFINITE_SE, INDEFINITE);
      push(cpu, INDEFINITE_SE, INDEFINITE);
    }
  } else if (extract(stSe(cpu, 0), stSig(cpu, 0))) {
    setSt(cpu, 0, getExponentSe(), getExponentSig());
    push(cpu, getResultSe(), getResultSig());
  }
  finish(cpu, C1);
}

function remainderSt(cpu: i32, nearest: bool): void {
  begin(cpu);
  beginReduction();
  const stored =
    isEmpty(cpu, 0) || isEmpty(cpu, 1)
      ? underflowStack()
      : partialRemainder(stSe(cpu, 0), stSig(cpu, 0), stSe(cpu, 1), stSig(cpu, 1), nearest);
  if (stored) storeResult(cpu, 0);
  finish(cpu, wasReduced() ? CODES : C2 | C1);
}

export function fprem(cpu: i32): void {
  remainderSt(cpu, false);
}

export function fprem1(cpu: i32): void {
  remainderSt(cpu, true);
}
