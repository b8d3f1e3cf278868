import { expect, it } from 'vitest';
import { physAddr } from '../memory/address.ts';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import { Cpu, type Tier } from './cpu.ts';
import { generatedModules } from './modules-fixture.ts';
import * as L from './layout.ts';
import { CR0_PE, CS, RCX, RDI, RSI } from './registers.ts';
import { setFlatSegment } from './segments.ts';

const modules = generatedModules();
const ENTRY = 0x1000, RESULTS = 0x4000, COUNT = 3000;

const SAMPLES = [
  0x0f, 0x31, // again: rdtsc
  0x89, 0x07, // mov [edi], eax
  0x89, 0x57, 0x04, // mov [edi + 4], edx
  0x83, 0xc7, 0x08, // add edi, 8
  0xe2, 0xf4, // loop again
  0xf4, // hlt
];
const SAMPLES_WITH_AUX = [
  0x0f, 0x01, 0xf9, // again: rdtscp
  0x89, 0x07, // mov [edi], eax
  0x89, 0x57, 0x04, // mov [edi + 4], edx
  0x89, 0x4f, 0x08, // mov [edi + 8], ecx
  0x83, 0xc7, 0x0c, // add edi, 12
  0x4e, // dec esi
  0x75, 0xef, // jnz again
  0xf4, // hlt
];

/** What the counter says at each of its readings. */
function samples(code: readonly number[], tier: Tier, knowsLine: boolean): string {
  const arena = new Arena();
  const memory = new GuestMemory(new PagePool(arena), 1 << 20);
  let line = { start: 2 ** 40 + 0.5, from: -3, rate: 3.7 };
  const now = (): number => Math.floor((cpu.instructions - line.from) * line.rate) + line.start;
  const host = {
    memory, ports: { readPort: () => 0xff, writePort: () => {} }, interrupts: { pending: false, acknowledge: () => 0 },
    tsc: () => BigInt(Math.floor(now())),
    ...(knowsLine ? { timeLine: () => line } : {}),
  };
  const cpu: Cpu = new Cpu(arena, host, modules, { tier });
  cpu.reset();
  const { state } = cpu;
  state.setCr(0, state.cr(0) | CR0_PE);
  for (let n = 0; n < 6; n++) setFlatSegment(state, n, n === CS ? 8 : 16, 0);
  cpu.updateMode();
  memory.write(physAddr(ENTRY), Uint8Array.from(code));
  state.eip = ENTRY;
  state.setReg(RCX, COUNT);
  state.setReg(RSI, COUNT);
  state.setU32(L.TSC_AUX, 0x1007);
  state.setReg(RDI, RESULTS);
  while (cpu.run(1009) === 'budget') line = { start: now() - 1.5 * cpu.instructions, from: 0, rate: 1.5 };
  const bytes = new Uint8Array(COUNT * 12);
  memory.read(physAddr(RESULTS), bytes);
  return Buffer.from(bytes).toString('hex');
}

it.each([['rdtsc', SAMPLES], ['rdtscp', SAMPLES_WITH_AUX]] as const)('%s gives the virtual clock in both tiers, whether handlers know its line or ask', (_, code) => {
  const asked = samples(code, 'interp', false);
  expect(asked.length).toBe(COUNT * 24);
  expect(samples(code, 'interp', true)).toBe(asked);
  expect(samples(code, 'compiled', true)).toBe(asked);
  expect(samples(code, 'compiled', false)).toBe(asked);
});
