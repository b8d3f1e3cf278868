import { expect, test } from 'vitest';
import { HANDLERS } from './handlers.ts';
import { SUCCESSOR_TABLE } from './successor-table.ts';
import { successorsOf } from './successors.ts';
import { FIRST_HANDLER, type Variant, variantKey } from './variant.ts';

const named = (key: string): number => {
  for (let handler = FIRST_HANDLER; handler < HANDLERS.end; handler++) if (variantKey(HANDLERS.variant(handler) as Variant) === key) return handler;
  throw new Error(key);
};

test('a comparison is thought to lead to a conditional branch, a call to the beginning of a function', () => {
  const successors = successorsOf(HANDLERS);
  const after = (key: string, kind: 'next' | 'taken'): (string | undefined)[] =>
    (successors.get(named(key))?.[kind] ?? []).map((handler) => HANDLERS.variant(handler)?.row.mnemonic);
  expect(after('TEST Ev0,Gv0 32 register 32 segmented none', 'next').slice(0, 2).sort()).toEqual(['JE', 'JE']);
  expect(after('CALL Jz0 64 none 32 long none', 'taken')).toContain('PUSH');
  expect(after('CALL Jz0 64 none 32 long none', 'next')).toEqual([]);
});

test('each line of the table is a handler; where one is not, scripts/successors.ts is to make it again', () => {
  for (const line of SUCCESSOR_TABLE.split('\n').filter((line) => line !== '')) expect(named(line.split(': ')[0])).toBeGreaterThan(0);
});

test('what follows is in the module of the handler', () => {
  for (const [handler, { next, taken }] of successorsOf(HANDLERS)) {
    for (const successor of [...next, ...taken]) expect(successor < HANDLERS.firstWide).toBe(handler < HANDLERS.firstWide);
  }
});
