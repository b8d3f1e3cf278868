/** What became of guest code, counted. */
import * as R from '../interp/record.ts';
import type { TierMs } from './tier-times.ts';

export type { CompilerCounters } from '../jit/compiler.ts';

/** Causes for which handlers and compiled code give control back, by the number of the exit (src/interp/record.ts). */
const EXIT_CAUSES = {
  helper: R.EXIT_RESYNC, fault: R.EXIT_FAULT, fuel: R.EXIT_BUDGET, link: R.EXIT_RESOLVE, lookup: R.EXIT_LOOKUP, stop: R.EXIT_STOP,
  repetition: R.EXIT_RESTART, crossing: R.EXIT_CROSSING, hot: R.EXIT_HOT, hotEntry: R.EXIT_HOT_ENTRY,
} as const;
export type ExitCause = keyof typeof EXIT_CAUSES;

/** What became of guest code since the machine was made. */
export interface CodeCounters {
  /** Blocks decoded, and how often the dispatcher looked for one: it found the rest decoded already. */
  readonly blocks: number;
  readonly lookups: number;
  /** How often code was dropped because somebody wrote to it. */
  readonly invalidations: number;
  /** How often control came back to the dispatcher, by cause. */
  readonly exits: Readonly<Record<ExitCause, number>>;
  /**
   * Instructions that compiled code retired since the last reset, and an estimate of the host's milliseconds in each tier; undefined
   * unless they are counted (`countTiers`).
   */
  readonly tiers: { readonly compiledInstructions: number; readonly estimatedMs: TierMs } | undefined;
}

/** Numbers of exits are below it. */
export const EXITS = R.EXIT_GO;

/** @param counts by the number of the exit */
export function exitsByCause(counts: ArrayLike<number>): Record<ExitCause, number> {
  return Object.fromEntries(Object.entries(EXIT_CAUSES).map(([cause, n]) => [cause, counts[n]])) as Record<ExitCause, number>;
}
