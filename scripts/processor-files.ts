/**
 * Generates what the processor runs on: the WebAssembly modules of the interpreter, from the instruction set, and of the kernel,
 * compiled from AssemblyScript, and the script of the thread that compiles hot code.
 */
import { gzipSync } from 'fflate';
import { buildX87Kernel as buildKernel } from '../src/cpu/x87/build-kernel.ts';
import { generateInterpreter, generateWideHandlers } from '../src/interp/generate.ts';
import { HANDLERS } from '../src/interp/handlers.ts';
import { bundleRegionCompiler } from '../src/jit/bundle.ts';

/** Content by file name, as `loadModules` finds them in build/. */
export async function processorFiles(): Promise<Map<string, Uint8Array | string>> {
  return new Map<string, Uint8Array | string>([
    ['interpreter.wasm', generateInterpreter(HANDLERS)],
    ['wide-handlers.gzip', gzipSync(generateWideHandlers(HANDLERS), { level: 9 })],
    ['kernel.wasm', await buildKernel()],
    ['region-compiler.js', await bundleRegionCompiler()],
  ]);
}
