/**
 * Which handlers most often run after another one. A handler compares the number of the next one with theirs before it calls
 * it through the table: a branch that the host's processor predicts, and a direct call, cost less than the loads and checks of
 * an indirect one, most of all where code runs for the first time.
 */
import { SUCCESSOR_TABLE } from './successor-table.ts';
import { FIRST_HANDLER, type HandlerSet, type Variant, variantKey } from './variant.ts';

/** Handler numbers, the most frequent first. */
export interface Successors {
  /** Of the instruction that follows. */
  readonly next: readonly number[];
  /** Of the one that it branches to. */
  readonly taken: readonly number[];
}

/**
 * By handler. A line of the table: the handler's `variantKey`, and after a colon the lines of those that follow it, and behind a bar of those
 * that it branches to, counted from 0. Keys that are no handler's count for nothing: the table is to be made again (scripts/successors.ts).
 */
export function successorsOf(set: HandlerSet): ReadonlyMap<number, Successors> {
  const numbers = new Map<string, number>();
  for (let handler = FIRST_HANDLER; handler < set.end; handler++) numbers.set(variantKey(set.variant(handler) as Variant), handler);
  const lines = SUCCESSOR_TABLE.split('\n').filter((line) => line !== '').map((line) => line.split(': '));
  const list = (text = ''): number[] => text.split(' ').flatMap((n) => (n === '' ? [] : (numbers.get(lines[Number(n)][0]) ?? [])));
  return new Map(lines.flatMap(([key, after = '']): [number, Successors][] => {
    const handler = numbers.get(key);
    const [next, taken] = after.split('|');
    return handler === undefined ? [] : [[handler, { next: list(next), taken: list(taken) }]];
  }));
}
