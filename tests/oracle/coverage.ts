/**
 * What the oracles cover: every row of the opcode table in every operand form, operand and address size and with LOCK and
 * REP, with the number of cases of each oracle. `host` and `qemu` run whole instructions, `x87` and `simd` the operands of
 * theirs on the host, `kernels` what tests/kernels compare with QEMU.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Decoder } from '../../src/isa/decode.ts';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import type { Row } from '../../src/isa/row.ts';
import { formText, formsOf } from './generate.ts';
import * as R from './record.ts';
import { qemuHas } from './reference.ts';
import { simdEncodings } from './simd/encodings.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './x87/opcodes.ts';

export const ORACLES = ['host', 'qemu', 'x87', 'simd', 'kernels'] as const;
export type Oracle = (typeof ORACLES)[number];

/** Rows that no reference can judge, with the reason. */
export const UNJUDGED: Readonly<Record<string, string>> = {
  CPUID: 'what it tells is the profile’s own; src/cpu/cpuid.ts has the values from the manual and unit tests',
  RDRAND: 'what it gives is random', RDSEED: 'what it gives is random',
  ICEBP: 'in 16-bit code: QEMU raises #UD for it, and the host has no 16-bit code; its 32-bit form is judged by the host',
};

function reasonFor(row: Row): string | undefined {
  if (row.vex) return 'the 64-bit oracle judges it';
  return qemuHas(row) ? UNJUDGED[row.mnemonic] : 'QEMU’s processors do not have it, and the host runs 32-bit addresses alone';
}

const KERNELS = new URL('../kernels/', import.meta.url);

export interface FormCoverage {
  readonly row: string;
  readonly form: string;
  readonly cases: Readonly<Record<Oracle, number>>;
  readonly total: number;
  /** Why there are no cases. */
  readonly reason?: string;
}

/** VEX instructions have the forms that simd/encodings.ts makes of them. */
const ROWS = INSTRUCTION_SET.filter((row) => !row.vex);

export class Coverage {
  private readonly counts = new Map<string, Record<Oracle, number>>();

  constructor() {
    for (const row of ROWS) for (const form of Coverage.formsOf(row)) this.counts.set(form, { host: 0, qemu: 0, x87: 0, simd: 0, kernels: 0 });
    this.addKernels();
  }

  /** All forms of a row, of 16- and of 32-bit code. */
  static formsOf(row: Row): Set<string> {
    return new Set([R.MODE_FLAT32, R.MODE_CODE16].flatMap((mode) => formsOf(row, mode).map((form) => formText(row, form))));
  }

  add(oracle: Oracle, form: string, cases: number): void {
    const counts = this.counts.get(form);
    if (!counts) throw new Error(`no such form: ${form}`);
    counts[oracle] += cases;
  }

  /** The x87 and SIMD oracles run so many cases of each of their encodings. */
  addFx(x87Cases: number, simdCases: number): void {
    const decoder = new Decoder(INSTRUCTION_SET);
    for (const opcode of [...MEMORY_OPCODES, ...REGISTER_OPCODES, ...TRANSCENDENTAL_OPCODES]) this.addEncoding(decoder, opcode, 'x87', x87Cases);
    for (const { text } of simdEncodings()) this.addEncoding(decoder, text.replace('ib', '00'), 'simd', simdCases);
  }
  private addEncoding(decoder: Decoder, hex: string, oracle: Oracle, cases: number): void {
    const bytes = new Uint8Array(16);
    bytes.set(Buffer.from(hex, 'hex'));
    // The kernels have operations of later instruction sets too.
    if (decoder.decode(bytes, 0, 15, 32) !== 'ok' || decoder.row.vex) return;
    const form = { osize: 32, asize: 32, memory: decoder.memory, lock: false, repeat: 0 } as const;
    const text = formText(decoder.row, form);
    // Implicit memory operands (MASKMOVQ) have a form of their own.
    this.add(oracle, this.counts.has(text) ? text : formText(decoder.row, { ...form, memory: false }), cases);
  }

  /** Instructions of the kernels that no other oracle takes, by their names in the sources. */
  private addKernels(): void {
    const sources = readdirSync(KERNELS).filter((f) => f.endsWith('.asm')).map((f) => readFileSync(new URL(f, KERNELS), 'utf8')).join('\n');
    for (const row of ROWS) {
      if (row.operands.length > 0 || !/^(RD|WR|SYS|CPUID)/.test(row.mnemonic)) continue;
      const uses = sources.match(new RegExp(`^[^;\\n]*\\b${row.mnemonic.toLowerCase()}\\b`, 'gm'))?.length ?? 0;
      for (const form of Coverage.formsOf(row)) this.add('kernels', form, uses);
    }
  }

  /** Every form, in the order of the table. */
  list(): FormCoverage[] {
    return ROWS.flatMap((row) =>
      [...Coverage.formsOf(row)].map((form) => {
        const cases = this.counts.get(form) as Record<Oracle, number>;
        const total = ORACLES.reduce((sum, o) => sum + cases[o], 0);
        const reason = reasonFor(row);
        return { row: row.source.replace(/\s+/g, ' '), form: form.slice(form.indexOf('|') + 2), cases, total, ...(reason && total === 0 ? { reason } : {}) };
      }),
    );
  }

  /** Forms without cases, but for those that no reference can judge. */
  missing(): string[] {
    return this.list().filter((f) => f.total === 0 && f.reason === undefined).map((f) => `${f.row} | ${f.form}`);
  }

  /** One line a form, and a last one with the sums. */
  print(): string[] {
    const list = this.list();
    const lines = list.map((f) => `${String(f.total).padStart(9)} ${f.row} | ${f.form}  ${f.reason ?? ORACLES.filter((o) => f.cases[o] > 0).map((o) => `${o} ${f.cases[o]}`).join(', ')}`);
    const rows = new Set(list.map((f) => f.row));
    const unjudged = list.filter((f) => f.reason !== undefined).length;
    return [...lines, `${rows.size} rows, ${list.length} forms: ${this.missing().length} without cases, ${unjudged} that no reference judges`];
  }
}
