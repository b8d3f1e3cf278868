/** Integer arithmetic, logic and moves [SDM2]. */
import * as L from '../../cpu/layout.ts';
import { requireAligned } from './sse-operands.ts';
import type { Bits, Body, Condition, I32, I64, Int, Ops } from '../ops.ts';

const VECTOR_DE = 0;

type Arithmetic = (o: Ops, a: Int, b: Int, bits: Bits) => Int;

/** `dst = f(dst, src)`; `f` gives the result and sets the flags after the destination is known to be writable. */
const binary = (compute: Arithmetic): Body => (o) => {
  const b = o.get(1);
  const dst = o.modify(0);
  const bits = o.bits(0);
  dst.put(compute(o, dst.value, sameType(b, dst.value), bits));
};
/** As `binary`, without writing the result. */
const compareOnly = (compute: Arithmetic): Body => (o) => {
  const a = o.get(0);
  compute(o, a, sameType(o.get(1), a), o.bits(0));
};
/** Both operands of an instruction have one type; the cast says so. */
const sameType = (b: Int, _like: Int): Int => b;

const add: Arithmetic = (o, a, b, bits) => {
  const r = o.add(a, b);
  o.setFlags('add', bits, a, b, r);
  return r;
};
const sub: Arithmetic = (o, a, b, bits) => {
  const r = o.sub(a, b);
  o.setFlags('sub', bits, a, b, r);
  return r;
};
const carryLike = (o: Ops, a: Int): Int => (a.type === 'i64' ? o.toI64(o.flag('CF')) : o.flag('CF'));
const adc: Arithmetic = (o, a, b, bits) => {
  const r = o.add(o.add(a, b), carryLike(o, a));
  o.setFlags('add', bits, a, b, r);
  return r;
};
const sbb: Arithmetic = (o, a, b, bits) => {
  const r = o.sub(o.sub(a, b), carryLike(o, a));
  o.setFlags('sub', bits, a, b, r);
  return r;
};
const logic = (op: 'and' | 'or' | 'xor'): Arithmetic => (o, a, b, bits) => {
  const r = o[op](a, b);
  o.setFlagsLogic(bits, r);
  return r;
};

/** INC and DEC leave CF alone. */
const step = (kind: 'add' | 'sub'): Body => (o) => {
  const bits = o.bits(0);
  const dst = o.modify(0);
  const one = o.constantLike(dst.value, 1);
  const r = kind === 'add' ? o.add(dst.value, one) : o.sub(dst.value, one);
  const cf = o.flag('CF');
  o.setFlags(kind, bits, dst.value, one, r);
  o.setCarry(cf);
  dst.put(r);
};

/** Top bit of a `bits`-wide value, 0 or 1. */
const top = (o: Ops, a: Int, bits: Bits): I32 => o.bit(a, bits - 1);

/** High half of a 128-bit product. */
export function highProduct(o: Ops, a: I64, b: I64, signed: boolean): I64 {
  const low = (v: I64) => o.and(v, o.i64(0xffffffff));
  const high = (v: I64) => o.shrU(v, o.i64(32));
  const cross = o.add(o.mul(high(a), low(b)), high(o.mul(low(a), low(b))));
  const middle = o.add(o.mul(low(a), high(b)), low(cross));
  const product = o.add(o.add(o.mul(high(a), high(b)), high(cross)), high(middle));
  if (!signed) return product;
  const negative = (v: I64, other: I64) => o.and(o.shrS(v, o.i64(63)), other);
  return o.sub(o.sub(product, negative(a, b)), negative(b, a));
}
/** RDX:RAX = RAX * r/m64. */
const wideMultiply = (signed: boolean): Body => (o) => {
  const src = o.get(0) as I64;
  const a = o.reg(0, 64) as I64;
  const low = o.mul(a, src);
  const high = highProduct(o, a, src, signed);
  o.setReg(0, 64, low);
  o.setReg(2, 64, high);
  const overflow = o.ne(high, signed ? o.shrS(low, o.i64(63)) : o.i64(0));
  o.setFlagsWith(64, low, overflow, overflow);
};
const mul: Body = (o) => {
  const bits = o.bits(0);
  if (bits === 64) return wideMultiply(false)(o);
  const src = o.get(0);
  const product = o.mul(o.toI64(o.reg(0, bits) as I32), o.toI64(src as I32));
  const high = o.wrap(o.shrU(product, o.i64(bits)));
  writeProduct(o, bits, product);
  const overflow = o.ne(high, o.i32(0));
  o.setFlagsWith(bits, o.wrap(product), overflow, overflow);
};
const imul1: Body = (o) => {
  const bits = o.bits(0);
  if (bits === 64) return wideMultiply(true)(o);
  const src = o.signExtend(o.get(0), bits) as I32;
  const a = o.signExtend(o.reg(0, bits), bits) as I32;
  const product = o.mul(o.toI64S(a), o.toI64S(src));
  writeProduct(o, bits, product);
  const overflow = tooWide(o, product, bits);
  o.setFlagsWith(bits, o.wrap(product), overflow, overflow);
};
/** 1 when a signed product does not fit `bits` bits. */
const tooWide = (o: Ops, product: I64, bits: Bits): I32 => {
  const low = o.signExtend(o.wrap(product), bits) as I32;
  return o.ne(o.toI64S(low), product);
};
/** AX, or DX:AX or EDX:EAX. */
function writeProduct(o: Ops, bits: Bits, product: I64): void {
  const low = o.wrap(product);
  if (bits === 8) {
    o.setReg(0, 16, low);
    return;
  }
  o.setReg(0, bits, low);
  o.setReg(2, bits, o.wrap(o.shrU(product, o.i64(bits))));
}
/** Two- and three-operand forms. */
const imul: Body = (o) => {
  const bits = o.bits(0);
  const [a, b] = o.operandCount === 3 ? [o.get(1), o.get(2)] : [o.get(0), o.get(1)];
  if (bits === 64) {
    const low = o.mul(a, b);
    const overflow = o.ne(highProduct(o, a as I64, b as I64, true), o.shrS(low as I64, o.i64(63)));
    o.put(0, low);
    o.setFlagsWith(64, low, overflow, overflow);
    return;
  }
  const product = o.mul(o.toI64S(o.signExtend(a, bits) as I32), o.toI64S(o.signExtend(b, bits) as I32));
  const overflow = tooWide(o, product, bits);
  const low = o.wrap(product);
  o.put(0, low);
  o.setFlagsWith(bits, low, overflow, overflow);
};

/** RDX:RAX by r/m64. */
const wideDivide = (signed: boolean): Body => (o) => {
  const divisor = o.get(0) as I64;
  const fits = o.kernel(signed ? 'idiv128' : 'div128', 'i32', o.reg(2, 64), o.reg(0, 64), divisor);
  o.raiseIf(o.eqz(fits), VECTOR_DE);
  o.setReg(0, 64, o.stateLoad('i64', L.INTEGER_SCRATCH));
  o.setReg(2, 64, o.stateLoad('i64', L.INTEGER_SCRATCH + 8));
};
/** Dividend in AX, DX:AX or EDX:EAX; #DE for zero and for a quotient that is too wide. Flags stay as they are. */
const divide = (signed: boolean): Body => (o) => {
  const bits = o.bits(0);
  if (bits === 64) return wideDivide(signed)(o);
  const divisor32 = o.get(0) as I32;
  o.raiseIf(o.eqz(divisor32), VECTOR_DE);
  const extend = (v: I32) => (signed ? o.toI64S(o.signExtend(v, bits) as I32) : o.toI64(v));
  const divisor = extend(divisor32);
  const dividend = readDividend(o, bits, signed);
  if (signed && bits === 32) {
    // The one case in which WebAssembly's own division traps.
    o.raiseIf(o.and(o.eq(divisor, o.i64(-1)), o.eq(dividend, o.i64(-(1n << 63n)))), VECTOR_DE);
  }
  const quotient = o.e.binary(signed ? 'divS' : 'divU', dividend, divisor);
  const remainder = o.e.binary(signed ? 'remS' : 'remU', dividend, divisor);
  const narrow = extend(o.zeroExtend(o.wrap(quotient), bits) as I32);
  o.raiseIf(o.ne(narrow, quotient), VECTOR_DE);
  if (bits === 8) {
    const ah = o.shl(o.and(o.wrap(remainder), o.i32(0xff)), o.i32(8));
    o.setReg(0, 16, o.or(ah, o.and(o.wrap(quotient), o.i32(0xff))));
    return;
  }
  o.setReg(0, bits, o.wrap(quotient));
  o.setReg(2, bits, o.wrap(remainder));
};
function readDividend(o: Ops, bits: Bits, signed: boolean): I64 {
  if (bits === 8) {
    const ax = o.reg(0, 16) as I32;
    return signed ? o.toI64S(o.signExtend(ax, 16) as I32) : o.toI64(ax);
  }
  const low = o.reg(0, bits) as I32;
  const high = o.reg(2, bits) as I32;
  if (bits === 16) {
    const both = o.or(o.shl(high, o.i32(16)), low);
    return signed ? o.toI64S(both) : o.toI64(both);
  }
  return o.or(o.shl(o.toI64(high), o.i64(32)), o.toI64(low));
}

const neg: Body = (o) => {
  const dst = o.modify(0);
  const zero = o.constantLike(dst.value, 0);
  const r = o.sub(zero, dst.value);
  o.setFlags('sub', o.bits(0), zero, dst.value, r);
  dst.put(r);
};
const not: Body = (o) => {
  const dst = o.modify(0);
  dst.put(o.not(dst.value));
};

/** Unlike other moves, MOVZX and MOVSX read a narrower source. */
const movzx: Body = (o) => o.put(0, o.get(1));
const movsx: Body = (o) => o.put(0, o.fitSigned(o.get(1), o.bits(1), o.bits(0)));

const xchg: Body = (o) => {
  const dst = o.modify(0);
  const b = o.get(1);
  dst.put(b);
  o.put(1, dst.value);
};
const xadd: Body = (o) => {
  const bits = o.bits(0);
  const dst = o.modify(0);
  const b = o.get(1);
  const r = o.add(dst.value, b);
  o.setFlags('add', bits, dst.value, b, r);
  // The source first: with one register as both operands the sum stays.
  o.put(1, dst.value);
  dst.put(r);
};
const cmpxchg: Body = (o) => {
  const bits = o.bits(0);
  const dst = o.modify(0);
  const acc = o.reg(0, bits);
  const r = o.sub(acc, dst.value);
  const equal = o.eq(acc, dst.value);
  const src = o.get(1);
  o.setFlags('sub', bits, acc, dst.value, r);
  // Memory is written either way, as hardware does; a register is not, so that it keeps its upper half.
  if (o.inMemory(0)) dst.put(o.select(equal, src, dst.value));
  else o.e.if(equal, () => dst.put(src));
  o.e.if(o.eqz(equal), () => o.setReg(0, bits, dst.value));
};
const cmpxchg16b: Body = (o) => {
  requireAligned(o, 0);
  o.probeWrite(0, 16);
  const [low, high] = [o.loadOperand(0, 'i64'), o.loadOperand(0, 'i64', 8)];
  const difference = o.or(o.xor(low, o.reg(0, 64) as I64), o.xor(high, o.reg(2, 64) as I64));
  const equal = o.eqz(difference);
  o.storeOperand(0, 'i64', o.select(equal, o.reg(3, 64) as I64, low));
  o.storeOperand(0, 'i64', o.select(equal, o.reg(1, 64) as I64, high), 8);
  o.e.if(o.eqz(equal), () => {
    o.setReg(0, 64, low);
    o.setReg(2, 64, high);
  });
  setZero(o, equal);
};
const setZero = (o: Ops, zf: I32): void => o.writeFlags(o.or(o.and(o.readFlags(), o.i32(~0x40)), o.shl(zf, o.i32(6))));
const cmpxchg8b: Body = (o) => {
  if (o.osize === 64) return cmpxchg16b(o);
  o.probeWrite(0, 8);
  const old = o.loadOperand(0, 'i64');
  const expected = o.or(o.shl(o.toI64(o.reg(2, 32) as I32), o.i64(32)), o.toI64(o.reg(0, 32) as I32));
  const desired = o.or(o.shl(o.toI64(o.reg(1, 32) as I32), o.i64(32)), o.toI64(o.reg(3, 32) as I32));
  const equal = o.eq(old, expected);
  o.storeOperand(0, 'i64', o.select(equal, desired, old));
  o.e.if(o.eqz(equal), () => {
    o.setReg(0, 32, o.wrap(old));
    o.setReg(2, 32, o.wrap(o.shrU(old, o.i64(32))));
  });
  setZero(o, equal);
};

const swapBytes = (o: Ops, a: I32): I32 => o.or(
  o.and(o.e.binary('rotl', a, o.i32(8)), o.i32(0x00ff00ff)),
  o.and(o.e.binary('rotr', a, o.i32(8)), o.i32(0xff00ff00 | 0)),
);
const bswap: Body = (o) => {
  const a = o.get(0);
  // With a 16-bit operand the result is undefined by the manual; processors clear it.
  if (o.bits(0) === 16) return o.put(0, o.i32(0));
  if (o.bits(0) === 32) return o.put(0, swapBytes(o, a as I32));
  const half = (v: Int) => o.toI64(swapBytes(o, o.wrap(v as I64)));
  o.put(0, o.or(o.shl(half(a), o.i64(32)), half(o.shrU(a as I64, o.i64(32)))));
};

const cbw: Body = (o) => {
  const half = (o.osize / 2) as Bits;
  o.setReg(0, o.osize, o.fitSigned(o.reg(0, half), half, o.osize));
};
const cwd: Body = (o) => {
  const bits = o.osize;
  const a = o.signExtend(o.reg(0, bits), bits);
  o.setReg(2, bits, o.shrS(a, o.constantLike(a, 63)));
};

const setcc = (code: Condition): Body => (o) => o.put(0, o.condition(code));
/** The source is read, and may fault, whatever the condition; the upper half of a 64-bit register is cleared likewise. */
const cmovcc = (code: Condition): Body => (o) => {
  const src = o.get(1);
  if (o.bits(0) === 32) o.put(0, o.select(o.condition(code), src, o.get(0)));
  else o.e.if(o.condition(code), () => o.put(0, src));
};

const CONDITIONS = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];
export const perCondition = (prefix: string, make: (code: Condition) => Body): Record<string, Body> =>
  Object.fromEntries(CONDITIONS.map((c, i) => [prefix + c, make(i as Condition)]));

export const integerBodies: Record<string, Body> = {
  ADD: binary(add), OR: binary(logic('or')), ADC: binary(adc), SBB: binary(sbb),
  AND: binary(logic('and')), SUB: binary(sub), XOR: binary(logic('xor')), CMP: compareOnly(sub), TEST: compareOnly(logic('and')),
  INC: step('add'), DEC: step('sub'), NEG: neg, NOT: not,
  MUL: mul, IMUL1: imul1, IMUL: imul, DIV: divide(false), IDIV: divide(true),
  MOV: (o) => o.put(0, o.get(1)), MOVNTI: (o) => o.put(0, o.get(1)), MOVZX: movzx, MOVSX: movsx, MOVSXD: movsx,
  LEA: (o) => o.put(0, o.offset(1)),
  XCHG: xchg, XADD: xadd, CMPXCHG: cmpxchg, CMPXCHG8B: cmpxchg8b, BSWAP: bswap, CBW: cbw, CWD: cwd,
  NOP: () => {},
  CLC: (o) => o.setCarry(o.i32(0)), STC: (o) => o.setCarry(o.i32(1)), CMC: (o) => o.setCarry(o.eqz(o.flag('CF'))),
  SALC: (o) => o.setReg(0, 8, o.sub(o.i32(0), o.flag('CF'))),
  LAHF: (o) => o.setReg(4, 8, o.or(o.and(o.readFlags(), o.i32(0xd5)), o.i32(2))),
  SAHF: (o) => {
    const kept = o.and(o.readFlags(), o.i32(0x800));
    o.writeFlags(o.or(kept, o.and(o.reg(4, 8) as I32, o.i32(0xd5))));
  },
  ...perCondition('SET', setcc),
  ...perCondition('CMOV', cmovcc),
};
export { top };
