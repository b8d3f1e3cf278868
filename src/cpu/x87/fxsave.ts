/**
 * The 512-byte area of FXSAVE and FXRSTOR at a place in the arena: in the guest's frame, or in FX_AREA, from where
 * environment-helpers.ts moves it. [SDM1 10.5] Kernels save and load one at each switch of tasks, so nothing is allocated.
 */
import { type ArenaAddr, arenaAddr } from '../../memory/address.ts';
import * as L from '../layout.ts';
import type { CpuState } from '../state.ts';
import { FOP_BITS, setControl, stackTop } from './environment.ts';

/** Where the legacy part ends and where MXCSR, registers ST(i) and XMM registers lie. */
export const FXSAVE_MXCSR = 24;
export const FXSAVE_ST = 32;
export const FXSAVE_XMM = 160;
const SLOT_WORDS = 4;
/** Bits of MXCSR that may be set; DAZ is among them. */
export const MXCSR_MASK = 0xffff;

// Index in the views of 16 and 32 bits.
const half = (at: number): number => at >>> 1;
const word = (at: number): number => at >>> 2;

/** Bytes up to the last XMM register. */
export const fxAreaSize = (xmmRegisters: number): number => FXSAVE_XMM + xmmRegisters * SLOT_WORDS * 4;

/**
 * FXSAVE: writes the area at `at`, a multiple of 16, up to the last of `xmmRegisters`. `wide`: with REX.W the instruction and
 * operand pointers have 64 bits, and no selectors [SDM1 table 10-2].
 */
export function storeFxArea(state: CpuState, at: ArenaAddr, xmmRegisters: number, wide: boolean): void {
  const { u16, u32, u8 } = state.arena;
  const h = half(at);
  u16[h] = state.getU16(L.FCW);
  u16[h + 1] = state.getU16(L.FSW);
  u16[h + 2] = u8[state.base + L.FTW];
  u16[h + 3] = state.getU16(L.FOP) & FOP_BITS;
  const w = word(at);
  u32[w + 2] = state.getU32(L.FIP);
  u32[w + 3] = wide ? state.getU32(L.FIP + 4) : state.getU16(L.FCS);
  u32[w + 4] = state.getU32(L.FDP);
  u32[w + 5] = wide ? state.getU32(L.FDP + 4) : state.getU16(L.FDS);
  u32[w + 6] = state.getU32(L.MXCSR);
  u32[w + 7] = MXCSR_MASK;
  for (let i = 0; i < 8; i++) {
    const from = registerWord(state, i);
    const to = word(at + FXSAVE_ST) + i * SLOT_WORDS;
    u32[to] = u32[from];
    u32[to + 1] = u32[from + 1];
    u32[to + 2] = u32[from + 2] & 0xffff;
    u32[to + 3] = 0;
  }
  for (let i = 0; i < xmmRegisters; i++) copySlot(u32, xmmWord(state, i), word(at + FXSAVE_XMM) + i * SLOT_WORDS);
}

/** Where an area lies on its way to and from memory that is not in one frame. */
export function fxBuffer(state: CpuState): ArenaAddr {
  return arenaAddr(state.base + L.FX_AREA);
}

/** The same in the buffer, good until the next area comes there. */
export function fxAreaBytes(state: CpuState, xmmRegisters: number, wide: boolean): Uint8Array {
  const at = fxBuffer(state);
  storeFxArea(state, at, xmmRegisters, wide);
  return state.arena.u8.subarray(at, at + fxAreaSize(xmmRegisters));
}

/** The MXCSR of an area. */
export function mxcsrOf(state: CpuState, at: ArenaAddr): number {
  return state.arena.u32[word(at + FXSAVE_MXCSR)];
}

/** Whether FXRSTOR would load a reserved bit of MXCSR, which is #GP(0). */
export function hasReservedBits(mxcsr: number): boolean {
  return (mxcsr & ~MXCSR_MASK) !== 0;
}

/** FXRSTOR; MXCSR and the XMM registers only where `xmmRegisters` is not 0. */
export function loadFxArea(state: CpuState, at: ArenaAddr, xmmRegisters: number, wide: boolean): void {
  const { u16, u32, u8 } = state.arena;
  const h = half(at);
  const w = word(at);
  setControl(state, u16[h], u16[h + 1], u8[at + 4]);
  state.setU16(L.FOP, u16[h + 3] & FOP_BITS);
  setPointer(state, L.FIP, L.FCS, u32[w + 2], u32[w + 3], wide);
  setPointer(state, L.FDP, L.FDS, u32[w + 4], u32[w + 5], wide);
  for (let i = 0; i < 8; i++) {
    const from = word(at + FXSAVE_ST) + i * SLOT_WORDS;
    const to = registerWord(state, i);
    u32[to] = u32[from];
    u32[to + 1] = u32[from + 1];
    u16[2 * to + 4] = u32[from + 2];
  }
  if (xmmRegisters > 0) state.setU32(L.MXCSR, u32[word(at + FXSAVE_MXCSR)]);
  for (let i = 0; i < xmmRegisters; i++) copySlot(u32, word(at + FXSAVE_XMM) + i * SLOT_WORDS, xmmWord(state, i));
}

/** FIP and FCS, or FDP and FDS. */
function setPointer(state: CpuState, offset: number, selector: number, low: number, high: number, wide: boolean): void {
  state.setU32(offset, low);
  state.setU32(offset + 4, wide ? high : 0);
  state.setU16(selector, wide ? 0 : high);
}

function registerWord(state: CpuState, i: number): number {
  return word(state.base + L.FPR) + ((stackTop(state) + i) & 7) * SLOT_WORDS;
}

function xmmWord(state: CpuState, i: number): number {
  return word(state.base + L.XMM + i * L.XMM_STRIDE);
}

function copySlot(u32: Uint32Array, from: number, to: number): void {
  for (let i = 0; i < SLOT_WORDS; i++) u32[to + i] = u32[from + i];
}
