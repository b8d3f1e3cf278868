/** Integer arithmetic, logic and moves [SDM2]. */
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

const mul: Body = (o) => {
  const bits = o.bits(0);
  const src = o.get(0);
  if (bits === 64) throw new Error('MUL r/m64 belongs to long mode');
  const product = o.mul(o.toI64(o.reg(0, bits) as I32), o.toI64(src as I32));
  const high = o.wrap(o.shrU(product, o.i64(bits)));
  writeProduct(o, bits, product);
  const overflow = o.ne(high, o.i32(0));
  o.setFlagsWith(bits, o.wrap(product), overflow, overflow);
};
const imul1: Body = (o) => {
  const bits = o.bits(0);
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
  const product = o.mul(o.toI64S(o.signExtend(a, bits) as I32), o.toI64S(o.signExtend(b, bits) as I32));
  const overflow = tooWide(o, product, bits);
  const low = o.wrap(product);
  o.put(0, low);
  o.setFlagsWith(bits, low, overflow, overflow);
};

/** Dividend in AX, DX:AX or EDX:EAX; #DE for zero and for a quotient that is too wide. Flags stay as they are. */
const divide = (signed: boolean): Body => (o) => {
  const bits = o.bits(0);
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
const movsx: Body = (o) => o.put(0, o.signExtend(o.get(1), o.bits(1)));

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
  // Memory is written either way, as hardware does.
  dst.put(o.select(equal, src, dst.value));
  o.e.if(o.eqz(equal), () => o.setReg(0, bits, dst.value));
};
const cmpxchg8b: Body = (o) => {
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
  const others = o.and(o.readFlags(), o.i32(~0x40));
  o.writeFlags(o.or(others, o.shl(equal, o.i32(6))));
};

const bswap: Body = (o) => {
  const a = o.get(0) as I32;
  // With a 16-bit operand the result is undefined by the manual; processors clear it.
  if (o.bits(0) === 16) return o.put(0, o.i32(0));
  const swapped = o.or(
    o.and(o.e.binary('rotl', a, o.i32(8)), o.i32(0x00ff00ff)),
    o.and(o.e.binary('rotr', a, o.i32(8)), o.i32(0xff00ff00 | 0)),
  );
  o.put(0, swapped);
};

const cbw: Body = (o) => {
  if (o.osize === 16) o.setReg(0, 16, o.signExtend(o.reg(0, 8), 8));
  else o.setReg(0, 32, o.signExtend(o.reg(0, 16), 16));
};
const cwd: Body = (o) => {
  const bits = o.osize as 16 | 32;
  o.setReg(2, bits, o.shrS(o.signExtend(o.reg(0, bits), bits), o.i32(31)));
};

const setcc = (code: Condition): Body => (o) => o.put(0, o.condition(code));
/** The source is read, and may fault, whatever the condition. */
const cmovcc = (code: Condition): Body => (o) => {
  const src = o.get(1);
  o.e.if(o.condition(code), () => o.put(0, src));
};

const CONDITIONS = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];
export const perCondition = (prefix: string, make: (code: Condition) => Body): Record<string, Body> =>
  Object.fromEntries(CONDITIONS.map((c, i) => [prefix + c, make(i as Condition)]));

export const integerBodies: Record<string, Body> = {
  ADD: binary(add), OR: binary(logic('or')), ADC: binary(adc), SBB: binary(sbb),
  AND: binary(logic('and')), SUB: binary(sub), XOR: binary(logic('xor')), CMP: compareOnly(sub), TEST: compareOnly(logic('and')),
  INC: step('add'), DEC: step('sub'), NEG: neg, NOT: not,
  MUL: mul, IMUL1: imul1, IMUL: imul, DIV: divide(false), IDIV: divide(true),
  MOV: (o) => o.put(0, o.get(1)), MOVNTI: (o) => o.put(0, o.get(1)), MOVZX: movzx, MOVSX: movsx,
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
