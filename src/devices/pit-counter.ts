/**
 * One counter of the 8254. Nothing counts: the count and OUT are computed from the clock cycle at which the counting
 * element was loaded. Cycles are whole periods of the counter's CLK input.
 *
 * References: [8254] datasheet 231164-005, "Mode Definitions", "Gate Pin Operations Summary".
 * Deviation: a counter that was given a control word but no count reads as 0.
 */
export const PIT_RW_LSB = 1, PIT_RW_MSB = 2, PIT_RW_BOTH = 3;
const STATUS_OUT = 0x80, STATUS_NULL_COUNT = 0x40;

export interface PitCounterState {
  readonly mode: number;
  readonly bcd: boolean;
  readonly rw: number;
  readonly gate: boolean;
  readonly loaded: boolean;
  readonly count: number;
  readonly start: number;
  readonly held: number | undefined;
  readonly pending: number | undefined;
  readonly loadAt: number | undefined;
  readonly writeLow: number | undefined;
  readonly readHigh: boolean;
  readonly latch: number | undefined;
  readonly status: number | undefined;
}

export class PitCounter {
  /** As the last control word has it, which the status byte gives back. */
  private programmedMode = 3;
  private bcd = false;
  private rw = PIT_RW_BOTH;
  private gate: boolean;
  private readonly gateAtReset: boolean;
  /** The counting element holds a count (in modes 1 and 5: it was triggered). */
  private loaded = false;
  /** Initial count of the running cycle, 1 to 65536 (10000 in BCD). */
  private count = 0x10000;
  /** Cycle at which the counting element was loaded. */
  private start = 0;
  /** Elapsed cycles while a low gate stops the counter. */
  private held: number | undefined = undefined;
  /** A count that waits: for the end of the (half) cycle `loadAt` in modes 2 and 3, for a trigger in modes 1 and 5. */
  private pending: number | undefined = undefined;
  private loadAt: number | undefined = undefined;
  private writeLow: number | undefined = undefined;
  private readHigh = false;
  private latch: number | undefined = undefined;
  private status: number | undefined = undefined;

  constructor(gateAtReset: boolean) {
    this.gateAtReset = gateAtReset;
    this.gate = gateAtReset;
  }

  reset(): void {
    this.setControl(PIT_RW_BOTH, 3, false);
    this.gate = this.gateAtReset;
  }

  /** OUT shows an interrupt as a pulse of one cycle, which ends at the cycle that `nextEdge` gives. */
  get pulses(): boolean {
    return this.mode === 2 || this.mode === 4 || this.mode === 5;
  }

  /** The top bit of modes 2 and 3 is "don't care". */
  private get mode(): number {
    return this.programmedMode > 5 ? this.programmedMode & 3 : this.programmedMode;
  }

  setControl(rw: number, mode: number, bcd: boolean): void {
    this.rw = rw;
    this.programmedMode = mode;
    this.bcd = bcd;
    this.loaded = false;
    this.held = undefined;
    this.pending = undefined;
    this.loadAt = undefined;
    this.writeLow = undefined;
    this.readHigh = false;
    this.latch = undefined;
    this.status = undefined;
  }

  write(value: number, now: number): void {
    if (this.rw === PIT_RW_LSB) this.load(value, now);
    else if (this.rw === PIT_RW_MSB) this.load(value << 8, now);
    else if (this.writeLow === undefined) {
      this.writeLow = value;
      // The first byte stops counting in mode 0, and OUT goes low.
      if (this.mode === 0) this.loaded = false;
    } else {
      const low = this.writeLow;
      this.writeLow = undefined;
      this.load((value << 8) | low, now);
    }
  }

  read(now: number): number {
    if (this.status !== undefined) {
      const status = this.status;
      this.status = undefined;
      return status;
    }
    const word = this.latch ?? this.encode(this.value(now));
    const high = this.rw === PIT_RW_MSB || (this.rw === PIT_RW_BOTH && this.readHigh);
    if (this.rw === PIT_RW_BOTH) this.readHigh = !this.readHigh;
    if (this.rw !== PIT_RW_BOTH || high) this.latch = undefined;
    return high ? word >> 8 : word & 0xff;
  }

  /** Counter latch command; a latch that was not read yet stands. */
  latchCount(now: number): void {
    this.latch ??= this.encode(this.value(now));
  }

  latchStatus(now: number): void {
    const flags = (this.out(now) ? STATUS_OUT : 0) | (this.nullCount(now) ? STATUS_NULL_COUNT : 0);
    this.status ??= flags | (this.rw << 4) | (this.programmedMode << 1) | (this.bcd ? 1 : 0);
  }

  setGate(level: boolean, now: number): void {
    if (level === this.gate) return;
    this.sync(now);
    this.gate = level;
    if (this.mode === 1 || this.mode === 5) {
      if (level && (this.loaded || this.pending !== undefined)) this.trigger(now);
    } else if (!this.loaded) {
      return;
    } else if (!level) {
      this.held = Math.max(now - this.start, 0);
      this.loadAt = undefined;
    } else if (this.mode === 0 || this.mode === 4) {
      this.start = now - (this.held ?? 0);
      this.held = undefined;
    } else {
      this.trigger(now);
    }
  }

  get gateHigh(): boolean {
    return this.gate;
  }

  out(now: number): boolean {
    this.sync(now);
    const elapsed = this.elapsed(now);
    switch (this.mode) {
      case 0:
        return this.loaded && elapsed >= this.count;
      case 1:
        return !this.loaded || elapsed < 0 || elapsed >= this.count;
      case 2:
        return !this.loaded || !this.gate || elapsed % this.count !== this.count - 1;
      case 3:
        return !this.loaded || !this.gate || elapsed < 0 || elapsed % this.count < this.highHalf(this.count);
      default:
        return !this.loaded || elapsed !== this.count;
    }
  }

  /** The cycle after `now` at which OUT changes next (where it pulses: at which the pulse ends). */
  nextEdge(now: number): number | undefined {
    this.sync(now);
    if (!this.loaded || this.held !== undefined) return undefined;
    const elapsed = this.elapsed(now);
    switch (this.mode) {
      case 0:
        return elapsed < this.count ? this.start + this.count : undefined;
      case 1:
        if (elapsed < 0) return this.start;
        return elapsed < this.count ? this.start + this.count : undefined;
      case 2:
      case 3:
        return this.boundaryAfter(now);
      default:
        return elapsed <= this.count ? this.start + this.count + 1 : undefined;
    }
  }

  save(now: number): PitCounterState {
    this.sync(now);
    const { programmedMode: mode, bcd, rw, gate, loaded, count, start, held, pending, loadAt, writeLow, readHigh, latch, status } = this;
    return { mode, bcd, rw, gate, loaded, count, start, held, pending, loadAt, writeLow, readHigh, latch, status };
  }

  restore(state: PitCounterState): void {
    this.programmedMode = state.mode;
    this.bcd = state.bcd;
    this.rw = state.rw;
    this.gate = state.gate;
    this.loaded = state.loaded;
    this.count = state.count;
    this.start = state.start;
    this.held = state.held;
    this.pending = state.pending;
    this.loadAt = state.loadAt;
    this.writeLow = state.writeLow;
    this.readHigh = state.readHigh;
    this.latch = state.latch;
    this.status = state.status;
  }

  /** The count register is complete: loads the counting element now, or lets it wait, as the mode has it. */
  private load(word: number, now: number): void {
    this.sync(now);
    const count = this.decode(word);
    if (this.mode === 1 || this.mode === 5) {
      this.pending = count;
    } else if (this.loaded && (this.mode === 2 || this.mode === 3) && (this.held !== undefined || now >= this.start)) {
      this.pending = count;
      if (this.held === undefined) this.loadAt = this.boundaryAfter(now);
    } else {
      this.count = count;
      this.loaded = true;
      this.pending = undefined;
      this.start = now + 1;
      this.held = this.gate ? undefined : 0;
    }
  }

  private trigger(now: number): void {
    this.count = this.pending ?? this.count;
    this.pending = undefined;
    this.loadAt = undefined;
    this.held = undefined;
    this.loaded = true;
    this.start = now + 1;
  }

  /** Takes over a waiting count once the cycle that it waited for has ended. */
  private sync(now: number): void {
    if (this.pending === undefined || this.loadAt === undefined || now < this.loadAt) return;
    const at = this.loadAt;
    const intoLowHalf = this.mode === 3 && (at - this.start) % this.count !== 0;
    this.count = this.pending;
    this.start = intoLowHalf ? at - this.highHalf(this.count) : at;
    this.pending = undefined;
    this.loadAt = undefined;
  }

  /** Modes 2 and 3: the next reload of the counting element after `now`. */
  private boundaryAfter(now: number): number {
    const elapsed = Math.max(now - this.start, 0);
    const cycle = elapsed - (elapsed % this.count);
    const high = this.highHalf(this.count);
    const middle = this.mode === 3 && high < this.count && elapsed < cycle + high;
    return this.start + cycle + (middle ? high : this.count);
  }

  private elapsed(now: number): number {
    return this.held ?? now - this.start;
  }

  private highHalf(count: number): number {
    return (count + 1) >> 1;
  }

  private nullCount(now: number): boolean {
    this.sync(now);
    return !this.loaded || this.pending !== undefined || this.elapsed(now) < 0;
  }

  private value(now: number): number {
    this.sync(now);
    if (!this.loaded) return 0;
    const elapsed = this.elapsed(now);
    if (elapsed < 0) return this.count;
    if (this.mode === 2) return this.count - (elapsed % this.count);
    if (this.mode === 3) {
      const inCycle = elapsed % this.count;
      const high = this.highHalf(this.count);
      return (this.count & ~1) - 2 * (inCycle < high ? inCycle : inCycle - high);
    }
    const modulus = this.bcd ? 10000 : 0x10000;
    const left = (this.count - elapsed) % modulus;
    return left < 0 ? left + modulus : left;
  }

  private decode(word: number): number {
    if (!this.bcd) return word === 0 ? 0x10000 : word;
    let value = 0;
    for (let shift = 12; shift >= 0; shift -= 4) value = value * 10 + ((word >> shift) & 15);
    return value === 0 ? 10000 : value;
  }

  private encode(value: number): number {
    if (!this.bcd) return value & 0xffff;
    let word = 0;
    for (let shift = 0, rest = value % 10000; shift < 16; shift += 4, rest = Math.floor(rest / 10)) {
      word |= rest % 10 << shift;
    }
    return word;
  }
}
