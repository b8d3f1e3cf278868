/** Programs that write to themselves do the same in every tier, in slices of any size, as when nothing decoded is ever kept. */
import { describe, expect, it } from 'vitest';
import { type ArenaAddr, physAddr } from '../memory/address.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Cpu, CpuOptions } from './cpu.ts';
import { flatMachine } from './flat-machine-fixture.ts';
import * as L from './layout.ts';

const ESP = 4;
const CODE = 0x1000, CODE_END = 0x3000, DATA = 0x4000, STACK = 0x6000;
const START = 0x1f40, LENGTH = 0x180;

function machine(options: CpuOptions, code: Uint8Array): { cpu: Cpu; memory: GuestMemory; forget: () => void } {
  const { cpu, memory, engine } = flatMachine(options, CODE, code);
  cpu.state.eip = START;
  cpu.state.setReg(ESP, STACK);
  return { cpu, memory, forget: () => engine.code.dropAll() };
}

function image({ cpu, memory }: { cpu: Cpu; memory: GuestMemory }): { registers: number[]; bytes: Uint8Array } {
  const bytes = new Uint8Array(STACK - CODE);
  memory.read(physAddr(CODE), bytes);
  return { registers: [cpu.instructions, cpu.state.eip, cpu.state.eflags, ...Array.from({ length: 8 }, (_, n) => cpu.state.reg(n))], bytes };
}

function randomNumbers(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
}

/**
 * A loop over the end of a page, in which stores change what comes, what has been, and what is none of it. They only go where any
 * of their values leaves the program one: to short instructions, to pairs of NOPs that become jumps, to immediates.
 */
function program(random: (below: number) => number): Uint8Array {
  const short = [0x40, 0x43, 0x46, 0x47, 0x48, 0x4b, 0x90, 0xf8, 0xf9, 0x98];
  const code: number[] = [];
  const put32 = (n: number): number[] => [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24];
  const places = { byte: [] as number[], pair: [] as number[], beside: [CODE_END - 64, CODE_END - 8, CODE, CODE + 64] };
  const stores: { at: number; to: readonly number[] }[] = [];
  /** The bytes at the end of the instruction that begins here name an address, to be chosen once all are known. */
  const store = (before: readonly number[], to: readonly number[], after: readonly number[]): void => {
    stores.push({ at: code.length + before.length, to });
    code.push(...before, 0, 0, 0, 0, ...after);
  };
  while (code.length < LENGTH) {
    const some = short[random(short.length)];
    switch (random(14)) {
      case 0: store([0xc6, 0x05], places.byte, [some]); break; // mov byte [an instruction], another
      case 1: store([0x66, 0xc7, 0x05], places.pair, random(2) ? [0xeb, 0] : [0x90, 0x90]); break; // mov word [a pair], jmp to the next, or nops
      case 2: store([0xb0, some, 0xa2], places.byte, []); break; // mov al, an instruction; mov [another], al
      case 3: store([0x01, 0x05], places.beside, []); break; // add [bytes beside the code], eax
      case 4: code.push(0x05, ...put32(random(2 ** 31))); break; // add eax, a number
      case 5: code.push(0x75, 1, some); break; // jnz over an instruction
      case 6: code.push(0x85, 0xc0); break; // test eax, eax
      case 7: code.push(0xe8, ...put32(1), 0x90, 0x5a); break; // call over a nop; pop edx
      case 8: case 9:
        places.pair.push(START + code.length);
        code.push(0x90, 0x90);
        break;
      default:
        places.byte.push(START + code.length);
        code.push(some);
    }
  }
  code.push(0x41, 0xe9, ...put32(-(code.length + 6))); // inc ecx; jmp to the start
  for (const { at, to } of stores) code.splice(at, 4, ...put32(to.length > 0 ? to[random(to.length)] : DATA));
  const bytes = new Uint8Array(CODE_END - CODE).fill(0x90);
  bytes.set(code, START - CODE);
  return bytes;
}

describe.each([1, 2, 3])('a program that changes itself, number %i', (seed) => {
  const code = program(randomNumbers(seed * 7919));
  const total = 1600;
  const slow = machine({ tier: 'interp' }, code);
  for (let i = 0; i < total && slow.cpu.run(1) === 'budget'; i++) slow.forget();
  const expected = image(slow);

  it('goes on', () => expect(slow.cpu.instructions).toBe(total));


  it.each<[string, CpuOptions, number]>([
    ['the interpreter', { tier: 'interp' }, total], ['the interpreter, in slices', { tier: 'interp' }, 150], ['both tiers', { compileThreshold: 3 }, 700],
    ['compiled code', { tier: 'compiled' }, 1000],
  ])('runs the same in %s', (_name, options, slice) => {
    const fast = machine(options, code);
    for (let left = total; left > 0; left -= slice) if (fast.cpu.run(Math.min(slice, left)) !== 'budget') break;
    expect(image(fast)).toEqual(expected);
  });
});

it('the region of a loop that calls what it has just written ends there', () => {
  const buffer = 0x8000, again = CODE + 5;
  const code = [
    0xbf, 0x00, buffer >> 8, 0, 0, // mov edi, buffer
    0xc6, 0x07, 0x40, 0xc6, 0x47, 0x01, 0xc3, // again: mov byte [edi], inc eax; mov byte [edi + 1], ret
    0xff, 0xd7, // call edi
    0x83, 0xc7, 0x10, 0x81, 0xe7, 0xff, 0x8f, 0, 0, // add edi, 16; and edi, 0x8fff
    0xeb, 0xec, // jmp again
  ];
  const { cpu } = flatMachine({ compileThreshold: 100 }, CODE, code);
  cpu.state.setReg(ESP, STACK);
  cpu.run(40_000);
  expect(cpu.state.reg(0)).toBe(5000);
  const places = (cpu.listRegion(again)?.parts ?? []).map(({ linear }) => Number(linear));
  expect(places).toContain(again);
  expect(places.filter((linear) => linear >= buffer)).toEqual([]);
});

it('stores to a page whose code is gone do not ask any more', () => {
  const page = 0x8000;
  const code = [
    0xbf, 0x00, page >> 8, 0, 0, 0xc6, 0x07, 0xc3, 0xff, 0xd7, // mov edi, page; mov byte [edi], ret; call edi
    0xb9, 40, 0, 0, 0, 0x89, 0x8f, 0x00, 0x01, 0, 0, 0x49, 0x75, 0xf7, // mov ecx, 40; again: mov [edi + 0x100], ecx; dec ecx; jnz again
    0xc6, 0x07, 0xc3, 0xb9, 40, 0, 0, 0, 0x89, 0x8f, 0x00, 0x01, 0, 0, 0x49, 0x75, 0xf7, // mov byte [edi], ret; and once more
    0xeb, 0xfe,
  ];
  const { cpu, memory } = flatMachine({ tier: 'interp' }, CODE, code);
  cpu.state.setReg(ESP, STACK);
  const frame = memory.writeFrame(page >> 12);
  const isTold = (): boolean => {
    const entry = cpu.state.base + L.TLB_SUPERVISOR + (page >> 12) * L.TLB_ENTRY_SIZE;
    return (cpu.state.arena.i32[(entry + L.TLB_WRITE) >>> 2] & L.TLB_CODE) !== 0;
  };
  cpu.run(10);
  expect([memory.pool.hasCode(frame as ArenaAddr), isTold()]).toEqual([true, true]);
  cpu.run(300);
  expect([memory.pool.hasCode(frame as ArenaAddr), isTold()]).toEqual([false, false]);
});

describe.each<[string, CpuOptions]>([['the interpreter', { tier: 'interp' }], ['both tiers', { compileThreshold: 20 }], ['compiled code', { tier: 'compiled' }]])('what is written again and again, in %s', (_name, options) => {
  const FUNCTION = CODE + 0x800, ROUNDS = 500;
  const put32 = (n: number): number[] => [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24];
  /** A loop of ROUNDS, with EDX counting down, around code; then it halts. */
  const loop = (body: readonly number[]): number[] => [0xba, ...put32(ROUNDS), ...body, 0x4a, 0x0f, 0x85, ...put32(-(body.length + 7)), 0xeb, 0xfe];
  function run(body: readonly number[], code: readonly number[]): Cpu {
    const image = new Uint8Array(0x1000);
    image.set(loop(body));
    image.set(code, FUNCTION - CODE);
    const { cpu } = flatMachine(options, CODE, image);
    cpu.state.setReg(ESP, STACK);
    cpu.run(ROUNDS * 20);
    return cpu;
  }
  const call = (at: number, to: number): number[] => [0xe8, ...put32(to - at - 5)];
  const BODY = CODE + 5;

  it('is up to date, and its block is patched where instructions stay as long', () => {
    const change = [0x89, 0x15, ...put32(FUNCTION + 1), 0x80, 0x35, ...put32(FUNCTION + 6), 0x08]; // mov [its number], edx; xor byte [inc or dec ebx], 8
    const cpu = run([...change, ...call(BODY + change.length, FUNCTION)], [0x05, ...put32(0), 0x90, 0x43, 0xc3]); // add eax, number; nop; inc ebx; ret
    expect([cpu.state.reg(0), cpu.state.reg(3)]).toEqual([(ROUNDS * (ROUNDS + 1)) / 2, 0]);
    expect(cpu.codeCounters.invalidations).toBeGreaterThan(ROUNDS);
    if (options.tier !== 'compiled') expect(cpu.codeCounters.blocks).toBeLessThan(ROUNDS / 4);
  });

  it('may be the instruction that writes', () => {
    const at = BODY + 5; // mov eax, 0x0d; at: xchg [its own ModRM], al, or cl; add ebx, eax; mov byte [that ModRM], al's
    const cpu = run([0xb8, 0x0d, 0, 0, 0, 0x86, 0x05, ...put32(at + 1), 0x01, 0xc3, 0xc6, 0x05, ...put32(at + 1), 0x05], []);
    expect([cpu.state.reg(3), cpu.state.reg(1)]).toEqual([ROUNDS * 5, 0]);
  });

  it.each<[string, readonly number[], readonly number[]]>([
    // add eax, 1, or add eax, 1, inc eax, NOP.
    ['longer and shorter', [0x81, 0x35, ...put32(FUNCTION), ...put32(0x4001c186), 0x80, 0x35, ...put32(FUNCTION + 4), 0x90], [0x05, 1, 0, 0, 0, 0xc3]],
    // inc eax, NOP or RET, inc eax.
    ['the end of its block, and no end', [0x80, 0x35, ...put32(FUNCTION + 1), 0x90 ^ 0xc3], [0x40, 0x90, 0x40, 0xc3]],
  ])('may become %s', (_what, change, code) => {
    const cpu = run([...change, ...call(BODY + change.length, FUNCTION)], code);
    expect(cpu.state.reg(0)).toBe(ROUNDS * 1.5);
  });

  it('is dropped when it is only written, not executed', () => {
    const writes = Array.from({ length: 10 }, () => [0x89, 0x15, ...put32(FUNCTION + 1)]).flat();
    const cpu = run([...writes, ...call(BODY + writes.length, FUNCTION)], [0x05, ...put32(0), 0xc3]);
    expect(cpu.state.reg(0)).toBe((ROUNDS * (ROUNDS + 1)) / 2);
    expect(cpu.codeCounters.invalidations).toBeLessThan(4 * ROUNDS);
  });
});
