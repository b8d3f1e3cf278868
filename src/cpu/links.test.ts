/** Branches to other pages keep the record that they lead to, or led to before, for as long as it is there. */
import { describe, expect, it } from 'vitest';
import { CodePage } from '../interp/code-page.ts';
import * as R from '../interp/record.ts';
import { physAddr } from '../memory/address.ts';
import type { CpuOptions } from './cpu.ts';
import { type FlatMachine, flatMachine } from './flat-machine-fixture.ts';
import * as L from './layout.ts';
import { PTE_P, PTE_RW } from './paging.ts';
import { CR0_PG } from './registers.ts';

const EAX = 0, ECX = 1, EDX = 2, EBX = 3, ESP = 4;
const CODE = 0x1000, CALLER = 0x7000, FUNCTION = 0x8000, OTHER = 0x9000, POINTER = 0x5000, STACK = 0x6000, DIRECTORY = 0x10000, TABLE = 0x11000;
/** again: call FUNCTION; inc ecx; jmp again */
const LOOP = [0xe8, 0xfb, 0x6f, 0, 0, 0x41, 0xeb, 0xf8];
/** Likewise in another page: again: call FUNCTION; inc edx; jmp again */
const SECOND_LOOP = [0xe8, 0xfb, 0x0f, 0, 0, 0x42, 0xeb, 0xf8];
const INC_EAX = [0x40, 0xc3], INC_EBX = [0x43, 0xc3];
/** Instructions of the loop and the function. */
const ROUND = 5;

interface LinkedMachine extends FlatMachine {
  host(address: number): number;
  /** First record of the loop, the call's. */
  call(): number;
  counts(): number[];
  rounds(n: number): void;
}

function machine(options: CpuOptions): LinkedMachine {
  const made = flatMachine(options, CODE, LOOP);
  const { cpu, memory, engine } = made;
  memory.write(physAddr(FUNCTION), Uint8Array.from(INC_EAX));
  memory.write(physAddr(OTHER), Uint8Array.from(INC_EBX));
  cpu.state.setReg(ESP, STACK);
  cpu.state.setReg(EDX, 0);
  const host = (address: number): number => Number(memory.writeFrame(address >> 12)) + (address & 0xfff);
  return {
    ...made, host,
    call: () => engine.code.find(host(CODE), cpu.state.getU32(L.MODE)),
    counts: () => [EAX, EBX, ECX].map((n) => cpu.state.reg(n)),
    rounds: (n) => void cpu.run(n * ROUND),
  };
}

const TIERS: [string, CpuOptions][] = [
  ['the interpreter', { tier: 'interp' }], ['both tiers', { compileThreshold: 100 }], ['compiled code', { tier: 'compiled' }],
];

/** Turns paging on; what is returned maps a page to a frame. */
function paged({ cpu, memory }: LinkedMachine, page: number): (frame: number) => void {
  const entry = (at: number, frame: number): void => memory.write(physAddr(at), new Uint8Array(Uint32Array.of(frame | PTE_P | PTE_RW).buffer));
  entry(DIRECTORY, TABLE);
  for (let n = 0; n < 0x20; n++) entry(TABLE + n * 4, n << 12);
  cpu.state.setCr(3, DIRECTORY);
  cpu.state.setCr(0, cpu.state.cr(0) | CR0_PG);
  cpu.updateMode();
  cpu.mmu.flush();
  return (frame) => {
    entry(TABLE + (page >> 12) * 4, frame);
    cpu.mmu.invalidatePage(page);
  };
}

/** Rounds of one kind and twice as many of another, again and again; of the registers, one counts each kind, and the last all. */
function takeTurns(m: LinkedMachine, turns: readonly number[], one: () => void, other: () => void, registers: readonly number[]): void {
  let [a, b] = [0, 0];
  for (const n of turns) {
    one();
    m.rounds(n);
    a += n;
    other();
    m.rounds(2 * n);
    b += 2 * n;
    expect(registers.map((r) => m.cpu.state.reg(r))).toEqual([a, b, a + b]);
  }
}

describe('a call of a function in another page', () => {
  const target = ({ cpu, call }: LinkedMachine): number => cpu.state.arena.u32[(call() + R.REC_TARGET) >>> 2];

  it('is linked after a while, and no more when the function is written to', () => {
    const m = machine({ tier: 'interp' });
    m.rounds(2 * R.EDGES_TO_LINK);
    expect(target(m)).toBe(m.host(FUNCTION));
    m.memory.write(physAddr(FUNCTION), Uint8Array.from(INC_EBX));
    expect(target(m)).toBe(0);
    m.rounds(3 * R.EDGES_TO_LINK);
    expect(m.counts()).toEqual([2, 3, 5].map((n) => n * R.EDGES_TO_LINK));
    expect(target(m)).toBe(m.host(FUNCTION));
  });

  it('is linked no more when the code of its page is dropped', () => {
    const m = machine({ tier: 'interp' });
    m.rounds(2 * R.EDGES_TO_LINK);
    m.engine.code.drop(m.host(FUNCTION) | 0);
    m.engine.code.recycle();
    expect(target(m)).toBe(0);
    m.rounds(1);
    expect(m.counts()).toEqual([129, 0, 129]);
  });

  it('does not take what came in its place for a link', () => {
    const m = machine({ tier: 'interp' });
    const { engine, memory, cpu } = m;
    m.rounds(2 * R.EDGES_TO_LINK);
    const place = m.call();
    engine.code.drop(m.host(CODE) | 0);
    engine.code.recycle();
    const displacement = m.host(FUNCTION);
    const bytes = [0, 8, 16, 24].map((shift) => (displacement >>> shift) & 0xff);
    memory.write(physAddr(CODE), Uint8Array.from([0x8b, 0x05, ...bytes, 0xeb, 0xf8])); // mov eax, [displacement]; jmp
    expect(m.call()).toBe(place);
    engine.code.drop(m.host(FUNCTION) | 0);
    expect(cpu.state.arena.u32[(place + R.REC_DISPLACEMENT) >>> 2]).toBe(displacement);
  });

  it.each(TIERS)('goes where its page is mapped to in %s', (_name, options) => {
    const m = machine(options);
    const map = paged(m, FUNCTION);
    takeTurns(m, [200, 3, 500, 1], () => map(FUNCTION), () => map(OTHER), [EAX, EBX, ECX]);
  });
});

describe('a return', () => {
  const target = ({ cpu, engine, host }: LinkedMachine): number => {
    const record = engine.code.find(host(FUNCTION), cpu.state.getU32(L.MODE)) + R.RECORD_SIZE;
    return cpu.state.arena.u32[(record + R.REC_TARGET) >>> 2];
  };

  it('is linked to where it goes, and later to where it goes then', () => {
    const m = machine({ tier: 'interp' });
    m.memory.write(physAddr(CALLER), Uint8Array.from(SECOND_LOOP));
    m.rounds(2 * R.EDGES_TO_LINK);
    expect(target(m)).toBe(m.host(CODE + 5));
    m.cpu.state.eip = CALLER;
    m.rounds(2 * R.EDGES_TO_LINK);
    expect(target(m)).toBe(m.host(CODE + 5));
    m.rounds(2 * R.EDGES_TO_RELINK);
    expect(target(m)).toBe(m.host(CALLER + 5));
    const there = 2 * (R.EDGES_TO_LINK + R.EDGES_TO_RELINK);
    expect([m.cpu.state.reg(ECX), m.cpu.state.reg(EDX)]).toEqual([2 * R.EDGES_TO_LINK, there]);
    m.engine.code.drop(m.host(CALLER) | 0);
    expect(target(m)).toBe(0);
  });

  it.each(TIERS)('goes to where the page of its caller is mapped to in %s', (_name, options) => {
    const m = machine(options);
    m.memory.write(physAddr(OTHER), Uint8Array.from(LOOP.with(5, SECOND_LOOP[5])));
    const map = paged(m, CODE);
    takeTurns(m, [200, 3, 1500, 1], () => map(CODE), () => map(OTHER), [ECX, EDX, EAX]);
  });
});

describe('an indirect call', () => {
  /** again: call [POINTER]; inc ecx; jmp again */
  const THROUGH = [0xff, 0x15, 0, 0x50, 0, 0, 0x41, 0xeb, 0xf7];

  it.each(TIERS)('goes where its pointer says, and is linked to where it went for long, in %s', (_name, options) => {
    const m = machine(options);
    m.memory.write(physAddr(CODE), Uint8Array.from(THROUGH));
    const point = (to: number) => () => m.memory.writePhys(POINTER, 4, to);
    takeTurns(m, [2 * R.EDGES_TO_LINK, 1, 2 * R.EDGES_TO_RELINK, 7], point(FUNCTION), point(OTHER), [EAX, EBX, ECX]);
  });
  it('has its link in the record that ends its block', () => {
    const m = machine({ tier: 'interp' });
    const target = (): number => m.cpu.state.arena.u32[(m.call() + R.RECORD_SIZE + R.REC_TARGET) >>> 2];
    m.memory.write(physAddr(CODE), Uint8Array.from(THROUGH));
    m.memory.writePhys(POINTER, 4, FUNCTION);
    m.rounds(2 * R.EDGES_TO_LINK);
    expect(target()).toBe(m.host(FUNCTION));
    m.memory.writePhys(POINTER, 4, OTHER);
    m.rounds(2 * R.EDGES_TO_RELINK);
    expect(target()).toBe(m.host(OTHER));
    m.engine.code.drop(m.host(OTHER) | 0);
    expect(target()).toBe(0);
  });
});

it('keeps of the links into a page those that still lead there, each once', () => {
  const { memory, host } = machine({ tier: 'interp' });
  const page = new CodePage(memory.pool.arena, host(FUNCTION));
  const leadsHere = (source: number): boolean => source % 1000 === 0;
  for (let turn = 0; turn < 3; turn++) for (let source = 1; source <= 20_000; source++) page.noteIncoming(source, leadsHere);
  const sources = page.takeIncoming();
  expect(new Set(sources.filter(leadsHere)).size).toBe(20);
  expect(sources.length).toBeLessThan(200);
  expect(page.takeIncoming()).toEqual([]);
});
