/**
 * Arithmetic flags in a compiled region. While code is made, the last instruction that set them is remembered by its
 * operands, and a flag is computed where something reads it; `cmp` and `jcc` become one comparison. Where paths meet, the
 * flags are in four locals:
 *   result  the last result, sign-extended: ZF, SF, PF      inputs  carries into each bit (a ^ b ^ result): OF and AF
 *   carry   CF, 0 or 1                                       odd     what `result` cannot say: SF flipped in bit 0, PF in bits 8-15
 * From these, the state's FLAG_RESULT and FLAG_AUX (src/cpu/layout.ts) are a few operations away. The result has 64 bits in
 * 64-bit code, the others 32: `inputs` keeps the top bit and bit 4.
 */
import * as L from '../cpu/layout.ts';
import type { Bits, Condition, Flag, I32, I64, Int } from '../isa/ops.ts';
import type { FunctionBuilder, Variable } from '../wasm/function.ts';
import type { IntType } from '../wasm/opcodes.ts';

const EVEN_PARITY = 0x9669;
const ODD_BITS = 0xff01;

/** Who set the flags last. */
export type FlagState =
  | { readonly kind: 'locals' }
  | { readonly kind: 'add' | 'sub'; readonly bits: Bits; readonly a: Int; readonly b: Int; readonly result: Int }
  | { readonly kind: 'logic'; readonly bits: Bits; readonly result: Int }
  | { readonly kind: 'with'; readonly bits: Bits; readonly result: Int; readonly cf: I32; readonly of: I32; readonly af: I32 | undefined }
  /** The six at their places in EFLAGS. */
  | { readonly kind: 'image'; readonly value: I32 }
  /** CF, and perhaps OF, other than `base` has them. */
  | { readonly kind: 'carry'; readonly base: FlagState; readonly cf: I32; readonly of: I32 | undefined };

const LOCALS: FlagState = { kind: 'locals' };

/** What a region's driver does with flags; the summary of an instruction (summary.ts) listens in. */
export interface FlagModel {
  set(state: FlagState): void;
  setCarry(cf: I32, of: I32 | undefined): void;
  flag(flag: Flag): I32;
  condition(code: Condition): I32;
}

export class RegionFlags implements FlagModel {
  state: FlagState = LOCALS;
  /** Nothing reads what the instruction sets. */
  unread = false;
  /** Set the locals at once: the instruction sets flags on some paths only. */
  eager = false;
  private readonly e: FunctionBuilder;
  private readonly wide: boolean;
  private readonly result: Variable<IntType>;
  private readonly inputs: Variable<'i32'>;
  private readonly carry: Variable<'i32'>;
  private readonly odd: Variable<'i32'>;

  /** `wide`: for 64-bit code. */
  constructor(e: FunctionBuilder, wide: boolean) {
    this.e = e;
    this.wide = wide;
    this.result = e.variable(wide ? 'i64' : 'i32', 'flag_result');
    [this.inputs, this.carry, this.odd] = ['flag_inputs', 'flag_carry', 'flag_odd'].map((name) => e.variable('i32', name));
  }

  /** From the vCPU's state to the locals. */
  load(cpu: I32): void {
    const { e } = this;
    const aux = e.load('i32', cpu, L.FLAG_AUX);
    e.set(this.result, e.load(this.result.type, cpu, L.FLAG_RESULT));
    e.set(this.carry, this.shrU(aux, 31));
    e.set(this.inputs, e.binary('or', this.and(this.shl(aux, 1), 0x80000000 | 0), this.and(this.shl(aux, 1), 0x10)));
    e.set(this.odd, this.and(aux, ODD_BITS));
  }
  /** From the locals to the vCPU's state. */
  store(cpu: I32): void {
    const { e } = this;
    e.store('i64', cpu, this.widen(e.get(this.result)), L.FLAG_RESULT);
    const below = this.shrU(e.get(this.inputs), 1);
    const inputs = e.binary('or', this.and(below, 0x40000000), this.and(below, 8));
    e.store('i32', cpu, e.binary('or', e.binary('or', this.shl(e.get(this.carry), 31), inputs), e.get(this.odd)), L.FLAG_AUX);
  }
  /** What follows takes the flags from the locals. */
  toLocals(): void {
    const { state, e } = this;
    if (state.kind === 'locals') return;
    const values = this.inLocals(state);
    e.set(this.result, values.result);
    e.set(this.inputs, values.inputs);
    e.set(this.carry, values.carry);
    e.set(this.odd, values.odd);
    this.state = LOCALS;
  }
  forget(): void {
    this.state = LOCALS;
  }

  set(state: FlagState): void {
    if (this.unread) return;
    this.state = state;
    if (this.eager) this.toLocals();
  }
  setCarry(cf: I32, of: I32 | undefined): void {
    if (this.unread) return;
    const { state } = this;
    if (state.kind === 'carry') this.set({ kind: 'carry', base: state.base, cf, of: of ?? state.of });
    else this.set({ kind: 'carry', base: state, cf, of });
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
    return !constants && this.e.isBinary(state.result, state.kind, state.a, state.b);
  }

  private flagOf(state: FlagState, flag: Flag): I32 {
    const { e } = this;
    switch (state.kind) {
      case 'locals': return this.flagInLocals(flag);
      case 'image': return this.bit(state.value, { CF: 0, PF: 2, AF: 4, ZF: 6, SF: 7, OF: 11 }[flag]);
      case 'carry':
        if (flag === 'CF') return state.cf;
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
    switch (flag) {
      case 'CF': return e.get(this.carry);
      case 'ZF': return e.eqz(e.get(this.result));
      case 'SF': return e.binary('xor', this.bit(e.get(this.result), this.wide ? 63 : 31), this.and(e.get(this.odd), 1));
      case 'OF': return e.binary('xor', this.shrU(e.get(this.inputs), 31), e.get(this.carry));
      case 'AF': return this.bit(e.get(this.inputs), 4);
      case 'PF': return this.parity(e.binary('xor', this.low(e.get(this.result)), this.shrU(e.get(this.odd), 8)));
    }
  }

  private carryOut(state: FlagState & { kind: 'add' | 'sub' }): I32 {
    const { e } = this;
    const { kind, bits, a, b, result } = state;
    // Operands of 8 and 16 bits are zero-extended, so the carry is the bit above.
    if (bits < 32) return this.bit(result, bits);
    if (this.isPlain(state)) return kind === 'add' ? this.compare('ltU', result, a) : this.compare('ltU', a, b);
    const first = kind === 'add' ? a : this.not(a);
    const kept = kind === 'add' ? this.not(result) : result;
    const carries = e.binary('or', e.binary('and', first, b), e.binary('and', e.binary('or', first, b), kept));
    return this.bit(carries, bits - 1);
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

  private inLocals(state: FlagState): { result: Int; inputs: I32; carry: I32; odd: I32 } {
    const { e } = this;
    const zero = e.i32(0);
    switch (state.kind) {
      case 'locals':
        return { result: e.get(this.result), inputs: e.get(this.inputs), carry: e.get(this.carry), odd: e.get(this.odd) };
      case 'add':
      case 'sub':
        return {
          result: this.resultOf(state), inputs: this.inputsOf(this.carriesIn(state), state.bits), carry: this.carryOut(state), odd: zero,
        };
      case 'logic':
        return { result: this.resultOf(state), inputs: zero, carry: zero, odd: zero };
      case 'with': {
        const top = this.shl(e.binary('xor', state.of, state.cf), 31);
        const inputs = state.af ? e.binary('or', top, this.shl(state.af, 4)) : top;
        return { result: this.resultOf(state), inputs, carry: state.cf, odd: zero };
      }
      case 'image': return this.imageInLocals(state.value);
      default: {
        const base = this.inLocals(state.base);
        const of = state.of ?? this.flagOf(state.base, 'OF');
        const top = this.shl(e.binary('xor', of, state.cf), 31);
        return { ...base, inputs: e.binary('or', this.and(base.inputs, 0x7fffffff), top), carry: state.cf };
      }
    }
  }
  /** As LazyFlags.write in src/interp/flags.ts. */
  private imageInLocals(value: I32): { result: Int; inputs: I32; carry: I32; odd: I32 } {
    const { e } = this;
    const zero = this.bit(value, 6);
    const delta = e.binary('xor', this.bit(value, 2), zero);
    const carry = this.bit(value, 0);
    const top = this.shl(e.binary('xor', this.bit(value, 11), carry), 31);
    return {
      result: this.wide ? this.widen(e.binary('xor', zero, e.i32(1))) : e.binary('xor', zero, e.i32(1)),
      inputs: e.binary('or', top, this.and(value, 0x10)),
      carry,
      odd: e.binary('or', this.bit(value, 7), this.shl(delta, 8)),
    };
  }

  /** The result as its local has it. */
  private resultOf({ result, bits }: { readonly result: Int; readonly bits: Bits }): Int {
    const extended = this.extend(result, bits);
    return this.wide ? this.widen(extended) : extended;
  }
  private widen(a: Int): I64 {
    return a.type === 'i64' ? (a as I64) : this.e.convert('extendS', a as I32);
  }
  /** Carries into each bit of the width, as their local has them. */
  private inputsOf(carries: Int, bits: Bits): I32 {
    if (carries.type === 'i32') return this.extend(carries, bits) as I32;
    const { e } = this;
    return e.binary('or', this.and(this.low(e.binary('shrU', carries as I64, e.i64(32))), 0x80000000 | 0), this.and(this.low(carries), 0x10));
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
