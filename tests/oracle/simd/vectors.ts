/**
 * The recorded cases of the SIMD oracle, vectors.bin: what a processor did, for hosts that cannot ask one: a line with
 * that processor's name, then for each encoding
 * its text, padded with spaces, and `CASES_PER_ENCODING` records of simd-oracle.c.
 *
 * VEX instructions, which have the same bodies, are not in it. To record anew: `npx tsx tests/oracle/simd/vectors.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { simdEncodings } from './encodings.ts';
import { buildNative, runNative } from './native.ts';
import { RECORD_SIZE } from './run-case.ts';

const CASES_PER_ENCODING = 4;
const SEED = 2026;
const NAME_SIZE = 16;
const PATH = fileURLToPath(new URL('vectors.bin', import.meta.url));

export interface Vector {
  readonly encoding: string;
  readonly records: Uint8Array;
}

export function readVectors(): Vector[] {
  const bytes = readFileSync(PATH);
  const vectors: Vector[] = [];
  for (let at = bytes.indexOf(10) + 1; at < bytes.length; ) {
    const encoding = bytes.toString('latin1', at, at + NAME_SIZE).trim();
    const end = at + NAME_SIZE + CASES_PER_ENCODING * RECORD_SIZE;
    vectors.push({ encoding, records: bytes.subarray(at + NAME_SIZE, end) });
    at = end;
  }
  return vectors;
}

function record(): void {
  const program = buildNative();
  const parts: Uint8Array[] = [Buffer.from(`${cpus()[0]?.model ?? 'unknown'}\n`)];
  for (const { row, text, sameRegister } of simdEncodings()) {
    if (sameRegister || row.vex) continue;
    parts.push(Buffer.from(text.padEnd(NAME_SIZE), 'latin1'), runNative(program, text, CASES_PER_ENCODING, SEED));
  }
  writeFileSync(PATH, Buffer.concat(parts));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) record();
