/** Builds and runs the native side of the x87 oracle. Needs gcc and an x86-64 host. */
import { execFileSync } from 'node:child_process';
import { compileNative } from '../compile-native.ts';
import { RECORD_SIZE } from './run-case.ts';

/** Cases that the native program writes at once. */
export const BATCH = 50_000;

/** Compiles x87-oracle.c and returns the program's path. */
export const buildNative = (): string => compileNative(new URL('x87-oracle.c', import.meta.url), ['-O1']);

/** Records of `cases` (at most BATCH) random cases of one encoding. */
export function runNative(program: string, opcode: string, cases: number, seed: number): DataView {
  const bytes = execFileSync(program, [String(seed), String(cases), opcode], { maxBuffer: RECORD_SIZE * BATCH });
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
