/**
 * What the oracles cover: every row of the opcode table in every operand form, operand and address size and with LOCK and
 * REP, in code of 16 and 32 bits and in code of 64 bits, with the number of cases of each oracle. `host` and `qemu` run whole
 * instructions, `x87` and `simd` the operands of theirs on the host, `kernels` what tests/kernels compare with QEMU.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Decoder } from '../../src/isa/decode.ts';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import type { Row } from '../../src/isa/row.ts';
import { formText, formsOf } from './generate.ts';
import { formsOf as longFormsOf, formText as longFormText } from './long/generate.ts';
import * as R from './record.ts';
import { simdEncodings } from './simd/encodings.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './x87/opcodes.ts';

export const ORACLES = ['host', 'qemu', 'x87', 'simd', 'kernels'] as const;
export type Oracle = (typeof ORACLES)[number];

/** Rows that no reference can judge, with the reason. */
const UNJUDGED: Readonly<Record<string, string>> = {
  CPUID: 'what it tells is the profile’s own; src/cpu/profiles.test.ts has the values from the manual',
  RDTSC: 'time is every machine’s own; src/cpu/time-stamp.test.ts',
  RDPMC: 'the host’s kernel keeps it for itself; src/cpu/system-instructions.test.ts',
  XSAVEOPT: 'the host’s areas are larger; areas/areas.oracle.test.ts compares what both have',
  XSAVEC: 'the host’s areas are larger; areas/areas.oracle.test.ts compares what both have',
  XSAVES: 'the host’s kernel keeps it for itself, QEMU does not have it', XRSTORS: 'the host’s kernel keeps it for itself, QEMU does not have it',
  RDRAND: 'what it gives is random', RDSEED: 'what it gives is random', RDPID: 'the number of the processor is the kernel’s own; QEMU does not have it',
};

const inSources = (mnemonic: string): string => mnemonic.replace('_FAR_INDIRECT', ' far').toLowerCase();
const KERNELS = new URL('../kernels/', import.meta.url);

export interface FormCoverage {
  readonly row: string;
  readonly form: string;
  readonly cases: Readonly<Record<Oracle, number>>;
  readonly total: number;
  /** Why there are no cases. */
  readonly reason?: string;
}

/** Code of 16 and 32 bits has VEX instructions too, but their bodies are those of 64-bit code, where they have their forms. */
const ROWS = INSTRUCTION_SET.filter((row) => !row.vex);
const LONG_ROWS = INSTRUCTION_SET.filter((row) => !row.attributes.has('i64'));
const LONG = '64 bits, ';
/** How the form of an instruction of 64-bit code is named here. */
export const longForm = (text: string): string => LONG + text;

export class Coverage {
  private readonly counts = new Map<string, Record<Oracle, number>>();
  private readonly rows = new Map<string, Row>();

  constructor() {
    for (const row of ROWS) for (const mode of [R.MODE_FLAT32, R.MODE_CODE16]) for (const form of formsOf(row, mode)) this.register(row, formText(row, form));
    for (const row of LONG_ROWS) for (const form of longFormsOf(row)) this.register(row, longForm(longFormText(row, form)));
    this.addKernels();
  }
  private register(row: Row, form: string): void {
    this.rows.set(form, row);
    this.counts.set(form, { host: 0, qemu: 0, x87: 0, simd: 0, kernels: 0 });
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

  /** Instructions of the kernels that no other oracle takes, by their names in the sources; for 64-bit code, in those of long mode. */
  private addKernels(): void {
    const files = readdirSync(KERNELS).filter((f) => f.endsWith('.asm'));
    const sources = (wanted: (file: string) => boolean) => files.filter(wanted).map((f) => readFileSync(new URL(f, KERNELS), 'utf8')).join('\n');
    const all = sources(() => true);
    const long = sources((file) => file.endsWith('64.asm'));
    for (const [form, row] of this.rows) {
      if (!/^(RD|WR|SYS|CPUID|(CALL|JMP)_FAR_INDIRECT|SLDT|STR|SGDT|SIDT|SMSW|X[GS]ETBV|INVPCID|XSAVE|XRSTOR)/.test(row.mnemonic)) continue;
      const source = form.startsWith(LONG) ? long : all;
      this.add('kernels', form, source.match(new RegExp(`^[^;\\n]*\\b${inSources(row.mnemonic)}\\b`, 'gm'))?.length ?? 0);
    }
  }

  /** Every form, in the order of the table. */
  list(): FormCoverage[] {
    return [...this.rows].map(([form, row]) => {
      const cases = this.counts.get(form) as Record<Oracle, number>;
      const total = ORACLES.reduce((sum, o) => sum + cases[o], 0);
      const reason = UNJUDGED[row.mnemonic];
      const shape = form.slice(form.indexOf('|') + 2);
      return { row: row.source.replace(/\s+/g, ' '), form: form.startsWith(LONG) ? LONG + shape : shape, cases, total, ...(reason && total === 0 ? { reason } : {}) };
    });
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
