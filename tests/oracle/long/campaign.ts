/** Single instructions of 64-bit code, all rows, forms and sizes: the host's processor against the emulator's tiers. */
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { INSTRUCTION_SET } from '../../../src/isa/instruction-set.ts';
import type { Row } from '../../../src/isa/row.ts';
import { hostDifference } from '../host-differences.ts';
import { Random } from '../random.ts';
import { type Undefined, undefinedFor } from '../undefined.ts';
import { fieldsThatDiffer, fxReport, stateAfter, stateBefore } from './compare.ts';
import { type Encoding, type Form, formsOf, formText, Generator, makeBaseline, rowsToTest } from './generate.ts';
import { Machine } from './machine.ts';
import { Native } from './native.ts';
import * as R from './record.ts';

const BATCH = 1024;
const STATES_PER_ENCODING = 4;

export interface Finding {
  readonly kind: string;
  count: number;
  /** The first example, ready to print. */
  readonly example: string;
}

export interface LongOptions {
  readonly seed: number;
  readonly tiers: readonly string[];
  /** Encodings of each form. */
  readonly perForm: number;
  readonly rows?: readonly Row[];
}

function disassemble(e: Encoding): string {
  const decoder = new Iced(64, e.bytes, DecoderOptions.None);
  decoder.ip = BigInt(e.rip);
  const text = new Formatter(FormatterSyntax.Nasm).format(decoder.decode());
  decoder.free();
  return text;
}

/** What the manual leaves undefined for a case. */
function undefinedIn(e: Encoding, batch: R.Batch, n: number): Undefined {
  const { operands, mnemonic } = e.row;
  const [first, last] = [operands[0], operands.at(-1)];
  const bits = first?.size === 'b' ? 8 : first?.size === 'w' ? 16 : e.osize;
  const count = last?.kind === 'one' ? 1 : last?.kind === 'I' ? e.immediate : Number(batch.u64(n, R.REGISTERS + 8) & 0xffn);
  return undefinedFor(mnemonic, { count: count & (bits === 64 ? 63 : 31), bits });
}

export class LongCampaign {
  readonly findings = new Map<string, Finding>();
  readonly excused = new Map<string, number>();
  /** Cases by form (`formText`). */
  readonly coverage = new Map<string, number>();
  cases = 0;
  private readonly options: LongOptions;
  private readonly random: Random;
  private readonly native = new Native();
  private readonly machines: { tier: string; machine: Machine }[];
  private readonly batch = new R.Batch(BATCH);
  private encodings: Encoding[] = [];

  constructor(options: LongOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.machines = options.tiers.map((tier) => ({ tier, machine: new Machine(tier) }));
  }

  async run(): Promise<void> {
    const { random, options, native } = this;
    const baseline = makeBaseline(random);
    native.baseline(baseline);
    for (const { machine } of this.machines) machine.baseline(baseline);
    const generator = new Generator(random);
    for (const row of options.rows ?? rowsToTest(INSTRUCTION_SET)) {
      for (const form of formsOf(row)) for (let i = 0; i < options.perForm; i++) await this.add(generator, generator.encode(row, form), form);
    }
    await this.flush();
    native.close();
  }

  private async add(generator: Generator, e: Encoding, form: Form): Promise<void> {
    if (e.bytes.length > 15) return;
    for (let s = 0; s < STATES_PER_ENCODING; s++) {
      generator.state(e, this.batch, this.batch.count++);
      this.encodings.push(e);
      const name = formText(e.row, form);
      this.coverage.set(name, (this.coverage.get(name) ?? 0) + 1);
      if (this.batch.count === BATCH) await this.flush();
    }
  }

  private async flush(): Promise<void> {
    const { batch, encodings } = this;
    if (batch.count === 0) return;
    const results = batch.copy();
    const running = this.native.run(results);
    const mine = this.machines.map(({ tier, machine }) => {
      const own = batch.copy();
      machine.run(own);
      return { tier, own };
    });
    await running;
    for (const { tier, own } of mine) for (const [n, e] of encodings.entries()) this.check(tier, e, results, own, n);
    this.cases += batch.count;
    batch.count = 0;
    this.encodings = [];
  }

  private check(tier: string, e: Encoding, results: R.Batch, mine: R.Batch, n: number): void {
    const fields = fieldsThatDiffer(results, mine, n, undefinedIn(e, mine, n));
    if (fields.length === 0) return;
    const reason = hostDifference(e.row.mnemonic, results.u32(n, R.VECTOR), fields, e.segment >= 0);
    if (reason !== undefined) {
      this.excused.set(reason, (this.excused.get(reason) ?? 0) + 1);
      return;
    }
    const kind = `${formText(e.row, e)}: ${fields.join(', ')}`;
    const known = this.findings.get(kind);
    if (known) {
      known.count++;
      return;
    }
    const example = [
      `${kind} (${tier})`,
      `  ${Buffer.from(e.bytes).toString('hex')}  ${disassemble(e)}`,
      `  before ${stateBefore(mine, n)}`,
      `  host   ${stateAfter(results, n)}`,
      `  here   ${stateAfter(mine, n)}`,
      ...fxReport(results, mine, n, fields),
      `  again: npm run test:oracle -- --only long --seed ${this.options.seed} --tier ${tier} --row '${e.row.source.replace(/\s+/g, ' ')}'`,
    ].join('\n');
    this.findings.set(kind, { kind, count: 1, example });
  }
}
