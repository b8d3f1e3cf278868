import { expect, test } from 'vitest';
import { Random } from '../../tests/oracle/random.ts';
import { MODE_AVX, MODE_CODE32, MODE_CODE64, MODE_FLAT, MODE_OSFXSR, MODE_PROTECTED } from '../cpu/mode.ts';
import { FEATURES } from '../isa/features.ts';
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { hasModrm, type MandatoryPrefix, type Row } from '../isa/row.ts';
import { Arena } from '../memory/arena.ts';
import { Decoders } from './decoders.ts';
import { HANDLERS } from './handlers.ts';
import { DECODING, recordKernel } from './kernel-fixture.ts';
import type { RecordKernel } from './kernel-interface.ts';
import * as R from './record.ts';
import { type Blocks, Translator } from './translator.ts';
import { HANDLER_CROSSING, HANDLER_CROSSING_LONG } from './variant.ts';

const arena = new Arena();
const code = arena.reserve(4096);
const out = arena.reserve(4096);
const decoders = new Decoders(INSTRUCTION_SET);
decoders.number(new Set(FEATURES));
const kernel = await recordKernel(arena);

const translator = (its: RecordKernel): Translator => new Translator(arena, decoders, HANDLERS, its, () => {});
const decoding = translator(DECODING);
const bytesAt = (at: number, length: number): string => Buffer.from(arena.u8.slice(at, at + length)).toString('hex');

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
const MODES = [PROTECTED, PROTECTED | MODE_CODE32, PROTECTED | MODE_CODE32 | MODE_FLAT, PROTECTED | MODE_CODE64 | MODE_FLAT];
test.each([
  ['16-bit', 0],
  ['32-bit', PROTECTED | MODE_CODE32],
  ['flat 32-bit', PROTECTED | MODE_CODE32 | MODE_FLAT],
  ['64-bit', PROTECTED | MODE_CODE64 | MODE_FLAT],
])('a template makes the record of %s code that decoding makes', (_name, mode) => {
  const random = new Random(mode + 7);
  const warm = translator(kernel);
  let decoded = 0;
  for (let n = 0; n < 1500; n++) {
    const bytes = head(random, (mode & MODE_CODE64) !== 0);
    for (let turn = 0; turn < 6; turn++) {
      // The head stays; displacements and immediates are small, large and of either sign.
      for (let i = 0; i < 16; i++) arena.u8[code + i] = bytes[i] ?? number(random);
      const end = turn === 5 ? code + 1 + random.below(8) : code + 4096;
      if (compare(warm, end, mode, random.below(4080)) !== 'truncated') decoded++;
    }
  }
  expect(decoded).toBeGreaterThan(5000);
});

/** A byte of a number. */
const number = (random: Random): number => [0, 0x7f, 0x80, 0xff, random.below(256)][random.below(5)];

/** Makes a record of the instruction at `code`, and expects it to be that which decoding makes. */
function compare(warm: Translator, end: number, mode: number, offset: number): string {
  arena.u8.fill(0xcc, out, out + 2 * R.RECORD_SIZE);
  // What branches count is no part of a template.
  decoding.hotAfter = warm.hotAfter = offset;
  const expected = decoding.instruction(code, end, mode, out, offset, 3);
  const actual = warm.instruction(code, end, mode, out + R.RECORD_SIZE, offset, 3);
  const records = [out, out + R.RECORD_SIZE].map((at) => bytesAt(at, R.RECORD_SIZE));
  expect([actual, records[1]], `${bytesAt(code, 15)} in mode ${mode}`).toEqual([expected, records[0]]);
  return expected;
}

/** As VEX.pp numbers them. */
const PREFIXES: readonly MandatoryPrefix[] = ['NP', '66', 'F3', 'F2'];
/** The first bytes of an instruction of a row, up to its ModRM byte. */
function headOf(row: Row, random: Random, long: boolean): number[] {
  const { vex, opcode, prefix = 'NP' } = row;
  const bytes: number[] = [];
  if (vex) {
    const map = opcode[1] === 0x38 ? 2 : opcode[1] === 0x3a ? 3 : 1;
    const w = vex.w ?? random.below(2);
    const l = vex.length === undefined ? random.below(2) : vex.length === 256 ? 1 : 0;
    const registers = long ? random.below(8) << 5 : 0xe0;
    bytes.push(0xc4, registers | map, (w << 7) | ((random.chance(50) ? 15 : random.below(16)) << 3) | (l << 2) | PREFIXES.indexOf(prefix));
  } else {
    if (random.chance(20)) bytes.push([0x64, 0x2e, 0x36, 0x67, 0xf0][random.below(5)]);
    if (prefix !== 'NP') bytes.push(Number.parseInt(prefix, 16));
    else if (row.prefix === undefined && random.chance(30)) bytes.push([0x66, 0xf3, 0xf2][random.below(3)]);
    if (long && random.chance(50)) bytes.push(0x40 | random.below(16));
  }
  bytes.push(...(vex ? opcode.slice(-1) : opcode));
  if (row.plusRegister) bytes.push((bytes.pop() as number) | random.below(8));
  if (!hasModrm(row)) return bytes;
  const vectorIndex = row.operands.some(({ kind }) => kind === 'X');
  const modrm = random.below(256);
  const mod = row.form === 'register' ? 0xc0 : row.form === 'memory' ? random.below(3) << 6 : modrm & 0xc0;
  bytes.push(row.modrm ?? (mod | ((row.digit ?? modrm >> 3) & 7) << 3 | (vectorIndex ? 4 : modrm & 7)));
  return bytes;
}

test('so it is for every row of the table', () => {
  let made = 0;
  const counted: RecordKernel = {
    ...kernel,
    fill_records: (...args) => {
      const filled = kernel.fill_records(...args);
      if (filled !== 0) made++;
      return filled;
    },
  };
  const missing = new Set(INSTRUCTION_SET);
  for (const mode of MODES) {
    const random = new Random(mode);
    const warm = translator(counted);
    const decoder = decoders.of(mode);
    const size = mode & MODE_CODE64 ? 64 : mode & MODE_CODE32 ? 32 : 16;
    for (const row of INSTRUCTION_SET) for (let n = 0; n < 12; n++) {
      const bytes = headOf(row, random, size === 64);
      for (let i = 0; i < 16; i++) arena.u8[code + i] = bytes[i] ?? random.below(256);
      if (decoder.decode(arena.u8, code, code + 16, size) !== 'ok') continue;
      if (decoder.row === row) missing.delete(row);
      const numbers = decoder.displacementBytes + Math.max(decoder.immediateBytes, 0);
      const first = decoder.length - numbers;
      for (let turn = 0; turn < (numbers > 0 ? 4 : 2); turn++) {
        compare(warm, code + 4096, mode, random.below(4080));
        for (let i = first; i < 16; i++) arena.u8[code + i] = number(random);
      }
    }
  }
  expect([...missing].map(({ source }) => source)).toEqual([]);
  expect(made).toBeGreaterThan(50_000);
});

/** Instructions that blocks consist of, the last two of them to their end; numbers follow. */
const USUAL = [[0x90], [0x40], [0x83, 0xc0], [0xb8], [0x8b, 0x44, 0x24], [0x0f, 0xb6, 0xc0], [0x81, 0x05], [0x66, 0x05], [0xc3], [0xe9]];

test.each(MODES)('a block ends where another one of its mode begins, at its limit, its last instruction or the page, in mode %i', (mode) => {
  const random = new Random(mode + 1);
  const frame = arena.reserve(4096), [expected, actual] = [arena.reserve(4096), arena.reserve(4096)];
  const warm = translator(kernel);
  const ends = { other: 0, page: 0, crossing: 0 };
  for (let turn = 0; turn < 2000; turn++) {
    // None but the last instructions of the page are made anew each time.
    let at = turn % 20 === 0 ? 0 : 4000;
    while (at < 4096) {
      for (const byte of random.chance(4) ? [random.below(256)] : USUAL[random.below(random.chance(10) ? USUAL.length : USUAL.length - 2)]) if (at < 4096) arena.u8[frame + at++] = byte;
      for (let n = random.below(5); n > 0 && at < 4096; n--) arena.u8[frame + at++] = number(random);
    }
    const start = random.chance(30) ? 4000 + random.below(96) : random.below(4096);
    const limit = random.chance(30) ? 1 + random.below(6) : R.BLOCK_LIMIT;
    // Some lie in the middle of instructions, one where the block itself begins.
    const begin = new Set([start, ...Array.from({ length: random.below(8) }, () => start + random.below(90))]);
    const blocks: Blocks = { nextBlock: (offset) => Math.min(4096, ...[...begin].filter((at) => at >= offset)) };
    decoding.hotAfter = warm.hotAfter = turn;
    let count = 0;
    let offset = start;
    let result = 'more';
    while (result === 'more' && count < limit && offset < 4096 && (count === 0 || !begin.has(offset))) {
      result = decoding.instruction(frame + offset, frame + 4096, mode, expected + count * R.RECORD_SIZE, offset, count + 1);
      if (result === 'truncated') break;
      offset += arena.u8[expected + count++ * R.RECORD_SIZE + R.REC_LENGTH];
    }
    const last = expected + count * R.RECORD_SIZE;
    if (result === 'truncated') decoding.leave(last, mode & MODE_CODE64 ? HANDLER_CROSSING_LONG : HANDLER_CROSSING, offset, count + 1);
    else decoding.next(last, mode, offset, count + 1);
    if (result === 'truncated') ends.crossing++;
    else if (offset === 4096) ends.page++;
    else if (result === 'more' && count < limit) ends.other++;
    expect(warm.block(frame + start, mode, actual, limit, blocks)).toBe(count + 1);
    const bytes = (count + 1) * R.RECORD_SIZE;
    expect(bytesAt(actual, bytes), `from ${start}, at most ${limit}`).toBe(bytesAt(expected, bytes));
  }
  for (const times of Object.values(ends)) expect(times).toBeGreaterThan(20);
});
