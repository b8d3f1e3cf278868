/**
 * `npm run test:fuzz -- --seed S --minutes M`: hostile guests for as long as asked.
 *   --only NAME     one fuzzer: ports, memory, dma, code, long, programs, images, storage
 *   --case N        one case of it, with every step printed
 *   --share         the cases that belong to `npm test`, once
 *   --root FOLDER   where build/ lies
 * Nothing may throw in the host but the EmulatorError of an option or image that cannot be used, nothing may run on
 * without fuel, memory stays bounded, and the machine still answers afterwards.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFirmware } from '../../src/node/firmware.ts';
import { builtModules } from '../built-modules.ts';
import { checkChoice, parseFlags } from '../flags.ts';
import { caseSeed, type Fuzzer, FuzzCase } from './fuzzer.ts';
import { setResources } from './machine.ts';
import { memory } from './memory.ts';
import { dma } from './dma.ts';
import { images } from './images.ts';
import { ports } from './ports.ts';
import { storage } from './storage.ts';
import { code } from './code.ts';
import { long } from './long.ts';
import { programs } from './programs.ts';
import { watch } from './watchdog.ts';

const FUZZERS: readonly Fuzzer[] = [ports, memory, dma, code, long, programs, images, storage];
const MIB = 2 ** 20;
/** Findings after which a run ends. */
const ENOUGH = 20;
/** Memory of this process that may not be exceeded, arenas of machines that are gone but not collected included. */
const LARGEST_RSS = 2500 * MIB;

const flags = parseFlags({
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  minutes: { type: 'string', default: '1' },
  only: { type: 'string' },
  case: { type: 'string' },
  share: { type: 'boolean', default: false },
  root: { type: 'string', default: process.cwd() },
});

checkChoice('only', flags.only, FUZZERS.map(({ name }) => name));

const seed = Number(flags.seed);
const verbose = flags.case !== undefined;
const chosen = FUZZERS.filter((fuzzer) => !flags.only || fuzzer.name === flags.only);
const totals = new Map(chosen.map((fuzzer) => [fuzzer.name, { cases: 0, steps: 0, ms: 0 }]));
const known = new Set<string>();
let findings = 0;
const watchdog = watch();

async function loadResources(): Promise<void> {
  const { bios, vgaBios } = findFirmware([join(flags.root, '.cache/guests/firmware')]);
  const read = (path: string | undefined) => (path !== undefined && existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined);
  setResources({
    modules: await builtModules((name) => readFile(join(flags.root, 'build', name))),
    bios: read(bios),
    vgaBios: read(vgaBios),
  });
}

async function runCase(fuzzer: Fuzzer, number: number): Promise<void> {
  const fuzz = new FuzzCase(caseSeed(seed, fuzzer.name, number), watchdog.beat);
  const startMs = performance.now();
  watchdog.label(`${fuzzer.name}, case ${number}, seed ${seed}`);
  try {
    await fuzzer.run(fuzz);
  } catch (error) {
    report(fuzzer, number, fuzz, error instanceof Error ? error : new Error(String(error)));
  }
  const total = totals.get(fuzzer.name)!;
  total.cases++;
  total.steps += fuzz.steps;
  total.ms += performance.now() - startMs;
  if (process.memoryUsage.rss() > LARGEST_RSS) {
    (globalThis as { gc?: () => void }).gc?.();
    if (process.memoryUsage.rss() > LARGEST_RSS) {
      report(fuzzer, number, fuzz, new Error(`the process has ${Math.round(process.memoryUsage.rss() / MIB)} MiB`));
      findings = ENOUGH;
    }
  }
}

function report(fuzzer: Fuzzer, number: number, fuzz: FuzzCase, error: Error): void {
  const stack = error.stack ?? error.message;
  // One report for each place.
  const place = stack.split('\n').slice(0, 4).join('\n').replace(/\d+/g, '0');
  if (known.has(place)) return;
  known.add(place);
  findings++;
  console.log(`\nFINDING: ${fuzzer.name}, case ${number}, step ${fuzz.steps}\n${stack}`);
  console.log(`  last steps:\n${fuzz.lastNotes.map((note) => `    ${note}`).join('\n')}`);
  console.log(`  again: npm run test:fuzz -- --seed ${seed} --only ${fuzzer.name} --case ${number}`);
}

process.on('unhandledRejection', (error) => {
  findings++;
  console.log(`\nFINDING: a rejection that nobody handles\n${error instanceof Error ? error.stack : String(error)}`);
});

console.log(`fuzz: seed ${seed}`);
await loadResources();
if (verbose) {
  for (const fuzzer of chosen) await runCase(fuzzer, Number(flags.case));
} else if (flags.share) {
  for (const fuzzer of chosen) for (let n = 0; n < fuzzer.share && findings < ENOUGH; n++) await runCase(fuzzer, n);
} else {
  const until = performance.now() + Number(flags.minutes) * 60_000;
  // Each fuzzer gets the same share of the time.
  while (performance.now() < until && findings < ENOUGH) {
    const fuzzer = chosen.reduce((a, b) => (totals.get(a.name)!.ms <= totals.get(b.name)!.ms ? a : b));
    await runCase(fuzzer, totals.get(fuzzer.name)!.cases);
  }
}
for (const [name, { cases, steps, ms }] of totals) console.log(`${String(cases).padStart(8)} cases ${String(steps).padStart(12)} steps ${(ms / 60_000).toFixed(1).padStart(7)} min  ${name}`);
console.log(`${findings} findings, seed ${seed}`);
await watchdog.stop();
process.exit(findings > 0 ? 1 : 0);
