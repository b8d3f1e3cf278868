/**
 * The recorded cases of the x87 oracle, vectors.bin: what a processor did, for hosts that cannot ask one. A line with that
 * processor's name comes first. A vector is a
 * record of x87-oracle.c without ST(4) to ST(7) before and ST(2) to ST(7) after, which no recorded encoding looks at.
 *
 * To record anew: `npx tsx tests/oracle/x87/vectors.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildNative, runNative } from './native.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './opcodes.ts';
import { RECORD_SIZE } from './run-case.ts';

/** The pieces of a record that a vector keeps, as [from, to). */
const PIECES = [[0, 48], [88, 124], [184, 194]] as const;
const VECTOR_SIZE = PIECES.reduce((sum, [from, to]) => sum + to - from, 0);
/** Stack registers that a vector tells of after the instruction. */
export const VECTOR_REGISTERS = 2;
const CASES_PER_OPCODE = 72;
const SEED = 2026;
const PATH = fileURLToPath(new URL('vectors.bin', import.meta.url));
/** FLD ST(7), FDECSTP and FNINIT show registers that vectors leave out. */
const LEFT_OUT: readonly string[] = ['d9c7', 'd9f6', 'dbe3'];

/** The vectors, as records. */
export function readVectors(): DataView {
  const bytes = readFileSync(PATH);
  const vectors = bytes.subarray(bytes.indexOf(10) + 1);
  const records = new Uint8Array((vectors.length / VECTOR_SIZE) * RECORD_SIZE);
  let source = 0;
  for (let at = 0; at < records.length; at += RECORD_SIZE) {
    for (const [from, to] of PIECES) {
      records.set(vectors.subarray(source, source + to - from), at + from);
      source += to - from;
    }
  }
  return new DataView(records.buffer);
}

function record(): void {
  const program = buildNative();
  const parts: Uint8Array[] = [Buffer.from(`${cpus()[0]?.model ?? 'unknown'}\n`)];
  for (const opcode of [...MEMORY_OPCODES, ...REGISTER_OPCODES, ...TRANSCENDENTAL_OPCODES]) {
    if (LEFT_OUT.includes(opcode)) continue;
    const records = runNative(program, opcode, CASES_PER_OPCODE, SEED);
    for (let at = 0; at < records.byteLength; at += RECORD_SIZE) {
      for (const [from, to] of PIECES) parts.push(new Uint8Array(records.buffer, records.byteOffset + at + from, to - from));
    }
  }
  writeFileSync(PATH, Buffer.concat(parts));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) record();
