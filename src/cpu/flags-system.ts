/**
 * CLI, STI, PUSHF and POPF with the rules of IOPL and virtual-8086 mode. [SDM2 CLI, STI, PUSHF, POPF], [SDM3 20.2.7].
 * CLAC and STAC open user pages to the supervisor [SDM3 4.6.1].
 * CR4.VME and PVI give code below IOPL a virtual interrupt flag, VIF [SDM3 20.3, 20.4].
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT } from './context.ts';
import { resync } from './control-registers.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import {
  CR0_AM, CR4_PVI, CR4_SMAP, CR4_VME, EFLAGS_AC, EFLAGS_ARITHMETIC, EFLAGS_DF, EFLAGS_ID, EFLAGS_IF, EFLAGS_IOPL,
  EFLAGS_IOPL_SHIFT, EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, EFLAGS_VIF, EFLAGS_VIP, EFLAGS_VM, RSP, VECTOR_GP, VECTOR_UD,
} from './registers.ts';
import { setStackPointer } from './stack.ts';
import type { CpuState } from './state.ts';

/** What POPF changes at any level. */
const POPF_ALWAYS = EFLAGS_ARITHMETIC | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT | EFLAGS_AC | EFLAGS_ID;

const iopl = (state: CpuState): number => (state.getU32(L.EFLAGS) & EFLAGS_IOPL) >>> EFLAGS_IOPL_SHIFT;

/**
 * Whether CLI and STI act on IF; false: on VIF, by VME or PVI. #GP(0) where the level may do neither. Real mode has
 * level 0, virtual-8086 mode 3.
 */
function ownsInterruptFlag(state: CpuState): boolean {
  const cpl = state.cpl;
  if (cpl <= iopl(state)) return true;
  if (cpl !== 3 || (state.cr(4) & (state.v86 ? CR4_VME : CR4_PVI)) === 0) fault(VECTOR_GP, 0);
  return false;
}

/** Virtual-8086 mode below IOPL 3: PUSHF and POPF use VIF if VME is on and the operand has 16 bits, else #GP(0). */
function usesVirtualFlag(state: CpuState, size: number): boolean {
  if (!state.v86 || iopl(state) === 3) return false;
  if ((state.cr(4) & CR4_VME) === 0 || size !== 16) fault(VECTOR_GP, 0);
  return true;
}

/** CLI. Returns HELPER_NEXT. */
export function cli(cpu: CpuContext): number {
  const { state } = cpu;
  const flag = ownsInterruptFlag(state) ? EFLAGS_IF : EFLAGS_VIF;
  state.setU32(L.EFLAGS, state.getU32(L.EFLAGS) & ~flag);
  return HELPER_NEXT;
}

/**
 * STI. When IF was clear, interrupts stay inhibited for one instruction more. Returns HELPER_RESYNC when the dispatcher
 * has to act on it (an interrupt waits, or TF is set), else HELPER_NEXT.
 */
export function sti(cpu: CpuContext): number {
  const { state } = cpu;
  const flags = state.getU32(L.EFLAGS);
  if (!ownsInterruptFlag(state)) {
    if (flags & EFLAGS_VIP) fault(VECTOR_GP, 0);
    state.setU32(L.EFLAGS, flags | EFLAGS_VIF);
    return HELPER_NEXT;
  }
  if (flags & EFLAGS_IF) return HELPER_NEXT;
  state.setU32(L.EFLAGS, flags | EFLAGS_IF);
  cpu.inhibitInterrupts();
  return flags & EFLAGS_TF || cpu.host.interrupts.pending ? resync(cpu) : HELPER_NEXT;
}

/** STAC and CLAC. Return HELPER_RESYNC: what the supervisor may access has changed. */
export function stac(cpu: CpuContext): number {
  return setAc(cpu, EFLAGS_AC);
}
export function clac(cpu: CpuContext): number {
  return setAc(cpu, 0);
}

function setAc(cpu: CpuContext, ac: number): number {
  const { state } = cpu;
  if (state.cpl !== 0) fault(VECTOR_UD);
  state.setU32(L.EFLAGS, (state.getU32(L.EFLAGS) & ~EFLAGS_AC) | ac);
  cpu.updateMode();
  return resync(cpu);
}

/** PUSHF. Argument: operand size in bits. Returns the value to push; a 16-bit push takes the low half. */
export function pushf(cpu: CpuContext, size: number): number {
  const { state } = cpu;
  const flags = (state.eflags & ~(EFLAGS_VM | EFLAGS_RF)) >>> 0;
  if (!usesVirtualFlag(state, size)) return flags;
  return (flags & ~EFLAGS_IF) | EFLAGS_IOPL | (flags & EFLAGS_VIF ? EFLAGS_IF : 0);
}

/**
 * POPF. Arguments: the value on top of the stack, operand size in bits. Moves RSP. Returns HELPER_RESYNC
 * when an interrupt becomes deliverable, single-stepping is on, or alignment checking changes; else HELPER_NEXT.
 */
export function popf(cpu: CpuContext, value: number, size: number): number {
  const { state } = cpu;
  const old = state.eflags;
  const virtual = usesVirtualFlag(state, size);
  const fresh = virtual ? poppedVirtual(old, value) : popped(state, old, value, size);
  state.eflags = fresh;
  if (state.code64) state.setReg64(RSP, state.reg64(RSP) + size / 8);
  else setStackPointer(cpu, state.reg(RSP) + size / 8);
  const changed = old ^ fresh;
  if (changed & EFLAGS_AC && (state.cr(0) & CR0_AM || state.cr(4) & CR4_SMAP)) {
    cpu.updateMode();
    return resync(cpu);
  }
  const deliverable = (changed & fresh & EFLAGS_IF) !== 0 && cpu.host.interrupts.pending;
  return deliverable || fresh & EFLAGS_TF ? resync(cpu) : HELPER_NEXT;
}

function popped(state: CpuState, old: number, value: number, size: number): number {
  let mask = POPF_ALWAYS;
  if (state.cpl <= iopl(state)) mask |= EFLAGS_IF;
  if (state.cpl === 0) mask |= EFLAGS_IOPL;
  if (size === 16) mask &= 0xffff;
  return ((old & ~mask) | (value & mask)) & ~EFLAGS_RF;
}

/** POPF with VME below IOPL 3: IF of the value goes to VIF; what would need the monitor faults. */
function poppedVirtual(old: number, value: number): number {
  if (value & EFLAGS_TF || (value & EFLAGS_IF && old & EFLAGS_VIP)) fault(VECTOR_GP, 0);
  const mask = POPF_ALWAYS & 0xffff;
  return (old & ~(mask | EFLAGS_VIF)) | (value & mask) | (value & EFLAGS_IF ? EFLAGS_VIF : 0);
}
