/** Regions of one module, which lead to each other by direct tail calls while they stand where branches lead. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Cpu, CpuOptions } from '../cpu/cpu.ts';
import { flatMachine } from '../cpu/flat-machine-fixture.ts';
import { MODE_OSFXSR } from '../cpu/mode.ts';
import { InstalledRegions, NOWHERE } from '../interp/installed-regions.ts';
import { physAddr } from '../memory/address.ts';
import { generateModule } from './generate.ts';
import { unpackRegions } from './packing.ts';
import type { Region } from './region.ts';
import type { CompileReply, CompilerThread } from './thread-protocol.ts';

const EAX = 0, ECX = 1, EDX = 2, EBX = 3, ESP = 4;
const CODE = 0x1000, FUNCTION = 0x2000, STACK = 0x6000;
/** Rounds that are run at a time. */
const SLICE = 150;

afterEach(() => vi.restoreAllMocks());

/** Makes modules at once, of more regions at a time than are made between two slices without a thread; `each` sees the regions. */
function thread(each: (regions: readonly Region[]) => void = () => {}): CompilerThread {
  let answer: (reply: CompileReply) => void = () => {};
  return {
    listen: (onReply) => {
      answer = onReply;
    },
    post: ({ id, regions }) => {
      const unpacked = unpackRegions(regions);
      each(unpacked);
      const bytes = generateModule(unpacked);
      answer({ id, module: new WebAssembly.Module(bytes as BufferSource), bytes: bytes.length });
    },
  };
}

/** Runs rounds of a loop that calls a function, whose first byte changes from time to time; gives the words that tell modules of their entries. */
function run(options: CpuOptions, loop: readonly number[], code: readonly number[], otherwise: number, length: number, check: (cpu: Cpu, plain: number, other: number) => void): number[] {
  const install = vi.spyOn(InstalledRegions.prototype, 'install');
  const { cpu, memory } = flatMachine(options, CODE, loop);
  memory.write(physAddr(FUNCTION), Uint8Array.from(code));
  cpu.state.setReg(ESP, STACK);
  for (const n of [EAX, ECX, EDX, EBX]) cpu.state.setReg(n, 0);
  const rounds = [0, 0];
  for (const [turn, n] of [500, 3, 1000, 300, 1, 700].entries()) {
    memory.write(physAddr(FUNCTION), Uint8Array.of(turn % 2 ? otherwise : code[0]));
    // Between slices, what is ready is put in its place.
    for (let left = n; left > 0; left -= SLICE) cpu.run(Math.min(left, SLICE) * length);
    rounds[turn % 2] += n;
    check(cpu, rounds[0], rounds[1]);
  }
  return install.mock.calls.flatMap(([, entries]) => entries.flatMap(({ told }) => (told ? [told.value] : [])));
}

it.each<[string, CpuOptions]>([
  ['both tiers', { compileThreshold: 100 }], ['compiled code', { tier: 'compiled' }],
])('a function that calls itself goes on to what it is now, in %s', (_name, options) => {
  const loop = [0xb9, 10, 0, 0, 0, 0xe8, 0xf6, 0x0f, 0, 0, 0x43, 0xeb, 0xf3]; // again: mov ecx, 10; call FUNCTION; inc ebx; jmp again
  const code = [0x01, 0xc8, 0x49, 0x74, 0x06, 0xe8, 0xf6, 0xff, 0xff, 0xff, 0x42, 0xc3]; // add eax, ecx; dec ecx; jz end; call FUNCTION; inc edx; end: ret
  run(options, loop, code, 0x29, 62, (cpu, plain, other) => { // sub eax, ecx
    expect([EAX, EDX, EBX].map((n) => cpu.state.reg(n) | 0)).toEqual([55 * (plain - other), 9 * (plain + other), plain + other]);
  });
});

describe('the region of a loop and that of a function which it calls', () => {
  const loop = [0xe8, 0xfb, 0x0f, 0, 0, 0x43, 0xeb, 0xf8]; // again: call FUNCTION; inc ebx; jmp again
  const code = [...Array<number>(120).fill(0x40), 0xc3]; // inc eax, more often than what stands in the place of its call; ret
  const withThread = (each?: (regions: readonly Region[]) => void): CpuOptions => ({ compileThreshold: 100, compilerThread: thread(each) });

  it('lead to each other, while they stand there', () => {
    const told = run(withThread(), loop, code, 0x42, 124, (cpu, plain, other) => { // inc edx
      expect([EAX, EDX, EBX].map((n) => cpu.state.reg(n))).toEqual([120 * plain + 119 * other, other, plain + other]);
    });
    expect(told.length).toBeGreaterThan(1);
    expect(told.filter((slot) => slot !== NOWHERE).length).toBeGreaterThan(0);
    expect(told).toContain(NOWHERE);
  });
  it('do not where one is code of another mode', () => {
    const made: (readonly Region[])[] = [];
    run(withThread((regions) => made.push(regions)), loop, code, 0x42, 124, () => {});
    const slots = (regions: readonly Region[]): number =>
      WebAssembly.Module.exports(new WebAssembly.Module(generateModule(regions) as BufferSource)).filter(({ kind }) => kind === 'global').length;
    const regions = made.find((some) => slots(some) > 1) ?? [];
    expect(regions.length).toBeGreaterThan(1);
    expect(slots(regions.map((region, n) => ({ ...region, mode: n === 0 ? region.mode ^ MODE_OSFXSR : region.mode })))).toBeLessThan(slots(regions));
  });
});
