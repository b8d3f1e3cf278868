/**
 * Arithmetic flags in a compiled region. While code is made, the last instruction that set them is remembered by its
 * operands, and a flag is computed where something reads it; `cmp` and `jcc` become one comparison. Where paths meet, the
 * flags are in locals, in one of three forms:
 *   whole     `result` and `aux`, as FLAG_RESULT and FLAG_AUX in the vCPU's state (src/cpu/layout.ts)
 *   deferred  where only ways out of the region need them: `result`, and what the rest follows from (src/interp/deferred-flags.ts):
 *             `first` operand and `how`, 0 for flags that are whole
 *   carry     where INC or DEC keep CF besides: likewise, with CF in bit 31 of `aux`
 * The result has 64 bits in 64-bit code, the others 32.
 */
import * as L from '../cpu/layout.ts';
import { addSub, HOW_KEEPS_CARRY, HOW_TELLS_CARRY, SETTLE_FLAGS } from '../interp/deferred-flags.ts';
import { AUXILIARY, CARRY_OVERFLOW } from '../interp/flags.ts';
import type { Bits, Condition, Flag, I32, I64, Int } from '../isa/ops.ts';
import type { FunctionBuilder, Variable } from '../wasm/function.ts';
import type { IntType } from '../wasm/opcodes.ts';

const EVEN_PARITY = 0x9669;

/** How the flags are in the locals. */
export type FlagForm = 'whole' | 'carry' | 'deferred';

/** Who set the flags last. */
export type FlagState =
  | { readonly kind: FlagForm }
  | { readonly kind: 'add' | 'sub'; readonly bits: Bits; readonly a: Int; readonly b: Int; readonly result: Int }
  | { readonly kind: 'logic'; readonly bits: Bits; readonly result: Int }
  | { readonly kind: 'with'; readonly bits: Bits; readonly result: Int; readonly cf: I32; readonly of: I32; readonly af: I32 | undefined }
  /** The six at their places in EFLAGS. */
  | { readonly kind: 'image'; readonly value: I32 }
  /** CF, and perhaps OF, other than `base` has them; `kept`: CF is what the locals say. */
  | { readonly kind: 'changed'; readonly base: FlagState; readonly cf: I32; readonly of: I32 | undefined; readonly kept: boolean };

const IN_LOCALS: { readonly [F in FlagForm]: FlagState } = { whole: { kind: 'whole' }, carry: { kind: 'carry' }, deferred: { kind: 'deferred' } };

/** What a region's driver does with flags; the summary of an instruction (summary.ts) listens in. */
export interface FlagModel {
  set(state: FlagState): void;
  setCarry(cf: I32, of: I32 | undefined): void;
  flag(flag: Flag): I32;
  condition(code: Condition): I32;
}

export class RegionFlags implements FlagModel {
  state: FlagState = IN_LOCALS.whole;
  /** Nothing reads what the instruction sets. */
  unread = false;
  /** Set the locals at once: the instruction sets flags on some paths only. */
  eager = false;
  /** The instruction reads CF only to keep it. */
  keepsCarry = false;
  /** CF as the locals have it, if the instruction has asked for it. */
  private carry: I32 | undefined;
  private readonly e: FunctionBuilder;
  private readonly wide: boolean;
  private readonly cpu: I32;
  private readonly result: Variable<IntType>;
  private readonly aux: Variable<'i32'>;
  private readonly first: Variable<IntType>;
  private readonly how: Variable<'i32'>;

  /** `wide`: for 64-bit code. */
  constructor(e: FunctionBuilder, cpu: I32, wide: boolean) {
    this.e = e;
    this.cpu = cpu;
    this.wide = wide;
    const type = wide ? 'i64' : 'i32';
    this.result = e.variable(type, 'flag_result');
    this.aux = e.variable('i32', 'flag_aux');
    this.first = e.variable(type, 'flag_first');
    this.how = e.variable('i32', 'flag_how');
  }

  /** From the vCPU's state to the locals, which have them in any form. */
  load(): void {
    const { e, cpu } = this;
    e.set(this.result, e.load(this.result.type, cpu, L.FLAG_RESULT));
    e.set(this.aux, e.load('i32', cpu, L.FLAG_AUX));
    e.set(this.how, e.i32(0));
  }
  /** From the locals to the vCPU's state. */
  store(): void {
    const { e, cpu } = this;
    this.settle(() => e.get(this.how));
    e.store('i64', cpu, this.widen(e.get(this.result)), L.FLAG_RESULT);
    e.store('i32', cpu, e.get(this.aux), L.FLAG_AUX);
  }
  /** Makes `aux` whole where what is deferred says so. */
  private settle(wanted: () => I32): void {
    const { e } = this;
    e.ifRarely(wanted(), () => {
      const first = e.get(this.first);
      const wide = first.type === 'i64' ? (first as I64) : e.convert('extendU', first as I32);
      e.set(this.aux, e.call(SETTLE_FLAGS, [this.widen(e.get(this.result)), wide, e.get(this.how), e.get(this.aux)]) as I32);
    });
  }

  /** What follows takes the flags from the locals, in such a form. */
  toLocals(form: FlagForm): void {
    if (form === 'whole') this.toWhole();
    else this.defer(form);
  }
  /** They are in the locals in any form; what has been deferred before stays so. */
  toAny(): void {
    if (this.isDeferred(this.state)) return;
    this.toWhole();
    this.e.set(this.how, this.e.i32(0));
  }
  toWhole(): void {
    const { state, e } = this;
    if (state.kind === 'whole') return;
    this.state = IN_LOCALS.whole;
    if (this.isDeferred(state)) return this.settle(() => e.get(this.how));
    const { result, aux } = this.inLocals(state);
    e.set(this.result, result);
    e.set(this.aux, aux);
  }
  private defer(form: FlagForm): void {
    const { state, e } = this;
    if (this.isDeferred(state)) return;
    const kept = state.kind === 'changed' && state.kept && state.of === undefined;
    const base = kept ? state.base : state;
    if ((base.kind === 'add' || base.kind === 'sub') && this.isExact(base)) {
      if (form === 'carry' && !kept) e.set(this.aux, this.shl(this.carryOut(base), 31));
      e.set(this.result, this.resultOf(base));
      e.set(this.first, this.wide && base.a.type === 'i32' ? e.convert('extendU', base.a as I32) : base.a);
      e.set(this.how, e.i32(addSub(base.kind, base.bits) | (kept || form === 'carry' ? HOW_KEEPS_CARRY : HOW_TELLS_CARRY)));
    } else this.toAny();
    this.state = IN_LOCALS[form];
  }
  private isDeferred({ kind }: FlagState): boolean {
    return kind === 'deferred' || kind === 'carry';
  }
  /** Paths meet, all with the flags in the locals. */
  join(form: FlagForm): void {
    this.state = IN_LOCALS[form];
  }

  /** An instruction follows. */
  begin(): void {
    this.carry = undefined;
  }
  set(state: FlagState): void {
    if (this.unread) return;
    this.state = state;
    if (this.eager) this.toWhole();
  }
  setCarry(cf: I32, of: I32 | undefined): void {
    if (this.unread) return;
    const { state } = this;
    const kept = cf === this.carry;
    if (state.kind === 'changed') this.set({ kind: 'changed', base: state.base, cf, of: of ?? state.of, kept });
    else this.set({ kind: 'changed', base: state, cf, of, kept });
  }

  flag(flag: Flag): I32 {
    return this.flagOf(this.state, flag);
  }
  condition(code: Condition): I32 {
    const test = this.evenCondition((code & ~1) as Condition);
    return code & 1 ? this.e.eqz(test) : test;
  }
  private evenCondition(code: Condition): I32 {
    const { e, state } = this;
    switch (code) {
      case 0: return this.flag('OF');
      case 2: return this.flag('CF');
      case 4: return this.flag('ZF');
      case 8: return this.flag('SF');
      case 10: return this.flag('PF');
      case 6:
        if (this.isCompare(state)) return this.compare('leU', state.a, state.b);
        return state.kind === 'logic' ? this.flag('ZF') : e.binary('or', this.flag('CF'), this.flag('ZF'));
      case 12:
        if (this.isCompare(state)) return this.compare('ltS', this.extend(state.a, state.bits), this.extend(state.b, state.bits));
        return state.kind === 'logic' ? this.flag('SF') : e.binary('xor', this.flag('SF'), this.flag('OF'));
      default:
        if (this.isCompare(state)) return this.compare('leS', this.extend(state.a, state.bits), this.extend(state.b, state.bits));
        if (state.kind === 'logic') return this.compareZero('leS', this.extend(state.result, state.bits));
        return e.binary('or', this.flag('ZF'), e.binary('xor', this.flag('SF'), this.flag('OF')));
    }
  }

  /** A subtraction without borrow in: its operands alone tell the relation. */
  private isCompare(state: FlagState): state is FlagState & { kind: 'sub' } {
    return state.kind === 'sub' && this.isPlain(state);
  }
  private isPlain(state: FlagState & { kind: 'add' | 'sub' }): boolean {
    const constants = [state.a, state.b, state.result].every((v) => this.e.constantOf(v) !== undefined);
    return !constants && this.isExact(state);
  }
  /** The result is that of these operands alone, and tells the second one. */
  private isExact({ kind, a, b, result }: FlagState & { kind: 'add' | 'sub' }): boolean {
    return this.e.isBinary(result, kind, a, b);
  }

  private flagOf(state: FlagState, flag: Flag): I32 {
    const { e } = this;
    switch (state.kind) {
      case 'whole': return this.flagInLocals(flag);
      case 'carry':
      case 'deferred': return this.deferredFlag(flag, state.kind);
      case 'image': return this.bit(state.value, { CF: 0, PF: 2, AF: 4, ZF: 6, SF: 7, OF: 11 }[flag]);
      case 'changed':
        if (flag === 'CF') {
          if (state.kept) this.carry = state.cf;
          return state.cf;
        }
        return flag === 'OF' && state.of ? state.of : this.flagOf(state.base, flag);
      default:
    }
    const { bits, result } = state;
    switch (flag) {
      case 'ZF': return this.isCompare(state) ? this.compare('eq', state.a, state.b) : e.eqz(this.narrow(result, bits));
      case 'SF': return this.compareZero('ltS', this.extend(result, bits));
      case 'PF': return this.parity(this.low(result));
      case 'CF': return state.kind === 'logic' ? e.i32(0) : state.kind === 'with' ? state.cf : this.carryOut(state);
      case 'OF': return state.kind === 'logic' ? e.i32(0) : state.kind === 'with' ? state.of : this.bit(this.overflow(state), bits - 1);
      case 'AF': return state.kind === 'logic' ? e.i32(0) : state.kind === 'with' ? (state.af ?? e.i32(0)) : this.bit(this.carriesIn(state), 4);
    }
  }
  private flagInLocals(flag: Flag): I32 {
    const { e } = this;
    const aux = e.get(this.aux);
    switch (flag) {
      case 'CF': {
        this.carry = this.shrU(aux, 31);
        return this.carry;
      }
      case 'ZF': return e.eqz(e.get(this.result));
      case 'SF': return e.binary('xor', this.bit(e.get(this.result), this.wide ? 63 : 31), this.and(aux, 1));
      case 'OF': return this.shrU(e.binary('xor', aux, this.shl(aux, 1)), 31);
      case 'AF': return this.bit(aux, 3);
      case 'PF': return this.parity(e.binary('xor', this.low(e.get(this.result)), this.shrU(aux, 8)));
    }
  }
  private deferredFlag(flag: Flag, form: 'carry' | 'deferred'): I32 {
    const { e } = this;
    if (this.unread && this.keepsCarry) return e.i32(0);
    if (flag !== 'CF') this.settle(() => e.get(this.how));
    else if (form !== 'carry') this.settle(() => this.and(e.get(this.how), HOW_TELLS_CARRY));
    return this.flagInLocals(flag);
  }

  private carryOut(state: FlagState & { kind: 'add' | 'sub' }): I32 {
    const { kind, bits, a, b, result } = state;
    // Operands of 8 and 16 bits are zero-extended, so the carry is the bit above.
    if (bits < 32) return this.bit(result, bits);
    if (this.isPlain(state)) return kind === 'add' ? this.compare('ltU', result, a) : this.compare('ltU', a, b);
    return this.bit(this.carriesOut(state), bits - 1);
  }
  /** Of each bit. */
  private carriesOut({ kind, a, b, result }: FlagState & { kind: 'add' | 'sub' }): Int {
    const { e } = this;
    const first = kind === 'add' ? a : this.not(a);
    const kept = kind === 'add' ? this.not(result) : result;
    return e.binary('or', e.binary('and', first, b), e.binary('and', e.binary('or', first, b), kept));
  }
  /** In the top bit of the width: the sign is wrong. */
  private overflow(state: FlagState & { kind: 'add' | 'sub' }): Int {
    const { e } = this;
    const { kind, a, b, result } = state;
    const other = kind === 'add' ? e.binary('xor', b, result) : e.binary('xor', a, b);
    return e.binary('and', e.binary('xor', a, result), other);
  }
  private carriesIn(state: FlagState & { kind: 'add' | 'sub' }): Int {
    const { e } = this;
    return e.binary('xor', e.binary('xor', state.a, state.b), state.result);
  }

  private inLocals(state: FlagState): { result: Int; aux: I32 } {
    const { e } = this;
    switch (state.kind) {
      case 'whole':
      case 'carry':
      case 'deferred':
        return { result: e.get(this.result), aux: e.get(this.aux) };
      case 'add':
      case 'sub':
        return { result: this.resultOf(state), aux: this.auxOf(this.carriesOut(state), state.bits) };
      case 'logic':
        return { result: this.resultOf(state), aux: e.i32(0) };
      case 'with': {
        const top = this.topBits(state.cf, state.of);
        return { result: this.resultOf(state), aux: state.af ? e.binary('or', top, this.shl(state.af, 3)) : top };
      }
      case 'image': return this.imageInLocals(state.value);
      default: {
        const of = state.of ?? this.flagOf(state.base, 'OF');
        if (this.isDeferred(state.base)) this.settle(() => e.get(this.how));
        const { result, aux } = this.inLocals(state.base);
        return { result, aux: e.binary('or', this.and(aux, ~CARRY_OVERFLOW), this.topBits(state.cf, of)) };
      }
    }
  }
  /** As LazyFlags.write in src/interp/flags.ts. */
  private imageInLocals(value: I32): { result: Int; aux: I32 } {
    const { e } = this;
    const zero = this.bit(value, 6);
    const delta = e.binary('xor', this.bit(value, 2), zero);
    const low = e.binary('or', this.shl(this.bit(value, 4), 3), e.binary('or', this.bit(value, 7), this.shl(delta, 8)));
    const result = e.binary('xor', zero, e.i32(1));
    return { result: this.wide ? this.widen(result) : result, aux: e.binary('or', this.topBits(this.bit(value, 0), this.bit(value, 11)), low) };
  }
  private topBits(cf: I32, of: I32): I32 {
    return this.e.binary('or', this.shl(cf, 31), this.shl(this.e.binary('xor', cf, of), 30));
  }

  /** The result as its local has it. */
  private resultOf({ result, bits }: { readonly result: Int; readonly bits: Bits }): Int {
    const extended = this.extend(result, bits);
    return this.wide ? this.widen(extended) : extended;
  }
  private widen(a: Int): I64 {
    return a.type === 'i64' ? (a as I64) : this.e.convert('extendS', a as I32);
  }
  /** Carries out of each bit of the width, as `aux` has them. */
  private auxOf(carries: Int, bits: Bits): I32 {
    const { e } = this;
    const low = this.low(carries);
    if (bits === 32) return this.and(low, CARRY_OVERFLOW | AUXILIARY);
    const high = carries.type === 'i64' ? this.low(e.binary('shrU', carries as I64, e.i64(32))) : this.shl(low, 32 - bits);
    return e.binary('or', this.and(high, CARRY_OVERFLOW), this.and(low, AUXILIARY));
  }

  private compare(op: 'eq' | 'ltU' | 'leU' | 'ltS' | 'leS', a: Int, b: Int): I32 {
    return this.e.compare(op, a, b);
  }
  private compareZero(op: 'ltS' | 'leS', a: Int): I32 {
    return this.compare(op, a, this.number(a, 0));
  }
  /** A number of the type that `like` has. */
  private number(like: Int, n: number): Int {
    return like.type === 'i64' ? this.e.i64(n) : this.e.i32(n);
  }
  /** Bits 0 to 31. */
  private low(a: Int): I32 {
    return a.type === 'i64' ? this.e.convert('wrap', a as I64) : (a as I32);
  }
  private and(a: I32, n: number): I32 {
    return this.e.binary('and', a, this.e.i32(n));
  }
  private shl(a: I32, n: number): I32 {
    return this.e.binary('shl', a, this.e.i32(n));
  }
  private shrU(a: I32, n: number): I32 {
    return this.e.binary('shrU', a, this.e.i32(n));
  }
  private not(a: Int): Int {
    return this.e.binary('xor', a, this.number(a, -1));
  }
  private bit(a: Int, n: number): I32 {
    const { e } = this;
    const shifted = e.binary('shrU', a, this.number(a, n));
    return n === (a.type === 'i64' ? 63 : 31) ? this.low(shifted) : this.and(this.low(shifted), 1);
  }
  private extend(a: Int, bits: Bits): Int {
    return bits === 8 ? this.e.unary('extend8S', a) : bits === 16 ? this.e.unary('extend16S', a) : a;
  }
  private narrow(a: Int, bits: Bits): Int {
    return bits === 8 ? this.and(a as I32, 0xff) : bits === 16 ? this.and(a as I32, 0xffff) : a;
  }
  private parity(a: I32): I32 {
    const { e } = this;
    const nibble = this.and(e.binary('xor', a, this.shrU(this.and(a, 0xff), 4)), 15);
    return this.and(e.binary('shrU', e.i32(EVEN_PARITY), nibble), 1);
  }
}
