/** XSAVE, XRSTOR, XSAVEC and XSAVEOPT against the host's processor, on random state and areas. Skipped where there is no gcc, or no processor that has them. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import * as L from '../../../src/cpu/layout.ts';
import { RAX, RSI } from '../../../src/cpu/registers.ts';
import { featureNamed } from '../../../src/isa/features.ts';
import { hasHost } from '../available.ts';
import { compileNative } from '../compile-native.ts';
import { hostFlags } from '../long/generate.ts';
import { onIntel } from '../host-differences.ts';
import { makeModules } from '../simd/modules.ts';
import { Subject } from '../simd/run-case.ts';

const SEED = process.env.ORACLE_SEED ?? '1';
const CASES = 4000;
// [ESI], numbered as in areas-oracle.c
const XSAVE = [0x0f, 0xae, 0x26], XRSTOR = [0x0f, 0xae, 0x2e], XSAVEC = [0x0f, 0xc7, 0x26], XSAVEOPT = [0x0f, 0xae, 0x36];
const INSTRUCTIONS = [['XSAVE', XSAVE], ['XRSTOR', XRSTOR], ['XSAVEC', XSAVEC], ['XSAVEOPT', XSAVEOPT]] as const;
const ALL = 7;
const AREA_BYTES = 832, HEADER = 64, RECORD_BYTES = HEADER + 4 * AREA_BYTES;
const AREA = 0x40000, STATE = 0x41000;
const XSTATE_BV = 512;
/** Bit 63 of XCOMP_BV is in this byte. */
const COMPACTED = XSTATE_BV + 15;
/** Of MXCSR no bits above these are there. */
const MXCSR = 24, MXCSR_BITS = 0xffff;
/** What is compared: [SDM1 table 10-2, 13.4.2]. AMD's processors keep FOP, FIP and FDP only while an exception is pending, and nobody the selectors. */
const FIELDS: readonly (readonly [name: string, at: number, bytes: number])[] = [
  ['FCW', 0, 2], ['FSW', 2, 2], ['FTW', 4, 1], ['MXCSR', MXCSR, 4],
  ...Array.from({ length: 8 }, (_, n) => [`ST${n}`, 32 + 16 * n, 10] as const),
  // Code of 32 bits has eight of them.
  ...Array.from({ length: 8 }, (_, n) => [`XMM${n}`, 160 + 16 * n, 16] as const),
  ['XSTATE_BV and XCOMP_BV', XSTATE_BV, 64],
  ...Array.from({ length: 8 }, (_, n) => [`upper half of YMM${n}`, 576 + 16 * n, 16] as const),
];

const hasInstructions = (): boolean => ['avx', 'xsaveopt', 'xsavec'].every((name) => hostFlags.has(featureNamed(name)));

it.runIf(hasHost() && hasInstructions())(`XSAVE, XRSTOR, XSAVEC and XSAVEOPT do as the host's, from seed ${SEED}`, async () => {
  const records = execFileSync(compileNative(new URL('areas-oracle.c', import.meta.url), ['-O1', '-mavx']), [SEED, String(CASES)], { maxBuffer: CASES * RECORD_BYTES + 1 });
  expect(records.length).toBe(CASES * RECORD_BYTES);
  const modules = await makeModules();
  const differences: string[] = [];
  const vectors = new Set<number>();
  for (let n = 0, subject = new Subject(modules); n < CASES; n++) {
    if (n % 1000 === 999) subject = new Subject(modules);
    const record = records.subarray(n * RECORD_BYTES, (n + 1) * RECORD_BYTES);
    const [number, mask, vector] = record;
    const [mnemonic, instruction] = INSTRUCTIONS[number];
    const [before, area, after, result] = Array.from({ length: 4 }, (_, i) => record.subarray(HEADER + i * AREA_BYTES, HEADER + (i + 1) * AREA_BYTES));
    const run = (code: readonly number[], components: number, at: number): number => {
      subject.cpu.state.setReg(RAX, components);
      subject.cpu.state.setReg(RSI, at);
      return subject.execute(code);
    };
    const bytesAt = (at: number): Uint8Array => {
      const bytes = new Uint8Array(AREA_BYTES);
      subject.memory.read(at as never, bytes);
      return bytes;
    };
    subject.write(STATE, before);
    subject.write(AREA, area);
    expect(run(XRSTOR, ALL, STATE)).toBe(0);
    const own = run(instruction, mask, AREA);
    subject.write(STATE, new Uint8Array(AREA_BYTES));
    subject.cpu.state.setU32(L.TRAP_PENDING, 0);
    expect(run(XSAVE, ALL, STATE)).toBe(0);
    vectors.add(vector);
    if (own !== vector) differences.push(`case ${n}, ${mnemonic} ${mask}: vector ${own} instead of ${vector}`);
    // All state counts as in use here; a processor may find some of it in its initial state.
    const ours = bytesAt(AREA);
    if (instruction !== XRSTOR) ours[XSTATE_BV] &= result[XSTATE_BV] | ~mask;
    ours[XSTATE_BV] &= 0xff;
    const state = bytesAt(STATE);
    state[XSTATE_BV] &= after[XSTATE_BV];
    // Intel's have loaded all else from an area in compacted form when they fault because of its MXCSR.
    const loadsFirst = onIntel && instruction === XRSTOR && vector === 13 && (area[COMPACTED] & 0x80) !== 0 && area.readUInt32LE(MXCSR) > MXCSR_BITS;
    for (const [what, mine, theirs] of [['state', state, after], ['area', ours, result]] as const) {
      for (const [name, at, bytes] of FIELDS) {
        if (loadsFirst && what === 'state' && name !== 'MXCSR') continue;
        const text = (from: Uint8Array): string => Buffer.from(from.subarray(at, at + bytes)).toString('hex');
        if (text(mine) !== text(theirs)) differences.push(`case ${n}, ${mnemonic} ${mask}, ${what}: ${name} ${text(mine)} instead of ${text(theirs)}`);
      }
    }
  }
  expect(differences.slice(0, 20)).toEqual([]);
  expect([...vectors].sort()).toEqual([0, 13]);
});
