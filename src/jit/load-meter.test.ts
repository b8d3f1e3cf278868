import { expect, it } from 'vitest';
import { LoadMeter } from './load-meter.ts';

/** What is busy with a threshold of 10 after so many instructions in each of some seconds. */
const busy = (...seconds: readonly number[]): boolean[] => {
  let ms = 0;
  const meter = new LoadMeter(() => ms);
  return seconds.map((instructions, second) => {
    for (const after of [5000, 5900]) {
      ms = second * 1000 + after;
      meter.add(instructions / 2);
    }
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
  let ms = 0;
  const meter = new LoadMeter(() => ms);
  meter.add(1e6);
  ms = 1500;
  meter.add(1e6);
  expect(meter.isBusy(10)).toBe(true);
  ms = 10_000;
  meter.add(10);
  expect(meter.isBusy(10)).toBe(false);
});

it('asks the clock not for each slice', () => {
  let asked = 0;
  const meter = new LoadMeter(() => asked++);
  for (let slice = 0; slice < 100; slice++) meter.add(10_000);
  expect(asked).toBe(4);
});
