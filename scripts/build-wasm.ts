/**
 * Makes what the processor runs on, into build/: the WebAssembly modules of the interpreter, generated from the instruction
 * set, and of the kernel, compiled from AssemblyScript, and the script of the thread that compiles hot code. Everything
 * else loads them from there.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { buildX87Kernel as buildKernel } from '../src/cpu/x87/build-kernel.ts';
import { generateInterpreter } from '../src/interp/generate.ts';
import { HANDLERS } from '../src/interp/handlers.ts';
import { bundleRegionCompiler } from '../src/jit/bundle.ts';

const DIRECTORY = new URL('../build/', import.meta.url);

const interpreter = generateInterpreter(HANDLERS);
const kernel = await buildKernel();
await mkdir(DIRECTORY, { recursive: true });
await writeFile(new URL('interpreter.wasm', DIRECTORY), interpreter);
await writeFile(new URL('kernel.wasm', DIRECTORY), kernel);
await writeFile(new URL('region-compiler.js', DIRECTORY), await bundleRegionCompiler());
const kib = (bytes: Uint8Array) => `${Math.round(bytes.length / 1024)} KiB`;
console.log(`wasm: ${HANDLERS.variants.length} handlers, interpreter ${kib(interpreter)}, kernel ${kib(kernel)}`);
