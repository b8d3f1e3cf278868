/** Where processors differ from each other, and the host's may be one of the others: what the manual leaves to them. */

interface Difference {
  readonly mnemonics: RegExp;
  /** Vectors that the host ends with. */
  readonly vectors: readonly number[];
  /** All the fields that differ. */
  readonly fields: RegExp;
  readonly reason: string;
}

const BREAKPOINT = 3;
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
  { mnemonics: /^V/, vectors: IN_MEMORY, fields: PLACE, reason: 'which part of 32 bytes is reached first' },
  { mnemonics: /^CALL/, vectors: IN_MEMORY, fields: /^(memory|vector .*)$/, reason: 'a call stores its return address before it looks at its target' },
  { mnemonics: /^(FNSAVE|FRSTOR|FNSTENV|FLDENV|FXSAVE|FXRSTOR)$/, vectors: IN_MEMORY, fields: PLACE, reason: 'the order in which images are reached' },
];

/** Why the host may differ so; undefined: it may not. `vector` is the host's. */
export function hostDifference(mnemonic: string, vector: number, fields: readonly string[]): string | undefined {
  const fits = (d: Difference) => d.mnemonics.test(mnemonic) && d.vectors.includes(vector) && fields.every((f) => d.fields.test(f));
  return DIFFERENCES.find(fits)?.reason;
}
