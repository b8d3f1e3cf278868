/** Shifts, rotates, bit tests and bit scans [SDM2]. */
import type { Bits, Body, I32, I64, Int, Ops } from '../ops.ts';
import { top } from './integer.ts';

type Narrow = (o: Ops, a: I32, count: I32, bits: 8 | 16 | 32) => I32;
/** With the count as wide as the operand. */
type Wide = (o: Ops, a: I64, count: I64) => I64;

/**
 * Count, masked to 5 bits, or 6 for 64-bit operands; a shift runs only when it is not zero, since a zero count changes
 * neither flags nor operand. `wide` shifts 64 bits.
 */
const shifting = (narrow: Narrow, wide: Wide): Body => (o) => {
  const bits = o.bits(0);
  const dst = o.modify(0);
  const raw = o.get(1) as I32;
  const a = dst.value;
  const shift = (count: I32): Int => (bits === 64 ? wide(o, a as I64, o.toI64(count)) : narrow(o, a as I32, count, bits));
  const mask = bits === 64 ? 63 : 31;
  const known = o.constant(raw);
  if (known !== undefined) {
    dst.put((known & mask) === 0 ? a : shift(o.i32(known & mask)));
    return;
  }
  const count = o.and(raw, o.i32(mask));
  o.e.if(count, () => dst.put(shift(count)), () => dst.put(a));
};

/** The bit that goes last when a value is shifted to the right. */
const last = (o: Ops, a: Int, count: Int): I32 => o.bit(o.shrU(a, o.sub(count, o.constantLike(count, 1))), 0);
/** The bit that goes last when 64 bits are shifted to the left. */
const lastLeft = (o: Ops, a: I64, count: I64): I32 => o.bit(o.shrU(a, o.sub(o.i64(64), count)), 0);

const shl = shifting((o, a, count, bits) => {
  // 64 bits wide, so that counts up to 31 keep the bit that left.
  const wide = o.shl(o.toI64(a), o.toI64(count));
  const r = o.wrap(wide);
  const cf = o.bit(wide, bits);
  o.setFlagsWith(bits, r, cf, o.xor(cf, top(o, r, bits)));
  return r;
}, (o, a, count) => {
  const r = o.shl(a, count);
  const cf = lastLeft(o, a, count);
  o.setFlagsWith(64, r, cf, o.xor(cf, top(o, r, 64)));
  return r;
});
const shr = shifting((o, a, count, bits) => {
  const r = o.shrU(a, count);
  o.setFlagsWith(bits, r, last(o, a, count), o.xor(top(o, r, bits), top(o, o.shl(r, o.i32(1)), bits)));
  return r;
}, (o, a, count) => {
  const r = o.shrU(a, count);
  o.setFlagsWith(64, r, last(o, a, count), o.xor(o.bit(r, 63), o.bit(r, 62)));
  return r;
});
const sar = shifting((o, a, count, bits) => {
  const wide = o.signExtend(a, bits) as I32;
  const r = o.shrS(wide, count);
  const cf = o.and(o.shrS(wide, o.sub(count, o.i32(1))), o.i32(1));
  o.setFlagsWith(bits, r, cf, o.i32(0));
  return r;
}, (o, a, count) => {
  const r = o.shrS(a, count);
  o.setFlagsWith(64, r, last(o, a, count), o.i32(0));
  return r;
});

/** Rotates set CF and OF alone; for 8 and 16 bits the count is taken modulo the width, but a full turn still sets them. */
const rotateLeft = (o: Ops, a: I32, count: I32, bits: 8 | 16 | 32): I32 => {
  if (bits === 32) return o.e.binary('rotl', a, count);
  const n = o.and(count, o.i32(bits - 1));
  return o.or(o.shl(a, n), o.shrU(a, o.sub(o.i32(bits), n)));
};
const rol = shifting((o, a, count, bits) => {
  const r = o.zeroExtend(rotateLeft(o, a, count, bits), bits) as I32;
  const cf = o.bit(r, 0);
  o.setCarryOverflow(cf, o.xor(cf, top(o, r, bits)));
  return r;
}, (o, a, count) => {
  const r = o.e.binary('rotl', a, count);
  const cf = o.bit(r, 0);
  o.setCarryOverflow(cf, o.xor(cf, o.bit(r, 63)));
  return r;
});
const ror = shifting((o, a, count, bits) => {
  const left = o.and(o.sub(o.i32(bits), count), o.i32(bits - 1));
  const r = o.zeroExtend(rotateLeft(o, a, left, bits), bits) as I32;
  const cf = top(o, r, bits);
  o.setCarryOverflow(cf, o.xor(cf, o.bit(r, bits - 2)));
  return r;
}, (o, a, count) => {
  const r = o.e.binary('rotr', a, count);
  const cf = o.bit(r, 63);
  o.setCarryOverflow(cf, o.xor(cf, o.bit(r, 62)));
  return r;
});

/** Rotates through carry: a value of width + 1 bits, the count modulo that. */
const throughCarry = (left: boolean) => shifting((o, a, count, bits) => {
  const width = o.i32(bits + 1);
  const n = bits === 32 ? count : o.e.binary('remU', count, width);
  const by = left ? n : o.sub(width, n);
  const value = o.or(o.shl(o.toI64(o.flag('CF')), o.i64(bits)), o.toI64(a));
  const rotated = o.or(o.shl(value, o.toI64(by)), o.shrU(value, o.toI64(o.sub(width, by))));
  const r = o.zeroExtend(o.wrap(rotated), bits) as I32;
  const cf = o.bit(rotated, bits);
  const of = left ? o.xor(cf, top(o, r, bits)) : o.xor(top(o, r, bits), o.bit(r, bits - 2));
  // A count that is a multiple of the width changes nothing but is no zero count to the processor: OF is set from CF.
  o.setCarryOverflow(cf, of);
  return r;
}, (o, a, count) => (left ? rotateWideLeft(o, a, count) : rotateWideRight(o, a, count)));
/** 65 bits, by 1 to 63: what comes in behind CF is shifted in two steps, since by 64 WebAssembly does not shift. */
const rotateWideLeft: Wide = (o, a, count) => {
  const rest = o.sub(o.i64(64), count);
  const carry = o.shl(o.toI64(o.flag('CF')), o.sub(count, o.i64(1)));
  const r = o.or(o.or(o.shl(a, count), carry), o.shrU(o.shrU(a, o.i64(1)), rest));
  const cf = lastLeft(o, a, count);
  o.setCarryOverflow(cf, o.xor(cf, o.bit(r, 63)));
  return r;
};
const rotateWideRight: Wide = (o, a, count) => {
  const rest = o.sub(o.i64(64), count);
  const carry = o.shl(o.toI64(o.flag('CF')), rest);
  const r = o.or(o.or(o.shrU(a, count), carry), o.shl(o.shl(a, o.i64(1)), rest));
  o.setCarryOverflow(last(o, a, count), o.xor(o.bit(r, 63), o.bit(r, 62)));
  return r;
};

/** SHLD and SHRD: bits come in from the second operand; counts past the width are undefined for 16 bits (see below). */
const double = (left: boolean): Body => (o) => {
  const bits = o.bits(0) as 16 | 32 | 64;
  const dst = o.modify(0);
  const src = o.get(1);
  const count = o.and(o.get(2) as I32, o.i32(bits === 64 ? 63 : 31));
  const a = dst.value;
  const shift = (): Int => {
    if (bits === 64) return doubleShiftWide(o, a as I64, src as I64, o.toI64(count), left);
    return doubleShift(o, a as I32, src as I32, count, bits, left);
  };
  o.e.if(count, () => dst.put(shift()), () => dst.put(a));
};
function doubleShiftWide(o: Ops, a: I64, src: I64, count: I64, left: boolean): I64 {
  const rest = o.sub(o.i64(64), count);
  const r = left ? o.or(o.shl(a, count), o.shrU(src, rest)) : o.or(o.shrU(a, count), o.shl(src, rest));
  o.setFlagsWith(64, r, left ? lastLeft(o, a, count) : last(o, a, count), o.xor(top(o, r, 64), top(o, a, 64)));
  return r;
}
/** For 16 bits, counts of 17 to 31 go on with the destination's own bits, as processors do (the manual: undefined). */
function doubleShift(o: Ops, a: I32, src: I32, count: I32, bits: 16 | 32, left: boolean): I32 {
  const n = o.toI64(count);
  const A = o.toI64(a);
  const S = o.toI64(src);
  let r: I32;
  let cf: I32;
  if (left) {
    const low = bits === 32 ? S : o.or(o.shl(S, o.i64(16)), A);
    const wide = bits === 32 ? o.or(o.shl(A, o.i64(32)), low) : o.or(o.shl(A, o.i64(32)), low);
    r = o.wrap(o.shrU(o.shl(wide, n), o.i64(32)));
    cf = bits === 32 ? o.wrap(o.and(o.shrU(A, o.sub(o.i64(32), n)), o.i64(1))) : o.bit(o.shl(wide, n), 48);
  } else {
    const wide = bits === 32 ? o.or(o.shl(S, o.i64(32)), A) : o.or(o.or(o.shl(A, o.i64(32)), o.shl(S, o.i64(16))), A);
    r = o.wrap(o.shrU(wide, n));
    cf = o.wrap(o.and(o.shrU(wide, o.sub(n, o.i64(1))), o.i64(1)));
  }
  r = o.zeroExtend(r, bits) as I32;
  const of = o.xor(top(o, r, bits), top(o, a, bits));
  o.setFlagsWith(bits, r, cf, of);
  return r;
}

/** BT and its kin: a register bit offset addresses memory beyond the operand; an immediate one is taken modulo the width. */
const bitTest = (change: ((o: Ops, a: Int, mask: Int) => Int) | undefined): Body => (o) => {
  const bits = o.bits(0) as 16 | 32 | 64;
  const index = o.fit(o.get(1), bits);
  const mask = o.shl(o.int(1, bits), o.and(index, o.constantLike(index, bits - 1)));
  const place = bitPlace(o, index, bits, change !== undefined);
  o.setCarry(o.eqz(o.eqz(o.and(place.value, mask))));
  if (change) place.put(change(o, place.value, mask));
};
function bitPlace(o: Ops, index: Int, bits: 16 | 32 | 64, written: boolean) {
  if (o.inMemory(0) && !o.isImmediate(1)) {
    const signed = o.signExtend(index, bits);
    const shift = Math.log2(bits);
    const bytes = o.shl(o.shrS(signed, o.constantLike(signed, shift)), o.constantLike(signed, shift - 3));
    return written ? o.modifyAt(0, bytes) : { value: o.getAt(0, bytes), put: () => {} };
  }
  return written ? o.modify(0) : { value: o.get(0), put: () => {} };
}

/** With a zero source ZF is set and the destination stays, as processors do (the manual: undefined). */
const scan = (forward: boolean): Body => (o) => {
  const bits = o.bits(0) as Bits;
  const src = o.get(1);
  const zero = o.eqz(src);
  const highest = o.constantLike(src, src.type === 'i64' ? 63 : 31);
  const r = forward ? o.e.unary('ctz', src) : o.sub(highest, o.e.unary('clz', src));
  o.e.if(o.eqz(zero), () => o.put(0, r));
  // ZF tells of the source; the other flags, undefined by the manual, follow the source too.
  o.setFlagsLogic(bits, src);
};

export const shiftBodies: Record<string, Body> = {
  SHL: shl, SHR: shr, SAR: sar, ROL: rol, ROR: ror, RCL: throughCarry(true), RCR: throughCarry(false),
  SHLD: double(true), SHRD: double(false),
  BT: bitTest(undefined),
  BTS: bitTest((o, a, m) => o.or(a, m)),
  BTR: bitTest((o, a, m) => o.and(a, o.not(m))),
  BTC: bitTest((o, a, m) => o.xor(a, m)),
  BSF: scan(true), BSR: scan(false),
};
