/** Single instructions of 64-bit code, all rows, forms and sizes: the host's processor against the emulator's tiers. */
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { FS } from '../../../src/cpu/registers.ts';
import { INSTRUCTION_SET } from '../../../src/isa/instruction-set.ts';
import type { Row } from '../../../src/isa/row.ts';
import { hostDifference, onIntel } from '../host-differences.ts';
import { LongExecutor } from '../native.ts';
import { Random } from '../random.ts';
import { isOwn } from '../reference.ts';
import { type Undefined, undefinedFor } from '../undefined.ts';
import { fieldsThatDiffer, fxReport, stateAfter, stateBefore } from './compare.ts';
import { type Encoding, type Form, formsOf, formText, Generator, makeBaseline, rowsToTest } from './generate.ts';
import { Machine } from './machine.ts';
import { mnemonicAt } from './programs.ts';
import * as R from './record.ts';

const BATCH = 1024;
const STATES_PER_ENCODING = 16;

export interface Finding {
  readonly kind: string;
  count: number;
  /** The first example, ready to print. */
  readonly example: string;
}

/** What runs the cases; campaigns one after the other share it. */
export interface LongSubjects {
  readonly native: LongExecutor;
  readonly machines: readonly { readonly tier: string; readonly machine: Machine }[];
}
export const makeSubjects = (tiers: readonly string[]): LongSubjects => ({ native: new LongExecutor(), machines: tiers.map((tier) => ({ tier, machine: new Machine(tier) })) });

export interface LongOptions {
  readonly seed: number;
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

const PAGE_FAULT = 14;
/** Linux puts libraries and stacks at the upper end of a program's addresses. */
const inHostsOwn = (results: R.Batch, mine: R.Batch, n: number): boolean =>
  results.u32(n, R.VECTOR) !== PAGE_FAULT && mine.u32(n, R.VECTOR) === PAGE_FAULT && mine.u64(n, R.CR2) >> 40n === 0x7fn;

const RSP_AFTER = R.REGISTERS_AFTER + 8 * 4;
/** A return to 32-bit code, in which the upper half of RSP is undefined [SDM1 3.4.1.1]. */
const leavesLongCode = ({ row }: Encoding, results: R.Batch, mine: R.Batch, n: number, fields: readonly string[]): boolean =>
  row.mnemonic === 'RET_FAR' && fields.every((f) => f === 'register 4') && results.u32(n, RSP_AFTER) === mine.u32(n, RSP_AFTER);

const ADDRESSES32 = 1n << 32n;
/** Where the host faults not, or elsewhere, and here an element does that lies beyond the last 32-bit address from a segment's base on. */
function passesAddresses32(e: Encoding, mine: R.Batch, n: number): boolean {
  if (!/^VP?MASKMOV/.test(e.row.mnemonic) || e.asize !== 32 || mine.u32(n, R.VECTOR) !== PAGE_FAULT) return false;
  const base = e.segment < 0 ? 0n : mine.u64(n, R.FS_BASE + 8 * (e.segment - FS));
  return mine.u64(n, R.CR2) - base >= ADDRESSES32;
}

const CMPS = [0xa6, 0xa7];
/** A jump into the instruction itself, to a byte that is CMPS there. */
function reachesCmps(e: Encoding, results: R.Batch, mine: R.Batch, n: number, fields: readonly string[]): boolean {
  const at = Number(mine.u64(n, R.RIP_AFTER)) - e.rip;
  return at > 0 && CMPS.includes(e.bytes[at] as number) && results.u32(n, R.VECTOR) === PAGE_FAULT && fields.every((f) => f === 'cr2' || f === 'error');
}

const FAST_STRING_BYTES = 64;
/** A copy to just before or behind its source, by two addresses of the same memory: Intel's fast strings tell by linear addresses what overlaps. */
function overlapsByAlias(e: Encoding, mine: R.Batch, n: number, fields: readonly string[]): boolean {
  if (!onIntel || !/^MOVS[BW]$/.test(e.row.mnemonic) || fields.some((f) => f !== 'memory')) return false;
  const base = e.segment < 0 ? 0n : mine.u64(n, R.FS_BASE + 8 * (e.segment - FS));
  const [from, to] = [base + BigInt.asUintN(e.asize, mine.u64(n, R.REGISTERS + 8 * 6)), BigInt.asUintN(e.asize, mine.u64(n, R.REGISTERS + 8 * 7))];
  const high = (address: bigint) => address >= R.DATA_HIGH;
  const inData = (address: bigint) => Number(address) - (high(address) ? R.DATA_HIGH : R.DATA_LOW);
  return high(from) !== high(to) && Math.abs(inData(from) - inData(to)) < FAST_STRING_BYTES;
}

function ownReason(e: Encoding, results: R.Batch, mine: R.Batch, n: number, fields: readonly string[]): string | undefined {
  if (inHostsOwn(results, mine, n)) return 'memory of the host program itself';
  if (passesAddresses32(e, mine, n)) return 'elements of a masked move with a 32-bit address wrap around 4 GiB';
  if (reachesCmps(e, results, mine, n, fields)) return 'which operand CMPS reads first';
  if (overlapsByAlias(e, mine, n, fields)) return 'MOVS over itself by two addresses of the same memory';
  return leavesLongCode(e, results, mine, n, fields) ? 'the upper half of RSP in 32-bit code' : undefined;
}

export class LongCampaign {
  readonly findings = new Map<string, Finding>();
  readonly excused = new Map<string, number>();
  /** Cases by form (`formText`). */
  readonly coverage = new Map<string, number>();
  cases = 0;
  private readonly options: LongOptions;
  private readonly random: Random;
  private readonly native: LongExecutor;
  private readonly machines: LongSubjects['machines'];
  private readonly batch = new R.Batch(BATCH);
  /** What the host and the machines make of it, made once: garbage of megabytes costs more than the cases. */
  private readonly results = new R.Batch(BATCH);
  private readonly own: readonly R.Batch[];
  private encodings: Encoding[] = [];

  constructor(subjects: LongSubjects, options: LongOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.native = subjects.native;
    this.machines = subjects.machines;
    this.own = subjects.machines.map(() => new R.Batch(BATCH));
  }

  async run(): Promise<void> {
    const { random, options, native } = this;
    const baseline = makeBaseline(random);
    await native.baseline(baseline);
    for (const { machine } of this.machines) machine.baseline(baseline);
    const generator = new Generator(random);
    for (const row of options.rows ?? rowsToTest(INSTRUCTION_SET)) {
      for (const form of formsOf(row)) for (let i = 0; i < options.perForm; i++) await this.add(generator, generator.encode(row, form), form);
    }
    await this.flush();
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
    const results = this.results.take(batch);
    const running = this.native.run(results);
    for (const [i, { machine }] of this.machines.entries()) machine.run((this.own[i] as R.Batch).take(batch));
    await running;
    for (const [i, { tier }] of this.machines.entries()) for (const [n, e] of encodings.entries()) this.check(tier, e, results, this.own[i] as R.Batch, n);
    this.cases += batch.count;
    batch.count = 0;
    this.encodings = [];
  }

  private check(tier: string, e: Encoding, results: R.Batch, mine: R.Batch, n: number): void {
    const fields = fieldsThatDiffer(results, mine, n, undefinedIn(e, mine, n)).filter((f) => !isOwn(e.row.mnemonic, f));
    if (fields.length === 0) return;
    // A jump may have led into its own bytes, where there is another instruction.
    const inside = Number(results.u64(n, R.RIP_AFTER) - results.u64(n, R.RIP));
    const mnemonic = (inside > 0 && mnemonicAt(e.bytes, inside)) || e.row.mnemonic;
    const reason = ownReason(e, results, mine, n, fields) ?? hostDifference(mnemonic, results.u32(n, R.VECTOR), fields, { based: e.segment >= 0 });
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
      `  again: npm run test:oracle -- --only long --seed ${this.options.seed} --tier ${tier}`,
    ].join('\n');
    this.findings.set(kind, { kind, count: 1, example });
  }
}
