/**
 * Which handlers exist: for each row of the opcode table, its variants by operand size, addressing form, address size,
 * environment and repetition. Numbering is deterministic, so the decoder and the generated module agree.
 */
import type { CodeSize } from '../isa/decode.ts';
import type { Repeat } from '../isa/ops.ts';
import { hasModrm, type Row } from '../isa/row.ts';

/**
 * Addressing forms of ModRM.rm (or moffs):
 * `flat` base + displacement, `indexed` with a scaled index too, both in segments with base 0 and limit 4 GiB;
 * `general` goes through the segment's base and limit, with addresses of 32 or 16 bits. In 64-bit code `flat64` and `indexed64` have no
 * base of a segment and 64-bit addresses; `general64` takes FS, GS, 32-bit addresses and moffs too.
 */
export type RmForm = 'none' | 'register' | 'flat' | 'indexed' | 'general' | 'flat64' | 'indexed64' | 'general64';
/**
 * Whether the segments that the row uses implicitly (SS for the stack, CS for branches, DS and ES for strings) are flat.
 * `long`: 64-bit code. Rows that use none of them and no memory have the same handlers everywhere, as `segmented`.
 */
export type Environment = 'flat' | 'segmented' | 'long';

export interface Variant {
  readonly row: Row;
  readonly osize: CodeSize;
  readonly rm: RmForm;
  readonly asize: CodeSize;
  readonly environment: Environment;
  readonly repeat: Repeat;
}

const RM_FORMS: readonly RmForm[] = ['none', 'register', 'flat', 'indexed', 'general', 'flat64', 'indexed64', 'general64'];
const ENVIRONMENTS: readonly Environment[] = ['segmented', 'flat', 'long'];
const REPEATS: readonly Repeat[] = ['none', 'rep', 'repne'];

const SIZES: readonly CodeSize[] = [16, 32, 64];

/** A number for each thinkable variant of a row, below `VARIANT_CODES`. */
export function variantCode(osize: CodeSize, rm: RmForm, asize: CodeSize, environment: Environment, repeat: Repeat): number {
  const sizes = (osize >> 5) + 4 * (asize >> 5);
  return RM_FORMS.indexOf(rm) + 16 * (sizes + 16 * (ENVIRONMENTS.indexOf(environment) + 4 * REPEATS.indexOf(repeat)));
}

const VARIANT_CODES = 16 * 16 * 4 * 3;

function variantOfCode(row: Row, code: number): Variant {
  return {
    row, osize: SIZES[(code >> 4) & 3], rm: RM_FORMS[code & 15], asize: SIZES[(code >> 6) & 3],
    environment: ENVIRONMENTS[(code >> 8) & 3], repeat: REPEATS[code >> 10],
  };
}

export function usesOperandSize(row: Row): boolean {
  return row.attributes.has('osize') || row.operands.some((o) => o.size === 'v' || o.size === 'z');
}
/** An operand size of 64 differs from 32. */
export function usesOperandSize64(row: Row): boolean {
  return row.attributes.has('osize') || row.operands.some((o) => o.size === 'v' || o.size === 'y' || (o.size === 'z' && o.kind === 'I'));
}
export function usesEnvironment(row: Row): boolean {
  return row.attributes.has('stack') || row.attributes.has('branch') || row.attributes.has('asize');
}

export function isStringRow(row: Row): boolean {
  return row.attributes.has('rep') || row.attributes.has('repz');
}

/** x87, MMX and SSE instructions do so much besides that one form less makes no difference to them, and many to the module. */
const isVector = (row: Row): boolean => row.attributes.has('fpu') || row.attributes.has('mmx') || row.attributes.has('sse');
const isRare = (row: Row): boolean => row.attributes.has('rare') || row.attributes.has('avx');

/** The memory forms that a row with a memory operand has outside 64-bit code. */
function legacyMemoryForms(row: Row): RmForm[] {
  if (isRare(row)) return ['general'];
  return isVector(row) ? ['indexed', 'general'] : ['flat', 'indexed', 'general'];
}
/** And those in 64-bit code: fewer for what is rare there, which keeps the module small. */
function longMemoryForms(row: Row, osize: CodeSize): RmForm[] {
  if (isRare(row) || osize === 16 || row.operands.some((o) => o.kind === 'O')) return ['general64'];
  return isVector(row) ? ['indexed64', 'general64'] : ['flat64', 'indexed64', 'general64'];
}
const nearest = (forms: readonly RmForm[], wanted: RmForm): RmForm => (forms.includes(wanted) ? wanted : forms[0]);
/** The form that serves where a row lacks the one that fits best. */
export const legacyForm = (row: Row, wanted: RmForm): RmForm => nearest(legacyMemoryForms(row), wanted);
export const longForm = (row: Row, osize: CodeSize, wanted: RmForm): RmForm => nearest(longMemoryForms(row, osize), wanted);

function rmForms(row: Row, memory: RmForm[]): RmForm[] {
  if (row.operands.some((o) => o.kind === 'O')) return memory;
  if (!hasModrm(row)) return ['none'];
  const kinds = row.operands.map((o) => o.kind);
  if (row.form === 'register' || row.modrm !== undefined || kinds.some((k) => 'RNUCDT'.includes(k))) return ['register'];
  if (row.form === 'memory' || kinds.some((k) => k === 'M' || k === 'X')) return memory;
  return ['register', ...memory];
}

function repeats(row: Row): Repeat[] {
  if (row.attributes.has('repz')) return ['none', 'rep', 'repne'];
  return row.attributes.has('rep') ? ['none', 'rep'] : ['none'];
}

/** Variants of a row in code of 16 and 32 bits. */
function legacyVariants(row: Row): Variant[] {
  if (row.attributes.has('o64')) return [];
  const osizes: CodeSize[] = usesOperandSize(row) ? [16, 32] : [32];
  const asizes: CodeSize[] = row.attributes.has('asize') ? [16, 32] : [32];
  const environments: Environment[] = usesEnvironment(row) ? ['segmented', 'flat'] : ['segmented'];
  const out: Variant[] = [];
  for (const osize of osizes)
    for (const rm of rmForms(row, legacyMemoryForms(row)))
      for (const asize of asizes)
        for (const environment of environments) for (const repeat of repeats(row)) out.push({ row, osize, rm, asize, environment, repeat });
  return out;
}

/** Operand sizes of a row in 64-bit code. */
export function longOperandSizes(row: Row): CodeSize[] {
  if (!usesOperandSize(row)) return usesOperandSize64(row) ? [32, 64] : [32];
  if (row.attributes.has('f64')) return [64];
  if (row.attributes.has('d64')) return [16, 64];
  return usesOperandSize64(row) ? [16, 32, 64] : [16, 32];
}

/** Variants of a row in 64-bit code; those without memory or environment are the same as elsewhere. */
function longVariants(row: Row): Variant[] {
  if (row.attributes.has('i64')) return [];
  const asizes: CodeSize[] = row.attributes.has('asize') ? [32, 64] : [32];
  const out: Variant[] = [];
  for (const osize of longOperandSizes(row))
    for (const rm of rmForms(row, longMemoryForms(row, osize))) {
      const environment = usesEnvironment(row) || rm.endsWith('64') ? 'long' : 'segmented';
      for (const asize of asizes) for (const repeat of repeats(row)) out.push({ row, osize, rm, asize, environment, repeat });
    }
  return out;
}

/** All variants of a row, in a fixed order. */
export function variantsOf(row: Row): Variant[] {
  return [...legacyVariants(row), ...longVariants(row)];
}

/** Handlers that are no instructions come first in the table. */
export const HANDLER_STOP = 1;
export const HANDLER_NEXT = 2;
export const HANDLER_CROSSING = 3;
export const HANDLER_UD = 4;
export const HANDLER_NM = 5;
export const HANDLER_GP = 6;
/** Go on at RIP, and in 64-bit code. */
export const HANDLER_GO = 7;
export const HANDLER_GO_LONG = 8;
/** For compiled regions: fuel ran out at RIP. */
export const HANDLER_BUDGET = 9;
/** The same as HANDLER_NEXT and HANDLER_CROSSING in 64-bit code. */
export const HANDLER_NEXT_LONG = 10;
export const HANDLER_CROSSING_LONG = 11;
/** The instruction ends in the exception that FAULT_* tells. */
export const HANDLER_FAULT = 12;
/** On at RIP, where no block was found: a direct branch has led there, or anything else. */
export const HANDLER_RESOLVE = 13;
export const HANDLER_LOOKUP = 14;
export const FIRST_HANDLER = 16;
export const isCrossing = (handler: number): boolean => handler === HANDLER_CROSSING || handler === HANDLER_CROSSING_LONG;

/** Guests of 16 and 32 bits without AVX never have these: they are more than half of the interpreter. */
const isWide = ({ row, osize, asize, rm, environment }: Variant): boolean =>
  row.vex !== undefined || row.attributes.has('o64') || osize === 64 || asize === 64 || environment === 'long' || rm.endsWith('64');

/** Which handler each variant of each row has. Kept as numbers: as objects they would weigh a megabyte, in each thread. */
export class HandlerSet {
  /** One more than the number of the last of the hot handlers, which come first. */
  readonly hotEnd: number;
  /** Number of the first handler of the wide module: the other ones of 64-bit code and of VEX instructions come last. */
  readonly firstWide: number;
  /** One more than the last handler's number. */
  readonly end: number;
  private readonly rows: readonly Row[];
  /** From `FIRST_HANDLER` on, the variant that a handler was made for, as `row * VARIANT_CODES + code`. */
  private readonly origins: Int32Array;
  /** All variants in the same form, ascending, and their handlers. */
  private readonly variants: Int32Array;
  private readonly handlers: Uint16Array;

  /** @param hot keys of handlers, as `variantKey` has them */
  constructor(rows: readonly Row[], hot: ReadonlySet<string>) {
    this.rows = rows;
    const origins: number[] = [];
    const handlers = new Map<number, number>();
    const known = new Map<string, number>();
    const enumerate = (belongs: (v: Variant, key: string) => boolean): number => {
      rows.forEach((row, index) => {
        for (const v of variantsOf(row)) {
          const key = variantKey(v);
          if (!belongs(v, key)) continue;
          const variant = index * VARIANT_CODES + variantCode(v.osize, v.rm, v.asize, v.environment, v.repeat);
          let number = known.get(key);
          if (number === undefined) {
            number = FIRST_HANDLER + origins.push(variant) - 1;
            known.set(key, number);
          }
          handlers.set(variant, number);
        }
      });
      return FIRST_HANDLER + origins.length;
    };
    this.hotEnd = enumerate((_, key) => hot.has(key));
    this.firstWide = enumerate((v, key) => !hot.has(key) && !isWide(v));
    this.end = enumerate((v, key) => !hot.has(key) && isWide(v));
    this.origins = Int32Array.from(origins);
    this.variants = Int32Array.from(handlers.keys()).sort();
    this.handlers = Uint16Array.from(this.variants, (variant) => handlers.get(variant) as number);
  }

  /** The variant that a handler was made for; undefined where the number is no instruction's. */
  variant(handler: number): Variant | undefined {
    const origin = this.origins[handler - FIRST_HANDLER];
    return origin === undefined ? undefined : variantOfCode(this.rows[Math.floor(origin / VARIANT_CODES)], origin % VARIANT_CODES);
  }

  /** The handler of a row's variant, by `variantCode`; undefined where the row has no such variant. */
  numberOf(row: number, code: number): number | undefined {
    const wanted = row * VARIANT_CODES + code;
    let low = 0, high = this.variants.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.variants[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return this.variants[low] === wanted ? this.handlers[low] : undefined;
  }
}

/** Variants with the same key have the same handler: the opcode is not part of it, the record holds what it selects. */
export function variantKey(v: Variant): string {
  const operands = v.row.operands.map((o) => `${o.kind === 'Z' ? 'G' : o.kind}${o.size}${o.register}${o.signed ? 's' : ''}`).join(',');
  return [v.row.mnemonic, operands, v.osize, v.rm, v.asize, v.environment, v.repeat].join(' ');
}
