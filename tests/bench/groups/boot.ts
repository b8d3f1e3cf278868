/** From power-on to the shell, in a fresh page or process each time, one machine after the other. */
import type { BenchMachine } from '../machines/machine.ts';
import type { TimedName } from '../results.ts';

export const MEMORY_MIB = 256;

/** A machine that takes part, under the name that its times go by. */
export interface Contestant {
  readonly name: TimedName;
  open(): Promise<BenchMachine>;
}

export interface BootTimes {
  readonly times: Partial<Record<TimedName, number[]>>;
  readonly longestCompilePauseMs: number | undefined;
}

export async function benchBoot(
  contestants: readonly Contestant[], runs: number, rest: () => Promise<void>, say: (text: string) => void,
): Promise<BootTimes> {
  const times: BootTimes['times'] = {};
  let longestCompilePauseMs: number | undefined;
  for (let run = 1; run <= runs; run++) {
    for (const { name, open } of contestants) {
      const machine = await open();
      await rest();
      const ms = await machine.boot();
      longestCompilePauseMs = longer(longestCompilePauseMs, await machine.longestCompilePauseMs());
      await machine.close();
      times[name] = [...(times[name] ?? []), ms];
      say(`boot ${run}/${runs}: ${name} ${(ms / 1000).toFixed(2)} s`);
    }
  }
  return { times, longestCompilePauseMs };
}

export function longer(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
