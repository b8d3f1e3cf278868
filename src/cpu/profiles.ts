/**
 * Which processor a machine has: profiles by name, changed by `+feature` and `-feature` as in QEMU's `-cpu`.
 *
 * A profile claims no more than is implemented: what is in `NOT_YET` is left out of all of them, with what builds on it. `max`
 * has everything.
 * The x86-64 profiles have the features of the levels of the x86-64 psABI, and what the operating systems of their time
 * expect beside them, but for SMAP: kernels open and close user pages by it at each copy, after which the TLB knows none of them.
 * They name a family 6 model 1CH (Atom N450): an in-order core, which kernels know not to speculate, so they leave out their
 * workarounds for speculation.
 */
import { EmulatorError } from '../errors.ts';
import { type Feature, featureNamed, FEATURES, type FeatureSet, missingFor } from '../isa/features.ts';

export interface CpuProfile {
  readonly name: string;
  /** Twelve characters. */
  readonly vendor: string;
  /** Leaf 1, EAX: family, model and stepping in their encoded form. */
  readonly signature: number;
  /** At most 47 characters; empty for a processor without extended leaves. */
  readonly brand: string;
  readonly features: FeatureSet;
  /** Highest basic leaf. */
  readonly level: number;
  /** Leaf 2: EAX, EBX, ECX, EDX. */
  readonly cacheDescriptors: readonly [number, number, number, number];
  /** Microcode revision, as IA32_BIOS_SIGN_ID gives it. */
  readonly microcode: number;
}

/** Features that no machine has yet; to turn one on is to take it out. */
const NOT_YET: readonly Feature[] = [
  'ht', // several logical processors
  'monitor', // MWAIT waits for a store of another one
  'hypervisor', 'erms', 'fsrm',
];

const I486: readonly Feature[] = ['fpu', 'vme', 'pse'];
const PENTIUM: readonly Feature[] = [...I486, 'de', 'tsc', 'msr', 'mce', 'cx8', 'apic', 'mmx'];
const PENTIUM3: readonly Feature[] = [...PENTIUM, 'pae', 'sep', 'mtrr', 'pge', 'mca', 'cmov', 'pat', 'pse36', 'fxsr', 'sse'];
const V1: readonly Feature[] = [...PENTIUM3, 'clflush', 'sse2', 'nx', 'syscall', 'lm', 'apic', 'invtsc'];
const V2: readonly Feature[] = [
  ...V1, 'sse3', 'ssse3', 'sse4.1', 'sse4.2', 'popcnt', 'cx16', 'lahf-lm', 'pdpe1gb', 'rdtscp', 'pcid', 'x2apic', 'tsc-deadline',
];
const V3: readonly Feature[] = [
  ...V2, 'xsave', 'xsaveopt', 'avx', 'avx2', 'f16c', 'fma', 'bmi1', 'bmi2', 'abm', 'movbe', 'fsgsbase', 'smep', 'invpcid', 'umip', 'rdrand', 'rdseed',
  '3dnowprefetch',
];

/** MAXPHYADDR [SDM3 4.1.4]. */
export const physicalAddressBits = ({ features }: CpuProfile): number => (features.has('lm') ? 40 : 36);

const NO_CACHES = [0, 0, 0, 0] as const;
/** TLBs 01 02 03; 16 KiB L1 instruction and data caches (08, 0C), 4 MiB-page TLB (04), 512 KiB L2 (43). */
const PENTIUM3_CACHES = [0x03020101, 0, 0, 0x0c040843] as const;

/** They have the leaf that tells of frequencies, so that no kernel has to measure them. */
const LEVEL_64 = 0x16;
const atom = (name: string, features: readonly Feature[]): CpuProfile => ({
  name, vendor: 'GenuineIntel', signature: 0x000106ca, brand: 'Intel(R) Atom(TM) CPU N450 (Coracle)', features: new Set(features), level: LEVEL_64,
  cacheDescriptors: PENTIUM3_CACHES, microcode: 0x20f,
});
const old = (name: string, signature: number, features: readonly Feature[], level: number): CpuProfile => ({
  name, vendor: 'GenuineIntel', signature, brand: '', features: new Set(features), level,
  cacheDescriptors: level < 2 ? NO_CACHES : PENTIUM3_CACHES, microcode: 0,
});

const PROFILES: readonly CpuProfile[] = [
  old('486', 0x480, I486, 1), old('pentium', 0x543, PENTIUM, 1), old('pentium3', 0x683, PENTIUM3, 2),
  atom('x86-64-v1', V1), atom('x86-64-v2', V2), atom('x86-64-v3', V3), atom('max', FEATURES),
];

const DEFAULT_NAME = 'x86-64-v3';

/** Without what is not implemented, and what builds on it. */
function implemented(features: FeatureSet): Set<Feature> {
  const out = new Set([...features].filter((feature) => !NOT_YET.includes(feature)));
  for (let before = -1; before !== out.size; ) {
    before = out.size;
    for (const feature of out) if (missingFor(feature, out).length > 0) out.delete(feature);
  }
  return out;
}

const bad = (message: string): EmulatorError => new EmulatorError('bad-option', message);

/**
 * The profile of `NAME[,+feature][,-feature]…`.
 * @throws EmulatorError `bad-option` for a name or feature that does not exist, or features that contradict each other.
 */
export function cpuProfile(text: string): CpuProfile {
  const [name, ...changes] = text.split(',');
  const profile = PROFILES.find((known) => known.name === name);
  if (!profile) throw bad(`no processor ${name}; there are ${PROFILES.map((known) => known.name).join(', ')}`);
  const features = implemented(profile.features);
  for (const change of changes) changeFeature(features, change);
  if (!features.has('fpu')) throw bad(`processor ${text}: Coracle has no processor without an x87 (fpu)`);
  for (const feature of features) {
    const missing = missingFor(feature, features);
    if (missing.length > 0) throw bad(`processor ${text}: ${feature} needs ${missing.join(' and ')}; take that too, or leave ${feature} out`);
  }
  return { ...profile, features };
}

function changeFeature(features: Set<Feature>, change: string): void {
  const feature = featureNamed(change.slice(1));
  if (!feature || !/^[+-]/.test(change)) {
    const known = FEATURES.filter((name) => !NOT_YET.includes(name)).join(', ');
    throw bad(`processor feature ${change}: it is made of + or - and one of ${known}`);
  }
  if (change.startsWith('-')) features.delete(feature);
  else if (NOT_YET.includes(feature)) throw bad(`processor feature ${change}: Coracle does not have ${feature} yet`);
  else features.add(feature);
}

export const DEFAULT_PROFILE = cpuProfile(DEFAULT_NAME);
