/** The two memory formats, single and double, and the classes of their encodings [SDM1 4.2.2, 4.8.3]. */
import { denormalsAreZeros } from './state';

/** Of the format that is worked on. */
let fraction: i32 = 0;
let bias: i32 = 0;
let sign: u64 = 0;
let infinity: u64 = 0;

export function useSingle(): void {
  fraction = 23;
  bias = 127;
  sign = 0x80000000;
  infinity = 0x7f800000;
}

/** Half precision, which is only converted [SDM1 4.2.2]. */
export function useHalf(): void {
  fraction = 10;
  bias = 15;
  sign = 0x8000;
  infinity = 0x7c00;
}

export function useDouble(): void {
  fraction = 52;
  bias = 1023;
  sign = 0x8000000000000000;
  infinity = 0x7ff0000000000000;
}

export function fractionBits(): i32 { return fraction; }
export function exponentBias(): i32 { return bias; }
/** The biased exponent of infinities and NaNs. */
export function topExponent(): i32 { return 2 * bias + 1; }
export function signBit(): u64 { return sign; }
export function infinityBits(): u64 { return infinity; }
export function quietBit(): u64 { return <u64>1 << <u64>(fraction - 1); }
/** The QNaN floating-point indefinite [SDM1 4.8.3.7]. */
export function indefinite(): u64 { return sign | infinity | quietBit(); }

export function isNan(x: u64): bool { return (x & ~sign) > infinity; }
export function isSignalling(x: u64): bool { return isNan(x) && (x & quietBit()) == 0; }
export function isInfinity(x: u64): bool { return (x & ~sign) == infinity; }
export function isZero(x: u64): bool { return (x & ~sign) == 0; }
export function isDenormal(x: u64): bool { return (x & infinity) == 0 && (x & ~sign) != 0; }

/** The operand as computations see it: a denormal is a zero under DAZ [SDM1 10.2.3.4]. */
export function accept(x: u64): u64 {
  return denormalsAreZeros() && isDenormal(x) ? x & sign : x;
}

/** Biased exponent of a finite number other than zero, below 1 for denormals. */
export function exponentOf(x: u64): i32 {
  const e = i32((x & infinity) >> <u64>fraction);
  return e != 0 ? e : 64 - fraction - i32(clz<u64>(x & ~sign));
}

/** Its significand with the top bit in bit 63. */
export function significandOf(x: u64): u64 {
  const bits = x & ~sign & ~infinity;
  return (x & infinity) != 0 ? (<u64>1 << 63) | (bits << <u64>(63 - fraction)) : bits << clz<u64>(bits);
}
