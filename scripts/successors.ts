/**
 * Makes src/interp/successor-table.ts: which handlers follow which, counted in all code that Debian's kernels for i386 and
 * amd64 and their shells, and SeaBIOS, execute from power-on. To run again when handlers get other names; needs `npm run build` and `npm run guests`.
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

const TABLE = new URL('../src/interp/successor-table.ts', import.meta.url);
const COMMAND_LINE = new URL('../bin/coracle.js', import.meta.url);
const GUESTS = new URL('../.cache/guests/', import.meta.url);
const kernel = (name: string): string[] => [
  '-kernel', `debian-${name}/vmlinuz`, '-initrd', `debian-${name}/initrd.img`, '-append', 'console=ttyS0', '-m', '256', '-until', 'shell ready',
];
const BOOTS = [kernel('i386'), kernel('amd64'), ['-L', 'firmware', '-hda', 'teaching.img', '-until', 'shell ready']];
const TIMEOUT_MS = 120_000;

/** A handler has so many successors at most, each at least so often, if it is itself that part of all. */
const MOST = 10, LEAST_SHARE = 1 / 40, LEAST_PART = 1 / 20_000;

/** How often what followed one handler. */
class Follower {
  readonly next = new Map<number, number>();
  readonly taken = new Map<number, number>();
  total = 0;
}
const followers = new Map<number, Follower>();

function follower(handler: number): Follower {
  let found = followers.get(handler);
  if (!found) followers.set(handler, (found = new Follower()));
  return found;
}
/** Only handlers of one module can go to one another directly. */
function note(kind: 'next' | 'taken', handler: number, successor: number): void {
  if (HANDLERS.variant(successor) === undefined || (handler < HANDLERS.firstWide) !== (successor < HANDLERS.firstWide)) return;
  const counts = follower(handler)[kind];
  counts.set(successor, (counts.get(successor) ?? 0) + 1);
}

interface Instruction {
  readonly address: bigint;
  readonly handler: number;
  readonly length: number;
  /** Where a relative branch leads. */
  readonly target: bigint | undefined;
}

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

  /** The blocks of a trace of `in_asm`. */
  blocks(trace: string): Instruction[][] {
    const blocks: Instruction[][] = [];
    let mode = 0;
    for (const line of trace.split('\n')) {
      const head = /^in_asm \d+: (\d+) bits/.exec(line);
      if (head) {
        mode = MODES[head[1]];
        blocks.push([]);
      }
      const instruction = /^ {2}([0-9a-f]+) ([0-9a-f]+) /.exec(line);
      if (instruction) blocks.at(-1)?.push(this.instruction(BigInt(`0x${instruction[1]}`), Buffer.from(instruction[2], 'hex'), mode));
    }
    return blocks;
  }

  private instruction(address: bigint, bytes: Buffer, mode: number): Instruction {
    const { arena } = this;
    arena.u8.set(bytes, this.code);
    this.translator.instruction(this.code, this.code + bytes.length, mode, this.record, 0, 1);
    const handler = arena.u32[(this.record + R.REC_HANDLER) >>> 2];
    const relative = HANDLERS.variant(handler)?.row.operands.some(({ kind }) => kind === 'J');
    const target = relative ? address + BigInt(arena.i32[(this.record + R.REC_IMMEDIATE) >>> 2]) : undefined;
    return { address, handler, length: bytes.length, target };
  }
}

function count(blocks: readonly Instruction[][]): void {
  const at = new Map<bigint, number>();
  for (const block of blocks) for (const { address, handler } of block) at.set(address, handler);
  const isMnemonic = (handler: number, name: string): boolean => HANDLERS.variant(handler)?.row.mnemonic === name;
  // Returns lead to behind calls, calls through a register or memory to where other calls do.
  const returns = new Set<number>(), indirect = new Set<number>();
  for (const { handler } of blocks.flat()) {
    if (isMnemonic(handler, 'RET')) returns.add(handler);
    if (isMnemonic(handler, 'CALL_INDIRECT')) indirect.add(handler);
  }
  for (const block of blocks) {
    for (const [n, { address, handler, length, target }] of block.entries()) {
      follower(handler).total++;
      const next = HANDLERS.variant(handler)?.row.attributes.has('end') ? undefined : block[n + 1];
      if (next) note('next', handler, next.handler);
      const there = target === undefined ? undefined : at.get(target);
      if (there !== undefined) note('taken', handler, there);
      if (!isMnemonic(handler, 'CALL')) continue;
      if (there !== undefined) for (const call of indirect) note('taken', call, there);
      const back = at.get(address + BigInt(length));
      if (back !== undefined) for (const leave of returns) note('taken', leave, back);
    }
  }
}

function best(counts: ReadonlyMap<number, number>): number[] {
  const least = [...counts.values()].reduce((sum, n) => sum + n, 0) * LEAST_SHARE;
  const frequent = [...counts].filter(([, n]) => n >= least);
  return frequent.sort(([, a], [, b]) => b - a).slice(0, MOST).map(([handler]) => handler);
}

function table(): string {
  const all = [...followers.values()].reduce((sum, { total }) => sum + total, 0);
  const frequent = [...followers].filter(([handler, { total }]) => HANDLERS.variant(handler) && total >= all * LEAST_PART);
  frequent.sort(([, a], [, b]) => b.total - a.total);
  const rows = frequent.map(([handler, { next, taken }]) => ({ handler, next: best(next), taken: best(taken) }));
  const lines = [...new Set([...rows.map(({ handler }) => handler), ...rows.flatMap(({ next, taken }) => [...next, ...taken])])];
  const places = (handlers: number[]): string => handlers.map((handler) => lines.indexOf(handler)).join(' ');
  return lines.map((handler, n) => {
    const key = variantKey(HANDLERS.variant(handler) as Variant);
    const row = rows[n];
    if (!row) return key;
    return `${key}: ${places(row.next)}${row.taken.length > 0 ? `|${places(row.taken)}` : ''}`;
  }).join('\n');
}

const folder = mkdtempSync(join(tmpdir(), 'successors-'));
try {
  const reader = new Reader(new WebAssembly.Module((await buildKernel()) as BufferSource));
  for (const flags of BOOTS) {
    const trace = join(folder, 'trace');
    const args = [COMMAND_LINE.pathname, 'boot', ...flags, '-nographic', '-pace', 'none', '-trace', 'in_asm', '-D', trace];
    execFileSync(process.execPath, args, { cwd: GUESTS, stdio: ['ignore', 'ignore', 'inherit'], timeout: TIMEOUT_MS });
    count(reader.blocks(readFileSync(trace, 'latin1')));
  }
} finally {
  rmSync(folder, { recursive: true });
}
writeFileSync(TABLE, `/** Made by scripts/successors.ts; successors.ts says what it means. */\nexport const SUCCESSOR_TABLE = \`\n${table()}\n\`;\n`);
