/** For tests: a loop in both tiers. */
import { expect } from 'vitest';
import { flatMachine } from '../cpu/flat-machine-fixture.ts';

export const EAX = 0, ECX = 1, EDX = 2, EBX = 3, ESP = 4, ESI = 6, EDI = 7;
const ENTRY = 0x1000;

/** Registers, instructions and memory after a loop whose counter is ECX, by one tier. */
function after(tier: 'interp' | 'compiled', body: readonly number[], registers: Record<number, number>): unknown[] {
  const { cpu, memory } = flatMachine({ tier }, ENTRY, [...body, 0x49, 0x75, -(body.length + 3) & 0xff, 0xf4]); // … dec ecx; jnz; hlt
  for (let n = 0; n < 0x1000; n += 4) memory.writePhys(0x8000 + n, 4, n * 0x9e3779b1);
  for (const [n, value] of Object.entries(registers)) cpu.state.setReg(Number(n), value);
  while (cpu.run(1000) === 'budget');
  expect(cpu.compilerCounters.regions > 0).toBe(tier === 'compiled');
  const words = Array.from({ length: 0x4000 }, (_, n) => memory.readPhys(0x6000 + n * 4, 4));
  return [...Array.from({ length: 8 }, (_, n) => cpu.state.reg(n)), cpu.instructions, words.reduce((sum, word, n) => (sum + Math.imul(word, n + 1)) | 0, 0)];
}
/** Both tiers have the same registers, instruction count and memory after `body` has run ECX times. */
export const bothDo = (body: readonly number[], registers: Record<number, number>): void =>
  expect(after('compiled', body, registers)).toEqual(after('interp', body, registers));
