/** FXSAVE, FXRSTOR and the XSAVE family, by the kernel, and by the helper: breakpoints keep pages from the TLB. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeModules } from '../../../tests/oracle/simd/modules.ts';
import { Subject } from '../../../tests/oracle/simd/run-case.ts';
import type { CpuModules } from '../cpu.ts';
import * as L from '../layout.ts';
import { CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, CS, RAX, RSI, TR, VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../registers.ts';
import { setFlatSegment } from '../segments.ts';
import { setStatusWord } from './environment.ts';

// [ESI]
const FXSAVE = [0x0f, 0xae, 0x06], FXRSTOR = [0x0f, 0xae, 0x0e], XSAVE = [0x0f, 0xae, 0x26], XRSTOR = [0x0f, 0xae, 0x2e];
const XSAVEC = [0x0f, 0xc7, 0x26], XSAVES = [0x0f, 0xc7, 0x2e], XRSTORS = [0x0f, 0xc7, 0x1e];
const MOV_DR0_EAX = [0x0f, 0x23, 0xc0], MOV_DR1_EAX = [0x0f, 0x23, 0xc8], MOV_DR7_EAX = [0x0f, 0x23, 0xf8];
const TSS = 0x2000, AREA = 0x20000, XSTATE_BV = 512, XCOMP_BV = 520, AVX_STATE = 576, COMPACTED = 0x80000000;
const X87 = 1, SSE = 2, AVX = 4, ALL = 7;
const YMM7 = L.XMM + 7 * L.XMM_STRIDE;

let modules: CpuModules;
let subject: Subject;
const state = () => subject.cpu.state;
const peek = (at: number): number => subject.memory.readPhys(AREA + at, 4);
const poke = (at: number, value: number): void => subject.memory.writePhys(AREA + at, 4, value);
/** The vector of the instruction's exception, 0 for none. */
function run(code: readonly number[], mask = ALL, at = AREA): number {
  state().setReg(RAX, mask);
  state().setReg(RSI, at);
  return subject.execute(code);
}
const fields = (): unknown[] => [
  state().getU16(L.FCW), state().getU16(L.FSW), state().arena.u8[state().base + L.FTW], state().getU64(L.FPR + 5 * 16), state().getU32(L.MXCSR),
  state().getU64(YMM7), state().getU64(YMM7 + 16),
];
const INITIAL = [0x37f, 0, 0, 0n, 0x1f80, 0n, 0n];

beforeAll(async () => {
  modules = await makeModules();
}, 120_000);

/** A breakpoint on a doubleword that no area has, in the page of the areas and in the one after it. */
function breakpoints(): void {
  state().setReg(RAX, AREA + 0xe00);
  subject.execute(MOV_DR0_EAX);
  state().setReg(RAX, AREA + 0x1e00);
  subject.execute(MOV_DR1_EAX);
  state().setReg(RAX, 0x00ff040a);
  subject.execute(MOV_DR7_EAX);
}

describe.each(['kernel', 'helper'])('areas by the %s', (by) => {
  beforeEach(() => {
    subject = new Subject(modules);
    if (by === 'helper') breakpoints();
    state().setU16(L.FCW, 0x27f);
    setStatusWord(state(), 0x3800);
    state().arena.u8[state().base + L.FTW] = 0x20;
    state().setU64(L.FPR + 5 * 16, 0x1111n);
    state().setU32(L.MXCSR, 0x1fa0);
    state().setU64(YMM7, 0x2222n);
    state().setU64(YMM7 + 16, 0x3333n);
  });

  test('FXSAVE and FXRSTOR: alignment, CR4.OSFXSR, reserved bits of MXCSR', () => {
    const before = fields();
    expect([run(FXSAVE, 0, AREA + 8), run(FXRSTOR, 0, AREA + 8)]).toEqual([VECTOR_GP, VECTOR_GP]);
    poke(24, 0x55);
    state().setCr(4, CR4_OSXSAVE);
    subject.cpu.updateMode();
    expect(run(FXSAVE)).toBe(0);
    // ST(6) is R5
    expect([peek(0), peek(4), peek(24), peek(32 + 6 * 16), peek(160 + 7 * 16)]).toEqual([0x3800027f, 0x20, 0x55, 0x1111, 0]);
    state().setCr(4, CR4_OSXSAVE | CR4_OSFXSR);
    subject.cpu.updateMode();
    expect(run(FXSAVE)).toBe(0);
    expect([peek(24), peek(28), peek(160 + 7 * 16)]).toEqual([0x1fa0, 0xffff, 0x2222]);
    state().setU16(L.FCW, 0x37f);
    setStatusWord(state(), 0);
    state().setU64(YMM7, 0n);
    expect(run(FXRSTOR)).toBe(0);
    expect(fields()).toEqual(before);
    poke(24, 0x10000);
    expect(run(FXRSTOR)).toBe(VECTOR_GP);
    expect(fields()).toEqual(before);
  });

  test('what is saved comes back, and what the area does not hold gets its initial state', () => {
    const before = fields();
    expect(run(XSAVE)).toBe(0);
    expect([peek(XSTATE_BV), peek(0) & 0xffff, peek(160 + 7 * 16), peek(AVX_STATE + 7 * 16)]).toEqual([ALL, 0x27f, 0x2222, 0x3333]);
    poke(XSTATE_BV, 0);
    run(XRSTOR);
    // MXCSR comes from the area all the same.
    expect(fields()).toEqual([0x37f, 0, 0, 0n, 0x1fa0, 0n, 0n]);
    poke(XSTATE_BV, ALL);
    run(XRSTOR);
    expect(fields()).toEqual(before);
  });

  test('only what EDX:EAX and XCR0 ask for', () => {
    poke(XSTATE_BV, AVX);
    run(XSAVE, SSE);
    expect([peek(XSTATE_BV), peek(0), peek(24), peek(AVX_STATE + 7 * 16)]).toEqual([SSE | AVX, 0, 0x1fa0, 0]);
    poke(XSTATE_BV, 0);
    run(XRSTOR, AVX);
    expect(fields()).toEqual([0x27f, 0x3800, 0x20, 0x1111n, 0x1fa0, 0x2222n, 0n]);
    state().setU32(L.XCR0, X87 | SSE);
    run(XSAVE);
    expect(peek(XSTATE_BV)).toBe(X87 | SSE);
  });

  test('compacted form says so, and has MXCSR with SSE', () => {
    const before = fields();
    run(XSAVEC);
    expect([peek(XSTATE_BV), peek(XCOMP_BV), peek(XCOMP_BV + 4)]).toEqual([ALL, ALL, COMPACTED]);
    poke(XSTATE_BV, 0);
    run(XRSTOR);
    expect(fields()).toEqual(INITIAL);
    poke(XSTATE_BV, ALL);
    run(XRSTOR);
    expect(fields()).toEqual(before);
  });

  test('are the same in one page and across two', () => {
    const CROSSING = 0x1000 - 128;
    const before = fields();
    for (const at of [0, CROSSING]) {
      poke(at + 416, 0x77);
      expect(run(XSAVE, ALL, AREA + at)).toBe(0);
    }
    for (let i = 0; i < 832; i += 4) expect(peek(CROSSING + i)).toBe(peek(i));
    expect(peek(CROSSING + 416)).toBe(0x77);
    for (const at of [0, CROSSING]) {
      state().setU64(YMM7 + 16, 0n);
      state().setU16(L.FCW, 0x37f);
      expect(run(XRSTOR, ALL, AREA + at)).toBe(0);
      expect(fields()).toEqual(before);
    }
  });

  test('of the supervisor are compacted, and for level 0 alone', () => {
    const before = fields();
    expect(run(XSAVES)).toBe(0);
    expect([peek(XSTATE_BV), peek(XCOMP_BV), peek(XCOMP_BV + 4)]).toEqual([ALL, ALL, COMPACTED]);
    state().setU16(L.FCW, 0x37f);
    expect(run(XRSTORS)).toBe(0);
    expect(fields()).toEqual(before);
    run(XSAVE, ALL, AREA + 0x400);
    expect(run(XRSTORS, ALL, AREA + 0x400)).toBe(VECTOR_GP);
    // Where the exception finds a stack
    subject.write(TSS + 4, [0xf0, 0x4f, 0, 0, 0x10, 0]);
    state().setU32(state().segment(TR) + L.SEG_BASE, TSS);
    for (const code of [XSAVES, XRSTORS]) {
      setFlatSegment(state(), CS, 0x9, 1);
      subject.cpu.updateMode();
      expect(run(code)).toBe(VECTOR_GP);
    }
  });

  test('headers that do not fit change nothing', () => {
    run(XSAVE);
    const before = fields();
    const broken: [number, number][] = [[XSTATE_BV, 8], [XSTATE_BV + 4, 1], [XCOMP_BV, 1], [XCOMP_BV + 8, 1], [24, 0x10000]];
    for (const [at, value] of broken) {
      const old = peek(at);
      poke(at, value);
      expect(run(XRSTOR)).toBe(VECTOR_GP);
      poke(at, old);
    }
    poke(XCOMP_BV, X87 | SSE);
    poke(XCOMP_BV + 4, COMPACTED);
    expect(run(XRSTOR)).toBe(VECTOR_GP);
    poke(XSTATE_BV, SSE);
    poke(XCOMP_BV + 12, 1);
    expect(run(XRSTOR)).toBe(VECTOR_GP);
    expect(fields()).toEqual(before);
    poke(XCOMP_BV + 12, 0);
    expect(run(XRSTOR)).toBe(0);
  });

  test('want alignment, CR0.TS clear and CR4.OSXSAVE', () => {
    const all = [XSAVE, XSAVEC, XRSTOR, XSAVES, XRSTORS];
    expect(all.map((code) => run(code, ALL, AREA + 32))).toEqual(all.map(() => VECTOR_GP));
    state().setCr(0, state().cr(0) | CR0_TS);
    subject.cpu.updateMode();
    expect(all.map((code) => run(code))).toEqual(all.map(() => VECTOR_NM));
    state().setCr(4, CR4_OSFXSR);
    subject.cpu.updateMode();
    expect(all.map((code) => run(code))).toEqual(all.map(() => VECTOR_UD));
  });
});
