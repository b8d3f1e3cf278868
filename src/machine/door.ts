/**
 * The one door through which the outside enters a machine: keys, serial bytes, a disk's answer, a packet, a button.
 * What comes in waits here until the run loop opens the door between two slices, at a known instruction count.
 */
import type { AsyncDoor, Clock, Timer } from '../devices/device.ts';
import { type Ticks, ticks } from '../memory/address.ts';

/**
 * Virtual time until a result enters that was there at once: longer than any block of code, so that it enters at the
 * same instruction however the code around it is compiled.
 */
const IMMEDIATE_DELAY_NS = 10_000;

export class Door implements AsyncDoor {
  /** Called when something waits that did not before: wakes a machine that sleeps, ends a slice that runs. */
  onArrival: (() => void) | undefined;
  /** Called as each input from outside takes effect, for a log of them. */
  onInput: ((kind: string) => void) | undefined;
  private readonly clock: Clock;
  private waiting: { kind: string; action: () => void }[] = [];
  private readonly immediate: { at: Ticks; action: () => void }[] = [];
  private readonly immediateTimer: Timer;
  private outstandingCount = 0;
  /** Counts power cycles; answers to what was asked before the last one are dropped. */
  private generation = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.immediateTimer = clock.timer('door', (now) => this.enterImmediate(now));
  }

  /** Asynchronous work that has been asked for and has not answered. */
  get outstanding(): number {
    return this.outstandingCount;
  }

  get hasArrivals(): boolean {
    return this.waiting.length > 0;
  }

  enter<T>(work: Promise<T> | T, done: (result: T) => void, failed: (error: Error) => void): void {
    if (!isPromise(work)) {
      const at = ticks(this.clock.now + IMMEDIATE_DELAY_NS);
      this.immediate.push({ at, action: () => done(work) });
      if (this.immediate.length === 1) this.immediateTimer.armAt(at);
      return;
    }
    const generation = this.generation;
    this.outstandingCount++;
    const arrive = (action: () => void): void => {
      if (generation !== this.generation) return;
      this.outstandingCount--;
      this.post('async', action);
    };
    work.then(
      (result) => arrive(() => done(result)),
      (error: unknown) => arrive(() => failed(error instanceof Error ? error : new Error(String(error)))),
    );
  }

  /** An input from the host: `action` runs at the next opening. */
  post(kind: string, action: () => void): void {
    this.waiting.push({ kind, action });
    this.onArrival?.();
  }

  /** Lets in what waits, in order of arrival. Between slices only. */
  open(): void {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      for (const { kind, action } of batch) {
        this.onInput?.(kind);
        action();
      }
    }
  }

  /** Forgets work in progress and its answers; host inputs that wait stay. */
  reset(): void {
    this.generation++;
    this.outstandingCount = 0;
    this.waiting = this.waiting.filter(({ kind }) => kind !== 'async');
    this.immediate.length = 0;
    this.immediateTimer.cancel();
  }

  private enterImmediate(now: Ticks): void {
    while (this.immediate.length > 0 && this.immediate[0].at <= now) this.immediate.shift()!.action();
    if (this.immediate.length > 0) this.immediateTimer.armAt(this.immediate[0].at);
  }
}

function isPromise<T>(work: Promise<T> | T): work is Promise<T> {
  return typeof (work as { then?: unknown } | undefined)?.then === 'function';
}
