/**
 * Keeps guest time with the host's clock: the time that an instruction takes in the guest follows what it takes on the
 * host, corrected for how far the guest is ahead or behind. A program that starts runs a hundred times faster than the ticks
 * before it did: a guest that gets ahead is slowed down at once, as it would have to wait for the host's clock when it halts.
 */
import { type Ticks, ticks } from '../memory/address.ts';
import type { MachineClock } from './clock.ts';
import type { MachineHost } from './host.ts';

/** Host time that a measurement of speed covers at least, and when the guest is ahead; browsers' clocks tell tenths of a millisecond. */
const WINDOW_MS = 2, HASTY_WINDOW_MS = 0.3;
/** A lead or lag is made good over about this time. */
const CORRECTION_MS = 100;
/** A guest that is further ahead than this is slowed down at once: with twice such a lead to half its pace, and so on. */
const LEAD_MS = 1;
/** Further behind than this, the host was asleep: the guest does not make up for it. */
const LOST_MS = 500;
/** Changes of rate smaller than this are not worth an entry in the log of inputs, and while the guest is slowed down. */
const TOLERANCE = 0.03, HASTY_TOLERANCE = 0.2;
const LOWEST_RATE = 0.02, HIGHEST_RATE = 10_000;

export class Pacer {
  /** Called with each new rate. */
  onRate: ((nanosecondsPerInstruction: number) => void) | undefined;
  private readonly clock: MachineClock;
  private readonly host: MachineHost;
  private anchorMs = 0;
  private anchorTicks = 0;
  private windowMs = 0;
  private windowInstructions = 0;
  /** Smoothed host nanoseconds per instruction. */
  private cost: number | undefined;

  constructor(clock: MachineClock, host: MachineHost) {
    this.clock = clock;
    this.host = host;
  }

  /** From here on, guest time and host time run side by side. */
  anchor(): void {
    this.anchorMs = this.host.nowMs();
    this.anchorTicks = this.clock.now;
    this.windowMs = 0;
    this.windowInstructions = 0;
  }

  /** Guest time that the host's clock asks for. */
  get wallTicks(): Ticks {
    return ticks(this.anchorTicks + Math.floor((this.host.nowMs() - this.anchorMs) * 1e6));
  }

  /** Between two slices: how long the last one took on the host, and how much it executed. */
  account(elapsedMs: number, instructions: number): void {
    this.windowMs += elapsedMs;
    this.windowInstructions += instructions;
    const lagMs = (this.wallTicks - this.clock.now) / 1e6;
    if (lagMs > LOST_MS) this.anchor();
    const isAhead = lagMs < -LEAD_MS;
    const measured = this.measure(isAhead ? HASTY_WINDOW_MS : WINDOW_MS);
    if (this.cost === undefined || !(measured || isAhead)) return;
    const correction = isAhead ? LEAD_MS / -lagMs : 1 + Math.min(lagMs / CORRECTION_MS, 1);
    const rate = Math.min(Math.max(this.cost * correction, LOWEST_RATE), HIGHEST_RATE);
    if (Math.abs(rate / this.clock.nanosecondsPerInstruction - 1) < (isAhead ? HASTY_TOLERANCE : TOLERANCE)) return;
    this.clock.setRate(rate);
    this.onRate?.(rate);
  }

  /** Takes what a window says about the cost of instructions; false while it is shorter than `leastMs`. */
  private measure(leastMs: number): boolean {
    if (this.windowMs < leastMs || this.windowInstructions < 1000) return false;
    const measured = (this.windowMs * 1e6) / this.windowInstructions;
    this.cost = this.cost === undefined ? measured : (this.cost + measured) / 2;
    this.windowMs = 0;
    this.windowInstructions = 0;
    return true;
  }
}
