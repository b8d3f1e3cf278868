/**
 * The local APIC's timer: one-shot and periodic countdown, or a deadline of the time-stamp counter [SDM3 10.5.4].
 *
 * The undivided timer counts nanoseconds of the virtual clock, as the time-stamp counter does. A timer whose interrupt is
 * masked counts without a deadline in the clock's queue.
 */
import { ticks } from '../../memory/address.ts';
import type { Clock, Timer } from '../device.ts';
import { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_TSC_DEADLINE } from './registers.ts';

export interface ApicTimerState {
  readonly mode: number;
  readonly masked: boolean;
  readonly initialCount: number;
  readonly divide: number;
  readonly expiry: number | undefined;
}

export class ApicTimer {
  private readonly clock: Clock;
  private readonly deadline: Timer;
  private readonly onExpiry: () => void;
  private mode = TIMER_ONE_SHOT;
  private masked = true;
  private initial = 0;
  private divideConfiguration = 0;
  /** When the count reaches zero next, or the deadline; undefined while the timer stands. */
  private expiry: number | undefined = undefined;

  constructor(clock: Clock, onExpiry: () => void) {
    this.clock = clock;
    this.onExpiry = onExpiry;
    this.deadline = clock.timer('local-apic', () => this.expire());
  }

  reset(): void {
    this.mode = TIMER_ONE_SHOT;
    this.masked = true;
    this.initial = 0;
    this.divideConfiguration = 0;
    this.expiry = undefined;
    this.arm();
  }

  /** The timer's entry of the local vector table was written. */
  configure(mode: number, masked: boolean): void {
    this.catchUp();
    // A change to or from the deadline mode disarms the timer.
    if ((mode === TIMER_TSC_DEADLINE) !== (this.mode === TIMER_TSC_DEADLINE)) this.expiry = undefined;
    this.mode = mode;
    this.masked = masked;
    this.arm();
  }

  get initialCount(): number {
    return this.initial;
  }

  /** Starts the countdown; 0 stops it. */
  set initialCount(count: number) {
    if (this.mode === TIMER_TSC_DEADLINE) return;
    this.initial = count;
    this.expiry = count === 0 ? undefined : this.clock.now + count * this.divisor;
    this.arm();
  }

  get currentCount(): number {
    this.catchUp();
    if (this.mode === TIMER_TSC_DEADLINE || this.expiry === undefined) return 0;
    return Math.max(Math.ceil((this.expiry - this.clock.now) / this.divisor), 0);
  }

  get divide(): number {
    return this.divideConfiguration;
  }

  /** What is left of the count goes on at the new pace. */
  set divide(value: number) {
    const left = this.currentCount;
    this.divideConfiguration = value & 0xb;
    if (this.mode === TIMER_TSC_DEADLINE || this.expiry === undefined) return;
    this.expiry = this.clock.now + left * this.divisor;
    this.arm();
  }

  /** The time-stamp counter's value to fire at, before the guest's own offset; 0: disarmed, or another mode. */
  get tscDeadline(): bigint {
    return this.mode === TIMER_TSC_DEADLINE && this.expiry !== undefined ? BigInt(this.expiry) : 0n;
  }

  set tscDeadline(at: bigint) {
    if (this.mode !== TIMER_TSC_DEADLINE) return;
    this.expiry = at === 0n ? undefined : Number(at);
    this.arm();
  }

  save(): ApicTimerState {
    const { mode, masked, initial: initialCount, divideConfiguration: divide, expiry } = this;
    return { mode, masked, initialCount, divide, expiry };
  }

  restore(state: ApicTimerState): void {
    this.mode = state.mode;
    this.masked = state.masked;
    this.initial = state.initialCount;
    this.divideConfiguration = state.divide;
    this.expiry = state.expiry;
    this.arm();
  }

  /** [SDM3 figure 10-10]: bits 0, 1 and 3 hold the exponent less one; all ones divide by 1. */
  private get divisor(): number {
    const code = (this.divideConfiguration & 3) | ((this.divideConfiguration & 8) >> 1);
    return 1 << ((code + 1) & 7);
  }

  /** Moves the expiry past expiries that nobody was to hear of. */
  private catchUp(): void {
    const { now } = this.clock;
    if (!this.masked || this.expiry === undefined || this.expiry > now) return;
    this.expiry = this.mode === TIMER_PERIODIC ? this.nextPeriod(this.expiry) : undefined;
  }

  private nextPeriod(expiry: number): number | undefined {
    const period = this.initial * this.divisor;
    return period === 0 ? undefined : expiry + period * (Math.floor((this.clock.now - expiry) / period) + 1);
  }

  private expire(): void {
    this.expiry = this.mode === TIMER_PERIODIC && this.expiry !== undefined ? this.nextPeriod(this.expiry) : undefined;
    this.arm();
    this.onExpiry();
  }

  private arm(): void {
    if (this.expiry === undefined || this.masked) this.deadline.cancel();
    else this.deadline.armAt(ticks(this.expiry));
  }
}
