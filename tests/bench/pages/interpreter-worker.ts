/** Runs the two interpreters' loop and posts the rates. */
import { builtModules } from '../../built-modules.ts';
import { createCoracleLoop } from '../interpreter/coracle-loop.ts';
import { measureLoops } from '../interpreter/loop.ts';
import { createSketchLoop } from '../interpreter/sketch-loop.ts';
import type { LoopRequest } from './interpreter-page.ts';
import { fetchBytes } from './protocol.ts';

async function measure(request: LoopRequest): Promise<void> {
  const modules = await builtModules((name) => fetchBytes(request.codeUrl + name));
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
