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
const CODE = 0x20000;
const ECX = 1, ESI = 6;
const HARD = [0, -0, Number.MIN_VALUE, 3e-310, 1e-200, 1e200, Infinity, -Infinity, Number.NaN, 2.2250738585072014e-308];
const NUMBERS = Array.from({ length: 200 }, (_, i) => (i % 7 === 6 ? HARD[i % HARD.length] : 1 + i / 3));

let modules: CpuModules;
beforeAll(async () => {
  modules = await makeModules();
}, 120_000);

/** All of it in slices of so many instructions. */
function outcome(tier: Tier, mxcsr: number, numbers = NUMBERS, slice = 100): { results: Uint8Array; vectors: Uint8Array; mxcsr: number } {
  const subject = new Subject(modules, undefined, { tier });
  const { state } = subject.cpu;
  subject.write(CODE, LOOP);
  subject.write(DATA, new Uint8Array(Float64Array.from([...numbers, 1]).buffer));
  state.setU32(L.MXCSR, mxcsr);
  const vectors = () => state.arena.u8.subarray(state.base + L.XMM, state.base + L.XMM + 8 * L.XMM_STRIDE);
  vectors().set(Uint8Array.from({ length: 8 * L.XMM_STRIDE }, (_, i) => (i % 8 === 7 ? 0x3f : i)));
  state.eip = CODE;
  state.setReg(ESI, DATA);
  state.setReg(ECX, numbers.length);
  while (subject.cpu.run(slice) === 'budget');
  expect(subject.cpu.compilerCounters.regions > 0).toBe(tier === 'compiled');
  expect(subject.cpu.compilerCounters.dropped > 0).toBe(tier === 'compiled' && numbers === FAR);
  const results = new Uint8Array(numbers.length * 8);
  subject.memory.read((DATA + 0x800) as never, results);
  return { results, vectors: vectors().slice(), mxcsr: state.getU32(L.MXCSR) };
}

const PE_SET = 0x1fa0, PE_CLEAR = 0x1f80, UPWARDS = 0x5fa0, FLUSHED = 0x9fe0;
it.each([PE_SET, PE_CLEAR, UPWARDS, FLUSHED])('do what the interpreter does, with MXCSR %i', (mxcsr) => {
  expect(outcome('compiled', mxcsr)).toEqual(outcome('interp', mxcsr));
});

// So many are out of the middle of the range that the loop is made anew, and checks closely.
const FAR = Array.from({ length: 255 }, (_, i) => (i % 25 === 24 ? HARD[Math.floor(i / 25) % HARD.length] : (1 + i / 255) * 2 ** (i % 2 ? 300 : -300)));
const SLICE = 1000;
it.each([PE_SET, PE_CLEAR])('do so with numbers that compiled code does not expect, with MXCSR %i', (mxcsr) => {
  expect(outcome('compiled', mxcsr, FAR, SLICE)).toEqual(outcome('interp', mxcsr, FAR, SLICE));
});
