/** Builds and runs the native side of the SIMD oracle. Needs gcc and an x86-64 host. */
import { execFileSync } from 'node:child_process';
import { compileNative } from '../compile-native.ts';
import { RECORD_SIZE } from './run-case.ts';

/** Cases that the native program writes at once. */
export const BATCH = 100_000;

/** Compiles simd-oracle.c and returns the program's path. */
export const buildNative = (): string => compileNative(new URL('simd-oracle.c', import.meta.url), ['-O1', '-mno-red-zone']);

/** Records of `cases` (at most BATCH) random cases of one encoding. */
export function runNative(program: string, encoding: string, cases: number, seed: number): Uint8Array {
  return execFileSync(program, [String(seed), String(cases), encoding], { maxBuffer: RECORD_SIZE * BATCH + 1 });
}
