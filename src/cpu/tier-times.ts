/**
 * How long each tier took. Control passes between them without anybody looking at a clock, which would take longer than
 * what it measures; so the time of an instruction in each tier is estimated, by least squares, from slices that have
 * different shares of both. Slow paths and decoding count for the tier that met them.
 */

export interface TierMs {
  readonly interpreted: number;
  readonly compiled: number;
}

/** Less of the shares' spread than this, as a part of the most there can be, tells nothing. */
const LEAST_SPREAD = 1e-4;

export class TierTimes {
  private ms = 0;
  private interpreted = 0;
  private compiled = 0;
  // Sums of products: of instructions with each other, and with milliseconds.
  private ii = 0;
  private ic = 0;
  private cc = 0;
  private it = 0;
  private ct = 0;

  /** A slice: host milliseconds, and instructions in each tier. */
  add(ms: number, interpreted: number, compiled: number): void {
    this.ms += ms;
    this.interpreted += interpreted;
    this.compiled += compiled;
    this.ii += interpreted * interpreted;
    this.ic += interpreted * compiled;
    this.cc += compiled * compiled;
    this.it += interpreted * ms;
    this.ct += compiled * ms;
  }

  /** Host milliseconds in each tier; both together are those of all slices. */
  get estimate(): TierMs {
    const { ms, interpreted, compiled, ii, ic, cc, it, ct } = this;
    const spread = ii * cc - ic * ic;
    // What an instruction takes: the same in both where the slices do not tell them apart.
    let [a, b] = [1, 1];
    if (spread > LEAST_SPREAD * ii * cc) [a, b] = [Math.max(0, it * cc - ct * ic), Math.max(0, ct * ii - it * ic)];
    const all = a * interpreted + b * compiled;
    const share = all === 0 ? 0 : (a * interpreted) / all;
    return { interpreted: ms * share, compiled: ms * (all === 0 ? 0 : 1 - share) };
  }
}
