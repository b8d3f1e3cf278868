/**
 * Numbers of the x87 in compiled code, and the common case of what is done with them: operands and result are normal numbers, rounding is to
 * nearest and to 64 bits. What a function here makes is right where its `fits` holds; kernel/value-instructions.ts has every case.
 * Which way additions and roundings go is as good as random: no branch depends on it.
 */
import { X87_VALUE_SPECIAL as SPECIAL } from '../cpu/x87/kernel-interface.ts';
import type { I32, I64 } from '../isa/ops.ts';
import type { Shorthand } from '../isa/shorthand.ts';

export { SPECIAL };

/**
 * A number in an 80-bit register. `exponent` is biased, as in the register, with `SPECIAL` added unless the number is normal: then sums and
 * differences of exponents are out of range, which is looked at anyway. Of `sign` only bit 63 counts.
 */
export interface Real {
  readonly exponent: I32;
  readonly sign: I64;
  readonly sig: I64;
}
export interface Rounded {
  /** Where it does not hold, the rest means nothing. */
  readonly fits: I32;
  /** The magnitude has been rounded up: C1. */
  readonly up: I32;
  /** Not 0 when the result is inexact. */
  readonly lost: I64;
}
export interface RoundedReal extends Rounded {
  readonly real: Real;
}

export const BIAS = 0x3fff;
export const TOP_BIT = -(1n << 63n);

/** Whether an exponent is that of a normal number. */
const inRange = (o: Shorthand, exponent: I32): I32 => o.ltU(o.sub(exponent, o.i32(1)), o.i32(0x7ffe));

/** More than half of a unit, or half of one and an odd number: to nearest even. `half` is the bits' top one. */
const roundsUp = (o: Shorthand, below: I64, half: bigint, kept: I64): I32 => o.gtU(below, o.sub(o.i64(half), o.and(kept, o.i64(1))));

/** Rounds high:rest, whose top bit is set; a carry out of it, which is rare, does not fit, nor does a number without that bit. */
export function round(o: Shorthand, sign: I64, exponent: I32, high: I64, rest: I64): RoundedReal {
  const up = roundsUp(o, rest, TOP_BIT, high);
  const sig = o.add(high, o.toI64(up));
  return { real: { exponent, sign, sig }, fits: o.and(inRange(o, exponent), o.ltS(sig, o.i64(0))), up, lost: rest };
}

/** `uncommon` is 0, or `SPECIAL` where rounding is not the common one. */
export function add(o: Shorthand, a: Real, b: Real, uncommon: I32): RoundedReal {
  const difference = o.sub(a.exponent, b.exponent);
  const below = o.shrS(difference, o.i32(31));
  const distance = o.sub(o.xor(difference, below), below);
  // All ones where b is the larger one: the difference is negative, or would be with a borrow from the significands.
  const swapped = o.shrS(o.sub(o.toI64S(difference), o.toI64(o.ltU(a.sig, b.sig))), o.i64(63));
  const exchange = o.and(o.xor(a.sig, b.sig), swapped);
  const larger = o.xor(a.sig, exchange);
  const smaller = o.xor(b.sig, exchange);
  const signs = o.xor(a.sign, b.sign);
  // Both in 128 bits, with one above for a carry; shifts count modulo 64: by 63 - distance.
  const by = o.toI64(distance);
  const high = o.shrU(o.shrU(smaller, o.i64(1)), by);
  const low = o.shl(smaller, o.not(by));
  // The smaller one negated when the signs differ.
  const mask = o.shrS(signs, o.i64(63));
  const differ = o.shrU(mask, o.i64(63));
  const addedLow = o.add(o.xor(low, mask), differ);
  const addedHigh = o.add(o.xor(high, mask), o.and(differ, o.toI64(o.eqz(low))));
  // The larger one has nothing in its low word but the top bit.
  const carry = o.and(larger, o.shrU(addedLow, o.i64(63)));
  const sum = o.add(o.add(o.shrU(larger, o.i64(1)), addedHigh), carry);
  const rest = o.xor(o.shl(larger, o.i64(63)), addedLow);
  const left = o.e.unary('clz', sum);
  const top = o.or(o.shl(sum, left), o.shrU(o.shrU(rest, o.i64(1)), o.not(left)));
  const exponent = o.sub(o.add(o.sub(a.exponent, o.and(difference, below)), o.add(uncommon, o.i32(1))), o.wrap(left));
  const result = round(o, o.xor(a.sign, o.and(signs, swapped)), exponent, top, o.shl(rest, left));
  // Further apart, what is shifted out does not fit the second word. A difference in the second word alone has no top bit.
  return { ...result, fits: o.and(result.fits, o.ltU(distance, o.i32(63))) };
}

/** The 128 bits of a product. */
function product(o: Shorthand, a: I64, b: I64): { high: I64; low: I64 } {
  const mask = o.i64(0xffffffffn);
  const word = o.i64(32);
  const [al, ah, bl, bh] = [o.and(a, mask), o.shrU(a, word), o.and(b, mask), o.shrU(b, word)];
  const lowest = o.mul(al, bl);
  const t = o.add(o.mul(ah, bl), o.shrU(lowest, word));
  const m = o.add(o.mul(al, bh), o.and(t, mask));
  return { high: o.add(o.add(o.mul(ah, bh), o.shrU(t, word)), o.shrU(m, word)), low: o.mul(a, b) };
}

export function multiply(o: Shorthand, a: Real, b: Real, uncommon: I32): RoundedReal {
  const { high, low } = product(o, a.sig, b.sig);
  const normal = o.ltS(high, o.i64(0));
  const exponent = o.add(o.add(a.exponent, b.exponent), o.add(uncommon, o.select(normal, o.i32(1 - BIAS), o.i32(-BIAS))));
  const top = o.select(normal, high, o.or(o.shl(high, o.i64(1)), o.shrU(low, o.i64(63))));
  return round(o, o.xor(a.sign, b.sign), exponent, top, o.select(normal, low, o.shl(low, o.i64(1))));
}

/** As a single or double has it, whose fraction has 23 or 52 bits; an i64 in either case. */
export function narrow(o: Shorthand, a: Real, fractionBits: 23 | 52, uncommon: I32): Rounded & { readonly bits: I64 } {
  const [bias, top, signShift] = fractionBits === 23 ? [127, 0xff, 32] : [1023, 0x7ff, 0];
  const half = 1n << BigInt(62 - fractionBits);
  const exponent = o.add(a.exponent, o.add(uncommon, o.i32(bias - BIAS)));
  const below = o.and(a.sig, o.i64(2n * half - 1n));
  const kept = o.shrU(a.sig, o.i64(63 - fractionBits));
  const up = roundsUp(o, below, half, kept);
  // The integer bit, and a carry past it, add to the exponent.
  const size = o.add(o.add(o.shl(o.toI64(o.sub(exponent, o.i32(1))), o.i64(fractionBits)), kept), o.toI64(up));
  const bits = o.or(size, o.shrU(o.and(a.sign, o.i64(TOP_BIT)), o.i64(signShift)));
  return { bits, up, lost: below, fits: o.ltU(o.sub(exponent, o.i32(1)), o.i32(top - 2)) };
}

/** A single's or double's bits: right where the exponent is neither 0 nor all ones. */
export function widen(o: Shorthand, bits: I64, fractionBits: 23 | 52): { readonly real: Real; readonly fits: I32; readonly field: I32 } {
  const [bias, top, signShift] = fractionBits === 23 ? [127, 0xff, 32] : [1023, 0x7ff, 0];
  const field = o.and(o.wrap(o.shrU(bits, o.i64(fractionBits))), o.i32(top));
  const sig = o.or(o.shl(bits, o.i64(63 - fractionBits)), o.i64(TOP_BIT));
  const real = { exponent: o.add(field, o.i32(BIAS - bias)), sign: o.shl(bits, o.i64(signShift)), sig };
  return { real, field, fits: o.ltU(o.sub(field, o.i32(1)), o.i32(top - 1)) };
}

/** A number as a register of the state has it. */
export function fromRegister(o: Shorthand, signExponent: I32, sig: I64): Real {
  const exponent = o.and(signExponent, o.i32(0x7fff));
  const normal = o.and(o.ltU(o.sub(exponent, o.i32(1)), o.i32(0x7ffe)), o.ltS(sig, o.i64(0)));
  return { exponent: o.add(exponent, o.shl(o.eqz(normal), o.i32(20))), sign: o.shl(o.toI64(signExponent), o.i64(48)), sig };
}
export function signExponent(o: Shorthand, { exponent, sign }: Real): I32 {
  return o.or(o.and(exponent, o.i32(0x7fff)), o.and(o.wrap(o.shrU(sign, o.i64(48))), o.i32(0x8000)));
}

export function fromInteger(o: Shorthand, value: I64): Real {
  const negative = o.shrS(value, o.i64(63));
  const magnitude = o.sub(o.xor(value, negative), negative);
  const zeros = o.e.unary('clz', magnitude);
  const exponent = o.select(o.eqz(value), o.i32(SPECIAL), o.sub(o.i32(BIAS + 63), o.wrap(zeros)));
  return { exponent, sign: value, sig: o.shl(magnitude, zeros) };
}

/** How numbers compare; `fits` where both are normal or zero. */
export function relation(o: Shorthand, a: Real, b: Real): { readonly fits: I32; readonly less: I32; readonly equal: I32 } {
  // A zero's exponent is 0, then; what has no bits set but in its exponent is none.
  const [x, y] = [a, b].map(({ sig, exponent }) => o.select(o.and(o.eqz(sig), o.eq(exponent, o.i32(SPECIAL))), o.i32(0), exponent));
  const sameExponent = o.eq(x, y);
  const differ = o.xor(a.sign, b.sign);
  const oneSign = o.or(o.eqz(a.sig), o.e.compare('geS', differ, o.i64(0)));
  const equal = o.and(o.and(sameExponent, o.eq(a.sig, b.sig)), oneSign);
  const smaller = o.or(o.ltS(x, y), o.and(sameExponent, o.ltU(a.sig, b.sig)));
  const negative = o.ltS(a.sign, o.i64(0));
  const less = o.select(o.ltS(differ, o.i64(0)), negative, o.xor(smaller, negative));
  return { fits: o.eqz(o.and(o.or(x, y), o.i32(SPECIAL))), equal, less: o.and(less, o.eqz(equal)) };
}

export const ONE = (o: Shorthand): Real => ({ exponent: o.i32(BIAS), sign: o.i64(0), sig: o.i64(TOP_BIT) });
export const ZERO = (o: Shorthand): Real => ({ exponent: o.i32(SPECIAL), sign: o.i64(0), sig: o.i64(0) });
