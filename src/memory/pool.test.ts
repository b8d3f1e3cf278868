import { expect, test } from 'vitest';
import { arenaAddr } from './address.ts';
import { Arena } from './arena.ts';
import { PagePool } from './pool.ts';

const newPool = () => new PagePool(new Arena());

test('a fresh frame is zero, page-aligned, private and without code', () => {
  const pool = newPool();
  const frame = pool.allocate();
  expect(frame % 4096).toBe(0);
  expect(pool.arena.u8.subarray(frame, frame + 4096).every((byte) => byte === 0)).toBe(true);
  expect(pool.isShared(frame)).toBe(false);
  expect(pool.hasCode(frame)).toBe(false);
  expect(pool.framesInUse).toBe(1);
});

test('a recycled frame is zero again and has lost its code mark', () => {
  const pool = newPool();
  const frame = pool.allocate();
  pool.arena.u8[frame + 5] = 7;
  pool.setCodeTurn(frame, 1);
  pool.release(frame);
  expect(pool.framesInUse).toBe(0);
  expect(pool.allocate()).toBe(frame);
  expect(pool.arena.u8[frame + 5]).toBe(0);
  expect(pool.hasCode(frame)).toBe(false);
});

test('pages of the arena become frames, and those of a range that nobody has taken free ones', () => {
  const pool = newPool();
  const start = pool.arena.reserve(3 * 4096);
  pool.arena.u8.fill(5, start, start + 3 * 4096);
  const end = arenaAddr(start + 3 * 4096), taken = pool.adopt(arenaAddr(start + 4096));
  expect(pool.framesInUse).toBe(1);
  pool.adoptFree(start, end);
  expect(pool.framesInUse).toBe(1);
  const others = [pool.allocate(), pool.allocate()];
  expect(others.sort()).toEqual([start, start + 2 * 4096]);
  expect(others.every((frame) => pool.arena.u8[frame] === 0)).toBe(true);
  expect(pool.arena.u8[taken]).toBe(5);
  pool.release(taken);
  expect(pool.allocate()).toBe(taken);
});

test('a shared frame lives until its last reference goes', () => {
  const pool = newPool();
  const frame = pool.allocate();
  pool.share(frame);
  expect(pool.isShared(frame)).toBe(true);
  pool.release(frame);
  expect(pool.isShared(frame)).toBe(false);
  pool.release(frame);
  expect(() => pool.release(frame)).toThrow(/more often/);
});

test('the zero frame is always shared and never counted', () => {
  const pool = newPool();
  pool.share(pool.zeroFrame);
  pool.release(pool.zeroFrame);
  pool.release(pool.zeroFrame);
  expect(pool.isShared(pool.zeroFrame)).toBe(true);
  expect(pool.framesInUse).toBe(0);
});

test('the tables follow the arena as it grows', () => {
  const pool = newPool();
  const frames = Array.from({ length: 3000 }, () => pool.allocate());
  expect(new Set(frames).size).toBe(3000);
  const last = frames[2999];
  pool.setCodeTurn(last, 1);
  expect(pool.hasCode(last)).toBe(true);
  expect(pool.isShared(last)).toBe(false);
});
