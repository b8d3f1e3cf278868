/** What the SIMD oracle runs: every row of the MMX and SSE tables, with register and memory operands. */
import { INSTRUCTION_SET } from '../../../src/isa/instruction-set.ts';
import type { Row } from '../../../src/isa/row.ts';

export interface Encoding {
  readonly row: Row;
  /** Hex bytes; a final `ib` stands for an immediate of one byte. */
  readonly text: string;
  /** Both operands are register 1. */
  readonly sameRegister: boolean;
}

/** Rows whose operands the oracle does not make: state areas, MXCSR, and what only orders memory. */
const LEFT_OUT = new Set(['FXSAVE', 'FXRSTOR', 'LDMXCSR', 'STMXCSR', 'VLDMXCSR', 'VSTMXCSR', 'LFENCE', 'MFENCE', 'SFENCE', 'CLFLUSH', 'CLFLUSHOPT', 'CLWB']);
/** Gathers too, whose addresses come from vectors. */
const isSimd = (row: Row): boolean =>
  (row.vex !== undefined || row.attributes.has('mmx') || row.attributes.has('sse')) && !LEFT_OUT.has(row.mnemonic) && !row.operands.some((o) => o.kind === 'X');

const hex = (bytes: readonly number[]): string => bytes.map((b) => b.toString(16).padStart(2, '0')).join('');

/** ModRM bytes: registers 1 and 2 (and 1 twice), and memory at [ESI]. */
function modrms(row: Row): number[] {
  const reg = row.digit ?? 1;
  const kinds = row.operands.map((o) => o.kind);
  const needsRegister = row.form === 'register' || kinds.includes('N') || kinds.includes('U');
  const needsMemory = row.form === 'memory' || kinds.includes('M');
  const registers = needsMemory ? [] : row.digit === undefined ? [0xc0 | (reg << 3) | 2, 0xc0 | (reg << 3) | 1] : [0xc0 | (reg << 3) | 1];
  return needsRegister ? registers : [...registers, (reg << 3) | 6];
}

/** VEX.vvvv is register 0 where there is one. */
function vexPrefix(row: Row): number[] {
  const map = row.opcode.length === 2 ? 1 : row.opcode[1] === 0x38 ? 2 : 3;
  const last = 0x78 | (row.vex?.length === 256 ? 4 : 0) | ['NP', '66', 'F3', 'F2'].indexOf(row.prefix ?? 'NP');
  return map === 1 && row.vex?.w !== 1 ? [0xc5, 0x80 | last] : [0xc4, 0xe0 | map, last | (row.vex?.w === 1 ? 0x80 : 0)];
}
function opcodeOf(row: Row): number[] {
  if (row.vex) return [...vexPrefix(row), row.opcode.at(-1) as number];
  const prefix = row.prefix === 'NP' || row.prefix === undefined ? [] : [Number.parseInt(row.prefix, 16)];
  return [...prefix, ...row.opcode];
}
/** An immediate that names a register names XMM0. */
function immediateOf(row: Row): string {
  if (row.operands.some((o) => o.kind === 'L')) return '00';
  return row.operands.some((o) => o.kind === 'I') ? 'ib' : '';
}

export function simdEncodings(): Encoding[] {
  const out: Encoding[] = [];
  for (const row of INSTRUCTION_SET.filter(isSimd)) {
    const forms = row.operands.length === 0 ? [[]] : modrms(row).map((m) => [m]);
    for (const form of forms) {
      const text = hex([...opcodeOf(row), ...form]) + immediateOf(row);
      out.push({ row, text, sameRegister: row.digit === undefined && form[0] === 0xc9 });
    }
  }
  return out;
}
