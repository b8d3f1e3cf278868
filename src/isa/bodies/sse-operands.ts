/** Operands of MMX and SSE instructions: alignment, the state that MMX shares with the x87, exceptions of MXCSR. */
import * as L from '../../cpu/layout.ts';
import type { SSE_KERNEL_TYPES } from '../../cpu/sse/kernel-interface.ts';
import type { Body, I32, I64, Ops, V128, Val } from '../ops.ts';

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

/**
 * Memory operands of 16 bytes are aligned, or #GP(0), except those of the MOVU instructions [SDM1 11.6.3, 10.4.1.1] and, after a
 * VEX prefix, of all but the aligned moves [SDM1 14.9].
 */
export function requireAligned(o: Ops, n: number, bytes = 16): void {
  o.raiseIf(o.and(o.fit(o.linear(n), 32) as I32, o.i32(bytes - 1)), VECTOR_GP, 0);
}

export const isMmx = (o: Ops, n: number): boolean => {
  const kind = o.operandKind(n);
  return kind === 'P' || kind === 'Q' || kind === 'N';
};

/** Before an MMX instruction does anything: a pending x87 exception [SDM1 9.6.3, 8.7]. */
export function beginMmx(o: Ops): void {
  o.e.ifRarely(o.and(o.stateLoad('u16', L.FSW), o.i32(FSW_ES)), () => o.helper('X87_ERROR'));
}
/** After its last access that can fault: all registers valid, TOP 0 [SDM1 9.5.1]. */
export function commitMmx(o: Ops): void {
  o.stateStore('u8', L.FTW, o.i32(ALL_VALID));
  o.stateStore('u8', L.FTOP, o.i32(0));
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
export function convertWithMmx(o: Ops, fetch: () => V128[], convert: (source: V128) => V128, store: (parts: V128[]) => void): void {
  const mmx = usesMmx(o);
  if (mmx) beginMmx(o);
  const sources = fetch();
  if (mmx) commitMmx(o);
  const parts = sources.map(convert);
  raiseJoined(o);
  store(parts);
}

export const lowHalf = (o: Ops, v: V128): I64 => o.e.extractLane('i64x2.extract_lane', v, 0);
export const highHalf = (o: Ops, v: V128): I64 => o.e.extractLane('i64x2.extract_lane', v, 1);
export const both = (o: Ops, v: I64): V128 => o.e.simd('i64x2.splat', v);
/** 0 to 15. */
export const IOTA: readonly number[] = Array.from({ length: 16 }, (_, i) => i);
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
/**
 * The operand's 16 bytes from `byte` on: an MMX register or 64 bits of memory appear in both halves, what is shorter is
 * repeated likewise; 16 bytes of memory must be aligned.
 */
export function vector(o: Ops, n: number, byte = 0): V128 {
  const size = o.operandSize(n);
  if (isMmx(o, n)) return both(o, size === 'd' ? o.toI64(doubleword(o, n)) : quadword(o, n));
  if (!o.inMemory(n)) return o.loadRegister(n, 'v128', byte);
  if (size === 'q') return both(o, o.loadOperand(n, 'i64', byte));
  if (size === 'd') return o.e.simd('i32x4.splat', o.loadOperand(n, 'i32', byte));
  if (size === 'w') return o.e.simd('i16x8.splat', o.loadOperand(n, 'u16', byte));
  if (!o.vex) requireAligned(o, n);
  return o.loadOperand(n, 'v128', byte);
}
/** Writes register operand `n`, an MMX register from the low half. */
export function setVector(o: Ops, n: number, value: V128, byte = 0): void {
  if (isMmx(o, n)) setMmx(o, n, lowHalf(o, value));
  else o.storeRegister(n, 'v128', value, byte);
}
/** The first of two sources: the destination, or VEX.vvvv. The second one and an immediate follow it. */
export const firstSource = (o: Ops): number => (o.operandCount > 1 && o.operandKind(1) === 'H' ? 1 : 0);
/** An immediate behind both sources. */
export const immediateOf = (o: Ops): I32 => o.field(firstSource(o) + 2);
/** dst = f(first, second) in each 16 bytes, `f` being told where those begin. */
export const combine = (compute: (o: Ops, a: V128, b: V128, byte: number) => V128): Body => (o) =>
  withMmx(o, () => {
    const first = firstSource(o);
    const second = partsOf(o, 0).map((byte) => vector(o, first + 1, byte));
    eachPart(o, (byte) => compute(o, vector(o, first, byte), second[byte / 16], byte));
  });
/** dst = f(src) in each 16 bytes. */
export const transform = (compute: (o: Ops, a: V128, byte: number) => V128): Body => (o) =>
  withMmx(o, () => {
    const sources = partsOf(o, 0).map((byte) => vector(o, 1, byte));
    eachPart(o, (byte) => compute(o, sources[byte / 16], byte));
  });
/** Where the parts of 16 bytes of operand `n` begin. */
export const partsOf = (o: Ops, n: number): readonly number[] => (o.operandSize(n) === 'Y' ? [0, 16] : [0]);
/** Computes all parts of the destination before it writes any. What may fault comes before it. */
export function eachPart(o: Ops, compute: (byte: number) => V128): void {
  const parts = partsOf(o, 0).map((byte) => ({ byte, value: compute(byte) }));
  raiseJoined(o);
  for (const { byte, value } of parts) setVector(o, 0, value, byte);
}
export function setMmx(o: Ops, n: number, value: I64): void {
  o.storeRegister(n, 'i64', value);
  o.storeRegister(n, 'u16', o.i32(MMX_EXPONENT), EXPONENT_BYTE);
}

type SseKernel = typeof SSE_KERNEL_TYPES;
/**
 * Calls the SSE kernel, and raises what MXCSR does not mask [SDM1 11.5.3]. The exceptions of an instruction's two parts count
 * as one's: `raiseJoined` raises them, when both are computed.
 */
export function exact<K extends keyof SseKernel>(o: Ops, name: K, result: SseKernel[K]['result'], ...args: Val[]): Val<SseKernel[K]['result']> {
  o.joinsParts = [0, 1].some((n) => n < o.operandCount && partsOf(o, n).length > 1);
  if (o.joinsParts) o.kernel('sse_join', undefined);
  const value = o.kernel(name, result, ...args);
  if (!o.joinsParts) raiseUnmasked(o);
  return value as Val<SseKernel[K]['result']>;
}
export function raiseJoined(o: Ops): void {
  if (!o.joinsParts) return;
  o.joinsParts = false;
  o.e.ifRarely(o.stateLoad('i32', L.SSE_JOINED), () => {
    o.kernel('sse_part', undefined);
    raiseUnmasked(o);
  });
}
function raiseUnmasked(o: Ops): void {
  o.e.ifRarely(o.stateLoad('i32', L.SSE_UNMASKED), () => {
    const reported = o.and(o.stateLoad('i32', L.CR + 4 * 8), o.i32(CR4_OSXMMEXCPT));
    o.raiseIf(reported, VECTOR_XM);
    o.raise(VECTOR_UD);
  });
}
