/**
 * The code of one region while it is made: guest registers in locals, what is known of them, and the way out.
 *
 * A region has the signature of a handler and is entered as one: by the tail call to the record of a block whose handler
 * it replaces (generate.ts says how several entries share a function). It leaves by tail calls too. Whatever compiled code does not do itself (device memory, page
 * crossings, faults, helpers) it leaves to the interpreter, which executes the instruction anew from its record: a body
 * changes nothing before its last chance to leave.
 */
import * as L from '../cpu/layout.ts';
import { DISPATCH, HANDLER_SIGNATURE } from '../interp/record-ops.ts';
import { HANDLER_BUDGET, HANDLER_GO, HANDLER_GO_FLAT } from '../interp/variant.ts';
import type { I32 } from '../isa/ops.ts';
import { FunctionBuilder, type Label, type Variable } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import type { CodeRecord } from './region.ts';
import { type FlagState, RegionFlags } from './region-flags.ts';

const GENERAL_REGISTERS = 8;

/** What is known at a place in the code; paths that meet keep what they agree on. */
interface Knowledge {
  readonly registers: readonly (I32 | undefined)[];
  readonly flags: FlagState;
  readonly retired: number;
  /** Control does not get here. */
  readonly dead: boolean;
}

/** Keeps the region's knowledge right where a body's control flow forks and meets. */
class RegionFunction extends FunctionBuilder {
  code: RegionCode | undefined;

  override if(condition: I32, then: () => void, otherwise?: () => void): void {
    const { code } = this;
    if (!code) return super.if(condition, then, otherwise);
    const before = code.save();
    let yes = before;
    let no = before;
    const arm = (run: () => void, after: (k: Knowledge) => void) => () => {
      run();
      after(code.save());
      code.restore(before);
    };
    super.if(condition, arm(then, (k) => { yes = k; }), otherwise && arm(otherwise, (k) => { no = k; }));
    code.meet(yes, no);
  }
  override block(body: (label: Label) => void): void {
    super.block(body);
    this.code?.forget();
  }
  override loop(body: (label: Label) => void): void {
    this.code?.forget();
    super.loop(body);
  }
  override branch(label: Label): void {
    super.branch(label);
    if (this.code) this.code.dead = true;
  }
  override branchTable(labels: readonly Label[], index: I32): void {
    super.branchTable(labels, index);
    if (this.code) this.code.dead = true;
  }
}

export class RegionCode {
  readonly e: RegionFunction;
  readonly cpu: I32;
  readonly flags: RegionFlags;
  /** Fuel left at the start of the path that is being made, `retired` instructions ago. */
  readonly fuel: Variable<'i32'>;
  /** RIP of the first byte of the region's first page. */
  readonly ipBase: Variable<'i32'>;
  /** Which of the region's pages are known to be mapped as they were when it was found, as bits. */
  readonly pages: Variable<'i32'>;
  readonly tlbSet: Variable<'i32'>;
  retired = 0;
  dead = false;
  private readonly registers: Variable<'i32'>[] = [];
  private known: (I32 | undefined)[] = [];
  private readonly used = new Set<number>();
  private readonly written = new Set<number>();
  private readonly exitRecord: Variable<'i32'>;
  private readonly exitHandler: Variable<'i32'>;
  private readonly exitFuel: Variable<'i32'>;
  private exitLabel: Label | undefined;

  constructor(module: ModuleBuilder) {
    const e = new RegionFunction(module, HANDLER_SIGNATURE);
    this.e = e;
    this.cpu = e.param(1, 'i32');
    for (let n = 0; n < GENERAL_REGISTERS; n++) this.registers.push(e.variable('i32'));
    [this.fuel, this.ipBase, this.pages, this.tlbSet, this.exitRecord, this.exitHandler, this.exitFuel] = Array.from({ length: 7 }, () => e.variable('i32'));
    this.flags = new RegionFlags(e);
    e.code = this;
  }

  /**
   * Code around the region's own: loads what it uses, and stores what it wrote on the way out. IP_BASE is that of the page
   * at `delta`.
   */
  frame(delta: number, body: () => void): void {
    const { e, cpu } = this;
    e.set(this.fuel, e.param(2, 'i32'));
    e.set(this.ipBase, e.binary('sub', e.load('i32', cpu, L.IP_BASE), e.i32(delta)));
    e.set(this.tlbSet, e.load('i32', cpu, L.TLB_ACTIVE));
    this.flags.load(cpu);
    const loads = e.later();
    e.block((label) => {
      this.exitLabel = label;
      body();
    });
    loads(() => {
      for (const n of this.used) e.set(this.registers[n], e.load('i32', cpu, L.GPR + n * 8));
    });
    for (const n of this.written) e.store('i64', cpu, e.convert('extendU', e.get(this.registers[n])), L.GPR + n * 8);
    this.flags.store(cpu);
    e.returnCall(DISPATCH, [e.get(this.exitHandler), e.get(this.exitRecord), cpu, e.get(this.exitFuel)]);
  }

  // Registers

  register(n: number): I32 {
    this.used.add(n);
    const value = this.known[n] ?? this.e.get(this.registers[n]);
    this.known[n] = value;
    return value;
  }
  setRegister(n: number, value: I32): void {
    this.used.add(n);
    this.written.add(n);
    this.e.set(this.registers[n], value);
    this.known[n] = value;
  }

  // Knowledge

  save(): Knowledge {
    return { registers: [...this.known], flags: this.flags.state, retired: this.retired, dead: this.dead };
  }
  restore(k: Knowledge): void {
    this.known = [...k.registers];
    this.flags.state = k.flags;
    this.retired = k.retired;
    this.dead = k.dead;
  }
  meet(a: Knowledge, b: Knowledge): void {
    this.restore(a.dead ? b : a);
    if (a.dead || b.dead) return;
    this.known = a.registers.map((value, n) => (value === b.registers[n] ? value : undefined));
    if (a.flags !== b.flags && (a.flags.kind !== 'locals' || b.flags.kind !== 'locals')) throw new Error('flags differ where paths meet');
  }
  /** Of registers nothing is known here, since other paths lead here too. */
  forget(): void {
    this.known = [];
    this.dead = false;
  }
  /** A place that several paths lead to, each with its flags in the locals and its fuel counted. */
  join(): void {
    this.forget();
    this.flags.forget();
    this.retired = 0;
  }

  // Ways out

  /** Fuel as the interpreter has it at a record: its block's instructions are not counted yet. */
  fuelAt(record: CodeRecord): I32 {
    return this.e.binary('add', this.e.get(this.fuel), this.e.i32(record.count - 1 - this.retired));
  }
  /** Fuel after `more` further instructions. */
  fuelAfter(more: number): I32 {
    return this.e.binary('add', this.e.get(this.fuel), this.e.i32(-this.retired - more));
  }
  /** The interpreter goes on at a record of which nothing has been done. */
  leaveAt(record: CodeRecord): void {
    this.e.store('i32', this.cpu, this.pageBase(record), L.IP_BASE);
    this.leave(this.e.i32(record.address), this.e.i32(record.handler), this.fuelAt(record));
  }
  /** RIP of the first byte of the page that an instruction begins in. */
  pageBase(record: CodeRecord): I32 {
    return this.ipAt(record.delta);
  }
  /** RIP at a place in the region. */
  ipAt(offset: number): I32 {
    return this.e.binary('add', this.e.get(this.ipBase), this.e.i32(offset));
  }
  /** Goes on at an offset in CS after the instruction at `record`. */
  leaveTo(ip: I32, record: CodeRecord, flat: boolean, more: number): void {
    this.e.store('i32', this.cpu, ip, L.RIP);
    this.leave(this.e.i32(record.address), this.e.i32(flat ? HANDLER_GO_FLAT : HANDLER_GO), this.fuelAfter(more));
  }
  /** The fuel does not cover what comes from a place on. */
  leaveSpent(offset: number, record: CodeRecord, more: number): void {
    this.e.store('i32', this.cpu, this.ipAt(offset), L.RIP);
    this.leave(this.e.i32(record.address), this.e.i32(HANDLER_BUDGET), this.fuelAfter(more));
  }
  private leave(record: I32, handler: I32, fuel: I32): void {
    const { e } = this;
    e.set(this.exitFuel, fuel);
    e.set(this.exitRecord, record);
    e.set(this.exitHandler, handler);
    this.flags.toLocals();
    e.branch(this.exitLabel as Label);
  }
}
