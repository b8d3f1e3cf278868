/**
 * Makes src/interp/hot-handlers.ts: the handlers that make up most of all code that Debian's kernels for i386 and amd64 and their shells,
 * and SeaBIOS, execute from power-on. To run again when handlers get other names; needs `npm run build` and `npm run guests`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODE_AVX, MODE_CODE32, MODE_CODE64, MODE_FLAT, MODE_OSFXSR, MODE_PROTECTED } from '../src/cpu/mode.ts';
import { buildX87Kernel as buildKernel } from '../src/cpu/x87/build-kernel.ts';
import { Decoders } from '../src/interp/decoders.ts';
import { HANDLERS } from '../src/interp/handlers.ts';
import type { RecordKernel } from '../src/interp/kernel-interface.ts';
import * as R from '../src/interp/record.ts';
import { Translator } from '../src/interp/translator.ts';
import { type Variant, variantKey } from '../src/interp/variant.ts';
import { FEATURES } from '../src/isa/features.ts';
import { INSTRUCTION_SET } from '../src/isa/instruction-set.ts';
import { Arena } from '../src/memory/arena.ts';

const LIST = new URL('../src/interp/hot-handlers.ts', import.meta.url);
const COMMAND_LINE = new URL('../bin/coracle.js', import.meta.url);
const GUESTS = new URL('../.cache/guests/', import.meta.url);
const kernel = (name: string): string[] => [
  '-kernel', `debian-${name}/vmlinuz`, '-initrd', `debian-${name}/initrd.img`, '-append', 'console=ttyS0', '-m', '256', '-until', 'shell ready',
];
const BOOTS = [kernel('i386'), kernel('amd64'), ['-L', 'firmware', '-hda', 'teaching.img', '-until', 'shell ready']];
const TIMEOUT_MS = 120_000;

/** A hot handler is at least this part of all. */
const LEAST_PART = 1 / 100_000;

const MODES: Record<string, number> = {
  16: MODE_PROTECTED | MODE_OSFXSR | MODE_AVX,
  32: MODE_PROTECTED | MODE_OSFXSR | MODE_AVX | MODE_CODE32 | MODE_FLAT,
  64: MODE_PROTECTED | MODE_OSFXSR | MODE_AVX | MODE_CODE64 | MODE_FLAT,
};

class Reader {
  private readonly arena = new Arena();
  private readonly code = this.arena.reserve(4096);
  private readonly record = this.arena.reserve(4096);
  private readonly translator: Translator;

  constructor(kernel: WebAssembly.Module) {
    const decoders = new Decoders(INSTRUCTION_SET);
    decoders.number(new Set(FEATURES));
    const { exports } = new WebAssembly.Instance(kernel, { env: { memory: this.arena.memory } });
    this.translator = new Translator(this.arena, decoders, HANDLERS, exports as unknown as RecordKernel, () => {});
  }

  /** The handlers of the instructions in a trace of `in_asm`. */
  *handlers(trace: string): Iterable<number> {
    let mode = 0;
    for (const line of trace.split('\n')) {
      const head = /^in_asm \d+: (\d+) bits/.exec(line);
      if (head) mode = MODES[head[1]];
      const instruction = /^ {2}[0-9a-f]+ ([0-9a-f]+) /.exec(line);
      if (instruction) yield this.handler(Buffer.from(instruction[1], 'hex'), mode);
    }
  }

  private handler(bytes: Buffer, mode: number): number {
    const { arena } = this;
    arena.u8.set(bytes, this.code);
    this.translator.instruction(this.code, this.code + bytes.length, mode, this.record, 0, 1);
    return arena.u32[(this.record + R.REC_HANDLER) >>> 2];
  }
}

/** Keys of those that are frequent enough, the most frequent first. What is repeated takes its time in itself. */
function hottest(counts: ReadonlyMap<number, number>): string[] {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const hot = [...counts].filter(([handler, count]) => count >= all * LEAST_PART && HANDLERS.variant(handler)?.repeat === 'none');
  return hot.sort(([, a], [, b]) => b - a).map(([handler]) => variantKey(HANDLERS.variant(handler) as Variant));
}

const folder = mkdtempSync(join(tmpdir(), 'hot-handlers-'));
const counts = new Map<number, number>();
try {
  const reader = new Reader(new WebAssembly.Module((await buildKernel()) as BufferSource));
  for (const flags of BOOTS) {
    const trace = join(folder, 'trace');
    const args = [COMMAND_LINE.pathname, 'boot', ...flags, '-nographic', '-pace', 'none', '-trace', 'in_asm', '-D', trace];
    execFileSync(process.execPath, args, { cwd: GUESTS, stdio: ['ignore', 'ignore', 'inherit'], timeout: TIMEOUT_MS });
    for (const handler of reader.handlers(readFileSync(trace, 'latin1'))) counts.set(handler, (counts.get(handler) ?? 0) + 1);
  }
} finally {
  rmSync(folder, { recursive: true });
}
writeFileSync(LIST, `/** Made by scripts/hot-handlers.ts: keys of the handlers that guests execute most, as \`variantKey\` has them, the most frequent first. */
export const HOT_HANDLERS: readonly string[] = \`
${hottest(counts).join('\n')}
\`.trim().split('\\n');
`);
