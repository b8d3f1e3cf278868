import { expect, it } from 'vitest';
import { type BasicBlock, leadsToEntry, type Region } from './region.ts';

/** Blocks by what they lead to; entered at some of them. */
function region(edges: readonly (readonly number[])[], entered: readonly number[]): Region {
  const blocks = edges.map(([taken, next, expected]): BasicBlock => ({ records: [], pages: 1, taken, next, expected, nextOffset: undefined, jumps: false }));
  return { mode: 0, pages: [], blocks, entries: entered.map((block) => ({ block, host: 0, record: 0, handler: 0 })), jumpTargets: [], counted: false, careful: false };
}

it('another block of the loop that is entered needs no entry of its own', () => {
  const loop = region([[1], [2, 3], [0], [0, 4], []], [0]);
  expect([0, 1, 2, 3].map((block) => leadsToEntry(loop, block))).toEqual([true, true, true, true]);
});

it('a loop inside that is not entered does, and what comes after', () => {
  // 1 is a loop in that of 0; 3 is where both end.
  const nested = region([[1], [1, 2], [0, 3], []], [0]);
  expect([1, 2, 3].map((block) => leadsToEntry(nested, block))).toEqual([false, true, false]);
});
