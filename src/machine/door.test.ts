import { expect, test } from 'vitest';
import { MachineClock } from './clock.ts';
import { Door } from './door.ts';

function rig() {
  const counter = { instructions: 0 };
  const clock = new MachineClock(counter, 1);
  return { counter, clock, door: new Door(clock) };
}

test('a result that is there at once enters by the clock', () => {
  const { counter, clock, door } = rig();
  const log: number[] = [];
  door.enter(1, (n) => log.push(n), () => {});
  door.enter(2, (n) => log.push(n), () => {});
  door.open();
  clock.fireDue();
  expect(log).toEqual([]);
  counter.instructions += clock.instructionsToDeadline(1e9);
  clock.fireDue();
  expect(log).toEqual([1, 2]);
  expect(clock.nextDeadline).toBeUndefined();
});

test('a promise enters when the door is opened, a failure too', async () => {
  const { door } = rig();
  const log: string[] = [];
  let arrivals = 0;
  door.onArrival = () => arrivals++;
  door.onInput = (kind) => log.push(kind);
  door.enter(Promise.resolve('a'), (s) => log.push(s), () => {});
  door.enter(Promise.reject(new Error('b')), () => {}, (e) => log.push(e.message));
  expect(door.outstanding).toBe(2);
  await new Promise((resolve) => setTimeout(resolve));
  expect(log).toEqual([]);
  expect(arrivals).toBe(2);
  door.post('key', () => log.push('c'));
  door.open();
  expect(log).toEqual(['async', 'a', 'async', 'b', 'key', 'c']);
  expect(door.outstanding).toBe(0);
});

test('a reset drops answers to what was asked before', async () => {
  const { counter, clock, door } = rig();
  const log: number[] = [];
  door.enter(1, (n) => log.push(n), () => {});
  door.enter(Promise.resolve(2), (n) => log.push(n), () => {});
  door.enter(Promise.resolve(3), (n) => log.push(n), () => {});
  await new Promise((resolve) => setTimeout(resolve));
  door.post('key', () => log.push(4));
  door.reset();
  counter.instructions = 1e6;
  clock.fireDue();
  door.open();
  expect(log).toEqual([4]);
  expect(door.outstanding).toBe(0);
});
