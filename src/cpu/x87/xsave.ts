/**
 * XGETBV and XSETBV, and the XSAVE area: XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR and XRSTORS of x87, SSE and AVX state, in
 * standard and in compacted form. There is no supervisor state: IA32_XSS stays 0. [SDM1 13], [SDM2 XSAVE and the others]
 *
 * All state counts as in use and as modified, which the SDM leaves to the implementation. A store probes its whole range and
 * a load reads it all before any state changes. Left to the body: the segment's limits.
 */
import { type CpuContext, HELPER_NEXT } from '../context.ts';
import { requireCpl0, resync } from '../control-registers.ts';
import { fault } from '../fault.ts';
import * as L from '../layout.ts';
import { CR0_TS, CR4_OSXSAVE, RAX, RCX, RDX, VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../registers.ts';
import type { ArenaAddr } from '../../memory/address.ts';
import type { CpuState } from '../state.ts';
import { initialise } from './environment.ts';
import { probe, readBytes, writeBytes, xmmRegisters } from './environment-helpers.ts';
import { FXSAVE_MXCSR, FXSAVE_ST, FXSAVE_XMM, fxAreaBytes, fxBuffer, hasReservedBits, loadFxArea, MXCSR_MASK, storeFxArea } from './fxsave.ts';

// State components [SDM1 13.1]
export const XCR0_X87 = 1 << 0, XCR0_SSE = 1 << 1, XCR0_AVX = 1 << 2;
const XCR0_LEGACY = XCR0_X87 | XCR0_SSE;
const LEGACY_SIZE = 512, HEADER_SIZE = 64;
const EXTENDED = LEGACY_SIZE + HEADER_SIZE;
const XMM_SIZE = 16, YMM_HIGH_SIZE = 16;
/** Of the whole component, whatever registers the mode has. */
const AVX_SIZE = 16 * YMM_HIGH_SIZE;
const ALIGNMENT = 64;
// The header's fields: XSTATE_BV, XCOMP_BV [SDM1 13.4.2]
const XSTATE_BV = LEGACY_SIZE, XCOMP_BV = LEGACY_SIZE + 8;
const XCOMP_COMPACTED_HIGH = 1 << 31;
const MXCSR_SIZE = 8;
const MXCSR_RESET = 0x1f80;

/** What XCR0 can hold. */
export function xcr0Defined(cpu: CpuContext): number {
  return cpu.profile.features.has('avx') ? XCR0_X87 | XCR0_SSE | XCR0_AVX : XCR0_X87 | XCR0_SSE;
}

function requireXsave(state: CpuState): void {
  if ((state.cr(4) & CR4_OSXSAVE) === 0) fault(VECTOR_UD);
}

/** XGETBV: XCR0, or with ECX 1 what of it is in use, to EDX:EAX. Returns HELPER_NEXT, as they all do. */
export function xgetbv(cpu: CpuContext): number {
  const { state } = cpu;
  requireXsave(state);
  const index = state.reg(RCX);
  if (index !== 0 && (index !== 1 || !cpu.profile.features.has('xgetbv1'))) fault(VECTOR_GP, 0);
  state.setReg(RAX, state.getU32(L.XCR0));
  state.setReg(RDX, 0);
  return HELPER_NEXT;
}

/** XSETBV: EDX:EAX to XCR0. */
export function xsetbv(cpu: CpuContext): number {
  const { state } = cpu;
  requireXsave(state);
  requireCpl0(cpu);
  const value = state.reg(RAX);
  const undefinedBits = state.reg(RCX) !== 0 || state.reg(RDX) !== 0 || (value & ~xcr0Defined(cpu)) !== 0;
  const incomplete = (value & XCR0_X87) === 0 || (value & (XCR0_SSE | XCR0_AVX)) === XCR0_AVX;
  if (undefinedBits || incomplete) fault(VECTOR_GP, 0);
  state.setU32(L.XCR0, value);
  cpu.updateMode();
  return resync(cpu);
}

/** The components that an instruction asks for by EDX:EAX, after the checks that all share. */
function requested(cpu: CpuContext, linear: number): number {
  const { state } = cpu;
  requireXsave(state);
  if (state.cr(0) & CR0_TS) fault(VECTOR_NM);
  if (linear & (ALIGNMENT - 1)) fault(VECTOR_GP, 0);
  return state.reg(RAX) & state.getU32(L.XCR0);
}

const ymmHigh = (state: CpuState, n: number): number => state.base + L.XMM + n * L.XMM_STRIDE + XMM_SIZE;

/** Bytes of the upper halves of the YMM registers that the mode has. */
function encodeAvx(state: CpuState, registers: number): Uint8Array {
  const bytes = new Uint8Array(registers * YMM_HIGH_SIZE);
  for (let n = 0; n < registers; n++) {
    bytes.set(state.arena.u8.subarray(ymmHigh(state, n), ymmHigh(state, n) + YMM_HIGH_SIZE), n * YMM_HIGH_SIZE);
  }
  return bytes;
}

function decodeAvx(state: CpuState, registers: number, bytes: Uint8Array | undefined): void {
  for (let n = 0; n < registers; n++) {
    const at = ymmHigh(state, n);
    if (bytes) state.arena.u8.set(bytes.subarray(n * YMM_HIGH_SIZE, (n + 1) * YMM_HIGH_SIZE), at);
    else state.arena.u8.fill(0, at, at + YMM_HIGH_SIZE);
  }
}

/** Writes the parts of the components in `mask`; MXCSR with those in `mxcsr`. */
function saveComponents(cpu: CpuContext, linear: number, mask: number, mxcsr: number, operandSize: number): void {
  const registers = xmmRegisters(cpu);
  const legacy = fxAreaBytes(cpu.state, registers, operandSize === 64);
  if (mask & XCR0_X87) {
    writeBytes(cpu, linear, legacy.subarray(0, FXSAVE_MXCSR));
    writeBytes(cpu, linear + FXSAVE_ST, legacy.subarray(FXSAVE_ST, FXSAVE_XMM));
  }
  if (mask & mxcsr) writeBytes(cpu, linear + FXSAVE_MXCSR, legacy.subarray(FXSAVE_MXCSR, FXSAVE_MXCSR + MXCSR_SIZE));
  if (mask & XCR0_SSE) writeBytes(cpu, linear + FXSAVE_XMM, legacy.subarray(FXSAVE_XMM));
  if (mask & XCR0_AVX) writeBytes(cpu, linear + EXTENDED, encodeAvx(cpu.state, registers));
}

const areaSize = (mask: number): number => (mask & XCR0_AVX ? EXTENDED + AVX_SIZE : EXTENDED);

/** What kernels do at each switch of tasks: legacy components and perhaps AVX, in one frame. */
function storeArea(cpu: CpuContext, at: ArenaAddr, mask: number, wide: boolean): void {
  const { state } = cpu;
  const { u32 } = state.arena;
  const registers = xmmRegisters(cpu);
  storeFxArea(state, at, registers, wide);
  if (mask & XCR0_AVX) for (let n = 0; n < registers; n++) copyYmmHigh(u32, ymmHigh(state, n), at + EXTENDED + n * YMM_HIGH_SIZE);
  u32[(at + XSTATE_BV) >>> 2] |= mask;
}

/** The same the other way. False: the area is not that of a whole, standard one, and nothing was loaded. */
function loadArea(cpu: CpuContext, at: ArenaAddr, mask: number, wide: boolean): boolean {
  const { state } = cpu;
  const { u32 } = state.arena;
  const header = (at + XSTATE_BV) >>> 2;
  if (u32[header] !== mask || u32[(at + FXSAVE_MXCSR) >>> 2] > MXCSR_MASK) return false;
  for (let i = 1; i < HEADER_SIZE / 4; i++) if (u32[header + i] !== 0) return false;
  const registers = xmmRegisters(cpu);
  loadFxArea(state, at, registers, wide);
  if (mask & XCR0_AVX) for (let n = 0; n < registers; n++) copyYmmHigh(u32, at + EXTENDED + n * YMM_HIGH_SIZE, ymmHigh(state, n));
  return true;
}

function copyYmmHigh(u32: Uint32Array, from: number, to: number): void {
  for (let i = 0; i < YMM_HIGH_SIZE; i += 4) u32[(to + i) >>> 2] = u32[(from + i) >>> 2];
}

/** XSAVE and XSAVEOPT. Arguments: linear address, operand size in bits (64 with REX.W). */
export function xsave(cpu: CpuContext, linear: number, operandSize: number): number {
  const mask = requested(cpu, linear);
  const user = cpu.state.cpl === 3;
  const direct = (mask & XCR0_LEGACY) === XCR0_LEGACY ? cpu.mmu.writableRange(linear, areaSize(mask), user) : 0;
  if (direct !== 0) {
    storeArea(cpu, direct, mask, operandSize === 64);
    return HELPER_NEXT;
  }
  probe(cpu, linear, areaSize(mask));
  saveComponents(cpu, linear, mask, XCR0_SSE | XCR0_AVX, operandSize);
  cpu.mmu.write32(linear + XSTATE_BV, cpu.mmu.read32(linear + XSTATE_BV, user) | mask, user);
  return HELPER_NEXT;
}

/** XSAVEC. Arguments as XSAVE. Of two or more extended components each would follow the one before. */
export function xsavec(cpu: CpuContext, linear: number, operandSize: number): number {
  const mask = requested(cpu, linear);
  const user = cpu.state.cpl === 3;
  probe(cpu, linear, areaSize(mask));
  saveComponents(cpu, linear, mask, XCR0_SSE, operandSize);
  const words = [mask, 0, mask, XCOMP_COMPACTED_HIGH];
  for (const [i, word] of words.entries()) cpu.mmu.write32(linear + XSTATE_BV + i * 4, word, user);
  return HELPER_NEXT;
}

/** XSAVES: XSAVEC for privilege level 0. */
export function xsaves(cpu: CpuContext, linear: number, operandSize: number): number {
  requireXsave(cpu.state);
  requireCpl0(cpu);
  return xsavec(cpu, linear, operandSize);
}

/** The components that an area holds; #GP(0) for a header that does not fit [SDM1 13.8.1, 13.8.2]. */
function checkHeader(cpu: CpuContext, area: Uint8Array): { present: number; compacted: boolean } {
  const view = new DataView(area.buffer);
  const xcr0 = cpu.state.getU32(L.XCR0);
  const [present, presentHigh, format, formatHigh] = [0, 4, 8, 12].map((at) => view.getUint32(XSTATE_BV + at, true));
  const compacted = (formatHigh & XCOMP_COMPACTED_HIGH) !== 0;
  const restZero = area.subarray(compacted ? XCOMP_BV + 8 : XCOMP_BV, compacted ? EXTENDED : XCOMP_BV + 16).every((byte) => byte === 0);
  const allowed = compacted ? format : xcr0;
  const fits = (present & ~allowed) === 0 && presentHigh === 0 && (format & ~xcr0) === 0 && (formatHigh & ~XCOMP_COMPACTED_HIGH) === 0;
  if (!restZero || !fits) fault(VECTOR_GP, 0);
  return { present, compacted };
}

/** XRSTOR. Arguments as XSAVE. Components that the area does not hold get their initial state. */
export function xrstor(cpu: CpuContext, linear: number, operandSize: number): number {
  const { state } = cpu;
  const mask = requested(cpu, linear);
  const direct = (mask & XCR0_LEGACY) === XCR0_LEGACY ? cpu.mmu.readableRange(linear, areaSize(mask), state.cpl === 3) : 0;
  if (direct !== 0 && loadArea(cpu, direct, mask, operandSize === 64)) return HELPER_NEXT;
  const area = readBytes(cpu, linear, EXTENDED);
  const { present, compacted } = checkHeader(cpu, area);
  const registers = xmmRegisters(cpu);
  const avx = mask & present & XCR0_AVX ? readBytes(cpu, linear + EXTENDED, registers * YMM_HIGH_SIZE) : undefined;
  // In standard form MXCSR comes from the area whatever XSTATE_BV says; in compacted form it belongs to SSE.
  const mxcsrFromArea = compacted ? (mask & present & XCR0_SSE) !== 0 : (mask & (XCR0_SSE | XCR0_AVX)) !== 0;
  const mxcsr = mxcsrFromArea ? new DataView(area.buffer).getUint32(FXSAVE_MXCSR, true) : undefined;
  if (mxcsr !== undefined && hasReservedBits(mxcsr)) fault(VECTOR_GP, 0);
  if (mask & XCR0_X87) restoreX87(state, area, (present & XCR0_X87) !== 0, operandSize === 64);
  if (mask & XCR0_SSE) restoreSse(state, area, registers, (present & XCR0_SSE) !== 0);
  if (mask & XCR0_AVX) decodeAvx(state, registers, avx);
  if (mxcsr !== undefined) state.setU32(L.MXCSR, mxcsr);
  else if (mask & XCR0_SSE) state.setU32(L.MXCSR, MXCSR_RESET);
  return HELPER_NEXT;
}

/** XRSTORS: XRSTOR of the compacted form for privilege level 0. */
export function xrstors(cpu: CpuContext, linear: number, operandSize: number): number {
  requireXsave(cpu.state);
  requireCpl0(cpu);
  requested(cpu, linear);
  if ((cpu.mmu.read32(linear + XCOMP_BV + 4, false) & XCOMP_COMPACTED_HIGH) === 0) fault(VECTOR_GP, 0);
  return xrstor(cpu, linear, operandSize);
}

function restoreX87(state: CpuState, area: Uint8Array, present: boolean, wide: boolean): void {
  if (present) {
    const buffer = fxBuffer(state);
    state.arena.u8.set(area.subarray(0, FXSAVE_XMM), buffer);
    loadFxArea(state, buffer, 0, wide);
    return;
  }
  initialise(state);
  state.arena.u8.fill(0, state.base + L.FPR, state.base + L.FPR + 8 * 16);
}

function restoreSse(state: CpuState, area: Uint8Array, registers: number, present: boolean): void {
  for (let n = 0; n < registers; n++) {
    const at = state.base + L.XMM + n * L.XMM_STRIDE;
    if (present) state.arena.u8.set(area.subarray(FXSAVE_XMM + n * XMM_SIZE, FXSAVE_XMM + (n + 1) * XMM_SIZE), at);
    else state.arena.u8.fill(0, at, at + XMM_SIZE);
  }
}
