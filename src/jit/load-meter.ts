/**
 * Whether a guest executes so much that compiled code pays. Ticks alone would make all of an idle kernel's way hot in time, and have
 * it compiled for nothing.
 */

const WINDOW_MS = 1000;
/** In each window, for each time that a branch is taken until it is hot. */
const LEAST_INSTRUCTIONS = 200;

export class LoadMeter {
  /** Instructions in the window at hand and in the one before; a guest that starts is busy. */
  private current = 0;
  private before = Number.POSITIVE_INFINITY;
  private startMs: number | undefined;

  /** So many instructions have been executed, by the host's time `ms`. */
  add(instructions: number, ms: number): void {
    this.startMs ??= ms;
    const windows = Math.floor((ms - this.startMs) / WINDOW_MS);
    if (windows > 0) {
      this.before = windows === 1 ? this.current : 0;
      this.current = 0;
      this.startMs += windows * WINDOW_MS;
    }
    this.current += instructions;
  }

  /** With code hot that a branch has led to so often. */
  isBusy(hotAfter: number): boolean {
    return Math.max(this.current, this.before) >= LEAST_INSTRUCTIONS * hotAfter;
  }
}
