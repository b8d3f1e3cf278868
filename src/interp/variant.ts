/**
 * Which handlers exist: for each row of the opcode table, its variants by operand size, addressing form, address size,
 * environment and repetition. Numbering is deterministic, so the decoder and the generated module agree.
 */
import type { Repeat } from '../isa/ops.ts';
import { hasModrm, type Row } from '../isa/row.ts';

/**
 * Addressing forms of ModRM.rm (or moffs):
 * `flat` base + displacement, `indexed` with a scaled index too, both in segments with base 0 and limit 4 GiB;
 * `general32` and `general16` go through the segment's base and limit.
 */
export type RmForm = 'none' | 'register' | 'flat' | 'indexed' | 'general32' | 'general16';
/** Whether the segments that the row uses implicitly (SS for the stack, CS for branches, DS and ES for strings) are flat. */
export type Environment = 'flat' | 'segmented';

export interface Variant {
  readonly row: Row;
  readonly osize: 16 | 32;
  readonly rm: RmForm;
  readonly asize: 16 | 32;
  readonly environment: Environment;
  readonly repeat: Repeat;
}

const RM_FORMS: readonly RmForm[] = ['none', 'register', 'flat', 'indexed', 'general32', 'general16'];
const REPEATS: readonly Repeat[] = ['none', 'rep', 'repne'];

/** Position of a variant among all thinkable ones of its row. */
export function variantCode(osize: 16 | 32, rm: RmForm, asize: 16 | 32, environment: Environment, repeat: Repeat): number {
  return RM_FORMS.indexOf(rm) + 8 * ((osize >> 5) + 2 * ((asize >> 5) + 2 * ((environment === 'flat' ? 1 : 0) + 2 * REPEATS.indexOf(repeat))));
}
export const VARIANT_CODES = 8 * 2 * 2 * 2 * 3;

export function usesOperandSize(row: Row): boolean {
  return row.attributes.has('osize') || row.operands.some((o) => o.size === 'v' || o.size === 'z' || o.size === 'y');
}
export function usesEnvironment(row: Row): boolean {
  return row.attributes.has('stack') || row.attributes.has('branch') || row.attributes.has('asize');
}

export function isStringRow(row: Row): boolean {
  return row.attributes.has('rep') || row.attributes.has('repz');
}

/** The memory forms that a row with a memory operand has. */
function memoryForms(row: Row): RmForm[] {
  return row.attributes.has('rare') ? ['general32', 'general16'] : ['flat', 'indexed', 'general32', 'general16'];
}

function rmForms(row: Row): RmForm[] {
  if (row.operands.some((o) => o.kind === 'O')) return memoryForms(row);
  if (!hasModrm(row)) return ['none'];
  const kinds = row.operands.map((o) => o.kind);
  if (row.form === 'register' || row.modrm !== undefined || kinds.some((k) => 'RNUCDT'.includes(k))) return ['register'];
  if (row.form === 'memory' || kinds.includes('M')) return memoryForms(row);
  if (kinds.some((k) => k === 'E' || k === 'Q' || k === 'W')) return ['register', ...memoryForms(row)];
  return ['register', ...memoryForms(row)];
}

/** All variants of a row, in a fixed order. */
export function variantsOf(row: Row): Variant[] {
  const osizes: (16 | 32)[] = usesOperandSize(row) ? [16, 32] : [32];
  const asizes: (16 | 32)[] = row.attributes.has('asize') ? [16, 32] : [32];
  const environments: Environment[] = usesEnvironment(row) ? ['segmented', 'flat'] : ['segmented'];
  const repeats: Repeat[] = row.attributes.has('repz') ? ['none', 'rep', 'repne'] : row.attributes.has('rep') ? ['none', 'rep'] : ['none'];
  const out: Variant[] = [];
  for (const osize of osizes)
    for (const rm of rmForms(row))
      for (const asize of asizes)
        for (const environment of environments) for (const repeat of repeats) out.push({ row, osize, rm, asize, environment, repeat });
  return out;
}

export interface HandlerSet {
  /** Every variant, in the order of its handler's number, from `FIRST_HANDLER` on. */
  readonly variants: readonly Variant[];
  /** Handler number by `rowIndex * VARIANT_CODES + variantCode`, -1 where there is none. */
  readonly numbers: Int16Array;
}

/** Handlers that are no instructions come first in the table. */
export const HANDLER_STOP = 1;
export const HANDLER_NEXT = 2;
export const HANDLER_CROSSING = 3;
export const HANDLER_UD = 4;
export const HANDLER_NM = 5;
export const HANDLER_GP = 6;
/** Go on at RIP, in flat code and in any; for compiled regions, as is what follows: fuel ran out at RIP. */
export const HANDLER_GO_FLAT = 7;
export const HANDLER_GO = 8;
export const HANDLER_BUDGET = 9;
export const FIRST_HANDLER = 16;

export function enumerateHandlers(rows: readonly Row[]): HandlerSet {
  const variants: Variant[] = [];
  const numbers = new Int16Array(rows.length * VARIANT_CODES).fill(-1);
  const known = new Map<string, number>();
  rows.forEach((row, index) => {
    for (const v of variantsOf(row)) {
      const key = variantKey(v);
      let number = known.get(key);
      if (number === undefined) {
        number = FIRST_HANDLER + variants.length;
        known.set(key, number);
        variants.push(v);
      }
      numbers[index * VARIANT_CODES + variantCode(v.osize, v.rm, v.asize, v.environment, v.repeat)] = number;
    }
  });
  return { variants, numbers };
}

/** Variants with the same key have the same handler: the opcode is not part of it, the record holds what it selects. */
export function variantKey(v: Variant): string {
  const operands = v.row.operands.map((o) => `${o.kind === 'Z' ? 'G' : o.kind}${o.size}${o.register}${o.signed ? 's' : ''}`).join(',');
  return [v.row.mnemonic, operands, v.osize, v.rm, v.asize, v.environment, v.repeat].join(' ');
}
