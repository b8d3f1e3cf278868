import { expect, test } from 'vitest';
import { ticks } from '../memory/address.ts';
import { MachineClock } from './clock.ts';

function rig(rate = 10) {
  const counter = { instructions: 0 };
  const clock = new MachineClock(counter, rate);
  return { counter, clock };
}

test('time follows instructions, across changes of rate and warps', () => {
  const { counter, clock } = rig(10);
  counter.instructions = 100;
  expect(clock.now).toBe(1000);
  clock.setRate(0.5);
  counter.instructions = 300;
  expect(clock.now).toBe(1100);
  clock.warpTo(ticks(5000));
  clock.warpTo(ticks(4000));
  expect(clock.now).toBe(5000);
});

test('deadlines fire in order of time, then of arming, and only when due', () => {
  const { counter, clock } = rig(1);
  const fired: string[] = [];
  const make = (name: string) => clock.timer(name, (now) => fired.push(`${name}@${now}`));
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(make);
  d.armAt(ticks(500));
  b.armAt(ticks(200));
  a.armAt(ticks(100));
  c.armAt(ticks(200));
  expect(clock.nextDeadline).toBe(100);
  expect(clock.instructionsToDeadline(1000)).toBe(100);
  counter.instructions = 250;
  clock.fireDue();
  expect(fired).toEqual(['a@250', 'b@250', 'c@250']);
  expect(a.deadline).toBeUndefined();
  expect(d.deadline).toBe(500);
  expect(clock.instructionsToDeadline(100)).toBe(100);
});

test('a timer is moved and cancelled', () => {
  const { counter, clock } = rig(1);
  let fired = 0;
  const timer = clock.timer('t', () => fired++);
  const other = clock.timer('o', () => fired++);
  timer.armAt(ticks(10));
  other.armAt(ticks(20));
  timer.armAt(ticks(30));
  expect(clock.nextDeadline).toBe(20);
  other.cancel();
  other.cancel();
  expect(clock.nextDeadline).toBe(30);
  timer.cancel();
  expect(clock.nextDeadline).toBeUndefined();
  counter.instructions = 100;
  clock.fireDue();
  expect(fired).toBe(0);
});

test('a callback that arms for the past does not hold up the machine', () => {
  const { counter, clock } = rig(1);
  let fired = 0;
  const timer = clock.timer('t', () => {
    fired++;
    timer.armAt(ticks(0));
  });
  timer.armAt(ticks(5));
  counter.instructions = 10;
  clock.fireDue();
  expect(fired).toBe(1);
  expect(clock.instructionsToDeadline(100)).toBe(1);
  clock.fireDue();
  expect(fired).toBe(2);
});

test('the fuel to a deadline reaches it exactly at fractional rates', () => {
  const { counter, clock } = rig(3.7);
  clock.timer('t', () => {}).armAt(ticks(1000));
  counter.instructions += clock.instructionsToDeadline(10_000);
  expect(clock.now).toBeGreaterThanOrEqual(1000);
  counter.instructions--;
  expect(clock.now).toBeLessThan(1000);
});

test('tells when the earliest deadline moves forward', () => {
  const { clock } = rig(1);
  let told = 0;
  clock.onEarlier = () => told++;
  clock.timer('a', () => {}).armAt(ticks(100));
  clock.timer('b', () => {}).armAt(ticks(200));
  expect(told).toBe(1);
  clock.timer('c', () => {}).armAt(ticks(50));
  expect(told).toBe(2);
});

test('many timers stay in order', () => {
  const { counter, clock } = rig(1);
  const fired: number[] = [];
  const timers = Array.from({ length: 200 }, (_, i) => {
    const at = (i * 7919) % 1000;
    const timer = clock.timer(String(i), () => fired.push(at));
    timer.armAt(ticks(at));
    return timer;
  });
  for (let i = 0; i < 200; i += 3) timers[i].cancel();
  counter.instructions = 1000;
  clock.fireDue();
  expect(fired).toHaveLength(133);
  expect(fired).toEqual([...fired].sort((a, b) => a - b));
});
