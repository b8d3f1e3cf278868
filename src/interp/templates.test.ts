import { expect, test } from 'vitest';
import { buildX87Kernel } from '../cpu/x87/build-kernel.ts';
import { exportedTypes } from '../cpu/x87/wasm-types-fixture.ts';
import { Arena } from '../memory/arena.ts';
import { recordKernel } from './kernel-fixture.ts';
import { RECORD_KERNEL_TYPES } from './kernel-interface.ts';
import { REC_HANDLER } from './record.ts';
import { FILLED_RECORDS, TEMPLATE_FORM } from './template-layout.ts';
import { Templates } from './templates.ts';

test('exports the interface with its types', async () => {
  expect(exportedTypes(await buildX87Kernel())).toMatchObject(RECORD_KERNEL_TYPES);
});

/** Templates that have a number each in the place of their handler. */
async function numbered() {
  const arena = new Arena();
  const templates = new Templates(arena, await recordKernel(arena));
  const code = arena.reserve(4096);
  const out = arena.reserve(4096);
  return {
    add(bytes: readonly number[], mode: number, number: number): void {
      arena.u8.set(bytes, code);
      const template = templates.add(code, bytes.length, mode);
      arena.i32[(template + REC_HANDLER) >>> 2] = number;
      arena.i32[(template + TEMPLATE_FORM) >>> 2] = bytes.length;
    },
    /** The number of the template for bytes; -1: they have none. */
    find(bytes: readonly number[], mode: number): number {
      arena.u8.set(bytes, code);
      const end = code + bytes.length;
      const filled = templates.fill(mode, code, end, end, out, 0, 1, 1, 0);
      return filled & FILLED_RECORDS ? arena.i32[(out + REC_HANDLER) >>> 2] : -1;
    },
  };
}

test('fresh ones know nothing', async () => {
  const { find } = await numbered();
  for (let byte = 0; byte < 256; byte++) for (const mode of [0, 1]) expect(find([byte, byte], mode)).toBe(-1);
});

test('however many modes there are, no two heads have one template', async () => {
  const { add, find } = await numbered();
  const MODES = 193;
  const head = (n: number): number[] => [n, 0xc1];
  for (let mode = 0; mode < MODES; mode++) add(head(0), mode, 0);
  const last = MODES - 1;
  for (let n = 1; n < 100; n++) add(head(n), last, n);
  expect(find(head(0), MODES)).toBe(-1);
  let known = 0;
  for (let n = 0; n < 100; n++) {
    const found = find(head(n), last);
    if (found < 0) continue;
    expect(found).toBe(n);
    known++;
  }
  expect(known).toBeGreaterThan(90);
});

test('where there is no more room for templates all are forgotten, and none is mistaken for another', async () => {
  const { add, find } = await numbered();
  const head = (n: number): number[] => [n & 0xff, n >> 8];
  for (let n = 0; n < 20_000; n++) {
    add(head(n), 0, n);
    expect(find(head(n), 0)).toBe(n);
  }
  let known = 0;
  for (let n = 0; n < 20_000; n++) {
    const found = find(head(n), 0);
    if (found < 0) continue;
    known++;
    expect(found).toBe(n);
  }
  expect(known).toBeGreaterThan(1000);
});

test('bytes past the end are not looked at', async () => {
  const { add, find } = await numbered();
  add([0x0f, 0xa2], 0, 7);
  expect(find([0x0f], 0)).toBe(-1);
  expect(find([0x0f, 0xa2], 0)).toBe(7);
});
