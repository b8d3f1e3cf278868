/**
 * The virtual clock of one machine: nanoseconds since power-on, advanced by retired instructions, and a queue of
 * deadlines. Between two changes of rate `now` is a linear function of the processor's instruction count, so it is exact
 * inside a device's callback too, and a run depends on nothing but the count at which each change came.
 */
import { ANY_NUMBER } from '../any-number.ts';
import type { Clock, Timer } from '../devices/device.ts';
import { type Ticks, ticks } from '../memory/address.ts';

/** What drives the clock: the processor, or a counter in a test. */
export interface InstructionCounter {
  readonly instructions: number;
}

interface Deadline extends Timer {
  readonly name: string;
  readonly fire: (now: Ticks) => void;
  at: number;
  /** Order of arming: equal deadlines fire first-armed first. */
  order: number;
  /** Index in the heap, -1 while not armed. */
  slot: number;
}

export class MachineClock implements Clock {
  /** Called when the earliest deadline moved forward in time, which shortens the slice that is running. */
  onEarlier: (() => void) | undefined;
  private counter: InstructionCounter;
  private rate: number;
  private baseTicks = ANY_NUMBER;
  private baseInstructions = ANY_NUMBER;
  /** Binary heap, earliest deadline first. */
  private readonly heap: Deadline[] = [];
  private armed = 0;

  constructor(counter: InstructionCounter, nanosecondsPerInstruction: number) {
    this.counter = counter;
    this.rate = nanosecondsPerInstruction;
    this.baseTicks = 0;
    this.baseInstructions = counter.instructions;
  }

  get now(): Ticks {
    return ticks(this.baseTicks + Math.floor((this.counter.instructions - this.baseInstructions) * this.rate));
  }

  /** `now` as a function of the instruction count, until the next change. */
  get line(): { readonly start: number; readonly from: number; readonly rate: number } {
    return { start: this.baseTicks, from: this.baseInstructions, rate: this.rate };
  }

  get nanosecondsPerInstruction(): number {
    return this.rate;
  }

  /** From this instruction on, time passes at another rate. Between slices only. */
  setRate(nanosecondsPerInstruction: number): void {
    this.rebase(this.now);
    this.rate = nanosecondsPerInstruction;
  }

  /** Lets time pass without instructions, up to `at`; never backwards. Between slices only. */
  warpTo(at: Ticks): void {
    if (at > this.now) this.rebase(at);
  }

  /** Earliest deadline. */
  get nextDeadline(): Ticks | undefined {
    return this.heap.length > 0 ? ticks(this.heap[0].at) : undefined;
  }

  /** Instructions until the earliest deadline is reached: at least 1, at most `limit`. */
  instructionsToDeadline(limit: number): number {
    if (this.heap.length === 0) return limit;
    const reached = this.baseInstructions + Math.ceil((this.heap[0].at - this.baseTicks) / this.rate);
    return Math.min(Math.max(reached - this.counter.instructions, 1), limit);
  }

  /** Fires what is due, earliest first. What a callback arms for the past waits for the next call. */
  fireDue(): void {
    const now = this.now;
    const mark = this.armed;
    while (this.heap.length > 0) {
      const first = this.heap[0];
      if (first.at > now || first.order > mark) return;
      this.remove(first);
      first.fire(now);
    }
  }

  timer(name: string, onDeadline: (now: Ticks) => void): Timer {
    const deadline: Deadline = {
      name,
      fire: onDeadline,
      at: 0,
      order: 0,
      slot: -1,
      get deadline() {
        return this.slot < 0 ? undefined : ticks(this.at);
      },
      armAt: (at) => this.arm(deadline, at),
      cancel: () => this.remove(deadline),
    };
    return deadline;
  }

  private arm(deadline: Deadline, at: number): void {
    if (deadline.slot >= 0 && deadline.at === at) return;
    this.remove(deadline);
    // A deadline in the past counts as now, so that it does not overtake others in fireDue.
    deadline.at = Math.max(Math.ceil(at), this.now);
    deadline.order = ++this.armed;
    deadline.slot = this.heap.length;
    this.heap.push(deadline);
    this.siftUp(deadline.slot);
    if (deadline.slot === 0) this.onEarlier?.();
  }

  private remove(deadline: Deadline): void {
    const slot = deadline.slot;
    if (slot < 0) return;
    deadline.slot = -1;
    const last = this.heap.pop()!;
    if (last === deadline) return;
    this.heap[slot] = last;
    last.slot = slot;
    this.siftUp(slot);
    this.siftDown(last.slot);
  }

  private siftUp(from: number): void {
    for (let slot = from; slot > 0; ) {
      const parent = (slot - 1) >> 1;
      if (!before(this.heap[slot], this.heap[parent])) return;
      this.swap(slot, parent);
      slot = parent;
    }
  }

  private siftDown(from: number): void {
    for (let slot = from; ; ) {
      let least = slot;
      for (const child of [2 * slot + 1, 2 * slot + 2]) {
        if (child < this.heap.length && before(this.heap[child], this.heap[least])) least = child;
      }
      if (least === slot) return;
      this.swap(slot, least);
      slot = least;
    }
  }

  private swap(a: number, b: number): void {
    const deadline = this.heap[a];
    this.heap[a] = this.heap[b];
    this.heap[b] = deadline;
    this.heap[a].slot = a;
    this.heap[b].slot = b;
  }

  private rebase(at: number): void {
    this.baseTicks = at;
    this.baseInstructions = this.counter.instructions;
  }
}

function before(a: Deadline, b: Deadline): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
