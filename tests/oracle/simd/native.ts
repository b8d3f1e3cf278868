/** Builds and runs the native side of the SIMD oracle. Needs gcc and an x86-64 host. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RECORD_SIZE } from './run-case.ts';

/** Cases that the native program writes at once. */
export const BATCH = 100_000;

/** Compiles simd-oracle.c and returns the program's path. */
export function buildNative(): string {
  const directory = fileURLToPath(new URL('../../../.cache/simd', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const path = `${directory}/simd-oracle`;
  // Compiled aside and renamed, so that a run beside this one keeps its program.
  const fresh = `${path}.${process.pid}`;
  execFileSync('gcc', ['-O1', '-mno-red-zone', '-o', fresh, fileURLToPath(new URL('simd-oracle.c', import.meta.url))]);
  renameSync(fresh, path);
  return path;
}

/** Records of `cases` (at most BATCH) random cases of one encoding. */
export function runNative(program: string, encoding: string, cases: number, seed: number): Uint8Array {
  return execFileSync(program, [String(seed), String(cases), encoding], { maxBuffer: RECORD_SIZE * BATCH + 1 });
}
