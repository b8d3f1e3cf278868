/** Compiles the programs that run on the host's own processor, with the system's compiler. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../.cache/oracle/', import.meta.url));
const built = new Map<string, string>();

/** Compiles a C file, once, and gives the program's path. */
export function compileNative(source: URL, flags: readonly string[]): string {
  const file = fileURLToPath(source);
  const known = built.get(file);
  if (known !== undefined) return known;
  mkdirSync(CACHE, { recursive: true });
  const path = CACHE + basename(file, '.c');
  // Compiled aside and renamed, so that a run beside this one keeps its program.
  const fresh = `${path}.${process.pid}`;
  execFileSync('gcc', [...flags, '-o', fresh, file], { stdio: 'inherit' });
  renameSync(fresh, path);
  built.set(file, path);
  return path;
}
