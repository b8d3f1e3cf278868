import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkRecords } from '../../../tests/oracle/simd/compare.ts';
import { isEstimate } from '../../../tests/oracle/simd/estimates.ts';
import { makeModules } from '../../../tests/oracle/simd/modules.ts';
import { DATA, Subject } from '../../../tests/oracle/simd/run-case.ts';
import { readVectors } from '../../../tests/oracle/simd/vectors.ts';
import type { CpuModules } from '../cpu.ts';
import * as L from '../layout.ts';
import {
  CR0_EM, CR0_TS, CR4_OSFXSR, CR4_OSXMMEXCPT, FS, VECTOR_GP, VECTOR_MF, VECTOR_NM, VECTOR_UD, VECTOR_XM,
} from '../registers.ts';
import { buildX87Kernel } from '../x87/build-kernel.ts';
import { exportedTypes } from '../x87/wasm-types-fixture.ts';
import { SSE_KERNEL_TYPES } from './kernel-interface.ts';
import { setStatusWord } from '../x87/environment.ts';

// Instructions, with [ESI] as the memory operand
const PADDB_MM1_MM2 = [0x0f, 0xfc, 0xca];
const MOVQ_MM1_MEMORY = [0x0f, 0x6f, 0x0e];
const EMMS = [0x0f, 0x77];
const ADDPS_XMM1_XMM2 = [0x0f, 0x58, 0xca];
const DIVPS_XMM1_XMM2 = [0x0f, 0x5e, 0xca];
const MOVAPS_XMM1_MEMORY = [0x0f, 0x28, 0x0e];
const MOVUPS_XMM1_MEMORY = [0x0f, 0x10, 0x0e];
const MOVUPS_MEMORY_XMM1 = [0x0f, 0x11, 0x0e];
const MASKMOVDQU_XMM1_XMM2 = [0x66, 0x0f, 0xf7, 0xca];
const LDMXCSR = [0x0f, 0xae, 0x16];
const STMXCSR = [0x0f, 0xae, 0x1e];
const FXSAVE = [0x0f, 0xae, 0x06];
const FXRSTOR = [0x0f, 0xae, 0x0e];
const FENCES = [[0x0f, 0xae, 0xe8], [0x0f, 0xae, 0xf0], [0x0f, 0xae, 0xf8], [0x0f, 0xae, 0x3e]];

const ONES = [0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000];
const ESI = 6, EDI = 7;

let modules: CpuModules;
let subject: Subject;
const state = () => subject.cpu.state;
const xmm = (n: number): number[] => [0, 4, 8, 12].map((at) => state().getU32(L.XMM + n * L.XMM_STRIDE + at));
const setXmm = (n: number, lanes: readonly number[]): void => {
  for (const [i, v] of lanes.entries()) state().setU32(L.XMM + n * L.XMM_STRIDE + i * 4, v);
};
const setControl = (cr0: number, cr4: number): void => {
  state().setCr(0, (state().cr(0) & ~(CR0_EM | CR0_TS)) | cr0);
  state().setCr(4, cr4);
  subject.cpu.updateMode();
};

beforeAll(async () => {
  modules = await makeModules();
}, 120_000);

beforeEach(() => {
  subject = new Subject(modules);
  state().setReg(ESI, DATA);
  state().setReg(EDI, DATA);
});

describe('MMX and SSE', () => {
  it('do what a processor was recorded doing', () => {
    for (const { encoding, records } of readVectors()) {
      subject.load(encoding);
      expect([encoding, ...checkRecords(subject, records).examples]).toEqual([encoding]);
    }
  });

  it('estimate reciprocals as near as the manual says, by every entry of the tables', () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const kernel = new WebAssembly.Instance(modules.kernel, { env: { memory } }).exports as unknown as Record<'sse_rcp_f32' | 'sse_rsqrt_f32', (cpu: number, value: number) => number>;
    const far: string[] = [];
    for (const exponent of [0, 1, 2, 0x7e, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff]) {
      for (let entry = 0; entry < 4096; entry++) {
        for (const rest of [0, 1, 0x400, 0x7ff]) {
          for (const sign of [0, 0x80000000]) {
            const source = (sign | (exponent << 23) | (entry << 11) | rest) >>> 0;
            if (!isEstimate(false, source, kernel.sse_rcp_f32(0, source) >>> 0)) far.push(`1 / ${source.toString(16)}`);
            if (!isEstimate(true, source, kernel.sse_rsqrt_f32(0, source) >>> 0)) far.push(`1 / sqrt ${source.toString(16)}`);
          }
        }
      }
    }
    expect(far).toEqual([]);
  });

  it('raise #NM while the task is switched, and #UD where they are turned off', () => {
    setControl(CR0_TS, CR4_OSFXSR);
    expect([PADDB_MM1_MM2, ADDPS_XMM1_XMM2, FXSAVE].map((code) => subject.execute(code))).toEqual([VECTOR_NM, VECTOR_NM, VECTOR_NM]);
    setControl(CR0_EM, CR4_OSFXSR);
    expect([PADDB_MM1_MM2, ADDPS_XMM1_XMM2, FXSAVE].map((code) => subject.execute(code))).toEqual([VECTOR_UD, VECTOR_UD, VECTOR_NM]);
    setControl(0, 0);
    expect([PADDB_MM1_MM2, ADDPS_XMM1_XMM2, FXSAVE].map((code) => subject.execute(code))).toEqual([0, VECTOR_UD, 0]);
  });

  it('have fences and CLFLUSH in any mode', () => {
    setControl(CR0_EM | CR0_TS, 0);
    expect(FENCES.map((code) => subject.execute(code))).toEqual([0, 0, 0, 0]);
  });

  it('use the x87 registers for MMX, after a pending x87 exception', () => {
    subject.write(DATA, [1, 2, 3, 4, 5, 6, 7, 8]);
    setStatusWord(state(), 0x2800);
    expect(subject.execute(MOVQ_MM1_MEMORY)).toBe(0);
    expect(state().getU64(L.FPR + 16)).toBe(0x0807060504030201n);
    expect([state().getU16(L.FPR + 24), state().getU16(L.FSW)]).toEqual([0xffff, 0]);
    expect(subject.execute(EMMS)).toBe(0);
    expect(state().getU32(L.FTW) & 0xff).toBe(0);
    setStatusWord(state(), 0x8081);
    expect([MOVQ_MM1_MEMORY, EMMS].map((code) => subject.execute(code))).toEqual([VECTOR_MF, VECTOR_MF]);
  });
});

describe('SSE exceptions', () => {
  it('come before the result, as #XM or as #UD', () => {
    setXmm(1, ONES);
    setXmm(2, [0x3f800000, 0, 0x3f800000, 0x3f800000]);
    state().setU32(L.MXCSR, 0x1d80);
    expect(subject.execute(DIVPS_XMM1_XMM2)).toBe(VECTOR_XM);
    expect(state().getU32(L.MXCSR)).toBe(0x1d84);
    setControl(0, CR4_OSFXSR);
    expect(subject.execute(DIVPS_XMM1_XMM2)).toBe(VECTOR_UD);
    expect(xmm(1)).toEqual(ONES);
    setControl(0, CR4_OSFXSR | CR4_OSXMMEXCPT);
    state().setU32(L.MXCSR, 0x1f80);
    expect(subject.execute(DIVPS_XMM1_XMM2)).toBe(0);
    expect(xmm(1)).toEqual([0x3f800000, 0x7f800000, 0x3f800000, 0x3f800000]);
  });

  it('refuse reserved bits of MXCSR', () => {
    subject.write(DATA, [0x80, 0x1f, 1, 0]);
    expect(subject.execute(LDMXCSR)).toBe(VECTOR_GP);
    expect(state().getU32(L.MXCSR)).toBe(0x1f80);
    subject.write(DATA, [0xc0, 0xff, 0, 0]);
    expect([LDMXCSR, STMXCSR].map((code) => subject.execute(code))).toEqual([0, 0]);
    expect(subject.memory.readPhys(DATA, 4)).toBe(0xffc0);
  });
});

describe('SSE memory operands', () => {
  it('of 16 bytes are aligned, except those of the unaligned moves', () => {
    state().setReg(ESI, DATA + 8);
    expect([MOVAPS_XMM1_MEMORY, ADDPS_XMM1_XMM2.with(2, 0x0e), FXSAVE, FXRSTOR].map((code) => subject.execute(code))).toEqual(
      [VECTOR_GP, VECTOR_GP, VECTOR_GP, VECTOR_GP],
    );
    expect(subject.execute(MOVUPS_XMM1_MEMORY)).toBe(0);
  });

  it('may cross a page in unaligned moves', () => {
    setXmm(1, [1, 2, 3, 4]);
    state().setReg(ESI, DATA + 0x1000 - 6);
    expect(subject.execute(MOVUPS_MEMORY_XMM1)).toBe(0);
    setXmm(1, [0, 0, 0, 0]);
    expect(subject.execute(MOVUPS_XMM1_MEMORY)).toBe(0);
    expect(xmm(1)).toEqual([1, 2, 3, 4]);
    expect(subject.memory.readPhys(DATA + 0x1000, 2)).toBe(0);
    expect(subject.memory.readPhys(DATA + 0x1002, 4)).toBe(3);
  });

  it('are written byte by byte under a mask', () => {
    subject.write(DATA, new Array(16).fill(0xaa));
    setXmm(1, [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c]);
    setXmm(2, [0x80008000, 0, 0, 0xff000000]);
    expect(subject.execute(MASKMOVDQU_XMM1_XMM2)).toBe(0);
    expect([0, 4, 8, 12].map((at) => subject.memory.readPhys(DATA + at, 4))).toEqual([0x03aa01aa, 0xaaaaaaaa, 0xaaaaaaaa, 0x0faaaaaa]);
    state().setU32(state().segment(FS) + L.SEG_BASE, 0x1000);
    expect(subject.execute([0x64, ...MASKMOVDQU_XMM1_XMM2])).toBe(0);
    expect(subject.memory.readPhys(DATA + 0x1000, 4)).toBe(0x03000100);
  });

  it('keep all registers in FXSAVE and FXRSTOR', () => {
    setXmm(1, [1, 2, 3, 4]);
    state().setU32(L.MXCSR, 0x1fa0);
    expect(subject.execute(FXSAVE)).toBe(0);
    setXmm(1, ONES);
    state().setU32(L.MXCSR, 0x1f80);
    expect(subject.execute(FXRSTOR)).toBe(0);
    expect(xmm(1)).toEqual([1, 2, 3, 4]);
    expect(state().getU32(L.MXCSR)).toBe(0x1fa0);
  });
});

describe('SSE kernel', () => {
  it('exports the interface with its types', async () => {
    expect(exportedTypes(await buildX87Kernel())).toMatchObject(SSE_KERNEL_TYPES);
  });
});
