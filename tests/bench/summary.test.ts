import { expect, test } from 'vitest';
import { groupResult } from './summary.ts';

test('a ratio is the incumbent’s median over ours, a group’s their geometric mean', () => {
  const group = groupResult([
    { name: 'sieve', times: { coracle: [10, 30, 20], v86: [40, 40, 90], tcg: [10, 10, 10] }, differing: [] },
    { name: 'crc32', times: { coracle: [10], v86: [80] }, differing: ['v86'] },
  ]);
  expect(group.programs.sieve).toMatchObject({ ms: { coracle: 20, v86: 40 }, v86: 2, tcg: 0.5 });
  expect(group.programs.crc32).toMatchObject({ v86: 8, differing: ['v86'] });
  expect(group.v86).toBe(4);
  expect(group.tcg).toBe(0.5);
});

test('of two ways to run v86 the faster counts', () => {
  const times = { coracle: [10], v86: [80], 'v86-liftoff': [30] };
  expect(groupResult([{ name: 'shell', times, differing: [] }])).toMatchObject({ v86: 3 });
});

test('without our time, or where it is too short to tell, there is no ratio', () => {
  expect(groupResult([{ name: 'sieve', times: { v86: [80] }, differing: [] }]).v86).toBeUndefined();
  expect(groupResult([{ name: 'sieve', times: { coracle: [2], v86: [80] }, differing: [] }]).v86).toBeUndefined();
});
