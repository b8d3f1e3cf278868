import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoredTimes } from './stored.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a later run is shown beside the one before and the stored v86', () => {
  const path = join(folder, 'times.json');
  new StoredTimes(path, 'node', 100).compare('sieve', { coracle: [400], v86: [200, 100, 300] });
  const line = new StoredTimes(path, 'node', 100).compare('sieve', { coracle: [50] });
  expect(line).toBe('sieve: coracle 50 ms (last 400, 8x), v86 (stored) / coracle 4');
});

test('times of another scale are not compared', () => {
  const path = join(folder, 'times.json');
  new StoredTimes(path, 'node', 100).compare('sieve', { coracle: [400] });
  expect(new StoredTimes(path, 'node', 10).compare('sieve', { coracle: [50] })).toBe('sieve: coracle 50 ms');
});

test('Node’s run is shown beside the browser’s v86', () => {
  const path = join(folder, 'times.json');
  new StoredTimes(path, 'browser', 100).compare('sieve', { coracle: [300], v86: [100] });
  expect(new StoredTimes(path, 'node', 100).compare('sieve', { coracle: [50] })).toBe('sieve: coracle 50 ms, v86 (stored) / coracle 2');
});
