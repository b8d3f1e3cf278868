/**
 * Fuzzer `programs`: small loops of port and memory accesses, run by the processor for whole turns of the run loop. An
 * access that costs the host much must not keep it from its own events: a slice comes back soon whatever it does.
 */
import * as L from '../../src/cpu/layout.ts';
import { CS, DS, ES, SS } from '../../src/cpu/registers.ts';
import { setSegment } from '../../src/cpu/segments.ts';
import { physAddr } from '../../src/memory/address.ts';
import type { Fuzzer } from './fuzzer.ts';
import { little } from './generator.ts';
import { FuzzMachine } from './machine.ts';
import { address } from './memory.ts';
import { SEQUENCES } from './drivers.ts';
import { CODE, DATA, STACK } from './world.ts';

interface Access {
  readonly port: number;
  readonly width: number;
  readonly value: number;
}

/** What a driver's sequence writes, to be repeated by guest code. */
function recorded(m: FuzzMachine): Access[] {
  const { random } = m.fuzz;
  const accesses: Access[] = [];
  const out = m.out.bind(m);
  m.out = (port, width, value) => {
    accesses.push({ port, width, value });
    out(port, width, value);
  };
  for (let n = 1 + random.below(2); n > 0; n--) random.pick(SEQUENCES)(m);
  m.out = out;
  return accesses;
}

/** Accesses that cost the host as much as any does: clearing video memory, moving a frame buffer, long transfers. */
function expensive(m: FuzzMachine): Access[] {
  const { random } = m.fuzz;
  const word = (port: number, value: number): Access => ({ port, width: 2, value });
  const long = (port: number, value: number): Access => ({ port, width: 4, value });
  const command = (slot: number, value: number): Access[] => [long(0xcf8, 0x80000004 | (slot << 11)), word(0xcfc, value)];
  switch (random.below(5)) {
    case 0: return [word(0x1ce, 4), word(0x1d0, 0), word(0x1ce, 4), word(0x1d0, 0x41)];
    case 1: return [long(0xcf8, 0x80001010), long(0xcfc, 0xe0000000), ...command(2, 7), ...command(2, 0)];
    case 2: return [long(0xcf8, 0x80000058), long(0xcfc, 0x33333300), long(0xcf8, 0x80000058), long(0xcfc, 0)];
    case 3:
      [0x0a000000, 0x00000001, 0, 0x00001000].forEach((value, i) => m.write(DATA + 4 * i, 4, value));
      return [long(0x518, 0x600)];
    default: return [{ port: 0x92, width: 1, value: 0 }, { port: 0x92, width: 1, value: 2 }];
  }
}

/** 32-bit code: the accesses, then all over again. */
function loop(m: FuzzMachine): number[] {
  const { random } = m.fuzz;
  const code: number[] = [];
  const accesses = random.chance(20) ? expensive(m) : recorded(m);
  // A few of them, so that one that is expensive makes up much of the loop.
  const kept = accesses.slice(-random.pick([2, 4, 12, 60]));
  for (const { port, width, value } of kept) {
    code.push(0xba, ...little(port, 4), 0xb8, ...little(value >>> 0, 4));
    if (random.chance(10)) code.push(width === 1 ? 0xec : 0xed);
    code.push(...(width === 2 ? [0x66] : []), width === 1 ? 0xee : 0xef);
  }
  for (let n = random.below(4); n > 0; n--) {
    const at = address(m);
    const store = random.pick([[0xa2], [0xa3], [0x66, 0xa3], [0xa0], [0xa1]]);
    code.push(...store, ...little(at, 4));
    if (random.chance(20)) code.push(0xbf, ...little(at, 4), 0xb9, ...little(random.below(5000), 4), random.pick([0xfc, 0xfd]), 0xf3, random.pick([0xaa, 0xab, 0xae]));
  }
  return [...code, 0xe9, ...little(-(code.length + 5) >>> 0, 4)];
}

function enter(m: FuzzMachine, code: readonly number[]): void {
  const { state } = m.cpu;
  m.machine.memory.write(physAddr(CODE), Uint8Array.from(code));
  m.cpu.reset();
  state.setCr(0, 0x11);
  setSegment(state, CS, 8, 0, 0xffffffff, 0xc09b);
  for (const n of [DS, ES, SS]) setSegment(state, n, 0x10, 0, 0xffffffff, 0xc093);
  state.setReg(4, STACK);
  state.setReg(6, DATA);
  state.setU32(L.IDTR_LIMIT, 0);
  state.eip = CODE;
  m.cpu.updateMode();
  m.cpu.mmu.flush();
}

export const programs: Fuzzer = {
  name: 'programs',
  share: 10,
  async run(fuzz) {
    const { random } = fuzz;
    const m = new FuzzMachine(fuzz, { ramMiB: random.pick([2, 16, 64]) });
    await m.run(2);
    for (let n = 0; n < 6; n++) {
      const code = loop(m);
      fuzz.note(`program ${Buffer.from(code).toString('hex')}`);
      enter(m, code);
      await m.run(random.pick([1, 1, 2]));
    }
    m.check();
    await m.answers();
    await m.dispose();
  },
};
