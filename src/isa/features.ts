/**
 * Features of processors by QEMU's names, each with its place in CPUID [SDM2 CPUID, tables 3-8, 3-10, 3-11], and what they
 * build on. Rows of the opcode table name the feature that brought them.
 */

/** Registers of CPUID that hold feature bits, by leaf and subleaf. */
export type FeatureWord = '1.edx' | '1.ecx' | '7.ebx' | '7.ecx' | '7.edx' | 'd1.eax' | '80000001.edx' | '80000001.ecx' | '80000007.edx';

const PLACES = {
  fpu: ['1.edx', 0], vme: ['1.edx', 1], de: ['1.edx', 2], pse: ['1.edx', 3], tsc: ['1.edx', 4], msr: ['1.edx', 5], pae: ['1.edx', 6],
  mce: ['1.edx', 7], cx8: ['1.edx', 8], apic: ['1.edx', 9], sep: ['1.edx', 11], mtrr: ['1.edx', 12], pge: ['1.edx', 13],
  mca: ['1.edx', 14], cmov: ['1.edx', 15], pat: ['1.edx', 16], pse36: ['1.edx', 17], clflush: ['1.edx', 19], mmx: ['1.edx', 23],
  fxsr: ['1.edx', 24], sse: ['1.edx', 25], sse2: ['1.edx', 26], ht: ['1.edx', 28],
  sse3: ['1.ecx', 0], pclmulqdq: ['1.ecx', 1], monitor: ['1.ecx', 3], ssse3: ['1.ecx', 9], fma: ['1.ecx', 12], cx16: ['1.ecx', 13],
  pcid: ['1.ecx', 17], 'sse4.1': ['1.ecx', 19], 'sse4.2': ['1.ecx', 20], x2apic: ['1.ecx', 21], movbe: ['1.ecx', 22],
  popcnt: ['1.ecx', 23], 'tsc-deadline': ['1.ecx', 24], aes: ['1.ecx', 25], xsave: ['1.ecx', 26], avx: ['1.ecx', 28],
  f16c: ['1.ecx', 29], rdrand: ['1.ecx', 30], hypervisor: ['1.ecx', 31],
  fsgsbase: ['7.ebx', 0], bmi1: ['7.ebx', 3], avx2: ['7.ebx', 5], smep: ['7.ebx', 7], bmi2: ['7.ebx', 8], erms: ['7.ebx', 9],
  invpcid: ['7.ebx', 10], rdseed: ['7.ebx', 18], adx: ['7.ebx', 19], smap: ['7.ebx', 20], clflushopt: ['7.ebx', 23],
  clwb: ['7.ebx', 24], 'sha-ni': ['7.ebx', 29], umip: ['7.ecx', 2], rdpid: ['7.ecx', 22], fsrm: ['7.edx', 4],
  xsaveopt: ['d1.eax', 0], xsavec: ['d1.eax', 1], xgetbv1: ['d1.eax', 2], xsaves: ['d1.eax', 3],
  syscall: ['80000001.edx', 11], nx: ['80000001.edx', 20], pdpe1gb: ['80000001.edx', 26], rdtscp: ['80000001.edx', 27],
  lm: ['80000001.edx', 29], 'lahf-lm': ['80000001.ecx', 0], abm: ['80000001.ecx', 5], '3dnowprefetch': ['80000001.ecx', 8],
  invtsc: ['80000007.edx', 8],
} as const satisfies Record<string, readonly [FeatureWord, number]>;

export type Feature = keyof typeof PLACES;
export type FeatureSet = ReadonlySet<Feature>;

export const FEATURES = Object.keys(PLACES) as readonly Feature[];

/** What each builds on, as the SDM's and AMD's checks for its presence have it. */
const REQUIRES: Partial<Record<Feature, readonly Feature[]>> = {
  mmx: ['fpu'], fxsr: ['fpu'], pge: ['pse'], pse36: ['pse'], mtrr: ['msr'], pat: ['mtrr'], sep: ['msr'], nx: ['pae', 'msr'], mca: ['mce'],
  sse: ['mmx', 'fxsr'], sse2: ['sse', 'clflush'], sse3: ['sse2'], ssse3: ['sse3'], 'sse4.1': ['ssse3'], 'sse4.2': ['sse4.1', 'popcnt'],
  aes: ['sse2'], pclmulqdq: ['sse2'], 'sha-ni': ['ssse3'],
  xsave: ['fxsr'], xsaveopt: ['xsave'], xsavec: ['xsave'], xgetbv1: ['xsave'], xsaves: ['xsavec'],
  avx: ['sse4.2', 'xsave'], f16c: ['avx'], fma: ['avx'], avx2: ['avx'],
  lm: ['pae', 'cmov', 'sse2', 'nx', 'syscall', 'cx8'], syscall: ['msr'], 'lahf-lm': ['lm'], cx16: ['cx8'], pdpe1gb: ['lm'], fsgsbase: ['lm'],
  pcid: ['lm'], invpcid: ['pcid'], rdtscp: ['tsc', 'msr'], rdpid: ['msr'], invtsc: ['tsc'], x2apic: ['apic'], 'tsc-deadline': ['apic', 'tsc'], smap: ['smep'],
};

/** Other spellings that QEMU takes. */
const ALIASES: Readonly<Record<string, Feature>> = {
  pni: 'sse3', sse4_1: 'sse4.1', 'sse4-1': 'sse4.1', sse4_2: 'sse4.2', 'sse4-2': 'sse4.2', sha_ni: 'sha-ni', lahf_lm: 'lahf-lm', lzcnt: 'abm',
  xd: 'nx', i64: 'lm', clfsh: 'clflush', tsc_deadline: 'tsc-deadline',
};

/** The feature of a name, or undefined. */
export function featureNamed(name: string): Feature | undefined {
  return ALIASES[name] ?? FEATURES.find((feature) => feature === name);
}

/** Features that `feature` needs and `set` lacks. */
export function missingFor(feature: Feature, set: FeatureSet): readonly Feature[] {
  return (REQUIRES[feature] ?? []).filter((needed) => !set.has(needed));
}

/** The bits of a CPUID register that stand for features of a set. */
export function featureBits(word: FeatureWord, set: FeatureSet): number {
  let bits = 0;
  for (const feature of set) {
    const [where, bit] = PLACES[feature];
    if (where === word) bits |= 1 << bit;
  }
  return bits >>> 0;
}
