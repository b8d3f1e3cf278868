/**
 * Random programs: a reference, the host's processor or QEMU, against the emulator's tiers. A program that differs is
 * shortened to the fewest pieces that still do; then single steps find the first instruction after which the states differ.
 */
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import type { Row } from '../../src/isa/row.ts';
import { fieldsThatDiffer, fxReport, stateAfter, stateBefore } from './compare.ts';
import { CoracleExecutor, ENDLESS, type Tier } from './coracle.ts';
import * as E from './environment.ts';
import { makeFxState } from './fx-state.ts';
import { makeBaseline, rowsToTest } from './generate.ts';
import { goesOnOnAmd, hostDifference } from './host-differences.ts';
import { mnemonicOf } from './mnemonic.ts';
import { type Executor, NativeExecutor } from './native.ts';
import { assemble, listing, type Piece, unknownFlags } from './program.ts';
import { ProgramMaker } from './program-maker.ts';
import { QemuExecutor } from './qemu.ts';
import { Random } from './random.ts';
import * as R from './record.ts';
import { adjustHost, qemuHas, reachesV86Pages, wrapsAround } from './reference.ts';

const LONGEST = 3500;
const STRIDE = R.FX_RECORD_BYTES + 4096;
/** Code, and data everywhere else but in FS and GS. */
const SELECTORS = [E.USER_DATA32, E.USER_CODE32, E.USER_DATA32, E.USER_DATA32, E.USER_FS, E.USER_GS];
const BATCH = 64;
const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;
const MOST_FINDINGS = 5;
const MOST_STEPS = 100_000;

export type LockstepReference = 'host' | 'qemu';

interface Program {
  readonly pieces: readonly Piece[];
  readonly at: number;
  readonly registers: readonly number[];
  readonly flags: number;
  readonly fx: Uint8Array;
}

interface Difference {
  readonly expected: R.Batch;
  readonly mine: R.Batch;
  readonly fields: readonly string[];
}

export interface LockstepOptions {
  readonly seed: number;
  readonly reference: LockstepReference;
  readonly tiers: readonly Tier[];
  readonly programs: number;
  readonly selfModifying?: boolean;
}

/**
 * What the references run. QEMU: no aliases that it does not know; CLFLUSH that never faults there; CMPXCHG8B, which spoils
 * the other flags; PUNPCKL, which reads eight bytes for MMX; EMMS, after which tags tell of MMX instructions that faulted; #GP for misaligned operands of
 * SSE; x87 and SSE arithmetic, whose NaNs and exceptions differ; the approximations of SSE, which are every processor's own.
 */
function accepts(reference: LockstepReference): (row: Row) => boolean {
  return (row) => {
    if (/^V?(RCP|RSQRT)[PS]S$/.test(row.mnemonic)) return false;
    if (reference === 'host') return !(row.opcode[0] === 0x0f && row.opcode[1] === 0x0d);
    if (!qemuHas(row)) return false;
    if ((row.mnemonic === 'TEST' && row.digit === 1) || (row.mnemonic === 'SHL' && row.digit === 6)) return false;
    return !/^(CMPXCHG8B|NOP|EMMS|MOVDQ2Q|PUNPCKL\w+)$/.test(row.mnemonic) && !/^(H?ADD|H?SUB|MUL|DIV|MIN|MAX|SQRT|CMP|CVT|DP|ROUND)\w*[PS][SD]/.test(row.mnemonic) && !/^CVT/.test(row.mnemonic) && !row.attributes.has('fpu') && !row.attributes.has('wait');
  };
}

/** The host's data cannot be executed, ours and QEMU's can: a modified program may return to some word of the stack. */
const jumpedIntoData = (expected: R.Batch, k: number): boolean => {
  const eip = expected.u32(k, R.EIP_AFTER);
  return expected.u32(k, R.VECTOR) === PAGE_FAULT && expected.u32(k, R.CR2) === eip && (eip ^ R.DATA_BASE) >>> 16 === 0;
};

export class LockstepCampaign {
  readonly findings: string[] = [];
  programs = 0;
  /** Programs of each kind of end: vector of the exception. */
  readonly ends = new Map<number, number>();
  private readonly options: LockstepOptions;
  private readonly random: Random;
  private readonly maker: ProgramMaker;
  private readonly subjects: CoracleExecutor[];
  private reference: Executor;
  private readonly baseline: Uint8Array;

  private constructor(options: LockstepOptions, reference: Executor) {
    this.options = options;
    this.reference = reference;
    this.random = new Random(options.seed);
    const selfModifying = options.selfModifying ?? false;
    const host = options.reference === 'host';
    this.subjects = options.tiers.map((tier) => new CoracleExecutor(tier, { writableCode: selfModifying, alignmentChecks: host }));
    this.maker = new ProgramMaker(this.random, rowsToTest(INSTRUCTION_SET), { misaligned: host, selfModifying, accepts: accepts(options.reference) });
    this.baseline = makeBaseline(this.random);
  }

  static async create(options: LockstepOptions): Promise<LockstepCampaign> {
    return new LockstepCampaign(options, await LockstepCampaign.start(options));
  }
  private static start(options: LockstepOptions): Promise<Executor> {
    const environment = { writableCode: options.selfModifying ?? false };
    return options.reference === 'host' ? Promise.resolve(new NativeExecutor(environment)) : QemuExecutor.create(environment);
  }
  close(): void {
    this.reference.close();
  }

  async run(): Promise<void> {
    for (const e of [this.reference, ...this.subjects]) await e.baseline(this.baseline);
    while (this.programs < this.options.programs && this.findings.length < MOST_FINDINGS) await this.round();
  }

  private async round(): Promise<void> {
    const batch = new R.Batch(BATCH, STRIDE);
    const programs: Program[] = [];
    while (batch.count < BATCH) {
      const p = this.program();
      if (!p || !this.put(batch, batch.count, p)) continue;
      batch.count++;
      programs.push(p);
    }
    // The emulator first: a reference has no limit to what an endless program takes.
    const mine: R.Batch[] = [];
    for (const subject of this.subjects) {
      const results = batch.copy();
      await subject.run(results);
      mine.push(results);
    }
    const kept = programs.map((_, n) => n).filter((n) => mine.some((m) => m.u32(n, R.VECTOR) !== ENDLESS));
    const expected = batch.select(kept);
    if (!(await this.ask(expected, kept.map((n) => programs[n] as Program)))) return;
    for (const [s, subject] of this.subjects.entries()) {
      for (const [k, n] of kept.entries()) {
        if (this.findings.length >= MOST_FINDINGS) return;
        const p = programs[n] as Program;
        if (this.differ(p, expected, k, (mine[s] as R.Batch).select([n]), 0).length > 0) await this.shrink(p, subject);
      }
    }
    for (let k = 0; k < kept.length; k++) this.ends.set(expected.u32(k, R.VECTOR), (this.ends.get(expected.u32(k, R.VECTOR)) ?? 0) + 1);
    this.programs += kept.length;
  }

  private program(): Program | undefined {
    const { random } = this;
    const pieces = this.maker.make(20 + random.below(180));
    const made = assemble(pieces, 0);
    if (!made || !unknownFlags(pieces)) return undefined;
    const at = R.CODE_BASE + (random.chance(40) ? Math.max(16, 0x1000 - random.below(made.code.length)) : 0x100 + random.below(0x800));
    const registers = Array.from({ length: 8 }, () => random.value());
    registers[4] = R.DATA_BASE + 0x1680 + 4 * random.below(0x20) + (random.chance(10) ? random.below(4) : 0);
    return { pieces, at, registers, flags: (random.u32() & 0x8d5) | 0x202, fx: makeFxState(random, { plain: this.options.reference === 'qemu' }) };
  }

  private put(batch: R.Batch, n: number, p: Program): boolean {
    const made = assemble(p.pieces, p.at);
    if (!made || made.code.length > LONGEST) return false;
    batch.clear(n);
    // Longer than what a record without a program holds.
    const code = made.code.length > 16 ? made.code : Uint8Array.of(...made.code, ...new Uint8Array(17 - made.code.length).fill(R.INT3));
    batch.setCode(n, code);
    batch.setU32(n, R.EIP, p.at);
    batch.setU32(n, R.EFLAGS, p.flags);
    for (const [i, value] of p.registers.entries()) batch.setU32(n, R.REGISTERS + 4 * i, value);
    batch.setSelectorsBefore(n, SELECTORS);
    batch.fxBefore(n).set(p.fx);
    return true;
  }

  /** Runs the programs on the reference; false, and a finding, when it does not come to an end. */
  private async ask(batch: R.Batch, programs: readonly Program[]): Promise<boolean> {
    try {
      await this.reference.run(batch);
    } catch {
      this.reference.close();
      this.reference = await LockstepCampaign.start(this.options);
      await this.reference.baseline(this.baseline);
      if (programs.length === 1) return false;
      for (const p of programs) {
        const alone = new R.Batch(1, batch.stride);
        this.put(alone, 0, p);
        alone.count = 1;
        if (!(await this.ask(alone, [p]))) this.findings.push(['the reference does not come to an end', ...listing(p.pieces, p.at), this.again(this.subjects[0]?.tier ?? '')].join('\n'));
        if (this.findings.length >= MOST_FINDINGS) break;
      }
      return false;
    }
    if (this.options.reference === 'host') for (let n = 0; n < batch.count; n++) adjustHost(batch, n);
    return true;
  }

  private differ(p: Program, expected: R.Batch, k: number, mine: R.Batch, n: number): string[] {
    const vector = expected.u32(k, R.VECTOR);
    const host = this.options.reference === 'host';
    // QEMU checks neither the alignment of operands of SSE nor the limits of segments.
    if (!host && vector !== GENERAL_PROTECTION && mine.u32(n, R.VECTOR) === GENERAL_PROTECTION) return [];
    if (host && (wrapsAround(expected, k, mine, n) || jumpedIntoData(expected, k) || reachesV86Pages(expected, k))) return [];
    const before = unknownFlags(p.pieces) ?? [];
    const offsets = assemble(p.pieces, p.at)?.offsets ?? [];
    const pieceAt = (eip: number): number => offsets.findIndex((o, i) => p.at + o === eip && p.pieces[i]?.label === undefined);
    const at = pieceAt(expected.u32(k, R.EIP_AFTER));
    const flags = vector === 3 && at < 0 ? (before[p.pieces.length] ?? 0) : (before[at < 0 ? p.pieces.length : at] ?? 0);
    const fields = fieldsThatDiffer(expected, mine, k, { flags: 0, section: '' }, true, n, flags);
    const [piece, mineEnds] = [p.pieces[at], p.pieces[pieceAt(mine.u32(n, R.EIP_AFTER))]];
    if (host && piece && hostDifference(mnemonicOf(piece.bytes, 32), vector, fields) !== undefined) return [];
    if (host && mineEnds && goesOnOnAmd(mnemonicOf(mineEnds.bytes, 32), mine.u32(n, R.VECTOR))) return [];
    // QEMU reads before it writes, compares strings in another order, and has lost flags when an instruction faults.
    const fault = !host && vector === PAGE_FAULT && expected.u32(k, R.EIP_AFTER) === mine.u32(n, R.EIP_AFTER);
    return fault ? fields.filter((f) => /^(register|segment|memory|ST|XMM)/.test(f)) : fields;
  }

  private async try(p: Program, subject: CoracleExecutor, steps = 0): Promise<Difference | undefined> {
    if (!unknownFlags(p.pieces)) return undefined;
    const batch = new R.Batch(1, STRIDE);
    if (!this.put(batch, 0, p)) return undefined;
    batch.count = 1;
    batch.setU32(0, R.STEPS, steps);
    const mine = batch.copy();
    await subject.run(mine);
    if (mine.u32(0, R.VECTOR) === ENDLESS) return undefined;
    const expected = batch.copy();
    if (!(await this.ask(expected, [p]))) return undefined;
    const fields = this.differ(p, expected, 0, mine, 0);
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
    if (found) await this.report(best, subject, found);
    else this.findings.push(`a program differs only after others did (${subject.tier})\n${this.again(subject.tier)}`);
  }

  private again(tier: string): string {
    const { seed, programs, reference, selfModifying } = this.options;
    return `  again: npm run test:oracle -- --only lockstep --seed ${seed} --programs ${programs} --reference ${reference} --tier ${tier}${selfModifying ? ' --self-modifying' : ''}`;
  }

  private async report(p: Program, subject: CoracleExecutor, found: Difference): Promise<void> {
    const name = this.options.reference;
    const { expected, mine, fields } = found;
    const lines = [`${fields.join(', ')} (${subject.tier})`, ...listing(p.pieces, p.at), `  before ${stateBefore(mine, 0)}`];
    lines.push(`  ${name.padEnd(6)} ${stateAfter(expected, 0)}`, `  here   ${stateAfter(mine, 0)}`, ...fxReport(expected, mine, 0, fields, name));
    lines.push(...(await this.firstDifference(p, subject)), this.again(subject.tier));
    this.findings.push(lines.join('\n'));
  }

  /** Steps until the states differ, by halving: the instruction that makes the difference, and the states around it. */
  private async firstDifference(p: Program, subject: CoracleExecutor): Promise<string[]> {
    let good = 0;
    let bad = 1;
    while (bad < MOST_STEPS && !(await this.try(p, subject, bad))) [good, bad] = [bad, bad * 2];
    if (bad >= MOST_STEPS) return ['  no single step differs: the difference needs whole blocks'];
    while (bad - good > 1) {
      const middle = (good + bad) >> 1;
      if (await this.try(p, subject, middle)) bad = middle;
      else good = middle;
    }
    const found = await this.try(p, subject, bad);
    if (!found) return [`  it does not always differ: not the last time, after ${bad} instructions`];
    const { expected, mine, fields } = found;
    const before = new R.Batch(1, STRIDE);
    this.put(before, 0, p);
    before.count = 1;
    before.setU32(0, R.STEPS, good);
    if (good > 0) await subject.run(before);
    const eip = good > 0 ? before.u32(0, R.EIP_AFTER) : p.at;
    const line = listing(p.pieces, p.at).find((l) => l.trim().startsWith(eip.toString(16)));
    const name = this.options.reference.padEnd(6);
    return [
      `  first difference after ${bad} instructions: ${fields.join(', ')}`, line ?? `  ${eip.toString(16)}`,
      `    before ${good > 0 ? stateAfter(before, 0) : stateBefore(mine, 0)}`, `    ${name} ${stateAfter(expected, 0)}`, `    here   ${stateAfter(mine, 0)}`,
    ];
  }
}
