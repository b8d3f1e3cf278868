import { expect, test } from 'vitest';
import * as L from './layout.ts';

/** Names that are no places in the state: offsets in its parts, sizes, what follows it; and scratch, which kernels may share. */
const isPlace = (name: string, value: unknown): value is number =>
  typeof value === 'number' && value < L.STATE_SIZE && !/^(SEG_|TLB_(?!ACTIVE))|_SIZE$|_STRIDE$|_SCRATCH$/.test(name);

test('no two fields of the state have the same place', () => {
  const names = new Map<number, string[]>();
  for (const [name, value] of Object.entries(L)) if (isPlace(name, value)) names.set(value, [...(names.get(value) ?? []), name]);
  expect([...names.values()].filter((list) => list.length > 1)).toEqual([]);
  expect(names.size).toBeGreaterThan(50);
});
