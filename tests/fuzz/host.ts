/** A host whose time passes by being asked for, so that a case runs the same on every computer. */
import type { MachineHost } from '../../src/machine/host.ts';

/** Host time between two looks at the clock: a burst of the run loop gets a few slices. */
const MS_PER_LOOK = 1.5;
const DATE = Date.UTC(2026, 0, 2, 3, 4, 5);

export class FuzzHost implements MachineHost {
  private ms = 0;
  private queue: { at: number; order: number; callback: () => void }[] = [];
  private order = 0;

  nowMs(): number {
    this.ms += MS_PER_LOOK;
    return this.ms;
  }

  dateMs(): number {
    return DATE + this.ms;
  }

  random(length: number): Uint8Array {
    return new Uint8Array(length).fill(0x5a);
  }

  soon(callback: () => void): void {
    this.later(0, callback);
  }

  later(ms: number, callback: () => void): () => void {
    const entry = { at: this.ms + ms, order: this.order++, callback };
    this.queue.push(entry);
    return () => {
      this.queue = this.queue.filter((e) => e !== entry);
    };
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Runs the earliest callback; false when none waits. */
  turn(): boolean {
    this.queue.sort((a, b) => a.at - b.at || a.order - b.order);
    const first = this.queue.shift();
    if (first === undefined) return false;
    this.ms = Math.max(this.ms, first.at);
    first.callback();
    return true;
  }
}
