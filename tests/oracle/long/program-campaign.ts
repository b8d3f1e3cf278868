/** Programs of 64-bit code: the host's processor against the emulator's tiers. */
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { EFLAGS_AF } from '../../../src/cpu/registers.ts';
import { goesOnOnAmd, hostDifference } from '../host-differences.ts';
import type { LongExecutor } from '../native.ts';
import { Random } from '../random.ts';
import type { LongSubjects } from './campaign.ts';
import { BREAKPOINT, fieldsThatDiffer, fxReport, stateAfter, stateBefore } from './compare.ts';
import { Generator, makeBaseline } from './generate.ts';
import { mnemonicAt, type Program, ProgramMaker, putProgram } from './programs.ts';
import * as R from './record.ts';

const BATCH = 256;
const MOST_FINDINGS = 5;
const NOTHING = { flags: 0, section: '' };

export interface ProgramOptions {
  readonly seed: number;
  readonly programs: number;
}

function listing({ code, rip }: Program): string[] {
  const decoder = new Iced(64, code, DecoderOptions.None);
  decoder.ip = BigInt(rip);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const lines: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    const at = Number(instruction.ip) - rip;
    lines.push(`  ${instruction.ip.toString(16)}  ${Buffer.from(code.subarray(at, at + instruction.length)).toString('hex').padEnd(24)} ${formatter.format(instruction)}`);
    instruction.free();
  }
  formatter.free();
  decoder.free();
  return lines;
}

export class ProgramCampaign {
  readonly findings: string[] = [];
  /** Programs of each kind of end: vector of the exception. */
  readonly ends = new Map<number, number>();
  programs = 0;
  private readonly options: ProgramOptions;
  private readonly random: Random;
  private readonly native: LongExecutor;
  private readonly machines: LongSubjects['machines'];

  constructor(subjects: LongSubjects, options: ProgramOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.native = subjects.native;
    this.machines = subjects.machines;
  }

  async run(): Promise<void> {
    const { random, options, native } = this;
    const baseline = makeBaseline(random);
    await native.baseline(baseline);
    for (const { machine } of this.machines) machine.baseline(baseline);
    const generator = new Generator(random);
    const maker = new ProgramMaker(random, generator);
    while (this.programs < options.programs && this.findings.length < MOST_FINDINGS) await this.round(maker, generator);
  }

  private async round(maker: ProgramMaker, generator: Generator): Promise<void> {
    const batch = new R.Batch(BATCH);
    const programs: Program[] = [];
    while (programs.length < BATCH) {
      const program = maker.make();
      if (!program) continue;
      putProgram(batch, batch.count++, program, this.random, generator);
      programs.push(program);
    }
    const host = batch.copy();
    await this.native.run(host);
    for (const { tier, machine } of this.machines) {
      const mine = batch.copy();
      machine.run(mine);
      for (const [n, program] of programs.entries()) this.check(tier, program, host, mine, n);
    }
    for (let n = 0; n < BATCH; n++) this.ends.set(host.u32(n, R.VECTOR), (this.ends.get(host.u32(n, R.VECTOR)) ?? 0) + 1);
    this.programs += BATCH;
  }

  private check(tier: string, program: Program, host: R.Batch, mine: R.Batch, n: number): void {
    // Logic leaves AF undefined, and nothing in a program reads it.
    const fields = fieldsThatDiffer(host, mine, n, NOTHING, EFLAGS_AF);
    const vector = host.u32(n, R.VECTOR);
    if (fields.length === 0 || this.findings.length >= MOST_FINDINGS) return;
    const mnemonic = (batch: R.Batch): string => mnemonicAt(program.code, Number(batch.u64(n, R.RIP_AFTER)) - program.rip);
    if (vector !== BREAKPOINT && hostDifference(mnemonic(host), vector, fields) !== undefined) return;
    if (goesOnOnAmd(mnemonic(mine), mine.u32(n, R.VECTOR))) return;
    this.findings.push([
      `${fields.join(', ')} (${tier})`, ...listing(program), `  before ${stateBefore(mine, n)}`, `  host   ${stateAfter(host, n)}`, `  here   ${stateAfter(mine, n)}`,
      ...fxReport(host, mine, n, fields), `  again: npm run test:oracle -- --only long --seed ${this.options.seed} --programs ${this.options.programs} --tier ${tier}`,
    ].join('\n'));
  }
}
