/**
 * The interpreter's driver: turns an instruction body into a handler. Operands come from the record at `ip`, registers
 * and flags live in the vCPU's state, and the handler ends in a tail call to the next record's handler.
 */
import * as L from '../cpu/layout.ts';
import { SS } from '../cpu/registers.ts';
import { type Bits, type Condition, type Flag, type I32, type Int, type LoadKind, Ops, type Place, type Repeat, type SegmentChoice, type StoreKind } from '../isa/ops.ts';
import type { Operand, OperandKind, OperandSize } from '../isa/row.ts';
import { FunctionBuilder, type Val, type Variable } from '../wasm/function.ts';
import type { ModuleBuilder, Signature } from '../wasm/module.ts';
import type { LOAD, STORE, Type } from '../wasm/opcodes.ts';
import { LazyFlags } from './flags.ts';
import { access, type AccessKind, segmentPointer } from './memory-access.ts';
import * as R from './record.ts';
import type { Variant } from './variant.ts';

/** Record, vCPU, fuel; returns why it left. */
export const HANDLER_SIGNATURE: Signature = { params: ['i32', 'i32', 'i32'], results: ['i32'] };
const VECTOR_GP = 13;

const BYTES: Record<LoadKind | StoreKind, number> = {
  u8: 1, s8: 1, u16: 2, s16: 2, i32: 4, u32: 4, f32: 4, i64: 8, f64: 8, v128: 16,
};
/** How an integer of so many bits is loaded zero-extended, and stored. */
const KIND = { 8: 'u8', 16: 'u16', 32: 'i32', 64: 'i64' } as const;

export class HandlerOps extends Ops {
  readonly e: FunctionBuilder;
  readonly osize: 16 | 32;
  readonly asize: 16 | 32;
  readonly repeat: Repeat;
  readonly operandCount: number;
  readonly ip: I32;
  readonly cpu: I32;
  private readonly variant: Variant;
  private readonly flags: LazyFlags;
  /** Only repeated instructions change the fuel on their way; for the others the parameter serves. */
  private readonly fuelVariable: Variable<'i32'> | undefined;
  private readonly fuelParam: I32;
  private effectiveAddress: I32 | undefined;

  constructor(module: ModuleBuilder, variant: Variant) {
    super();
    this.e = new FunctionBuilder(module, HANDLER_SIGNATURE);
    this.variant = variant;
    this.osize = variant.osize;
    this.repeat = variant.repeat;
    this.asize = variant.rm === 'general16' ? 16 : variant.asize;
    this.operandCount = variant.row.operands.length;
    this.ip = this.e.param(0, 'i32');
    this.cpu = this.e.param(1, 'i32');
    this.fuelParam = this.e.param(2, 'i32');
    this.flags = new LazyFlags(this, this.e, this.cpu);
    if (this.repeat !== 'none') {
      this.fuelVariable = this.e.variable('i32');
      this.e.set(this.fuelVariable, this.fuelParam);
    }
  }

  get fuel(): I32 {
    return this.fuelVariable ? this.e.get(this.fuelVariable) : this.fuelParam;
  }
  get flat(): boolean {
    return this.variant.environment === 'flat';
  }

  // Operands

  private operand(n: number): Operand {
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
    return this.e.load(KIND[this.bits(n)], this.slot(n), this.slotOffset(n));
  }
  put(n: number, value: Int): void {
    if (this.inMemory(n)) this.storeOperand(n, KIND[this.bits(n)], value as never);
    else this.e.store(KIND[this.bits(n)], this.slot(n), value as never, this.slotOffset(n));
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
        this.e.if(this.eq(host, this.add(this.cpu, this.i32(L.BOUNCE))), () => this.commit());
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
    const base = this.e.load('i32', this.add(this.cpu, this.recordLoad('u16', R.REC_RM)));
    const sum = this.add(base, this.recordLoad('i32', R.REC_DISPLACEMENT));
    if (this.variant.rm === 'flat') return sum;
    const index = this.e.load('i32', this.add(this.cpu, this.recordLoad('u16', R.REC_INDEX)));
    const all = this.add(sum, this.shl(index, this.recordLoad('u8', R.REC_SCALE)));
    return this.zeroExtend(all, this.asize) as I32;
  }
  linear(n: number): I32 {
    return this.add(this.segmentBase('operand'), this.offset(n));
  }
  field(n: number): I32 {
    const { kind } = this.operand(n);
    if (kind === 'I' || kind === 'A') return this.recordLoad('i32', R.REC_IMMEDIATE);
    return this.recordLoad('u16', kind === 'T' ? R.REC_RM : R.REC_REG);
  }
  memorySelector(): I32 {
    return this.e.load('i32', segmentPointer(this, 'operand'), L.SEG_SELECTOR);
  }
  immediate2(): I32 {
    return this.recordLoad('i32', R.REC_IMMEDIATE2);
  }
  loadOperand<K extends LoadKind>(n: number, kind: K, displacement = 0): Val<(typeof LOAD)[K][0]> {
    return this.load('operand', displacement === 0 ? this.offset(n) : this.moved(n, this.i32(displacement)), kind);
  }
  storeOperand<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, displacement = 0): void {
    this.store('operand', displacement === 0 ? this.offset(n) : this.moved(n, this.i32(displacement)), kind, value);
  }
  probeWrite(n: number, bytes: number): void {
    this.probeStore('operand', this.offset(n), bytes);
  }
  loadRegister<K extends LoadKind>(n: number, kind: K, byte = 0): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.slot(n), this.slotOffset(n) + byte);
  }
  storeRegister<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte = 0): void {
    this.e.store(kind, this.slot(n), value, this.slotOffset(n) + byte);
  }

  /** Address of a register operand's slot, to which `slotOffset` is added statically. */
  private slot(n: number): I32 {
    const o = this.operand(n);
    if (o.kind === 'fixed') return this.cpu;
    const field = 'ERQNWU'.includes(o.kind) ? R.REC_RM : R.REC_REG;
    return this.add(this.cpu, this.recordLoad('u16', field));
  }
  private slotOffset(n: number): number {
    const o = this.operand(n);
    return o.kind === 'fixed' ? L.GPR + o.register * 8 : 0;
  }
  private recordLoad<K extends LoadKind>(kind: K, field: number): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.ip, field);
  }

  // Registers and memory

  private regOffset(n: number, bits: Bits): number {
    return bits === 8 && n >= 4 ? L.GPR + (n - 4) * 8 + 1 : L.GPR + n * 8;
  }
  reg(n: number, bits: Bits): Int {
    return this.e.load(KIND[bits], this.cpu, this.regOffset(n, bits));
  }
  setReg(n: number, bits: Bits, value: Int): void {
    this.e.store(KIND[bits], this.cpu, value as never, this.regOffset(n, bits));
  }
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
    return this.add(this.e.load('i32', this.cpu, L.TLB_ACTIVE), index);
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
  commit(): void {
    this.call('write_commit', [this.cpu], undefined);
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

  // Flags

  setFlags(kind: 'add' | 'sub', bits: Bits, a: Int, b: Int, result: Int): void {
    this.flags.setArithmetic(kind, bits, a, b, result);
  }
  setFlagsLogic(bits: Bits, result: Int): void {
    this.flags.setLogic(bits, result);
  }
  setFlagsWith(bits: Bits, result: Int, cf: I32, of: I32, af?: I32): void {
    this.flags.setWith(bits, result, cf, of, af);
  }
  setCarry(cf: I32): void {
    this.flags.setCarry(cf);
  }
  setCarryOverflow(cf: I32, of: I32): void {
    this.flags.setCarryOverflow(cf, of);
  }
  flag(flag: Flag): I32 {
    return this.flags.flag(flag);
  }
  condition(code: Condition): I32 {
    return this.flags.condition(code);
  }
  readFlags(): I32 {
    return this.flags.read();
  }
  writeFlags(value: I32): void {
    this.flags.write(value);
  }
  direction(): I32 {
    return this.and(this.shrU(this.stateLoad('i32', L.EFLAGS), this.i32(10)), this.i32(1));
  }
  setDirection(value: 0 | 1): void {
    const rest = this.and(this.stateLoad('i32', L.EFLAGS), this.i32(~0x400));
    this.stateStore('i32', L.EFLAGS, this.or(rest, this.i32(value << 10)));
  }

  // Control

  private ipBase(): I32 {
    return this.stateLoad('i32', L.IP_BASE);
  }
  /** EIP as 16-bit code has it when the operand size is 16. */
  private truncate(ip: I32): I32 {
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
  jumpRelative(n: number): void {
    const target = this.target(n);
    this.checkTarget(target);
    this.leaveTo(target, R.EXIT_RESOLVE, this.recordLoad('u8', R.REC_COUNT));
  }
  jumpTo(ip: I32): void {
    const target = this.truncate(ip);
    this.checkTarget(target);
    this.leaveTo(target, R.EXIT_LOOKUP, this.recordLoad('u8', R.REC_COUNT));
  }
  /** Counts the block's instructions and goes on at `target`: by the record's link, or by looking the block up. */
  leaveTo(target: I32, miss: number, count: I32): void {
    const { e } = this;
    const fuel = this.sub(this.fuel, count);
    e.if(this.ltS(fuel, this.i32(0)), () => this.exitTo(target, fuel, R.EXIT_BUDGET));
    // A block ends with its page at the latest: where the limit of CS may lie in it, the dispatcher cuts it off there.
    if (!this.flat) e.if(this.nearLimit(target), () => this.exitTo(target, fuel, R.EXIT_LOOKUP));
    if (miss === R.EXIT_RESOLVE) {
      const link = this.recordLoad('i32', R.REC_LINK);
      e.if(link, () => this.tailCall(link, fuel));
    }
    this.lookUp(target, fuel);
    this.exitTo(target, fuel, miss);
  }
  private nearLimit(target: I32): I32 {
    const limit = this.stateLoad('i32', L.SEGMENTS + L.SEGMENT_SIZE + L.SEG_LIMIT);
    return this.or(this.gtU(target, limit), this.ltU(this.sub(limit, target), this.i32(4096)));
  }
  private lookUp(target: I32, fuel: I32): void {
    const { e } = this;
    const linear = this.flat ? target : this.add(target, this.stateLoad('i32', L.SEGMENTS + L.SEGMENT_SIZE + L.SEG_BASE));
    const entry = this.tlbEntry(linear);
    const tag = e.load('i32', entry, L.TLB_EXECUTE);
    e.if(this.eq(tag, this.and(linear, this.i32(-4096))), () => {
      const host = this.add(linear, e.load('i32', entry, L.TLB_ADDEND));
      const hash = this.xor(host, this.shrU(host, this.i32(R.BLOCK_HASH_SHIFT)));
      const slot = this.mul(this.and(hash, this.i32(R.BLOCK_TABLE_ENTRIES - 1)), this.i32(R.BLOCK_ENTRY_SIZE));
      const block = this.add(this.stateLoad('i32', L.BLOCK_TABLE), slot);
      const sameHost = this.eq(e.load('i32', block, R.BLOCK_HOST), host);
      const sameMode = this.eq(e.load('i32', block, R.BLOCK_MODE), this.stateLoad('i32', L.MODE));
      e.if(this.and(sameHost, sameMode), () => {
        this.stateStore('i32', L.IP_BASE, this.sub(target, this.and(linear, this.i32(4095))));
        this.tailCall(e.load('i32', block, R.BLOCK_RECORD), fuel);
      });
    });
  }
  exitTo(target: I32, fuel: I32, reason: number): void {
    this.stateStore('i32', L.RIP, target);
    this.stateStore('i32', L.FUEL, fuel);
    this.stateStore('i32', L.IP, this.ip);
    this.e.return(this.i32(reason));
  }
  private tailCall(record: I32, fuel: I32): void {
    this.e.returnCallIndirect(HANDLER_SIGNATURE, [record, this.cpu, fuel], this.e.load('i32', record, R.REC_HANDLER));
  }
  /** Tail call to the next record's handler: the end of every handler. */
  next(): void {
    this.tailCall(this.add(this.ip, this.i32(R.RECORD_SIZE)), this.fuel);
  }
  /** Makes record and fuel known outside, as slow paths and exits need. */
  publish(): void {
    this.stateStore('i32', L.IP, this.ip);
    this.stateStore('i32', L.FUEL, this.fuel);
  }
  exit(reason: number): void {
    this.publish();
    this.e.return(this.i32(reason));
  }
  raise(vector: number, errorCode?: number): void {
    this.raiseValue(this.i32(vector), errorCode);
  }
  raiseValue(vector: I32, errorCode?: number): void {
    this.stateStore('i32', L.FAULT_VECTOR, vector);
    this.stateStore('i32', L.FAULT_ERROR, this.i32(errorCode ?? 0));
    this.stateStore('i32', L.FAULT_HAS_ERROR, this.i32(errorCode === undefined ? 0 : 1));
    this.exit(R.EXIT_FAULT);
  }
  helper(name: string, ...args: I32[]): void {
    this.publish();
    const status = this.call(`helper_${name}`, [this.cpu, ...args], 'i32') as I32;
    this.e.if(status, () => this.e.return(status));
  }
  helperValue(name: string, ...args: I32[]): I32 {
    this.publish();
    const value = this.call(`value_${name}`, [this.cpu, ...args], 'i32') as I32;
    const status = this.stateLoad('i32', L.HELPER_STATUS);
    this.e.if(status, () => this.e.return(status));
    return value;
  }
  kernel<T extends Type>(name: string, result: T, ...args: Val[]): Val<T>;
  kernel(name: string, result: undefined, ...args: Val[]): undefined;
  kernel(name: string, result: Type | undefined, ...args: Val[]): Val | undefined {
    const all = [this.cpu, ...args];
    const signature = { params: all.map((a) => a.type), results: result ? [result] : [] };
    return this.e.call({ module: 'kernel', name, signature }, all);
  }
  call(name: string, args: I32[], result: 'i32' | undefined): Val | undefined {
    return this.e.call({ module: 'cpu', name, signature: { params: args.map(() => 'i32' as const), results: result ? [result] : [] } }, args);
  }
  iterationsAllowed(): I32 {
    const left = this.sub(this.fuel, this.recordLoad('u8', R.REC_COUNT));
    return this.add(this.select(this.e.compare('gtS', left, this.i32(0)), left, this.i32(0)), this.i32(1));
  }
  betweenIterations(done: I32): void {
    this.countIterations(done);
    const spent = this.ltS(this.fuel, this.recordLoad('u8', R.REC_COUNT));
    this.e.if(this.or(spent, this.stateLoad('i32', L.TRAP_PENDING)), () => this.exit(R.EXIT_RESTART));
  }
  countIterations(extra: I32): void {
    this.e.set(this.fuelVariable as Variable<'i32'>, this.sub(this.fuel, extra));
  }
}

