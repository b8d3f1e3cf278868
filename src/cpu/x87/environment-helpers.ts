/**
 * FNSTENV, FLDENV, FNSAVE and FRSTOR as helpers. A store probes its whole range and a load reads it all
 * before any state changes. Left to the body: the segment's limits, #NM, and a pending #MF before FLDENV and FRSTOR.
 * [SDM2 FLDENV, FRSTOR, FSAVE, FSTENV]
 */
import { type CpuContext, HELPER_NEXT } from '../context.ts';
import { checkDataBreakpoint } from '../debug-registers.ts';
import {
  type EnvironmentFormat, FPU_REGISTERS_SIZE, decodeEnvironment, decodeState, encodeEnvironment, encodeState, environmentSize, initialise,
  maskExceptions,
} from './environment.ts';

function formatOf(cpu: CpuContext, operandSize: number): EnvironmentFormat {
  const { state } = cpu;
  return { operandSize: operandSize === 16 ? 16 : 32, isProtected: state.protectedMode && !state.v86 };
}

/** How much of a range lies in its first page. */
const inFirstPage = (linear: number, size: number): number => Math.min(size, 4096 - (linear & 0xfff));

export function readBytes(cpu: CpuContext, linear: number, size: number): Uint8Array {
  const first = inFirstPage(linear, size);
  if (first < size) {
    const whole = new Uint8Array(size);
    whole.set(readBytes(cpu, linear, first));
    whole.set(readBytes(cpu, linear + first, size - first), first);
    return whole;
  }
  const user = cpu.state.cpl === 3;
  const direct = cpu.mmu.readableRange(linear, size, user);
  if (direct !== 0) return cpu.state.arena.u8.slice(direct, direct + size);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (; at + 4 <= size; at += 4) view.setUint32(at, cpu.mmu.read32(linear + at, user), true);
  for (; at < size; at++) bytes[at] = cpu.mmu.read8(linear + at, user);
  checkDataBreakpoint(cpu, linear, size, false);
  return bytes;
}

/** Writes what `probeWrite` has allowed. */
export function writeBytes(cpu: CpuContext, linear: number, bytes: Uint8Array): void {
  const first = inFirstPage(linear, bytes.length);
  if (first < bytes.length) {
    writeBytes(cpu, linear, bytes.subarray(0, first));
    writeBytes(cpu, linear + first, bytes.subarray(first));
    return;
  }
  const user = cpu.state.cpl === 3;
  const direct = cpu.mmu.writableRange(linear, bytes.length, user);
  if (direct !== 0) {
    cpu.state.arena.u8.set(bytes, direct);
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) cpu.mmu.write32(linear + at, view.getUint32(at, true), user);
  for (; at < bytes.length; at++) cpu.mmu.write8(linear + at, bytes[at], user);
  checkDataBreakpoint(cpu, linear, bytes.length, true);
}

export function probe(cpu: CpuContext, linear: number, size: number): void {
  cpu.mmu.probeWrite(linear, size, cpu.state.cpl === 3);
}

/** FNSTENV. Arguments: linear address, operand size in bits (16 or 32). Returns HELPER_NEXT, as they all do. */
export function fnstenv(cpu: CpuContext, linear: number, operandSize: number): number {
  const bytes = encodeEnvironment(cpu.state, formatOf(cpu, operandSize));
  probe(cpu, linear, bytes.length);
  writeBytes(cpu, linear, bytes);
  maskExceptions(cpu.state);
  return HELPER_NEXT;
}

/** FLDENV. Arguments as FNSTENV. */
export function fldenv(cpu: CpuContext, linear: number, operandSize: number): number {
  const format = formatOf(cpu, operandSize);
  decodeEnvironment(cpu.state, format, readBytes(cpu, linear, environmentSize(format)));
  return HELPER_NEXT;
}

/** FNSAVE. Arguments as FNSTENV. */
export function fnsave(cpu: CpuContext, linear: number, operandSize: number): number {
  const bytes = encodeState(cpu.state, formatOf(cpu, operandSize));
  probe(cpu, linear, bytes.length);
  writeBytes(cpu, linear, bytes);
  initialise(cpu.state);
  return HELPER_NEXT;
}

/** FRSTOR. Arguments as FNSTENV. */
export function frstor(cpu: CpuContext, linear: number, operandSize: number): number {
  const format = formatOf(cpu, operandSize);
  decodeState(cpu.state, format, readBytes(cpu, linear, environmentSize(format) + FPU_REGISTERS_SIZE));
  return HELPER_NEXT;
}
