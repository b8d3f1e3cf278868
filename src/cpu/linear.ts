/**
 * Linear addresses and instruction pointers as TypeScript keeps them: a plain number, signed. The canonical addresses of
 * 64-bit mode [SDM1 3.3.7.1] are the numbers from -2^47 to 2^47 - 1, so every one of them is exact, sums of them too, and a
 * number outside is not canonical. Addresses of the other modes are 32 bits, unsigned.
 *
 * WebAssembly passes them as f64 (`f64.convert_i64_s` in 64-bit code, `f64.convert_i32_u` elsewhere): no BigInt is made. What
 * rounds is far outside the canonical range and stays there.
 */

const HALF = 0x1_0000_0000;
const CANONICAL = 2 ** 47;

/** The address with these halves; sign bits of `low` do not matter. */
export function linear64(low: number, high: number): number {
  return (high | 0) * HALF + (low >>> 0);
}

/** Bits 32 to 63 of an address, signed. Bits 0 to 31 are `linear | 0`. */
export function highHalf(linear: number): number {
  return Math.floor(linear / HALF) | 0;
}

export function isCanonical(linear: number): boolean {
  return linear >= -CANONICAL && linear < CANONICAL;
}

/** An address of 32-bit modes and of compatibility mode, out of a sum that may be past either end. */
export function linear32(sum: number): number {
  return sum >>> 0;
}
