import { beforeEach, describe, expect, test } from 'vitest';
import * as L from '../layout.ts';
import { CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, RAX, RCX, RDX } from '../registers.ts';
import { faultOf, LONG_PROFILE, TestCpu } from '../test-cpu.ts';
import { xgetbv, xrstor, xrstors, xsave, xsavec, xsaves, xsetbv } from './xsave.ts';

const AREA = 0x8000, XSTATE_BV = AREA + 512, XCOMP_BV = AREA + 520;
const X87 = 1, SSE = 2, AVX = 4;
let cpu: TestCpu;

beforeEach(() => {
  cpu = new TestCpu({ ...LONG_PROFILE, features: new Set([...LONG_PROFILE.features, 'avx']) });
  cpu.protect(0);
  cpu.state.setCr(4, CR4_OSFXSR | CR4_OSXSAVE);
  cpu.state.setU32(L.XCR0, X87 | SSE | AVX);
  cpu.state.setU16(L.FCW, 0x27f);
  cpu.state.setU64(L.FPR, 0x1111n);
  cpu.state.setU32(L.MXCSR, 0x1fa0);
  cpu.state.setU64(L.XMM + 7 * L.XMM_STRIDE, 0x2222n);
  cpu.state.setU64(L.XMM + 7 * L.XMM_STRIDE + 16, 0x3333n);
});

function run(helper: (cpu: TestCpu, linear: number, operandSize: number) => number, mask: number, linear = AREA): string {
  cpu.state.setReg(RAX, mask);
  cpu.state.setReg(RDX, 0);
  return faultOf(() => helper(cpu, linear, 32));
}
const state = (): unknown[] => [
  cpu.state.getU16(L.FCW), cpu.state.getU64(L.FPR), cpu.state.getU32(L.MXCSR), cpu.state.getU64(L.XMM + 7 * L.XMM_STRIDE),
  cpu.state.getU64(L.XMM + 7 * L.XMM_STRIDE + 16),
];
const INITIAL = [0x37f, 0n, 0x1f80, 0n, 0n];

describe('XCR0', () => {
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
    expect([set(7), faultOf(() => xgetbv(cpu)), run(xsave, 7), run(xrstor, 7)]).toEqual(['6', '6', '6', '6']);
  });
});

describe('areas', () => {
  test('what is saved comes back', () => {
    const before = state();
    expect(run(xsave, 7)).toBe('');
    expect([cpu.peek(XSTATE_BV), cpu.peek(AREA) & 0xffff, cpu.peek(AREA + 160 + 7 * 16), cpu.peek(AREA + 576 + 7 * 16)]).toEqual([7, 0x27f, 0x2222, 0x3333]);
    cpu.poke(XSTATE_BV, 0);
    run(xrstor, 7);
    // MXCSR comes from the area all the same.
    expect(state()).toEqual([0x37f, 0n, 0x1fa0, 0n, 0n]);
    cpu.poke(XSTATE_BV, 7);
    run(xrstor, 7);
    expect(state()).toEqual(before);
  });

  test('only what EDX:EAX and XCR0 ask for', () => {
    cpu.poke(XSTATE_BV, AVX);
    run(xsave, SSE);
    expect([cpu.peek(XSTATE_BV), cpu.peek(AREA), cpu.peek(AREA + 24), cpu.peek(AREA + 576 + 7 * 16)]).toEqual([SSE | AVX, 0, 0x1fa0, 0]);
    cpu.poke(XSTATE_BV, 0);
    run(xrstor, AVX);
    expect(state()).toEqual([0x27f, 0x1111n, 0x1fa0, 0x2222n, 0n]);
    cpu.state.setU32(L.XCR0, X87 | SSE);
    run(xsave, 7);
    expect(cpu.peek(XSTATE_BV)).toBe(X87 | SSE);
  });

  test('compacted form says so, and has MXCSR with SSE', () => {
    const before = state();
    run(xsavec, 7);
    expect([cpu.peek(XSTATE_BV), cpu.peek(XCOMP_BV), cpu.peek(XCOMP_BV + 4)]).toEqual([7, 7, 0x80000000]);
    cpu.poke(XSTATE_BV, 0);
    run(xrstor, 7);
    expect(state()).toEqual(INITIAL);
    cpu.poke(XSTATE_BV, 7);
    run(xrstor, 7);
    expect(state()).toEqual(before);
  });

  test('are the same in one page and across two', () => {
    const CROSSING = 0x9000 - 128;
    const before = state();
    for (const at of [AREA, CROSSING]) run(xsave, 7, at);
    for (let i = 0; i < 832; i += 4) expect(cpu.peek(CROSSING + i)).toBe(cpu.peek(AREA + i));
    for (const at of [AREA, CROSSING]) {
      cpu.state.setU64(L.XMM + 7 * L.XMM_STRIDE + 16, 0n);
      cpu.state.setU16(L.FCW, 0x37f);
      expect(run(xrstor, 7, at)).toBe('');
      expect(state()).toEqual(before);
    }
  });

  test('of the supervisor are compacted, and for level 0 alone', () => {
    const before = state();
    expect(run(xsaves, 7)).toBe('');
    expect([cpu.peek(XSTATE_BV), cpu.peek(XCOMP_BV), cpu.peek(XCOMP_BV + 4)]).toEqual([7, 7, 0x80000000]);
    cpu.state.setU16(L.FCW, 0x37f);
    expect(run(xrstors, 7)).toBe('');
    expect(state()).toEqual(before);
    run(xsave, 7, AREA + 0x400);
    expect(run(xrstors, 7, AREA + 0x400)).toBe('13(0)');
    cpu.protect(3);
    expect([run(xsaves, 7), run(xrstors, 7)]).toEqual(['13(0)', '13(0)']);
  });

  test('headers that do not fit, alignment, CR0.TS', () => {
    for (const [at, value] of [[XSTATE_BV, 8], [XSTATE_BV + 4, 1], [XCOMP_BV, 1], [XCOMP_BV + 8, 1], [AREA + 24, 0x10000]]) {
      const old = cpu.peek(at);
      cpu.poke(at, value);
      expect(run(xrstor, 7)).toBe('13(0)');
      cpu.poke(at, old);
    }
    cpu.poke(XCOMP_BV, 3);
    cpu.poke(XCOMP_BV + 4, 0x80000000);
    cpu.poke(XSTATE_BV, AVX);
    expect(run(xrstor, 7)).toBe('13(0)');
    cpu.poke(XSTATE_BV, SSE);
    cpu.poke(AREA + 24, 0x1f80);
    expect(run(xrstor, 7)).toBe('');
    expect(run(xsave, 7, AREA + 32)).toBe('13(0)');
    cpu.state.setCr(0, cpu.state.cr(0) | CR0_TS);
    expect([run(xsave, 7), run(xrstor, 7)]).toEqual(['7', '7']);
  });
});
