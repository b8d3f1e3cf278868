/**
 * The region compiler's driver: runs the bodies that the interpreter's handlers are made from, with the fields of one
 * record as constants, registers in locals and flags as region-flags.ts has them.
 */
import * as L from '../cpu/layout.ts';
import { RSP, SS } from '../cpu/registers.ts';
import type { Access } from '../interp/memory-access.ts';
import * as R from '../interp/record.ts';
import { fixedSlot, KIND, RecordOps, slotField } from '../interp/record-ops.ts';
import { FILL_WRITE, OPEN_SPAN, TRANSLATE } from '../interp/translate.ts';
import type { Variant } from '../interp/variant.ts';
import type { Bits, Condition, DeferredCheck, Flag, FloatShape, I32, I64, Int, LoadKind, StoreKind, V128 } from '../isa/ops.ts';
import type { FunctionBuilder, Val, Variable } from '../wasm/function.ts';
import type { LOAD, STORE, Type } from '../wasm/opcodes.ts';
import type { LoopPage } from './loop-pages.ts';
import { INTEGERS, NORMAL_RANGES } from './number-ranges.ts';
import type { PageSpan } from './page-spans.ts';
import type { CodeRecord } from './region.ts';
import type { RegionCode } from './region-code.ts';
import type { FlagModel, FlagState } from './region-flags.ts';
import { stackMoves } from './x87-depth.ts';
import { isX87Kernel, X87Instructions } from './x87-instructions.ts';

const GPR_END = L.GPR + 16 * 8;

const VECTORS_END = L.XMM + 16 * L.XMM_STRIDE;
/** Functions of the system kernel after which segment registers are others. */
const CHANGES_SEGMENTS: ReadonlySet<string> = new Set(['load_data_segment', 'sysenter', 'sysexit', 'syscall', 'sysret']);

/** And one that works on registers which are in locals here. */
const MOVES_STATE = 'move_state';

/** Which x87 registers there are, and what is in them: MMX instructions use them too. */
const isStackState = (offset: number): boolean => (offset >= L.FPR && offset < L.FCW) || offset === L.FTW || offset === L.FTOP;
const isVector = (offset: number): boolean => offset >= L.XMM && offset < VECTORS_END;
/** A field of a vector. */
function readLane(e: FunctionBuilder, v: V128, kind: LoadKind, byte: number): Val {
  switch (kind) {
    case 'v128': return v;
    case 'i64': return e.extractLane('i64x2.extract_lane', v, byte / 8);
    case 'f64': return e.extractLane('f64x2.extract_lane', v, byte / 8);
    case 'i32': return e.extractLane('i32x4.extract_lane', v, byte / 4);
    case 'f32': return e.extractLane('f32x4.extract_lane', v, byte / 4);
    case 'u16': return e.extractLane('i16x8.extract_lane_u', v, byte / 2);
    case 'u8': return e.extractLane('i8x16.extract_lane_u', v, byte);
    default: throw new Error(`no lane of a vector is loaded as ${kind}`);
  }
}
function replaceLane(e: FunctionBuilder, v: V128, kind: StoreKind, byte: number, value: Val): V128 {
  switch (kind) {
    case 'i64': return e.replaceLane('i64x2.replace_lane', v, byte / 8, value as I64);
    case 'f64': return e.replaceLane('f64x2.replace_lane', v, byte / 8, value as Val<'f64'>);
    case 'i32': return e.replaceLane('i32x4.replace_lane', v, byte / 4, value as I32);
    case 'f32': return e.replaceLane('f32x4.replace_lane', v, byte / 4, value as Val<'f32'>);
    default: throw new Error(`no lane of a vector is stored as ${kind}`);
  }
}

/** How an instruction goes on in the region: each says whether it does. */
export interface Edges {
  /** The place that its operand names is in the region. */
  readonly direct: boolean;
  /** There. */
  branch(): boolean;
  /** At an address that is known only now. */
  jump(to: Int): boolean;
}

export class RegionOps extends RecordOps {
  private readonly code: RegionCode;
  private readonly record: CodeRecord;
  private readonly fields: DataView;
  private readonly flags: FlagModel;
  private readonly edges: Edges;
  private readonly x87: X87Instructions | undefined;
  private readonly looping: boolean;

  /** `looping`: the instruction is in a loop. */
  constructor(code: RegionCode, record: CodeRecord, variant: Variant, flags: FlagModel, edges: Edges, looping = false) {
    super(code.e, variant);
    this.code = code;
    this.record = record;
    this.fields = new DataView(record.bytes.buffer, record.bytes.byteOffset, R.RECORD_SIZE);
    this.flags = flags;
    this.edges = edges;
    this.looping = looping;
    if (code.x87) this.x87 = new X87Instructions(this, code.x87);
  }

  // Operands and registers

  recordLoad<K extends LoadKind>(kind: K, field: number): Val<(typeof LOAD)[K][0]> {
    return this.constantField(kind, field) as Val as Val<(typeof LOAD)[K][0]>;
  }
  private constantField(kind: LoadKind, field: number): Int {
    if (kind === 'i64') return this.i64(this.fields.getBigInt64(field, true));
    return kind === 's32' ? this.i64(this.fields.getInt32(field, true)) : this.i32(this.field32(kind, field));
  }
  private field32(kind: LoadKind, field: number): number {
    switch (kind) {
      case 'u8': return this.fields.getUint8(field);
      case 'u16': return this.fields.getUint16(field, true);
      default: return this.fields.getInt32(field, true);
    }
  }
  /** Byte offset in the vCPU's state of a register operand. */
  private slotOf(n: number): number {
    const o = this.operand(n);
    if (o.kind === 'fixed') return fixedSlot(o);
    return this.field32('u16', slotField(o));
  }
  protected loadSlot<K extends LoadKind>(n: number, kind: K, byte: number): Val<(typeof LOAD)[K][0]> {
    const at = this.slotOf(n) + byte;
    if (at < GPR_END) return this.readGeneral(at, kind) as Val as Val<(typeof LOAD)[K][0]>;
    return this.stateLoad(kind, at);
  }
  protected storeSlot<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte: number): void {
    const at = this.slotOf(n) + byte;
    if (at < GPR_END) this.writeGeneral(at, kind, value as Val as Int);
    else this.stateStore(kind, at, value);
  }
  /** Vector registers are in locals. */
  override stateLoad<K extends LoadKind>(kind: K, offset: number): Val<(typeof LOAD)[K][0]> {
    if (isStackState(offset)) this.code.x87Watcher?.touch();
    if (!isVector(offset)) return (this.x87?.stateLoad(offset) as Val<(typeof LOAD)[K][0]> | undefined) ?? super.stateLoad(kind, offset);
    const half = (offset - L.XMM) >> 4;
    const whole = this.code.vector(half);
    if (kind === 'v128') return whole as Val as Val<(typeof LOAD)[K][0]>;
    return this.code.lane(whole, `${kind} ${offset & 15}`, () => readLane(this.e, whole, kind, offset & 15)) as Val<(typeof LOAD)[K][0]>;
  }
  override stateStore<K extends StoreKind>(kind: K, offset: number, value: Val<(typeof STORE)[K][0]>): void {
    if (!isVector(offset)) this.code.checks.effect();
    if (isStackState(offset) || offset === L.FSW) this.code.x87Watcher?.touch();
    if (!isVector(offset)) {
      super.stateStore(kind, offset, value);
      if (offset === L.MXCSR) this.code.checks.setRounding();
      return;
    }
    const half = (offset - L.XMM) >> 4;
    if (kind === 'v128') return this.code.setVector(half, value as Val as V128);
    const field = `${kind} ${offset & 15}`;
    const changed = this.code.withLane(this.code.vector(half), field, (vector) => replaceLane(this.e, vector, kind, offset & 15, value));
    this.code.setVector(half, changed);
    if (kind !== 'u8' && kind !== 'u16') this.code.noteLane(changed, field, value);
  }

  // x87

  override kernel<T extends Type>(name: string, result: T, ...args: Val[]): Val<T>;
  override kernel(name: string, result: undefined, ...args: Val[]): undefined;
  override kernel(name: string, result: Type | undefined, ...args: Val[]): Val | undefined {
    this.code.checks.effect();
    if (isX87Kernel(name)) {
      this.code.x87Watcher?.move(stackMoves(name, () => this.constant(args[args.length - 1] as I32) as number));
      if (this.x87) return this.x87.call(name, args);
    } else if (CHANGES_SEGMENTS.has(name)) this.code.x87?.settlePointers();
    if (name === MOVES_STATE) this.giveUp();
    return this.stateKernel(name, result, args);
  }
  /** A kernel function's work on the state in memory. */
  stateKernel(name: string, result: Type | undefined, args: readonly Val[]): Val | undefined {
    return result ? super.kernel(name, result, ...args) : super.kernel(name, undefined, ...args);
  }
  /** Regions with the x87 in locals are not entered while an exception is pending. */
  override x87Pending(): I32 {
    return this.x87 ? this.i32(0) : super.x87Pending();
  }
  override keepX87Pointers(n: number | undefined): void {
    this.code.checks.effect();
    if (!this.code.x87) return super.keepX87Pointers(n);
    const operand = n === undefined ? undefined : { offset: this.offset(n), segment: this.field32('u8', R.REC_SEGMENT) };
    this.code.x87.keepPointers(this.record.offset, this.field32('i32', R.REC_IMMEDIATE2), operand);
  }

  // What is remembered

  override remembered<T extends Type>(what: string, make: () => Val<T>): Val<T> {
    return this.code.remembered(what, make) as Val<T>;
  }
  override readonly remembersTame = true;
  override isTame(shape: FloatShape, value: Val): boolean {
    return this.code.rangeOf(value, shape) !== undefined;
  }
  override noteTame(shape: FloatShape, ...values: Val[]): void {
    for (const value of values) this.code.noteRange(value, this.code.rangeOf(value, shape) ?? NORMAL_RANGES[shape]);
  }
  override noteInteger(value: Val): void {
    this.code.noteRange(value, INTEGERS);
  }
  override defer(check: DeferredCheck): boolean {
    return this.code.checks.defer(this, this.record, check);
  }
  override giveUp(): void {
    this.code.leaveAt(this.record);
  }
  protected addressRegister(field: number): Int {
    const slot = this.field32('u16', field);
    if (slot === L.ZERO) return this.int(0, this.addressBits);
    // The base of addresses that are relative to RIP.
    if (slot === L.IP_BASE) return this.ipBase();
    if (slot >= GPR_END) return this.stateLoad('i64', slot);
    return this.fit(this.code.register((slot - L.GPR) >> 3), this.addressBits);
  }
  private get addressBits(): 32 | 64 {
    return this.long ? 64 : 32;
  }
  reg(n: number, bits: Bits): Int {
    return this.readGeneral(bits === 8 && n >= 4 ? L.GPR + (n - 4) * 8 + 1 : L.GPR + n * 8, KIND[bits]);
  }
  setReg(n: number, bits: Bits, value: Int): void {
    this.writeGeneral(bits === 8 && n >= 4 ? L.GPR + (n - 4) * 8 + 1 : L.GPR + n * 8, KIND[bits], this.fit(value, bits));
  }
  private readGeneral(at: number, kind: LoadKind): Int {
    const whole = this.code.register((at - L.GPR) >> 3);
    if (kind === 'i64') return this.fit(whole, 64);
    const low = this.fit(whole, 32) as I32;
    if (kind === 'u8') return this.and(this.shrU(low, this.i32((at & 7) * 8)), this.i32(0xff));
    return kind === 'u16' ? this.and(low, this.i32(0xffff)) : low;
  }
  /** What has 32 bits is zero-extended in 64-bit code [SDM1 3.4.1.1]. */
  private writeGeneral(at: number, kind: StoreKind, value: Int): void {
    const n = (at - L.GPR) >> 3;
    const bits = this.code.wide ? 64 : 32;
    if (kind !== 'u8' && kind !== 'u16') return this.code.setRegister(n, this.fit(value, bits));
    const shift = (at & 7) * 8;
    const mask = kind === 'u8' ? 0xff : 0xffff;
    const part = this.and(value as I32, this.i32(mask));
    const whole = this.code.register(n);
    const kept = this.and(whole, this.int(~(BigInt(mask) << BigInt(shift)), bits));
    this.code.setRegister(n, this.or(kept, this.shl(this.fit(part, bits), this.int(shift, bits))));
  }

  // Memory

  protected tlbSet(): I32 {
    return this.e.get(this.code.tlbSet);
  }
  /** What even the slow path of TRANSLATE cannot reach is the interpreter's. */
  serve(linear: Int, a: Access): I32 {
    const { e, code } = this;
    const write = a.kind !== 'read';
    if (write && !a.store) code.checks.effect();
    const { span, at } = code.span(linear, a.bytes, write);
    const base = e.variable('i32');
    const distance = () => (span.isShared ? at - span.low : 0);
    const fromSpan = (): void => {
      e.set(base, e.get(span.host));
      e.ifRarely(this.eqz(e.get(base)), () => e.set(base, this.sub(this.translate(linear, a), e.i32Later(distance))));
    };
    if (span.accesses > 1) fromSpan();
    else {
      code.deferred(() => {
        const page = this.looping ? this.loopPage(a, span.isShared ? span.write : write) : undefined;
        if (!span.isShared) return this.look(base, linear, a.bytes, write, page, () => e.set(base, this.translate(linear, a)));
        this.open(span, linear, a, page);
        fromSpan();
      });
    }
    const host = e.address(e.get(base), distance);
    if (a.store) {
      code.checks.store(host, a.bytes);
      a.store(host);
    }
    return host;
  }
  /** The page that a loop keeps for accesses by the same registers, if they are likely to stay in it. */
  private loopPage({ segment }: Access, write: boolean): LoopPage | undefined {
    const { loopPages } = this.code;
    if (segment !== 'operand') return loopPages.of(`segment ${segment}`, write);
    const [base, index] = [R.REC_RM, R.REC_INDEX].map((field) => this.field32('u16', field));
    const indexed = this.variant.rm === 'flat' || this.variant.rm === 'flat64' ? L.ZERO : index;
    if (loopPages.isFast(base) || loopPages.isFast(indexed)) return undefined;
    if (base === L.GPR + RSP * 8 && indexed === L.ZERO) return loopPages.of(`segment ${SS}`, write);
    return loopPages.of(`${base} ${indexed} ${base === L.ZERO ? this.field32('i32', R.REC_DISPLACEMENT) >> 12 : ''}`, write);
  }
  /** Sets `host` to the arena address of bytes that the TLB serves, by way of the page that a loop keeps; else `otherwise` does. */
  private look(host: Variable<'i32'>, first: Int, bytes: number, write: boolean, page: LoopPage | undefined, otherwise: () => void): void {
    if (page === undefined) return this.lookUp(host, first, bytes, write, otherwise);
    const { e, code } = this;
    const { loopPages } = code;
    e.set(host, this.add(this.fit(first, 32) as I32, loopPages.addend(page)));
    code.e.aside(() => {
      const elsewhere = this.eqz(loopPages.serves(page, first, bytes));
      e.if(elsewhere, () => this.lookUp(host, first, bytes, write, otherwise, (addend) => loopPages.keep(page, first, addend)));
    });
  }
  private lookUp(host: Variable<'i32'>, first: Int, bytes: number, write: boolean, otherwise: () => void, found?: (addend: I32) => void): void {
    const { e } = this;
    const entry = this.tlbEntry(first);
    const addend = e.load('i32', entry, L.TLB_ADDEND);
    e.set(host, this.add(this.fit(first, 32) as I32, addend));
    e.ifRarely(this.eqz(this.isServed(entry, first, bytes, write ? 'write' : 'read')), otherwise, found && (() => found(addend)));
  }
  /** One look for all accesses of a span, of which this is the first. */
  private open(span: PageSpan, linear: Int, a: Access, page: LoopPage | undefined): void {
    const { e, code } = this;
    const first = this.add(span.root, this.constantLike(span.root, span.low));
    const bytes = span.end - span.low;
    this.look(span.host, first, bytes, span.write, page, () => {
      const whole = this.i32(bytes | (span.write ? FILL_WRITE : 0));
      code.loseSpans();
      e.set(span.host, e.call(OPEN_SPAN[linear.type], [...this.accessArguments(linear, a), first, whole]) as I32);
    });
  }
  /** The host address of an access that the TLB does not serve, once a page has been looked up. */
  private translate(linear: Int, a: Access): I32 {
    const { e, code } = this;
    const host = e.call(TRANSLATE[linear.type], this.accessArguments(linear, a)) as I32;
    e.ifRarely(this.eqz(host), () => code.leaveAt(this.record));
    code.loseSpans();
    return host;
  }
  private accessArguments(linear: Int, a: Access): Val[] {
    const what = this.i32(a.bytes | (a.kind === 'read' ? 0 : FILL_WRITE));
    return [linear, this.cpu, what, this.i32(this.record.address), this.code.fuelAt(this.record)];
  }
  protected modified(): void {
    // A write that has to be carried out elsewhere has left for the interpreter.
  }

  // Flags

  setFlags(kind: 'add' | 'sub', bits: Bits, a: Int, b: Int, result: Int): void {
    this.setFlagState({ kind, bits, a, b, result });
  }
  setFlagsLogic(bits: Bits, result: Int): void {
    this.setFlagState({ kind: 'logic', bits, result });
  }
  setFlagsWith(bits: Bits, result: Int, cf: I32, of: I32, af?: I32): void {
    this.setFlagState({ kind: 'with', bits, result, cf, of, af });
  }
  setCarry(cf: I32): void {
    this.code.checks.setFlags();
    this.flags.setCarry(cf, undefined);
  }
  setCarryOverflow(cf: I32, of: I32): void {
    this.code.checks.setFlags();
    this.flags.setCarry(cf, of);
  }
  private setFlagState(state: FlagState): void {
    this.code.checks.setFlags();
    this.flags.set(state);
  }
  flag(flag: Flag): I32 {
    return this.flags.flag(flag);
  }
  condition(code: Condition): I32 {
    return this.flags.condition(code);
  }
  readFlags(): I32 {
    const bits: [Flag, number][] = [['PF', 2], ['AF', 4], ['ZF', 6], ['SF', 7], ['OF', 11]];
    return bits.reduce((all, [flag, bit]) => this.or(all, this.shl(this.flag(flag), this.i32(bit))), this.flag('CF'));
  }
  writeFlags(value: I32): void {
    this.setFlagState({ kind: 'image', value });
  }

  // Control

  override currentIp(): I64 {
    return this.fit(this.code.ipAt(this.record.offset), 64) as I64;
  }
  protected ipBase(): Int {
    return this.fit(this.code.pageBase(this.record), this.addressBits);
  }
  /** Where a branch goes on in the region, its page is mapped. */
  override checkTarget(ip: Int): void {
    if (!this.long || !this.edges.direct) super.checkTarget(ip);
  }
  jumpRelative(n: number): void {
    const target = this.target(n);
    this.checkTarget(target);
    if (!this.edges.branch()) this.code.leaveBy(this.record, target, false);
  }
  jumpTo(ip: Int): void {
    const target = this.truncate(ip);
    this.checkTarget(target);
    if (!this.edges.jump(target)) this.code.leaveBy(this.record, target, !this.returns);
  }
  /** In 64-bit code too the handler of SYSENTER may be that of 32-bit code. */
  transferTo(ip: Int): void {
    this.code.leaveTo(this.fit(ip, this.code.wide ? 64 : 32), this.record, 1);
  }
  raiseValue(): void {
    this.code.leaveAt(this.record);
  }
  helper(): void {
    this.code.leaveAt(this.record);
  }
  helperValue(): I32 {
    this.code.leaveAt(this.record);
    return this.i32(0);
  }

  // Repetition: fuel is counted as it is used, and a region leaves when it does not cover the rest any more.

  fuelAfterThis(): I32 {
    return this.code.fuelAfter(1);
  }
  iterationsAllowed(): I32 {
    const left = this.fuelAfterThis();
    return this.add(this.select(this.e.compare('gtS', left, this.i32(0)), left, this.i32(0)), this.i32(1));
  }
  /** The interpreter does one more iteration, and knows what flags an interrupt finds. */
  betweenIterations(done: I32): void {
    this.countIterations(done);
    const wanted = this.or(this.stateLoad('i32', L.TRAP_PENDING), this.stateLoad('i32', L.ATTENTION));
    this.e.ifRarely(this.or(this.ltS(this.fuelAfterThis(), this.i32(0)), wanted), () => this.code.leaveAt(this.record));
  }
  countIterations(extra: I32): void {
    this.e.set(this.code.fuel, this.sub(this.e.get(this.code.fuel), extra));
  }
}
