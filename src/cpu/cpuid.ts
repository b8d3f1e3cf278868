/**
 * CPUID and the profiles that say which processor a machine has. [SDM2 CPUID]
 *
 * The default profile names a family 6 model 1CH (Atom N450): an in-order core, which kernels know not to speculate, so
 * they leave out their workarounds for speculation. Its feature bits are those that this emulator implements: a
 * 32-bit processor with SSE2, PAE and NX. The time-stamp counter runs at a constant rate (leaf 80000007H).
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT } from './context.ts';
import { PHYSICAL_ADDRESS_BITS } from './paging.ts';
import { RAX, RBX, RCX, RDX } from './registers.ts';

// Leaf 1, EDX [SDM2 table 3-11]
export const CPUID_FPU = 1 << 0, CPUID_VME = 1 << 1, CPUID_DE = 1 << 2, CPUID_PSE = 1 << 3, CPUID_TSC = 1 << 4;
export const CPUID_MSR = 1 << 5, CPUID_PAE = 1 << 6, CPUID_MCE = 1 << 7, CPUID_CX8 = 1 << 8, CPUID_APIC = 1 << 9;
export const CPUID_SEP = 1 << 11, CPUID_MTRR = 1 << 12, CPUID_PGE = 1 << 13, CPUID_MCA = 1 << 14, CPUID_CMOV = 1 << 15;
export const CPUID_PAT = 1 << 16, CPUID_PSE36 = 1 << 17, CPUID_CLFSH = 1 << 19, CPUID_MMX = 1 << 23;
export const CPUID_FXSR = 1 << 24, CPUID_SSE = 1 << 25, CPUID_SSE2 = 1 << 26;
/** Leaf 80000001H, EDX. */
export const CPUID_NX = 1 << 20;
/** Leaf 80000007H, EDX: invariant TSC. */
const CPUID_INVARIANT_TSC = 1 << 8;

export interface CpuProfile {
  readonly name: string;
  /** Twelve characters. */
  readonly vendor: string;
  /** Leaf 1, EAX: family, model and stepping in their encoded form. */
  readonly signature: number;
  /** At most 47 characters; empty for a processor without the brand string leaves. */
  readonly brand: string;
  /** Leaf 1, EDX and ECX. */
  readonly features: number;
  readonly featuresEcx: number;
  /** Leaf 80000001H, EDX. */
  readonly extendedFeatures: number;
  /** Leaf 2: EAX, EBX, ECX, EDX. */
  readonly cacheDescriptors: readonly [number, number, number, number];
  /** Microcode revision, as IA32_BIOS_SIGN_ID gives it. */
  readonly microcode: number;
}

export const PROFILE_SSE2: CpuProfile = {
  name: 'sse2',
  vendor: 'GenuineIntel',
  signature: 0x000106ca,
  brand: 'Intel(R) Atom(TM) CPU N450 (Coracle)',
  features:
    CPUID_FPU | CPUID_VME | CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | CPUID_PAE | CPUID_CX8 | CPUID_SEP |
    CPUID_MTRR | CPUID_PGE | CPUID_CMOV | CPUID_PAT | CPUID_PSE36 | CPUID_CLFSH | CPUID_MMX | CPUID_FXSR |
    CPUID_SSE | CPUID_SSE2,
  featuresEcx: 0,
  extendedFeatures: CPUID_NX,
  // TLBs 01 02 03; 16 KiB L1 instruction and data caches (08, 0C), 4 MiB-page TLB (04), 512 KiB L2 (43).
  cacheDescriptors: [0x03020101, 0, 0, 0x0c040843],
  microcode: 0x20f,
};

export const DEFAULT_PROFILE = PROFILE_SSE2;

const MAX_BASIC = 2;
const MAX_EXTENDED = 0x80000008;
/** CLFLUSH line size of 64 bytes, in units of 8, in bits 8-15 of leaf 1's EBX. */
const CLFLUSH_LINE = 8 << 8;
/** 512 KiB of L2, 8-way, lines of 64 bytes. */
const L2_CACHE = 0x02006040;
const LINEAR_ADDRESS_BITS = 32;

type Registers = readonly [eax: number, ebx: number, ecx: number, edx: number];
const NOTHING: Registers = [0, 0, 0, 0];

/** What CPUID answers for a leaf. Leaves past the highest give the highest basic one, as Intel's processors do. */
export function cpuidLeaf(profile: CpuProfile, leaf: number): Registers {
  const index = leaf >>> 0;
  if (index <= MAX_BASIC) return basicLeaf(profile, index);
  if (index >= 0x80000000 && index <= MAX_EXTENDED) return extendedLeaf(profile, index);
  return basicLeaf(profile, MAX_BASIC);
}

function basicLeaf(profile: CpuProfile, leaf: number): Registers {
  switch (leaf) {
    case 0:
      return [
        MAX_BASIC,
        fourCharacters(profile.vendor, 0), fourCharacters(profile.vendor, 8), fourCharacters(profile.vendor, 4),
      ];
    case 1: {
      const clflush = profile.features & CPUID_CLFSH ? CLFLUSH_LINE : 0;
      return [profile.signature, clflush, profile.featuresEcx, profile.features];
    }
    default:
      return profile.cacheDescriptors;
  }
}

function extendedLeaf(profile: CpuProfile, leaf: number): Registers {
  switch (leaf) {
    case 0x80000000:
      return [MAX_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [0, 0, 0, profile.extendedFeatures];
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const at = (leaf - 0x80000002) * 16;
      const word = (i: number): number => fourCharacters(profile.brand, at + i * 4);
      return [word(0), word(1), word(2), word(3)];
    }
    case 0x80000006:
      return [0, 0, L2_CACHE, 0];
    case 0x80000007:
      return [0, 0, 0, CPUID_INVARIANT_TSC];
    case 0x80000008:
      return [PHYSICAL_ADDRESS_BITS | (LINEAR_ADDRESS_BITS << 8), 0, 0, 0];
    default:
      return NOTHING;
  }
}

/** Four characters of a string as a little-endian register; zeros past its end. */
function fourCharacters(text: string, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value |= (text.charCodeAt(at + i) || 0) << (i * 8);
  return value;
}

/** CPUID. Returns HELPER_NEXT. */
export function cpuid(cpu: CpuContext): number {
  const { state, profile, msrs } = cpu;
  const leaf = state.reg(RAX);
  const [eax, ebx, ecx, edx] = cpuidLeaf(profile, leaf);
  // Executing leaf 1 is what makes the microcode revision appear in IA32_BIOS_SIGN_ID [SDM3 9.11.7.1].
  if (leaf === 1) msrs.microcodeRevision = profile.microcode;
  state.setReg(RAX, eax);
  state.setReg(RBX, ebx);
  state.setReg(RCX, ecx);
  state.setReg(RDX, edx);
  return HELPER_NEXT;
}
