/** XGETBV and XSETBV [SDM2]. */
import { type CpuContext, HELPER_NEXT } from '../context.ts';
import { requireCpl0, resync } from '../control-registers.ts';
import { fault } from '../fault.ts';
import * as L from '../layout.ts';
import { CR4_OSXSAVE, RAX, RCX, RDX, VECTOR_GP, VECTOR_UD } from '../registers.ts';
import type { CpuState } from '../state.ts';
import { STATE_AVX, STATE_SSE, STATE_X87 } from '../system/area-forms.ts';

/** What XCR0 can hold. */
export function xcr0Defined(cpu: CpuContext): number {
  return cpu.profile.features.has('avx') ? STATE_X87 | STATE_SSE | STATE_AVX : STATE_X87 | STATE_SSE;
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
  const incomplete = (value & STATE_X87) === 0 || (value & (STATE_SSE | STATE_AVX)) === STATE_AVX;
  if (undefinedBits || incomplete) fault(VECTOR_GP, 0);
  state.setU32(L.XCR0, value);
  cpu.updateMode();
  return resync(cpu);
}
