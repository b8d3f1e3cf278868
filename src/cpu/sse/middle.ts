/**
 * The middle of the formats' ranges: numbers there raise no exception but #P, and products of three neither. Exponents of a quarter
 * of all there are; with the right number added, modulo their number, they and no others have 0 in their two highest bits.
 */
interface Format {
  readonly bits: 32 | 64;
  /** Bits of the fraction, and the bias of exponents [SDM1 4.2.2]. */
  readonly fraction: number;
  readonly bias: number;
  /** The lowest exponent of the middle and the highest. */
  readonly lowest: number;
  readonly highest: number;
}
export const MIDDLE = {
  f32x4: { bits: 32, fraction: 23, bias: 127, lowest: -32, highest: 31 },
  f64x2: { bits: 64, fraction: 52, bias: 1023, lowest: -256, highest: 255 },
} as const satisfies Record<string, Format>;

/** For each format, in each lane of 16 bytes: what is added, and the bits that have to be 0 then. */
export function middleConstants(): BigUint64Array {
  const words = Object.values(MIDDLE).flatMap(({ bits, fraction, bias, lowest, highest }: Format) => {
    const quarter = BigInt(highest - lowest + 1);
    const splat = (exponent: bigint) => (bits === 32 ? (exponent << 32n) | exponent : exponent) << BigInt(fraction);
    const [added, tested] = [4n * quarter - BigInt(bias + lowest), 3n * quarter];
    return [added, added, tested, tested].map(splat);
  });
  return BigUint64Array.from(words);
}
