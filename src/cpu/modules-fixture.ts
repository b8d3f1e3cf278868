/** For tests: the interpreter as the sources have it, generated once in each process; the kernel that was built. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'fflate';
import { generateInterpreter, generateWideHandlers } from '../interp/generate.ts';
import { HANDLERS } from '../interp/handlers.ts';
import type { CpuModules } from './engine.ts';

let modules: CpuModules | undefined;

export function generatedModules(): CpuModules {
  modules ??= {
    interpreter: new WebAssembly.Module(generateInterpreter(HANDLERS) as BufferSource),
    wideHandlers: gzipSync(generateWideHandlers(HANDLERS), { level: 1 }),
    kernel: new WebAssembly.Module(readFileSync(new URL('../../build/kernel.wasm', import.meta.url))),
  };
  return modules;
}
