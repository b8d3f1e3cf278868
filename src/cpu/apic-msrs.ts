/**
 * MSRs whose register is the local APIC's: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC's range
 * [SDM3 10.4.4, 10.5.4.1, 10.12.1].
 */
import type { CpuContext, LocalApicPort } from './context.ts';
import { type CpuProfile, physicalAddressBits } from './profiles.ts';

export const IA32_APIC_BASE = 0x1b, IA32_TSC_DEADLINE = 0x6e0;
const X2APIC_FIRST = 0x800, X2APIC_LAST = 0xbff;
const APIC_BASE_RESERVED = 0x2ffn;
const APIC_BASE_EXTD = 1n << 10n;

function apicOf(cpu: CpuContext): LocalApicPort | undefined {
  return cpu.profile.features.has('apic') ? cpu.host.apic : undefined;
}

const hasDeadline = (profile: CpuProfile): boolean => profile.features.has('tsc-deadline');

/** Bits of IA32_APIC_BASE that a processor does not have. */
function reservedBits(profile: CpuProfile): bigint {
  const address = ~((1n << BigInt(physicalAddressBits(profile))) - 1n);
  return APIC_BASE_RESERVED | address | (profile.features.has('x2apic') ? 0n : APIC_BASE_EXTD);
}

/** True for an index that the functions below answer for. */
export function isApicMsr(cpu: CpuContext, index: number): boolean {
  if (apicOf(cpu) === undefined) return false;
  return index === IA32_APIC_BASE || index === IA32_TSC_DEADLINE || (index >= X2APIC_FIRST && index <= X2APIC_LAST);
}

/** undefined: no such register. */
export function readApicMsr(cpu: CpuContext, index: number): bigint | undefined {
  const apic = cpu.host.apic!;
  if (index === IA32_APIC_BASE) return apic.base;
  if (index !== IA32_TSC_DEADLINE) return apic.readMsr(index);
  if (!hasDeadline(cpu.profile)) return undefined;
  return apic.tscDeadline === 0n ? 0n : cpu.msrs.tsc(apic.tscDeadline);
}

/** False: no such register, or a value that it does not take. */
export function writeApicMsr(cpu: CpuContext, index: number, value: bigint): boolean {
  const apic = cpu.host.apic!;
  if (index === IA32_APIC_BASE) {
    return (value & reservedBits(cpu.profile)) === 0n && apic.setBase(value);
  }
  if (index !== IA32_TSC_DEADLINE) return apic.writeMsr(index, value);
  if (!hasDeadline(cpu.profile)) return false;
  apic.tscDeadline = value === 0n ? 0n : hostDeadline(cpu, value);
  return true;
}

/** Changes the guest's time-stamp counter by `change`; an armed deadline stays where the guest put it. */
export function keepDeadline(cpu: CpuContext, change: () => void): void {
  const { apic } = cpu.host;
  const armed = apic !== undefined && apic.tscDeadline !== 0n;
  const deadline = armed ? cpu.msrs.tsc(apic.tscDeadline) : 0n;
  change();
  if (armed) apic.tscDeadline = hostDeadline(cpu, deadline);
}

/** One that has passed already is armed too, and fires at once. */
function hostDeadline(cpu: CpuContext, guest: bigint): bigint {
  const host = cpu.msrs.hostTsc(guest);
  return host > 0n ? host : 1n;
}
