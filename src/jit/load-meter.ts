/**
 * Whether a guest executes so much that compiled code pays. Ticks alone would make all of an idle kernel's way hot in time, and have
 * it compiled for nothing.
 */

const WINDOW_MS = 1000;
/** In each window, for each time that a branch is taken until it is hot. */
const LEAST_INSTRUCTIONS = 200;
/** The clock is asked once for so many. */
const AT_ONCE = 250_000;

export class LoadMeter {
  /** Instructions in the window at hand and in the one before; a guest that starts is busy. */
  private current = 0;
  private before = Number.POSITIVE_INFINITY;
  private startMs: number | undefined;
  /** Instructions since the clock was asked last, and when that was. */
  private latest = 0;
  private askedMs = 0;
  private readonly nowMs: () => number;

  /** @param nowMs the host's clock in milliseconds */
  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** So many instructions have been executed. */
  add(instructions: number): void {
    this.latest += instructions;
    if (this.latest >= AT_ONCE || this.startMs === undefined) this.settle();
  }

  private settle(): void {
    const ms = this.nowMs();
    if (this.startMs === undefined) this.startMs = this.askedMs = ms;
    const windows = Math.floor((ms - this.startMs) / WINDOW_MS);
    if (windows > 0) {
      this.before = windows === 1 ? this.current : 0;
      this.current = 0;
      this.startMs += windows * WINDOW_MS;
    }
    // As many of them as there were in a window's time.
    this.current += this.latest / Math.max(1, (ms - this.askedMs) / WINDOW_MS);
    this.latest = 0;
    this.askedMs = ms;
  }

  /** With code hot that a branch has led to so often. */
  isBusy(hotAfter: number): boolean {
    this.settle();
    return Math.max(this.current, this.before) >= LEAST_INSTRUCTIONS * hotAfter;
  }
}
