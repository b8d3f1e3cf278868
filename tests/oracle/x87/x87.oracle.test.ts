/** The x87 kernel against the host's processor, on random and edge operands. Skipped where there is no gcc or no x86-64. */
import { beforeAll, describe, expect, it } from 'vitest';
import { buildX87Kernel } from '../../../src/cpu/x87/build-kernel.ts';
import { compareOpcode } from './compare.ts';
import { hasHost } from '../available.ts';
import { buildNative } from './native.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './opcodes.ts';
import { Subject } from './run-case.ts';

const CASES = 2000;

describe.skipIf(!hasHost())('x87 kernel and host processor', () => {
  let subject: Subject;
  let program: string;
  const seed = Number(process.env.ORACLE_SEED ?? '1');

  beforeAll(async () => {
    subject = new Subject(new WebAssembly.Module(new Uint8Array(await buildX87Kernel())));
    program = buildNative();
  }, 120_000);

  it.each([...MEMORY_OPCODES, ...REGISTER_OPCODES])('agree on %s', (opcode) => {
    expect(compareOpcode(subject, program, opcode, CASES, seed).examples).toEqual([]);
  });

  it.each(TRANSCENDENTAL_OPCODES)('agree on %s to the last place', (opcode) => {
    expect(compareOpcode(subject, program, opcode, CASES, seed).examples).toEqual([]);
  });
});
