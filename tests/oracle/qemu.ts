/** Runs cases on QEMU's processor, in a kernel of our own whose memory is a file shared with us. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildEnvironment, type EnvironmentOptions, RAM_BYTES } from './environment.ts';
import type { Executor } from './native.ts';
import type { Batch } from './record.ts';

const SOURCE = fileURLToPath(new URL('qemu/kernel.c', import.meta.url));
const SCRIPT = fileURLToPath(new URL('qemu/kernel.ld', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
const KERNEL = `${CACHE}oracle-kernel`;
/** How long a batch may take, on a busy machine: a case that does not end takes longer. */
const PATIENCE_MS = 120_000;
const BASELINE = 0x220000;
const DOORBELL = 0x3ff000;
const RECORDS = 0x400000;
/** Bytes of records that fit. */
export const QEMU_BATCH_BYTES = RAM_BYTES - RECORDS;

function build(): void {
  mkdirSync(CACHE, { recursive: true });
  const built = statSync(KERNEL, { throwIfNoEntry: false });
  if (built && built.mtimeMs > statSync(SOURCE).mtimeMs) return;
  const flags = '-m32 -O2 -ffreestanding -fno-pic -fno-stack-protector -mgeneral-regs-only -nostdlib -static -no-pie -Wall -Werror -Wl,--build-id=none';
  execFileSync('gcc', [...flags.split(' '), `-Wl,-T,${SCRIPT}`, '-o', KERNEL, SOURCE], { stdio: 'inherit' });
}

export class QemuExecutor implements Executor {
  readonly name = 'qemu';
  private readonly path: string;
  private readonly file: number;
  private readonly child: ChildProcess;
  private wake: ((byte: number) => void) | undefined;
  private readonly heard: number[] = [];
  private ended: Error | undefined;

  private constructor() {
    this.path = `/dev/shm/coracle-oracle-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const args = ['-accel', 'tcg', '-machine', 'pc,memory-backend=ram', '-cpu', 'max', '-m', `${RAM_BYTES >>> 20}M`, '-display', 'none', '-debugcon', 'stdio',
      '-object', `memory-backend-file,id=ram,size=${RAM_BYTES >>> 20}M,mem-path=${this.path},share=on`, '-nodefaults', '-kernel', KERNEL];
    this.file = openSync(this.path, 'w+');
    this.child = spawn('qemu-system-i386', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      for (const byte of chunk) this.hear(byte);
    });
    this.child.on('exit', (code) => {
      this.ended = new Error(`qemu ended: ${code}`);
      this.hear(0);
    });
  }

  static async create(options: EnvironmentOptions = {}): Promise<QemuExecutor> {
    build();
    const it = new QemuExecutor();
    await it.expect('R');
    buildEnvironment((address, value) => it.word(address, value), options);
    it.word(DOORBELL, 0xffffffff);
    return it;
  }

  private hear(byte: number): void {
    this.heard.push(byte);
    const wake = this.wake;
    this.wake = undefined;
    wake?.(byte);
  }
  private async expect(letter: string): Promise<void> {
    for (;;) {
      while (this.heard.length > 0) if (this.heard.shift() === letter.charCodeAt(0)) return;
      if (this.ended) throw this.ended;
      const late = setTimeout(() => {
        this.ended = new Error(`qemu did not answer in ${PATIENCE_MS / 1000} seconds`);
        this.hear(0);
      }, PATIENCE_MS);
      await new Promise<number>((resolve) => (this.wake = resolve));
      clearTimeout(late);
    }
  }
  private word(address: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    writeSync(this.file, bytes, 0, 4, address);
  }

  private started = false;
  private async idle(): Promise<void> {
    if (this.started) return;
    this.started = true;
    await this.expect('D');
  }
  async baseline(pages: Uint8Array): Promise<void> {
    await this.idle();
    writeSync(this.file, pages, 0, pages.length, BASELINE);
    for (const [i, offset] of [0, 0x1000, 0xf000].entries()) writeSync(this.file, pages, i * 4096, 4096, 0x210000 + offset);
  }
  async run(batch: Batch): Promise<void> {
    await this.idle();
    writeSync(this.file, batch.used, 0, batch.used.length, RECORDS);
    this.word(DOORBELL + 4, batch.stride);
    this.word(DOORBELL, batch.count);
    await this.expect('D');
    readSync(this.file, batch.used, 0, batch.used.length, RECORDS);
  }
  close(): void {
    this.child.kill();
    closeSync(this.file);
    rmSync(this.path, { force: true });
  }
}
