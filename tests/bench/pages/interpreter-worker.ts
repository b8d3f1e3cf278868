/** Runs the two interpreters' loop and posts the rates. */
import { createCoracleLoop } from '../interpreter/coracle-loop.ts';
import { measureLoops } from '../interpreter/loop.ts';
import { createSketchLoop } from '../interpreter/sketch-loop.ts';
import type { LoopRequest } from './interpreter-page.ts';
import { fetchBytes } from './protocol.ts';

const compile = async (url: string): Promise<WebAssembly.Module> => WebAssembly.compile((await fetchBytes(url)) as BufferSource);

async function measure(request: LoopRequest): Promise<void> {
  const modules = { interpreter: await compile(request.interpreterUrl), kernel: await compile(request.kernelModuleUrl) };
  postMessage(measureLoops(createCoracleLoop(modules), createSketchLoop(), request.iterations, request.repetitions));
}

addEventListener('message', ({ data }: MessageEvent<LoopRequest>): void => {
  measure(data).catch((error) => {
    // Reaches the page as the worker's error event.
    setTimeout(() => {
      throw error;
    });
  });
});
