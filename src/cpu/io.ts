/**
 * Ports for IN, OUT, INS and OUTS: I/O privilege, the permission bitmap, and the accesses. [SDM1 19.5] I/O protection.
 * The bitmap is read as two bytes, so it needs a byte of ones behind its last port, as processors do.
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT } from './context.ts';
import { resync } from './control-registers.ts';
import { checkIoBreakpoint } from './debug-registers.ts';
import { ATTR_P, TYPE_32 } from './descriptors.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { EFLAGS_IF, EFLAGS_IOPL, EFLAGS_IOPL_SHIFT, TR, VECTOR_GP } from './registers.ts';

type Width = 1 | 2 | 4;

/** Offset of the I/O map base in a 32-bit TSS. */
const TSS_IO_MAP_BASE = 102;

/** Faults with #GP(0) unless the current level may use `width` ports from `port` on. */
export function checkIo(cpu: CpuContext, port: number, width: number): void {
  const { state, mmu } = cpu;
  if (!state.protectedMode) return;
  const iopl = (state.getU32(L.EFLAGS) & EFLAGS_IOPL) >>> EFLAGS_IOPL_SHIFT;
  if (!state.v86 && state.cpl <= iopl) return;
  const attributes = state.segAttributes(TR);
  const limit = state.segLimit(TR);
  const tss = state.segBase(TR);
  if ((attributes & ATTR_P) === 0 || (attributes & TYPE_32) === 0 || limit < TSS_IO_MAP_BASE + 1) fault(VECTOR_GP, 0);
  const at = mmu.read16(tss + TSS_IO_MAP_BASE, false) + (port >>> 3);
  if (at + 1 > limit) fault(VECTOR_GP, 0);
  const bits = mmu.read16(tss + at, false) >>> (port & 7);
  if (bits & ((1 << width) - 1)) fault(VECTOR_GP, 0);
}

/** The permission check alone. Arguments: port, width in bytes. Returns HELPER_NEXT. */
export function checkIoHelper(cpu: CpuContext, port: number, width: number): number {
  checkIo(cpu, port, width);
  return HELPER_NEXT;
}

/** Reads a port after the permission check. Arguments: port, width in bytes. Returns the value. */
export function portIn(cpu: CpuContext, port: number, width: number): number {
  checkIoBreakpoint(cpu, port, width);
  return cpu.host.ports.readPort(port, width as Width);
}

/**
 * Writes a port after the permission check, as a step of OUTS does. Arguments: port, width in bytes, value. Returns
 * HELPER_NEXT: what the write brought about waits for the edge of the block.
 */
export function portOut(cpu: CpuContext, port: number, width: number, value: number): number {
  checkIoBreakpoint(cpu, port, width);
  cpu.host.ports.writePort(port, width as Width, value >>> 0);
  return HELPER_NEXT;
}

/**
 * OUT, the permission check included. Arguments: port, width in bytes, value. Returns HELPER_RESYNC when an interrupt
 * became deliverable, the board asks for the dispatcher, or the memory map changed under the code that runs; else
 * HELPER_NEXT.
 */
export function out(cpu: CpuContext, port: number, width: number, value: number): number {
  checkIo(cpu, port, width);
  const { state, mmu, host } = cpu;
  const generation = mmu.mapGeneration;
  portOut(cpu, port, width, value);
  const interrupt = host.interrupts.pending && (state.getU32(L.EFLAGS) & EFLAGS_IF) !== 0;
  if (interrupt || state.getU32(L.ATTENTION) !== 0 || mmu.mapGeneration !== generation) return resync(cpu);
  return HELPER_NEXT;
}
