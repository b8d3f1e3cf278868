/**
 * Has the browser collect garbage now and then. Each turn of the event loop leaves behind objects of the browser's own
 * (message events, timers: about a kilobyte), which weigh next to nothing in the heap whose growth makes Chromium
 * collect; a worker that runs a machine would gather tens of megabytes of them, and the page with its terminal some too. A large
 * buffer does weigh there, and costs no memory while nobody writes to it.
 */

/** More than what Chromium lets buffers grow by between two collections [V8 kExternalAllocationSoftLimit]. */
const BUFFER_BYTES = 72 << 20;
const PERIOD_MS = 10_000;

export class Collector {
  private timer: ReturnType<typeof setInterval> | undefined;
  /** Held for a moment in a field that others can see: bundlers leave out a buffer that nobody can. */
  buffer: ArrayBuffer | undefined;

  /** From now on, again and again. */
  start(): void {
    this.timer ??= setInterval(() => this.suggest(), PERIOD_MS);
  }

  /** Once more, and then no longer. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.suggest();
  }

  private suggest(): void {
    try {
      this.buffer = new ArrayBuffer(BUFFER_BYTES);
    } catch {
      // A host that is short of memory collects anyway.
    }
    this.buffer = undefined;
  }
}
