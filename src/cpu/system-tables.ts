/**
 * LGDT, LIDT, SGDT and SIDT. [SDM2 LGDT, SGDT]
 *
 * SGDT and SIDT store all 32 bits of the base whatever the operand size: that is what processors do, the SDM's wording
 * for 16-bit operands notwithstanding. 64-bit code loads and stores 64 bits.
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT } from './context.ts';
import { requireCpl0, requireVisibleTables } from './control-registers.ts';
import { checkDataBreakpoint } from './debug-registers.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { isCanonical } from './linear.ts';
import { VECTOR_GP } from './registers.ts';

function loadTable(cpu: CpuContext, base: number, limit: number, linear: number, size: number): number {
  requireCpl0(cpu);
  const { state, mmu } = cpu;
  const newLimit = mmu.read16(linear, false);
  const address = size === 64 ? mmu.readLinear(linear + 2, false) : mmu.read32(linear + 2, false);
  if (!isCanonical(address)) fault(VECTOR_GP, 0);
  state.setU32(limit, newLimit);
  // A 16-bit operand has a base of 24 bits.
  state.setLinear(base, size === 16 ? address & 0xffffff : address);
  return HELPER_NEXT;
}

function storeTable(cpu: CpuContext, base: number, limit: number, linear: number, size: number): number {
  requireVisibleTables(cpu);
  const { state, mmu } = cpu;
  const user = state.cpl === 3;
  const bytes = size === 64 ? 10 : 6;
  mmu.probeWrite(linear, bytes, user);
  mmu.write16(linear, state.getU32(limit), user);
  if (size === 64) mmu.writeLinear(linear + 2, state.getLinear(base), user);
  else mmu.write32(linear + 2, state.getU32(base), user);
  checkDataBreakpoint(cpu, linear, bytes, true);
  return HELPER_NEXT;
}

/** LGDT. Arguments: linear address, operand size in bits. Returns HELPER_NEXT. */
export function lgdt(cpu: CpuContext, linear: number, size: number): number {
  return loadTable(cpu, L.GDTR_BASE, L.GDTR_LIMIT, linear, size);
}

/** LIDT. Arguments and result as LGDT. */
export function lidt(cpu: CpuContext, linear: number, size: number): number {
  return loadTable(cpu, L.IDTR_BASE, L.IDTR_LIMIT, linear, size);
}

/** SGDT. Arguments and result as LGDT. */
export function sgdt(cpu: CpuContext, linear: number, size: number): number {
  return storeTable(cpu, L.GDTR_BASE, L.GDTR_LIMIT, linear, size);
}

/** SIDT. Arguments and result as LGDT. */
export function sidt(cpu: CpuContext, linear: number, size: number): number {
  return storeTable(cpu, L.IDTR_BASE, L.IDTR_LIMIT, linear, size);
}
