/** Test helpers: a host whose time the test moves, and a processor that is a counter with a script. */
import type { MachineHost } from './host.ts';
import type { Processor, RunResult } from './processor.ts';

export class FakeHost implements MachineHost {
  ms = 0;
  private queue: { at: number; order: number; callback: () => void }[] = [];
  private order = 0;

  nowMs(): number {
    return this.ms;
  }

  dateMs(): number {
    return Date.UTC(2026, 0, 1) + this.ms;
  }

  random(length: number): Uint8Array {
    return new Uint8Array(length).fill(0x5a);
  }

  soon(callback: () => void): void {
    this.later(0, callback);
  }

  /** Cuts the fraction off, as Node does. */
  later(ms: number, callback: () => void): () => void {
    const entry = { at: this.ms + Math.floor(ms), order: this.order++, callback };
    this.queue.push(entry);
    return () => {
      this.queue = this.queue.filter((e) => e !== entry);
    };
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Runs callbacks, in order of time, until host time reaches `until` or nothing waits; returns how many ran. */
  runUntil(until: number, limit = 100_000): number {
    let count = 0;
    for (; count < limit; count++) {
      this.queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const first = this.queue[0];
      if (first === undefined || first.at > until) break;
      this.queue.shift();
      this.ms = Math.max(this.ms, first.at);
      first.callback();
    }
    this.ms = Math.max(this.ms, until);
    return count;
  }
}

/** Host time that a run costs however it ends: a loop of resets or of halts does not stand still. */
const RUN_MS = 0.001;

/** Every instruction costs the host `hostNs`; `script` may act at each run and say how it ends. */
export class FakeCpu implements Processor {
  instructions = 0;
  interruptible = true;
  awaitsMessage = false;
  attention = false;
  resets = 0;
  nmis = 0;
  runs = 0;
  hostNs = 10;
  /** Called before each run; a result ends it at once, without instructions. */
  script: (() => RunResult | undefined) | undefined;
  private readonly host: FakeHost;

  constructor(host: FakeHost) {
    this.host = host;
  }

  run(fuel: number): RunResult {
    this.runs++;
    this.host.ms += RUN_MS;
    const result = this.script?.();
    if (this.attention) {
      this.attention = false;
      return 'attention';
    }
    if (result !== undefined && result !== 'budget') return result;
    this.instructions += fuel;
    this.host.ms += (fuel * this.hostNs) / 1e6;
    return 'budget';
  }

  requestAttention(): void {
    this.attention = true;
  }

  reset(): void {
    this.resets++;
  }

  nmi(): void {
    this.nmis++;
  }
}
