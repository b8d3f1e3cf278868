/** The x87 in compiled code: random programs do in every bit what they do in the interpreter, whose arithmetic the host's processor is held against. */
import { beforeAll, expect, it } from 'vitest';
import { makeModules } from '../../tests/oracle/simd/modules.ts';
import { DATA, Subject } from '../../tests/oracle/simd/run-case.ts';
import { Random } from '../../tests/oracle/random.ts';
import type { CpuModules, Tier } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import { setStatusWord } from '../cpu/x87/environment.ts';
import { stackDepths } from './x87-depth.ts';

const CODE = 0x20000;
const ECX = 1, ESI = 6, EDI = 7;
const ROUNDS = 60;
const INPUTS = 0x400, CONTROLS = 0x400, OUTPUTS = 0x800;
const CONTROL_WORDS = [0x37f, 0x37f, 0x37f, 0xf7f, 0xb7f, 0x77f, 0x27f, 0x07f];

let modules: CpuModules;
beforeAll(async () => {
  modules = await makeModules();
}, 120_000);

/** The first byte, second bytes of forms with ST(i) at ST(0), and second bytes without a register. */
type Forms = readonly (readonly [number, readonly number[], readonly number[]])[];
const KEEP: Forms = [
  [0xd8, [0xc0, 0xc8, 0xd0, 0xe0, 0xe8, 0xf0, 0xf8, 0xc0, 0xc8, 0xe0], []], [0xdc, [0xc0, 0xc8, 0xe0, 0xe8, 0xf0, 0xf8], []],
  [0xd9, [0xc8], [0xd0, 0xe0, 0xe1, 0xe4, 0xe5, 0xfc]], [0xd9, [0xc8], []],
  [0xda, [0xc0, 0xc8, 0xd0, 0xd8], []], [0xdb, [0xc0, 0xe8, 0xf0], [0xe2]], [0xdd, [0xd0, 0xe0], []], [0xdf, [], [0xe0]],
];
const SELDOM: Forms = [[0xd9, [], [0xf0, 0xf8, 0xfd, 0xfa, 0xfe, 0xff]], [0xdd, [0xc0], []]];
const PUSH: Forms = [[0xd9, [0xc0], [0xe8, 0xeb, 0xee]], [0xd9, [0xc0], []], [0xd9, [0xc0], [0xf2, 0xf4, 0xfb]]];
const POP: Forms = [[0xde, [0xc0, 0xc8, 0xe0, 0xe8, 0xf0, 0xf8], []], [0xdd, [0xd8, 0xe8], []], [0xdf, [0xe8, 0xf0], []], [0xd8, [0xd8], []], [0xd9, [], [0xf1, 0xf3]]];
const POP_TWICE: Forms = [[0xde, [], [0xd9]], [0xda, [], [0xe9]]];
/** With an operand in memory: the first byte, and the second one's reg field. */
type MemoryForms = readonly (readonly [number, number])[];
const KEEP_MEMORY: MemoryForms = [0xd8, 0xdc, 0xdc, 0xdc, 0xda, 0xde].flatMap((b) => [0, 1, 2, 4, 5, 6, 7, 0, 1, 4].map((reg) => [b, reg] as const));
const STORE_KEEP: MemoryForms = [[0xd9, 2], [0xdd, 2], [0xdb, 2], [0xdf, 2], [0xd9, 7], [0xdd, 7]];
const PUSH_MEMORY: MemoryForms = [[0xd9, 0], [0xdd, 0], [0xdd, 0], [0xdb, 0], [0xdb, 5], [0xdf, 0], [0xdf, 5]];
const STORE_POP: MemoryForms = [[0xd9, 3], [0xdd, 3], [0xdd, 3], [0xdb, 3], [0xdb, 1], [0xdb, 7], [0xdf, 3], [0xdf, 7]];
const SQUARE_ROOT_OF_MAGNITUDE = [0xd9, 0xe1, 0xd9, 0xfa];

class Maker {
  readonly code: number[] = [];
  /** Registers that are not empty, at least. */
  private full = 3;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random.below(from.length)] as T;
  }
  private register(from: Forms): number[] {
    const [first, withRegister, without] = this.pick(from);
    const forms = [...withRegister, ...without];
    const n = this.random.below(forms.length);
    // Now and then one that may be empty.
    const i = n < withRegister.length ? this.random.below(this.random.chance(98) ? Math.max(this.full, 1) : 8) : 0;
    return [first, (forms[n] as number) + i];
  }
  private memory([first, reg]: readonly [number, number], base: number, at: number): number[] {
    return [first, 0x80 | (reg << 3) | base, at & 0xff, at >> 8, 0, 0];
  }
  private input(from: MemoryForms): number[] {
    if (this.random.chance(15)) return this.memory(this.pick(from), EDI, OUTPUTS + 8 * this.random.below(40));
    return this.memory(this.pick(from), ESI, 8 * this.random.below(32));
  }
  private output(from: MemoryForms): number[] {
    return this.memory(this.pick(from), EDI, OUTPUTS + 8 * this.random.below(40));
  }
  private add(code: readonly number[], moves: number): void {
    this.code.push(...code);
    this.full += moves;
  }
  /** An instruction; `level`: one that keeps TOP. */
  one(level: boolean): void {
    const { random } = this;
    const kind = level ? 99 : random.below(100);
    const seldom = random.below(33);
    if (seldom === 0) this.add(this.memory([0xd9, 5], EDI, CONTROLS + 2 * random.below(CONTROL_WORDS.length)), 0);
    else if (seldom === 1) this.add(this.register(SELDOM), 0);
    else if (seldom === 2) this.add(SQUARE_ROOT_OF_MAGNITUDE, 0);
    else if (kind < 30 && this.full < 7) this.add(random.chance(70) ? this.input(PUSH_MEMORY) : this.register(PUSH), 1);
    else if (kind < 32 && this.full > 3) this.add(this.register(POP_TWICE), -2);
    else if (kind < 50 && this.full > 2) this.add(random.chance(40) ? this.output(STORE_POP) : this.register(POP), -1);
    else if (random.chance(40)) this.add(random.chance(30) ? this.output(STORE_KEEP) : this.input(KEEP_MEMORY), 0);
    else this.add(this.register(KEEP), 0);
  }
  /** ST(0) becomes another number. */
  renew(): void {
    this.add([0xdd, 0xd8, ...this.memory([0xdd, 0], ESI, 8 * this.random.below(32))], 0);
  }
  /** Something that is jumped over now and then; `level` unless ways to what follows are to differ in TOP. */
  skip(level: boolean): void {
    const inner = new Maker(this.random);
    inner.full = this.full;
    for (let n = 1 + this.random.below(3); n > 0; n--) inner.one(level);
    if (!level) this.full = Math.min(this.full, inner.full);
    this.code.push(0xf6, 0xc1, 1 << this.random.below(3), 0x74, inner.code.length, ...inner.code); // test cl, n; jz
  }
  /** Back to as many registers as there were. */
  settle(): void {
    for (; this.full > 3; this.full--) this.code.push(0xdd, 0xd8);
    for (; this.full < 3; this.full++) this.code.push(0xd9, 0xe8);
  }
}

function program(seed: number): number[] {
  const random = new Random(seed);
  const maker = new Maker(random);
  const uneven = random.chance(15);
  maker.renew();
  for (let n = 3 + random.below(25); n > 0; n--) {
    if (random.chance(10)) maker.renew();
    if (random.chance(15)) maker.skip(!uneven);
    else maker.one(false);
  }
  maker.settle();
  const { code } = maker;
  if (random.chance(20)) code.push(0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xeb, 0xd9, 0xee); // fninit; fld1; fldpi; fldz
  code.push(0x83, 0xc6, 0x08, 0x49, 0x0f, 0x85); // add esi, 8; dec ecx; jnz
  const back = -(code.length + 4) | 0;
  return [...code, back & 0xff, (back >> 8) & 0xff, (back >> 16) & 0xff, (back >> 24) & 0xff, 0xf4];
}

const DOUBLES = [0, -0, 1, -1, 0.1, 1e300, -1e300, 1e-300, 3e-310, Number.MIN_VALUE, Infinity, -Infinity, Number.NaN, 2 ** 63, -(2 ** 31), 1.5, 65536, 1 + 2 ** -52];
function inputs(random: Random): Uint8Array {
  const bytes = new Uint8Array(INPUTS);
  const view = new DataView(bytes.buffer);
  const plain = random.chance(75);
  for (let at = 0; at < INPUTS; at += 8) {
    if (plain || random.chance(40)) view.setFloat64(at, (random.u32() - 2 ** 31) * 2 ** (random.below(80) - 60), true);
    else if (random.chance(60)) view.setFloat64(at, DOUBLES[random.below(DOUBLES.length)] as number, true);
    else view.setBigUint64(at, (BigInt(random.u32()) << 32n) | BigInt(random.u32()), true);
  }
  return bytes;
}

function outcome(tier: Tier, seed: number): unknown {
  const random = new Random(seed ^ 0x5a5a);
  const subject = new Subject(modules, undefined, { tier });
  const { cpu, memory } = subject;
  const { state } = cpu;
  subject.write(CODE, program(seed));
  subject.write(DATA, inputs(random));
  subject.write(DATA + CONTROLS, new Uint8Array(Uint16Array.from(CONTROL_WORDS).buffer));
  const registers = state.arena.u8.subarray(state.base + L.FPR, state.base + L.FPR + 128);
  registers.set(Uint8Array.from({ length: 128 }, (_, i) => (i % 16 > 9 ? 0 : i % 16 === 9 ? 0x3f : random.below(256) | (i % 16 === 7 ? 0x80 : 0))));
  const top = random.below(8);
  state.setU16(L.FCW, random.chance(70) ? 0x37f : (CONTROL_WORDS[random.below(CONTROL_WORDS.length)] as number));
  setStatusWord(state, (top << 11) | (random.u32() & 0x477f & ~0x40));
  // Three registers are not empty, or more, or for a stack fault less.
  const full = random.chance(90) ? 3 + random.below(2) : random.below(3);
  state.arena.u8[state.base + L.FTW] = Array.from({ length: full }, (_, i) => 1 << ((top + i) & 7)).reduce((a, b) => a | b, 0);
  state.eip = CODE;
  state.setReg(ESI, DATA);
  state.setReg(EDI, DATA);
  state.setReg(ECX, ROUNDS);
  let slices = 0;
  while (cpu.run(tier === 'interp' ? 10_000 : 100 + (seed % 300)) === 'budget') expect(slices++).toBeLessThan(1000);
  const results = new Uint8Array(0x200);
  memory.read((DATA + OUTPUTS) as never, results);
  const control = state.arena.u8.slice(state.base + L.FPR, state.base + L.X87_SCRATCH);
  const registersAndFlags = { eip: state.eip, eax: state.reg(0), ecx: state.reg(ECX), flags: state.eflags, count: cpu.instructions };
  return { control: Buffer.from(control).toString('hex'), results: Buffer.from(results).toString('hex'), ...registersAndFlags };
}

/** More of them with X87_PROGRAMS in the environment. */
const PROGRAMS = Number(process.env.X87_PROGRAMS ?? 3);
it.each([1, 2, 3, 4])('does what the interpreter does: programs %i', (part) => {
  for (let seed = part * 1000; seed < part * 1000 + PROGRAMS; seed++) {
    expect({ seed, ...(outcome('compiled', seed) as object) }).toEqual({ seed, ...(outcome('interp', seed) as object) });
  }
});

it('numbers registers by TOP where all ways agree', () => {
  // A loop that pushes and pops, and one that only pushes.
  expect(stackDepths([[1], [2], [1, 3], []], [0, -1, 1, 0])).toEqual([0, 0, 7, 0]);
  expect(stackDepths([[1], [1, 2], []], [0, -1, 0])).toBeUndefined();
});
