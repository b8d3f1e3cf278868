import { expect, test } from 'vitest';
import { geometricMean, median, rounded } from './statistics.ts';

test('the median is the middle, or the mean of the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('the geometric mean treats twice as fast and half as fast as even', () => {
  expect(geometricMean([2, 0.5])).toBeCloseTo(1);
  expect(geometricMean([8, 2])).toBeCloseTo(4);
});

test('figures have three digits', () => {
  expect(rounded(1.23456)).toBe(1.23);
  expect(rounded(1234.5)).toBe(1230);
});
