/**
 * Debug registers: MOV to and from DR0 to DR7, and matching breakpoints. [SDM3 18.2]
 *
 * Data breakpoints cost nothing while none is set: a page that has one gets no TLB tags for data (tlb.ts), so its
 * accesses take the slow path, which calls `checkDataBreakpoint`. Instruction breakpoints are asked for by the
 * dispatcher (`hasInstructionBreakpoints`, then `instructionBreakpoint` before each instruction).
 *
 * Known deviation: DR6 reports only breakpoints that are enabled; the processor's own accesses to descriptors, task
 * segments and page tables match none.
 */
import { type CpuContext, HELPER_NEXT } from './context.ts';
import { requireCpl0, resync } from './control-registers.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { linear32 } from './linear.ts';
import { CR4_DE, EFLAGS_RF, VECTOR_DB, VECTOR_GP, VECTOR_UD } from './registers.ts';
import type { CpuState } from './state.ts';

export const DR6_BD = 1 << 13, DR6_BS = 1 << 14, DR6_BT = 1 << 15;
/** B0 to B3. */
export const DR6_B = 0xf;
export const DR6_RESET = 0xffff0ff0;
export const DR7_GD = 1 << 13;
export const DR7_RESET = 0x400;
const DR6_WRITABLE = DR6_B | DR6_BD | DR6_BS | DR6_BT;
const DR7_WRITABLE = 0xffff23ff;
/** L0 to L3 and G0 to G3. */
const DR7_ENABLES = 0xff;
// Values of the R/W fields.
const RW_EXECUTE = 0, RW_WRITE = 1, RW_IO = 2, RW_ACCESS = 3;
/** Bytes by LEN field. */
const LENGTHS = [1, 2, 8, 4] as const;

const isEnabled = (dr7: number, n: number): boolean => ((dr7 >>> (n * 2)) & 3) !== 0;
const kindOf = (dr7: number, n: number): number => (dr7 >>> (16 + n * 4)) & 3;
const lengthOf = (dr7: number, n: number): number => LENGTHS[(dr7 >>> (18 + n * 4)) & 3];

/** The register meant: under CR4.DE, DR4 and DR5 are #UD, else they name DR6 and DR7. #GP by CPL, #DB by GD. */
function resolve(cpu: CpuContext, n: number): number {
  const { state } = cpu;
  const alias = n === 4 || n === 5;
  if (alias && state.cr(4) & CR4_DE) fault(VECTOR_UD);
  requireCpl0(cpu);
  if (state.dr(7) & DR7_GD) {
    state.setDr(6, state.dr(6) | DR6_BD);
    // As every fault but an instruction breakpoint it saves RF set [SDM3 17.3.1.1].
    state.setU32(L.EFLAGS, state.getU32(L.EFLAGS) | EFLAGS_RF);
    fault(VECTOR_DB);
  }
  return alias ? n + 2 : n;
}

/** MOV DRn, r32 or r64. Arguments: n, the general register's offset in the state. Returns HELPER_RESYNC. */
export function movToDr(cpu: CpuContext, n: number, slot: number): number {
  const { state } = cpu;
  const real = resolve(cpu, n);
  const value = state.getU32(slot);
  const high = state.code64 ? state.getU32(slot + 4) : 0;
  if (real >= 6 && high !== 0) fault(VECTOR_GP, 0);
  if (real === 6) state.setDr(6, (value & DR6_WRITABLE) | DR6_RESET);
  else if (real === 7) state.setDr(7, (value & DR7_WRITABLE) | DR7_RESET);
  else state.setDr(real, value, high);
  applyDebugRegisters(cpu);
  return resync(cpu);
}

/** MOV r32 or r64, DRn. Arguments: n, the general register's offset in the state. Returns HELPER_NEXT. */
export function movFromDr(cpu: CpuContext, n: number, slot: number): number {
  const { state } = cpu;
  const real = resolve(cpu, n);
  state.setU32(slot, state.dr(real));
  state.setU32(slot + 4, state.getU32(L.DR + real * 8 + 4));
  return HELPER_NEXT;
}

/** The address in DR0 to DR3. */
const breakpointAddress = (state: CpuState, n: number): number => state.getLinear(L.DR + n * 8);

/** Tells the TLB and the mode key what the debug registers say; to call after DR7 changed by other means than MOV. */
export function applyDebugRegisters(cpu: CpuContext): void {
  const { state } = cpu;
  const dr7 = state.dr(7);
  const addresses: number[] = [];
  for (let n = 0; n < 4; n++) {
    const kind = kindOf(dr7, n);
    if (isEnabled(dr7, n) && (kind === RW_WRITE || kind === RW_ACCESS)) addresses.push(breakpointAddress(state, n));
  }
  cpu.mmu.setBreakpointPages(addresses);
  cpu.updateMode();
}

/** Whether instruction fetches have to be matched at all. */
export function hasInstructionBreakpoints(state: CpuState): boolean {
  const dr7 = state.dr(7);
  if ((dr7 & DR7_ENABLES) === 0) return false;
  for (let n = 0; n < 4; n++) if (isEnabled(dr7, n) && kindOf(dr7, n) === RW_EXECUTE) return true;
  return false;
}

/** Bits of DR6 for an instruction at a linear address, 0 for none. The caller looks at RF and raises #DB as a fault. */
export function instructionBreakpoint(state: CpuState, linear: number): number {
  const dr7 = state.dr(7);
  let hits = 0;
  for (let n = 0; n < 4; n++) {
    if (isEnabled(dr7, n) && kindOf(dr7, n) === RW_EXECUTE && breakpointAddress(state, n) === linear) hits |= 1 << n;
  }
  return hits;
}

/** Bits of DR6 for an access of `size` bytes; `kinds` is a set of R/W field values as bits. */
function matchRange(state: CpuState, address: number, size: number, kinds: number): number {
  const dr7 = state.dr(7);
  let hits = 0;
  for (let n = 0; n < 4; n++) {
    if (!isEnabled(dr7, n) || ((kinds >>> kindOf(dr7, n)) & 1) === 0) continue;
    const length = lengthOf(dr7, n);
    const at = breakpointAddress(state, n);
    const start = at - (at & (length - 1));
    if (address < start + length && start < address + size) hits |= 1 << n;
  }
  return hits;
}

/** To call after a data access that took the slow path: a match makes #DB a trap after the instruction. */
export function checkDataBreakpoint(cpu: CpuContext, linear: number, size: number, write: boolean): void {
  if ((cpu.state.dr(7) & DR7_ENABLES) === 0) return;
  const kinds = write ? (1 << RW_WRITE) | (1 << RW_ACCESS) : 1 << RW_ACCESS;
  const hits = matchRange(cpu.state, cpu.state.longMode ? linear : linear32(linear), size, kinds);
  if (hits !== 0) cpu.debugTrap(hits);
}

/** The same for ports, which match under CR4.DE. */
export function checkIoBreakpoint(cpu: CpuContext, port: number, size: number): void {
  if ((cpu.state.dr(7) & DR7_ENABLES) === 0 || (cpu.state.cr(4) & CR4_DE) === 0) return;
  const hits = matchRange(cpu.state, port, size, 1 << RW_IO);
  if (hits !== 0) cpu.debugTrap(hits);
}
