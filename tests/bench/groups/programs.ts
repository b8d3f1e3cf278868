/** The guest programs: every machine boots once, then each program runs in one machine after the other while the others stand still. */
import type { BenchMachine, MachineName, OpenMachine } from '../machines/machine.ts';
import { type GuestProgram, preparation } from '../programs/list.ts';
import { longer } from './boot.ts';

/** A command that takes longer has failed. */
const COMMAND_TIMEOUT_MS = 600_000;

/**
 * A program that takes less is repeated: after a rest a processor needs some 100 ms until it is as fast as it gets, which would count
 * for most of a short run, and for little of a long one.
 */
const RUN_MS = 1000;

export interface ProgramTimes {
  readonly program: GuestProgram;
  readonly times: Partial<Record<MachineName, number[]>>;
  /** Machines whose output was not the first machine's. */
  readonly differing: readonly MachineName[];
}

export interface ProgramsOptions {
  readonly runs: number;
  readonly percent: number;
  /** Waits for what a machine left to do in the background. */
  rest(): Promise<void>;
  say(text: string): void;
  onMeasured(result: ProgramTimes): void;
}

export interface ProgramsResult {
  readonly measured: readonly ProgramTimes[];
  readonly longestCompilePauseMs: number | undefined;
}

export async function benchPrograms(
  open: OpenMachine, machines: readonly MachineName[], programs: readonly GuestProgram[], options: ProgramsOptions,
): Promise<ProgramsResult> {
  const opened: BenchMachine[] = [];
  try {
    for (const name of machines) {
      const machine = await open(name);
      opened.push(machine);
      await machine.boot();
      options.say(`${name} is at its shell`);
      if (programs.some(({ group }) => group === 'tools')) await machine.run(`b '${preparation(options.percent)}'`, COMMAND_TIMEOUT_MS);
      await machine.pause();
    }
    const measured: ProgramTimes[] = [];
    for (const program of programs) {
      const result = await runProgram(opened, program, options);
      options.onMeasured(result);
      measured.push(result);
    }
    const pauses = await Promise.all(opened.map((machine) => machine.longestCompilePauseMs()));
    return { measured, longestCompilePauseMs: pauses.reduce(longer, undefined) };
  } finally {
    for (const machine of opened) await machine.close();
  }
}

/** A program in a machine, again and again until the run is long enough: all outputs, and the mean of the times. Cold code runs once. */
async function timed(machine: BenchMachine, program: GuestProgram): Promise<{ readonly ms: number; readonly outputs: ReadonlySet<string> }> {
  const outputs = new Set<string>();
  let total = 0;
  let times = 0;
  do {
    const { ms, output } = await machine.run(`b "${program.command.replaceAll(/["$\\]/g, '\\$&')}"`, COMMAND_TIMEOUT_MS);
    outputs.add(output);
    total += ms;
    times++;
  } while (total < RUN_MS && program.group !== 'cold');
  return { ms: total / times, outputs };
}

/** The first run warms caches and compilers up and does not count, except where cold code is what is measured. */
async function runProgram(machines: readonly BenchMachine[], program: GuestProgram, options: ProgramsOptions): Promise<ProgramTimes> {
  const times: Partial<Record<MachineName, number[]>> = {};
  const differing = new Set<MachineName>();
  const warmUps = program.group === 'cold' ? 0 : 1;
  let expected: string | undefined;
  for (let run = -warmUps; run < options.runs; run++) {
    for (const machine of machines) {
      await machine.resume();
      await options.rest();
      const { ms, outputs } = await timed(machine, program);
      await machine.pause();
      for (const output of outputs) {
        expected ??= output;
        if (output === expected) continue;
        differing.add(machine.name);
        options.say(`${program.name}: ${machine.name} writes “${output}”, ${machines[0].name} “${expected}”`);
      }
      if (run >= 0) times[machine.name] = [...(times[machine.name] ?? []), ms];
    }
  }
  return { program, times, differing: [...differing] };
}
