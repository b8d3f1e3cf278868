/** What CPUID tells of a profile. [SDM2 CPUID] */
import { type FeatureWord, featureBits } from '../isa/features.ts';
import type { CpuContext } from './context.ts';
import { HELPER_NEXT } from './context.ts';
import * as L from './layout.ts';
import { type CpuProfile, physicalAddressBits } from './profiles.ts';
import { CR4_OSXSAVE, RAX, RBX, RCX, RDX } from './registers.ts';
import { AREA_AVX, AREA_BYTES, STATE_AVX, STATE_SSE, STATE_X87 } from './system/area-forms.ts';

type Registers = readonly [eax: number, ebx: number, ecx: number, edx: number];
const NOTHING: Registers = [0, 0, 0, 0];

/** What answers depend on besides the profile. */
export interface CpuidState {
  readonly osxsave: boolean;
  readonly xcr0: number;
  /** There is a local APIC, and IA32_APIC_BASE has it enabled [SDM3 10.4.3]. */
  readonly apic: boolean;
}

const LEAF_FEATURES = 7;
const LEAF_XSAVE = 0xd;
const LEAF_TSC = 0x15, LEAF_FREQUENCY = 0x16;
/** The crystal that time-stamp counter and APIC timer count, a nanosecond a time, and what a processor says of its own. */
const CRYSTAL_HZ = 1_000_000_000, PROCESSOR_MHZ = 1000;
const MAX_EXTENDED = 0x80000008;
const CPUID_OSXSAVE = 1 << 27;
/** Leaf 1, EDX. */
const CPUID_APIC = 1 << 9;
/** Of IA32_APIC_BASE. */
const APIC_BASE_ENABLE = 1n << 11n;
/** CLFLUSH line size of 64 bytes, in units of 8, in bits 8-15 of leaf 1's EBX. */
const CLFLUSH_LINE = 8 << 8;
/** 512 KiB of L2, 8-way, lines of 64 bytes. */
const L2_CACHE = 0x02006040;
const LINEAR_ADDRESS_BITS = 32, LONG_LINEAR_ADDRESS_BITS = 48;

const hasAny = (profile: CpuProfile, words: readonly FeatureWord[]): boolean => words.some((word) => featureBits(word, profile.features) !== 0);

/** Highest leaves: at least the last that has features. */
function highestBasic(profile: CpuProfile): number {
  if (profile.features.has('xsave')) return Math.max(profile.level, LEAF_XSAVE);
  return hasAny(profile, ['7.ebx', '7.ecx', '7.edx']) ? Math.max(profile.level, LEAF_FEATURES) : profile.level;
}
const highestExtended = (profile: CpuProfile): number =>
  profile.brand !== '' || hasAny(profile, ['80000001.edx', '80000001.ecx', '80000007.edx']) ? MAX_EXTENDED : 0;

/** What CPUID answers for a leaf. Leaves past the highest give the highest basic one, as Intel's processors do. */
export function cpuidLeaf(profile: CpuProfile, leaf: number, subleaf: number, state: CpuidState): Registers {
  const index = leaf >>> 0;
  if (index >= 0x80000000 && index <= highestExtended(profile)) return extendedLeaf(profile, index);
  return basicLeaf(profile, Math.min(index, highestBasic(profile)), subleaf >>> 0, state);
}

function basicLeaf(profile: CpuProfile, leaf: number, subleaf: number, state: CpuidState): Registers {
  const { features } = profile;
  const bits = (word: FeatureWord): number => featureBits(word, features);
  switch (leaf) {
    case 0:
      return [
        highestBasic(profile),
        fourCharacters(profile.vendor, 0), fourCharacters(profile.vendor, 8), fourCharacters(profile.vendor, 4),
      ];
    case 1: {
      const clflush = features.has('clflush') ? CLFLUSH_LINE : 0;
      return [profile.signature, clflush, bits('1.ecx') | (state.osxsave ? CPUID_OSXSAVE : 0), bits('1.edx') & ~(state.apic ? 0 : CPUID_APIC)];
    }
    case 2:
      return profile.cacheDescriptors;
    case 4:
      return cacheLeaf(subleaf);
    case LEAF_FEATURES:
      return subleaf === 0 ? [0, bits('7.ebx'), bits('7.ecx'), bits('7.edx')] : NOTHING;
    case 0xb:
      return topologyLeaf(subleaf);
    case LEAF_XSAVE:
      return features.has('xsave') ? xsaveLeaf(profile, subleaf, state.xcr0) : NOTHING;
    case LEAF_TSC:
      return [1, 1, CRYSTAL_HZ, 0];
    case LEAF_FREQUENCY:
      return [PROCESSOR_MHZ, PROCESSOR_MHZ, PROCESSOR_MHZ, 0];
    default:
      return NOTHING;
  }
}

const LINE_BYTES = 64;
/** Leaf 4's kind of a cache: data, instructions, both. */
interface Cache {
  readonly kind: 1 | 2 | 3;
  readonly level: number;
  readonly ways: number;
  readonly bytes: number;
}
const CACHES: readonly Cache[] = [
  { kind: 1, level: 1, ways: 8, bytes: 32 << 10 }, { kind: 2, level: 1, ways: 8, bytes: 32 << 10 }, { kind: 3, level: 2, ways: 8, bytes: 512 << 10 },
];
const SELF_INITIALIZING = 1 << 8;

function cacheLeaf(subleaf: number): Registers {
  const cache = CACHES[subleaf];
  if (!cache) return NOTHING;
  const sets = cache.bytes / cache.ways / LINE_BYTES;
  return [cache.kind | (cache.level << 5) | SELF_INITIALIZING, (LINE_BYTES - 1) | ((cache.ways - 1) << 22), sets - 1, 0];
}

/** One thread in one core: its x2APIC ID is 0 at both levels. */
function topologyLeaf(subleaf: number): Registers {
  const SMT = 1 << 8, CORE = 2 << 8;
  if (subleaf === 0) return [0, 1, SMT, 0];
  return subleaf === 1 ? [0, 1, CORE | 1, 0] : [0, 0, subleaf & 0xff, 0];
}

/** The XSAVE area in standard form [SDM1 13.4]. */
function xsaveLeaf({ features }: CpuProfile, subleaf: number, xcr0: number): Registers {
  const size = (components: number): number => (components & STATE_AVX ? AREA_BYTES : AREA_AVX);
  const all = features.has('avx') ? STATE_X87 | STATE_SSE | STATE_AVX : STATE_X87 | STATE_SSE;
  switch (subleaf) {
    case 0:
      return [all, size(xcr0), size(all), 0];
    case 1:
      return [featureBits('d1.eax', features), features.has('xsavec') || features.has('xsaves') ? size(xcr0) : 0, 0, 0];
    case 2:
      return all & STATE_AVX ? [AREA_BYTES - AREA_AVX, AREA_AVX, 0, 0] : NOTHING;
    default:
      return NOTHING;
  }
}

function extendedLeaf(profile: CpuProfile, leaf: number): Registers {
  const { features } = profile;
  switch (leaf) {
    case 0x80000000:
      return [MAX_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [0, 0, featureBits('80000001.ecx', features), featureBits('80000001.edx', features)];
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
      return [0, 0, 0, featureBits('80000007.edx', features)];
    case 0x80000008:
      return [physicalAddressBits(profile) | ((features.has('lm') ? LONG_LINEAR_ADDRESS_BITS : LINEAR_ADDRESS_BITS) << 8), 0, 0, 0];
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

function hasApic({ host }: CpuContext): boolean {
  return host.apic !== undefined && (host.apic.base & APIC_BASE_ENABLE) !== 0n;
}

/** CPUID. Returns HELPER_NEXT. */
export function cpuid(cpu: CpuContext): number {
  const { state, profile, msrs } = cpu;
  const leaf = state.reg(RAX);
  const osxsave = (state.cr(4) & CR4_OSXSAVE) !== 0;
  const [eax, ebx, ecx, edx] = cpuidLeaf(profile, leaf, state.reg(RCX), { osxsave, xcr0: state.getU32(L.XCR0), apic: hasApic(cpu) });
  // Executing leaf 1 is what makes the microcode revision appear in IA32_BIOS_SIGN_ID [SDM3 9.11.7.1].
  if (leaf === 1) msrs.microcodeRevision = profile.microcode;
  state.setReg(RAX, eax);
  state.setReg(RBX, ebx);
  state.setReg(RCX, ecx);
  state.setReg(RDX, edx);
  return HELPER_NEXT;
}
