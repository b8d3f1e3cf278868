import { expect, test } from 'vitest';
import type { BenchResults } from '../results.ts';
import { drawChart } from './chart.ts';
import { formatTable, intoDocument } from './table.ts';

const RESULTS: BenchResults = {
  date: '2026-01-02', chromium: '156', node: 'v20', v86Version: '0.5', qemu: undefined, processor: 'a processor', runs: 3, percent: 100, place: 'browser', guest: 'i386',
  groups: {
    integer: { v86: 2, programs: { sieve: { ms: { coracle: 10, v86: 20 }, runs: {}, v86: 2 } } },
    x87: { v86: 0.5, programs: { fft: { ms: { coracle: 10, v86: 5 }, runs: {}, v86: 0.5, differing: ['v86'] } } },
  },
};

test('the table has a row for each program and one for its group', () => {
  const table = formatTable(RESULTS);
  expect(table).toContain('| integer sieve | 2 |  |');
  expect(table).toContain('| **integer** | **2** |  |');
  expect(table).toContain('x87 fft (wrong result: v86)');
});

test('the longest pause has a row where it is known', () => {
  expect(formatTable(RESULTS)).not.toContain('Longest pause');
  expect(formatTable({ ...RESULTS, longestCompilePauseMs: 4.25 })).toContain('| all groups above | 4.3 |');
});

test('the table goes between the document’s markers, as often as one likes', () => {
  const document = 'before\n<!-- bench: written by npm run bench -->\nold\n<!-- /bench -->\nafter\n';
  const once = intoDocument(document, RESULTS);
  expect(once).toMatch(/^before\n/);
  expect(once).toMatch(/after\n$/);
  expect(once).not.toContain('old');
  expect(intoDocument(once, RESULTS)).toBe(once);
  expect(() => intoDocument('nothing', RESULTS)).toThrow(/bench/);
});

test('the chart draws a bar for each ratio', () => {
  const chart = drawChart(RESULTS);
  expect(chart.match(/<rect [^>]*height="12" fill="#2f6f8f"/g)).toHaveLength(3);
});
