import { expect, test } from 'vitest';
import { HANDLERS } from './handlers.ts';
import { HOT_HANDLERS } from './hot-handlers.ts';
import { FIRST_HANDLER, type Variant, variantKey } from './variant.ts';

test('each line of the list is a handler; where one is not, scripts/hot-handlers.ts is to make it again', () => {
  const keys = new Set<string>();
  for (let handler = FIRST_HANDLER; handler < HANDLERS.end; handler++) keys.add(variantKey(HANDLERS.variant(handler) as Variant));
  expect(HOT_HANDLERS.filter((key) => !keys.has(key))).toEqual([]);
});

test('hot handlers come first, those of 64-bit code among them', () => {
  const first = Array.from({ length: HANDLERS.hotEnd - FIRST_HANDLER }, (_, n) => variantKey(HANDLERS.variant(FIRST_HANDLER + n) as Variant));
  expect(first.sort()).toEqual([...HOT_HANDLERS].sort());
  expect(first).toContain('PUSH Gv0 64 none 32 long none');
});
