/** What differs between a reference's results and the emulator's, after what the manual leaves undefined. */
import { EFLAGS_ARITHMETIC } from '../../src/cpu/registers.ts';
import type { Encoding } from './generate.ts';
import { describeFx, fxDifferences } from './fx-state.ts';
import * as R from './record.ts';
import { type Undefined, undefinedFor } from './undefined.ts';

const EFLAGS_DF = 1 << 10;
const COMPARED_FLAGS = EFLAGS_ARITHMETIC | EFLAGS_DF;
const BREAKPOINT = 3;

export interface Difference {
  /** Stable words for the kind: fields that differ, flags by name. */
  readonly fields: readonly string[];
}

const FLAG_NAMES = ['CF', '', 'PF', '', 'AF', '', 'ZF', 'SF', 'TF', 'IF', 'DF', 'OF'];
export const flagNames = (flags: number): string => FLAG_NAMES.filter((name, i) => name !== '' && (flags >> i) & 1).join(' ');

/** What the manual leaves undefined for a case. */
export function undefinedIn(e: Encoding, batch: R.Batch, n: number): Undefined {
  const { operands } = e.row;
  const first = operands[0];
  const last = operands.at(-1);
  const bits = first?.size === 'b' ? 8 : first?.size === 'w' ? 16 : e.osize;
  const count = last?.kind === 'one' ? 1 : last?.kind === 'I' ? e.immediate : batch.u32(n, R.REGISTERS + 4);
  return undefinedFor(e.row.mnemonic, { count: count & 31, bits });
}

/** A way to the handler over an inner level and back may have made 0 of a null selector with another RPL [SDM2 IRET]. */
const nullAs0 = (selector: number): number => (selector < 4 ? 0 : selector);

/**
 * Fields that differ in case `n` (`m` in `mine`); `unknown` is not compared after normal completion, `flagsUnknown` never.
 */
export function fieldsThatDiffer(reference: R.Batch, mine: R.Batch, n: number, unknown: Undefined, selectors: boolean, m = n, flagsUnknown = 0): string[] {
  const vector = reference.u32(n, R.VECTOR);
  if (vector !== mine.u32(m, R.VECTOR)) return [`vector ${vector}, here ${mine.u32(m, R.VECTOR)}`];
  const fields: string[] = [];
  const differs = (field: number, unknownBits = 0) => ((reference.u32(n, field) ^ mine.u32(m, field)) & ~unknownBits) !== 0;
  if (differs(R.EIP_AFTER)) fields.push('eip');
  if (differs(R.ERROR)) fields.push('error');
  if (differs(R.CR2)) fields.push('cr2');
  const completed = vector === BREAKPOINT;
  const mask = COMPARED_FLAGS & ~(completed ? unknown.flags : 0) & ~flagsUnknown;
  const flags = (reference.u32(n, R.EFLAGS_AFTER) ^ mine.u32(m, R.EFLAGS_AFTER)) & mask;
  if (flags !== 0) fields.push(flagNames(flags));
  if (selectors) for (let i = 0; i < 6; i++) if (nullAs0(reference.selector(n, i)) !== nullAs0(mine.selector(m, i))) fields.push(`segment ${i}`);
  if (completed && unknown.result) return fields;
  for (let i = 0; i < 8; i++) if (differs(R.REGISTERS_AFTER + 4 * i, unknown.bits)) fields.push(`register ${i}`);
  if (differs(R.HASH)) fields.push('memory');
  if (reference.hasFx && mine.hasFx) fields.push(...fxDifferences(reference.fxAfter(n), mine.fxAfter(m)));
  return fields;
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const registers = (batch: R.Batch, n: number, field: number): string =>
  Array.from({ length: 8 }, (_, i) => hex(batch.u32(n, field + 4 * i))).join(' ');

const segments = (of: (segment: number) => number): string => Array.from({ length: 6 }, (_, i) => of(i).toString(16)).join(' ');

/** The state before, for a report. */
export function stateBefore(batch: R.Batch, n: number): string {
  return `${registers(batch, n, R.REGISTERS)} eip ${hex(batch.u32(n, R.EIP))} ${flagNames(batch.u32(n, R.EFLAGS))} segments ${segments((i) => batch.selectorBefore(n, i))}`;
}
/** The x87, MMX and SSE state before and after, as far as `fields` names it; nothing when it does not. */
export function fxReport(reference: R.Batch, mine: R.Batch, n: number, fields: readonly string[], name: string): string[] {
  if (!mine.hasFx || !fields.some((f) => /^(FCW|FSW|C1|FTW|MXCSR|ST\d|XMM\d)$/.test(f))) return [];
  return [
    `  before ${describeFx(mine.fxBefore(n), fields)}`,
    `  ${name.padEnd(6)} ${describeFx(reference.fxAfter(n), fields)}`,
    `  here   ${describeFx(mine.fxAfter(n), fields)}`,
  ];
}
/** The state after, for a report. */
export function stateAfter(batch: R.Batch, n: number): string {
  const changed = batch.u32(n, R.DIFFERENCES);
  const some = Array.from({ length: Math.min(changed, 8) }, (_, i) => {
    const d = batch.u32(n, R.DIFFERENCE + 4 * i);
    return `+${(d >>> 8).toString(16)}=${(d & 255).toString(16)}`;
  });
  const fault = `vector ${batch.u32(n, R.VECTOR)} error ${batch.u32(n, R.ERROR).toString(16)} cr2 ${hex(batch.u32(n, R.CR2))}`;
  return `${registers(batch, n, R.REGISTERS_AFTER)} eip ${hex(batch.u32(n, R.EIP_AFTER))} ${flagNames(batch.u32(n, R.EFLAGS_AFTER))} segments ${segments((i) => batch.selector(n, i))}; ${fault}; ${changed} bytes ${some.join(' ')}`;
}
