/**
 * Programs as lists of pieces, each an instruction, a label, or a word of a table. Branches name labels, not distances,
 * so that a program that fails can be shortened by leaving pieces out.
 */
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax, Instruction, RflagsBits } from 'iced-x86';
import { EFLAGS_AF, EFLAGS_CF, EFLAGS_OF, EFLAGS_PF, EFLAGS_SF, EFLAGS_ZF } from '../../src/cpu/registers.ts';
import type { Undefined } from './undefined.ts';

export interface Reference {
  /** Number of a label. */
  readonly to: number;
  readonly kind: 'rel8' | 'rel32' | 'abs32';
  /** Added to the label's address. */
  readonly beyond?: number;
}

export interface Piece {
  /** The instruction up to the reference's field, if it has one. */
  readonly bytes: Uint8Array;
  readonly reference?: Reference;
  /** What follows the reference's field. */
  readonly suffix?: Uint8Array;
  /** A place that references name; no bytes. */
  readonly label?: number;
  /** A word of a table, which is a reference only, or the table's label: nothing runs on into it. */
  readonly data?: boolean;
  /** Control may go elsewhere than to the next piece, or never to that. */
  readonly flow?: 'branch' | 'jump';
  readonly flags: FlagUse;
}

/** EFLAGS bits that an instruction reads, gives values to whatever happens, and leaves undefined. */
export interface FlagUse {
  readonly reads: number;
  readonly writes: number;
  readonly undefines: number;
}
export const NO_FLAGS: FlagUse = { reads: 0, writes: 0, undefines: 0 };

const BITS: readonly (readonly [number, number])[] = [
  [RflagsBits.OF, EFLAGS_OF], [RflagsBits.SF, EFLAGS_SF], [RflagsBits.ZF, EFLAGS_ZF], [RflagsBits.AF, EFLAGS_AF], [RflagsBits.CF, EFLAGS_CF],
  [RflagsBits.PF, EFLAGS_PF],
];
const eflags = (bits: number): number => BITS.reduce((sum, [from, to]) => sum | (bits & from ? to : 0), 0);

/**
 * How an instruction uses the arithmetic flags; `unknown` is what the manual leaves undefined (else iced's word for it),
 * `sure` that it writes them at all.
 */
export function flagUse(instruction: Instruction, unknown: Undefined | undefined, sure: boolean): FlagUse {
  const undefines = unknown?.flags ?? eflags(instruction.rflagsUndefined);
  const written = eflags(instruction.rflagsWritten | instruction.rflagsCleared | instruction.rflagsSet);
  return { reads: eflags(instruction.rflagsRead), writes: sure ? written & ~undefines : 0, undefines };
}

const WIDTHS = { rel8: 1, rel32: 4, abs32: 4 } as const;
export const sizeOf = (p: Piece): number => p.bytes.length + (p.reference ? WIDTHS[p.reference.kind] : 0) + (p.suffix?.length ?? 0);

export interface Assembled {
  readonly code: Uint8Array;
  /** Where each piece lies, and one more: the end. */
  readonly offsets: readonly number[];
}

/** Offsets of labels; one that was left out with its piece is the end. */
export function labelOffsets(pieces: readonly Piece[], offsets: readonly number[]): (label: number) => number {
  const places = new Map<number, number>();
  for (const [i, p] of pieces.entries()) if (p.label !== undefined) places.set(p.label, offsets[i] as number);
  return (label) => places.get(label) ?? (offsets[pieces.length] as number);
}

/** Machine code of the pieces at an address; undefined when a short branch does not reach. */
export function assemble(pieces: readonly Piece[], at: number): Assembled | undefined {
  const offsets: number[] = [];
  let offset = 0;
  for (const p of pieces) {
    offsets.push(offset);
    offset += sizeOf(p);
  }
  offsets.push(offset);
  const labels = labelOffsets(pieces, offsets);
  const code = new Uint8Array(offset);
  const view = new DataView(code.buffer);
  for (const [i, p] of pieces.entries()) {
    const field = (offsets[i] as number) + p.bytes.length;
    code.set(p.bytes, offsets[i]);
    if (p.suffix) code.set(p.suffix, (offsets[i + 1] as number) - p.suffix.length);
    if (!p.reference) continue;
    const { kind, beyond = 0 } = p.reference;
    const to = labels(p.reference.to) + beyond;
    if (kind === 'abs32') view.setUint32(field, (at + to) >>> 0, true);
    else if (kind === 'rel32') view.setInt32(field, to - field - 4, true);
    else if (to - field - 1 < -128 || to - field - 1 > 127) return undefined;
    else view.setInt8(field, to - field - 1);
  }
  return { code, offsets };
}

/** Flags that are not known before each piece and at the end; undefined when something reads them, or when tables could run. */
export function unknownFlags(pieces: readonly Piece[]): number[] | undefined {
  const before: number[] = [];
  let unknown = 0;
  let last: Piece | undefined;
  for (const p of pieces) {
    before.push(unknown);
    if (p.flags.reads & unknown || (unknown !== 0 && (p.flow !== undefined || p.label !== undefined))) return undefined;
    if (p.data && !last?.data && last?.flow !== 'jump') return undefined;
    unknown = p.flow === 'jump' ? 0 : (unknown & ~p.flags.writes) | p.flags.undefines;
    last = p;
  }
  before.push(unknown);
  return before;
}

/** One line an instruction, for a report. */
export function listing(pieces: readonly Piece[], at: number): string[] {
  const { code = new Uint8Array(), offsets = [] } = assemble(pieces, at) ?? {};
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const instruction = new Instruction();
  const lines: string[] = [];
  for (const [i, p] of pieces.entries()) {
    const from = offsets[i] as number;
    const bytes = code.subarray(from, offsets[i + 1]);
    if (bytes.length === 0) continue;
    const hex = Buffer.from(bytes).toString('hex');
    let text = 'table';
    if (!p.data) {
      const decoder = new Iced(32, bytes, DecoderOptions.None);
      decoder.ip = BigInt(at + from);
      decoder.decodeOut(instruction);
      decoder.free();
      text = formatter.format(instruction);
    }
    lines.push(`  ${(at + from).toString(16)}  ${hex.padEnd(22)} ${text}`);
  }
  instruction.free();
  formatter.free();
  return lines;
}
