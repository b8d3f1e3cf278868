/** Where processors differ from each other, and the host's may be one of the others: what the manual leaves to them. */
import { cpus } from 'node:os';
import type { Row } from '../../src/isa/row.ts';

interface Difference {
  readonly mnemonics: RegExp;
  /** Vectors that the host ends with. */
  readonly vectors: readonly number[];
  /** All the fields that differ. */
  readonly fields: RegExp;
  readonly reason: string;
}

const DEBUG = 1;
const BREAKPOINT = 3;
const BOUND_RANGE = 5;
const UNDEFINED = 6;
const NOT_PRESENT = 11;
const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;
const IN_MEMORY = [12, 13, PAGE_FAULT];
const PLACE = /^(cr2|error|vector .*)$/;
const FLAGS = /^[ACOPSZ]F( [ACOPSZ]F)*$/;

const DIFFERENCES: readonly Difference[] = [
  { mnemonics: /^V?P?MASKMOV/, vectors: IN_MEMORY, fields: /./, reason: 'how MASKMOVQ and MASKMOVDQU fault [SDM2 MASKMOVQ]' },
  { mnemonics: /^(MOVD|MOVQ|MOVNTQ)$/, vectors: IN_MEMORY, fields: /^(FSW|FTW|ST\d)$/, reason: 'a store that faults makes the transition to MMX state' },
  { mnemonics: /^CMPS/, vectors: IN_MEMORY, fields: PLACE, reason: 'which operand CMPS reads first' },
  { mnemonics: /^(CMPS|SCAS)/, vectors: IN_MEMORY, fields: FLAGS, reason: 'REPE and REPNE that fault keep the flags of their last iteration, unlike [SDM2 REP]' },
  { mnemonics: /^(FSTP?|FISTT?P?|FBSTP)$/, vectors: [BREAKPOINT], fields: /^vector/, reason: 'a store that an unmasked exception keeps from happening does not fault' },
  { mnemonics: /^(FLD|FBLD|FSTP|FBSTP)$/, vectors: IN_MEMORY, fields: /^(memory|cr2|error|vector .*)$/, reason: 'a part of ten bytes is reached before the other part' },
  { mnemonics: /^VCVTPS2PH$/, vectors: [...IN_MEMORY, 19], fields: /^(MXCSR|vector .*)$/, reason: 'a conversion comes before the store that faults' },
  { mnemonics: /^VP?GATHER/, vectors: IN_MEMORY, fields: /^(XMM\d+|upper half of YMM\d+|cr2|error|vector .*)$/, reason: 'which elements a gather that faults has done [SDM2 VGATHERDPS]' },
  { mnemonics: /^V/, vectors: IN_MEMORY, fields: PLACE, reason: 'which part of 32 bytes is reached first' },
  { mnemonics: /^(RET_FAR|IRET)$/, vectors: IN_MEMORY, fields: PLACE, reason: 'the order in which a frame is reached' },
  {
    mnemonics: /^(FLD|FSTP|FBLD|FBSTP|FLDENV|FNSTENV|FRSTOR|FNSAVE|FXSAVE|FXRSTOR|BOUND|L[EDFGS]S|(CALL|JMP)_FAR_INDIRECT)$/, vectors: [BREAKPOINT, BOUND_RANGE, ...IN_MEMORY], fields: /^(vector \d+, here 1[23]|error)$/,
    reason: 'an operand of several parts with a 16-bit address wraps around 64 KiB',
  },
  {
    mnemonics: /^(BOUND|L[DEFGS]S|(CALL|JMP)_FAR_INDIRECT)$/, vectors: [NOT_PRESENT, ...IN_MEMORY], fields: /^(vector 11, here 1[23]|vector 1[1-3], here 14|error|cr2)$/,
    reason: 'an operand of several parts with a 16-bit address wraps around 64 KiB',
  },
  { mnemonics: /^MASKMOV/, vectors: [BREAKPOINT], fields: /^(vector 3, here 1[23])$/, reason: 'an operand of several parts with a 16-bit address wraps around 64 KiB' },
  { mnemonics: /^(FLDENV|FNSTENV|FRSTOR|FNSAVE)$/, vectors: IN_MEMORY, fields: /./, reason: 'an image is loaded or stored in part before a fault' },
  { mnemonics: /^POPA$/, vectors: IN_MEMORY, fields: /^(register \d|cr2|error|vector 1[24], .*)$/, reason: 'POPA loads some registers before it faults, and reads the place of SP too' },
  { mnemonics: /^PUSHA$/, vectors: IN_MEMORY, fields: /^(memory|cr2|error)$/, reason: 'PUSHA stores a part before it faults' },
  { mnemonics: /^LSL$/, vectors: [BREAKPOINT], fields: /^register \d+$/, reason: 'the limit of the segment in which Linux keeps the number of the processor' },
  { mnemonics: /^CALL/, vectors: IN_MEMORY, fields: /^(memory|vector .*)$/, reason: 'a call stores its return address before it looks at its target' },
  { mnemonics: /^(FNSAVE|FRSTOR|FNSTENV|FLDENV|FXSAVE|FXRSTOR)$/, vectors: IN_MEMORY, fields: PLACE, reason: 'the order in which images are reached' },
];

const MXCSR_OF_AMD: Difference = {
  mnemonics: /^(V?LDMXCSR|FXRSTOR)$/, vectors: [BREAKPOINT], fields: /^vector 3, here 13$/, reason: 'bit 17 of MXCSR, which masks the alignment check, is not reserved [AMD64 APM2 4.2.2]',
};
/** Where AMD's processors, of the newer families at least, do not do what [SDM2] says. Not compared on these hosts alone. */
const OF_AMD: readonly Difference[] = [
  { mnemonics: /^V?DPP[SD]$/, vectors: [BREAKPOINT], fields: /^(XMM\d+|upper half of YMM\d+)$/, reason: 'which NaN a dot product with several gives' },
  { mnemonics: /^SHA/, vectors: [BREAKPOINT, 12, PAGE_FAULT], fields: /^vector \d+, here 13$/, reason: 'operands of SHA instructions need not be aligned' },
  { mnemonics: /^L[FGS]S$/, vectors: [BREAKPOINT, ...IN_MEMORY], fields: /^(register \d+|error|cr2|vector .*)$/, reason: 'LFS, LGS and LSS load no more than 32 bits of offset [AMD64 APM3 LFS]' },
  { mnemonics: /^NOP$/, vectors: [UNDEFINED], fields: /^vector 6, here 3$/, reason: '0F 0D is undefined with a register [AMD64 APM3 PREFETCH]' },
  { mnemonics: /^MOVSXD$/, vectors: IN_MEMORY, fields: /^vector \d+, here \d+$/, reason: 'MOVSXD of 16 bits reads 32' },
  MXCSR_OF_AMD,
  { mnemonics: /^FPREM1?$/, vectors: [BREAKPOINT], fields: /^(FSW|ST\d)$/, reason: 'a denormal dividend underflows though the divisor is infinite [SDM2 FPREM, table 3-26], where that is not masked' },
  { mnemonics: /^ICEBP$/, vectors: [DEBUG], fields: /^(rip|eip)$/, reason: 'where a trace trap finds INT1' },
  {
    mnemonics: /^(MOVS|STOS|LODS|CMPS|SCAS)/, vectors: [BREAKPOINT, ...IN_MEMORY], fields: /^register [0167]$/,
    reason: 'a repeated instruction of 32-bit addresses that ends or faults before the first time keeps the high halves of its registers',
  },
  {
    mnemonics: /^CMPS/, vectors: IN_MEMORY, fields: /^(cr2|error|vector .*|register [167]|[ACOPSZ]F( [ACOPSZ]F)*)$/,
    reason: 'a repeated CMPS that faults: several of which operand it reads first, the flags and the high halves that it keeps',
  },
];
/** Of these, in 64-bit code with FS or GS before the address. */
const OF_AMD_BASED: Difference = {
  mnemonics: /./, vectors: [13], fields: /^(vector 13, here \d+|error)$/, reason: 'an offset that is not canonical faults whatever the base of FS or GS',
};
/** And where Intel's do not do what the emulator does. */
const OF_INTEL: readonly Difference[] = [
  { mnemonics: /^BOUND$/, vectors: [BOUND_RANGE], fields: /^vector 5, here 1[234]$/, reason: 'BOUND looks at the index when it has read the lower bound' },
];
/** Of these, with operands of 32 bits. */
const OF_INTEL_32: Difference = {
  mnemonics: /^(PUSH|POP)_[CDEFGS]S$/, vectors: [BREAKPOINT, ...IN_MEMORY], fields: /^(memory|error|cr2|vector \d+, here 1[24])$/,
  reason: 'a selector is pushed and popped with 32 bits as 16, which leaves the others as they are [SDM2 PUSH]',
};
const model = cpus()[0]?.model ?? '';
export const onAmd = model.startsWith('AMD');
export const onIntel = model.startsWith('Intel');
/** What such a host does so in the middle of a program, where no rule can tell it from a fault of ours. */
export const differsInPrograms = ({ mnemonic, opcode }: Row): boolean =>
  onAmd && (/^(V?DPP[SD]|SHA.*|FPREM1?)$/.test(mnemonic) || (opcode[0] === 0x0f && opcode[1] === 0x0d));

/** What a rule may look at beside the mnemonic: 64-bit code addresses memory through FS or GS; how many bits operands have. */
export interface Situation {
  readonly based?: boolean;
  readonly osize?: number;
}

/** Why the host may differ so; undefined: it may not. `vector` is the host's. */
export function hostDifference(mnemonic: string, vector: number, fields: readonly string[], { based, osize }: Situation = {}): string | undefined {
  const fits = (d: Difference) => d.mnemonics.test(mnemonic) && d.vectors.includes(vector) && fields.every((f) => d.fields.test(f));
  const amd = onAmd ? [...OF_AMD, ...(based ? [OF_AMD_BASED] : [])] : [];
  const intel = onIntel ? [...OF_INTEL, ...(osize === 32 ? [OF_INTEL_32] : [])] : [];
  return [...DIFFERENCES, ...amd, ...intel].find(fits)?.reason;
}
/** Whether such a host goes on where an instruction of ours ends a program with this vector: no other difference keeps one of ours from its end. */
export const goesOnOnAmd = (mnemonic: string, vector: number): boolean => onAmd && vector === GENERAL_PROTECTION && MXCSR_OF_AMD.mnemonics.test(mnemonic);
