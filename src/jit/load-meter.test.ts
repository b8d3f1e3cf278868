import { expect, it } from 'vitest';
import { LoadMeter } from './load-meter.ts';

/** What is busy with a threshold of 10 after so many instructions in each of some seconds. */
const busy = (...seconds: readonly number[]): boolean[] => {
  const meter = new LoadMeter();
  return seconds.map((instructions, second) => {
    meter.add(instructions / 2, second * 1000 + 5000);
    meter.add(instructions / 2, second * 1000 + 5900);
    return meter.isBusy(10);
  });
};

it('takes a guest that starts to be busy, and one whose ticks are all that it executes not', () => {
  expect(busy(10, 10, 10, 10)).toEqual([true, false, false, false]);
});

it('takes a guest to be busy as soon as it has executed enough, and for a second after that', () => {
  expect(busy(10, 10, 3000, 10, 10)).toEqual([true, false, true, true, false]);
});

it('forgets what was before a long sleep', () => {
  const meter = new LoadMeter();
  meter.add(1e6, 0);
  meter.add(1e6, 1500);
  expect(meter.isBusy(10)).toBe(true);
  meter.add(10, 10_000);
  expect(meter.isBusy(10)).toBe(false);
});
