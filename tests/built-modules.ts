/** What the build made for the processor, from wherever a bench or a fuzzer reads files; as the library loads it. */
import type { CpuModules } from '../src/cpu/cpu.ts';
import { warmUp } from '../src/cpu/warm-up.ts';

/** `read` is asked for the files of build/ by their names. */
export async function builtModules(read: (name: string) => Promise<Uint8Array>): Promise<CpuModules> {
  const compile = async (name: string): Promise<WebAssembly.Module> => WebAssembly.compile((await read(name)) as BufferSource);
  const interpreter = await compile('interpreter.wasm');
  warmUp(interpreter);
  return {
    interpreter,
    wideHandlers: await read('wide-handlers.gzip'),
    kernel: await compile('kernel.wasm'),
    compilerScript: new TextDecoder().decode(await read('region-compiler.js')),
  };
}
