import { expect, test } from 'vitest';
import { MODE_CODE32, MODE_FLAT, MODE_PROTECTED } from '../cpu/mode.ts';
import { FEATURES } from '../isa/features.ts';
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import type { ArenaAddr } from '../memory/address.ts';
import { Arena } from '../memory/arena.ts';
import { PagePool } from '../memory/pool.ts';
import { CodeCache } from './code-cache.ts';
import { Decoders } from './decoders.ts';
import { HANDLERS } from './handlers.ts';
import { recordKernel } from './kernel-fixture.ts';
import * as R from './record.ts';
import { Translator } from './translator.ts';

const SEGMENTED = MODE_PROTECTED | MODE_CODE32, FLAT = SEGMENTED | MODE_FLAT;

/** Ten times `add eax, 7`, three bytes each, and a return. */
async function cache() {
  const arena = new Arena();
  const pool = new PagePool(arena);
  const decoders = new Decoders(INSTRUCTION_SET);
  decoders.number(new Set(FEATURES));
  const code = new CodeCache(pool, new Translator(arena, decoders, HANDLERS, await recordKernel(arena), () => {}), HANDLERS.end);
  const frame = pool.allocate();
  arena.u8.set([...Array.from({ length: 10 }, () => [0x83, 0xc0, 7]).flat(), 0xc3], frame);
  /** Where the block at an offset ends, and whether it is all of the code up to there. */
  const end = (offset: number, mode: number): number => {
    let record = code.find(frame + offset, mode);
    let at = offset;
    for (; arena.u8[record + R.REC_LENGTH] > 0; record += R.RECORD_SIZE) {
      expect(arena.u16[(record + R.REC_OFFSET) >>> 1]).toBe(at);
      at += arena.u8[record + R.REC_LENGTH];
    }
    expect(arena.u16[(record + R.REC_OFFSET) >>> 1]).toBe(at);
    return at;
  };
  /** A page with nothing but `jmp $`. */
  const page = (): ArenaAddr => {
    const own = pool.allocate();
    arena.u8.set([0xeb, 0xfe], own);
    return own;
  };
  return { arena, code, frame, end, page };
}

test('a block ends where another one of its mode begins', async () => {
  const { end } = await cache();
  expect(end(15, FLAT)).toBe(31);
  expect(end(0, FLAT)).toBe(15);
});

test('a block of another mode, and one in the middle of an instruction, do not end it', async () => {
  const { end } = await cache();
  expect(end(15, SEGMENTED)).toBe(31);
  // Bytes C0 07 83 are another instruction, and so is what follows.
  end(16, FLAT);
  expect(end(0, FLAT)).toBe(31);
});

test('behind one in the middle of an instruction the next one ends a block', async () => {
  const { end } = await cache();
  end(21, FLAT);
  end(10, FLAT);
  expect(end(0, FLAT)).toBe(21);
});

test('a block that was dropped ends no other', async () => {
  const { code, frame, end } = await cache();
  end(15, FLAT);
  code.written(frame, 20, 1, 0);
  expect(end(0, FLAT)).toBe(31);
});

test('what has not been executed for longest makes room, and no more of it than has to', async () => {
  const { arena, code, page } = await cache();
  const pages = Array.from({ length: 4000 }, page);
  const first = code.find(pages[0], FLAT);
  for (const other of pages) {
    code.find(other, FLAT);
    // A branch in the first page is taken, past the dispatcher.
    arena.i32[(first + R.REC_EDGES) >>> 2]--;
  }
  const made = code.blocksMade;
  const there = pages.map((own) => code.known(own, FLAT) !== 0);
  expect(made).toBe(pages.length);
  expect(there[0]).toBe(true);
  const gone = there.indexOf(true, 1) - 1;
  expect(gone).toBeGreaterThan(0);
  expect(there.slice(1, gone + 1)).not.toContain(true);
  expect(there.slice(gone + 1)).not.toContain(false);
  // Records of 2048 pages were an eighth too few, at first; then an eighth of them goes at a time.
  expect(pages.length - gone).toBeGreaterThanOrEqual((2048 * (9 / 8) * 7) / 8);
});
