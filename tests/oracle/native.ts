/** Runs cases on the host's own processor: builds a program of host/ with the system's compiler and talks to it over pipes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { compileNative } from './compile-native.ts';
import { type EnvironmentOptions, LOCAL } from './environment.ts';
import type { Records } from './batch.ts';

/** Compiles a program of host/, once, and gives its path. No stack protector: it uses FS, which is the case's. */
export const buildHost = (name: string): string => compileNative(new URL(`host/${name}.c`, import.meta.url), ['-O2', '-Wall', '-Werror', '-fno-stack-protector']);

/** An executor that fills in the results of a batch. */
export interface Executor {
  readonly name: string;
  baseline(pages: Uint8Array): Promise<void>;
  run(batch: Records): Promise<void>;
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

  protected send(bytes: Uint8Array): void {
    this.child.stdin.write(bytes);
  }
  private word(value: number): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return bytes;
  }

  async baseline(pages: Uint8Array): Promise<void> {
    this.send(this.word(0x42));
    this.send(Buffer.from(pages));
  }

  run(batch: Records): Promise<void> {
    return new Promise((resolve, reject) => {
      this.target = batch.used;
      this.filled = 0;
      this.done = resolve;
      this.failed = reject;
      this.send(this.word(batch.count));
      this.send(this.word(batch.stride));
      // Not a copy: the program has read all of it before it writes the first result.
      this.send(batch.used);
    });
  }

  close(): void {
    this.failed = undefined;
    this.child.stdin.end();
  }
}

/** The host's processor in 64-bit mode. */
export class LongExecutor extends PipeExecutor {
  constructor() {
    super('host', buildHost('execute64'), []);
  }
}

/** The host's processor in compatibility mode, with the environment's local table. */
export class NativeExecutor extends PipeExecutor {
  constructor(options: EnvironmentOptions = {}) {
    super('host', buildHost('execute'), options.writableCode ? ['writable'] : []);
    const table = Uint32Array.of(0x4c, LOCAL.length, ...LOCAL.flatMap((s) => [s.base, s.limit, s.access, s.flags]));
    this.send(new Uint8Array(table.buffer));
  }
}
