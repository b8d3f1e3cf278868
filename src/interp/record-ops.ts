/**
 * What both tiers' drivers share: operands as a decoded record has them, memory through the inline TLB check, the stack.
 * The interpreter's driver (driver.ts) reads the record's fields while it runs; the region compiler's (src/jit) knows them
 * as constants.
 */
import * as L from '../cpu/layout.ts';
import { CS, DS, RSP, SS } from '../cpu/registers.ts';
import type { CodeSize } from '../isa/decode.ts';
import { type Bits, type I32, type I64, type Int, type LoadKind, Ops, type Place, type Repeat, type SegmentChoice, type StoreKind } from '../isa/ops.ts';
import type { Operand, OperandKind, OperandSize } from '../isa/row.ts';
import type { FunctionBuilder, Val } from '../wasm/function.ts';
import type { FunctionImport, Signature } from '../wasm/module.ts';
import type { LOAD, STORE, Type } from '../wasm/opcodes.ts';
import { access, type Access, type AccessKind, segmentPointer } from './memory-access.ts';
import * as R from './record.ts';
import type { Environment, Variant } from './variant.ts';

/** Record, vCPU, fuel; returns why it left. */
export const HANDLER_SIGNATURE: Signature = { params: ['i32', 'i32', 'i32'], results: ['i32'] };
/** Exported by the interpreter: the handler in a slot of its table, with a record, the vCPU and the fuel. */
export const DISPATCH: FunctionImport = {
  module: 'interpreter', name: 'dispatch', signature: { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] },
};
const target = (type: 'i32' | 'i64'): Signature => ({ params: ['i32', 'i32', 'i32', type], results: ['i32'] });
/** Exported too: on at the instruction pointer that is the last parameter, by environment. */
export const GO: Record<Environment, FunctionImport> = {
  segmented: { module: 'interpreter', name: 'go', signature: target('i32') },
  flat: { module: 'interpreter', name: 'go_flat', signature: target('i32') },
  long: { module: 'interpreter', name: 'go_long', signature: target('i64') },
};
const likewise = (prefix: string): Record<Environment, FunctionImport> => {
  const named = (environment: Environment): FunctionImport => ({ ...GO[environment], name: `${prefix}_${environment}` });
  return { segmented: named('segmented'), flat: named('flat'), long: named('long') };
};
/** Likewise, where the record is a branch that leads there: a direct one or a return, or an indirect one. */
export const GO_DIRECT = likewise('go_direct'), GO_INDIRECT = likewise('go_indirect');
const VECTOR_GP = 13;
const FSW_ES = 0x80;

export const BYTES: Record<LoadKind | StoreKind, number> = {
  u8: 1, s8: 1, u16: 2, s16: 2, i32: 4, u32: 4, s32: 4, f32: 4, i64: 8, f64: 8, v128: 16, z32: 4, z64: 8,
};
/** How an integer of so many bits is loaded zero-extended, and stored. */
export const KIND = { 8: 'u8', 16: 'u16', 32: 'i32', 64: 'i64' } as const;

/** Address of the entry of a TLB set that serves a linear address, if any does. */
export function tlbEntry(e: FunctionBuilder, set: I32, linear: I32): I32 {
  const index = e.binary('and', e.binary('shrU', linear, e.i32(7)), e.i32((L.TLB_ENTRIES - 1) << 5));
  return e.binary('add', set, index);
}
/** The record's field with the slot of an operand's register. */
export function slotField({ kind }: Operand): number {
  switch (kind) {
    case 'E': case 'R': case 'Q': case 'N': case 'W': case 'U': return R.REC_RM;
    case 'H': case 'B': return R.REC_VVVV;
    case 'L': return R.REC_IMMEDIATE;
    case 'X': return R.REC_INDEX;
    default: return R.REC_REG;
  }
}
/** Byte offset in the vCPU's state of a fixed register. */
export const fixedSlot = (o: Operand): number => (o.size === 'x' ? L.XMM + o.register * L.XMM_STRIDE : L.GPR + o.register * 8);

export abstract class RecordOps extends Ops {
  readonly e: FunctionBuilder;
  readonly osize: CodeSize;
  readonly asize: CodeSize;
  readonly repeat: Repeat;
  readonly operandCount: number;
  readonly vex: boolean;
  readonly cpu: I32;
  protected readonly variant: Variant;
  private effectiveAddress: Int | undefined;

  constructor(e: FunctionBuilder, variant: Variant) {
    super();
    this.e = e;
    this.variant = variant;
    this.osize = variant.osize;
    this.repeat = variant.repeat;
    this.asize = variant.rm.endsWith('64') ? 64 : variant.asize;
    this.operandCount = variant.row.operands.length;
    this.vex = variant.row.vex !== undefined;
    this.cpu = e.param(1, 'i32');
  }

  /** A field of the record. */
  abstract recordLoad<K extends LoadKind>(kind: K, field: number): Val<(typeof LOAD)[K][0]>;
  /** A near return. */
  protected get returns(): boolean {
    return this.variant.row.mnemonic === 'RET';
  }

  /** A register operand, or a part of it. */
  protected abstract loadSlot<K extends LoadKind>(n: number, kind: K, byte: number): Val<(typeof LOAD)[K][0]>;
  protected abstract storeSlot<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte: number): void;
  /** The general register whose slot a field of the record names, as wide as addresses are. */
  protected abstract addressRegister(field: number): Int;
  /** RIP of the page's first byte. */
  protected abstract ipBase(): Int;
  /** Address of the active TLB set. */
  protected abstract tlbSet(): I32;
  /** Emits the access, by way of the TLB; gives the host address. */
  abstract serve(linear: Int, access: Access): I32;
  /** After a write to the host address that an access for `modify` gave. */
  protected abstract modified(host: I32): void;
  /** Raises an exception whose vector is known only when it runs. */
  abstract raiseValue(vector: I32, errorCode?: number): void;

  /** Implicit segments have base 0 and no limit. */
  get flat(): boolean {
    return this.variant.environment !== 'segmented';
  }
  /** 64-bit code: addresses, the stack pointer and RIP are i64. */
  get long(): boolean {
    return this.variant.environment === 'long';
  }

  // Operands

  protected operand(n: number): Operand {
    return this.variant.row.operands[n];
  }
  bits(n: number): Bits {
    const { size, kind } = this.operand(n);
    switch (size) {
      case 'b': return 8;
      case 'w': return 16;
      case 'v': return this.osize;
      // An immediate is extended to the operand size.
      case 'z': return kind === 'I' || this.osize === 16 ? this.osize : 32;
      case 'y': return this.osize === 64 ? 64 : 32;
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
    if (o.kind === 'I') return this.immediate(o, o.signed ? this.osize : this.bits(n));
    return this.loadSlot(n, KIND[this.bits(n)], 0);
  }
  private immediate(o: Operand, bits: Bits): Int {
    if (bits === 64) return o.size === 'v' ? this.recordLoad('i64', R.REC_IMMEDIATE) : this.recordLoad('s32', R.REC_IMMEDIATE);
    return this.zeroExtend(this.recordLoad('i32', R.REC_IMMEDIATE), bits);
  }
  put(n: number, value: Int): void {
    const bits = this.bits(n);
    const fitted = this.fit(value, bits) as never;
    if (this.inMemory(n)) this.storeOperand(n, KIND[bits], fitted);
    else this.storeSlot(n, KIND[bits], fitted, 0);
  }
  modify(n: number): Place {
    if (this.inMemory(n)) return this.modifyAt(n, this.i32(0));
    return { value: this.get(n), put: (value) => this.put(n, value) };
  }
  getAt(n: number, bytes: Int): Int {
    return this.load('operand', this.moved(n, bytes), KIND[this.bits(n)]);
  }
  modifyAt(n: number, bytes: Int): Place {
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
  private moved(n: number, bytes: Int): Int {
    return this.wrapAddress(this.add(this.offset(n), this.fitSigned(bytes, 32, this.long ? 64 : 32)));
  }
  offset(_n: number): Int {
    this.effectiveAddress ??= this.computeOffset();
    return this.effectiveAddress;
  }
  loadIndexed<K extends LoadKind>(_n: number, index: I32 | I64, kind: K): Val<(typeof LOAD)[K][0]> {
    const field = this.and(this.recordLoad('u8', R.REC_SCALE), this.i32(R.SCALE_MASK));
    const wide = this.long ? this.fitSigned(index, index.type === 'i64' ? 64 : 32, 64) : index.type === 'i64' ? this.wrap(index) : index;
    const scaled = this.shl(wide, this.constantLikeValue(wide, field));
    const base = this.addressRegister(R.REC_RM);
    const sum = this.add(this.add(base, this.recordLoad(this.long ? 's32' : 'i32', R.REC_DISPLACEMENT)), scaled);
    return this.load('operand', this.wrapAddress(sum), kind);
  }
  private constantLikeValue(like: Int, value: I32): Int {
    return like.type === 'i64' ? this.toI64(value) : value;
  }
  private computeOffset(): Int {
    const { rm } = this.variant;
    if (this.long && this.variant.row.operands.some((o) => o.kind === 'O')) return this.recordLoad('i64', R.REC_IMMEDIATE);
    const base = this.addressRegister(R.REC_RM);
    const sum = this.add(base, this.recordLoad(this.long ? 's32' : 'i32', R.REC_DISPLACEMENT));
    if (rm === 'flat' || rm === 'flat64') return sum;
    const index = this.addressRegister(R.REC_INDEX);
    const field = this.recordLoad('u8', R.REC_SCALE);
    const scale = this.general ? this.and(field, this.i32(R.SCALE_MASK)) : field;
    return this.wrapAddress(this.add(sum, this.shl(index, this.long ? this.toI64(scale) : scale)));
  }
  private get general(): boolean {
    return this.variant.rm === 'general' || this.variant.rm === 'general64';
  }
  /** An address cut off at the address size, which general forms have in the record. */
  private wrapAddress(address: Int): Int {
    if (!this.general) return address;
    const unused = this.fit(this.and(this.recordLoad('u8', R.REC_SCALE), this.i32(this.long ? R.SCALE_ADDRESS32 : R.SCALE_ADDRESS16)), this.long ? 64 : 32);
    return this.shrU(this.shl(address, unused), unused);
  }
  linear(n: number): Int {
    return this.throughBase('operand', this.offset(n));
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
  private part(n: number, displacement: number): Int {
    const offset = this.offset(n);
    return displacement === 0 ? offset : this.add(offset, this.constantLike(offset, displacement));
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
  load<K extends LoadKind>(segment: SegmentChoice, offset: Int, kind: K): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.access(segment, offset, BYTES[kind], 'read'));
  }
  store<K extends StoreKind>(segment: SegmentChoice, offset: Int, kind: K, value: Val<(typeof STORE)[K][0]>): void {
    this.access(segment, offset, BYTES[kind], 'write', (host) => this.e.store(kind, host, value));
  }
  probeStore(segment: SegmentChoice, offset: Int, bytes: number): void {
    this.access(segment, offset, bytes, 'probe');
  }
  private access(segment: SegmentChoice, offset: Int, bytes: number, kind: AccessKind, store?: (host: I32) => void): I32 {
    return access(this, { segment, offset: this.long ? this.fit(offset, 64) : offset, bytes, kind, ...(store ? { store } : {}) });
  }
  /** Segments with base 0 and without a limit (or one of 4 GiB) in this variant. */
  isFlat(segment: SegmentChoice): boolean {
    const { rm } = this.variant;
    if (segment !== 'operand') return this.flat;
    if (this.long) return rm === 'flat64' || rm === 'indexed64';
    return rm === 'none' || rm === 'register' ? this.flat : rm === 'flat' || rm === 'indexed';
  }
  /** The linear address of an offset, without a check. */
  throughBase(segment: SegmentChoice, offset: Int): Int {
    if (this.isFlat(segment)) return offset;
    const pointer = segmentPointer(this, segment);
    if (!this.long) return this.add(this.e.load('i32', pointer, L.SEG_BASE), offset);
    // Only FS and GS have a base in 64-bit mode [SDM1 3.3.4].
    const based = this.gtU(this.recordLoad('u8', R.REC_SEGMENT), this.i32(DS));
    return this.add(this.select(based, this.e.load('i64', pointer, L.SEG_BASE), this.i64(0)), offset);
  }
  span(segment: SegmentChoice, offset: Int, bytes: I32, kind: 'read' | 'write'): I32 {
    const host = this.e.variable('i32');
    this.e.set(host, this.i32(0));
    const inside = this.long || this.isFlat(segment) ? this.i32(1) : this.inLimit(segment, offset as I32, bytes, kind);
    this.e.if(inside, () => {
      const linear = this.throughBase(segment, this.long ? this.fit(offset, 64) : offset);
      const entry = this.tlbEntry(linear);
      const hit = this.isPage(entry, kind === 'read' ? L.TLB_READ : L.TLB_WRITE, linear);
      this.e.if(hit, () => this.e.set(host, this.hostOf(linear, entry)));
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
  tlbEntry(linear: Int): I32 {
    return tlbEntry(this.e, this.tlbSet(), this.fit(linear, 32) as I32);
  }
  /** True when a tag of a TLB entry names the page of an address. */
  isPage(entry: I32, tag: number, linear: Int): I32 {
    return this.eq(this.e.load(linear.type, entry, tag), this.and(linear, this.constantLike(linear, -4096)));
  }
  /** True when a TLB entry, that of the first byte, serves an access: one that crosses its page never equals the tag. */
  isServed(entry: I32, linear: Int, bytes: number, access: 'read' | 'write'): I32 {
    const last = bytes === 1 ? linear : this.add(linear, this.constantLike(linear, bytes - 1));
    return this.isPage(entry, access === 'read' ? L.TLB_READ : L.TLB_WRITE, last);
  }
  /** Arena address of a linear one that a TLB entry serves. */
  hostOf(linear: Int, entry: I32): I32 {
    return this.add(this.fit(linear, 32) as I32, this.e.load('i32', entry, L.TLB_ADDEND));
  }
  /** Where a store goes that the write tag does not serve, if it changes nothing that code was made from; else 0. */
  protected besideCode(linear: Int, entry: I32, bytes: I32): I32 {
    return this.kernel(linear.type === 'i32' ? 'beside_code' : 'beside_code64', 'i32', linear, entry, bytes);
  }
  pageRoom(segment: SegmentChoice, offset: Int): I32 {
    return this.sub(this.i32(4096), this.and(this.fit(this.throughBase(segment, this.long ? this.fit(offset, 64) : offset), 32) as I32, this.i32(4095)));
  }

  // Stack

  private get stackSegment(): SegmentChoice {
    return SS;
  }
  private get stackRegister(): Int {
    return this.reg(RSP, this.long ? 64 : 32);
  }
  stackPointer(): Int {
    return this.maskStack(this.stackRegister);
  }
  setStackPointer(value: Int): void {
    if (this.flat) {
      this.setReg(RSP, this.long ? 64 : 32, value);
      return;
    }
    const mask = this.stateLoad('i32', L.STACK_MASK);
    const kept = this.and(this.stackRegister, this.xor(mask, this.i32(-1)));
    this.setReg(RSP, 32, this.or(kept, this.and(value, mask)));
  }
  private maskStack(offset: Int): Int {
    return this.flat ? offset : this.and(offset, this.stateLoad('i32', L.STACK_MASK));
  }
  push(value: Int, bits: Bits): void {
    this.pushAll([value], bits);
  }
  pushAll(values: readonly Int[], bits: Bits): void {
    const size = bits / 8;
    const top = this.stackRegister;
    const places = values.map((_, i) => this.maskStack(this.sub(top, this.constantLike(top, (i + 1) * size))));
    if (places.length > 1) for (const at of places) this.probeStore(this.stackSegment, at, size);
    for (const [i, value] of values.entries()) this.store(this.stackSegment, places[i], KIND[bits], this.fit(value, bits) as never);
    this.setStackPointer(places[places.length - 1]);
  }
  stackTop(bits: Bits, depth = 0): Int {
    const top = this.stackPointer();
    return this.loadStack(depth === 0 ? top : this.add(top, this.constantLike(top, depth)), bits);
  }
  loadStack(offset: Int, bits: Bits): Int {
    return this.load(this.stackSegment, this.maskStack(offset), KIND[bits]);
  }
  adjustStack(bytes: number | I32): void {
    const top = this.stackRegister;
    this.setStackPointer(this.add(top, typeof bytes === 'number' ? this.constantLike(top, bytes) : this.long ? this.toI64(bytes) : bytes));
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
  protected truncate(ip: Int): Int {
    return this.osize === 16 ? this.and(ip, this.i32(0xffff)) : ip;
  }
  currentIp(): I64 {
    return this.add(this.stateLoad('i64', L.IP_BASE), this.toI64(this.recordLoad('u16', R.REC_OFFSET)));
  }
  nextIp(): Int {
    return this.inPage(this.add(this.recordLoad('u16', R.REC_OFFSET), this.recordLoad('u8', R.REC_LENGTH)));
  }
  target(_n: number): Int {
    const target = this.truncate(this.inPage(this.recordLoad('i32', R.REC_IMMEDIATE)));
    if (!this.long) return target;
    return this.add(target, this.shl(this.toI64(this.recordLoad('u8', R.REC_FAR)), this.i64(32)));
  }
  /** The instruction pointer that is so far from the page's first byte. */
  private inPage(distance: I32): Int {
    return this.add(this.ipBase(), this.long ? this.toI64S(distance) : distance);
  }
  checkTarget(ip: Int): void {
    if (this.long) return this.raiseIf(this.eqz(this.isCanonical(ip as I64)), VECTOR_GP, 0);
    if (this.flat) return;
    const end = this.stateLoad('i32', L.SEGMENTS + L.SEGMENT_SIZE + L.SEG_LIMIT);
    this.raiseIf(this.gtU(this.truncate(ip), end), VECTOR_GP, 0);
  }
  raise(vector: number, errorCode?: number): void {
    this.raiseValue(this.i32(vector), errorCode);
  }
  x87Pending(): I32 {
    return this.and(this.stateLoad('u16', L.FSW), this.i32(FSW_ES));
  }
  keepX87Pointers(n: number | undefined): void {
    this.stateStore('i64', L.FIP, this.currentIp());
    this.stateStore('u16', L.FCS, this.segmentSelector(CS));
    this.stateStore('u16', L.FOP, this.immediate2());
    if (n === undefined) return;
    this.stateStore('i64', L.FDP, this.fit(this.offset(n), 64) as I64);
    this.stateStore('u16', L.FDS, this.memorySelector());
  }
  kernel<T extends Type>(name: string, result: T, ...args: Val[]): Val<T>;
  kernel(name: string, result: undefined, ...args: Val[]): undefined;
  kernel(name: string, result: Type | undefined, ...args: Val[]): Val | undefined {
    const all = [this.cpu, ...args];
    const signature = { params: all.map((a) => a.type), results: result ? [result] : [] };
    return this.e.call({ module: 'kernel', name, signature }, all);
  }
  protected call(name: string, args: Val[], result: 'i32' | undefined): Val | undefined {
    return this.e.call({ module: 'cpu', name, signature: { params: args.map((a) => a.type), results: result ? [result] : [] } }, args);
  }
}
