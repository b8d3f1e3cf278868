/**
 * The interpreter's driver: turns an instruction body into a handler. Operands come from the record at `ip`, registers
 * and flags live in the vCPU's state, and the handler goes on to the next record's handler.
 */
import * as L from '../cpu/layout.ts';
import { SS } from '../cpu/registers.ts';
import { SYSTEM_KERNEL_TYPES } from '../cpu/system/kernel-interface.ts';
import type { Bits, Condition, Flag, I32, Int, LoadKind, StoreKind } from '../isa/ops.ts';
import { FunctionBuilder, type Val, type Variable } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import type { LOAD, STORE } from '../wasm/opcodes.ts';
import { LazyFlags } from './flags.ts';
import { callHandler, type HotLoop } from './hot-loop.ts';
import type { Access } from './memory-access.ts';
import * as R from './record.ts';
import { fixedSlot, HANDLER_SIGNATURE, KIND, RecordOps, slotField } from './record-ops.ts';
import { HANDLER_FAULT, HANDLER_GO, HANDLER_GO_LONG, HANDLER_LOOKUP, HANDLER_RESOLVE, HANDLER_STOP, type Variant } from './variant.ts';

/** What a handler's code is part of: where it has its record and the fuel from, and how it goes on. */
export interface HandlerFrame {
  readonly e: FunctionBuilder;
  readonly ip: I32;
  readonly fuel: I32;
  /** On to the handler of a record. Nothing comes after it. */
  goOn(record: I32, fuel: I32): void;
}

/** A function of its own, with a handler's parameters before others. `loop`: that of its module. */
export function handlerFunction(module: ModuleBuilder, loop: HotLoop | undefined, signature = HANDLER_SIGNATURE): HandlerFrame {
  const e = new FunctionBuilder(module, signature);
  const [ip, cpu, fuel] = [0, 1, 2].map((n) => e.param(n, 'i32'));
  return { e, ip, fuel, goOn: (record, left) => callHandler(e, record, cpu, left, e.load('i32', record, R.REC_HANDLER), loop) };
}

/** How a branch finds the block that it leads to. */
interface Search {
  /** Of a branch: its count, where REC_TARGET is beside its record, and how it leaves when that is to be set. */
  readonly link?: { readonly edges: I32; readonly place: number; readonly miss: number };
  /** What is done with the block table's entry. */
  readonly found?: (block: I32) => void;
}

export class HandlerOps extends RecordOps {
  readonly ip: I32;
  private readonly flags: LazyFlags;
  /** Only repeated instructions change the fuel on their way; for the others the parameter serves. */
  private readonly fuelVariable: Variable<'i32'> | undefined;
  private readonly frame: HandlerFrame;

  constructor(frame: HandlerFrame, variant: Variant) {
    super(frame.e, variant);
    this.frame = frame;
    this.ip = frame.ip;
    this.flags = new LazyFlags(this, this.e, this.cpu);
    if (this.repeat !== 'none') {
      this.fuelVariable = this.e.variable('i32');
      this.e.set(this.fuelVariable, frame.fuel);
    }
  }

  get fuel(): I32 {
    return this.fuelVariable ? this.e.get(this.fuelVariable) : this.frame.fuel;
  }

  // Operands and registers

  /** Address of a register operand's slot, to which `slotOffset` is added statically. */
  private slot(n: number): I32 {
    const o = this.operand(n);
    if (o.kind === 'fixed') return this.cpu;
    return this.add(this.cpu, this.recordLoad('u16', slotField(o)));
  }
  private slotOffset(n: number): number {
    const o = this.operand(n);
    return o.kind === 'fixed' ? fixedSlot(o) : 0;
  }
  protected loadSlot<K extends LoadKind>(n: number, kind: K, byte: number): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.slot(n), this.slotOffset(n) + byte);
  }
  protected storeSlot<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte: number): void {
    const { kind: operand, size } = this.operand(n);
    const general = ['G', 'E', 'R', 'Z', 'B', 'fixed'].includes(operand) && size !== 'x';
    if (general) this.storeGeneral(kind, this.slot(n), value, this.slotOffset(n));
    else this.e.store(kind, this.slot(n), value, this.slotOffset(n) + byte);
  }
  /** What has 32 bits is stored zero-extended, as 64-bit mode wants it and the others do not mind [SDM1 3.4.1.1]. */
  private storeGeneral<K extends StoreKind>(kind: K, pointer: I32, value: Val<(typeof STORE)[K][0]>, offset: number): void {
    if (kind === 'i32') this.e.store('i64', pointer, this.toI64(value as I32), offset);
    else this.e.store(kind, pointer, value, offset);
  }
  protected addressRegister(field: number): Int {
    return this.e.load(this.long ? 'i64' : 'i32', this.add(this.cpu, this.recordLoad('u16', field)));
  }
  recordLoad<K extends LoadKind>(kind: K, field: number): Val<(typeof LOAD)[K][0]> {
    return this.e.load(kind, this.ip, field);
  }

  private regOffset(n: number, bits: Bits): number {
    return bits === 8 && n >= 4 ? L.GPR + (n - 4) * 8 + 1 : L.GPR + n * 8;
  }
  reg(n: number, bits: Bits): Int {
    return this.e.load(KIND[bits], this.cpu, this.regOffset(n, bits));
  }
  setReg(n: number, bits: Bits, value: Int): void {
    this.storeGeneral(KIND[bits], this.cpu, this.fit(value, bits) as never, this.regOffset(n, bits));
  }

  // Memory

  protected tlbSet(): I32 {
    return this.e.load('i32', this.cpu, L.TLB_ACTIVE);
  }
  /** What the TLB does not serve goes to a slow path, which may answer with the bounce buffer. */
  serve(linear: Int, a: Access): I32 {
    const { e } = this;
    const host = e.variable('i32');
    const entry = this.tlbEntry(linear);
    e.ifMostly(
      this.isServed(entry, linear, a.bytes, a.kind === 'read' ? 'read' : 'write'),
      () => {
        const direct = this.hostOf(linear, entry);
        if (a.store) a.store(direct);
        else if (a.kind !== 'probe') e.set(host, direct);
      },
      () => {
        const slow = (): void => {
          this.publish();
          e.set(host, this.call(...this.slowPath(linear, a), 'i32') as I32);
          e.ifRarely(this.eqz(e.get(host)), () => this.fault());
        };
        if (a.kind === 'read') slow();
        else {
          e.set(host, this.besideCode(linear, entry, this.i32(a.bytes)));
          e.if(this.eqz(e.get(host)), slow);
        }
        if (!a.store) return;
        a.store(e.get(host));
        this.modified(e.get(host));
      },
    );
    return e.get(host);
  }
  /** In 64-bit code an address that is not canonical is found there, and faults by its segment. */
  private slowPath(linear: Int, a: Access): [string, Val[]] {
    if (!this.long) return [`slow_${a.kind}`, [this.cpu, linear, this.i32(a.bytes)]];
    const through = a.segment === 'operand' ? R.SLOW_OPERAND : a.segment === SS ? R.SLOW_STACK : 0;
    return [`slow64_${a.kind}`, [this.cpu, this.address(linear), this.i32(a.bytes | through)]];
  }
  protected modified(host: I32): void {
    this.e.ifRarely(this.eq(host, this.add(this.cpu, this.i32(L.BOUNCE))), () => this.call('write_commit', [this.cpu], undefined));
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

  // Control

  protected ipBase(): Int {
    return this.stateLoad(this.long ? 'i64' : 'i32', L.IP_BASE);
  }
  jumpRelative(n: number): void {
    const count = this.recordLoad('u8', R.REC_COUNT);
    if (!this.long) {
      const target = this.target(n);
      this.checkTarget(target);
      return this.leaveTo(() => target, R.EXIT_RESOLVE, count);
    }
    // A link is known to lead to where code can be: only without one does the address matter.
    this.leaveTo(() => {
      const target = this.target(n);
      this.checkTarget(target);
      return target;
    }, R.EXIT_RESOLVE, count);
  }
  jumpTo(ip: Int): void {
    const target = this.truncate(ip);
    this.checkTarget(target);
    if (!this.returns) this.e.store('i32', this.ip, this.fit(target, 32) as I32, R.REC_LINK);
    this.leaveTo(() => target, R.EXIT_LOOKUP, this.recordLoad('u8', R.REC_COUNT));
  }
  /** On from compiled code, which has counted its instructions, by an indirect branch. */
  goIndirect(target: Int): void {
    this.leaveTo(() => target, R.EXIT_LOOKUP, this.i32(0));
  }
  /** Likewise by a direct branch or a return; compiled code has its own page in mind. */
  goDirect(target: Int): void {
    this.leaveTo(() => target, R.EXIT_RESOLVE, this.i32(0), () => {
      this.storeIp(L.IP_BASE, this.sub(target, this.recordLoad(this.long ? 's32' : 'i32', R.REC_IMMEDIATE)));
    });
  }
  /** Counts the block's instructions and goes on at `target`: by the record's link, with `linked` before, or by looking the block up. */
  leaveTo(where: () => Int, miss: number, count: I32, linked: () => void = () => {}): void {
    const { e } = this;
    const fuel = this.sub(this.fuel, count);
    e.ifRarely(this.ltS(fuel, this.i32(0)), () => this.exitTo(where(), fuel, R.EXIT_BUDGET));
    if (!this.flat) this.guardLimit(where(), fuel);
    const edges = this.sub(this.recordLoad('i32', R.REC_EDGES), this.i32(1));
    e.store('i32', this.ip, edges, R.REC_EDGES);
    e.ifRarely(this.eqz(edges), () => this.exitTo(where(), fuel, R.EXIT_HOT));
    if (miss === R.EXIT_RESOLVE) {
      const link = this.recordLoad('i32', R.REC_LINK);
      e.if(link, () => {
        linked();
        this.frame.goOn(link, fuel);
      });
    }
    const target = where();
    const place = miss === R.EXIT_RESOLVE || this.returns ? 0 : R.RECORD_SIZE;
    this.lookUp(target, fuel, { link: { edges, place, miss } });
    this.miss(target, fuel, miss);
  }
  /**
   * The instruction that comes next lies in two pages: it has a record of its own, good for as long as the second page is
   * where it was.
   */
  crossPage(): void {
    const { e } = this;
    const target = this.target(0);
    const fuel = this.sub(this.fuel, this.sub(this.recordLoad('u8', R.REC_COUNT), this.i32(1)));
    e.if(this.ltS(fuel, this.i32(0)), () => this.exitTo(target, fuel, R.EXIT_BUDGET));
    this.guardLimit(target, fuel);
    const link = this.recordLoad('i32', R.REC_LINK);
    e.if(link, () => {
      const base = this.linearIp(this.ipBase());
      const second = this.add(base, this.constantLike(base, 4096));
      const entry = this.tlbEntry(second);
      e.if(this.isPage(entry, L.TLB_EXECUTE, second), () => {
        const host = this.hostOf(second, entry);
        e.if(this.eq(host, this.recordLoad('i32', R.REC_IMMEDIATE2)), () => this.frame.goOn(link, fuel));
      });
    });
    this.exitTo(target, fuel, R.EXIT_CROSSING);
  }
  /** Goes on at the block of an address whose instructions before it are counted already. */
  goTo(target: Int): void {
    this.guardLimit(target, this.fuel);
    const found = (block: I32): void => {
      const heat = this.sub(this.e.load('i32', block, R.BLOCK_HEAT), this.i32(1));
      this.e.store('i32', block, heat, R.BLOCK_HEAT);
      this.e.ifRarely(this.eqz(heat), () => this.exitTo(target, this.fuel, R.EXIT_HOT_ENTRY));
    };
    this.lookUp(target, this.fuel, { found });
    this.miss(target, this.fuel, R.EXIT_LOOKUP);
  }
  /** A block ends with its page at the latest: where the limit of CS may lie in it, the dispatcher cuts it off there. */
  private guardLimit(target: Int, fuel: I32): void {
    if (!this.flat) this.e.if(this.nearLimit(target as I32), () => this.exitTo(target, fuel, R.EXIT_LOOKUP));
  }
  private nearLimit(target: I32): I32 {
    const limit = this.stateLoad('i32', L.SEGMENTS + L.SEGMENT_SIZE + L.SEG_LIMIT);
    return this.or(this.gtU(target, limit), this.ltU(this.sub(limit, target), this.i32(4096)));
  }
  /** Linear address of an instruction pointer. */
  private linearIp(ip: Int): Int {
    return this.flat ? ip : this.add(ip, this.stateLoad('i32', L.SEGMENTS + L.SEGMENT_SIZE + L.SEG_BASE));
  }
  /** On at the block of an address, if the TLB and, unless the branch has a link to it, the block table know it. */
  private lookUp(target: Int, fuel: I32, { link, found = () => {} }: Search): void {
    const { e } = this;
    const linear = this.linearIp(target);
    const entry = this.tlbEntry(linear);
    const goOn = (record: I32): void => {
      this.storeIp(L.IP_BASE, this.sub(target, this.and(linear, this.constantLike(linear, 4095))));
      this.frame.goOn(record, fuel);
    };
    e.if(this.isPage(entry, L.TLB_EXECUTE, linear), () => {
      const host = this.hostOf(linear, entry);
      if (link) {
        const { edges, place } = link;
        const known = this.recordLoad('i32', place + R.REC_TARGET);
        e.if(this.eq(host, known), () => goOn(this.recordLoad('i32', place + R.REC_TARGET_RECORD)));
        const often = this.select(known, this.i32(R.EDGES_TO_RELINK - 1), this.i32(R.EDGES_TO_LINK - 1));
        e.ifRarely(this.eqz(this.and(edges, often)), () => this.miss(target, fuel, link.miss));
      }
      const hash = this.xor(host, this.shrU(host, this.i32(R.BLOCK_HASH_SHIFT)));
      const slot = this.mul(this.and(hash, this.i32(R.BLOCK_TABLE_ENTRIES - 1)), this.i32(R.BLOCK_ENTRY_SIZE));
      const block = this.add(this.stateLoad('i32', L.BLOCK_TABLE), slot);
      const sameHost = this.eq(e.load('i32', block, R.BLOCK_HOST), host);
      const sameMode = this.eq(e.load('i32', block, R.BLOCK_MODE), this.stateLoad('i32', L.MODE));
      e.if(this.and(sameHost, sameMode), () => {
        found(block);
        goOn(e.load('i32', block, R.BLOCK_RECORD));
      });
    });
  }
  private storeIp(field: number, ip: Int): void {
    this.e.store(this.long ? 'i64' : 'i32', this.cpu, ip as never, field);
  }
  exitTo(target: Int, fuel: I32, reason: number): void {
    this.publishTarget(target, fuel);
    this.e.return(this.i32(reason));
  }
  private publishTarget(target: Int, fuel: I32): void {
    this.storeIp(L.RIP, target);
    this.stateStore('i32', L.FUEL, fuel);
    this.stateStore('i32', L.IP, this.ip);
  }
  /** No block is known at `target`. */
  private miss(target: Int, fuel: I32, reason: number): void {
    this.publishTarget(target, fuel);
    this.e.returnCallIndirect(HANDLER_SIGNATURE, [this.ip, this.cpu, fuel], this.i32(reason === R.EXIT_RESOLVE ? HANDLER_RESOLVE : HANDLER_LOOKUP));
  }
  /** On at RIP if a block is found there, or made, without the dispatcher; else leaves to it. */
  follow(reason: number): void {
    const record = this.call('follow', [this.cpu, this.ip, this.i32(reason === R.EXIT_RESOLVE ? 1 : 0)], 'i32') as I32;
    this.e.if(record, () => this.frame.goOn(record, this.fuel));
    this.e.return(this.i32(reason));
  }
  /** On to the next record: the end of every handler. */
  next(): void {
    this.frame.goOn(this.add(this.ip, this.i32(R.RECORD_SIZE)), this.fuel);
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
  raiseValue(vector: I32, errorCode?: number): void {
    this.stateStore('i32', L.FAULT_VECTOR, vector);
    this.stateStore('i32', L.FAULT_ERROR, this.i32(errorCode ?? 0));
    this.stateStore('i32', L.FAULT_HAS_ERROR, this.i32(errorCode === undefined ? 0 : 1));
    this.publish();
    this.fault();
  }
  /** In the exception that FAULT_* tells, with record and fuel published. */
  private fault(): void {
    this.e.returnCallIndirect(HANDLER_SIGNATURE, [this.ip, this.cpu, this.fuel], this.i32(HANDLER_FAULT));
  }
  /** Does so in the common case: no register counts that is not in the state. */
  deliverFault(): void {
    const { e } = this;
    // Nothing is to run after a record that a stop comes after: its fuel counts iterations, with none in reserve for a block.
    const next = e.load('i32', this.ip, R.RECORD_SIZE + R.REC_HANDLER);
    e.ifRarely(this.eq(next, this.i32(HANDLER_STOP)), () => e.return(this.i32(R.EXIT_FAULT)));
    const to = e.variable('i32');
    e.set(to, this.kernel('deliver_fault', SYSTEM_KERNEL_TYPES.deliver_fault.result, this.ip, this.readFlags()));
    e.if(this.eq(e.get(to), this.i32(1)), () => this.proceed(HANDLER_GO));
    e.if(e.get(to), () => this.proceed(HANDLER_GO_LONG));
    e.return(this.i32(R.EXIT_FAULT));
  }
  helper(name: string, ...args: Val[]): void {
    this.publish();
    const status = this.call(`helper_${name}`, [this.cpu, ...args], 'i32') as I32;
    this.e.if(status, () => {
      this.e.if(this.eq(status, this.i32(R.EXIT_GO)), () => this.proceed(HANDLER_GO));
      this.e.if(this.eq(status, this.i32(R.EXIT_GO_LONG)), () => this.proceed(HANDLER_GO_LONG));
      this.e.return(status);
    });
  }
  transferTo(ip: Int): void {
    this.storeIp(L.RIP, ip);
    this.proceed(this.long ? HANDLER_GO_LONG : HANDLER_GO);
  }
  /** On at RIP, with this instruction counted. */
  private proceed(handler: number): void {
    const fuel = this.fuelAfterThis();
    this.e.ifRarely(this.ltS(fuel, this.i32(0)), () => {
      this.stateStore('i32', L.FUEL, fuel);
      this.stateStore('i32', L.IP, this.ip);
      this.e.return(this.i32(R.EXIT_BUDGET));
    });
    this.e.returnCallIndirect(HANDLER_SIGNATURE, [this.ip, this.cpu, fuel], this.i32(handler));
  }
  helperValue(name: string, ...args: Val[]): I32 {
    this.publish();
    const value = this.call(`value_${name}`, [this.cpu, ...args], 'i32') as I32;
    const status = this.stateLoad('i32', L.HELPER_STATUS);
    this.e.ifRarely(status, () => this.e.return(status));
    return value;
  }
  fuelAfterThis(): I32 {
    return this.sub(this.fuel, this.recordLoad('u8', R.REC_COUNT));
  }
  iterationsAllowed(): I32 {
    const left = this.fuelAfterThis();
    return this.add(this.select(this.e.compare('gtS', left, this.i32(0)), left, this.i32(0)), this.i32(1));
  }
  betweenIterations(done: I32, settle: () => void): void {
    this.countIterations(done);
    const spent = this.ltS(this.fuel, this.recordLoad('u8', R.REC_COUNT));
    const wanted = this.or(this.stateLoad('i32', L.TRAP_PENDING), this.stateLoad('i32', L.ATTENTION));
    this.e.if(this.or(spent, wanted), () => {
      this.flags.setAside(settle);
      this.exit(R.EXIT_RESTART);
    });
  }
  countIterations(extra: I32): void {
    this.e.set(this.fuelVariable as Variable<'i32'>, this.sub(this.fuel, extra));
  }
}

