/**
 * x * y + z with one rounding for numbers of moderate size, when it is to nearest and an inexact result goes unnoticed: in the
 * floating point that WebAssembly has.
 *
 * Doubles: product and sums are kept with their errors, what is below the result is rounded to odd, and the last addition then
 * rounds correctly. [Boldo, Melquiond: Emulation of FMA and correctly rounded sums, IEEE Transactions on Computers 57(4), 2008]
 * Singles: a product is exact in double precision, and so is the rounding of the sum but where it lies halfway between singles.
 */
import { MXCSR } from '../../layout';

/** RC, PM and PE, and how they stand then. */
const ROUNDING: u32 = 0x7020;
const UNNOTICED: u32 = 0x1020;

export function roundsUnnoticed(cpu: i32): bool {
  return (load<u32>(cpu, MXCSR) & ROUNDING) == UNNOTICED;
}

// Doubles from 2^-255 to 2^257

export function areModerateDoubles(x: v128, y: v128, z: v128): bool {
  const least = i64x2.splat(0x300 << 52);
  const all = v128.or(v128.or(i64x2.sub(x, least), i64x2.sub(y, least)), i64x2.sub(z, least));
  return !v128.any_true(v128.and(all, i64x2.splat(0x600 << 52)));
}

/** The upper 26 bits. */
function upper(x: v128): v128 {
  const scaled = f64x2.mul(x, f64x2.splat(134217729));
  return f64x2.sub(scaled, f64x2.sub(scaled, x));
}
/** What x * y is more than `product`. */
function productError(x: v128, y: v128, product: v128): v128 {
  const xh = upper(x);
  const yh = upper(y);
  const xl = f64x2.sub(x, xh);
  const yl = f64x2.sub(y, yh);
  const high = f64x2.sub(f64x2.mul(xh, yh), product);
  return f64x2.add(f64x2.add(f64x2.add(high, f64x2.mul(xh, yl)), f64x2.mul(xl, yh)), f64x2.mul(xl, yl));
}
/** What a + b is more than `sum`. */
function sumError(a: v128, b: v128, sum: v128): v128 {
  const part = f64x2.sub(sum, a);
  return f64x2.add(f64x2.sub(a, f64x2.sub(sum, part)), f64x2.sub(b, part));
}
/** a + b; an inexact sum ends in a one. */
function addToOdd(a: v128, b: v128): v128 {
  const sum = f64x2.add(a, b);
  const error = sumError(a, b, sum);
  const one = i64x2.splat(1);
  const even = i64x2.eq(v128.and(sum, one), i64x2.splat(0));
  const change = v128.and(even, f64x2.ne(error, f64x2.splat(0)));
  // Away from zero where the error has the sum's sign: one more, else one less.
  const less = i64x2.shr_s(v128.xor(sum, error), 63);
  return i64x2.add(sum, v128.and(change, v128.or(less, one)));
}

export function fuseDoubles(x: v128, y: v128, z: v128): v128 {
  const product = f64x2.mul(x, y);
  const error = productError(x, y, product);
  const low = f64x2.add(z, error);
  const high = f64x2.add(product, low);
  return f64x2.add(high, addToOdd(sumError(z, error, low), sumError(product, low, high)));
}

// Singles from 2^-63 to 2^65

export function areModerateSingles(x: v128, y: v128, z: v128): bool {
  const least = i32x4.splat(0x40 << 23);
  const all = v128.or(v128.or(i32x4.sub(x, least), i32x4.sub(y, least)), i32x4.sub(z, least));
  return !v128.any_true(v128.and(all, i32x4.splat(0x80 << 23)));
}

/** Sums of the low two products, in double precision. */
function fuseLow(x: v128, y: v128, z: v128): v128 {
  return f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)), f64x2.promote_low_f32x4(z));
}
function upperHalf(v: v128): v128 {
  return v128.shuffle<u64>(v, v, 1, 1);
}
let halfway: bool = false;
export function isHalfway(): bool {
  return halfway;
}
/** Wrong where `isHalfway` says so afterwards, or where it is no normal number. */
export function fuseSingles(x: v128, y: v128, z: v128): v128 {
  const low = fuseLow(x, y, z);
  const high = fuseLow(upperHalf(x), upperHalf(y), upperHalf(z));
  const below = i64x2.splat(0x1fffffff);
  const half = i64x2.splat(0x10000000);
  halfway = v128.any_true(v128.or(i64x2.eq(v128.and(low, below), half), i64x2.eq(v128.and(high, below), half)));
  return v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}
export function areNormalSingles(v: v128): bool {
  const size = f32x4.abs(v);
  return i32x4.all_true(v128.and(f32x4.ge(size, f32x4.splat(1e-37)), f32x4.le(size, f32x4.splat(3e38))));
}
