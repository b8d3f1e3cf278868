/**
 * What the manual leaves undefined, by mnemonic: flags that are not compared, with the section of [SDM2] that says so.
 */
import { EFLAGS_AF as AF, EFLAGS_CF as CF, EFLAGS_OF as OF, EFLAGS_PF as PF, EFLAGS_SF as SF, EFLAGS_ZF as ZF } from '../../src/cpu/registers.ts';

export interface Undefined {
  readonly flags: number;
  /** The destination too. */
  readonly result?: boolean;
  /** Of general registers, these bits. */
  readonly bits?: number;
  readonly section: string;
}

/** What a rule may look at: the count operand after masking, operand width, whether the source was zero. */
export interface Situation {
  readonly count: number;
  readonly bits: number;
}

const none: Undefined = { flags: 0, section: '' };
type Rule = (s: Situation) => Undefined;
const always = (flags: number, section: string): Rule => () => ({ flags, section });

const shift = (left: boolean): Rule => ({ count, bits }) => {
  if (count === 0) return none;
  const carry = count >= bits && left ? CF : 0;
  return { flags: AF | (count === 1 ? 0 : OF) | carry, section: 'SAL/SAR/SHL/SHR, Flags Affected' };
};
const rotate: Rule = ({ count }) => (count <= 1 ? none : { flags: OF, section: 'RCL/RCR/ROL/ROR, Flags Affected' });
const double: Rule = ({ count, bits }) => {
  const section = 'SHLD, SHRD, Flags Affected';
  if (count === 0) return none;
  if (count > bits) return { flags: AF | OF | CF | ZF | SF | PF, result: true, section };
  return { flags: AF | (count === 1 ? 0 : OF), section };
};

const RULES: Record<string, Rule> = {
  // Bits 19:16 of the limit: none by [SDM2], undefined by AMD's manual, and there on its processors.
  LAR: () => ({ flags: 0, bits: 0xf0000, section: 'LAR, Description; AMD64 APM3, LAR' }),
  AND: always(AF, 'AND, Flags Affected'),
  OR: always(AF, 'OR, Flags Affected'),
  XOR: always(AF, 'XOR, Flags Affected'),
  TEST: always(AF, 'TEST, Flags Affected'),
  SHL: shift(true),
  SHR: shift(true),
  SAR: shift(false),
  ROL: rotate,
  ROR: rotate,
  RCL: rotate,
  RCR: rotate,
  SHLD: double,
  SHRD: double,
  MUL: always(SF | ZF | AF | PF, 'MUL, Flags Affected'),
  IMUL1: always(SF | ZF | AF | PF, 'IMUL, Flags Affected'),
  IMUL: always(SF | ZF | AF | PF, 'IMUL, Flags Affected'),
  DIV: always(CF | OF | SF | ZF | AF | PF, 'DIV, Flags Affected'),
  IDIV: always(CF | OF | SF | ZF | AF | PF, 'IDIV, Flags Affected'),
  BSF: always(CF | OF | SF | AF | PF, 'BSF, Flags Affected'),
  BSR: always(CF | OF | SF | AF | PF, 'BSR, Flags Affected'),
  ANDN: always(AF | PF, 'ANDN, Flags Affected'),
  BEXTR: always(AF | SF | PF, 'BEXTR, Flags Affected'),
  BLSI: always(AF | PF, 'BLSI, Flags Affected'),
  BLSMSK: always(AF | PF, 'BLSMSK, Flags Affected'),
  BLSR: always(AF | PF, 'BLSR, Flags Affected'),
  BZHI: always(AF | PF, 'BZHI, Flags Affected'),
  BT: always(OF | SF | AF | PF, 'BT, Flags Affected'),
  BTS: always(OF | SF | AF | PF, 'BTS, Flags Affected'),
  BTR: always(OF | SF | AF | PF, 'BTR, Flags Affected'),
  BTC: always(OF | SF | AF | PF, 'BTC, Flags Affected'),
  LZCNT: always(OF | SF | PF | AF, 'LZCNT, Flags Affected'),
  TZCNT: always(OF | SF | PF | AF, 'TZCNT, Flags Affected'),
  DAA: always(OF, 'DAA, Flags Affected'),
  DAS: always(OF, 'DAS, Flags Affected'),
  AAA: always(OF | SF | ZF | PF, 'AAA, Flags Affected'),
  AAS: always(OF | SF | ZF | PF, 'AAS, Flags Affected'),
  AAM: always(OF | AF | CF, 'AAM, Flags Affected'),
  AAD: always(OF | AF | CF, 'AAD, Flags Affected'),
};

export function undefinedFor(mnemonic: string, situation: Situation): Undefined {
  return RULES[mnemonic]?.(situation) ?? none;
}
