import { expect, it } from 'vitest';
import { TierTimes } from './tier-times.ts';

it('finds out what an instruction takes in each tier', () => {
  const times = new TierTimes();
  for (let i = 1; i <= 100; i++) times.add(i * 1000 * 8e-6 + (i % 7) * 50_000 * 1e-6, i * 1000, (i % 7) * 50_000);
  const { interpreted, compiled } = times.estimate;
  expect(interpreted).toBeCloseTo(5050 * 8e-3, 6);
  expect(compiled).toBeCloseTo(297 * 0.05, 6);
});

it('divides by instructions where slices are all alike, and has nothing to say at first', () => {
  const times = new TierTimes();
  expect(times.estimate).toEqual({ interpreted: 0, compiled: 0 });
  for (let i = 0; i < 10; i++) times.add(4, 1000, 3000);
  expect(times.estimate).toEqual({ interpreted: 10, compiled: 30 });
});
