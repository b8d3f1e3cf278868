/**
 * Calls of the x87 kernel in compiled regions that have the x87's state in locals (region-x87.ts): the common case of an instruction is computed
 * in place, the others on the same numbers in the kernel (value-instructions.ts), and what is seldom in the state's memory. Stack faults, and
 * exceptions that are not masked, are left to the interpreter.
 */
import { FSW } from '../cpu/layout.ts';
import { X87_KERNEL_TYPES, X87_STORE_HIGH, X87_STORE_VALID, X87_VALUE_C1, X87_VALUE_SIGN } from '../cpu/x87/kernel-interface.ts';
import type { I32, I64, Val } from '../isa/ops.ts';
import type { RegionOps } from './region-ops.ts';
import type { RegionX87 } from './region-x87.ts';
import { stackMoves } from './x87-depth.ts';
import { divide, squareRoot } from './x87-quotient.ts';
import * as X from './x87-real.ts';

type Args = readonly Val[];
type KernelName = keyof typeof X87_KERNEL_TYPES;
export const isX87Kernel = (name: string): name is KernelName => Object.hasOwn(X87_KERNEL_TYPES, name);

const C0 = 0x100, C3 = 0x4000;
/** Distance of the condition codes from ZF, PF and CF, where FSTSW and SAHF would put them. */
const CODES_SHIFT = 8;
const QUIET = 1n << 62n;
/** Biased exponents from 2^63 on: FPTAN and FSINCOS do not push. */
const TOO_LARGE = 0x3fff + 63;
/** In the order in which value_arithmetic knows them. */
const OPERATIONS = ['fadd', 'fmul', 'fsub', 'fsubr', 'fdiv', 'fdivr'];
const SUFFIXES = ['_st', '_f32', '_f64', '_i32'] as const;

export class X87Instructions {
  private readonly o: RegionOps;
  private readonly x87: RegionX87;
  /** What a store's first phase has found, for its second. */
  private pending: { readonly up: I32; readonly lost: I64 } | undefined;

  constructor(o: RegionOps, x87: RegionX87) {
    this.o = o;
    this.x87 = x87;
  }

  private readonly leave = (): void => this.o.giveUp();

  call(name: KernelName, args: Args): Val | undefined {
    const suffix = SUFFIXES.find((s) => name.endsWith(s));
    const stem = suffix ? name.slice(0, -suffix.length) : name;
    if (suffix && OPERATIONS.includes(stem)) return this.arithmetic(OPERATIONS.indexOf(stem), suffix, args);
    if (suffix && (stem === 'fcom' || stem === 'fucom')) return this.compare(stem === 'fucom', suffix, args);
    switch (name) {
      case 'fcomi': case 'fucomi': return this.compareFlags(name === 'fucomi', args);
      case 'ftst': return this.compareWith(X.ZERO(this.o), false, 0);
      case 'fld_st': return this.loadRegister(this.index(args[0]));
      case 'fld_f32': case 'fld_f64': return this.load(() => this.widened(suffix as '_f32', args[0], true));
      case 'fld_f80': return this.load(() => X.fromRegister(this.o, args[1] as I32, args[0] as I64));
      case 'fild': return this.load(() => X.fromInteger(this.o, args[0] as I64));
      case 'fld1': return this.load(() => X.ONE(this.o));
      case 'fldz': return this.load(() => X.ZERO(this.o));
      case 'fst_f32_begin': return this.o.wrap(this.narrowed(23));
      case 'fst_f64_begin': return this.narrowed(52);
      case 'fst_f80_begin': return this.whole();
      case 'fist_i16_begin': return this.o.wrap(this.integer(16, args[0]));
      case 'fist_i32_begin': return this.o.wrap(this.integer(32, args[0]));
      case 'fist_i64_begin': return this.integer(64, args[0]);
      case 'fst_commit': return this.commit(this.index(args[0]));
      case 'fst_st': return this.storeRegister(this.index(args[0]), this.index(args[1]));
      case 'fxch': return this.exchange(this.index(args[0]));
      case 'fcmov': return this.moveIf(this.index(args[0]), args[1] as I32);
      case 'fchs': return this.changeSign((sign) => this.o.xor(sign, this.o.i64(X.TOP_BIT)));
      case 'fabs': return this.changeSign(() => this.o.i64(0));
      case 'fsqrt': return this.squareRoot();
      case 'frndint': return this.roundToInteger();
      case 'fldcw': return void this.x87.setControl(args[0] as I32, this.leave);
      case 'fnclex': return void this.x87.clearExceptions();
      case 'ffree': return this.free(this.index(args[0]));
      case 'fincstp': case 'fdecstp': return this.moveTop(name === 'fincstp' ? 1 : -1);
      case 'fninit': case 'fstpnce': case 'fbstp_begin': return this.giveUp(name);
      default: return this.inState(name, args);
    }
  }
  /** What FNSTSW reads, and what a store's second phase does. */
  stateLoad(field: number): Val | undefined {
    if (field === FSW) return this.x87.status();
    if (field === X87_STORE_VALID) return this.o.i32(1);
    return field === X87_STORE_HIGH ? X.signExponent(this.o, this.x87.st(0)) : undefined;
  }

  private index(arg: Val): number {
    return this.o.constant(arg as I32) as number;
  }
  private giveUp(name: KernelName): Val | undefined {
    this.leave();
    const { result } = X87_KERNEL_TYPES[name] as { result?: 'i32' | 'i64' };
    return result && (result === 'i64' ? this.o.i64(0) : this.o.i32(0));
  }
  /** In memory, as the interpreter has it done, with all exceptions masked: then TOP moves as it should. */
  private inState(name: KernelName, args: Args): undefined {
    const { o, x87 } = this;
    x87.needMasked(this.leave);
    if (name === 'fptan' || name === 'fsincos') {
      x87.needFull(0, this.leave);
      o.e.ifRarely(o.e.compare('geU', x87.st(0).exponent, o.i32(TOO_LARGE)), this.leave);
    }
    x87.inState(stackMoves(name, () => 0), () => void o.stateKernel(name, undefined, args));
  }

  // The kernel's functions on numbers

  private words(real: X.Real): Val[] {
    return [real.exponent, real.sign, real.sig];
  }
  /** Calls one, and leaves if it would not. */
  private exactly<T extends 'i32' | 'i64'>(name: KernelName, result: T, args: Args): Val<T> {
    const { o } = this;
    const value = o.stateKernel(name, result, args) as Val<T>;
    o.e.ifRarely(o.eqz(this.found('i32', X87_STORE_VALID)), this.leave);
    return value;
  }
  private found<K extends 'i32' | 'i64'>(kind: K, field: number): Val<K> {
    return this.o.e.load(kind, this.o.cpu, field) as Val as Val<K>;
  }
  private c1Found(): I32 {
    return this.found('i32', X87_VALUE_C1);
  }
  private realFound(sig: I64): X.Real {
    return { sig, exponent: this.found('i32', X87_STORE_HIGH), sign: this.found('i64', X87_VALUE_SIGN) };
  }

  // Arithmetic

  private arithmetic(operation: number, suffix: (typeof SUFFIXES)[number], args: Args): undefined {
    const { x87 } = this;
    if (suffix === '_st') {
      const [to, from, pops] = args.map((arg) => this.index(arg));
      x87.needFull(to, this.leave);
      x87.needFull(from, this.leave);
      this.compute(operation, to, x87.st(from));
      x87.pop(pops);
      return;
    }
    x87.needFull(0, this.leave);
    this.compute(operation, 0, this.widened(suffix, args[0], false));
  }
  private compute(operation: number, to: number, b: X.Real): void {
    const { o, x87 } = this;
    const a = x87.st(to);
    this.settle(to, this.rounded(operation, a, b), () => this.exactly('value_arithmetic', 'i64', [o.i32(operation), ...this.words(a), ...this.words(b)]));
  }
  /** Writes ST(to): the result, or what the kernel makes of it. */
  private settle(to: number, result: X.RoundedReal, exact: () => I64): void {
    const { x87 } = this;
    const real = x87.choose(result.real, result.fits, (set) => {
      set(this.realFound(exact()));
      x87.setC1(this.c1Found());
    }, () => x87.noteRounding(result));
    x87.setSt(to, real);
  }
  private rounded(operation: number, a: X.Real, b: X.Real): X.RoundedReal {
    const { o } = this;
    const uncommon = this.x87.roundsUncommonly();
    const negative = (real: X.Real): X.Real => ({ ...real, sign: o.xor(real.sign, o.i64(X.TOP_BIT)) });
    switch (OPERATIONS[operation]) {
      case 'fadd': return X.add(o, a, b, uncommon);
      case 'fsub': return X.add(o, a, negative(b), uncommon);
      case 'fsubr': return X.add(o, negative(a), b, uncommon);
      case 'fmul': return X.multiply(o, a, b, uncommon);
      case 'fdiv': return divide(o, a, b, uncommon);
      default: return divide(o, b, a, uncommon);
    }
  }
  private squareRoot(): undefined {
    const { o, x87 } = this;
    x87.needFull(0, this.leave);
    const a = x87.st(0);
    this.settle(0, squareRoot(o, a, x87.roundsUncommonly()), () => this.exactly('value_sqrt', 'i64', this.words(a)));
  }
  private roundToInteger(): undefined {
    const { x87 } = this;
    x87.needFull(0, this.leave);
    x87.setSt(0, this.realFound(this.exactly('value_rndint', 'i64', this.words(x87.st(0)))));
    x87.setC1(this.c1Found());
  }
  private changeSign(change: (sign: I64) => I64): undefined {
    const { x87 } = this;
    x87.needFull(0, this.leave);
    const real = x87.st(0);
    x87.setSt(0, { ...real, sign: change(real.sign) });
    x87.setC1(this.o.i32(0));
  }

  // Loads

  /** An operand in memory; denormals, and NaNs that are to be signalled, are left to the interpreter. */
  private widened(suffix: '_f32' | '_f64' | '_i32', value: Val, signals: boolean): X.Real {
    const { o, x87 } = this;
    if (suffix === '_i32') return X.fromInteger(o, o.toI64S(value as I32));
    const fractionBits = suffix === '_f32' ? 23 : 52;
    const bits = suffix === '_f32' ? o.toI64(value as I32) : (value as I64);
    const { real, fits, field } = X.widen(o, bits, fractionBits);
    return x87.choose(real, fits, (set) => {
      const fraction = o.shl(bits, o.i64(64 - fractionBits));
      const small = o.eqz(field);
      const nan = o.eqz(o.eqz(fraction));
      const signalling = signals ? o.and(nan, o.eqz(o.and(real.sig, o.i64(QUIET)))) : o.i32(0);
      o.e.ifRarely(o.or(o.and(small, nan), signalling), this.leave);
      set({
        sign: real.sign, sig: o.select(small, o.i64(0), real.sig),
        exponent: o.add(o.select(small, o.i32(0), o.i32(0x7fff)), o.i32(X.SPECIAL)),
      });
    });
  }
  private load(make: () => X.Real): undefined {
    const { o, x87 } = this;
    x87.needEmpty(-1, this.leave);
    const real = make();
    x87.push(real);
    x87.setC1(o.i32(0));
  }
  private loadRegister(i: number): undefined {
    this.x87.needFull(i, this.leave);
    return this.load(() => this.x87.st(i));
  }

  // Stores: before the first phase is over, nothing may have changed that the instruction would find changed when it is done again

  private narrowed(fractionBits: 23 | 52): I64 {
    const { o, x87 } = this;
    x87.needFull(0, this.leave);
    o.offset(0);
    const a = x87.st(0);
    const { bits, fits, up, lost } = X.narrow(o, a, fractionBits, x87.roundsUncommonly());
    const { made, madeC1, madeLost } = x87;
    o.e.ifMostly(fits, () => {
      o.e.set(made.sig, bits);
      o.e.set(madeC1, up);
      o.e.set(madeLost, lost);
    }, () => {
      // The kernel raises exceptions at once: the store must not fault after it.
      o.probeWrite(0, fractionBits === 23 ? 4 : 8);
      o.e.set(made.sig, this.exactly('value_narrow', 'i64', [o.i32(fractionBits), ...this.words(a)]));
      o.e.set(madeC1, this.c1Found());
      o.e.set(madeLost, o.i64(0));
    });
    this.pending = { up: o.e.get(madeC1), lost: o.e.get(madeLost) };
    return o.e.get(made.sig);
  }
  private whole(): I64 {
    const { o, x87 } = this;
    x87.needFull(0, this.leave);
    this.pending = { up: o.i32(0), lost: o.i64(0) };
    return x87.st(0).sig;
  }
  private integer(bits: number, truncate: Val): I64 {
    const { o, x87 } = this;
    x87.needFull(0, this.leave);
    o.probeWrite(0, bits / 8);
    const value = this.exactly('value_integer', 'i64', [o.i32(bits), truncate, ...this.words(x87.st(0))]);
    this.pending = { up: this.c1Found(), lost: o.i64(0) };
    return value;
  }
  private commit(pops: number): undefined {
    const { x87 } = this;
    if (!this.pending) return;
    x87.noteRounding(this.pending);
    x87.pop(pops);
  }

  // Moves

  private storeRegister(i: number, pops: number): undefined {
    const { x87 } = this;
    x87.needFull(0, this.leave);
    x87.setFull(i);
    x87.setSt(i, x87.st(0));
    x87.setC1(this.o.i32(0));
    x87.pop(pops);
  }
  private exchange(i: number): undefined {
    const { x87 } = this;
    x87.needFull(0, this.leave);
    x87.needFull(i, this.leave);
    const [first, second] = [x87.st(0), x87.st(i)];
    x87.setSt(0, second);
    x87.setSt(i, first);
    x87.setC1(this.o.i32(0));
  }
  private moveIf(i: number, holds: I32): undefined {
    const { o, x87 } = this;
    x87.needFull(0, this.leave);
    x87.needFull(i, this.leave);
    const [no, yes] = [x87.st(0), x87.st(i)];
    x87.setSt(0, {
      exponent: o.select(holds, yes.exponent, no.exponent), sign: o.select(holds, yes.sign, no.sign), sig: o.select(holds, yes.sig, no.sig),
    });
  }
  private free(i: number): undefined {
    this.x87.setEmpty(i);
    this.x87.setC1(this.o.i32(0));
  }
  private moveTop(by: number): undefined {
    this.x87.move(by);
    this.x87.setC1(this.o.i32(0));
  }

  // Comparisons

  private compare(quiet: boolean, suffix: (typeof SUFFIXES)[number], args: Args): undefined {
    const { x87 } = this;
    x87.needFull(0, this.leave);
    const pops = this.index(args[1]);
    if (suffix !== '_st') return this.compareWith(this.widened(suffix, args[0], false), quiet, pops);
    const i = this.index(args[0]);
    x87.needFull(i, this.leave);
    this.compareWith(x87.st(i), quiet, pops);
  }
  private compareWith(b: X.Real, quiet: boolean, pops: number): undefined {
    const { o, x87 } = this;
    x87.needFull(0, this.leave);
    x87.setCodes(this.related(b, quiet, C0, C3, 0));
    x87.setC1(o.i32(0));
    x87.pop(pops);
  }
  private compareFlags(quiet: boolean, args: Args): I32 {
    const { x87 } = this;
    const [i, pops] = args.map((arg) => this.index(arg));
    x87.needFull(0, this.leave);
    x87.needFull(i, this.leave);
    const flags = this.related(x87.st(i), quiet, C0 >> CODES_SHIFT, C3 >> CODES_SHIFT, CODES_SHIFT);
    x87.pop(pops);
    return flags;
  }
  /** How ST(0) relates to `b`: bits `less`, `equal`, or none. */
  private related(b: X.Real, quiet: boolean, less: number, equal: number, shift: number): I32 {
    const { o, x87 } = this;
    const { e } = o;
    const a = x87.st(0);
    const relation = X.relation(o, a, b);
    const found = e.variable('i32');
    e.set(found, o.or(o.mul(relation.less, o.i32(less)), o.mul(relation.equal, o.i32(equal))));
    e.ifRarely(o.eqz(relation.fits), () => {
      const codes = this.exactly('value_compare', 'i32', [o.i32(quiet ? 1 : 0), ...this.words(a), ...this.words(b)]);
      e.set(found, o.shrU(codes, o.i32(shift)));
    });
    return e.get(found);
  }
}
