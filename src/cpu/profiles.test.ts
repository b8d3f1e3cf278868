import { describe, expect, it } from 'vitest';
import { Decoder } from '../isa/decode.ts';
import type { FeatureSet } from '../isa/features.ts';
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { cpuidLeaf } from './cpuid.ts';
import { cpuProfile } from './profiles.ts';

const RESET = { osxsave: false, xcr0: 1, apic: false };
const leaf = (cpu: string, n: number, subleaf = 0) => cpuidLeaf(cpuProfile(cpu), n, subleaf, RESET);
/** Profiles as they will be when everything is implemented. */
const whole = (name: string, ...features: Parameters<FeatureSet['has']>[0][]) => {
  const profile = cpuProfile(name);
  return { ...profile, features: new Set([...profile.features, ...features]) };
};

describe('Processor profiles', () => {
  it('say in CPUID what they have', () => {
    expect(leaf('486', 1)).toEqual([0x480, 0, 0, 0b1011]);
    expect(leaf('486', 0x80000000)).toEqual(leaf('486', 1));
    expect(leaf('pentium', 1)[3] & (1 << 23)).toBe(1 << 23);
    expect(leaf('pentium3', 1)[3] & (3 << 25)).toBe(1 << 25);
    expect(leaf('pentium3,+sse2,+clflush', 1)[3] & (3 << 25)).toBe(3 << 25);
    expect(leaf('x86-64-v1', 0x80000001)[3]).toBe((1 << 11) | (1 << 20) | (1 << 29));
    expect(leaf('x86-64-v1,-lm,-syscall,-nx', 0x80000001)[3]).toBe(0);
  });

  it('have the leaves of their features', () => {
    const avx2 = whole('x86-64-v1', 'xsave', 'xsaveopt', 'avx', 'avx2', 'lm');
    expect(cpuidLeaf({ ...avx2, level: 2 }, 0, 0, RESET)[0]).toBe(0xd);
    expect(cpuidLeaf(avx2, 7, 0, RESET)).toEqual([0, 1 << 5, 0, 0]);
    expect(cpuidLeaf(avx2, 7, 1, RESET)).toEqual([0, 0, 0, 0]);
    expect(cpuidLeaf(avx2, 0xd, 0, { osxsave: true, xcr0: 7, apic: false })).toEqual([7, 832, 832, 0]);
    expect(cpuidLeaf(avx2, 0xd, 0, { osxsave: true, xcr0: 3, apic: false })).toEqual([7, 576, 832, 0]);
    expect(cpuidLeaf(avx2, 0xd, 1, RESET)).toEqual([1, 0, 0, 0]);
    expect(cpuidLeaf(avx2, 0xd, 2, RESET)).toEqual([256, 576, 0, 0]);
    expect(cpuidLeaf(avx2, 1, 0, { osxsave: true, xcr0: 1, apic: false })[2]).toBe((1 << 26) | (1 << 27) | (1 << 28));
    expect(cpuidLeaf(avx2, 0x80000008, 0, RESET)[0]).toBe(0x3028);
  });

  it('tell at what frequency time-stamp counter and APIC timer count', () => {
    const [denominator, numerator, crystal] = leaf('x86-64-v1', 0x15);
    expect([(crystal * numerator) / denominator, leaf('x86-64-v1', 0x16)[0] * 1e6]).toEqual([1e9, 1e9]);
  });

  it('tell of caches and threads', () => {
    const nehalem = { ...whole('x86-64-v1'), level: 0xb };
    const bytes = [0, 1, 2].map((n) => {
      const [, b, sets] = cpuidLeaf(nehalem, 4, n, RESET);
      return ((b >>> 22) + 1) * ((b & 0xfff) + 1) * (sets + 1);
    });
    expect(bytes).toEqual([32 << 10, 32 << 10, 512 << 10]);
    expect(cpuidLeaf(nehalem, 4, 3, RESET)[0]).toBe(0);
    expect(cpuidLeaf(nehalem, 0xb, 0, RESET)).toEqual([0, 1, 0x100, 0]);
    expect(cpuidLeaf(nehalem, 0xb, 2, RESET)).toEqual([0, 0, 2, 0]);
  });

  it('are refused when they do not exist or contradict themselves', () => {
    expect(() => cpuProfile('k6')).toThrow(/there are 486, pentium, pentium3, x86-64-v1/);
    expect(() => cpuProfile('486,+mmx2')).toThrow(/mmx2.*one of fpu, vme/);
    expect(() => cpuProfile('486,mmx')).toThrow(/made of \+ or -/);
    expect(() => cpuProfile('x86-64-v1,-sse')).toThrow(/sse2 needs sse/);
    expect(() => cpuProfile('486,+sse2')).toThrow(/sse2 needs sse and clflush/);
    expect(() => cpuProfile('486,-fpu')).toThrow(/x87/);
  });
});

describe('Instructions that a processor lacks', () => {
  const decodes = (cpu: string, bytes: readonly number[]) =>
    new Decoder(INSTRUCTION_SET, cpuProfile(cpu).features).decode(Uint8Array.from([...bytes, 0, 0, 0, 0]), 0, bytes.length, 32);

  it('leave no opcode to two rows', () => {
    for (const cpu of ['486', 'x86-64-v1', 'max']) expect(() => new Decoder(INSTRUCTION_SET, cpuProfile(cpu).features).check()).not.toThrow();
  });

  it('are undefined opcodes', () => {
    const CMOVE = [0x0f, 0x44, 0xc0], PADDB = [0x0f, 0xfc, 0xc0], ADDPS = [0x0f, 0x58, 0xc0], ADDPD = [0x66, 0x0f, 0x58, 0xc0], RDTSC = [0x0f, 0x31];
    const all = [RDTSC, PADDB, CMOVE, ADDPS, ADDPD];
    const count = (cpu: string) => all.filter((code) => decodes(cpu, code) === 'ok').length;
    expect(['486', 'pentium', 'pentium3', 'x86-64-v1'].map(count)).toEqual([0, 2, 4, 5]);
    expect(decodes('pentium3,-mmx,-sse', PADDB)).toBe('undefined');
  });
});
