import { expect, test } from 'vitest';
import { Random } from '../../tests/oracle/random.ts';
import { MODE_AVX, MODE_CODE32, MODE_CODE64, MODE_FLAT, MODE_OSFXSR, MODE_PROTECTED } from '../cpu/mode.ts';
import { FEATURES } from '../isa/features.ts';
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { Arena } from '../memory/arena.ts';
import { Decoders } from './decoders.ts';
import { HANDLERS } from './handlers.ts';
import * as R from './record.ts';
import { Translator } from './translator.ts';

const arena = new Arena();
const code = arena.reserve(4096);
const out = arena.reserve(4096);
const decoders = new Decoders(INSTRUCTION_SET);
decoders.number(new Set(FEATURES));

function translator(): Translator {
  const made = new Translator(arena, decoders, HANDLERS, () => {});
  made.hotAfter = 1234;
  return made;
}

/** Bytes that begin as instructions often do; sometimes POP to where ESP is after it, or so many prefixes that 15 bytes may not be enough. */
function head(random: Random, long: boolean): number[] {
  const kind = random.below(40);
  if (kind === 0) return [0x8f, 0x44, 0x24];
  const bytes: number[] = kind === 1 ? new Array<number>(6 + random.below(8)).fill(0x2e) : [];
  if (random.below(3) === 0) bytes.push([0x66, 0x64, 0x2e, 0xf3, 0xf2, 0xf0, 0x67][random.below(7)]);
  if (long && random.below(2) === 0) bytes.push(0x40 | random.below(16));
  if (random.below(4) === 0) bytes.push(0x0f);
  const length = bytes.length + 1 + random.below(3);
  while (bytes.length < length) bytes.push(random.below(256));
  return bytes;
}

const PROTECTED = MODE_PROTECTED | MODE_OSFXSR | MODE_AVX;
test.each([
  ['16-bit', 0],
  ['32-bit', PROTECTED | MODE_CODE32],
  ['flat 32-bit', PROTECTED | MODE_CODE32 | MODE_FLAT],
  ['64-bit', PROTECTED | MODE_CODE64 | MODE_FLAT],
])('a template makes the record of %s code that decoding makes', (_name, mode) => {
  const random = new Random(mode + 7);
  const warm = translator();
  let decoded = 0;
  for (let n = 0; n < 1500; n++) {
    const bytes = head(random, (mode & MODE_CODE64) !== 0);
    for (let turn = 0; turn < 6; turn++) {
      // The head stays; displacements and immediates are small, large and of either sign.
      for (let i = 0; i < 16; i++) arena.u8[code + i] = bytes[i] ?? [0, 0x7f, 0x80, 0xff, random.below(256)][random.below(5)];
      const end = turn === 5 ? code + 1 + random.below(8) : code + 4096;
      const offset = random.below(4080);
      arena.u8.fill(0xcc, out, out + 2 * R.RECORD_SIZE);
      // One that is asked for the first time knows no heads.
      const expected = translator().instruction(code, end, mode, out, offset, 3);
      const actual = warm.instruction(code, end, mode, out + R.RECORD_SIZE, offset, 3);
      const record = (at: number): number[] => [...arena.u8.slice(at, at + R.RECORD_SIZE)];
      expect([actual, record(out + R.RECORD_SIZE)], [...arena.u8.slice(code, code + 15)].map((b) => b.toString(16)).join(' ')).toEqual([expected, record(out)]);
      if (expected !== 'truncated') decoded++;
    }
  }
  expect(decoded).toBeGreaterThan(5000);
});
