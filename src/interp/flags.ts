/** Lazy arithmetic flags in the vCPU's state: the code that writes and reads FLAG_RESULT and FLAG_AUX (see layout.ts). */
import * as L from '../cpu/layout.ts';
import type { Bits, Condition, Flag, I32, I64, Int, Ops } from '../isa/ops.ts';
import type { FunctionBuilder } from '../wasm/function.ts';

/** Of FLAG_AUX: carries out of the highest two bits, of which CF and OF follow, and that of bit 3, which is AF. */
export const CARRY_OVERFLOW = 0xc0000000 | 0, AUXILIARY = 8;
const EVEN_PARITY = 0x9669;

export class LazyFlags {
  private readonly o: Ops;
  private readonly e: FunctionBuilder;
  private readonly cpu: I32;

  constructor(o: Ops, e: FunctionBuilder, cpu: I32) {
    this.o = o;
    this.e = e;
    this.cpu = cpu;
  }

  private setResult(bits: Bits, result: Int): void {
    const { o } = this;
    const wide = result.type === 'i64' ? (result as I64) : o.toI64S(o.signExtend(result, bits) as I32);
    this.e.store('i64', this.cpu, wide, L.FLAG_RESULT);
  }
  private setAux(value: I32): void {
    this.e.store('i32', this.cpu, value, L.FLAG_AUX);
  }
  private aux(): I32 {
    return this.e.load('i32', this.cpu, L.FLAG_AUX);
  }
  private resultLow(): I32 {
    return this.e.load('i32', this.cpu, L.FLAG_RESULT);
  }

  /** The carries out of all bits, of which aux keeps the two highest and that of bit 3. */
  setArithmetic(kind: 'add' | 'sub', bits: Bits, a: Int, b: Int, result: Int): void {
    const { o } = this;
    const carries =
      kind === 'add'
        ? o.or(o.and(a, b), o.and(o.or(a, b), o.not(result)))
        : o.or(o.and(o.not(a), b), o.and(o.or(o.not(a), b), result));
    this.setResult(bits, result);
    const low = carries.type === 'i64' ? o.wrap(carries as I64) : (carries as I32);
    const high = carries.type === 'i64' ? o.wrap(o.shrU(carries as I64, o.i64(32))) : o.shl(low, o.i32(32 - bits));
    if (bits === 32) this.setAux(o.and(low, o.i32(CARRY_OVERFLOW | AUXILIARY)));
    else this.setAux(o.or(o.and(high, o.i32(CARRY_OVERFLOW)), o.and(low, o.i32(AUXILIARY))));
  }
  setLogic(bits: Bits, result: Int): void {
    this.setResult(bits, result);
    this.setAux(this.o.i32(0));
  }
  setWith(bits: Bits, result: Int, cf: I32, of: I32, af?: I32): void {
    const { o } = this;
    this.setResult(bits, result);
    const top = this.topBits(cf, of);
    this.setAux(af ? o.or(top, o.shl(af, o.i32(3))) : top);
  }
  private topBits(cf: I32, of: I32): I32 {
    const { o } = this;
    return o.or(o.shl(cf, o.i32(31)), o.shl(o.xor(cf, of), o.i32(30)));
  }
  /** What `settle` sets goes to where an event finds it; the flags stay as they are. */
  setAside(settle: () => void): void {
    const { e, cpu } = this;
    const result = e.variable('i64');
    const aux = e.variable('i32');
    e.set(result, e.load('i64', cpu, L.FLAG_RESULT));
    e.set(aux, this.aux());
    settle();
    e.store('i64', cpu, e.load('i64', cpu, L.FLAG_RESULT), L.REPEAT_RESULT);
    e.store('i32', cpu, this.aux(), L.REPEAT_AUX);
    e.store('i64', cpu, e.get(result), L.FLAG_RESULT);
    this.setAux(e.get(aux));
  }
  setCarry(cf: I32): void {
    this.setCarryOverflow(cf, this.flag('OF'));
  }
  setCarryOverflow(cf: I32, of: I32): void {
    const { o } = this;
    this.setAux(o.or(o.and(this.aux(), o.i32(~CARRY_OVERFLOW)), this.topBits(cf, of)));
  }

  flag(flag: Flag): I32 {
    const { o } = this;
    switch (flag) {
      case 'CF': return o.shrU(this.aux(), o.i32(31));
      case 'OF': {
        const aux = this.aux();
        return o.shrU(o.xor(aux, o.shl(aux, o.i32(1))), o.i32(31));
      }
      case 'AF': return o.bit(this.aux(), 3);
      case 'ZF': return o.eqz(this.e.load('i64', this.cpu, L.FLAG_RESULT));
      case 'SF': return o.xor(o.shrU(this.e.load('i32', this.cpu, L.FLAG_RESULT + 4), o.i32(31)), o.and(this.aux(), o.i32(1)));
      case 'PF': {
        const byte = o.xor(this.resultLow(), o.shrU(this.aux(), o.i32(8)));
        const nibble = o.and(o.xor(byte, o.shrU(o.and(byte, o.i32(0xff)), o.i32(4))), o.i32(15));
        return o.and(o.shrU(o.i32(EVEN_PARITY), nibble), o.i32(1));
      }
    }
  }
  condition(code: Condition): I32 {
    const { o } = this;
    const test = this.evenCondition((code & ~1) as Condition);
    return code & 1 ? o.eqz(test) : test;
  }
  private evenCondition(code: Condition): I32 {
    const { o } = this;
    switch (code) {
      case 0: return this.flag('OF');
      case 2: return this.flag('CF');
      case 4: return this.flag('ZF');
      case 6: return o.or(this.flag('CF'), this.flag('ZF'));
      case 8: return this.flag('SF');
      case 10: return this.flag('PF');
      case 12: return o.xor(this.flag('SF'), this.flag('OF'));
      default: return o.or(this.flag('ZF'), o.xor(this.flag('SF'), this.flag('OF')));
    }
  }

  read(): I32 {
    const { o } = this;
    const at = (flag: Flag, bit: number) => o.shl(this.flag(flag), o.i32(bit));
    return [at('PF', 2), at('AF', 4), at('ZF', 6), at('SF', 7), at('OF', 11)].reduce((all, f) => o.or(all, f), this.flag('CF'));
  }
  /** The same as `CpuState.eflags`'s setter does for its six flags. */
  write(value: I32): void {
    const { o } = this;
    const zero = o.bit(value, 6);
    const delta = o.xor(o.bit(value, 2), zero);
    const top = this.topBits(o.bit(value, 0), o.bit(value, 11));
    const low = o.or(o.shl(o.bit(value, 4), o.i32(3)), o.or(o.bit(value, 7), o.shl(delta, o.i32(8))));
    this.e.store('i64', this.cpu, o.toI64(o.xor(zero, o.i32(1))), L.FLAG_RESULT);
    this.setAux(o.or(top, low));
  }
}
