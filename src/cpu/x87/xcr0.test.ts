import { beforeEach, expect, test } from 'vitest';
import { CR4_OSFXSR, CR4_OSXSAVE, RAX, RCX, RDX } from '../registers.ts';
import { faultOf, LONG_PROFILE, TestCpu } from '../test-cpu.ts';
import { xgetbv, xsetbv } from './xcr0.ts';

let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu({ ...LONG_PROFILE, features: new Set([...LONG_PROFILE.features, 'avx']) });
  cpu.protect(0);
  cpu.state.setCr(4, CR4_OSFXSR | CR4_OSXSAVE);
});

function set(low: number, high = 0, index = 0): string {
  cpu.state.setReg(RAX, low);
  cpu.state.setReg(RDX, high);
  cpu.state.setReg(RCX, index);
  return faultOf(() => xsetbv(cpu));
}

test('x87 always, AVX with SSE only, nothing that is not there', () => {
  expect([1, 3, 7].map((value) => set(value))).toEqual(['', '', '']);
  expect([0, 2, 5, 8, 0x207].map((value) => set(value))).toEqual(Array(5).fill('13(0)'));
  expect([set(7, 1), set(7, 0, 1)]).toEqual(['13(0)', '13(0)']);
  cpu.state.setReg(RCX, 0);
  xgetbv(cpu);
  expect([cpu.state.reg(RAX), cpu.state.reg(RDX)]).toEqual([7, 0]);
  cpu.protect(3);
  expect(set(7)).toBe('13(0)');
});

test('without CR4.OSXSAVE nothing works', () => {
  cpu.state.setCr(4, CR4_OSFXSR);
  expect([set(7), faultOf(() => xgetbv(cpu))]).toEqual(['6', '6']);
});
