/** The processor's two modules, made afresh from the sources. */
import type { CpuModules } from '../../../src/cpu/cpu.ts';
import { buildX87Kernel } from '../../../src/cpu/x87/build-kernel.ts';
import { generateInterpreter } from '../../../src/interp/generate.ts';
import { HANDLERS } from '../../../src/interp/handlers.ts';

export async function makeModules(): Promise<CpuModules> {
  return {
    interpreter: new WebAssembly.Module(generateInterpreter(HANDLERS) as BufferSource),
    kernel: new WebAssembly.Module((await buildX87Kernel()) as BufferSource),
  };
}
