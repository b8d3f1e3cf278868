import { expect, test } from 'vitest';
import { Templates } from './templates.ts';

test('however many modes there are, no two heads have one template', () => {
  const templates = new Templates();
  const MODES = 193;
  const head = (n: number): Uint8Array => Uint8Array.of(n, 0xc1);
  for (let mode = 0; mode < MODES; mode++) templates.add(head(0), 0, 2, mode);
  const last = MODES - 1;
  for (let n = 1; n < 100; n++) templates.add(head(n), 0, 2, last);
  expect(templates.find(head(0), 0, MODES)).toBe(-1);
  const found = Array.from({ length: 100 }, (_, n) => templates.find(head(n), 0, last)).filter((template) => template >= 0);
  expect(found.length).toBeGreaterThan(90);
  expect(new Set(found).size).toBe(found.length);
});

test('where there is no more room for templates all are forgotten, and none is mistaken for another', () => {
  const templates = new Templates();
  const bytes = (n: number): Uint8Array => Uint8Array.of(n & 0xff, n >> 8, 0x80);
  for (let n = 0; n < 20_000; n++) {
    const template = templates.add(bytes(n), 0, 2, 0);
    expect(templates.find(bytes(n), 0, 0)).toBe(template);
    templates.words[template] = n;
  }
  let known = 0;
  for (let n = 0; n < 20_000; n++) {
    const template = templates.find(bytes(n), 0, 0);
    if (template < 0) continue;
    known++;
    expect(templates.words[template]).toBe(n);
  }
  expect(known).toBeGreaterThan(1000);
});
