/**
 * The x87 register stack and status word in the arena, and what one instruction gathers while it runs: its exception
 * flags and its result [SDM1 8.1]. The module's variables are temporaries of a single call; nothing lives in them
 * between two instructions, so one instance serves every vCPU of a thread.
 */
import { FCW, FPR, FSW, FTOP, FTW, X87_SCRATCH } from '../../layout';

// Status word bits [SDM1 8.1.3]; the first six are also the mask bits of the control word.
export const IE = 1 << 0;
export const DE = 1 << 1;
export const ZE = 1 << 2;
export const OE = 1 << 3;
export const UE = 1 << 4;
export const PE = 1 << 5;
export const SF = 1 << 6;
export const ES = 1 << 7;
export const C0 = 1 << 8;
export const C1 = 1 << 9;
export const C2 = 1 << 10;
export const C3 = 1 << 14;
export const B = 1 << 15;
export const EXCEPTIONS = 0x3f;
const TOP_SHIFT = 11;

export const RC_NEAREST = 0;
export const RC_DOWN = 1;
export const RC_UP = 2;
export const RC_CHOP = 3;

export const EXPONENT_MASK = 0x7fff;
export const SIGN = 0x8000;
export const BIAS = 0x3fff;
export const INTEGER_BIT: u64 = 0x8000000000000000;
export const QUIET_BIT: u64 = 0x4000000000000000;
/** The real indefinite QNaN [SDM1 4.8.3.7]. */
export const INDEFINITE_SE = 0xffff;
export const INDEFINITE: u64 = 0xc000000000000000;

// Between the two phases of a store: whether the value may be stored, its upper bytes, what FSW gains at the commit.
export const SCRATCH_VALID = X87_SCRATCH;
export const SCRATCH_HIGH = X87_SCRATCH + 4;
export const SCRATCH_FLAGS = X87_SCRATCH + 8;

let control: i32 = 0;
let flags: i32 = 0;
let resultSe: i32 = 0;
let resultSig: u64 = 0;

/** Starts an instruction. */
export function begin(cpu: i32): void {
  control = load<u16>(cpu, FCW);
  flags = 0;
}

export function roundingControl(): i32 {
  return (control >> 10) & 3;
}

/** Replaces RC until the instruction ends (FISTTP, constants). */
export function setRoundingControl(rc: i32): void {
  control = (control & ~0xc00) | (rc << 10);
}

/** The significand bits below what PC keeps; the reserved value 1 keeps all 64 bits. */
export function precisionMask(): u64 {
  const pc = (control >> 8) & 3;
  return pc === 0 ? 0xffffffffff : pc === 2 ? 0x7ff : 0;
}

export function raise(bits: i32): void {
  flags |= bits;
}

/** The exception flags and C1 gathered so far. */
export function raised(): i32 {
  return flags;
}

export function forget(bits: i32): void {
  flags &= ~bits;
}

export function masked(exception: i32): bool {
  return (control & exception) !== 0;
}

/** Raises an exception found before computing; says whether it is masked, so that the instruction goes on. */
export function raiseBefore(exception: i32): bool {
  flags |= exception;
  return masked(exception);
}

export function setResult(se: i32, sig: u64): void {
  resultSe = se;
  resultSig = sig;
}

export function getResultSe(): i32 {
  return resultSe;
}

export function getResultSig(): u64 {
  return resultSig;
}

/** #IA with the real indefinite as the masked response; says whether the result is to be stored. */
export function invalid(): bool {
  setResult(INDEFINITE_SE, INDEFINITE);
  return raiseBefore(IE);
}

/** Stack underflow (C1 clear) with the real indefinite as the masked response. */
export function underflowStack(): bool {
  setResult(INDEFINITE_SE, INDEFINITE);
  return raiseBefore(IE | SF) && masked(IE);
}

/** Stack overflow (C1 set), likewise. */
export function overflowStack(): bool {
  setResult(INDEFINITE_SE, INDEFINITE);
  flags |= IE | SF | C1;
  return masked(IE);
}

export function setTop(cpu: i32, to: i32): void {
  store<u8>(cpu, <u8>to, FTOP);
  store<u16>(cpu, <u16>((<i32>load<u16>(cpu, FSW) & ~(7 << TOP_SHIFT)) | (to << TOP_SHIFT)), FSW);
}

export function physical(cpu: i32, i: i32): i32 {
  return (<i32>load<u8>(cpu, FTOP) + i) & 7;
}

export function isEmpty(cpu: i32, i: i32): bool {
  return ((load<u8>(cpu, FTW) >> physical(cpu, i)) & 1) === 0;
}

export function stSe(cpu: i32, i: i32): i32 {
  return load<u16>(cpu + (physical(cpu, i) << 4), FPR + 8);
}

export function stSig(cpu: i32, i: i32): u64 {
  return load<u64>(cpu + (physical(cpu, i) << 4), FPR);
}

/** Writes ST(i) and marks it as not empty. */
export function setSt(cpu: i32, i: i32, se: i32, sig: u64): void {
  const n = physical(cpu, i);
  store<u64>(cpu + (n << 4), sig, FPR);
  store<u16>(cpu + (n << 4), <u16>se, FPR + 8);
  const tags: i32 = load<u8>(cpu, FTW);
  store<u8>(cpu, <u8>(tags | (1 << n)), FTW);
}

export function storeResult(cpu: i32, i: i32): void {
  setSt(cpu, i, resultSe, resultSig);
}

export function setEmpty(cpu: i32, i: i32): void {
  const tags: i32 = load<u8>(cpu, FTW);
  store<u8>(cpu, <u8>(tags & ~(1 << physical(cpu, i))), FTW);
}

export function moveTop(cpu: i32, by: i32): void {
  setTop(cpu, physical(cpu, by));
}

export function pop(cpu: i32): void {
  setEmpty(cpu, 0);
  moveTop(cpu, 1);
}

export function popTimes(cpu: i32, times: i32): void {
  for (; times > 0; times--) pop(cpu);
}

export function push(cpu: i32, se: i32, sig: u64): void {
  moveTop(cpu, -1);
  setSt(cpu, 0, se, sig);
}

/** Sets ES and B by FSW's flags and FCW's masks. */
export function updateSummary(cpu: i32): void {
  const fsw: i32 = load<u16>(cpu, FSW);
  const pending = (fsw & ~(<i32>load<u16>(cpu, FCW)) & EXCEPTIONS) !== 0;
  store<u16>(cpu, <u16>(pending ? fsw | ES | B : fsw & ~(ES | B)), FSW);
}

/** Ends an instruction: condition codes in `clear` become what was raised of them, flags accumulate. */
export function finish(cpu: i32, clear: i32): void {
  store<u16>(cpu, <u16>((<i32>load<u16>(cpu, FSW) & ~clear) | flags), FSW);
  if (flags & EXCEPTIONS) updateSummary(cpu);
}
