/** MMX and SSE against the host's processor, on random and edge operands. Skipped where there is no gcc or no x86-64. */
import { beforeAll, describe, expect, it } from 'vitest';
import { hasHost } from '../available.ts';
import { compareEncoding } from './compare.ts';
import { simdEncodings } from './encodings.ts';
import { makeModules } from './modules.ts';
import { buildNative } from './native.ts';
import { Subject } from './run-case.ts';

const CASES = 500;

describe.skipIf(!hasHost())('MMX and SSE and host processor', () => {
  let subject: Subject;
  let program: string;
  const seed = Number(process.env.ORACLE_SEED ?? '1');

  beforeAll(async () => {
    subject = new Subject(await makeModules());
    program = buildNative();
  });

  it.each(simdEncodings().map(({ row, text }) => [row.source, text]))('agree on %s (%s)', (_source, text) => {
    expect(compareEncoding(subject, program, text, CASES, seed).examples).toEqual([]);
  });
});
