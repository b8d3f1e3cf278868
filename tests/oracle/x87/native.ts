/** Builds and runs the native side of the x87 oracle. Needs gcc and an x86-64 host. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RECORD_SIZE } from './run-case.ts';

/** Cases that the native program writes at once. */
export const BATCH = 50_000;

/** Whether this host can run the oracle. */
export function hasNative(): boolean {
  if (process.arch !== 'x64' || process.platform !== 'linux') return false;
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Compiles x87-oracle.c and returns the program's path. */
export function buildNative(): string {
  const directory = fileURLToPath(new URL('../../../.cache/x87', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const path = `${directory}/x87-oracle`;
  // Compiled aside and renamed, so that a run beside this one keeps its program.
  const fresh = `${path}.${process.pid}`;
  execFileSync('gcc', ['-O1', '-o', fresh, fileURLToPath(new URL('x87-oracle.c', import.meta.url))]);
  renameSync(fresh, path);
  return path;
}

/** Records of `cases` (at most BATCH) random cases of one encoding. */
export function runNative(program: string, opcode: string, cases: number, seed: number): DataView {
  const bytes = execFileSync(program, [String(seed), String(cases), opcode], { maxBuffer: RECORD_SIZE * BATCH });
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
