/** Random programs: the reference against a tier, with a failure shortened to the fewest pieces that still differ. */
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import { fieldsThatDiffer, stateAfter, stateBefore, UNKNOWN_AF } from './compare.ts';
import { CoracleExecutor, type Tier } from './coracle.ts';
import { makeBaseline } from './generate.ts';
import { assemble, type Piece, ProgramMaker } from './programs.ts';
import { QemuExecutor } from './qemu.ts';
import { Random } from './random.ts';
import * as R from './record.ts';

const STRIDE = 4096;
const LONGEST = 3500;
const BATCH = 64;
const PAGE_FAULT = 14;
/** A case that does not end. */
const ENDLESS = 255;

interface Program {
  readonly pieces: readonly Piece[];
  readonly at: number;
  readonly registers: readonly number[];
  readonly flags: number;
}

export interface LockstepOptions {
  readonly seed: number;
  readonly tiers: readonly Tier[];
  readonly programs: number;
  readonly selfModifying?: boolean;
}

function put(batch: R.Batch, n: number, p: Program): boolean {
  const made = assemble(p.pieces, p.at);
  if (!made || made.code.length > LONGEST || made.code.length <= 16) return false;
  batch.clear(n);
  batch.setCode(n, made.code);
  batch.setU32(n, R.EIP, p.at);
  batch.setU32(n, R.EFLAGS, p.flags);
  for (const [i, value] of p.registers.entries()) batch.setU32(n, R.REGISTERS + 4 * i, value);
  return true;
}

export class LockstepCampaign {
  readonly findings: string[] = [];
  programs = 0;
  private readonly options: LockstepOptions;
  private readonly random: Random;
  private readonly maker: ProgramMaker;
  private readonly subjects: CoracleExecutor[];
  private readonly reference: QemuExecutor;

  private constructor(options: LockstepOptions, reference: QemuExecutor) {
    this.options = options;
    this.reference = reference;
    this.random = new Random(options.seed);
    const selfModifying = options.selfModifying ?? false;
    this.subjects = options.tiers.map((tier) => new CoracleExecutor(tier, { writableCode: selfModifying }));
    this.maker = new ProgramMaker(this.random, INSTRUCTION_SET, ({ row }) => {
      // QEMU: aliases it does not know, CLFLUSH that never faults, and CMPXCHG8B, which spoils the other flags.
      if ((row.mnemonic === 'TEST' && row.digit === 1) || (row.mnemonic === 'SHL' && row.digit === 6)) return false;
      return !/^(CLFLUSH|CMPXCHG8B|NOP)$/.test(row.mnemonic);
    }, selfModifying);
  }

  static async create(options: LockstepOptions): Promise<LockstepCampaign> {
    const reference = await QemuExecutor.create({ writableCode: options.selfModifying ?? false });
    return new LockstepCampaign(options, reference);
  }
  close(): void {
    this.reference.close();
  }

  async run(): Promise<void> {
    const baseline = makeBaseline(this.random);
    for (const e of [this.reference, ...this.subjects]) await e.baseline(baseline);
    while (this.programs < this.options.programs && this.findings.length < 5) {
      await this.round();
    }
  }

  private async round(): Promise<void> {
    const batch = new R.Batch(BATCH, STRIDE);
    const programs: Program[] = [];
    while (batch.count < BATCH) {
      const p = this.program();
      if (!p || !put(batch, batch.count, p)) continue;
      batch.count++;
      programs.push(p);
    }
    const expected = batch.copy();
    await this.reference.run(expected);
    for (const subject of this.subjects) {
      const mine = batch.copy();
      await subject.run(mine);
      for (const [n, p] of programs.entries()) if (this.differ(expected, mine, n).length > 0) await this.shrink(p, subject);
    }
    this.programs += BATCH;
  }

  private program(): Program | undefined {
    const { random } = this;
    const pieces = this.maker.make(20 + random.below(180));
    const made = assemble(pieces, 0);
    if (!made) return undefined;
    const at = R.CODE_BASE + (random.chance(40) ? Math.max(16, 0x1000 - random.below(made.code.length)) : 0x100 + random.below(0x800));
    const registers = Array.from({ length: 8 }, () => random.value());
    registers[4] = R.DATA_BASE + 0x1000 + 4 * random.below(0x180) + (random.chance(10) ? random.below(4) : 0);
    registers[5] = random.below(64);
    return { pieces, at, registers, flags: (random.u32() & 0x8d5) | 0x202 };
  }

  private differ(expected: R.Batch, mine: R.Batch, n: number): string[] {
    const fields = fieldsThatDiffer(expected, mine, n, UNKNOWN_AF, true);
    // QEMU reads before it writes, compares strings in another order, and has lost flags when an instruction faults.
    const fault = expected.u32(n, R.VECTOR) === PAGE_FAULT && expected.u32(n, R.EIP_AFTER) === mine.u32(n, R.EIP_AFTER);
    return fault ? fields.filter((f) => /^(register|segment|memory)/.test(f)) : fields;
  }

  private async try(p: Program, subject: CoracleExecutor): Promise<{ expected: R.Batch; mine: R.Batch; fields: string[] } | undefined> {
    const batch = new R.Batch(1, STRIDE);
    if (!put(batch, 0, p)) return undefined;
    batch.count = 1;
    const mine = batch.copy();
    await subject.run(mine);
    if (mine.u32(0, R.VECTOR) === ENDLESS) return undefined;
    const expected = batch.copy();
    await this.reference.run(expected);
    const fields = this.differ(expected, mine, 0);
    return fields.length > 0 ? { expected, mine, fields } : undefined;
  }

  private async shrink(program: Program, subject: CoracleExecutor): Promise<void> {
    let best = program;
    let found = await this.try(best, subject);
    for (let size = best.pieces.length >> 1; found && size >= 1; size >>= 1) {
      for (let i = 0; i + size <= best.pieces.length; ) {
        const shorter = { ...best, pieces: [...best.pieces.slice(0, i), ...best.pieces.slice(i + size)] };
        const result = await this.try(shorter, subject);
        if (result) {
          best = shorter;
          found = result;
        } else i += size;
      }
    }
    const again = `  again: npm run test:oracle -- --only lockstep --seed ${this.options.seed} --tier ${subject.tier}${this.options.selfModifying ? ' --self-modifying' : ''}`;
    if (!found) {
      this.findings.push(`a program differs only after others did (${subject.tier})\n${again}`);
      return;
    }
    const before = `  before ${stateBefore(found.mine, 0)}`;
    const after = [`  qemu   ${stateAfter(found.expected, 0)}`, `  here   ${stateAfter(found.mine, 0)}`];
    this.findings.push([`${found.fields.join(', ')} (${subject.tier})`, ...listing(best), before, ...after, again].join('\n'));
  }
}

function listing(p: Program): string[] {
  const code = assemble(p.pieces, p.at)?.code ?? new Uint8Array();
  const decoder = new Iced(32, code, DecoderOptions.None);
  decoder.ip = BigInt(p.at);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  return decoder.decodeAll().map((i) => {
    const from = Number(i.ip) - p.at;
    return `  ${i.ip.toString(16)}  ${Buffer.from(code.subarray(from, from + i.length)).toString('hex').padEnd(22)} ${formatter.format(i)}`;
  });
}
