/**
 * The mode key: what the meaning of code bytes and the choice of handlers depends on besides the bytes. Part of every
 * block's key, so that a change of mode never has to drop code.
 */
import * as L from './layout.ts';
import { CR0_EM, CR0_MP, CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, CS, DS, ES, SS } from './registers.ts';
import type { CpuState } from './state.ts';

export const MODE_CODE32 = 1 << 0; // CS.D
/** Base 0 and limit 4 GiB in CS, DS, ES and SS, all writable but CS, and a 32-bit stack. */
export const MODE_FLAT = 1 << 1;
/** Protected mode and not virtual-8086 mode. */
export const MODE_PROTECTED = 1 << 2;
export const MODE_EM = 1 << 3; // CR0.EM
export const MODE_TS = 1 << 4; // CR0.TS
export const MODE_MP = 1 << 5; // CR0.MP
export const MODE_OSFXSR = 1 << 6; // CR4.OSFXSR
/** 64-bit mode: EFER.LMA and CS.L. MODE_CODE32 is clear then, MODE_FLAT set: CS, DS, ES and SS have base 0 and no limit. */
export const MODE_CODE64 = 1 << 7;
export const MODE_AVX = 1 << 8; // CR4.OSXSAVE, and XCR0 has SSE and AVX state
/** From here on: the number of the processor's decoder (src/interp/decoders.ts). */
export const MODE_DECODER_SHIFT = 20;

/** SSE and AVX. */
const XCR0_AVX_STATE = 6;
const ATTRIBUTE_DB = 1 << 14;

function isFlat(state: CpuState, n: number): boolean {
  const at = state.segment(n);
  return (
    state.getU32(at + L.SEG_BASE) === 0 &&
    state.getU32(at + L.SEG_START) === 0 &&
    isFull(state, at + L.SEG_READ_END) &&
    (n === CS || isFull(state, at + L.SEG_WRITE_END))
  );
}

/** A range of 64 bits that ends at 4 GiB. */
function isFull(state: CpuState, end: number): boolean {
  return state.getU32(end) === 0 && state.getU32(end + 4) === 1;
}

function segmentation(state: CpuState): number {
  const code32 = state.segAttributes(CS) & ATTRIBUTE_DB ? MODE_CODE32 : 0;
  const flatCode = state.segBase(CS) === 0 && state.segLimit(CS) === 0xffffffff;
  const flatData = flatCode && isFlat(state, DS) && isFlat(state, ES) && isFlat(state, SS);
  return flatData && state.segAttributes(SS) & ATTRIBUTE_DB ? code32 | MODE_FLAT : code32;
}

/** The key for the state as it is, and a decoder. */
export function modeKey(state: CpuState, decoder: number): number {
  const cr0 = state.cr(0);
  let mode = decoder << MODE_DECODER_SHIFT;
  if (state.code64) mode |= MODE_CODE64 | MODE_FLAT;
  else mode |= segmentation(state);
  if (state.protectedMode && !state.v86) mode |= MODE_PROTECTED;
  if (cr0 & CR0_EM) mode |= MODE_EM;
  if (cr0 & CR0_TS) mode |= MODE_TS;
  if (cr0 & CR0_MP) mode |= MODE_MP;
  if (state.cr(4) & CR4_OSFXSR) mode |= MODE_OSFXSR;
  if (state.cr(4) & CR4_OSXSAVE && (state.getU32(L.XCR0) & XCR0_AVX_STATE) === XCR0_AVX_STATE) mode |= MODE_AVX;
  return mode;
}

/** 0xffff or 0xffffffff, by SS.B; 64-bit mode does not look at it. */
export function stackMask(state: CpuState): number {
  return state.code64 || state.segAttributes(SS) & ATTRIBUTE_DB ? 0xffffffff : 0xffff;
}
