import { describe, expect, it } from 'vitest';
import * as L from '../layout.ts';
import type { CpuState } from '../state.ts';
import { TestCpu } from '../test-cpu.ts';
import { fldenv, fnsave, fnstenv, frstor } from './environment-helpers.ts';
import {
  type EnvironmentFormat, decodeEnvironment, decodeState, encodeEnvironment, encodeState, fullTagWord,
  setStatusWord,
} from './environment.ts';

const PROTECTED_32: EnvironmentFormat = { operandSize: 32, isProtected: true };
const PROTECTED_16: EnvironmentFormat = { operandSize: 16, isProtected: true };
const REAL_32: EnvironmentFormat = { operandSize: 32, isProtected: false };
const REAL_16: EnvironmentFormat = { operandSize: 16, isProtected: false };

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
const unhex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function setTags(state: CpuState, tags: number): void {
  state.arena.u8[state.base + L.FTW] = tags;
}

/** TOP 7, an unmasked IE pending, one of each kind of register. */
function prepare(state: CpuState): void {
  state.setU16(L.FCW, 0x037e);
  setStatusWord(state, 0xb8a1);
  const values: [bigint, number][] = [
    [0n, 0], [1n << 63n, 0x3fff], [1n << 63n, 0x7fff], [5n, 0], [1n << 62n, 0x4000], [3n << 62n, 0xffff], [1n << 63n, 0], [0n, 0x8000],
  ];
  values.forEach(([significand, high], n) => {
    state.setU64(L.FPR + n * 16, significand);
    state.setU16(L.FPR + n * 16 + 8, high);
  });
  setTags(state, 0x7f);
  state.setU16(L.FOP, 0x7ff);
  state.setU32(L.FIP, 0x12345678);
  state.setU16(L.FCS, 0x33);
  state.setU32(L.FDP, 0x9abcdef0);
  state.setU16(L.FDS, 0x2b);
}

describe('x87 environment', () => {
  it('derives the full tag word from the registers', () => {
    const { state } = new TestCpu();
    prepare(state);
    // R7 empty, R6 to R1 special but for R1 (valid), R0 zero.
    expect(fullTagWord(state)).toBe(0b11_10_10_10_10_10_00_01);
    setTags(state, 0x80);
    expect(fullTagWord(state)).toBe(0b01_11_11_11_11_11_11_11);
  });

  it('has the protected-mode formats as a processor stores them', () => {
    const { state } = new TestCpu();
    prepare(state);
    setTags(state, 0);
    expect(hex(encodeEnvironment(state, PROTECTED_32))).toBe('7e03ffffa1b8ffffffffffff785634123300ff07f0debc9a2b00ffff');
    expect(hex(encodeEnvironment(state, PROTECTED_16))).toBe('7e03a1b8ffff78563300f0de2b00');
  });

  it('has linear addresses in the real-mode formats', () => {
    const { state } = new TestCpu();
    prepare(state);
    setTags(state, 0);
    state.setU16(L.FCS, 0xf000);
    state.setU32(L.FIP, 0x1234);
    state.setU16(L.FDS, 0x8000);
    state.setU32(L.FDP, 0x5678);
    expect(hex(encodeEnvironment(state, REAL_16))).toBe('7e03a1b8ffff3412fff778560080');
    expect(hex(encodeEnvironment(state, REAL_32))).toBe('7e03ffffa1b8ffffffffffff3412fffffff700007856ffff00800000');
    decodeEnvironment(state, REAL_16, encodeEnvironment(state, REAL_16));
    expect([state.getU32(L.FIP), state.getU16(L.FCS)]).toEqual([0xf1234, 0]);
    expect([state.getU32(L.FDP), state.getU16(L.FDS), state.getU16(L.FOP)]).toEqual([0x85678, 0, 0x7ff]);
  });

  it('takes back what it stored', () => {
    for (const format of [PROTECTED_32, PROTECTED_16, REAL_32, REAL_16]) {
      const { state } = new TestCpu();
      prepare(state);
      const image = encodeState(state, format);
      const other = new TestCpu().state;
      decodeState(other, format, image);
      expect(hex(encodeState(other, format))).toBe(hex(image));
    }
  });

  it('recomputes ES and B, and drops the bits of FCW that do not exist', () => {
    const { state } = new TestCpu();
    decodeEnvironment(state, PROTECTED_16, unhex('00ff8100ffff0000000000000000'));
    expect([state.getU16(L.FCW), state.getU16(L.FSW)]).toEqual([0x1f40, 0x8081]);
    decodeEnvironment(state, PROTECTED_16, unhex('7fff8180ffff0000000000000000'));
    expect([state.getU16(L.FCW), state.getU16(L.FSW)]).toEqual([0x1f7f, 0x0001]);
  });
});

describe('x87 environment helpers', () => {
  it('FNSTENV masks the exceptions after its store, FNSAVE initialises', () => {
    const cpu = new TestCpu();
    cpu.protect(0);
    prepare(cpu.state);
    fnstenv(cpu, 0x1000, 32);
    expect([cpu.state.getU16(L.FCW), cpu.state.getU16(L.FSW)]).toEqual([0x037f, 0x3821]);
    expect(cpu.mmu.read32(0x1000, false)).toBe(0xffff037e);
    fldenv(cpu, 0x1000, 32);
    expect([cpu.state.getU16(L.FCW), cpu.state.getU16(L.FSW)]).toEqual([0x037e, 0xb8a1]);
    fnsave(cpu, 0x2000, 16);
    expect([cpu.state.getU16(L.FCW), cpu.state.getU16(L.FSW), cpu.state.getU32(L.FIP)]).toEqual([0x037f, 0, 0]);
    frstor(cpu, 0x2000, 16);
    expect(cpu.state.getU16(L.FSW)).toBe(0xb8a1);
    expect(cpu.state.getU64(L.FPR + 32)).toBe(1n << 63n);
  });
});
