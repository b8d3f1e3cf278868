/**
 * The fast system calls: SYSENTER and SYSEXIT, SYSCALL and SYSRET, with all their cases. They load flat segments without looking at
 * a descriptor. [SDM2 SYSENTER, SYSEXIT, SYSCALL, SYSRET], [SDM3 5.8.7, 5.8.8]
 */
import type { CpuContext } from './context.ts';
import { HELPER_RESYNC } from './context.ts';
import { requireCpl0 } from './control-registers.ts';
import { DR6_BS } from './debug-registers.ts';
import { ATTR_DB, ATTR_L } from './descriptors.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { isCanonical } from './linear.ts';
import {
  CS, EFER_SCE, EFLAGS_FIXED, EFLAGS_IF, EFLAGS_RF, EFLAGS_TF, EFLAGS_VM, R11, RCX, RDX, RSP, SS, VECTOR_GP, VECTOR_UD,
} from './registers.ts';
import { setFlatSegment } from './segments.ts';
import type { CpuState } from './state.ts';

/** Flags that SYSRET takes from R11: all but RF and VM. */
const SYSRET_FLAGS = 0x3c7fd7;

/** The selector that the other three are counted from; #GP(0) in real mode and while it is not set up. */
function sysenterSelector(state: CpuState): number {
  const selector = state.getU32(L.SYSENTER_CS) & 0xfffc;
  if (!state.protectedMode || selector === 0) fault(VECTOR_GP, 0);
  return selector;
}

/** CS and SS of level 0, or of level 3 with their RPL. */
function enterLevel(state: CpuState, cpl: 0 | 3, code: number, stack: number, code64: boolean): void {
  setFlatSegment(state, CS, code | cpl, cpl, code64 ? ATTR_L : ATTR_DB);
  setFlatSegment(state, SS, stack | cpl, cpl);
}

/** SYSENTER. Returns HELPER_RESYNC at the entry point. */
export function sysenter(cpu: CpuContext): number {
  const { state } = cpu;
  const selector = sysenterSelector(state);
  state.setU32(L.EFLAGS, state.getU32(L.EFLAGS) & ~(EFLAGS_VM | EFLAGS_IF));
  enterLevel(state, 0, selector, selector + 8, state.longMode);
  state.setReg64(RSP, state.getLinear(L.SYSENTER_ESP));
  state.rip = state.getLinear(L.SYSENTER_EIP);
  cpu.updateMode();
  return HELPER_RESYNC;
}

/** SYSEXIT: RDX is the new RIP, RCX the new RSP. Argument: operand size, 64 to return to 64-bit code. Returns HELPER_RESYNC there. */
export function sysexit(cpu: CpuContext, size: number): number {
  const { state } = cpu;
  const selector = sysenterSelector(state);
  requireCpl0(cpu);
  const code64 = size === 64;
  const rip = code64 ? state.reg64(RDX) : state.reg(RDX);
  const rsp = code64 ? state.reg64(RCX) : state.reg(RCX);
  if (!isCanonical(rip) || !isCanonical(rsp)) fault(VECTOR_GP, 0);
  enterLevel(state, 3, selector + (code64 ? 32 : 16), selector + (code64 ? 40 : 24), code64);
  state.setReg64(RSP, rsp);
  state.rip = rip;
  cpu.updateMode();
  return HELPER_RESYNC;
}

/** SYSCALL and SYSRET are instructions of 64-bit mode, while EFER.SCE is set. */
function requireSyscalls(state: CpuState): void {
  if (!state.code64 || (state.efer & EFER_SCE) === 0) fault(VECTOR_UD);
}

/** The trap of TF depends on the flags that SYSCALL and SYSRET load, not on those before: the caller drops the one that those ask for. */
function trapByNewFlags(cpu: CpuContext): void {
  if (cpu.state.eflags & EFLAGS_TF) cpu.debugTrap(DR6_BS);
}

/** SYSCALL. Returns HELPER_RESYNC at the entry point. */
export function syscall(cpu: CpuContext): number {
  const { state } = cpu;
  requireSyscalls(state);
  const flags = state.eflags;
  const selector = state.getU16(L.STAR + 4) & 0xfffc;
  state.setReg64(RCX, cpu.nextEip);
  state.setReg(R11, flags & ~EFLAGS_RF);
  state.eflags = flags & ~(state.getU32(L.FMASK) | EFLAGS_RF);
  enterLevel(state, 0, selector, selector + 8, true);
  state.rip = state.getLinear(L.LSTAR);
  cpu.updateMode();
  trapByNewFlags(cpu);
  return HELPER_RESYNC;
}

/** SYSRET: RCX is the new RIP, R11 the flags. Argument: operand size, 64 to return to 64-bit code. Returns HELPER_RESYNC there. */
export function sysret(cpu: CpuContext, size: number): number {
  const { state } = cpu;
  requireSyscalls(state);
  requireCpl0(cpu);
  const code64 = size === 64;
  const rip = code64 ? state.reg64(RCX) : state.reg(RCX);
  if (!isCanonical(rip)) fault(VECTOR_GP, 0);
  const selector = state.getU16(L.STAR + 6);
  state.eflags = (state.reg(R11) & SYSRET_FLAGS) | EFLAGS_FIXED;
  enterLevel(state, 3, (selector + (code64 ? 16 : 0)) & 0xffff, (selector + 8) & 0xffff, code64);
  state.rip = rip;
  cpu.updateMode();
  trapByNewFlags(cpu);
  return HELPER_RESYNC;
}
