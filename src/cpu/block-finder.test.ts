/** Handlers find the blocks that branches lead to without the dispatcher. */
import { expect, it } from 'vitest';
import { physAddr } from '../memory/address.ts';
import type { CpuOptions } from './cpu.ts';
import { flatMachine } from './flat-machine-fixture.ts';
import { RAX } from './registers.ts';

const ENTRY = 0x1000;
const PAGES = 20;
const INC_EAX = 0x40, RET = 0xc3, HLT = 0xf4;
const call = (from: number, to: number): number[] => [0xe8, ...new Uint8Array(Int32Array.of(to - from - 5).buffer)];
const function_ = (n: number): number => 0x2000 + n * 0x1000 + n * 8;

/** EAX and counters after calls of functions in as many pages, each called for the first time. */
function run(options: CpuOptions) {
  const code = Array.from({ length: PAGES }, (_, n) => call(ENTRY + n * 5, function_(n))).flat();
  const { cpu, memory } = flatMachine(options, ENTRY, [...code, HLT]);
  for (let n = 0; n < PAGES; n++) memory.write(physAddr(function_(n)), Uint8Array.of(INC_EAX, RET));
  cpu.state.setReg(4, 0x80000);
  while (cpu.run(1000) === 'budget');
  return { eax: cpu.state.reg(RAX), instructions: cpu.instructions, code: cpu.codeCounters };
}

it('decode blocks as branches come to them', () => {
  const { eax, instructions, code } = run({});
  expect(eax).toBe(PAGES);
  expect(instructions).toBe(3 * PAGES + 1);
  expect(code.blocks).toBeGreaterThanOrEqual(2 * PAGES);
  expect(code.lookups).toBeGreaterThanOrEqual(2 * PAGES);
  expect(code.exits.link + code.exits.lookup).toBe(0);
});
it('but not where everything is compiled before it runs', () => {
  const { eax, instructions, code } = run({ tier: 'compiled' });
  expect([eax, instructions]).toEqual([PAGES, 3 * PAGES + 1]);
  expect(code.exits.link + code.exits.lookup + code.exits.hot).toBeGreaterThanOrEqual(PAGES);
});
