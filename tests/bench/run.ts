/**
 * `npm run bench`: Coracle beside what people use today, in one run, on one machine, in one browser. See
 * docs/performance.md for the method and `--help` for the options.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { buildCode, buildGuest } from './artifacts.ts';
import { type Browser, startBrowser } from './browser.ts';
import { benchBoot, type Times } from './groups/boot.ts';
import { benchInterpreter } from './groups/interpreter.ts';
import { benchMemoryUse } from './groups/memory-use.ts';
import { benchPrograms } from './groups/programs.ts';
import type { MachineName } from './machines/machine.ts';
import { qemuVersion } from './machines/qemu.ts';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { guestPrograms, PROGRAM_GROUPS } from './programs/list.ts';
import { drawChart } from './report/chart.ts';
import { formatTable, intoDocument } from './report/table.ts';
import type { BenchResults, GroupResult, ProgramResult } from './results.ts';
import { geometricMean, median, rounded } from './statistics.ts';

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

/** Both markers may arrive in one piece; a ratio of shorter times says nothing. */
const SHORTEST_MS = 5;

function v86Version(): string {
  const path = new URL('../../node_modules/v86/package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function programResult(times: Times, differing: readonly MachineName[]): ProgramResult {
  const ms: Partial<Record<MachineName, number>> = {};
  const runs: Partial<Record<MachineName, number[]>> = {};
  for (const [name, values] of Object.entries(times) as [MachineName, number[]][]) {
    ms[name] = rounded(median(values));
    runs[name] = values.map(rounded);
  }
  const over = (name: 'v86' | 'tcg'): number | undefined => {
    const [theirs, ours] = [times[name], times.coracle];
    if (theirs === undefined || ours === undefined || median(theirs) < SHORTEST_MS || median(ours) < SHORTEST_MS) return undefined;
    return rounded(median(theirs) / median(ours));
  };
  const found = { ms, runs, ...optional('v86', over('v86')), ...optional('tcg', over('tcg')) };
  return differing.length === 0 ? found : { ...found, differing };
}

function optional<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, number>);
}

interface Entry {
  readonly name: string;
  readonly times: Times;
  readonly differing: readonly MachineName[];
}

function groupResult(entries: readonly Entry[]): GroupResult {
  const programs = Object.fromEntries(entries.map(({ name, times, differing }) => [name, programResult(times, differing)]));
  const mean = (name: 'v86' | 'tcg'): number | undefined => {
    const ratios = Object.values(programs).flatMap((program) => program[name] ?? []);
    return ratios.length === 0 ? undefined : rounded(geometricMean(ratios));
  };
  return { ...optional('v86', mean('v86')), ...optional('tcg', mean('tcg')), programs };
}

async function measure(options: BenchOptions, browser: Browser, results: BenchResults): Promise<void> {
  const wanted = (group: string): boolean => options.groups.includes(group);
  const machines = options.machines.filter((name) => name !== 'tcg' || results.qemu !== undefined);
  if (wanted('interpreter')) results.interpreter = await benchInterpreter(browser, options.runs, say);
  const programs = guestPrograms(options.groups, options.percent)
    .filter(({ name }) => options.programs.length === 0 || options.programs.includes(name));
  if (!wanted('memory-use') && !wanted('boot') && programs.length === 0) return;
  say('building the guest programs');
  const files = buildGuest();
  if (wanted('memory-use')) results.memoryUse = await benchMemoryUse(browser, files, say);
  if (wanted('boot')) {
    const times = await benchBoot(browser, machines, files, options.runs, say);
    results.groups.boot = groupResult([{ name: 'shell', times, differing: [] }]);
  }
  if (programs.length === 0) return;
  const measured = await benchPrograms(browser, machines, files, programs, options.runs, options.percent, say);
  for (const group of PROGRAM_GROUPS) {
    const own = measured.filter(({ program }) => program.group === group);
    if (own.length > 0) results.groups[group] = groupResult(own.map(({ program, ...rest }) => ({ name: program.name, ...rest })));
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
  const browser = await startBrowser(say);
  const results: BenchResults = {
    date: new Date().toISOString().slice(0, 10), chromium: browser.version, node: process.version, v86Version: v86Version(),
    qemu: qemuVersion(), processor: `${cpus()[0]?.model.trim()}, ${cpus().length} threads`, runs: options.runs,
    percent: options.percent, groups: {},
  };
  try {
    await measure(options, browser, results);
  } finally {
    await browser.close();
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
