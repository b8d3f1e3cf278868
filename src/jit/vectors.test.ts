/** Vector registers in compiled code, and what it remembers of numbers. */
import { beforeAll, expect, it } from 'vitest';
import { makeModules } from '../../tests/oracle/simd/modules.ts';
import { DATA, Subject } from '../../tests/oracle/simd/run-case.ts';
import type { CpuModules, Tier } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';

const LOOP = [
  0xf2, 0x0f, 0x10, 0x06, // again: movsd xmm0, [esi]
  0xf2, 0x0f, 0x59, 0xc0, // mulsd xmm0, xmm0
  0xf2, 0x0f, 0x58, 0x06, // addsd xmm0, [esi]
  0xf2, 0x0f, 0x5e, 0x46, 0x08, // divsd xmm0, [esi + 8]
  0xf2, 0x0f, 0x11, 0x86, 0x00, 0x08, 0x00, 0x00, // movsd [esi + 800h], xmm0
  0x66, 0x0f, 0x58, 0xcb, // addpd xmm1, xmm3
  0x83, 0xc6, 0x08, // add esi, 8
  0x49, // dec ecx
  0x75, 0xdd, // jnz again
  0xc5, 0xf8, 0x77, // vzeroupper
  0xf4, // hlt
];
/** Stores in the midst of what is checked, one of them to what has been read, over each other and in all sizes; flags are read and set; MXCSR changes to and fro. */
const STORES = [
  0x0f, 0xae, 0x57, 0x04, // again: ldmxcsr [edi + 4]
  0xf2, 0x0f, 0x10, 0x46, 0x08, // movsd xmm0, [esi + 8]
  0xf2, 0x0f, 0x58, 0x06, // addsd xmm0, [esi]
  0xf2, 0x0f, 0x11, 0x06, // movsd [esi], xmm0
  0x66, 0x0f, 0x28, 0xd0, // movapd xmm2, xmm0
  0x83, 0xd0, 0x00, // adc eax, 0
  0xd2, 0xfa, // sar dl, cl
  0xf2, 0x0f, 0x59, 0x56, 0x10, // mulsd xmm2, [esi + 16]
  0x88, 0x8e, 0x80, 0x06, 0x00, 0x00, // mov [esi + 680h], cl
  0x66, 0x89, 0x8e, 0x7f, 0x06, 0x00, 0x00, // mov [esi + 67fh], cx
  0x83, 0xc0, 0x03, // add eax, 3
  0x89, 0x8e, 0x81, 0x06, 0x00, 0x00, // mov [esi + 681h], ecx
  0xf2, 0x0f, 0x58, 0xc2, // addsd xmm0, xmm2
  0x0f, 0xae, 0x17, // ldmxcsr [edi]
  0x66, 0x0f, 0x59, 0xd2, // mulpd xmm2, xmm2
  0x0f, 0x11, 0x96, 0x82, 0x06, 0x00, 0x00, // movups [esi + 682h], xmm2
  0xf2, 0x0f, 0x5c, 0x46, 0x18, // subsd xmm0, [esi + 24]
  0xf2, 0x0f, 0x11, 0x86, 0x84, 0x06, 0x00, 0x00, // movsd [esi + 684h], xmm0
  0x0f, 0x2f, 0xc2, // comiss xmm0, xmm2
  0x83, 0xd0, 0x00, // adc eax, 0
  0x83, 0xc6, 0x08, // add esi, 8
  0x83, 0xf9, 0xff, // cmp ecx, -1
  0xe2, 0x9e, // loop again
  0xf4, // hlt
];
const CODE = 0x20000, OTHER_MXCSR = 0x20400;
const EAX = 0, ECX = 1, ESI = 6, EDI = 7;
const HARD = [0, -0, Number.MIN_VALUE, 3e-310, 1e-200, 1e200, Infinity, -Infinity, Number.NaN, 2.2250738585072014e-308];
const NUMBERS = Array.from({ length: 200 }, (_, i) => (i % 7 === 6 ? HARD[i % HARD.length] : 1 + i / 3));

let modules: CpuModules;
beforeAll(async () => {
  modules = await makeModules();
}, 120_000);

interface Outcome {
  readonly memory: Uint8Array;
  readonly vectors: Uint8Array;
  readonly mxcsr: number;
  readonly eax: number;
  readonly dropped: number;
}
/** All of it in slices of so many instructions. */
function outcome(tier: Tier, mxcsr: number, numbers = NUMBERS, slice = 100, code = LOOP, otherMxcsr = mxcsr): Outcome {
  const subject = new Subject(modules, undefined, { tier });
  const { state } = subject.cpu;
  subject.write(CODE, code);
  subject.write(OTHER_MXCSR, new Uint8Array(Uint32Array.of(otherMxcsr, mxcsr).buffer));
  subject.write(DATA, new Uint8Array(Float64Array.from([...numbers, 1, 1, 1, 1]).buffer));
  state.setU32(L.MXCSR, mxcsr);
  state.setReg(EDI, OTHER_MXCSR);
  const vectors = () => state.arena.u8.subarray(state.base + L.XMM, state.base + L.XMM + 8 * L.XMM_STRIDE);
  vectors().set(Uint8Array.from({ length: 8 * L.XMM_STRIDE }, (_, i) => (i % 8 === 7 ? 0x3f : i)));
  state.eip = CODE;
  state.setReg(ESI, DATA);
  state.setReg(ECX, numbers.length);
  while (subject.cpu.run(slice) === 'budget');
  expect(subject.cpu.compilerCounters.regions > 0).toBe(tier === 'compiled');
  const memory = new Uint8Array(0x1000);
  subject.memory.read(DATA as never, memory);
  return { memory, vectors: vectors().slice(), mxcsr: state.getU32(L.MXCSR), eax: state.reg(EAX), dropped: subject.cpu.compilerCounters.dropped };
}
/** In both tiers; whether a region was made anew on the way. */
function compare(...how: Parameters<typeof outcome> extends [Tier, ...infer Rest] ? Rest : never): boolean {
  const { dropped, ...compiled } = outcome('compiled', ...how);
  const { dropped: _, ...interpreted } = outcome('interp', ...how);
  expect(compiled).toEqual(interpreted);
  return dropped > 0;
}

const PE_SET = 0x1fa0, PE_CLEAR = 0x1f80, UPWARDS = 0x5fa0, FLUSHED = 0x9fe0;
it.each([PE_SET, PE_CLEAR, UPWARDS, FLUSHED])('do what the interpreter does, with MXCSR %i', (mxcsr) => {
  expect(compare(mxcsr)).toBe(false);
});

// So many are out of the middle of the range that the loop is made anew, and checks closely.
const FAR = Array.from({ length: 255 }, (_, i) => (i % 25 === 24 ? HARD[Math.floor(i / 25) % HARD.length] : (1 + i / 255) * 2 ** (i % 2 ? 300 : -300)));
const SLICE = 1000;
it.each([PE_SET, PE_CLEAR])('do so with numbers that compiled code does not expect, with MXCSR %i', (mxcsr) => {
  expect(compare(mxcsr, FAR, SLICE)).toBe(true);
});

// From one that is usual to one that is not, the other way round, and PE set by what is computed.
it.each([[PE_SET, PE_SET], [PE_SET, UPWARDS], [UPWARDS, PE_SET], [PE_CLEAR, PE_SET], [PE_SET, PE_CLEAR], [PE_CLEAR, PE_CLEAR]])(
  'are checked after stores, which are taken back; MXCSR %i, then %i', (mxcsr, other) => {
    for (const numbers of [NUMBERS, NUMBERS.filter((x) => Math.abs(x) > 0.5 && Math.abs(x) < 1e9), FAR.slice(0, 200)]) {
      for (const slice of [100, SLICE]) compare(mxcsr, numbers, slice, STORES, other);
    }
  },
);
