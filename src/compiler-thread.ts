/**
 * Starts the thread in which hot code is compiled, and more: a browser's worker, or one of Node's. It ends when it has had nothing to
 * do for a while, for its heap never shrinks from what it needs at work, some 70 MiB; the next request starts another.
 */
import type { CompileReply, CompileRequest, CompilerThread } from './jit/thread-protocol.ts';
import type { ThreadReply, ThreadRequest, UnpackReply } from './thread-protocol.ts';

export const IDLE_MS = 2500;

export interface StartedThread extends CompilerThread {
  /** Milliseconds that it waits for a request until it ends. */
  idleMs: number;
  /** It is there and has answered: one that has only begun to start may have to wait until this thread is idle. */
  readonly isUp: boolean;
  /** As `unpackInitrd`, in the thread. @throws Error when the thread ends */
  unpackInitrd(packed: Uint8Array, leaf: WebAssembly.Module, most: number): Promise<Uint8Array | undefined>;
  terminate(): void;
}

interface HostThread {
  post(request: ThreadRequest): void;
  terminate(): void;
}
type Start = (onReply: (reply: ThreadReply) => void, onEnd: () => void) => HostThread;

/** Gives Node's worker what a browser's has. */
const AS_IN_A_BROWSER = `{
  const { parentPort } = require('node:worker_threads');
  globalThis.self = globalThis;
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
  parentPort.on('message', (data) => globalThis.onmessage({ data }));
}
`;

/**
 * @param script what scripts/build-wasm.ts made of src/thread-main.ts
 * @param idleMs milliseconds that the thread waits for a request until it ends
 * @returns undefined where the host allows no threads
 */
export async function startCompilerThread(script: string, idleMs = IDLE_MS): Promise<StartedThread | undefined> {
  try {
    return new RestingThread(typeof Worker === 'function' ? startWorker(script) : await startNodeWorker(script), idleMs);
  } catch {
    // A policy of the page forbids it, for instance; the machine compiles between its slices then.
    return undefined;
  }
}

interface OpenRequest {
  /** As whoever sent it calls it. */
  readonly id: number;
  readonly onReply: (reply: ThreadReply) => void;
  readonly onEnd?: () => void;
}

class RestingThread implements StartedThread {
  idleMs: number;
  private readonly start: Start;
  private thread: HostThread | undefined;
  private onReply: (reply: CompileReply) => void = () => {};
  private onEnd: () => void = () => {};
  /** Requests without an answer, by their numbers here: who listens now need not be who sent them. */
  private readonly open = new Map<number, OpenRequest>();
  private requests = 0;
  /** The host has ended it, or never let it start: it answers nothing any more. */
  private failed = false;
  /** Since it was started last. */
  private answered = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(start: Start, idleMs: number) {
    this.start = start;
    this.idleMs = idleMs;
    // At once: whether the host allows it is to be known before the machine runs.
    this.thread = this.begin();
  }

  get isUp(): boolean {
    return this.answered && !this.failed;
  }

  post(request: CompileRequest): void {
    this.send(request, { id: request.id, onReply: this.onReply as OpenRequest['onReply'] });
  }

  unpackInitrd(packed: Uint8Array, leaf: WebAssembly.Module, most: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new Error('the thread has ended'));
      this.send({ id: 0, packed, leaf, most }, { id: 0, onReply: (reply) => resolve((reply as UnpackReply).unpacked), onEnd });
    });
  }

  listen(onReply: (reply: CompileReply) => void, onEnd: () => void): void {
    this.onReply = onReply;
    this.onEnd = onEnd;
    if (this.failed) onEnd();
  }

  terminate(): void {
    clearTimeout(this.timer);
    this.thread?.terminate();
    this.thread = undefined;
    this.answered = false;
    this.giveUp();
  }

  private send(request: ThreadRequest, open: OpenRequest): void {
    if (this.failed) {
      open.onEnd?.();
      return;
    }
    clearTimeout(this.timer);
    const number = ++this.requests;
    this.open.set(number, open);
    this.thread ??= this.begin();
    this.thread.post({ ...request, id: number });
  }

  private begin(): HostThread {
    return this.start((reply) => this.receive(reply), () => {
      this.failed = true;
      this.giveUp();
      this.onEnd();
    });
  }

  private giveUp(): void {
    for (const { onEnd } of this.open.values()) onEnd?.();
    this.open.clear();
  }

  private receive(reply: ThreadReply): void {
    this.answered = true;
    const request = this.open.get(reply.id);
    this.open.delete(reply.id);
    request?.onReply({ ...reply, id: request.id });
    if (this.open.size > 0) return;
    this.timer = setTimeout(() => this.terminate(), this.idleMs);
    // In Node, a timer would keep the process.
    if (typeof this.timer === 'object') this.timer.unref();
  }
}

function startWorker(script: string): Start {
  return (onReply, onEnd) => {
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = ({ data }: MessageEvent<ThreadReply>) => onReply(data);
    worker.onerror = onEnd;
    return { post: (request) => worker.postMessage(request), terminate: () => worker.terminate() };
  };
}

async function startNodeWorker(script: string): Promise<Start> {
  // By a name that bundlers for browsers do not follow.
  const name = 'node:worker_threads';
  const threads = (await import(/* @vite-ignore */ name)) as typeof import('node:worker_threads');
  return (onReply, onEnd) => {
    const worker = new threads.Worker(AS_IN_A_BROWSER + script, { eval: true });
    // A thread alone keeps no process.
    worker.unref();
    worker.on('message', onReply).on('error', onEnd);
    return { post: (request) => worker.postMessage(request), terminate: () => void worker.terminate() };
  };
}
