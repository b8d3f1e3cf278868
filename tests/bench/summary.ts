/** From repetitions to medians, and from those to the incumbents' times over ours. */
import type { MachineName } from './machines/machine.ts';
import type { GroupResult, ProgramResult, TimedName, Times } from './results.ts';
import { geometricMean, median, rounded } from './statistics.ts';

/** Both markers may arrive in one piece; a ratio of shorter times says nothing. */
const SHORTEST_MS = 5;

/** The names that an incumbent's times go by; the fastest counts. */
const INCUMBENTS = { v86: ['v86', 'v86-liftoff'], tcg: ['tcg'], i386: ['i386'] } as const satisfies Record<string, readonly TimedName[]>;
type Incumbent = keyof typeof INCUMBENTS;

export interface Entry {
  readonly name: string;
  readonly times: Times;
  readonly differing: readonly MachineName[];
}

export function groupResult(entries: readonly Entry[]): GroupResult {
  const programs = Object.fromEntries(entries.map(({ name, times, differing }) => [name, programResult(times, differing)]));
  const mean = (name: Incumbent): number | undefined => {
    const ratios = Object.values(programs).flatMap((program) => program[name] ?? []);
    return ratios.length === 0 ? undefined : rounded(geometricMean(ratios));
  };
  return { ...optional('v86', mean('v86')), ...optional('tcg', mean('tcg')), ...optional('i386', mean('i386')), programs };
}

function programResult(times: Times, differing: readonly MachineName[]): ProgramResult {
  const ms: Partial<Record<TimedName, number>> = {};
  const runs: Partial<Record<TimedName, number[]>> = {};
  for (const [name, values] of Object.entries(times) as [TimedName, number[]][]) {
    ms[name] = rounded(median(values));
    runs[name] = values.map(rounded);
  }
  const over = (incumbent: Incumbent): number | undefined => {
    const theirs = Math.min(...INCUMBENTS[incumbent].flatMap((name) => (times[name] ? [median(times[name])] : [])));
    const ours = times.coracle && median(times.coracle);
    if (ours === undefined || ours < SHORTEST_MS || theirs < SHORTEST_MS || !Number.isFinite(theirs)) return undefined;
    return rounded(theirs / ours);
  };
  const found = { ms, runs, ...optional('v86', over('v86')), ...optional('tcg', over('tcg')), ...optional('i386', over('i386')) };
  return differing.length === 0 ? found : { ...found, differing };
}

function optional<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, number>);
}
