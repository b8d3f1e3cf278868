/** Builds host.c with the system's compiler and runs cases of 64-bit code on the host's processor. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Batch } from './record.ts';

const BASELINE = 0x42;

function build(): string {
  const directory = fileURLToPath(new URL('../../../.cache/long', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const path = `${directory}/long-oracle`;
  // Compiled aside and renamed, so that a run beside this one keeps its program. No stack protector: it uses FS.
  const fresh = `${path}.${process.pid}`;
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-fno-stack-protector', '-o', fresh, fileURLToPath(new URL('host.c', import.meta.url))]);
  renameSync(fresh, path);
  return path;
}

export class Native {
  private readonly child: ChildProcessWithoutNullStreams = spawn(build(), [], { stdio: ['pipe', 'pipe', 'inherit'] }) as unknown as ChildProcessWithoutNullStreams;
  private target: Uint8Array = new Uint8Array(0);
  private filled = 0;
  private done: () => void = () => {};
  private failed: (error: Error) => void = () => {};

  constructor() {
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.target.set(chunk, this.filled);
      this.filled += chunk.length;
      if (this.filled === this.target.length) this.done();
    });
    this.child.on('exit', (code, signal) => this.failed(new Error(`the host's program ended: ${code ?? signal}`)));
  }

  private word(value: number): void {
    this.child.stdin.write(Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
  }

  baseline(pages: Uint8Array): void {
    this.word(BASELINE);
    this.child.stdin.write(Buffer.from(pages));
  }

  /** Fills in the results. */
  run(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.target = batch.used;
      this.filled = 0;
      this.done = resolve;
      this.failed = reject;
      this.word(batch.count);
      this.child.stdin.write(Buffer.from(batch.used));
    });
  }

  close(): void {
    this.failed = () => {};
    this.child.stdin.end();
  }
}
