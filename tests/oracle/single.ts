/** Single instructions, all rows, forms and sizes: the reference against the emulator's tiers. */
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import type { Row } from '../../src/isa/row.ts';
import { fieldsThatDiffer, fxReport, stateAfter, stateBefore, undefinedIn } from './compare.ts';
import { CoracleExecutor, ENDLESS, type Tier } from './coracle.ts';
import { type Encoding, type Form, formText, formsOf, Generator, makeBaseline, rowsToTest } from './generate.ts';
import { Random } from './random.ts';
import * as R from './record.ts';
import type { Reference } from './reference.ts';

const BATCH = 2048;
const STATES_PER_ENCODING = 4;

export interface Finding {
  readonly kind: string;
  count: number;
  /** The first example, ready to print. */
  readonly example: string;
}

export interface SingleOptions {
  readonly seed: number;
  readonly tiers: readonly Tier[];
  /** Encodings of each form. */
  readonly perForm: number;
  readonly rows?: readonly Row[];
  /** Called with each batch's results and the cases that differ from them, for recording vectors. */
  readonly onBatch?: (results: R.Batch, encodings: readonly Encoding[], different: ReadonlySet<number>) => void;
}

export function disassemble(bytes: Uint8Array, mode: number): string {
  const decoder = new Iced(R.is16(mode) ? 16 : 32, bytes, DecoderOptions.None);
  const text = new Formatter(FormatterSyntax.Nasm).format(decoder.decode());
  decoder.free();
  return text;
}

const MODES = ['code32', 'code16', 'v86'];
/** An encoding's mode and form, as findings name it. */
const formName = (e: Encoding): string => `${MODES[e.mode]} ${formText(e.row, { ...e, memory: e.address !== undefined })}`;

export class SingleCampaign {
  readonly findings = new Map<string, Finding>();
  /** Differences that are the reference's own, by reason. */
  readonly excused = new Map<string, number>();
  /** Cases by form (`formText`). */
  readonly coverage = new Map<string, number>();
  cases = 0;
  private readonly reference: Reference;
  private readonly options: SingleOptions;
  private readonly subjects: CoracleExecutor[];
  private readonly random: Random;
  private readonly batch = new R.Batch(BATCH, R.FX_RECORD_BYTES);
  private encodings: Encoding[] = [];

  constructor(reference: Reference, options: SingleOptions) {
    this.reference = reference;
    this.options = options;
    this.random = new Random(options.seed);
    this.subjects = options.tiers.map((tier) => new CoracleExecutor(tier));
  }

  async run(): Promise<void> {
    const { reference, random, options } = this;
    const baseline = makeBaseline(random);
    await reference.executor.baseline(baseline);
    for (const s of this.subjects) await s.baseline(baseline);
    const generator = new Generator(random, { plain: reference.plainFx, segments: true });
    for (const row of options.rows ?? rowsToTest(INSTRUCTION_SET)) {
      for (const mode of reference.modes) {
        for (const form of formsOf(row, mode)) {
          for (let i = 0; i < options.perForm; i++) await this.add(generator, generator.encode(row, mode, form.osize, form.asize, form.memory, form), form);
        }
      }
    }
    await this.flush();
  }

  private async add(generator: Generator, e: Encoding, form: Form): Promise<void> {
    if (e.bytes.length > 15 || !this.reference.accepts(e)) return;
    for (let s = 0; s < STATES_PER_ENCODING; s++) {
      generator.state(e, this.batch, this.batch.count++);
      this.encodings.push(e);
      const name = formText(e.row, form);
      this.coverage.set(name, (this.coverage.get(name) ?? 0) + 1);
      if (this.batch.count === BATCH) await this.flush();
    }
  }

  private async flush(): Promise<void> {
    const { batch, encodings, reference } = this;
    if (batch.count === 0) return;
    const own: R.Batch[] = [];
    for (const subject of this.subjects) {
      const mine = batch.copy();
      await subject.run(mine);
      own.push(mine);
    }
    const endless = new Set([...encodings.keys()].filter((n) => own.every((mine) => mine.u32(n, R.VECTOR) === ENDLESS)));
    const results = reference.translate(batch, encodings);
    // A reference has no limit to what a jump to itself takes.
    for (const n of endless) results.setCode(n, Uint8Array.of(R.INT3));
    await reference.executor.run(results);
    reference.adjust(results, batch, encodings);
    const different = new Set(endless);
    for (const [i, { tier }] of this.subjects.entries()) {
      for (let n = 0; n < batch.count; n++) if (!endless.has(n) && !this.check(tier, results, own[i] as R.Batch, n)) different.add(n);
    }
    // The cases as the emulator gets them, with the reference's results.
    for (let n = 0; n < batch.count; n++) results.setCode(n, (encodings[n] as Encoding).bytes);
    this.options.onBatch?.(results, encodings, different);
    this.cases += batch.count;
    batch.count = 0;
    this.encodings = [];
  }

  /** True when the case agrees. */
  private check(tier: Tier, results: R.Batch, mine: R.Batch, n: number): boolean {
    const e = this.encodings[n] as Encoding;
    const fields = fieldsThatDiffer(results, mine, n, undefinedIn(e, mine, n), this.reference.selectors).filter((f) => this.reference.judges(e, f));
    if (fields.length === 0) return true;
    const excuse = this.reference.excuse(e, results, mine, n, fields);
    if (excuse !== undefined) {
      this.excused.set(excuse, (this.excused.get(excuse) ?? 0) + 1);
      return false;
    }
    const kind = `${formName(e)}: ${fields.join(', ')}`;
    const known = this.findings.get(kind);
    if (known) {
      known.count++;
      return false;
    }
    const bytes = Buffer.from(e.bytes).toString('hex');
    const example = [
      `${kind} (${tier})`,
      `  ${bytes}  ${disassemble(e.bytes, e.mode)}`,
      `  before ${stateBefore(mine, n)}`,
      `  ${this.reference.name.padEnd(6)} ${stateAfter(results, n)}`,
      `  here   ${stateAfter(mine, n)}`,
      ...fxReport(results, mine, n, fields, this.reference.name),
      `  again: npm run test:oracle -- --only single --seed ${this.options.seed} --reference ${this.reference.name} --tier ${tier}`,
    ].join('\n');
    this.findings.set(kind, { kind, count: 1, example });
    return false;
  }
}
