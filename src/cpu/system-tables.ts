/**
 * LGDT, LIDT, SGDT, SIDT, and the fast system calls SYSENTER and SYSEXIT. [SDM2 LGDT, SGDT, SYSENTER, SYSEXIT]
 *
 * SGDT and SIDT store all 32 bits of the base whatever the operand size: that is what processors do, the SDM's wording
 * for 16-bit operands notwithstanding.
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { requireCpl0 } from './control-registers.ts';
import { checkDataBreakpoint } from './debug-registers.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { IA32_SYSENTER_CS, IA32_SYSENTER_EIP, IA32_SYSENTER_ESP } from './msr.ts';
import { CS, EFLAGS_IF, EFLAGS_VM, RCX, RDX, RSP, SS, VECTOR_GP } from './registers.ts';
import { setFlatSegment } from './segments.ts';

function loadTable(cpu: CpuContext, base: number, limit: number, linear: number, size: number): number {
  requireCpl0(cpu);
  const { state, mmu } = cpu;
  const newLimit = mmu.read16(linear >>> 0, false);
  const address = mmu.read32((linear + 2) >>> 0, false);
  state.setU32(limit, newLimit);
  // A 16-bit operand has a base of 24 bits.
  state.setU32(base, size === 16 ? address & 0xffffff : address);
  return HELPER_NEXT;
}

function storeTable(cpu: CpuContext, base: number, limit: number, linear: number): number {
  const { state, mmu } = cpu;
  const user = state.cpl === 3;
  mmu.probeWrite(linear >>> 0, 6, user);
  mmu.write16(linear >>> 0, state.getU32(limit), user);
  mmu.write32((linear + 2) >>> 0, state.getU32(base), user);
  checkDataBreakpoint(cpu, linear, 6, true);
  return HELPER_NEXT;
}

/** LGDT. Arguments: linear address, operand size in bits (16 or 32). Returns HELPER_NEXT. */
export function lgdt(cpu: CpuContext, linear: number, size: number): number {
  return loadTable(cpu, L.GDTR_BASE, L.GDTR_LIMIT, linear, size);
}

/** LIDT. Arguments and result as LGDT. */
export function lidt(cpu: CpuContext, linear: number, size: number): number {
  return loadTable(cpu, L.IDTR_BASE, L.IDTR_LIMIT, linear, size);
}

/** SGDT. Argument: linear address. Returns HELPER_NEXT. */
export function sgdt(cpu: CpuContext, linear: number): number {
  return storeTable(cpu, L.GDTR_BASE, L.GDTR_LIMIT, linear);
}

/** SIDT. Argument: linear address. Returns HELPER_NEXT. */
export function sidt(cpu: CpuContext, linear: number): number {
  return storeTable(cpu, L.IDTR_BASE, L.IDTR_LIMIT, linear);
}

/** The selector that the other three are counted from; #GP(0) in real mode and while it is not set up. */
function sysenterSelector(cpu: CpuContext): number {
  const selector = cpu.msrs.value32(IA32_SYSENTER_CS) & 0xfffc;
  if (!cpu.state.protectedMode || selector === 0) fault(VECTOR_GP, 0);
  return selector;
}

/** SYSENTER. Returns HELPER_RESYNC at the entry point. */
export function sysenter(cpu: CpuContext): number {
  const { state, msrs } = cpu;
  const selector = sysenterSelector(cpu);
  state.setU32(L.EFLAGS, state.getU32(L.EFLAGS) & ~(EFLAGS_VM | EFLAGS_IF));
  setFlatSegment(state, CS, selector, 0);
  setFlatSegment(state, SS, selector + 8, 0);
  state.setReg(RSP, msrs.value32(IA32_SYSENTER_ESP));
  state.eip = msrs.value32(IA32_SYSENTER_EIP);
  cpu.updateMode();
  return HELPER_RESYNC;
}

/** SYSEXIT: EDX is the new EIP, ECX the new ESP. Returns HELPER_RESYNC there. */
export function sysexit(cpu: CpuContext): number {
  const { state } = cpu;
  const selector = sysenterSelector(cpu);
  requireCpl0(cpu);
  setFlatSegment(state, CS, (selector + 16) | 3, 3);
  setFlatSegment(state, SS, (selector + 24) | 3, 3);
  state.setReg(RSP, state.reg(RCX));
  state.eip = state.reg(RDX);
  cpu.updateMode();
  return HELPER_RESYNC;
}
