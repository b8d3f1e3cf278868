import { beforeEach, describe, expect, test } from 'vitest';
import * as L from './layout.ts';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { IA32_TSC_DEADLINE } from './apic-msrs.ts';
import { cpuid } from './cpuid.ts';
import {
  IA32_APIC_BASE, IA32_BIOS_SIGN_ID, IA32_CSTAR, IA32_EFER, IA32_FMASK, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_LSTAR,
  IA32_MISC_ENABLE, IA32_MTRR_DEF_TYPE, IA32_MTRR_FIX64K_00000, IA32_MTRR_PHYSBASE0, IA32_MTRRCAP, IA32_PAT, IA32_PLATFORM_ID, IA32_STAR,
  IA32_SYSENTER_EIP, IA32_SYSENTER_ESP, IA32_TIME_STAMP_COUNTER, IA32_TSC_AUX, rdmsr, rdpmc, rdtsc, rdtscp, wrmsr,
} from './msr.ts';
import { cpuProfile, DEFAULT_PROFILE } from './profiles.ts';
import { CR0_PE, CR0_PG, CR4_TSD, FS, GS, RAX, RBX, RCX, RDX } from './registers.ts';
import { faultOf, LONG_PROFILE, TestCpu } from './test-cpu.ts';

let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu();
});

function write(index: number, value: bigint): string {
  cpu.state.setReg(RCX, index);
  cpu.state.setReg(RAX, Number(value & 0xffffffffn));
  cpu.state.setReg(RDX, Number(value >> 32n));
  return faultOf(() => wrmsr(cpu));
}

function edxEax(): bigint {
  return (BigInt(cpu.state.reg(RDX)) << 32n) | BigInt(cpu.state.reg(RAX));
}

function read(index: number): bigint {
  cpu.state.setReg(RCX, index);
  expect(rdmsr(cpu)).toBe(HELPER_NEXT);
  return edxEax();
}

describe('time-stamp counter', () => {
  test('counts, can be written, and is privileged under TSD', () => {
    cpu.msrs.reset(cpu.tsc);
    cpu.tsc += 5n;
    expect(rdtsc(cpu)).toBe(HELPER_NEXT);
    expect(edxEax()).toBe(5n);
    expect(write(IA32_TIME_STAMP_COUNTER, 0x1_0000_0000n)).toBe('');
    cpu.tsc += 7n;
    rdtsc(cpu);
    expect(edxEax()).toBe(0x1_0000_0007n);
    expect(read(IA32_TIME_STAMP_COUNTER)).toBe(0x1_0000_0007n);
    cpu.state.setCr(4, CR4_TSD);
    cpu.protect(3);
    expect(faultOf(() => rdtsc(cpu))).toBe('13(0)');
  });
});

describe('registers', () => {
  test('what does not exist, and what is not written', () => {
    cpu.state.setReg(RCX, 0x12345);
    expect(faultOf(() => rdmsr(cpu))).toBe('13(0)');
    expect(write(0x12345, 0n)).toBe('13(0)');
    expect(write(IA32_MTRRCAP, 0n)).toBe('13(0)');
    expect(write(IA32_PLATFORM_ID, 0n)).toBe('13(0)');
    expect(faultOf(() => rdpmc(cpu))).toBe('13(0)');
  });

  test('level 0 only', () => {
    cpu.protect(3);
    cpu.state.setReg(RCX, IA32_PAT);
    expect(faultOf(() => rdmsr(cpu))).toBe('13(0)');
    expect(write(IA32_PAT, 0n)).toBe('13(0)');
  });

  test('MTRRs and PAT keep valid types only', () => {
    expect(read(IA32_MTRRCAP)).toBe(0x508n);
    expect(write(IA32_MTRR_FIX64K_00000, 0x0606060606060606n)).toBe('');
    expect(read(IA32_MTRR_FIX64K_00000)).toBe(0x0606060606060606n);
    expect(write(IA32_MTRR_FIX64K_00000, 0x02n)).toBe('13(0)');
    expect(write(IA32_MTRR_PHYSBASE0, 0xf0000006n)).toBe('');
    expect(write(IA32_MTRR_PHYSBASE0 + 1, 0xff0000800n)).toBe('');
    expect(write(IA32_MTRR_PHYSBASE0 + 1, 1n << 36n)).toBe('13(0)');
    expect(write(IA32_MTRR_PHYSBASE0 + 15, 0x800n)).toBe('');
    expect(write(IA32_MTRR_PHYSBASE0 + 16, 0n)).toBe('13(0)');
    expect(write(IA32_MTRR_DEF_TYPE, 0xc06n)).toBe('');
    expect(write(IA32_MTRR_DEF_TYPE, 0x1006n)).toBe('13(0)');
    expect(read(IA32_PAT)).toBe(0x0007040600070406n);
    expect(write(IA32_PAT, 0x0007010600070106n)).toBe('');
    expect(write(IA32_PAT, 0x2n)).toBe('13(0)');
  });

  test('EFER has NXE alone, and turns NX on', () => {
    expect(write(IA32_EFER, 1n)).toBe('13(0)');
    cpu.state.setReg(RCX, IA32_EFER);
    cpu.state.setReg(RAX, 0x800);
    cpu.state.setReg(RDX, 0);
    expect(wrmsr(cpu)).toBe(HELPER_RESYNC);
    expect(read(IA32_EFER)).toBe(0x800n);
    cpu = new TestCpu(cpuProfile('x86-64-v1,-lm,-syscall,-nx'));
    expect(write(IA32_EFER, 0x800n)).toBe('13(0)');
  });

  test('EFER in a processor with long mode: LMA is read-only, LME fixed while paging is on', () => {
    cpu = new TestCpu(LONG_PROFILE);
    expect(write(IA32_EFER, 0xd01n)).toBe('');
    expect(read(IA32_EFER)).toBe(0x901n);
    cpu.state.setCr(0, CR0_PE | CR0_PG);
    expect(write(IA32_EFER, 0x801n)).toBe('13(0)');
    expect(write(IA32_EFER, 0x100n)).toBe('');
    for (const bit of [1n, 9n, 12n, 32n]) expect(write(IA32_EFER, 0x100n | (1n << bit))).toBe('13(0)');
  });

  test('addresses of long mode have to be canonical; bases are those of the segments', () => {
    cpu = new TestCpu(LONG_PROFILE);
    const addresses = [IA32_LSTAR, IA32_CSTAR, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP];
    for (const index of addresses) {
      expect(write(index, 0xffff800000001000n)).toBe('');
      expect(read(index)).toBe(0xffff800000001000n);
      expect(write(index, 0x0000800000000000n)).toBe('13(0)');
      expect(write(index, 0xffff7fffffffffffn)).toBe('13(0)');
    }
    expect([cpu.state.segBase(FS), cpu.state.segBase(GS)]).toEqual([0x1000 - 2 ** 47, 0x1000 - 2 ** 47]);
    expect(cpu.state.getLinear(L.SYSENTER_EIP)).toBe(0x1000 - 2 ** 47);
    expect(write(IA32_STAR, 0x0023001012345678n)).toBe('');
    for (const index of [IA32_FMASK, IA32_TSC_AUX]) {
      expect(write(index, 0xffffffffn)).toBe('');
      expect(write(index, 1n << 32n)).toBe('13(0)');
    }
    expect(rdtscp(cpu)).toBe(HELPER_NEXT);
    expect(cpu.state.reg(RCX)).toBe(0xffffffff);
  });

  test('a 32-bit processor has none of them', () => {
    for (const index of [IA32_STAR, IA32_LSTAR, IA32_FMASK, IA32_FS_BASE, IA32_TSC_AUX]) expect(write(index, 0n)).toBe('13(0)');
    expect(write(IA32_SYSENTER_EIP, 0x1c0123456n)).toBe('');
    expect(read(IA32_SYSENTER_EIP)).toBe(0xc0123456n);
  });

  test('the local APIC cannot be enabled where there is none', () => {
    expect(read(IA32_APIC_BASE)).toBe(0xfee00100n);
    expect(write(IA32_APIC_BASE, 0xfee00900n)).toBe('');
    expect(read(IA32_APIC_BASE)).toBe(0xfee00100n);
  });

  test('fast strings are on, and the other bits stay', () => {
    expect(read(IA32_MISC_ENABLE)).toBe(0x1801n);
    expect(write(IA32_MISC_ENABLE, 0xffffn)).toBe('');
    expect(read(IA32_MISC_ENABLE)).toBe(0x1801n);
  });

  test('a microcode update is seen through CPUID', () => {
    expect(write(IA32_BIOS_SIGN_ID, 0n)).toBe('');
    expect(read(IA32_BIOS_SIGN_ID)).toBe(0n);
    cpu.state.setReg(RAX, 1);
    cpuid(cpu);
    expect(read(IA32_BIOS_SIGN_ID)).toBe(BigInt(DEFAULT_PROFILE.microcode) << 32n);
  });

  test('a snapshot brings everything back', () => {
    write(IA32_SYSENTER_EIP, 0xc0123456n);
    write(IA32_TIME_STAMP_COUNTER, 99n);
    write(IA32_EFER, 0x800n);
    cpu.mmu.pdptes[0] = 0x2001;
    const snapshot = JSON.parse(JSON.stringify(cpu.msrs.save()));
    cpu.msrs.reset(0n);
    cpu.msrs.restore(snapshot);
    expect(read(IA32_SYSENTER_EIP)).toBe(0xc0123456n);
    expect(read(IA32_TIME_STAMP_COUNTER)).toBe(99n);
    expect(cpu.mmu.pdptes[0]).toBe(0x2001);
    expect(cpu.msrs.save()).toEqual(snapshot);
  });
});

describe('CPUID', () => {
  function leaf(n: number): [number, number, number, number] {
    cpu.state.setReg(RAX, n);
    expect(cpuid(cpu)).toBe(HELPER_NEXT);
    return [cpu.state.reg(RAX), cpu.state.reg(RBX), cpu.state.reg(RCX), cpu.state.reg(RDX)];
  }
  const text = (...words: number[]): string =>
    words.flatMap((w) => [0, 8, 16, 24].map((i) => String.fromCharCode((w >>> i) & 0xff))).join('').replace(/\0+$/, '');

  test('vendor, brand and address sizes', () => {
    const [max, b, c, d] = leaf(0);
    expect(max).toBe(0x16);
    expect(text(b, d, c)).toBe('GenuineIntel');
    expect(text(...leaf(0x80000002), ...leaf(0x80000003), ...leaf(0x80000004))).toBe(DEFAULT_PROFILE.brand);
    expect(leaf(0x80000000)[0]).toBe(0x80000008);
    expect(leaf(0x80000008)[0]).toBe(0x2024);
    expect((leaf(0x80000001)[3] >>> 20) & 1).toBe(1);
  });

  test('leaves past the end give the last basic one', () => {
    expect(leaf(0x17)).toEqual(leaf(0x16));
    expect(leaf(0x40000000)).toEqual(leaf(0x16));
    expect(leaf(0x80000009)).toEqual(leaf(0x16));
  });
});

describe('local APIC [SDM3 10.4.3, 10.4.4, 10.5.4.1]', () => {
  const apic = {
    base: 0xfee00900n, tscDeadline: 0n, taskPriority: 0, written: [] as [number, bigint][],
    setBase(value: bigint) {
      this.base = value;
      return true;
    },
    readMsr: (index: number) => BigInt(index),
    writeMsr(index: number, value: bigint) {
      this.written.push([index, value]);
      return value < 0x100n;
    },
  };
  const profile = cpuProfile('x86-64-v2');
  const CPUID_APIC = 1 << 9;
  const hasApic = (): boolean => {
    cpu.state.setReg(RAX, 1);
    cpuid(cpu);
    return (cpu.state.reg(RDX) & CPUID_APIC) !== 0;
  };

  test('CPUID shows it while it is enabled', () => {
    expect(hasApic()).toBe(false);
    cpu = new TestCpu(profile, apic);
    expect(hasApic()).toBe(true);
    expect(write(IA32_APIC_BASE, 0xfee00100n)).toBe('');
    expect(hasApic()).toBe(false);
    expect(write(IA32_APIC_BASE, 0xfee00b00n)).toBe('13(0)');
  });

  test('the x2APIC has its MSRs', () => {
    cpu = new TestCpu(profile, apic);
    expect(read(0x802)).toBe(0x802n);
    expect([write(0x808, 0x20n), write(0x808, 0x100n)]).toEqual(['', '13(0)']);
    expect(apic.written).toEqual([[0x808, 0x20n], [0x808, 0x100n]]);
    expect(write(IA32_APIC_BASE, 0xfee00d00n)).toBe('');
    cpu = new TestCpu(cpuProfile('x86-64-v1'), apic);
    expect(write(IA32_APIC_BASE, 0xfee00d00n)).toBe('13(0)');
    expect(write(IA32_TSC_DEADLINE, 0n)).toBe('13(0)');
  });

  test('a deadline is one of the guest’s counter, and stays when that is set', () => {
    cpu = new TestCpu(profile, apic);
    cpu.msrs.reset(cpu.tsc);
    expect([read(IA32_TSC_DEADLINE), write(IA32_TSC_DEADLINE, 500n)]).toEqual([0n, '']);
    expect([apic.tscDeadline, read(IA32_TSC_DEADLINE)]).toEqual([1500n, 500n]);
    write(IA32_TIME_STAMP_COUNTER, 100n);
    expect([apic.tscDeadline, read(IA32_TSC_DEADLINE)]).toEqual([1400n, 500n]);
    write(IA32_TIME_STAMP_COUNTER, 10_000n);
    expect(apic.tscDeadline).toBe(1n);
  });
});
