/** Instructions in two pages: what is kept of them, and for how long. */
import { expect, test } from 'vitest';
import { flatMachine } from './flat-machine-fixture.ts';

const ECX = 1, ESI = 6;
const ROUNDS = 20_000;

/** `again: <before>; add esi, 3 in two pages; dec ecx; jnz again; jmp here` */
function loop(before: readonly number[]) {
  const at = 0x1ffd - before.length;
  const code = [...before, 0x81, 0xc6, 3, 0, 0, 0, 0x49, 0x0f, 0x85];
  const back = at - (at + code.length + 4);
  const machine = flatMachine({ tier: 'interp' }, at, [...code, back & 0xff, (back >> 8) & 0xff, 0xff, 0xff, 0xeb, 0xfe]);
  machine.cpu.state.setReg(ESI, 0);
  const run = (rounds: number): void => {
    machine.cpu.state.eip = at;
    machine.cpu.state.setReg(ECX, rounds);
    while (machine.cpu.state.reg(ECX) > 0) machine.cpu.run(1000);
  };
  return { ...machine, run };
}

test('an instruction in two pages is kept once, however often the TLB loses its second page', () => {
  const { cpu, memory, run } = loop([0x0f, 0x22, 0xd8, 0x90]); // mov cr3, eax; nop
  run(10);
  const { usedBytes } = memory.pool.arena;
  const crossings = cpu.codeCounters.exits.crossing;
  run(ROUNDS);
  expect(cpu.codeCounters.exits.crossing - crossings).toBeGreaterThan(ROUNDS / 2);
  expect(cpu.state.reg(ESI)).toBe(3 * (ROUNDS + 10));
  expect(memory.pool.arena.usedBytes).toBe(usedBytes);
});

test('an instruction in two pages that is always written anew takes no more room each time', () => {
  const { cpu, memory, run } = loop([0x88, 0x0d, 0, 0x20, 0, 0]); // mov [its fourth byte], cl
  run(10);
  const { usedBytes } = memory.pool.arena;
  cpu.state.setReg(ESI, 0);
  run(ROUNDS);
  let sum = 0;
  for (let n = ROUNDS; n > 0; n--) sum += 3 + ((n & 0xff) << 8);
  expect(cpu.state.reg(ESI)).toBe(sum >>> 0);
  expect(memory.pool.arena.usedBytes).toBe(usedBytes);
});
