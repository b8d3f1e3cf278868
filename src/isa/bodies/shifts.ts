/** Shifts, rotates, bit tests and bit scans [SDM2]. */
import type { Bits, Body, I32, Int, Ops } from '../ops.ts';
import { top } from './integer.ts';

/** Count, masked to 5 bits; `shift` runs only when it is not zero, since a zero count changes neither flags nor operand. */
const shifting = (shift: (o: Ops, a: I32, count: I32, bits: 8 | 16 | 32) => I32): Body => (o) => {
  const bits = o.bits(0) as 8 | 16 | 32;
  const dst = o.modify(0);
  const raw = o.get(1) as I32;
  const a = dst.value as I32;
  const known = o.constant(raw);
  if (known !== undefined) {
    if ((known & 31) !== 0) dst.put(shift(o, a, o.i32(known & 31), bits));
    return;
  }
  const count = o.and(raw, o.i32(31));
  o.e.if(count, () => dst.put(shift(o, a, count, bits)), () => dst.put(a));
};

const last = (o: Ops, a: I32, count: I32): I32 => o.and(o.shrU(a, o.sub(count, o.i32(1))), o.i32(1));

const shl = shifting((o, a, count, bits) => {
  // 64 bits wide, so that counts up to 31 keep the bit that left.
  const wide = o.shl(o.toI64(a), o.toI64(count));
  const r = o.wrap(wide);
  const cf = o.bit(wide, bits);
  o.setFlagsWith(bits, r, cf, o.xor(cf, top(o, r, bits)));
  return r;
});
const shr = shifting((o, a, count, bits) => {
  const r = o.shrU(a, count);
  o.setFlagsWith(bits, r, last(o, a, count), o.xor(top(o, r, bits), top(o, o.shl(r, o.i32(1)), bits)));
  return r;
});
const sar = shifting((o, a, count, bits) => {
  const wide = o.signExtend(a, bits) as I32;
  const r = o.shrS(wide, count);
  const cf = o.and(o.shrS(wide, o.sub(count, o.i32(1))), o.i32(1));
  o.setFlagsWith(bits, r, cf, o.i32(0));
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
});
const ror = shifting((o, a, count, bits) => {
  const left = o.and(o.sub(o.i32(bits), count), o.i32(bits - 1));
  const r = o.zeroExtend(rotateLeft(o, a, left, bits), bits) as I32;
  const cf = top(o, r, bits);
  o.setCarryOverflow(cf, o.xor(cf, o.bit(r, bits - 2)));
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
});

/** SHLD and SHRD: bits come in from the second operand; counts past the width are undefined for 16 bits (see below). */
const double = (left: boolean): Body => (o) => {
  const bits = o.bits(0) as 16 | 32;
  const dst = o.modify(0);
  const src = o.get(1) as I32;
  const count = o.and(o.get(2) as I32, o.i32(31));
  const a = dst.value as I32;
  o.e.if(count, () => dst.put(doubleShift(o, a, src, count, bits, left)), () => dst.put(a));
};
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
  const bits = o.bits(0) as 16 | 32;
  const index = o.get(1) as I32;
  const mask = o.shl(o.i32(1), o.and(index, o.i32(bits - 1)));
  const place = bitPlace(o, index, bits, change !== undefined);
  o.setCarry(o.ne(o.and(place.value as I32, mask), o.i32(0)));
  if (change) place.put(change(o, place.value, mask));
};
function bitPlace(o: Ops, index: I32, bits: 16 | 32, written: boolean) {
  if (o.inMemory(0) && !o.isImmediate(1)) {
    const signed = o.signExtend(index, bits) as I32;
    const shift = bits === 32 ? 5 : 4;
    const bytes = o.shl(o.shrS(signed, o.i32(shift)), o.i32(shift - 3));
    return written ? o.modifyAt(0, bytes) : { value: o.getAt(0, bytes), put: () => {} };
  }
  return written ? o.modify(0) : { value: o.get(0), put: () => {} };
}

/** With a zero source ZF is set and the destination stays, as processors do (the manual: undefined). */
const scan = (forward: boolean): Body => (o) => {
  const bits = o.bits(0) as Bits;
  const src = o.get(1) as I32;
  const zero = o.eqz(src);
  const r = forward ? o.e.unary('ctz', src) : o.sub(o.i32(31), o.e.unary('clz', src));
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
