/**
 * `npm run bench`: Coracle beside what people use today, in one run, on one machine, in one browser. See
 * docs/performance.md for the method and `--help` for the options.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { BUILT, buildCode, buildGuest, type GuestFiles } from './artifacts.ts';
import { type Browser, startBrowser } from './browser.ts';
import { benchBoot, type Contestant, longer, MEMORY_MIB } from './groups/boot.ts';
import { benchFirstAnswer } from './groups/first-answer.ts';
import { benchInterpreter } from './groups/interpreter.ts';
import { benchMemoryUse } from './groups/memory-use.ts';
import { benchPrograms, type ProgramTimes } from './groups/programs.ts';
import { BrowserMachine } from './machines/browser-machine.ts';
import type { MachineName, OpenMachine } from './machines/machine.ts';
import { nodeMachine } from './machines/node-machine.ts';
import { qemuMachine, qemuVersion } from './machines/qemu.ts';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { guestPrograms, PROGRAM_GROUPS } from './programs/list.ts';
import { drawChart } from './report/chart.ts';
import { formatTable, intoDocument } from './report/table.ts';
import type { BenchResults } from './results.ts';
import { StoredTimes } from './stored.ts';
import { groupResult } from './summary.ts';

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

/** V8's optimising compiler off, its quick one on: v86's boot is faster so where processors are few. */
const LIFTOFF_ONLY = '--js-flags=--liftoff-only';

function v86Version(): string {
  const path = new URL('../../node_modules/v86/package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

class Bench {
  private readonly options: BenchOptions;
  private readonly results: BenchResults;
  private readonly stored: StoredTimes;
  private readonly browsers = new Map<string, Browser>();

  constructor(options: BenchOptions, results: BenchResults) {
    this.options = options;
    this.results = results;
    this.stored = new StoredTimes(join(BUILT, `times-${options.guest}.json`), options.place, options.percent);
  }

  async measure(): Promise<void> {
    const { options, results } = this;
    const wanted = (group: string): boolean => options.groups.includes(group);
    if (options.place === 'browser') Object.assign(results, { chromium: (await this.browser()).version });
    if (wanted('interpreter')) results.interpreter = await benchInterpreter(await this.browser(), options.runs, say);
    if (wanted('first-answer')) results.firstAnswer = await benchFirstAnswer(await this.browser(), options.runs, say);
    const programs = guestPrograms(options.groups, options.percent)
      .filter(({ name }) => options.programs.length === 0 || options.programs.includes(name));
    if (!wanted('memory-use') && !wanted('boot') && programs.length === 0) return;
    say('building the guest programs');
    const files = buildGuest(options.guest);
    if (wanted('memory-use')) results.memoryUse = await benchMemoryUse(await this.browser(), files, say);
    if (wanted('boot')) await this.boot(files);
    if (programs.length > 0) await this.programs(files, programs);
  }

  async close(): Promise<void> {
    for (const browser of this.browsers.values()) await browser.close();
  }

  private get machines(): readonly MachineName[] {
    return this.options.machines.filter((name) => name !== 'tcg' || this.results.qemu !== undefined);
  }

  private async browser(...flags: string[]): Promise<Browser> {
    const key = flags.join(' ');
    const browser = this.browsers.get(key) ?? (await startBrowser(say, flags));
    this.browsers.set(key, browser);
    return browser;
  }

  private readonly rest = async (): Promise<void> => {
    for (const browser of this.browsers.values()) await browser.rest();
  };

  private opener(files: GuestFiles): OpenMachine {
    return async (name) => {
      if (name === 'tcg') return qemuMachine(this.options.guest, files, MEMORY_MIB);
      const own = name === 'i386' ? buildGuest(name) : files;
      if (this.options.place === 'node') return nodeMachine(name, own, MEMORY_MIB, this.options.profiles);
      return BrowserMachine.open(await this.browser(), name, own, MEMORY_MIB);
    };
  }

  private async boot(files: GuestFiles): Promise<void> {
    const open = this.opener(files);
    const contestants: Contestant[] = this.machines.map((name) => ({ name, open: () => open(name) }));
    if (this.machines.includes('v86') && this.options.place === 'browser') {
      const quick = await this.browser(LIFTOFF_ONLY);
      contestants.push({ name: 'v86-liftoff', open: () => BrowserMachine.open(quick, 'v86', files, MEMORY_MIB) });
    }
    const { times, longestCompilePauseMs } = await benchBoot(contestants, this.options.runs, this.rest, say);
    this.notePause(longestCompilePauseMs);
    this.results.groups.boot = groupResult([{ name: 'shell', times, differing: [] }]);
    say(this.stored.compare('boot shell', times));
  }

  private async programs(files: GuestFiles, programs: ReturnType<typeof guestPrograms>): Promise<void> {
    const { runs, percent } = this.options;
    const onMeasured = ({ program, times }: ProgramTimes): void => say(this.stored.compare(`${program.group} ${program.name}`, times));
    const options = { runs, percent, rest: this.rest, say, onMeasured };
    const { measured, longestCompilePauseMs } = await benchPrograms(this.opener(files), this.machines, programs, options);
    this.notePause(longestCompilePauseMs);
    for (const group of PROGRAM_GROUPS) {
      const own = measured.filter(({ program }) => program.group === group);
      if (own.length > 0) this.results.groups[group] = groupResult(own.map(({ program, ...rest }) => ({ name: program.name, ...rest })));
    }
  }

  private notePause(pauseMs: number | undefined): void {
    const longest = longer(this.results.longestCompilePauseMs, pauseMs);
    if (longest !== undefined) this.results.longestCompilePauseMs = longest;
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return;
  }
  const options = parseOptions(args);
  say('building the code');
  await buildCode();
  const results: BenchResults = {
    date: new Date().toISOString().slice(0, 10), chromium: undefined, node: process.version, v86Version: v86Version(),
    qemu: qemuVersion(options.guest), processor: `${cpus()[0]?.model.trim()}, ${cpus().length} threads`, runs: options.runs,
    percent: options.percent, place: options.place, guest: options.guest, groups: {},
  };
  const bench = new Bench(options, results);
  try {
    await bench.measure();
  } finally {
    await bench.close();
  }
  console.log(formatTable(results));
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
  if (options.svg) writeFileSync(options.svg, drawChart(results));
  if (options.document) writeFileSync(options.document, intoDocument(readFileSync(options.document, 'utf8'), results));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
