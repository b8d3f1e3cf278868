/**
 * The code of one region while it is made: guest registers in locals, what is known of them, and the way out.
 *
 * A region has the signature of a handler and is entered as one: by the tail call to the record of a block whose handler
 * it replaces (generate.ts says how several entries share a function). It leaves by tail calls too. Whatever compiled code does not do itself (device memory, page
 * crossings, faults, helpers) it leaves to the interpreter, which executes the instruction anew from its record: a body
 * changes nothing before its last chance to leave.
 */
import * as L from '../cpu/layout.ts';
import { DISPATCH, GO, GO_DIRECT, GO_INDIRECT, HANDLER_SIGNATURE, tlbEntry } from '../interp/record-ops.ts';
import { type Environment, HANDLER_BUDGET } from '../interp/variant.ts';
import type { FloatShape, I32, I64, Int, V128 } from '../isa/ops.ts';
import type { IntType } from '../wasm/opcodes.ts';
import { FunctionBuilder, type Label, type Val, type Variable } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { DeferredChecks, type Stretch } from './deferred-checks.ts';
import { LoopPages } from './loop-pages.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';
import { NORMAL_RANGES, type NumberRange } from './number-ranges.ts';
import { PageSpan } from './page-spans.ts';
import type { CodeRecord, Region } from './region.ts';
import { type FlagForm, type FlagState, RegionFlags } from './region-flags.ts';
import { RegionX87, type X87Knowledge } from './region-x87.ts';

const HALF_BYTES = 16;
/** In the place of handlers: how a region goes on. */
const GOES = 0, GOES_DIRECT = -1, GOES_INDIRECT = -2;
/** From here down, by their numbers: to entries of the same module. */
const GOES_NEAR = -3;
const WAYS = [[GOES_DIRECT, GO_DIRECT], [GOES_INDIRECT, GO_INDIRECT], [GOES, GO]] as const;
/** Spans that are kept at a time: each may take one of the host's registers. */
const LIVE_SPANS = 6;
const LEGACY_REGISTERS = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const registerName = (n: number, wide: boolean): string => (n < 8 ? `${wide ? 'r' : 'e'}${LEGACY_REGISTERS[n]}` : `r${n}`);

/** What is known at a place in the code; paths that meet keep what they agree on. */
export interface Knowledge {
  readonly registers: readonly (Int | undefined)[];
  readonly vectors: readonly (V128 | undefined)[];
  readonly values: ReadonlyMap<string, Val>;
  readonly tame: ReadonlyMap<Val, NumberRange>;
  readonly spans: readonly PageSpan[];
  readonly flags: FlagState;
  readonly x87: X87Knowledge | undefined;
  readonly stretch: Stretch | undefined;
  readonly retired: number;
  /** Control does not get here. */
  readonly dead: boolean;
}

/** Keeps the region's knowledge right where a body's control flow forks and meets. */
export class RegionFunction extends FunctionBuilder {
  code: RegionCode | undefined;

  /** What comes with `ifRarely`, or in `aside`: checks may wait until after it. */
  private rare = false;
  private quiet = false;

  override ifRarely(condition: I32, then: () => void, otherwise?: () => void): void {
    this.rare = true;
    super.ifRarely(condition, then, otherwise);
  }
  /** Statements whose branches do not concern the checks that wait. */
  aside(statements: () => void): void {
    const outer = this.quiet;
    this.quiet = true;
    statements();
    this.quiet = outer;
  }
  override if(condition: I32, then: () => void, otherwise?: () => void): void {
    const { code, rare } = this;
    this.rare = false;
    if (!code) return super.if(condition, then, otherwise);
    const known = this.constantOf(condition);
    if (known !== undefined) return known === 0 ? otherwise?.() : then();
    if (!rare && !this.quiet) code.checks.flush();
    const before = code.save();
    let yes = before;
    let no = before;
    const arm = (run: () => void, after: (k: Knowledge) => void) => () => {
      run();
      // Where the arms do not agree about the checks that wait, none of them does any longer.
      if (code.checks.stretch !== before.stretch) code.checks.flush();
      after(code.save());
      code.restore(before);
    };
    const settle = () => {
      if (!yes.dead && yes.stretch !== before.stretch) code.checks.flush();
    };
    super.if(condition, arm(then, (k) => { yes = k; }), arm(otherwise ?? settle, (k) => { no = k; }));
    code.meet(yes, no);
  }
  override block(body: (label: Label) => void): void {
    this.code?.checks.flush();
    super.block((label) => {
      body(label);
      this.code?.checks.flush();
    });
    this.code?.forget();
  }
  override loop(body: (label: Label) => void): void {
    this.code?.checks.flush();
    this.code?.forget();
    super.loop((label) => {
      body(label);
      this.code?.checks.flush();
    });
  }
  override branch(label: Label): void {
    this.code?.checks.flush();
    super.branch(label);
    if (this.code) this.code.dead = true;
  }
  override branchTable(labels: readonly Label[], index: I32): void {
    super.branchTable(labels, index);
    if (this.code) this.code.dead = true;
  }
}

export interface X87Watcher {
  /** TOP moves. */
  move(by: number): void;
  /** Something other than the x87's kernel works on it. */
  touch(): void;
}

/** What is asked of a region while its code is made. */
export type RegionTraits = Pick<Region, 'mode' | 'pages' | 'counted' | 'careful'>;

export interface RegionCodeOptions {
  /** Whether it has the x87's state in locals. */
  readonly x87?: boolean;
  /** Those that it may lead to directly. */
  readonly neighbours?: Neighbours | undefined;
  /** What is emitted goes through it, for those who look on. */
  readonly watch?: ((e: RegionFunction) => RegionFunction) | undefined;
}

export class RegionCode {
  readonly region: RegionTraits;
  readonly e: RegionFunction;
  readonly cpu: I32;
  readonly flags: RegionFlags;
  readonly checks = new DeferredChecks(this);
  readonly loopPages = new LoopPages(this);
  /** Of a region that has the x87's state in locals. */
  readonly x87: RegionX87 | undefined;
  /** Is told what instructions do with the x87's stack. */
  x87Watcher: X87Watcher | undefined;
  /** Fuel left at the start of the path that is being made, `retired` instructions ago. */
  readonly fuel: Variable<'i32'>;
  /** RIP of the first byte of the region's first page. */
  readonly ipBase: Variable<IntType>;
  /** Which of the region's pages are known to be mapped as they were when it was found, as bits. */
  readonly pages: Variable<'i32'>;
  readonly tlbSet: Variable<'i32'>;
  retired = 0;
  dead = false;
  /** 64-bit code: registers and RIP are i64. */
  readonly wide: boolean;
  private readonly environment: Environment;
  private readonly registers: Variable<IntType>[] = [];
  private known: (Int | undefined)[] = [];
  /** Halves of YMM registers, those of one after the other; made where the region uses them. */
  private readonly vectors: Variable<'v128'>[] = [];
  private knownVectors: (V128 | undefined)[] = [];
  /** Numbers of vectors whose lanes have been asked for. */
  private readonly numbers = new WeakMap<V128, number>();
  private vectorsSeen = 0;
  /** Vectors that were made by replacing a field of another one. */
  private readonly replaced = new WeakMap<V128, { readonly base: V128; readonly field: string }>();
  /** Values by what they are, as bodies name it, and vectors' lanes. */
  private values: ReadonlyMap<string, Val> = new Map();
  /** Numbers, and vectors of them, that are normal or zero. */
  private tame: ReadonlyMap<Val, NumberRange> = new Map();
  /** What a look at the TLB serves on this path. */
  private spans: readonly PageSpan[] = [];
  private readonly unfinished: (() => void)[] = [];
  private readonly writtenVectors = new Set<number>();
  private readonly used = new Set<number>();
  private readonly written = new Set<number>();
  private readonly exitRecord: Variable<'i32'>;
  /** Or one of `ways`: on at `exitTarget`. */
  private readonly exitHandler: Variable<'i32'>;
  private readonly ways = new Set<number>();
  private readonly neighbours: Neighbours | undefined;
  /** Those that the region goes on at, in the order of their ways. */
  private readonly near: Neighbour[] = [];
  private readonly exitTarget: Variable<IntType>;
  private readonly exitFuel: Variable<'i32'>;
  /** Fuel that the instructions which are done have left; for regions that count them. */
  private readonly exitCount: Variable<'i32'> | undefined;
  private exitLabel: Label | undefined;

  constructor(module: ModuleBuilder, environment: Environment, region: RegionTraits, { x87 = false, neighbours, watch = (e) => e }: RegionCodeOptions = {}) {
    const e = watch(new RegionFunction(module, HANDLER_SIGNATURE));
    this.e = e;
    this.cpu = e.param(1, 'i32');
    this.environment = environment;
    this.neighbours = neighbours;
    this.region = region;
    this.wide = environment === 'long';
    const type = this.wide ? 'i64' : 'i32';
    for (let n = 0; n < (this.wide ? 16 : 8); n++) this.registers.push(e.variable(type, registerName(n, this.wide)));
    this.ipBase = e.variable(type, 'ip_base');
    this.exitTarget = e.variable(type, 'exit_target');
    const words = ['fuel', 'pages', 'tlb_set', 'exit_record', 'exit_handler', 'exit_fuel'];
    [this.fuel, this.pages, this.tlbSet, this.exitRecord, this.exitHandler, this.exitFuel] = words.map((name) => e.variable('i32', name));
    if (region.counted) this.exitCount = e.variable('i32', 'exit_count');
    this.flags = new RegionFlags(e, this.cpu, this.wide);
    if (x87) this.x87 = new RegionX87(this);
    e.code = this;
  }

  /**
   * Code around the region's own: loads what it uses, and stores what it wrote on the way out. IP_BASE is that of the page
   * at `delta`, and ST(0) is x87 register `depth`.
   */
  frame(delta: number, depth: I32, body: () => void): void {
    const { e, cpu } = this;
    e.set(this.fuel, e.param(2, 'i32'));
    e.set(this.ipBase, e.binary('sub', e.load(this.ipBase.type, cpu, L.IP_BASE) as Int, this.number(delta)));
    e.set(this.tlbSet, e.load('i32', cpu, L.TLB_ACTIVE));
    this.flags.load();
    this.x87?.enter(depth);
    const loads = e.later();
    e.block((label) => {
      this.exitLabel = label;
      body();
      for (const finish of this.unfinished) finish();
    });
    loads(() => {
      this.loopPages.begin();
      this.checks.enter();
      for (const n of this.used) e.set(this.registers[n], e.load(this.registers[n].type, cpu, L.GPR + n * 8));
      this.vectors.forEach((variable, n) => e.set(variable, e.load('v128', cpu, L.XMM + n * HALF_BYTES)));
    });
    for (const n of this.written) this.storeRegister(n);
    for (const n of this.writtenVectors) e.store('v128', cpu, e.get(this.vectors[n]), L.XMM + n * HALF_BYTES);
    this.flags.store();
    this.x87?.leave();
    this.x87?.finish();
    if (this.exitCount) {
      const retired = e.convert('extendS', e.binary('sub', e.param(2, 'i32'), e.get(this.exitCount)));
      e.store('i64', cpu, e.binary('add', e.load('i64', cpu, L.COMPILED_COUNT), retired), L.COMPILED_COUNT);
    }
    const on = [e.get(this.exitRecord), cpu, e.get(this.exitFuel)];
    const leaves = (handler: number): I32 => e.compare('eq', e.get(this.exitHandler), e.i32(handler));
    for (const [n, near] of this.near.entries()) e.if(leaves(GOES_NEAR - n), () => this.goNear(near));
    for (const [way, go] of WAYS) {
      if (this.ways.has(way)) e.if(leaves(way), () => e.returnCall(go[this.environment], [...on, e.get(this.exitTarget)]));
    }
    e.returnCall(DISPATCH, [e.get(this.exitHandler), ...on]);
  }

  // Registers

  private storeRegister(n: number): void {
    const { e } = this;
    const value = e.get(this.registers[n]);
    e.store('i64', this.cpu, value.type === 'i64' ? (value as I64) : e.convert('extendU', value as I32), L.GPR + n * 8);
  }
  register(n: number): Int {
    this.used.add(n);
    const value = this.known[n] ?? this.e.get(this.registers[n]);
    this.known[n] = value;
    return value;
  }
  setRegister(n: number, value: Int): void {
    this.used.add(n);
    this.written.add(n);
    this.checks.keep(this.registers[n], () => this.register(n));
    this.e.set(this.registers[n], value);
    this.known[n] = value;
  }

  /** Half `n` of the YMM registers. */
  vector(n: number): V128 {
    this.vectors[n] ??= this.e.variable('v128', `${n & 1 ? 'ymm_high' : 'xmm'}${n >> 1}`);
    const value = this.knownVectors[n] ?? this.e.get(this.vectors[n]);
    this.knownVectors[n] = value;
    return value;
  }
  setVector(n: number, value: V128): void {
    this.vectors[n] ??= this.e.variable('v128', `${n & 1 ? 'ymm_high' : 'xmm'}${n >> 1}`);
    this.writtenVectors.add(n);
    this.checks.keep(this.vectors[n], () => this.vector(n));
    this.e.set(this.vectors[n], value);
    this.knownVectors[n] = value;
  }
  /** A field of a vector, by its kind and place; registers that hold the same one share it. */
  lane(vector: V128, field: string, make: () => Val): Val {
    return this.remembered(this.laneKey(vector, field), make);
  }
  /** A vector with another field: of what had the same field replaced before, that does not matter any more. */
  withLane(vector: V128, field: string, replace: (vector: V128) => V128): V128 {
    const before = this.replaced.get(vector);
    const base = before?.field === field ? before.base : vector;
    const changed = replace(base);
    this.replaced.set(changed, { base, field });
    return changed;
  }
  noteLane(vector: V128, field: string, value: Val): void {
    this.values = new Map(this.values).set(this.laneKey(vector, field), value);
  }
  private laneKey(vector: V128, field: string): string {
    let number = this.numbers.get(vector);
    if (number === undefined) {
      number = this.vectorsSeen++;
      this.numbers.set(vector, number);
    }
    return `lane ${number} ${field}`;
  }
  remembered(what: string, make: () => Val): Val {
    const known = this.values.get(what);
    if (known) return known;
    const value = make();
    this.values = new Map(this.values).set(what, value);
    return value;
  }
  knows(what: string): boolean {
    return this.values.has(what);
  }
  /** Forgets values whose names begin so. */
  forgetValues(prefix: string): void {
    this.values = new Map([...this.values].filter(([what]) => !what.startsWith(prefix)));
  }
  /** Where numbers of a format lie, if they are normal or zero. */
  rangeOf(value: Val, shape: FloatShape): NumberRange | undefined {
    const range = this.tame.get(value);
    return range?.shape === shape ? range : undefined;
  }
  noteRange(value: Val, range: NumberRange): void {
    this.tame = new Map(this.tame).set(value, range);
  }

  // Memory

  /** The span that an access belongs to, a new one if no other takes it in. */
  span(linear: Int, bytes: number, write: boolean): { span: PageSpan; at: number } {
    const { e } = this;
    const { root, bytes: at } = e.displacement(linear);
    let span = this.spans.find((s) => s.admit(root, at, bytes, write, e.nesting));
    if (!span) {
      span = new PageSpan(root, at, bytes, write, e.variable('i32'), e.nesting);
      this.spans = [span, ...this.spans].slice(0, LIVE_SPANS);
    }
    span.accesses++;
    return { span, at };
  }
  /** What is mapped may have changed. */
  loseSpans(): void {
    const { spans, e } = this;
    this.deferred(() => {
      for (const { isShared, host } of spans) if (isShared) e.set(host, e.i32(0));
    });
  }
  /** Makes statements, to stand here, once all is known about the region. */
  deferred(statements: () => void): void {
    const place = this.e.later();
    const here = this.save();
    this.unfinished.push(() => {
      this.restore(here);
      place(statements);
    });
  }

  // Knowledge

  save(): Knowledge {
    const { values, tame, spans, retired, dead } = this;
    return { registers: [...this.known], vectors: [...this.knownVectors], values, tame, spans, flags: this.flags.state, x87: this.x87?.save(), stretch: this.checks.stretch, retired, dead };
  }
  restore(k: Knowledge): void {
    this.known = [...k.registers];
    this.knownVectors = [...k.vectors];
    this.values = k.values;
    this.tame = k.tame;
    this.spans = k.spans;
    this.flags.state = k.flags;
    if (k.x87) this.x87?.restore(k.x87);
    this.checks.stretch = k.stretch;
    this.retired = k.retired;
    this.dead = k.dead;
  }
  meet(a: Knowledge, b: Knowledge): void {
    this.restore(a.dead ? b : a);
    if (a.dead || b.dead) return;
    this.known = a.registers.map((value, n) => (value === b.registers[n] ? value : undefined));
    this.knownVectors = a.vectors.map((value, n) => (value === b.vectors[n] ? value : undefined));
    if (a.values !== b.values) this.values = new Map([...a.values].filter(([what, value]) => b.values.get(what) === value));
    if (a.x87 && b.x87) this.x87?.meet(a.x87, b.x87);
    if (a.tame !== b.tame) {
      this.tame = new Map();
      for (const [value, range] of a.tame) {
        const other = b.tame.get(value);
        if (other?.shape === range.shape) this.noteRange(value, other === range ? range : NORMAL_RANGES[range.shape]);
      }
    }
    if (a.spans !== b.spans) this.spans = a.spans.filter((span) => b.spans.includes(span));
    if (a.flags !== b.flags) throw new Error('flags differ where paths meet');
    if (a.stretch !== b.stretch) throw new Error('checks differ where paths meet');
  }
  /** Of registers nothing is known here, since other paths lead here too. */
  forget(): void {
    this.known = [];
    this.knownVectors = [];
    this.values = new Map();
    this.tame = new Map();
    this.spans = [];
    this.x87?.forget();
    this.dead = false;
  }
  /** A place that several paths lead to, each with its flags in the locals in such a form, and its fuel counted. */
  join(flags: FlagForm): void {
    this.forget();
    this.flags.join(flags);
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
    if (this.checks.stretch) return this.checks.rewind(this.checks.stretch);
    this.storeWord(this.pageBase(record), L.IP_BASE);
    this.flags.toLocals('deferred');
    this.leave(this.e.i32(record.address), this.e.i32(record.handler), this.fuelAt(record), this.fuelAfter(0));
  }
  /** RIP of the first byte of the page that an instruction begins in. */
  pageBase(record: CodeRecord): Int {
    return this.ipAt(record.delta);
  }
  /** RIP at a place in the region. */
  ipAt(offset: number): Int {
    return this.e.binary('add', this.e.get(this.ipBase), this.number(offset));
  }
  /** A number as wide as the region's registers. */
  private number(n: number): Int {
    return this.wide ? this.e.i64(n) : this.e.i32(n);
  }
  /** Stores what is as wide as the region's registers. */
  private storeWord(value: Int, field: number): void {
    if (value.type === 'i64') this.e.store('i64', this.cpu, value as I64, field);
    else this.e.store('i32', this.cpu, value as I32, field);
  }
  /** Goes on at an offset in CS after the instruction at `record`. */
  leaveTo(ip: Int, record: CodeRecord, more: number, way: number = GOES): void {
    this.checks.flush();
    this.ways.add(way);
    this.e.set(this.exitTarget, ip);
    this.flags.toAny();
    this.leave(this.e.i32(record.address), this.e.i32(way), this.fuelAfter(more));
  }
  /** Likewise, where the record is a branch that leads there; `indirect`: and no return. */
  leaveBy(record: CodeRecord, ip: Int, indirect: boolean): void {
    const near = indirect || this.environment === 'segmented' ? undefined : this.neighbours?.of(record, this.region);
    if (near && !this.near.includes(near)) this.near.push(near);
    this.leaveTo(ip, record, 1, near ? GOES_NEAR - this.near.indexOf(near) : indirect ? GOES_INDIRECT : GOES_DIRECT);
  }
  /** On at an entry of the module, if that is where the address leads; else by the record's link. */
  private goNear({ host, record, body, slot }: Neighbour): void {
    const { e, cpu } = this;
    const target = e.get(this.exitTarget);
    const low = target.type === 'i64' ? e.convert('wrap', target as I64) : (target as I32);
    const entry = tlbEntry(e, e.load('i32', cpu, L.TLB_ACTIVE), low);
    const isMapped = e.compare('eq', e.load(target.type, entry, L.TLB_EXECUTE) as Int, e.binary('and', target, this.number(-4096)));
    const leadsThere = e.compare('eq', e.binary('add', low, e.load('i32', entry, L.TLB_ADDEND)), e.i32(host));
    const stands = e.compare('eq', e.load('i32', e.i32(record)), e.global(slot));
    const fuel = e.get(this.exitFuel);
    const goesOn = [isMapped, leadsThere, stands, e.compare('geS', fuel, e.i32(0))].reduce((all, each) => e.binary('and', all, each));
    e.ifMostly(goesOn, () => {
      this.storeWord(e.binary('sub', target, this.number(host & 0xfff)), L.IP_BASE);
      e.returnCallDefined(body, [e.i32(record), cpu, fuel]);
    });
    e.returnCall(GO_DIRECT[this.environment], [e.get(this.exitRecord), cpu, fuel, target]);
  }
  /** The fuel does not cover what comes from a place on. */
  leaveSpent(offset: number, record: CodeRecord, more: number): void {
    this.leaveSpentTo(this.ipAt(offset), record, more);
  }
  leaveSpentTo(ip: Int, record: CodeRecord, more = 0): void {
    this.checks.flush();
    this.storeWord(ip, L.RIP);
    this.flags.toLocals('deferred');
    this.leave(this.e.i32(record.address), this.e.i32(HANDLER_BUDGET), this.fuelAfter(more));
  }
  /** `left`: the fuel without what the interpreter counts anew. */
  private leave(record: I32, handler: I32, fuel: I32, left = fuel): void {
    const { e } = this;
    if (this.exitCount) e.set(this.exitCount, left);
    e.set(this.exitFuel, fuel);
    e.set(this.exitRecord, record);
    e.set(this.exitHandler, handler);
    this.x87?.noteExit();
    e.branch(this.exitLabel as Label);
  }
}
