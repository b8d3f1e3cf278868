/** The processor's WebAssembly modules from files, compiled once for all machines of the process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CpuModules } from '../cpu/cpu.ts';
import { EmulatorError } from '../errors.ts';
import { packageRoot } from './package-root.ts';

let loading: Promise<CpuModules> | undefined;

/** @throws EmulatorError `missing-file` when they were not built. */
export function loadNodeModules(): Promise<CpuModules> {
  loading ??= Promise.all([compile('interpreter.wasm'), compile('kernel.wasm')]).then(([interpreter, kernel]) => ({ interpreter, kernel }));
  return loading;
}

async function compile(name: string): Promise<WebAssembly.Module> {
  const path = join(packageRoot(), 'build', name);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new EmulatorError('missing-file', `${name} is not built; run npm run build`, { cause });
  }
  return WebAssembly.compile(bytes);
}
