/** Operands of MMX and SSE instructions: alignment, the state that MMX shares with the x87, exceptions of MXCSR. */
import * as L from '../../cpu/layout.ts';
import type { SSE_KERNEL_TYPES } from '../../cpu/sse/kernel-interface.ts';
import type { I32, I64, Ops, V128, Val } from '../ops.ts';

const VECTOR_UD = 6;
const VECTOR_GP = 13;
const VECTOR_XM = 19;
const FSW_ES = 0x80;
const FSW_TOP = 0x3800;
const CR4_OSXMMEXCPT = 1 << 10;
const ALL_VALID = 0xff;
/** Sign and exponent of the x87 register whose significand an MMX instruction writes [SDM1 9.5.1]. */
const MMX_EXPONENT = 0xffff;
const EXPONENT_BYTE = 8;

/** Memory operands of 16 bytes are aligned, or #GP(0), except those of the MOVU instructions [SDM1 11.6.3, 10.4.1.1]. */
export function requireAligned(o: Ops, n: number): void {
  o.raiseIf(o.and(o.fit(o.linear(n), 32) as I32, o.i32(15)), VECTOR_GP, 0);
}

export const isMmx = (o: Ops, n: number): boolean => {
  const kind = o.operandKind(n);
  return kind === 'P' || kind === 'Q' || kind === 'N';
};

/** Before an MMX instruction does anything: a pending x87 exception [SDM1 9.6.3, 8.7]. */
export function beginMmx(o: Ops): void {
  o.e.if(o.and(o.stateLoad('u16', L.FSW), o.i32(FSW_ES)), () => o.helper('X87_ERROR'));
}
/** After its last access that can fault: all registers valid, TOP 0 [SDM1 9.5.1]. */
export function commitMmx(o: Ops): void {
  o.stateStore('u8', L.FTW, o.i32(ALL_VALID));
  o.stateStore('u16', L.FSW, o.and(o.stateLoad('u16', L.FSW), o.i32(0xffff & ~FSW_TOP)));
}
/**
 * Whether an operand is an MMX register. Memory in its place makes no transition: CVTPI2PS from memory is like
 * CVTPI2PD there [SDM2 CVTPI2PD], as AMD's processors have it.
 */
function usesMmx(o: Ops): boolean {
  for (let n = 0; n < o.operandCount; n++) if (isMmx(o, n) && !o.inMemory(n)) return true;
  return false;
}
/** Runs the body of an instruction some of whose operands may be MMX registers. */
export function withMmx(o: Ops, body: () => void): void {
  const mmx = usesMmx(o);
  if (mmx) beginMmx(o);
  body();
  if (mmx) commitMmx(o);
}
/** Likewise for conversions: an unmasked exception of theirs comes after the transition. */
export function convertWithMmx(o: Ops, fetch: () => V128, convert: (source: V128) => void): void {
  const mmx = usesMmx(o);
  if (mmx) beginMmx(o);
  const source = fetch();
  if (mmx) commitMmx(o);
  convert(source);
}

export const lowHalf = (o: Ops, v: V128): I64 => o.e.extractLane('i64x2.extract_lane', v, 0);
export const highHalf = (o: Ops, v: V128): I64 => o.e.extractLane('i64x2.extract_lane', v, 1);
export const both = (o: Ops, v: I64): V128 => o.e.simd('i64x2.splat', v);
export const zeroVector = (o: Ops): V128 => o.e.v128(new Uint8Array(16));
/** A vector of bytes, words, doublewords or quadwords. */
export function constantVector(o: Ops, bits: 8 | 16 | 32 | 64, lanes: readonly (number | bigint)[]): V128 {
  const bytes = new Uint8Array(16);
  lanes.forEach((lane, i) => {
    for (let b = 0; b < bits / 8; b++) bytes[(i * bits) / 8 + b] = Number((BigInt(lane) >> BigInt(8 * b)) & 0xffn);
  });
  return o.e.v128(bytes);
}
/** The low half zero-extended. */
export const fromLow = (o: Ops, v: I64): V128 => o.e.replaceLane('i64x2.replace_lane', zeroVector(o), 0, v);

/** The low 64 bits of operand `n`, whatever it is. */
export function quadword(o: Ops, n: number): I64 {
  return o.inMemory(n) ? o.loadOperand(n, 'i64') : o.loadRegister(n, 'i64');
}
export function doubleword(o: Ops, n: number): I32 {
  return o.inMemory(n) ? o.loadOperand(n, 'i32') : o.loadRegister(n, 'i32');
}
/** The low element of operand `n` as a number. */
export function element<F extends 'f32' | 'f64'>(o: Ops, n: number, format: F): Val<F> {
  return (o.inMemory(n) ? o.loadOperand(n, format) : o.loadRegister(n, format)) as Val<F>;
}
/** The whole operand: an MMX register or 64 bits of memory appear in both halves; 16 bytes of memory must be aligned. */
export function vector(o: Ops, n: number): V128 {
  if (isMmx(o, n)) return both(o, o.operandSize(n) === 'd' ? o.toI64(doubleword(o, n)) : quadword(o, n));
  if (!o.inMemory(n)) return o.loadRegister(n, 'v128');
  if (o.operandSize(n) === 'q') return both(o, o.loadOperand(n, 'i64'));
  requireAligned(o, n);
  return o.loadOperand(n, 'v128');
}
/** Writes register operand `n`, an MMX register from the low half. */
export function setVector(o: Ops, n: number, value: V128): void {
  if (isMmx(o, n)) setMmx(o, n, lowHalf(o, value));
  else o.storeRegister(n, 'v128', value);
}
export function setMmx(o: Ops, n: number, value: I64): void {
  o.storeRegister(n, 'i64', value);
  o.storeRegister(n, 'u16', o.i32(MMX_EXPONENT), EXPONENT_BYTE);
}

type SseKernel = typeof SSE_KERNEL_TYPES;
/** Calls the SSE kernel, and raises what MXCSR does not mask [SDM1 11.5.3]. */
export function exact<K extends keyof SseKernel>(o: Ops, name: K, result: SseKernel[K]['result'], ...args: Val[]): Val<SseKernel[K]['result']> {
  const value = o.kernel(name, result, ...args);
  o.e.if(o.stateLoad('i32', L.SSE_UNMASKED), () => {
    const reported = o.and(o.stateLoad('i32', L.CR + 4 * 8), o.i32(CR4_OSXMMEXCPT));
    o.raiseIf(reported, VECTOR_XM);
    o.raise(VECTOR_UD);
  });
  return value as Val<SseKernel[K]['result']>;
}
