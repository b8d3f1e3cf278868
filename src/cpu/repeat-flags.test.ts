/** The flags that handlers find in the middle of REPE CMPS and REPNE SCAS [SDM2 REP]. */
import { describe, expect, it } from 'vitest';
import { physAddr } from '../memory/address.ts';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import { Cpu, type Tier } from './cpu.ts';
import { generatedModules } from './modules-fixture.ts';
import * as L from './layout.ts';
import {
  CR0_PE, CS, DS, EFLAGS_AF, EFLAGS_ARITHMETIC, EFLAGS_CF, EFLAGS_IF, EFLAGS_OF, EFLAGS_PF, EFLAGS_SF, EFLAGS_TF, EFLAGS_ZF, ES, RCX, RDI, RSI, RSP,
  VECTOR_DB, VECTOR_GP,
} from './registers.ts';
import { setFlatSegment, setSegment } from './segments.ts';

const modules = generatedModules();
const GDT = 0x800, IDT = 0x900, ENTRY = 0x1000, HANDLER = 0x2000, STACK = 0x8000, DATA = 0x4000;
const VECTOR = 0x20;
const REPE_CMPSB = [0xf3, 0xa6];
const REPNE_SCASB = [0xf2, 0xae];
const COUNT = 40;
/** Iterations that have an operand within the segments. */
const WITHIN = 24;
const BEFORE = EFLAGS_CF | EFLAGS_AF | EFLAGS_SF | EFLAGS_OF;
/** Of 0 compared with 0, and of AL = 0 compared with 1. */
const EQUAL = EFLAGS_PF | EFLAGS_ZF, BELOW = EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_SF;

interface Found {
  readonly flags: number;
  /** Iterations that were done. */
  readonly done: number;
}

function start(tier: Tier, code: readonly number[], more = 0) {
  const memory = new GuestMemory(new PagePool(new Arena()), 1 << 20);
  const interrupts = { pending: false, acknowledge: () => VECTOR };
  const host = { memory, ports: { readPort: () => 0xff, writePort: () => {} }, interrupts, tsc: () => 0n };
  const cpu = new Cpu(memory.pool.arena, host, modules, { tier });
  const { state } = cpu;
  state.setCr(0, state.cr(0) | CR0_PE);
  for (let n = 0; n < 6; n++) setFlatSegment(state, n, n === CS ? 8 : 16, 0);
  for (const n of [DS, ES]) setSegment(state, n, 16, 0, DATA + WITHIN - 1, 0x4093);
  cpu.updateMode();
  memory.write(physAddr(ENTRY), Uint8Array.from(code));
  memory.write(physAddr(HANDLER), Uint8Array.of(0xf4)); // hlt
  memory.write(physAddr(GDT + 8), Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0));
  for (const vector of [VECTOR, VECTOR_DB, VECTOR_GP]) memory.write(physAddr(IDT + vector * 8), Uint8Array.of(0, HANDLER >> 8, 8, 0, 0, 0x8e, 0, 0));
  if (code === REPNE_SCASB) memory.write(physAddr(DATA), new Uint8Array(WITHIN).fill(1));
  state.setU32(L.GDTR_BASE, GDT);
  state.setU32(L.GDTR_LIMIT, 0xff);
  state.setU32(L.IDTR_BASE, IDT);
  state.setU32(L.IDTR_LIMIT, 0x7ff);
  for (const [register, value] of [[RSP, STACK], [RCX, COUNT], [RSI, DATA], [RDI, DATA]] as const) state.setReg(register, value);
  state.eip = ENTRY;
  state.eflags = BEFORE | more;
  /** Goes on in slices to the end of the handler, whose frame has an error code or not. */
  const finish = (slice: number, error: boolean): Found => {
    while (cpu.run(slice) === 'budget');
    const flags = memory.readPhys(state.reg(RSP) + (error ? 12 : 8), 4);
    return { flags: flags & EFLAGS_ARITHMETIC, done: COUNT - state.reg(RCX) };
  };
  return { cpu, interrupts, finish };
}

describe.each(['interp', 'compiled'] as const)('REPE CMPSB and REPNE SCASB, %s', (tier) => {
  it.each([1, 3, 7, 1000])('fault with the flags from before them, in slices of %i', (slice) => {
    for (const code of [REPE_CMPSB, REPNE_SCASB]) expect(start(tier, code).finish(slice, true)).toEqual({ flags: BEFORE, done: WITHIN });
  });

  it('are interrupted with the flags of the last iteration', () => {
    for (const [code, flags] of [[REPE_CMPSB, EQUAL], [REPNE_SCASB, BELOW]] as const) {
      const { cpu, interrupts, finish } = start(tier, code, EFLAGS_IF);
      cpu.run(5);
      interrupts.pending = true;
      expect(finish(1000, false)).toEqual({ flags, done: 5 });
    }
  });

  it('are traced with the flags of the last iteration', () => {
    expect(start(tier, REPE_CMPSB, EFLAGS_TF).finish(1000, false)).toEqual({ flags: EQUAL, done: 1 });
  });
});
