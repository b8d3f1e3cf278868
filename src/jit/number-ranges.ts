/**
 * Where floating-point numbers lie, as far as it is known while a region is made: what comes of numbers that have been
 * found in the middle of their format's range needs no check of its own for a while.
 */
import { MIDDLE } from '../cpu/sse/middle.ts';
import type { FloatOperation, FloatShape } from '../isa/ops.ts';

/** Numbers of a format, each 0 or of a magnitude from 2^low to 2^high, and a multiple of 2^grain. */
export interface NumberRange {
  readonly shape: FloatShape;
  readonly low: number;
  readonly high: number;
  readonly grain: number;
}

/** Bits of a significand, and exponents between which an operation raises no exception but #P [SDM1 4.9.1]. */
const FORMATS = {
  f32x4: { precision: 24, least: -125, most: 127 },
  f64x2: { precision: 53, least: -1021, most: 1023 },
} as const;

const ulpBelow = (shape: FloatShape): number => FORMATS[shape].precision - 1;
const middle = (shape: FloatShape): NumberRange => ({ shape, low: MIDDLE[shape].lowest, high: MIDDLE[shape].highest + 1, grain: MIDDLE[shape].lowest - ulpBelow(shape) });
/** Of numbers that are found to be there. */
export const MIDDLE_RANGES: Readonly<Record<FloatShape, NumberRange>> = { f32x4: middle('f32x4'), f64x2: middle('f64x2') };
const normal = (shape: FloatShape): NumberRange => ({ shape, low: FORMATS[shape].least - 1, high: FORMATS[shape].most + 1, grain: FORMATS[shape].least - 1 - ulpBelow(shape) });
/** Of all normal numbers. */
export const NORMAL_RANGES: Readonly<Record<FloatShape, NumberRange>> = { f32x4: normal('f32x4'), f64x2: normal('f64x2') };
/** Of signed integers of 32 bits. */
export const INTEGERS: NumberRange = { shape: 'f64x2', low: 0, high: 31, grain: 0 };

/**
 * Where the rounded result lies; undefined if it may be too large or too small. Sums of multiples of 2^grain are such multiples
 * too, and a sum that is not 0 is no smaller: they cannot underflow. No divisor is 0.
 */
export function resultRange(operation: Exclude<FloatOperation, 'root'>, a: NumberRange, b: NumberRange): NumberRange | undefined {
  const { shape } = a;
  const { least, most } = FORMATS[shape];
  const range = operation === 'sum' ? sum(a, b) : operation === 'product' ? scaled(shape, a.low + b.low, a.high + b.high) : scaled(shape, a.low - b.high, a.high - b.low);
  return range.low >= least && range.high <= most ? range : undefined;
}
function sum(a: NumberRange, b: NumberRange): NumberRange {
  const grain = Math.min(a.grain, b.grain);
  return { shape: a.shape, low: grain, high: Math.max(a.high, b.high) + 1, grain };
}
const scaled = (shape: FloatShape, low: number, high: number): NumberRange => ({ shape, low, high, grain: low - ulpBelow(shape) });
