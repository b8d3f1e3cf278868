/**
 * The last medians of every machine, kept from run to run: a program that is measured again is shown beside what it took
 * before, and beside v86 without running v86; in Node beside the browser's v86 where there is no other. Times of another moment on a shared machine are a hint, not a result.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { TimedName, Times } from './results.ts';
import { median, rounded } from './statistics.ts';

type Medians = Partial<Record<TimedName, number>>;

export class StoredTimes {
  private readonly path: string;
  private readonly place: string;
  private readonly scale: string;
  private readonly all: Record<string, Medians>;

  constructor(path: string, place: string, percent: number) {
    this.path = path;
    this.place = place;
    this.scale = `${percent}%`;
    this.all = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Medians>) : {};
  }

  /** What `times` are beside the stored ones, in one line; stores them. */
  compare(program: string, times: Times): string {
    const key = `${this.place} ${this.scale} ${program}`;
    const inBrowser: Medians = this.all[`browser ${this.scale} ${program}`] ?? {};
    const before: Medians = this.all[key] ?? {};
    const now = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, rounded(median(values))])) as Medians;
    const parts = Object.entries(now).map(([name, ms]) => {
      const last = before[name as TimedName];
      return last === undefined ? `${name} ${ms} ms` : `${name} ${ms} ms (last ${last}, ${rounded(last / ms)}x)`;
    });
    for (const other of ['v86', 'tcg'] as const) {
      const [theirs, ours] = [now[other] ?? before[other] ?? inBrowser[other], now.coracle];
      if (theirs === undefined || ours === undefined) continue;
      parts.push(`${other}${now[other] === undefined ? ' (stored)' : ''} / coracle ${rounded(theirs / ours)}`);
    }
    this.all[key] = { ...before, ...now };
    writeFileSync(this.path, `${JSON.stringify(this.all, undefined, 1)}\n`);
    return `${program}: ${parts.join(', ')}`;
  }
}
