/** Starts the thread in which hot code is compiled: a browser's worker, or one of Node's. */
import type { CompileReply, CompilerThread } from './jit/thread-protocol.ts';

export interface StartedThread extends CompilerThread {
  terminate(): void;
}

/** Gives Node's worker what a browser's has. */
const AS_IN_A_BROWSER = `{
  const { parentPort } = require('node:worker_threads');
  globalThis.self = globalThis;
  globalThis.postMessage = (message) => parentPort.postMessage(message);
  parentPort.on('message', (data) => globalThis.onmessage({ data }));
}
`;

/** @param script what scripts/build-wasm.ts made of src/jit/thread-main.ts. @returns undefined where the host allows no threads */
export async function startCompilerThread(script: string): Promise<StartedThread | undefined> {
  try {
    return typeof Worker === 'function' ? startWorker(script) : await startNodeWorker(script);
  } catch {
    // A policy of the page forbids it, for instance; the machine compiles between its slices then.
    return undefined;
  }
}

function startWorker(script: string): StartedThread {
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return {
    post: (request) => worker.postMessage(request),
    listen: (onReply, onEnd) => {
      worker.onmessage = ({ data }: MessageEvent<CompileReply>) => onReply(data);
      worker.onerror = onEnd;
    },
    terminate: () => worker.terminate(),
  };
}

async function startNodeWorker(script: string): Promise<StartedThread> {
  // By a name that bundlers for browsers do not follow.
  const name = 'node:worker_threads';
  const threads = (await import(/* @vite-ignore */ name)) as typeof import('node:worker_threads');
  const worker = new threads.Worker(AS_IN_A_BROWSER + script, { eval: true });
  // A thread alone keeps no process.
  worker.unref();
  return {
    post: (request) => worker.postMessage(request),
    listen: (onReply, onEnd) => void worker.on('message', onReply).on('error', onEnd),
    terminate: () => void worker.terminate(),
  };
}
