/**
 * What both tiers' drivers share: operands as a decoded record has them, memory through the inline TLB check, the stack.
 * The interpreter's driver (driver.ts) reads the record's fields while it runs; the region compiler's (src/jit) knows them
 * as constants.
 */
import * as L from '../cpu/layout.ts';
import { SS } from '../cpu/registers.ts';
import { type Bits, type I32, type Int, type LoadKind, Ops, type Place, type Repeat, type SegmentChoice, type StoreKind } from '../isa/ops.ts';
import type { Operand, OperandKind, OperandSize } from '../isa/row.ts';
import type { FunctionBuilder, Val } from '../wasm/function.ts';
import type { FunctionImport, Signature } from '../wasm/module.ts';
import type { LOAD, STORE, Type } from '../wasm/opcodes.ts';
import { access, type Access, type AccessKind, segmentPointer } from './memory-access.ts';
import * as R from './record.ts';
import type { Variant } from './variant.ts';

/** Record, vCPU, fuel; returns why it left. */
export const HANDLER_SIGNATURE: Signature = { params: ['i32', 'i32', 'i32'], results: ['i32'] };
/** Exported by the interpreter: the handler in a slot of its table, with a record, the vCPU and the fuel. */
export const DISPATCH: FunctionImport = {
  module: 'interpreter', name: 'dispatch', signature: { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] },
};
const VECTOR_GP = 13;

export const BYTES: Record<LoadKind | StoreKind, number> = {
  u8: 1, s8: 1, u16: 2, s16: 2, i32: 4, u32: 4, f32: 4, i64: 8, f64: 8, v128: 16,
};
/** How an integer of so many bits is loaded zero-extended, and stored. */
export const KIND = { 8: 'u8', 16: 'u16', 32: 'i32', 64: 'i64' } as const;

export abstract class RecordOps extends Ops {
  readonly e: FunctionBuilder;
  readonly osize: 16 | 32;
  readonly asize: 16 | 32;
  readonly repeat: Repeat;
  readonly operandCount: number;
  readonly cpu: I32;
  protected readonly variant: Variant;
  private effectiveAddress: I32 | undefined;

  constructor(e: FunctionBuilder, variant: Variant) {
    super();
    this.e = e;
    this.variant = variant;
    this.osize = variant.osize;
    this.repeat = variant.repeat;
    this.asize = variant.rm === 'general16' ? 16 : variant.asize;
    this.operandCount = variant.row.operands.length;
    this.cpu = e.param(1, 'i32');
  }

  /** A field of the record. */
  abstract recordLoad<K extends LoadKind>(kind: K, field: number): Val<(typeof LOAD)[K][0]>;
  /** A register operand, or a part of it. */
  protected abstract loadSlot<K extends LoadKind>(n: number, kind: K, byte: number): Val<(typeof LOAD)[K][0]>;
  protected abstract storeSlot<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte: number): void;
  /** The general register whose slot a field of the record names. */
  protected abstract addressRegister(field: number): I32;
  /** RIP of the page's first byte. */
  protected abstract ipBase(): I32;
  /** Address of the active TLB set. */
  protected abstract tlbSet(): I32;
  /** Emits the access, now that `hit` tells whether the TLB serves it; gives the host address. */
  abstract serve(linear: I32, entry: I32, hit: I32, access: Access): I32;
  /** After a write to the host address that an access for `modify` gave. */
  protected abstract modified(host: I32): void;
  /** Raises an exception whose vector is known only when it runs. */
  abstract raiseValue(vector: I32, errorCode?: number): void;

  get flat(): boolean {
    return this.variant.environment === 'flat';
  }

  // Operands

  protected operand(n: number): Operand {
    return this.variant.row.operands[n];
  }
  bits(n: number): Bits {
    switch (this.operand(n).size) {
      case 'b': return 8;
      case 'w': return 16;
      case 'v':
      case 'z': return this.osize;
      case 'q': return 64;
      default: return 32;
    }
  }
  operandKind(n: number): OperandKind {
    return this.operand(n).kind;
  }
  operandSize(n: number): OperandSize {
    return this.operand(n).size;
  }
  inMemory(n: number): boolean {
    const { kind } = this.operand(n);
    if (kind === 'M' || kind === 'O') return true;
    return (kind === 'E' || kind === 'Q' || kind === 'W') && this.variant.rm !== 'register';
  }
  isImmediate(n: number): boolean {
    const { kind } = this.operand(n);
    return kind === 'I' || kind === 'one';
  }
  constant(value: I32): number | undefined {
    return this.e.constantOf(value) as number | undefined;
  }
  get(n: number): Int {
    return this.inMemory(n) ? this.loadOperand(n, KIND[this.bits(n)]) : this.getDirect(n);
  }
  /** An operand that is no memory. */
  private getDirect(n: number): Int {
    const o = this.operand(n);
    if (o.kind === 'one') return this.i32(1);
    if (o.kind === 'I') return this.zeroExtend(this.recordLoad('i32', R.REC_IMMEDIATE), o.signed ? this.osize : this.bits(n));
    return this.loadSlot(n, KIND[this.bits(n)], 0);
  }
  put(n: number, value: Int): void {
    if (this.inMemory(n)) this.storeOperand(n, KIND[this.bits(n)], value as never);
    else this.storeSlot(n, KIND[this.bits(n)], value as never, 0);
  }
  modify(n: number): Place {
    if (this.inMemory(n)) return this.modifyAt(n, this.i32(0));
    return { value: this.get(n), put: (value) => this.put(n, value) };
  }
  getAt(n: number, bytes: I32): Int {
    return this.load('operand', this.moved(n, bytes), KIND[this.bits(n)]);
  }
  modifyAt(n: number, bytes: I32): Place {
    const kind = KIND[this.bits(n)];
    const host = this.access('operand', this.moved(n, bytes), BYTES[kind], 'modify');
    return {
      value: this.e.load(kind, host),
      put: (value) => {
        this.e.store(kind, host, value as never);
        this.modified(host);
      },
    };
  }
  /** Effective address of operand `n` plus `bytes`, wrapped at the address size. */
  private moved(n: number, bytes: I32): I32 {
    return this.zeroExtend(this.add(this.offset(n), bytes), this.asize) as I32;
  }
  offset(_n: number): I32 {
    this.effectiveAddress ??= this.computeOffset();
    return this.effectiveAddress;
  }
  private computeOffset(): I32 {
    const base = this.addressRegister(R.REC_RM);
    const sum = this.add(base, this.recordLoad('i32', R.REC_DISPLACEMENT));
    if (this.variant.rm === 'flat') return sum;
    const index = this.addressRegister(R.REC_INDEX);
    const all = this.add(sum, this.shl(index, this.recordLoad('u8', R.REC_SCALE)));
    return this.zeroExtend(all, this.asize) as I32;
  }
  linear(n: number): I32 {
    return this.add(this.segmentBase('operand'), this.offset(n));
  }
  field(n: number): I32 {
    const { kind } = this.operand(n);
    if (kind === 'I' || kind === 'A') return this.recordLoad('i32', R.REC_IMMEDIATE);
    return this.recordLoad('u16', kind === 'T' || kind === 'R' ? R.REC_RM : R.REC_REG);
  }
  memorySelector(): I32 {
    return this.e.load('i32', segmentPointer(this, 'operand'), L.SEG_SELECTOR);
  }
  immediate2(): I32 {
    return this.recordLoad('i32', R.REC_IMMEDIATE2);
  }
  loadOperand<K extends LoadKind>(n: number, kind: K, displacement = 0): Val<(typeof LOAD)[K][0]> {
    return this.load('operand', this.part(n, displacement), kind);
  }
  storeOperand<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, displacement = 0): void {
    this.store('operand', this.part(n, displacement), kind, value);
  }
  /** A later part of an operand: only the address of the first wraps at the address size [SDM3 5.3]. */
  private part(n: number, displacement: number): I32 {
    return displacement === 0 ? this.offset(n) : this.add(this.offset(n), this.i32(displacement));
  }
  probeWrite(n: number, bytes: number): void {
    this.probeStore('operand', this.offset(n), bytes);
  }
  loadRegister<K extends LoadKind>(n: number, kind: K, byte = 0): Val<(typeof LOAD)[K][0]> {
    return this.loadSlot(n, kind, byte);
  }
  storeRegister<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte = 0): void {
    this.storeSlot(n, kind, value, byte);
  }

  // Registers and memory

  stateLoad<K extends LoadKind>(kind: K, offset: number): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.cpu, offset);
  }
  stateStore<K extends StoreKind>(kind: K, offset: number, value: Val<(typeof STORE)[K][0]>): void {
    this.e.store(kind, this.cpu, value, offset);
  }
  load<K extends LoadKind>(segment: SegmentChoice, offset: I32, kind: K): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.access(segment, offset, BYTES[kind], 'read'));
  }
  store<K extends StoreKind>(segment: SegmentChoice, offset: I32, kind: K, value: Val<(typeof STORE)[K][0]>): void {
    this.access(segment, offset, BYTES[kind], 'write', (host) => this.e.store(kind, host, value));
  }
  probeStore(segment: SegmentChoice, offset: I32, bytes: number): void {
    this.access(segment, offset, bytes, 'probe');
  }
  private access(segment: SegmentChoice, offset: I32, bytes: number, kind: AccessKind, store?: (host: I32) => void): I32 {
    return access(this, { segment: this.isFlat(segment) ? undefined : segment, offset, bytes, kind, ...(store ? { store } : {}) });
  }
  /** Segments with base 0 and limit 4 GiB in this variant. */
  isFlat(segment: SegmentChoice): boolean {
    if (segment === 'operand' && this.variant.rm !== 'none') return this.variant.rm === 'flat' || this.variant.rm === 'indexed';
    return this.flat;
  }
  private segmentBase(segment: SegmentChoice): I32 {
    if (this.isFlat(segment)) return this.i32(0);
    return this.e.load('i32', segmentPointer(this, segment), L.SEG_BASE);
  }
  span(segment: SegmentChoice, offset: I32, bytes: I32, kind: 'read' | 'write'): I32 {
    const host = this.e.variable('i32');
    this.e.set(host, this.i32(0));
    const inside = this.isFlat(segment) ? this.i32(1) : this.inLimit(segment, offset, bytes, kind);
    this.e.if(inside, () => {
      const linear = this.add(this.segmentBase(segment), offset);
      const entry = this.tlbEntry(linear);
      const tag = this.e.load('i32', entry, kind === 'read' ? L.TLB_READ : L.TLB_WRITE);
      this.e.if(this.eq(tag, this.and(linear, this.i32(-4096))), () => this.e.set(host, this.add(linear, this.e.load('i32', entry, L.TLB_ADDEND))));
    });
    return this.e.get(host);
  }
  private inLimit(segment: SegmentChoice, offset: I32, bytes: I32, kind: 'read' | 'write'): I32 {
    const pointer = segmentPointer(this, segment);
    const end = this.e.load('i64', pointer, kind === 'read' ? L.SEG_READ_END : L.SEG_WRITE_END);
    const last = this.add(this.toI64(offset), this.toI64(bytes));
    const within = this.e.compare('leU', last, end);
    // Offsets of 16-bit strings wrap, which a span does not.
    const unwrapped = this.e.compare('leU', last, this.i64(this.asize === 16 ? 0x10000 : 0x100000000));
    return this.and(this.and(within, unwrapped), this.e.compare('geU', offset, this.e.load('i32', pointer, L.SEG_START)));
  }
  tlbEntry(linear: I32): I32 {
    const index = this.and(this.shrU(linear, this.i32(7)), this.i32((L.TLB_ENTRIES - 1) << 5));
    return this.add(this.tlbSet(), index);
  }
  pageRoom(segment: SegmentChoice, offset: I32): I32 {
    return this.sub(this.i32(4096), this.and(this.add(this.segmentBase(segment), offset), this.i32(4095)));
  }
  hostCopy(to: I32, from: I32, bytes: I32): void {
    this.e.memoryCopy(to, from, bytes);
  }
  hostFill(to: I32, byte: I32, bytes: I32): void {
    this.e.memoryFill(to, byte, bytes);
  }
  // Stack

  private get stackSegment(): SegmentChoice {
    return SS;
  }
  stackPointer(): I32 {
    const esp = this.reg(4, 32) as I32;
    return this.flat ? esp : this.and(esp, this.stateLoad('i32', L.STACK_MASK));
  }
  setStackPointer(value: I32): void {
    if (this.flat) {
      this.setReg(4, 32, value);
      return;
    }
    const mask = this.stateLoad('i32', L.STACK_MASK);
    const kept = this.and(this.reg(4, 32) as I32, this.xor(mask, this.i32(-1)));
    this.setReg(4, 32, this.or(kept, this.and(value, mask)));
  }
  private maskStack(offset: I32): I32 {
    return this.flat ? offset : this.and(offset, this.stateLoad('i32', L.STACK_MASK));
  }
  push(value: Int, bits: Bits): void {
    this.pushAll([value], bits);
  }
  pushAll(values: readonly Int[], bits: Bits): void {
    const size = bits / 8;
    const places = values.map((_, i) => this.maskStack(this.sub(this.reg(4, 32) as I32, this.i32((i + 1) * size))));
    if (places.length > 1) for (const at of places) this.probeStore(this.stackSegment, at, size);
    for (const [i, value] of values.entries()) this.store(this.stackSegment, places[i], KIND[bits], value as never);
    this.setStackPointer(places[places.length - 1]);
  }
  stackTop(bits: Bits, depth = 0): Int {
    return this.loadStack(depth === 0 ? this.stackPointer() : this.add(this.stackPointer(), this.i32(depth)), bits);
  }
  loadStack(offset: I32, bits: Bits): Int {
    return this.load(this.stackSegment, this.maskStack(offset), KIND[bits]);
  }
  adjustStack(bytes: number | I32): void {
    this.setStackPointer(this.add(this.reg(4, 32) as I32, typeof bytes === 'number' ? this.i32(bytes) : bytes));
  }
  segmentSelector(segment: number): I32 {
    return this.stateLoad('i32', L.SEGMENTS + segment * L.SEGMENT_SIZE + L.SEG_SELECTOR);
  }
  selectorOf(n: number): I32 {
    const pointer = this.add(this.cpu, this.mul(this.field(n), this.i32(L.SEGMENT_SIZE)));
    return this.e.load('i32', pointer, L.SEGMENTS + L.SEG_SELECTOR);
  }

  // Control

  direction(): I32 {
    return this.and(this.shrU(this.stateLoad('i32', L.EFLAGS), this.i32(10)), this.i32(1));
  }
  setDirection(value: 0 | 1): void {
    const rest = this.and(this.stateLoad('i32', L.EFLAGS), this.i32(~0x400));
    this.stateStore('i32', L.EFLAGS, this.or(rest, this.i32(value << 10)));
  }

  /** EIP as 16-bit code has it when the operand size is 16. */
  protected truncate(ip: I32): I32 {
    return this.osize === 16 ? this.and(ip, this.i32(0xffff)) : ip;
  }
  currentIp(): I32 {
    return this.add(this.ipBase(), this.recordLoad('u16', R.REC_OFFSET));
  }
  nextIp(): I32 {
    const offset = this.add(this.recordLoad('u16', R.REC_OFFSET), this.recordLoad('u8', R.REC_LENGTH));
    return this.add(this.ipBase(), offset);
  }
  target(_n: number): I32 {
    return this.truncate(this.add(this.ipBase(), this.recordLoad('i32', R.REC_IMMEDIATE)));
  }
  checkTarget(ip: I32): void {
    if (this.flat) return;
    const end = this.stateLoad('i32', L.SEGMENTS + L.SEGMENT_SIZE + L.SEG_LIMIT);
    this.raiseIf(this.gtU(this.truncate(ip), end), VECTOR_GP, 0);
  }
  raise(vector: number, errorCode?: number): void {
    this.raiseValue(this.i32(vector), errorCode);
  }
  kernel<T extends Type>(name: string, result: T, ...args: Val[]): Val<T>;
  kernel(name: string, result: undefined, ...args: Val[]): undefined;
  kernel(name: string, result: Type | undefined, ...args: Val[]): Val | undefined {
    const all = [this.cpu, ...args];
    const signature = { params: all.map((a) => a.type), results: result ? [result] : [] };
    return this.e.call({ module: 'kernel', name, signature }, all);
  }
  protected call(name: string, args: I32[], result: 'i32' | undefined): Val | undefined {
    return this.e.call({ module: 'cpu', name, signature: { params: args.map(() => 'i32' as const), results: result ? [result] : [] } }, args);
  }
}
