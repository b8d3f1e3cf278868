import { expect, it } from 'vitest';
import { physAddr } from '../memory/address.ts';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import { Cpu, type Tier } from './cpu.ts';
import { generatedModules } from './modules-fixture.ts';
import * as L from './layout.ts';
import { CR0_PE, CS, RSP } from './registers.ts';
import { setFlatSegment } from './segments.ts';

const modules = generatedModules();
const GDT = 0x800, IDT = 0x900, ENTRY = 0x1000, HANDLER = 0x2000, STACK = 0x8000;
const VECTOR = 0x20;

const AGAIN = [
  0xfb, // again: sti
  0x40, // inc eax
  0x9c, // pushf
  0xfa, // cli
  0x9d, // popf
  0x41, // inc ecx
  0xfa, // cli
  0xeb, 0xf7, // jmp again
];
const AFTER_STI = ENTRY + 1;
/** Where IF is set: after INC EAX and PUSHF, and after POPF and INC ECX. */
const INTERRUPTIBLE = [2, 3, 5, 6].map((offset) => ENTRY + offset);

/** Runs `before` instructions, then raises a request; the address that the interrupt returns to, and the count at which it came. */
function interrupted(tier: Tier, before: number): { returnsTo: number; instructions: number } {
  const arena = new Arena();
  const memory = new GuestMemory(new PagePool(arena), 1 << 20);
  const interrupts = {
    pending: false,
    acknowledge: () => {
      interrupts.pending = false;
      return VECTOR;
    },
  };
  const host = { memory, ports: { readPort: () => 0xff, writePort: () => {} }, interrupts, tsc: () => 0n };
  const cpu = new Cpu(arena, host, modules, { tier });
  const { state } = cpu;
  state.setCr(0, state.cr(0) | CR0_PE);
  for (let n = 0; n < 6; n++) setFlatSegment(state, n, n === CS ? 8 : 16, 0);
  cpu.updateMode();
  memory.write(physAddr(ENTRY), Uint8Array.from(AGAIN));
  memory.write(physAddr(HANDLER), Uint8Array.of(0xf4)); // hlt
  memory.write(physAddr(GDT + 8), Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0));
  memory.write(physAddr(IDT + VECTOR * 8), Uint8Array.of(0, HANDLER >> 8, 8, 0, 0, 0x8e, 0, 0));
  state.setU32(L.GDTR_BASE, GDT);
  state.setU32(L.IDTR_BASE, IDT);
  state.setReg(RSP, STACK);
  state.eip = ENTRY;
  cpu.run(before);
  expect(cpu.instructions).toBe(before);
  interrupts.pending = true;
  while (cpu.run(100) === 'budget');
  // HLT is the last one.
  return { returnsTo: memory.readPhys(state.reg(RSP), 4), instructions: cpu.instructions - 1 };
}

it('interrupts come after the instruction that follows STI, at the same count in both tiers', () => {
  for (let before = 0; before < 20; before++) {
    for (const base of [0, 8000]) {
      const [slow, fast] = (['interp', 'compiled'] as const).map((tier) => interrupted(tier, base + before));
      expect(fast).toEqual(slow);
      expect(INTERRUPTIBLE).toContain(fast.returnsTo);
      expect(fast.returnsTo).not.toBe(AFTER_STI);
    }
  }
});
