/**
 * Quotients and square roots of x87 numbers in compiled code, in the common case (x87-real.ts). Doubles give 32 bits of the result at a time, nearest
 * ones or nearly so; integers give what they leave over exactly, and so the result does not depend on how doubles are rounded.
 */
import type { I32, I64 } from '../isa/ops.ts';
import type { Shorthand } from '../isa/shorthand.ts';
import type { Val } from '../wasm/function.ts';
import { BIAS, type Real, round, type RoundedReal, SPECIAL, TOP_BIT } from './x87-real.ts';

type F64 = Val<'f64'>;

/** With it a double below 2^51 has its nearest integer in its lowest bits. */
const INTEGERS = 1.5 * 2 ** 52;
const INTEGERS_BITS = 0x4338000000000000n;
const nearest = (o: Shorthand, x: F64): I64 => o.sub(o.e.convert('i64FromF64Bits', o.add(x, o.e.f64(INTEGERS))), o.i64(INTEGERS_BITS));
const toDouble = (o: Shorthand, x: I64): F64 => o.e.convert('f64FromI64', x);
const times = (o: Shorthand, x: F64, factor: number): F64 => o.mul(x, o.e.f64(factor));
const half = (o: Shorthand, x: I64): I64 => o.shrU(x, o.i64(1));
const low = (o: Shorthand, x: I64): I64 => o.and(x, o.i64(0xffffffffn));
const shiftedUp = (o: Shorthand, x: I64): I64 => o.shl(x, o.i64(32));
const isSet = (o: Shorthand, x: I64): I64 => o.toI64(o.eqz(o.eqz(x)));

/** From here on, half a divisor and what doubles are off by may not fit 63 bits. */
const LARGEST_DIVISOR = -(1n << 48n);

export function divide(o: Shorthand, a: Real, b: Real, uncommon: I32): RoundedReal {
  // a * 2^64 = (q1 * 2^32 + q2) * b + left: q1 and q2 are off by 1/2 and some 2^-18 at most, so that what is left fits 64 bits with its sign.
  const reciprocal = o.e.binary('div', o.e.f64(2 ** 31), toDouble(o, half(o, b.sig)));
  const q1 = nearest(o, o.mul(times(o, toDouble(o, half(o, a.sig)), 2), reciprocal));
  const left1 = o.sub(shiftedUp(o, a.sig), o.mul(q1, b.sig));
  const q2 = nearest(o, o.mul(toDouble(o, left1), reciprocal));
  const left2 = o.sub(shiftedUp(o, left1), o.mul(q2, b.sig));
  const below = o.shrS(left2, o.i64(63));
  const quotient = o.add(o.add(shiftedUp(o, q1), q2), below);
  const left = o.add(left2, o.and(b.sig, below));
  // Of 65 bits where a is not the smaller one, the top one being set.
  const smaller = o.ltU(a.sig, b.sig);
  const inexact = isSet(o, left);
  const belowUnit = o.or(o.shl(o.toI64(o.gtU(left, o.sub(b.sig, left))), o.i64(63)), inexact);
  const rest = o.select(smaller, belowUnit, o.or(o.shl(quotient, o.i64(63)), inexact));
  const sig = o.select(smaller, quotient, o.or(half(o, quotient), o.i64(TOP_BIT)));
  const exponent = o.add(o.sub(a.exponent, b.exponent), o.sub(o.add(uncommon, o.i32(BIAS)), smaller));
  const result = round(o, o.xor(a.sign, b.sign), exponent, sig, rest);
  const divisible = o.and(o.ltS(b.exponent, o.i32(SPECIAL)), o.ltU(b.sig, o.i64(LARGEST_DIVISOR)));
  return { ...result, fits: o.and(result.fits, divisible) };
}

export function squareRoot(o: Shorthand, a: Real, uncommon: I32): RoundedReal {
  // The root of the significand times 2^64, or 2^63 where the exponent less its bias is even: high * 2^64 + upper * 2^32. Its 64 bits are
  // s1 * 2^32 + s2, of which s2 may be negative, and s1 have one bit more.
  const even = o.toI64(o.and(a.exponent, o.i32(1)));
  const high = o.shrU(a.sig, even);
  const upper = o.shl(o.and(a.sig, even), o.i64(31));
  const root = o.e.unary('sqrt', times(o, toDouble(o, half(o, high)), 2));
  const s1 = nearest(o, root);
  const left1 = o.sub(high, o.mul(s1, s1));
  const reciprocal = o.e.binary('div', o.e.f64(0.5), toDouble(o, s1));
  const t = o.add(times(o, toDouble(o, left1), 2 ** 32), toDouble(o, upper));
  const estimate = o.mul(t, reciprocal);
  const s2 = nearest(o, o.mul(o.sub(t, times(o, o.mul(estimate, estimate), 2 ** -32)), reciprocal));
  // What is left: over * 2^32 + under.
  const left2 = o.sub(o.add(shiftedUp(o, left1), upper), o.shl(o.mul(s1, s2), o.i64(1)));
  const last = o.sub(o.i64(0), o.mul(s2, s2));
  const over = o.add(left2, o.shrS(last, o.i64(32)));
  const sig = o.add(shiftedUp(o, s1), s2);
  // It is the nearest root if less than the root is left, whichever the sign.
  const most = o.shrU(sig, o.i64(32));
  const isNearest = o.ltU(o.sub(o.add(over, most), o.i64(1)), o.sub(o.shl(most, o.i64(1)), o.i64(1)));
  const plain = o.ltU(o.add(a.exponent, uncommon), o.i32(SPECIAL));
  const positive = o.e.compare('geS', a.sign, o.i64(0));
  return {
    real: { exponent: o.add(o.shrS(o.sub(a.exponent, o.i32(BIAS)), o.i32(1)), o.i32(BIAS)), sign: o.i64(0), sig },
    fits: o.and(o.and(o.ltS(sig, o.i64(0)), isNearest), o.and(plain, positive)),
    up: o.ltS(over, o.i64(0)),
    lost: o.or(over, low(o, last)),
  };
}
