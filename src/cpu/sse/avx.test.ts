import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeModules } from '../../../tests/oracle/simd/modules.ts';
import { DATA, Subject } from '../../../tests/oracle/simd/run-case.ts';
import type { CpuModules } from '../cpu.ts';
import * as L from '../layout.ts';
import { CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, VECTOR_GP, VECTOR_NM, VECTOR_PF, VECTOR_UD } from '../registers.ts';

const VADDPS_YMM1_YMM0_YMM2 = [0xc5, 0xfc, 0x58, 0xca];
const VADDPS_XMM1_XMM0_XMM2 = [0xc5, 0xf8, 0x58, 0xca];
const VMOVUPS_YMM1_MEMORY = [0xc5, 0xfc, 0x10, 0x0e];
const VMOVUPS_MEMORY_YMM1 = [0xc5, 0xfc, 0x11, 0x0e];
const VMOVAPS_YMM1_MEMORY = [0xc5, 0xfc, 0x28, 0x0e];
const VSQRTPS_XMM1_XMM2 = [0xc5, 0xf8, 0x51, 0xca];
const VZEROUPPER = [0xc5, 0xf8, 0x77];
const ANDN_ECX_EAX_EDX = [0xc4, 0xe2, 0x78, 0xf2, 0xca];
const VMASKMOVPS_YMM1_YMM0_MEMORY = [0xc4, 0xe2, 0x7d, 0x2c, 0x0e];
/** Index YMM2, mask YMM0. */
const VPGATHERDD_YMM1 = [0xc4, 0xe2, 0x7d, 0x90, 0x0c, 0x96];
const LES_ECX_MEMORY = [0xc4, 0x0e];
const ESI = 6;
const NOT_MAPPED = 0x0200_0000;
const XCR0_ALL = 7, XCR0_SSE = 3;

let modules: CpuModules;
let subject: Subject;
const state = () => subject.cpu.state;
const ymm = (n: number): number[] => [0, 4, 8, 12, 16, 20, 24, 28].map((at) => state().getU32(L.XMM + n * L.XMM_STRIDE + at));
const setYmm = (n: number, lanes: readonly number[]): void => {
  for (const [i, v] of lanes.entries()) state().setU32(L.XMM + n * L.XMM_STRIDE + i * 4, v);
};
const run = (...codes: readonly (readonly number[])[]) => codes.map((code) => subject.execute(code));

beforeAll(async () => {
  modules = await makeModules();
}, 120_000);

beforeEach(() => {
  subject = new Subject(modules);
  state().setReg(ESI, DATA);
});

describe('VEX instructions', () => {
  it('need XSAVE and the AVX state in XCR0, but for those on general registers', () => {
    const all = [VADDPS_YMM1_YMM0_YMM2, VADDPS_XMM1_XMM0_XMM2, ANDN_ECX_EAX_EDX];
    expect(run(...all)).toEqual([0, 0, 0]);
    state().setU32(L.XCR0, XCR0_SSE);
    subject.cpu.updateMode();
    expect(run(...all)).toEqual([VECTOR_UD, VECTOR_UD, 0]);
    state().setU32(L.XCR0, XCR0_ALL);
    state().setCr(4, CR4_OSFXSR);
    subject.cpu.updateMode();
    expect(run(...all)).toEqual([VECTOR_UD, VECTOR_UD, 0]);
    state().setCr(4, CR4_OSXSAVE);
    state().setCr(0, state().cr(0) | CR0_TS);
    subject.cpu.updateMode();
    expect(run(...all)).toEqual([VECTOR_NM, VECTOR_NM, 0]);
  });

  it('take no other prefix, and name no register that they do not use', () => {
    expect(run([0x66, ...VADDPS_XMM1_XMM0_XMM2], [0xf3, ...VADDPS_XMM1_XMM0_XMM2], [0xf0, ...VADDPS_XMM1_XMM0_XMM2])).toEqual([VECTOR_UD, VECTOR_UD, VECTOR_UD]);
    expect(run(VSQRTPS_XMM1_XMM2, VSQRTPS_XMM1_XMM2.with(1, 0xf0))).toEqual([0, VECTOR_UD]);
    expect(run([0x2e, ...VMOVUPS_YMM1_MEMORY])).toEqual([0]);
  });

  it('leave LES and LDS their memory operands', () => {
    subject.write(DATA, [0x78, 0x56, 0x34, 0x12, 0x10, 0]);
    expect(run(LES_ECX_MEMORY)).toEqual([0]);
    expect(state().reg(1)).toBe(0x12345678);
  });

  it('clear the upper half where they write 128 bits', () => {
    const ones = new Array<number>(8).fill(0x3f800000);
    const twos = new Array<number>(8).fill(0x40000000);
    for (const n of [0, 1, 2]) setYmm(n, ones);
    expect(run(VADDPS_YMM1_YMM0_YMM2)).toEqual([0]);
    expect(ymm(1)).toEqual(twos);
    expect(run(VADDPS_XMM1_XMM0_XMM2)).toEqual([0]);
    expect(ymm(1)).toEqual([...twos.slice(4), 0, 0, 0, 0]);
    expect(run(VZEROUPPER)).toEqual([0]);
    expect(ymm(2)).toEqual([...ones.slice(4), 0, 0, 0, 0]);
  });

  it('take 256 bits from two pages, aligned or not, except in the aligned moves', () => {
    const lanes = [1, 2, 3, 4, 5, 6, 7, 8];
    setYmm(1, lanes);
    state().setReg(ESI, DATA + 0x1000 - 12);
    expect(run(VMOVUPS_MEMORY_YMM1)).toEqual([0]);
    setYmm(1, new Array<number>(8).fill(0));
    expect(run(VMOVUPS_YMM1_MEMORY)).toEqual([0]);
    expect(ymm(1)).toEqual(lanes);
    state().setReg(ESI, DATA + 16);
    expect(run(VMOVAPS_YMM1_MEMORY)).toEqual([VECTOR_GP]);
  });
});

describe('Masked moves and gathers', () => {
  it('load what the mask chooses, and nothing else', () => {
    subject.write(DATA, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    setYmm(0, [0, 0x80000000, 0xffffffff, 0, 0, 0, 0, 0]);
    expect(run(VMASKMOVPS_YMM1_YMM0_MEMORY)).toEqual([0]);
    expect(ymm(1)).toEqual([0, 2, 3, 0, 0, 0, 0, 0]);
  });

  it('go on after a fault where they were', () => {
    subject.write(DATA, [10, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 40, 0, 0, 0]);
    const all = new Array<number>(8).fill(0x80000000);
    setYmm(0, all);
    setYmm(1, new Array<number>(8).fill(99));
    setYmm(2, [3, 2, NOT_MAPPED, 1, 0, 0, 0, 0]);
    turnPagingOn();
    expect(run(VPGATHERDD_YMM1)).toEqual([VECTOR_PF]);
    expect(ymm(1)).toEqual([40, 30, 99, 99, 99, 99, 99, 99]);
    expect(ymm(0)).toEqual([0, 0, ...all.slice(2)]);
    setYmm(2, [3, 2, 0, 1, 0, 0, 0, 3]);
    expect(run(VPGATHERDD_YMM1)).toEqual([0]);
    expect(ymm(1)).toEqual([40, 30, 10, 20, 10, 10, 10, 40]);
    expect(ymm(0)).toEqual(new Array<number>(8).fill(0));
  });

  it('need three different registers', () => {
    expect(run(VPGATHERDD_YMM1.with(2, 0x6d), VPGATHERDD_YMM1.with(5, 0x8e), VPGATHERDD_YMM1.with(5, 0x86))).toEqual([VECTOR_UD, VECTOR_UD, VECTOR_UD]);
  });
});

/** The first 4 MiB, where everything is, and nothing beyond. */
function turnPagingOn(): void {
  const DIRECTORY = 0x2000;
  subject.write(DIRECTORY, [0x83, 0, 0, 0]);
  state().setCr(3, DIRECTORY);
  state().setCr(4, state().cr(4) | 0x10);
  state().setCr(0, (state().cr(0) | 0x80000000) >>> 0);
  subject.cpu.mmu.clear();
  subject.cpu.updateMode();
}
