/**
 * The x87 in a compiled region: registers, tags, status and pointers in locals. TOP moves by constants, so that registers are numbered from where
 * it was at one place of the region on, and all that depends on TOP is `base`, the physical register that is number 0. Where the ways to a place
 * do not agree on TOP, or something else touches the registers, the region has none of this, and calls the kernel for each instruction
 * (x87-depth.ts).
 *
 * While it runs, FPR, FTW, FTOP, FOP, FIP, FDP, FCS and FDS in the state are old, and its FSW lacks condition codes, TOP and some of #P. FCW, and what
 * is pending by it, are always in the state: no exception is pending in a region, or else the interpreter runs in its place.
 */
import * as L from '../cpu/layout.ts';
import { CS } from '../cpu/registers.ts';
import type { I32, I64, Int } from '../isa/ops.ts';
import { Shorthand } from '../isa/shorthand.ts';
import type { Variable } from '../wasm/function.ts';
import type { IntType } from '../wasm/opcodes.ts';
import type { RegionCode, RegionFunction } from './region-code.ts';
import { fromRegister, type Real, signExponent, SPECIAL } from './x87-real.ts';

const FSW_PE_SHIFT = 5;
const FSW_C1_SHIFT = 9;
const FSW_TOP_SHIFT = 11;
/** C0, C2 and C3. */
const FSW_CODES = 0x4500;
/** The condition codes and TOP. */
const FSW_KEPT_APART = 0x7f00;
/** RC, PC and PM of the control word [SDM1 8.1.5], and how they stand when rounding is to nearest, to 64 bits and #P masked. */
const FCW_ROUNDING = 0xf20;
const FCW_COMMON = 0x320;
const FCW_MASKS = 0x3f;

interface RealVariable {
  readonly exponent: Variable<'i32'>;
  readonly sign: Variable<'i64'>;
  readonly sig: Variable<'i64'>;
}

/** What is known at a place in the code. */
export interface X87Knowledge {
  readonly depth: number;
  /** Registers that are known not to be empty, and to be empty, as bits. */
  readonly full: number;
  readonly empty: number;
  readonly reals: readonly (Real | undefined)[];
}

class Values extends Shorthand {
  readonly e: RegionFunction;

  constructor(e: RegionFunction) {
    super();
    this.e = e;
  }
}

/** Leaves the instruction to the interpreter; it has done nothing yet. */
type Leave = () => void;

export class RegionX87 {
  readonly o: Shorthand;
  /** Number of the register that is ST(0). */
  depth = 0;
  private full = 0;
  private empty = 0;
  private reals: (Real | undefined)[] = [];
  private readonly code: RegionCode;
  private readonly registers: RealVariable[] = [];
  private readonly written = new Set<number>();
  private readonly base: Variable<'i32'>;
  private readonly tags: Variable<'i32'>;
  private readonly exitDepth: Variable<'i32'>;
  private readonly c1: Variable<'i32'>;
  private readonly codes: Variable<'i32'>;
  /** Not 0: something has been inexact. */
  private readonly inexact: Variable<'i64'>;
  /** 0, or `SPECIAL` where rounding is not the common one. */
  private readonly uncommon: Variable<'i32'>;
  /** 0: FOP, FIP and FCS are what they were. Or the last instruction's: its place in bits 0 to 31, opcode from bit 32 on, bit 63 set. */
  private readonly last: Variable<'i64'>;
  private readonly fdp: Variable<IntType>;
  /** Distance of the segment register of the last operand in memory from the state; 0: FDP and FDS are what they were. */
  private readonly fds: Variable<'i32'>;
  /** For what is computed in one of two ways. */
  readonly made: RealVariable;
  readonly madeC1: Variable<'i32'>;
  readonly madeLost: Variable<'i64'>;
  private readonly loads: ((statements: () => void) => void)[] = [];
  private readonly stores: ((statements: () => void) => void)[] = [];

  constructor(code: RegionCode) {
    this.code = code;
    const { e } = code;
    this.o = new Values(e);
    const words = ['x87_base', 'x87_tags', 'x87_exit_depth', 'x87_c1', 'x87_codes', 'x87_uncommon', 'fds', 'x87_made_c1'];
    [this.base, this.tags, this.exitDepth, this.c1, this.codes, this.uncommon, this.fds, this.madeC1] = words.map((name) => e.variable('i32', name));
    this.inexact = e.variable('i64', 'x87_inexact');
    this.madeLost = e.variable('i64', 'x87_made_lost');
    this.last = e.variable('i64', 'x87_last');
    this.fdp = e.variable(code.wide ? 'i64' : 'i32', 'fdp');
    this.made = this.realVariable('x87_made');
  }

  private store8(field: number, value: I32): void {
    this.code.e.store('u8', this.code.cpu, value, field);
  }
  private store16(field: number, value: I32): void {
    this.code.e.store('u16', this.code.cpu, value, field);
  }
  private store64(field: number, value: I64): void {
    this.code.e.store('i64', this.code.cpu, value, field);
  }
  private realVariable(name: string): RealVariable {
    const { e } = this.code;
    return { exponent: e.variable('i32', `${name}_exponent`), sign: e.variable('i64', `${name}_sign`), sig: e.variable('i64', `${name}_sig`) };
  }
  private variable(n: number): RealVariable {
    this.registers[n] ??= this.realVariable(`x87_r${n}`);
    return this.registers[n];
  }

  // In and out

  /** `depth`: number of the register that is ST(0). */
  enter(depth: I32): void {
    const { e } = this.code;
    const top = this.code.e.load('u8', this.code.cpu, L.FTOP);
    e.set(this.base, this.o.and(this.o.sub(top, depth), this.o.i32(7)));
    this.load();
    e.set(this.last, this.o.i64(0));
    e.set(this.fds, this.o.i32(0));
    this.lookAtControl(this.code.e.load('u16', this.code.cpu, L.FCW));
  }
  private load(): void {
    const { e } = this.code;
    const tags = this.code.e.load('u8', this.code.cpu, L.FTW);
    e.set(this.tags, this.o.and(this.o.shrU(this.o.or(tags, this.o.shl(tags, this.o.i32(8))), e.get(this.base)), this.o.i32(0xff)));
    const fsw = this.code.e.load('u16', this.code.cpu, L.FSW);
    e.set(this.codes, this.o.and(fsw, this.o.i32(FSW_CODES)));
    e.set(this.c1, this.o.bit(fsw, FSW_C1_SHIFT));
    e.set(this.inexact, this.o.i64(0));
    this.loads.push(e.later());
  }
  private store(depth: I32): void {
    const { e } = this.code;
    this.stores.push(e.later());
    const tags = this.o.shl(e.get(this.tags), e.get(this.base));
    this.store8(L.FTW, this.o.or(tags, this.o.shrU(tags, this.o.i32(8))));
    const top = this.o.and(this.o.add(e.get(this.base), depth), this.o.i32(7));
    this.store8(L.FTOP, top);
    this.store16(L.FSW, this.statusWith(top));
  }
  leave(): void {
    const { e } = this.code;
    this.store(e.get(this.exitDepth));
    this.settlePointers();
  }
  /** Before a segment register may change. */
  settlePointers(): void {
    const { o } = this;
    const { e, cpu } = this.code;
    const last = e.get(this.last);
    e.if(o.wrap(o.shrU(last, o.i64(63))), () => {
      this.store16(L.FOP, o.and(o.wrap(o.shrU(last, o.i64(32))), o.i32(0xffff)));
      const place = o.wrap(last);
      this.store64(L.FIP, o.fit(o.add(e.get(this.code.ipBase), this.code.wide ? o.toI64S(place) : place), 64) as I64);
      this.store16(L.FCS, e.load('i32', cpu, L.SEGMENTS + CS * L.SEGMENT_SIZE + L.SEG_SELECTOR));
      e.set(this.last, o.i64(0));
    });
    e.if(e.get(this.fds), () => {
      this.store64(L.FDP, o.fit(e.get(this.fdp), 64) as I64);
      this.store16(L.FDS, e.load('i32', o.add(cpu, e.get(this.fds)), L.SEG_SELECTOR));
      e.set(this.fds, o.i32(0));
    });
  }
  /** After the region's code: registers are loaded and stored where that turned out to be needed. */
  finish(): void {
    const { e, cpu } = this.code;
    const slot = (n: number): I32 => this.o.add(cpu, this.o.shl(this.o.and(this.o.add(e.get(this.base), this.o.i32(n)), this.o.i32(7)), this.o.i32(4)));
    const load = (): void => this.registers.forEach((_, n) => {
      const at = slot(n);
      this.put(n, fromRegister(this.o, e.load('u16', at, L.FPR + 8), e.load('i64', at, L.FPR)));
    });
    const store = (): void => {
      for (const n of this.written) {
        const at = slot(n);
        const real = this.get(n);
        e.store('i64', at, real.sig, L.FPR);
        e.store('u16', at, signExponent(this.o, real), L.FPR + 8);
      }
    };
    for (const place of this.loads) place(load);
    for (const place of this.stores) place(store);
  }
  private put(n: number, { exponent, sign, sig }: Real): void {
    const { e } = this.code;
    const variable = this.variable(n);
    e.set(variable.exponent, exponent);
    e.set(variable.sign, sign);
    e.set(variable.sig, sig);
  }
  private get(n: number): Real {
    return this.read(this.variable(n));
  }
  private read({ exponent, sign, sig }: RealVariable): Real {
    const { e } = this.code;
    return { exponent: e.get(exponent), sign: e.get(sign), sig: e.get(sig) };
  }
  noteExit(): void {
    this.code.e.set(this.exitDepth, this.code.e.i32(this.depth));
  }

  // Knowledge

  save(): X87Knowledge {
    return { depth: this.depth, full: this.full, empty: this.empty, reals: [...this.reals] };
  }
  restore({ depth, full, empty, reals }: X87Knowledge): void {
    this.depth = depth;
    this.full = full;
    this.empty = empty;
    this.reals = [...reals];
  }
  meet(a: X87Knowledge, b: X87Knowledge): void {
    if (a.depth !== b.depth) throw new Error('x87 stacks differ where paths meet');
    this.full = a.full & b.full;
    this.empty = a.empty & b.empty;
    this.reals = a.reals.map((real, n) => (real === b.reals[n] ? real : undefined));
  }
  forget(): void {
    this.full = 0;
    this.empty = 0;
    this.reals = [];
  }

  // Registers

  /** Number of ST(i). */
  number(i: number): number {
    return (this.depth + i) & 7;
  }
  /** ST(i), which `needFull` has looked at. */
  st(i: number): Real {
    const n = this.number(i);
    const real = this.reals[n] ?? this.get(n);
    this.reals[n] = real;
    return real;
  }
  /** Writes ST(i), which was not empty. */
  setSt(i: number, real: Real): void {
    const n = this.number(i);
    this.put(n, real);
    this.written.add(n);
    this.reals[n] = real;
  }
  /** Leaves if ST(i) is empty. */
  needFull(i: number, leave: Leave): void {
    const bit = 1 << this.number(i);
    if (this.full & bit) return;
    if (this.empty & bit) return leave();
    const { e } = this.code;
    e.ifRarely(this.o.eqz(this.o.and(e.get(this.tags), this.o.i32(bit))), () => leave());
    this.full |= bit;
  }
  needEmpty(i: number, leave: Leave): void {
    const bit = 1 << this.number(i);
    if (this.empty & bit) return;
    if (this.full & bit) return leave();
    const { e } = this.code;
    e.ifRarely(this.o.and(e.get(this.tags), this.o.i32(bit)), () => leave());
    this.empty |= bit;
  }
  setFull(i: number): void {
    const bit = 1 << this.number(i);
    if (this.full & bit) return;
    const { e } = this.code;
    e.set(this.tags, this.o.or(e.get(this.tags), this.o.i32(bit)));
    this.full |= bit;
    this.empty &= ~bit;
  }
  setEmpty(i: number): void {
    const bit = 1 << this.number(i);
    if (this.empty & bit) return;
    const { e } = this.code;
    e.set(this.tags, this.o.and(e.get(this.tags), this.o.i32(~bit)));
    this.empty |= bit;
    this.full &= ~bit;
  }
  move(by: number): void {
    this.depth = (this.depth + by) & 7;
  }
  /** Pushes on what `needEmpty` has looked at. */
  push(real: Real): void {
    this.move(-1);
    this.setFull(0);
    this.setSt(0, real);
  }
  pop(times = 1): void {
    for (; times > 0; times--) {
      this.setEmpty(0);
      this.move(1);
    }
  }
  /** A number, or what `otherwise` sets it to, seldom, where that does not hold. */
  choose(real: Real, fits: I32, otherwise: (set: (real: Real) => void) => void, mostly: () => void = () => {}): Real {
    const { e } = this.code;
    const set = ({ exponent, sign, sig }: Real): void => {
      e.set(this.made.exponent, exponent);
      e.set(this.made.sign, sign);
      e.set(this.made.sig, sig);
    };
    e.ifMostly(fits, () => {
      set(real);
      mostly();
    }, () => otherwise(set));
    return this.read(this.made);
  }

  // Control and status

  setC1(value: I32): void {
    this.code.e.set(this.c1, value);
  }
  setCodes(value: I32): void {
    this.code.e.set(this.codes, value);
  }
  noteRounding({ up, lost }: { readonly up: I32; readonly lost: I64 }): void {
    const { e } = this.code;
    this.setC1(up);
    e.set(this.inexact, this.o.or(e.get(this.inexact), lost));
  }
  roundsUncommonly(): I32 {
    return this.code.e.get(this.uncommon);
  }
  private lookAtControl(fcw: I32): void {
    const { e } = this.code;
    const common = this.o.eq(this.o.and(fcw, this.o.i32(FCW_ROUNDING)), this.o.i32(FCW_COMMON));
    // Not a choice between values, which engines make anew at each use.
    e.set(this.uncommon, this.o.i32(0));
    e.ifRarely(this.o.eqz(common), () => e.set(this.uncommon, this.o.i32(SPECIAL)));
  }
  setControl(value: I32, leave: Leave): void {
    const fcw = this.o.or(this.o.and(value, this.o.i32(0x1f3f)), this.o.i32(0x40));
    const pending = this.o.and(this.o.and(this.status(), this.o.i32(FCW_MASKS)), this.o.not(fcw));
    this.code.e.ifRarely(pending, () => leave());
    this.store16(L.FCW, fcw);
    this.lookAtControl(fcw);
  }
  /** Gives the instruction up unless all exceptions are masked. */
  needMasked(leave: Leave): void {
    const unmasked = this.o.xor(this.o.and(this.code.e.load('u16', this.code.cpu, L.FCW), this.o.i32(FCW_MASKS)), this.o.i32(FCW_MASKS));
    this.code.e.ifRarely(unmasked, () => leave());
  }
  status(): I32 {
    const { e } = this.code;
    return this.statusWith(this.o.and(this.o.add(e.get(this.base), this.o.i32(this.depth)), this.o.i32(7)));
  }
  private statusWith(top: I32): I32 {
    const { e } = this.code;
    const kept = this.o.and(e.load('u16', this.code.cpu, L.FSW), this.o.i32(~FSW_KEPT_APART));
    const codes = this.o.or(e.get(this.codes), this.o.shl(e.get(this.c1), this.o.i32(FSW_C1_SHIFT)));
    const precision = this.o.shl(this.o.eqz(this.o.eqz(e.get(this.inexact))), this.o.i32(FSW_PE_SHIFT));
    return this.o.or(this.o.or(this.o.or(kept, codes), this.o.shl(top, this.o.i32(FSW_TOP_SHIFT))), precision);
  }
  clearExceptions(): void {
    const { e } = this.code;
    this.store16(L.FSW, this.o.and(e.load('u16', this.code.cpu, L.FSW), this.o.i32(FSW_KEPT_APART)));
    e.set(this.inexact, this.o.i64(0));
  }
  /** The instruction's place, opcode and operand, as FOP, FIP and FDP have it. */
  keepPointers(place: number, opcode: number, operand: { readonly offset: Int; readonly segment: number } | undefined): void {
    const { e } = this.code;
    const word = (BigInt(opcode & 0xffff) << 32n) | BigInt(place >>> 0);
    e.set(this.last, this.o.i64(word - (1n << 63n)));
    if (!operand) return;
    e.set(this.fdp, this.o.fit(operand.offset, this.code.wide ? 64 : 32));
    e.set(this.fds, this.o.i32(L.SEGMENTS + operand.segment * L.SEGMENT_SIZE));
  }

  /** Around what works on the state: everything to it, and back. `moves`: by how much TOP moves. */
  inState(moves: number, work: () => void): void {
    const { e } = this.code;
    this.store(e.i32(this.depth));
    work();
    this.move(moves);
    this.load();
    this.forget();
  }
}
