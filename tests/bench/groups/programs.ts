/** The guest programs: every machine boots once, then each program runs in one machine after the other. */
import type { GuestFiles } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import type { BenchMachine, MachineName } from '../machines/machine.ts';
import { type GuestProgram, preparation } from '../programs/list.ts';
import { openMachine, type Times } from './boot.ts';

/** A command that takes longer has failed. */
const COMMAND_TIMEOUT_MS = 600_000;

export interface ProgramTimes {
  readonly program: GuestProgram;
  readonly times: Times;
  /** Machines whose output was not the first machine's. */
  readonly differing: readonly MachineName[];
}

export async function benchPrograms(
  browser: Browser, machines: readonly MachineName[], files: GuestFiles, programs: readonly GuestProgram[], runs: number, percent: number,
  say: (text: string) => void,
): Promise<ProgramTimes[]> {
  const opened: BenchMachine[] = [];
  try {
    for (const name of machines) {
      const machine = await openMachine(browser, name, files);
      opened.push(machine);
      await machine.boot();
      if (programs.some(({ group }) => group === 'tools')) await machine.run(`b '${preparation(percent)}'`, COMMAND_TIMEOUT_MS);
    }
    const results: ProgramTimes[] = [];
    for (const program of programs) results.push(await runProgram(opened, program, runs, say));
    return results;
  } finally {
    for (const machine of opened) await machine.close();
  }
}

/** The first repetition warms caches and compilers up and does not count, except where cold code is what is measured. */
async function runProgram(
  machines: readonly BenchMachine[], program: GuestProgram, runs: number, say: (text: string) => void,
): Promise<ProgramTimes> {
  const times: Times = {};
  const differing = new Set<MachineName>();
  const warmUps = program.group === 'cold' ? 0 : 1;
  let expected: string | undefined;
  for (let run = -warmUps; run < runs; run++) {
    for (const machine of machines) {
      const { ms, output } = await machine.run(`b "${program.command.replaceAll(/["$\\]/g, '\\$&')}"`, COMMAND_TIMEOUT_MS);
      expected ??= output;
      if (output !== expected) {
        differing.add(machine.name);
        say(`${program.name}: ${machine.name} writes “${output}”, ${machines[0].name} “${expected}”`);
      }
      if (run >= 0) times[machine.name] = [...(times[machine.name] ?? []), ms];
    }
  }
  const shown = Object.entries(times).map(([name, ms]) => `${name} ${ms.map((value) => value.toFixed(0)).join(' ')} ms`);
  say(`${program.group} ${program.name}: ${shown.join(', ')}`);
  return { program, times, differing: [...differing] };
}
