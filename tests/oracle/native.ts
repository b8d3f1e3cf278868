/** Runs cases on the host's own processor: builds host/execute.c with the system's compiler and talks to it over pipes. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Batch } from './record.ts';

const SOURCE = fileURLToPath(new URL('host/execute.c', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
const PROGRAM = `${CACHE}oracle-host`;

function build(): void {
  mkdirSync(CACHE, { recursive: true });
  const built = statSync(PROGRAM, { throwIfNoEntry: false });
  if (built && built.mtimeMs > statSync(SOURCE).mtimeMs) return;
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-o', PROGRAM, SOURCE], { stdio: 'inherit' });
}

/** An executor that fills in the results of a batch. */
export interface Executor {
  readonly name: string;
  baseline(pages: Uint8Array): Promise<void>;
  run(batch: Batch): Promise<void>;
  close(): void;
}

export class PipeExecutor implements Executor {
  readonly name: string;
  private readonly child: ChildProcessWithoutNullStreams;
  private target: Uint8Array | undefined;
  private filled = 0;
  private done: (() => void) | undefined;
  private failed: ((error: Error) => void) | undefined;

  constructor(name: string, program: string, args: string[]) {
    this.name = name;
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] }) as unknown as ChildProcessWithoutNullStreams;
    this.child.stdout.on('data', (chunk: Buffer) => this.take(chunk));
    this.child.on('exit', (code, signal) => this.failed?.(new Error(`${name} ended: ${code ?? signal}`)));
  }

  private take(chunk: Buffer): void {
    if (!this.target) throw new Error(`${this.name} talks unasked`);
    this.target.set(chunk, this.filled);
    this.filled += chunk.length;
    if (this.filled === this.target.length) this.done?.();
  }

  private word(value: number): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return bytes;
  }

  async baseline(pages: Uint8Array): Promise<void> {
    this.child.stdin.write(this.word(0x42));
    this.child.stdin.write(Buffer.from(pages));
  }

  run(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.target = batch.used;
      this.filled = 0;
      this.done = resolve;
      this.failed = reject;
      this.child.stdin.write(this.word(batch.count));
      this.child.stdin.write(this.word(batch.stride));
      this.child.stdin.write(Buffer.from(batch.used));
    });
  }

  close(): void {
    this.failed = undefined;
    this.child.stdin.end();
  }
}

export function nativeExecutor(): Executor {
  build();
  return new PipeExecutor('host', PROGRAM, []);
}
