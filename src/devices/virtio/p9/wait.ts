/**
 * Functions that may have to wait, as generators: one that waits for nothing runs to its end at once, without a turn of
 * the event loop, and so at a known instruction of the guest.
 */
import type { Soon } from '../../../storage/file-tree.ts';

export type Waiting<T> = Generator<Promise<unknown>, T, unknown>;

/** The value, waited for if it is still to come. */
export function* wait<T>(work: Soon<T>): Waiting<T> {
  return work instanceof Promise ? ((yield work) as T) : work;
}

/** Runs to the end, or until it waits. */
export function runWaiting<T>(work: Waiting<T>): Soon<T> {
  return go(work, () => work.next());
}

function go<T>(work: Waiting<T>, step: () => IteratorResult<Promise<unknown>, T>): Soon<T> {
  const result = step();
  if (result.done) return result.value;
  return result.value.then(
    (value) => go(work, () => work.next(value)),
    (error: unknown) => go(work, () => work.throw(error)),
  );
}
