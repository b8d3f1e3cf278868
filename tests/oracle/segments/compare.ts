/**
 * Random segments and accesses, the emulator against the model: loads of segment registers with descriptors of every type,
 * then accesses of every width around the edges of what they hold; and LAR, LSL, VERR and VERW.
 *
 *   npx tsx tests/oracle/segments/compare.ts [CASES] [SEED]
 */
import { pathToFileURL } from 'node:url';
import * as L from '../../../src/cpu/layout.ts';
import { setStatusWord } from '../../../src/cpu/x87/environment.ts';
import { Random } from '../random.ts';
import { GDT_FULL_LIMIT, type Kind, type Outcome, PARAGRAPH, RAM_BYTES, SegmentMachine } from './machine.ts';
import * as M from './model.ts';

const ENTRIES = 24;
const LOCAL_ENTRIES = 12;
/** Where segments lie, so that most accesses reach RAM. */
const FIRST_BASE = 0x40000;
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const;
const SS = 2;
const PREFIX = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
/** What a segment register is in real and virtual-8086 mode: 64 KiB of writable data [SDM3 20.1.1, 20.2.1]. */
const paragraphs = (selector: number): M.SegmentRegister => ({ selector, descriptor: 0x00009300_0000ffffn | (BigInt(selector) << 20n) });

interface Template {
  readonly size: number;
  readonly access: M.Access;
  /** Around the ModRM byte: opcode and /digit. The address is in EAX; 16-bit forms use BX. */
  readonly opcode: readonly number[];
  readonly digit: number;
  readonly aligned?: number;
}

const template = (size: number, access: M.Access, opcode: readonly number[], digit: number, aligned?: number): Template => ({ size, access, opcode, digit, ...(aligned ? { aligned } : {}) });
const TEMPLATES: readonly Template[] = [
  template(1, 'read', [0x8a], 1), template(1, 'write', [0x88], 1), template(1, 'modify', [0x00], 1), template(1, 'read', [0x0f, 0xb6], 1),
  template(2, 'read', [0x66, 0x8b], 1), template(2, 'write', [0x66, 0x89], 1), template(2, 'modify', [0x66, 0x01], 1), template(2, 'write', [0xd9], 7),
  template(4, 'read', [0x8b], 1), template(4, 'write', [0x89], 1), template(4, 'modify', [0x01], 1), template(4, 'modify', [0xf0, 0x0f, 0xc1], 1),
  template(4, 'read', [0x0f, 0x6e], 1), template(4, 'write', [0x0f, 0x7e], 1), template(4, 'modify', [0xd3], 1),
  template(8, 'read', [0xdd], 0), template(8, 'write', [0x0f, 0x7f], 1), template(8, 'read', [0x0f, 0x6f], 1), template(8, 'modify', [0x0f, 0xc7], 1),
  template(8, 'read', [0xf3, 0x0f, 0x7e], 1), template(8, 'write', [0x0f, 0x13], 1),
  template(10, 'read', [0xdb], 5), template(10, 'write', [0xdb], 7),
  template(16, 'read', [0x0f, 0x10], 1), template(16, 'write', [0x0f, 0x11], 1), template(16, 'write', [0x66, 0x0f, 0x7f], 1, 16), template(16, 'read', [0x66, 0x0f, 0xef], 1, 16),
  template(14, 'write', [0x66, 0xd9], 6), template(28, 'write', [0xd9], 6), template(28, 'read', [0xd9], 4), template(94, 'write', [0x66, 0xdd], 6),
  template(108, 'write', [0xdd], 6), template(108, 'read', [0xdd], 4), template(512, 'write', [0x0f, 0xae], 0, 16), template(512, 'read', [0x0f, 0xae], 1, 16),
];

interface Segments {
  readonly registers: (M.SegmentRegister | undefined)[];
}

export interface SegmentReport {
  loads: number;
  accesses: number;
  inspections: number;
  faults: number;
  readonly findings: string[];
}

export class SegmentCampaign {
  readonly report: SegmentReport = { loads: 0, accesses: 0, inspections: 0, faults: 0, findings: [] };
  private readonly random: Random;
  private readonly machine = new SegmentMachine();
  private tables: M.Tables = { gdt: [], gdtLimit: 0, ldt: [], ldtLimit: 0 };
  private kind: Kind = 'protected';
  private cpl = 0;
  private segments: Segments = { registers: [] };

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  run(cases: number): SegmentReport {
    const { report } = this;
    while (report.loads + report.accesses + report.inspections < cases && report.findings.length < 10) {
      this.begin();
      for (let i = 0; i < 12 && this.step(); i++);
    }
    return report;
  }

  private descriptor(): bigint {
    const { random } = this;
    const base = BigInt(random.chance(85) ? FIRST_BASE + random.below(0x100000) : random.chance(50) ? 0 : random.value());
    const limit = BigInt(random.pick([0, 1, 7, 0xf, 0xfff, 0x1000, 0xfffe, 0xffff, 0x10000, 0xffffe, 0xfffff, random.below(0x100000), random.below(0x2000)]));
    const system = random.chance(12);
    const access = BigInt((random.chance(88) ? 0x80 : 0) | (random.below(4) << 5) | (system ? 0 : 0x10) | random.below(16));
    const flags = BigInt(random.below(16) & ~2);
    return (limit & 0xffffn) | ((base & 0xffffffn) << 16n) | (access << 40n) | ((limit >> 16n) << 48n) | (flags << 52n) | (((base >> 24n) & 0xffn) << 56n);
  }

  private begin(): void {
    const { random, machine } = this;
    this.kind = random.chance(84) ? 'protected' : random.pick(['v86', 'real']);
    this.cpl = this.kind === 'protected' ? random.below(4) : this.kind === 'v86' ? 3 : 0;
    const gdt = [0n, ...Array.from({ length: ENTRIES - 1 }, () => this.descriptor())];
    const ldt = Array.from({ length: LOCAL_ENTRIES }, () => this.descriptor());
    // The handlers' selectors lie at the end; a limit that cuts cases off is set for those at the start only.
    this.tables = { gdt, gdtLimit: GDT_FULL_LIMIT, ldt, ldtLimit: random.chance(20) ? undefined : random.chance(70) ? 8 * LOCAL_ENTRIES - 1 : random.below(8 * LOCAL_ENTRIES) };
    machine.prepare(this.kind, this.cpl, gdt, GDT_FULL_LIMIT, ldt, this.tables.ldtLimit);
    this.segments = { registers: SEGMENTS.map((_, n) => (this.kind === 'protected' || n === 1 ? undefined : paragraphs(PARAGRAPH))) };
  }

  /** False after a fault, or a finding. */
  private step(): boolean {
    const known = this.segments.registers.map((s, n) => (s ? n : -1)).filter((n) => n >= 0);
    const kind = this.random.below(10);
    if (known.length === 0 || kind < 3) return this.load();
    if (kind === 3 && this.kind === 'protected') return this.inspect();
    if (kind < 6 && this.kind === 'protected' && known.includes(SS)) return this.push();
    return this.access(this.random.pick(known));
  }

  private selector(): number {
    const { random } = this;
    if (random.chance(6)) return random.below(4);
    const local = random.chance(35) ? 4 : 0;
    const index = random.below(local ? LOCAL_ENTRIES + 1 : ENTRIES);
    return (index << 3) | local | (random.chance(60) ? this.cpl : random.below(4));
  }

  private load(): boolean {
    const { random, machine } = this;
    // The stack that a handler at level 0 would use has to stay good.
    const n = random.pick(this.cpl === 0 ? [0, 3, 4, 5] : [0, 2, 2, 3, 4, 5]);
    const selector = this.kind === 'protected' ? this.selector() : PARAGRAPH + random.below(0x1000);
    machine.cpu.state.setReg(0, selector);
    const outcome = machine.run([0x8e, 0xc0 | (n << 3)]);
    this.report.loads++;
    if (this.kind !== 'protected') {
      this.segments.registers[n] = paragraphs(selector);
      return this.agrees(`MOV ${SEGMENTS[n]}, ${selector.toString(16)}`, outcome, undefined);
    }
    const expected = M.load(this.tables, n === SS ? 'SS' : 'data', selector, this.cpl);
    const what = `MOV ${SEGMENTS[n]}, ${selector.toString(16)} at level ${this.cpl} (${M.lookUp(this.tables, selector)?.toString(16)})`;
    if ('vector' in expected) return this.agrees(what, outcome, expected);
    this.segments.registers[n] = expected;
    if (machine.cpu.state.selector(n) !== selector && outcome.vector === 0) return this.finding(`${what}: the selector is not there`);
    const d = expected.descriptor;
    if (d !== undefined && outcome.vector === 0 && machine.descriptor(selector) !== (d | (1n << 40n))) return this.finding(`${what}: the accessed bit is not set`);
    return this.agrees(what, outcome, undefined);
  }

  private inspect(): boolean {
    const { random, machine } = this;
    const { state } = machine.cpu;
    const what = random.pick(['LAR', 'LSL', 'VERR', 'VERW'] as const);
    const selector = this.selector();
    state.setReg(0, selector);
    state.setReg(1, 0x12345678);
    const code = { LAR: [0x0f, 0x02, 0xc8], LSL: [0x0f, 0x03, 0xc8], VERR: [0x0f, 0x00, 0xe0], VERW: [0x0f, 0x00, 0xe8] }[what];
    // Loads before may have set the accessed bit, which LAR gives.
    const tables = this.tablesNow();
    const outcome = machine.run(code);
    this.report.inspections++;
    const expected = M.inspect(tables, what, selector, this.cpl);
    const text = `${what} ${selector.toString(16)} at level ${this.cpl} (${M.lookUp(tables, selector)?.toString(16)})`;
    if (outcome.vector === 0) {
      const zf = (state.eflags & 0x40) !== 0;
      const value = what.startsWith('VER') || expected === undefined ? 0x12345678 : expected;
      if (zf !== (expected !== undefined) || state.reg(1) !== value >>> 0) return this.finding(`${text}: ZF ${zf}, ${state.reg(1).toString(16)}, the model gives ${expected?.toString(16)}`);
    }
    return this.agrees(text, outcome, undefined);
  }
  private tablesNow(): M.Tables {
    const { tables, machine } = this;
    return { ...tables, gdt: tables.gdt.map((_, i) => machine.descriptor(8 * i)), ldt: tables.ldt.map((_, i) => machine.descriptor(8 * i | 4)) };
  }

  /** An offset around one of the segment's edges. */
  private offset(s: M.SegmentRegister, size: number): number {
    const { random } = this;
    const limit = s.descriptor === undefined ? 0 : M.limitOf(s.descriptor);
    const around = (at: number) => at - random.below(size + 4) + 2;
    const kind = random.below(10);
    const at = kind < 5 ? around(limit) : kind < 6 ? around(0xffff) : kind < 7 ? random.below(0x2000) : kind < 8 ? random.below(0x20000) : kind < 9 ? around(0x100000000) : random.value();
    return at >>> 0;
  }

  /** x87 and SSE as after FNINIT, but all registers full: loads before may have left anything. */
  private plainFx(): void {
    const { state } = this.machine.cpu;
    state.setU16(L.FCW, 0x37f);
    setStatusWord(state, 0);
    state.arena.u8[state.base + L.FTW] = 0xff;
    state.setU32(L.MXCSR, 0x1f80);
  }

  private access(n: number): boolean {
    const { random, machine, kind } = this;
    const { state } = machine.cpu;
    const s = this.segments.registers[n] as M.SegmentRegister;
    const t = random.pick(TEMPLATES);
    const small = kind !== 'protected' ? random.chance(80) : random.chance(15);
    let offset = this.offset(s, t.size);
    if (small) offset &= 0xffff;
    const d = s.descriptor ?? 0n;
    if (t.aligned) offset = (offset - ((M.baseOf(d) + offset) % t.aligned) + t.aligned) >>> 0;
    if (small && offset > 0xffff) return true;
    // Through BX or EBX, or through EBP where the stack is the default.
    const viaStack = n === SS && !small && random.chance(60);
    const register = viaStack ? 5 : 3;
    state.setReg(register, small ? ((random.u32() & 0xffff0000) | offset) >>> 0 : offset);
    const natural = kind === 'protected' ? 32 : 16;
    const swapped = natural === 16;
    // The templates' operand sizes are those of 32-bit code.
    let opcode = [...t.opcode];
    if (swapped && t.opcode[0] === 0x66 && t.opcode[1] !== 0x0f) opcode = opcode.slice(1);
    else if (swapped && [2, 4, 28, 94, 108].includes(t.size) && t.opcode[0] !== 0x66) opcode = [0x66, ...opcode];
    const modrm = small ? [(t.digit << 3) | 7] : viaStack ? [0x40 | (t.digit << 3) | 5, 0] : [(t.digit << 3) | 3];
    const code = [...(small === swapped ? [] : [0x67]), ...(viaStack ? [] : [PREFIX[n] as number]), ...opcode, ...modrm];
    const linear = (M.baseOf(d) + offset) % 0x100000000;
    const reaches = linear >= FIRST_BASE && linear + t.size <= RAM_BYTES;
    const value = random.u32();
    const before = reaches ? machine.read(linear, Math.min(t.size, 4)) : undefined;
    state.setReg(1, value);
    this.plainFx();
    const outcome = machine.run(code);
    const expected = M.check(s, n === SS, offset, t.size, t.access);
    this.report.accesses++;
    const what = `${kind} ${t.access} of ${t.size} at ${SEGMENTS[n]}:${offset.toString(16)} (${s.descriptor?.toString(16)}) ${Buffer.from(code).toString('hex')}`;
    if (expected === 'wraps') return outcome.vector === 0;
    // What FXRSTOR reads may have reserved bits of MXCSR set.
    if (expected === undefined && t.size === 512 && t.access === 'read' && outcome.vector === M.GP) return false;
    if (expected === undefined && outcome.vector === 0 && before && [1, 2, 4].includes(t.size) && t.opcode.at(-1) !== 0xd3 && t.opcode.at(-1) !== 0xd9 && t.opcode[1] !== 0x6e && t.opcode[1] !== 0x7e) {
      const now = machine.read(linear, t.size);
      const number = (bytes: Uint8Array) => bytes.reduceRight((sum, b) => sum * 256 + b, 0);
      const mask = 2 ** (8 * t.size);
      const want = t.access === 'read' ? number(before) : t.access === 'write' ? value % mask : (number(before) + value) % mask;
      const got = t.access === 'read' ? state.reg(1) % mask : number(now);
      if (got !== want) return this.finding(`${what}: ${got.toString(16)} instead of ${want.toString(16)} at linear ${linear.toString(16)}`);
    }
    return this.agrees(what, outcome, expected);
  }

  /** PUSH and POP of ECX or CX: SS.B says how much of ESP counts [SDM3 5.3, SDM1 6.2.3]. */
  private push(): boolean {
    const { random, machine } = this;
    const { state } = machine.cpu;
    const s = this.segments.registers[SS] as M.SegmentRegister;
    const size = random.pick([2, 4]);
    const pops = random.chance(50);
    const esp = this.offset(s, size);
    const mask = M.isBig(s.descriptor as bigint) ? 0xffffffff : 0xffff;
    const offset = (((pops ? esp : esp - size) & mask) >>> 0);
    state.setReg(4, esp);
    const outcome = machine.run([...(size === 2 ? [0x66] : []), pops ? 0x59 : 0x51]);
    this.report.accesses++;
    const expected = M.check(s, true, offset, size, pops ? 'read' : 'write');
    const what = `${pops ? 'POP' : 'PUSH'} of ${size} at ESP ${esp.toString(16)} (${s.descriptor?.toString(16)})`;
    if (expected === 'wraps') return outcome.vector === 0;
    const after = ((esp & ~mask) | ((esp + (pops ? size : -size)) & mask)) >>> 0;
    if (expected === undefined && outcome.vector === 0 && state.reg(4) !== after) return this.finding(`${what}: ESP ${state.reg(4).toString(16)}`);
    return this.agrees(what, outcome, expected);
  }

  private agrees(what: string, outcome: Outcome, expected: M.Fault | undefined): boolean {
    const vector = expected?.vector ?? 0;
    // Real mode pushes no error codes.
    const error = this.kind === 'real' ? 0 : (expected?.error ?? 0);
    if (outcome.vector !== vector || outcome.error !== error) {
      return this.finding(`${what}: vector ${outcome.vector} error ${outcome.error.toString(16)}, the model gives ${vector} ${error.toString(16)}`);
    }
    if (vector !== 0) this.report.faults++;
    return vector === 0;
  }
  private finding(text: string): false {
    this.report.findings.push(text);
    return false;
  }
}

function main(): void {
  const [cases = '200000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
  console.log(`segments: seed ${seed}`);
  const report = new SegmentCampaign(Number(seed)).run(Number(cases));
  for (const finding of report.findings) console.log(finding);
  console.log(`${report.loads} loads, ${report.accesses} accesses, ${report.inspections} inspections; ${report.faults} faults; ${report.findings.length} findings`);
  process.exitCode = report.findings.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
