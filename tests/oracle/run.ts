/**
 * `npm run test:oracle -- --seed S --minutes M`: the oracle for as long as asked, with a report of what was covered.
 *   --only single|long|system|lockstep|decoder   one part (default: all, again and again, from successive seeds)
 *   --reference host|qemu            one reference for single instructions
 *   --tier step|block|slice|compiled|compiled_slice   one tier (default: all)
 *   --row TEXT                       rows whose text contains this
 *   --self-modifying                 lockstep programs that change their own code
 *   --programs N                     programs of each kind in a round (default 512)
 *   --coverage                       print the number of cases of every row and form; --json FILE writes it
 *   --cases N                        end when so many single instructions are compared, if that is before the time is over
 *   --record FILE --cases N          record vectors from the host or QEMU instead
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { pathToFileURL } from 'node:url';
import { buildX87Kernel } from '../../src/cpu/x87/build-kernel.ts';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import type { Row } from '../../src/isa/row.ts';
import { hasHost, hasQemu, hasSegments } from './available.ts';
import { undefinedIn } from './compare.ts';
import { TIERS } from './coracle.ts';
import { Coverage, longForm } from './coverage.ts';
import { DecoderCampaign } from './decoder.ts';
import { makeBaseline, rowsToTest } from './generate.ts';
import { LockstepCampaign, type LockstepReference } from './lockstep.ts';
import { LongCampaign, type LongSubjects, makeSubjects } from './long/campaign.ts';
import { rowsToTest as longRowsToTest } from './long/generate.ts';
import { ProgramCampaign } from './long/program-campaign.ts';
import { Random } from './random.ts';
import { hostReference, qemuReference, type Reference } from './reference.ts';
import { compareEncoding } from './simd/compare.ts';
import { simdEncodings } from './simd/encodings.ts';
import { makeModules } from './simd/modules.ts';
import { buildNative as buildSimd } from './simd/native.ts';
import { checkChoice, parseFlags } from '../flags.ts';
import { Subject as SimdSubject } from './simd/run-case.ts';
import { SingleCampaign } from './single.ts';
import { rowsOfSystem, SystemCampaign } from './system/campaign.ts';
import { VectorWriter } from './vectors.ts';
import { compareOpcode } from './x87/compare.ts';
import { buildNative as buildX87 } from './x87/native.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './x87/opcodes.ts';
import { Subject as X87Subject } from './x87/run-case.ts';

const X87_CASES = 500;
const SIMD_CASES = 100;
/** Cases that a recording picks from, roughly. */
const RECORDED_FROM = 80_000;

const flags = parseFlags({
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  minutes: { type: 'string', default: '1' },
  only: { type: 'string' },
  reference: { type: 'string' },
  tier: { type: 'string' },
  row: { type: 'string' },
  programs: { type: 'string', default: '512' },
  'self-modifying': { type: 'boolean', default: false },
  coverage: { type: 'boolean', default: false },
  json: { type: 'string' },
  record: { type: 'string' },
  cases: { type: 'string' },
});
checkChoice('tier', flags.tier, Object.keys(TIERS));
checkChoice('reference', flags.reference, ['host', 'qemu']);
/** What a round consists of. */
const PARTS: Readonly<Record<string, (roundSeed: number) => void | Promise<void>>> = { single, long, system, lockstep, decoder };
checkChoice('only', flags.only, Object.keys(PARTS));

const seed = Number(flags.seed);
const until = performance.now() + Number(flags.minutes) * 60_000;
const tiers = flags.tier ? [flags.tier] : Object.keys(TIERS);
const isWanted = (row: Row): boolean => !flags.row || row.source.replace(/\s+/g, ' ').includes(flags.row);
const rows = rowsToTest(INSTRUCTION_SET).filter(isWanted);
const coverage = new Coverage();
const totals = new Map<string, number>();
let failures = 0;

const count = (name: string, n: number) => totals.set(name, (totals.get(name) ?? 0) + n);
const compared = (): number => [...totals].reduce((sum, [name, n]) => sum + (name.startsWith('single') ? n : 0), 0);
// Whoever interrupts it gets the report after the round.
let isInterrupted = false;
process.once('SIGINT', () => {
  isInterrupted = true;
});
const isOver = (): boolean => isInterrupted || performance.now() >= until || compared() >= Number(flags.cases ?? Number.POSITIVE_INFINITY) || failures > 20;
function report(texts: Iterable<string>): void {
  for (const text of texts) {
    failures++;
    console.log(`\n${text}`);
  }
}

async function references(): Promise<Reference[]> {
  const list: Reference[] = [];
  if (flags.reference !== 'qemu' && hasSegments()) list.push(hostReference());
  if (flags.reference !== 'host' && hasQemu()) list.push(await qemuReference());
  return list;
}

async function single(roundSeed: number): Promise<void> {
  for (const reference of await references()) {
    const campaign = new SingleCampaign(reference, { seed: roundSeed, tiers, perForm: 4, rows });
    await campaign.run();
    reference.executor.close();
    count(`single instructions, ${reference.name}`, campaign.cases);
    for (const [reason, n] of campaign.excused) count(`  not compared: ${reason}`, n);
    for (const [form, n] of campaign.coverage) coverage.add(reference.name, form, n);
    report([...campaign.findings.values()].map((f) => `${f.example}\n  ${f.count} times`));
  }
}

let longSubjects: LongSubjects | undefined;
async function long(roundSeed: number): Promise<void> {
  if (flags.reference === 'qemu' || !hasHost()) return;
  longSubjects ??= makeSubjects(tiers);
  const campaign = new LongCampaign(longSubjects, { seed: roundSeed, perForm: 1, rows: longRowsToTest(INSTRUCTION_SET).filter(isWanted) });
  await campaign.run();
  count('single instructions of 64-bit code, host', campaign.cases);
  for (const [reason, n] of campaign.excused) count(`  not compared: ${reason}`, n);
  for (const [form, n] of campaign.coverage) coverage.add('host', longForm(form), n);
  report([...campaign.findings.values()].map((f) => `${f.example}\n  ${f.count} times`));
  if (flags.row) return;
  const programs = new ProgramCampaign(longSubjects, { seed: roundSeed, programs: Number(flags.programs) });
  await programs.run();
  count('programs of 64-bit code, host', programs.programs);
  report(programs.findings);
}

async function system(roundSeed: number): Promise<void> {
  if (flags.reference === 'host' || !hasQemu()) return;
  const campaign = new SystemCampaign({ seed: roundSeed, tiers, perForm: 2, rows: rowsOfSystem().filter(isWanted) });
  await campaign.run();
  count('single instructions of level 0 and real mode, qemu', campaign.cases);
  for (const [reason, n] of campaign.excused) count(`  not compared: ${reason}`, n);
  report([...campaign.findings.values()].map((f) => `${f.example}\n  ${f.count} times`));
}

async function lockstep(roundSeed: number): Promise<void> {
  const kinds: { reference: LockstepReference; selfModifying: boolean }[] = [];
  const there = { host: hasSegments(), qemu: hasQemu() };
  for (const reference of ['host', 'qemu'] as const) {
    if (!there[reference] || (flags.reference && flags.reference !== reference)) continue;
    if (!flags['self-modifying']) kinds.push({ reference, selfModifying: false });
    kinds.push({ reference, selfModifying: true });
  }
  for (const { reference, selfModifying } of kinds) {
    const campaign = await LockstepCampaign.create({ seed: roundSeed, reference, tiers, programs: Number(flags.programs), selfModifying });
    await campaign.run();
    campaign.close();
    count(`programs in lockstep, ${reference}${selfModifying ? ', self-modifying' : ''}`, campaign.programs);
    for (const [vector, n] of campaign.ends) count(`  ${reference}: ended by vector ${vector}`, n);
    report(campaign.findings);
  }
}

function decoder(roundSeed: number): void {
  for (const size of [64, 32, 16] as const) {
    const campaign = new DecoderCampaign(roundSeed);
    campaign.run(200_000, size);
    count(`decoded, ${size} bits`, campaign.report.decoded);
    for (const [reason, n] of campaign.report.meant) count(`  meant: ${reason}`, n);
    report([...campaign.report.findings.values()].map((f) => `${f.example} (${f.count} times)`));
  }
}

/** A share of what x87/compare.ts and simd/compare.ts run. */
async function fx(roundSeed: number): Promise<void> {
  const x87 = new X87Subject(new WebAssembly.Module(new Uint8Array(await buildX87Kernel())));
  const x87Program = buildX87();
  for (const opcode of [...MEMORY_OPCODES, ...REGISTER_OPCODES, ...TRANSCENDENTAL_OPCODES]) report(compareOpcode(x87, x87Program, opcode, X87_CASES, roundSeed).examples);
  const simd = new SimdSubject(await makeModules());
  const simdProgram = buildSimd();
  for (const { text } of simdEncodings()) report(compareEncoding(simd, simdProgram, text, SIMD_CASES, roundSeed).examples);
  coverage.addFx(X87_CASES, SIMD_CASES);
}

async function record(file: string): Promise<void> {
  const [reference, other] = await references();
  other?.executor.close();
  if (!reference) throw new Error('nothing to record from');
  const writer = new VectorWriter(makeBaseline(new Random(seed)));
  const wanted = Number(flags.cases ?? 16_000);
  // x87, MMX and SSE have vectors of their own.
  const integerRows = rows.filter((row) => !['fpu', 'wait', 'mmx', 'sse'].some((a) => row.attributes.has(a as never)));
  const perForm = 6;
  const random = new Random(seed + 1);
  let seen = 0;
  const campaign = new SingleCampaign(reference, {
    seed, tiers: ['block'], perForm, rows: integerRows,
    onBatch: (results, encodings, failed) => {
      for (const [n, e] of encodings.entries()) {
        seen++;
        if (!failed.has(n) && random.below(RECORDED_FROM) < wanted) writer.add(results, n, undefinedIn(e, results, n));
      }
    },
  });
  await campaign.run();
  reference.executor.close();
  const processor = reference.name === 'host' ? (cpus()[0]?.model ?? 'unknown') : 'QEMU TCG';
  writer.write(pathToFileURL(file), { processor, seed, selectors: reference.selectors });
  console.log(`${writer.count} of ${seen} cases from ${processor} recorded in ${file}`);
}

console.log(`oracle: seed ${seed}`);
if (flags.record) await record(flags.record);
else {
  for (let round = 0; round === 0 || !isOver(); round++) {
    for (const [part, run] of Object.entries(PARTS)) if (!flags.only || flags.only === part) await run(seed + round);
  }
  for (const [name, n] of totals) console.log(`${String(n).padStart(10)} ${name}`);
  longSubjects?.native.close();
  console.log(`${failures} findings`);
  if (flags.coverage && hasHost()) await fx(seed);
  if (flags.coverage) for (const line of coverage.print()) console.log(line);
  if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ seed, forms: coverage.list() }, undefined, 1)}\n`);
  process.exitCode = failures > 0 ? 1 : 0;
}
