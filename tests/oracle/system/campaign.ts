/**
 * Single instructions at privilege level 0 and in real mode, the system's own among them: QEMU against the emulator's tiers.
 * All of the state counts that QEMU's monitor tells of, with segments' hidden parts and the tables, and memory. What an
 * exception pushed, and the task that takes a double fault, are among it.
 */
import { EFLAGS_ARITHMETIC, EFLAGS_RF } from '../../../src/cpu/registers.ts';
import { INSTRUCTION_SET } from '../../../src/isa/instruction-set.ts';
import type { Row } from '../../../src/isa/row.ts';
import { undefinedIn } from '../compare.ts';
import * as E from '../environment.ts';
import { type Encoding, formText, formsOf, Generator, makeBaseline, rowsToTest } from '../generate.ts';
import { Random } from '../random.ts';
import * as R from '../record.ts';
import { documented, qemuHas } from '../reference.ts';
import { disassemble, type Finding } from '../single.ts';
import { excuse } from './excuses.ts';
import { System } from './machine.ts';
import { QemuSystem } from './qemu.ts';
import * as W from './world.ts';

/**
 * Left out: x87 and SSE, which have no level; ports and MSRs, which are a board's and a model's; what stops the processor or
 * leaves debugging on; what QEMU does not know.
 */
const LEFT_OUT = /^(HLT|IN|OUT|INS[BW]|OUTS[BW]|RDMSR|WRMSR|RDPMC|SYS.*|X.*BV|XSAVE.*|XRSTOR.*|INVPCID|MOV_(TO|FROM)_DR|ICEBP|SWAPGS|(RD|WR)[FG]SBASE|LSS|CLAC|STAC)$/;
const TSS_BUSY = 2;
const ATTRIBUTES = ['fpu', 'wait', 'mmx', 'sse'] as const;

export interface SystemOptions {
  readonly seed: number;
  readonly tiers: readonly string[];
  readonly perForm: number;
  readonly kinds?: readonly W.Kind[];
  readonly rows?: readonly Row[];
}

export const rowsOfSystem = (): Row[] =>
  rowsToTest(INSTRUCTION_SET).filter((row) => qemuHas(row) && !LEFT_OUT.test(row.mnemonic) && !ATTRIBUTES.some((a) => row.attributes.has(a)));

const hex = (value: number | undefined): string => (value === undefined ? 'none' : (value >>> 0).toString(16));

export class SystemCampaign {
  readonly findings = new Map<string, Finding>();
  /** Differences that are QEMU's own, by reason. */
  readonly excused = new Map<string, number>();
  cases = 0;
  private readonly options: SystemOptions;
  private readonly random: Random;
  private readonly subjects: { readonly tier: string; readonly machine: System }[];

  constructor(options: SystemOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.subjects = options.tiers.map((tier) => ({ tier, machine: new System(tier) }));
  }

  async run(): Promise<void> {
    const { random, options } = this;
    const qemu = await QemuSystem.create();
    const generator = new Generator(random);
    const baseline = makeBaseline(random);
    const batch = new R.Batch(1);
    batch.count = 1;
    try {
      for (const kind of options.kinds ?? W.KINDS) {
        const image = W.makeImage(kind, baseline);
        for (const row of options.rows ?? rowsOfSystem()) {
          for (const form of formsOf(row, kind.mode)) {
            for (let i = 0; i < options.perForm; i++) {
              const e = generator.encode(row, kind.mode, form.osize, form.asize, form.memory, form);
              if (e.bytes.length > 15) continue;
              generator.state(e, batch, 0);
              await this.compare(qemu, kind, image, e, batch);
            }
          }
        }
      }
    } finally {
      qemu.close();
    }
  }

  private async compare(qemu: QemuSystem, kind: W.Kind, image: Uint8Array, e: Encoding, batch: R.Batch): Promise<void> {
    const registers = Array.from({ length: 8 }, (_, i) => batch.u32(0, R.REGISTERS + 4 * i));
    const eip = batch.u32(0, R.EIP);
    const c: W.Case = { kind, code: e.bytes, eip, eflags: (batch.u32(0, R.EFLAGS) & (EFLAGS_ARITHMETIC | 0x600)) | 2, registers };
    this.cases++;
    const outcomes = this.subjects.map(({ tier, machine }) => ({ tier, outcome: machine.run(c, image) }));
    // A processor that shuts down cannot be asked; QEMU checks too few limits to do the same.
    if (outcomes.some(({ outcome }) => !outcome)) return this.excuse('shut down');
    const alias = documented(e);
    const expected = await qemu.run({ ...c, code: alias ?? c.code }, image);
    if (alias) this.putBack(c, alias, expected);
    for (const { tier, outcome } of outcomes) this.check(tier, c, e, batch, expected, outcome as W.Outcome);
  }

  /** The code as it was, where QEMU ran another form of it. */
  private putBack(c: W.Case, alias: Uint8Array, { memory }: W.Outcome): void {
    for (const [k, [from]] of c.kind.regions.entries()) {
      const at = W.codeAt(c.kind) + (c.eip & 0xffff) - from;
      const bytes = memory[k] as Uint8Array;
      for (const [i, byte] of c.code.entries()) if (bytes[at + i] === alias[i]) bytes[at + i] = byte;
    }
  }

  private excuse(reason: string): void {
    this.excused.set(reason, (this.excused.get(reason) ?? 0) + 1);
  }

  private check(tier: string, c: W.Case, e: Encoding, batch: R.Batch, expected: W.Outcome, mine: W.Outcome): void {
    const [there, here] = [expected, mine].map((o) => W.vectorOf(c.kind, o.state.get('CS') as number, o.state.get('EIP') as number));
    const fields = there === here ? this.fieldsThatDiffer(c, e, batch, expected, mine, here) : [`vector ${hex(there)}, here ${hex(here)}`];
    if (fields.length === 0) return;
    const reason = excuse({ c, e, there, here, fields, eip: mine.state.get('EIP') as number });
    if (reason !== undefined) return this.excuse(reason);
    const kind = `${c.kind.name}, ${formText(e.row, { ...e, memory: e.address !== undefined })}: ${fields.map((f) => f.replace(/ [0-9a-f]+ instead.*/, '')).join(', ')}`;
    const known = this.findings.get(kind);
    if (known) known.count++;
    else this.findings.set(kind, { kind, count: 1, example: this.report(tier, kind, c, e, fields, there, here) });
  }

  private fieldsThatDiffer(c: W.Case, e: Encoding, batch: R.Batch, expected: W.Outcome, mine: W.Outcome, vector: number | undefined): string[] {
    const unknown = vector === undefined ? undefinedIn(e, batch, 0) : { flags: 0, result: false };
    // QEMU notes in memory alone that a task is busy.
    const masks = new Map([['EFLAGS', ~unknown.flags], ['attributes of TR', ~TSS_BUSY]]);
    if (vector !== 14) masks.set('CR2', 0);
    const differs = (name: string): boolean => {
      const mask = masks.get(name) ?? -1;
      return (((expected.state.get(name) as number) ^ (mine.state.get(name) as number)) & mask) !== 0;
    };
    const fields = [...mine.state.keys()].filter((name) => !this.isOpen(c, name, mine.state) && differs(name) && !(unknown.result === true && W.GENERAL.includes(name)))
      .map((name) => `${name} ${hex(mine.state.get(name))} instead of ${hex(expected.state.get(name))}`);
    for (const [i, [at]] of c.kind.regions.entries()) fields.push(...this.memoryThatDiffers(c, at, expected.memory[i] as Uint8Array, mine.memory[i] as Uint8Array, mine.state, vector));
    return unknown.result === true ? fields.filter((f) => !f.startsWith('memory')) : fields;
  }

  /** Hidden parts that no instruction can see: of null selectors; attributes in real mode. */
  private isOpen(c: W.Case, name: string, state: W.State): boolean {
    const found = /^(base|limit|attributes) of (..|TR|LDT)$/.exec(name);
    if (!found || !W.SEGMENTS.includes(found[2] as string)) return false;
    return ((state.get(found[2] as string) as number) & ~3) === 0 || (c.kind.real && found[1] !== 'base');
  }

  /** Differences of memory, but for RF and the W bit of error codes in what an exception pushed, on which tests/kernels decides. */
  private memoryThatDiffers(c: W.Case, at: number, expected: Uint8Array, mine: Uint8Array, state: W.State, vector: number | undefined): string[] {
    if (Buffer.compare(expected, mine) === 0) return [];
    const open = new Map<number, number>([[E.TSS + 0x26, EFLAGS_RF >>> 16]]);
    if (vector !== undefined && !c.kind.real) {
      const mask = (state.get('attributes of SS') as number) & 0x4000 ? -1 : 0xffff;
      const onStack = (sp: number): number => W.physical(c.kind, ((state.get('base of SS') as number) + ((sp & mask) >>> 0)) >>> 0);
      const esp = state.get('ESP') as number;
      const error = [8, 10, 11, 12, 13, 14, 17].includes(vector) ? 4 : 0;
      for (const at of [esp + error + 10, (c.registers[4] as number) - 2]) open.set(onStack(at), EFLAGS_RF >>> 16);
      if (vector === 14) open.set(onStack(esp), 2);
    }
    const found: string[] = [];
    for (let i = 0; i < mine.length; i++) {
      const difference = ((expected[i] as number) ^ (mine[i] as number)) & ~(open.get(at + i) ?? 0);
      if (difference !== 0) found.push(`memory ${hex(at + i)} ${hex(mine[i])} instead of ${hex(expected[i])}`);
    }
    return found;
  }

  private report(tier: string, kind: string, c: W.Case, e: Encoding, fields: readonly string[], there: number | undefined, here: number | undefined): string {
    return [
      `${kind.slice(0, 300)} (${tier})`,
      `  ${Buffer.from(e.bytes).toString('hex')}  ${disassemble(e.bytes, e.mode)}`,
      `  before ${c.registers.map((r) => r.toString(16).padStart(8, '0')).join(' ')} eip ${hex(c.eip)} eflags ${hex(c.eflags)}`,
      `  vector ${hex(there)}, here ${hex(here)}: ${fields.slice(0, 12).join('; ')}`,
      `  again: npm run test:oracle -- --only system --seed ${this.options.seed} --tier ${tier}`,
    ].join('\n');
  }
}
