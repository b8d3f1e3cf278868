/** Operations on typed values as instruction bodies write them, in terms of an emitter. */
import type { IntType, Type } from '../wasm/opcodes.ts';
import type { Bits, Emitter, I32, I64, Int, Val } from './ops.ts';

export abstract class Shorthand {
  abstract readonly e: Emitter;

  i32(n: number): I32 { return this.e.i32(n); }
  i64(n: bigint | number): I64 { return this.e.i64(n); }
  /** Constant of the type that values of `bits` bits have. */
  int(n: number | bigint, bits: Bits): Int { return bits === 64 ? this.e.i64(n) : this.e.i32(Number(n)); }
  add<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('add', a, b); }
  sub<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('sub', a, b); }
  mul<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('mul', a, b); }
  and<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('and', a, b); }
  or<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('or', a, b); }
  xor<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('xor', a, b); }
  shl<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('shl', a, b); }
  shrU<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('shrU', a, b); }
  shrS<T extends Type>(a: Val<T>, b: Val<T>): Val<T> { return this.e.binary('shrS', a, b); }
  not<T extends IntType>(a: Val<T>): Val<T> { return this.e.binary('xor', a, this.constantLike(a, -1)); }
  eq<T extends Type>(a: Val<T>, b: Val<T>): I32 { return this.e.compare('eq', a, b); }
  ne<T extends Type>(a: Val<T>, b: Val<T>): I32 { return this.e.compare('ne', a, b); }
  ltU<T extends Type>(a: Val<T>, b: Val<T>): I32 { return this.e.compare('ltU', a, b); }
  ltS<T extends Type>(a: Val<T>, b: Val<T>): I32 { return this.e.compare('ltS', a, b); }
  gtU<T extends Type>(a: Val<T>, b: Val<T>): I32 { return this.e.compare('gtU', a, b); }
  eqz(a: Int): I32 { return this.e.eqz(a); }
  select<T extends Type>(c: I32, yes: Val<T>, no: Val<T>): Val<T> { return this.e.select(c, yes, no); }
  wrap(a: I64): I32 { return this.e.convert('wrap', a); }
  toI64(a: I32): I64 { return this.e.convert('extendU', a); }
  toI64S(a: I32): I64 { return this.e.convert('extendS', a); }
  constantLike<T extends IntType>(like: Val<T>, n: number): Val<T> {
    return (like.type === 'i64' ? this.e.i64(n) : this.e.i32(n)) as Val<T>;
  }
  /** Sign-extends a value of `bits` bits inside its type. */
  signExtend(a: Int, bits: Bits): Int {
    if (bits === 8) return this.e.unary('extend8S', a);
    if (bits === 16) return this.e.unary('extend16S', a);
    return a;
  }
  zeroExtend(a: Int, bits: Bits): Int {
    if (bits === 8) return this.and(a, this.constantLike(a, 0xff));
    if (bits === 16) return this.and(a, this.constantLike(a, 0xffff));
    return a;
  }
  /** A zero-extended value in the type that values of `bits` bits have: widened or cut off. */
  fit(a: Int, bits: Bits): Int {
    if (bits === 64) return a.type === 'i64' ? a : this.toI64(a as I32);
    return a.type === 'i64' ? this.wrap(a as I64) : a;
  }
  /** Likewise, sign-extended: a value of `from` bits. */
  fitSigned(a: Int, from: Bits, bits: Bits): Int {
    const extended = this.signExtend(a, from);
    return bits === 64 && extended.type === 'i32' ? this.toI64S(extended as I32) : this.fit(extended, bits);
  }
  /** An address as helpers get it: a number, signed if it has 64 bits (src/cpu/linear.ts). */
  address(a: Int): Val<'f64'> {
    return this.e.convert('f64FromI64', this.fit(a, 64) as I64);
  }
  /** True when bits 47 to 63 of an address are the same [SDM1 3.3.7.1]. */
  isCanonical(address: I64): I32 {
    const upper = this.i64(16);
    return this.eq(this.shrS(this.shl(address, upper), upper), address);
  }
  /** Bit `n` (constant) of a value as 0 or 1. */
  bit(a: Int, n: number): I32 {
    const shifted = n === 0 ? a : this.shrU(a, this.constantLike(a, n));
    const one = this.and(shifted, this.constantLike(shifted, 1));
    return one.type === 'i64' ? this.wrap(one as I64) : (one as I32);
  }
}
