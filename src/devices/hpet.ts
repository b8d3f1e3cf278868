/**
 * High precision event timers as QEMU's pc has them: a counter of 100 MHz and three comparators, which can take the place
 * of the 8254 and of the real-time clock at their interrupt requests (legacy replacement).
 *
 * References: [HPET] IA-PC HPET Specification 1.0a.
 * Deviations: no interrupts by message (FSB); a comparator interrupts at its input 2 of the I/O APIC or in the legacy places.
 */
import { ticks } from '../memory/address.ts';
import type { BusRegistrar, Clock, Device, IrqLine, Timer, Width } from './device.ts';

/** `HPET_RANGE` is what the block may take of the address space. */
export const HPET_BASE = 0xfed00000, HPET_RANGE = 0x400;
export const HPET_COMPARATORS = 3;

// Registers [HPET 2.3]
const CAPABILITIES = 0x000, CONFIGURATION = 0x010, INTERRUPT_STATUS = 0x020, MAIN_COUNTER = 0x0f0;
const TIMERS = 0x100, TIMER_STRIDE = 0x20, TIMER_CONFIGURATION = 0x00, TIMER_COMPARATOR = 0x08;
/** Revision 1, 64 bits, legacy replacement, vendor 8086H. */
export const HPET_ID = 0x8086a001 | ((HPET_COMPARATORS - 1) << 8);
const PERIOD_NS = 10n, PERIOD_FS = 10_000_000n;
const ENABLE_CNF = 1n, LEG_RT_CNF = 2n;
// Timer configuration [HPET 2.3.8]
const INT_TYPE_CNF = 1n << 1n, INT_ENB_CNF = 1n << 2n, TYPE_CNF = 1n << 3n, PER_INT_CAP = 1n << 4n, SIZE_CAP = 1n << 5n;
const VAL_SET_CNF = 1n << 6n, MODE_32_CNF = 1n << 8n, INT_ROUTE_CNF = 0x1fn << 9n;
const TIMER_WRITABLE = INT_TYPE_CNF | INT_ENB_CNF | TYPE_CNF | VAL_SET_CNF | MODE_32_CNF | INT_ROUTE_CNF;
const ROUTE_SHIFT = 9n, ROUTE_IRQ = 2n;
const TIMER_CAPABILITIES = PER_INT_CAP | SIZE_CAP | ((1n << ROUTE_IRQ) << 32n);
const MASK_32 = 0xffffffffn;

export interface HpetOptions {
  readonly clock: Clock;
  /** The board's interrupt requests 0 and 8, which the 8254 and the real-time clock reach through here. */
  readonly irq0: IrqLine;
  readonly irq8: IrqLine;
  /** Input 2 of the I/O APIC. */
  readonly routed: IrqLine;
}

export interface HpetState {
  readonly version: 1;
  readonly configuration: string;
  readonly status: number;
  readonly counter: string;
  readonly comparators: readonly { readonly configuration: string; readonly comparator: string; readonly period: string }[];
}

class Comparator {
  readonly timer: Timer;
  configuration = TIMER_CAPABILITIES;
  comparator = 0xffffffffffffffffn;
  period = 0n;

  constructor(timer: Timer) {
    this.timer = timer;
  }

  reset(): void {
    this.configuration = TIMER_CAPABILITIES;
    this.comparator = 0xffffffffffffffffn;
    this.period = 0n;
    this.timer.cancel();
  }

  has(bits: bigint): boolean {
    return (this.configuration & bits) !== 0n;
  }

  /** Bits that counter and comparator are compared in. */
  get width(): number {
    return this.has(MODE_32_CNF) ? 32 : 64;
  }
}

export class Hpet implements Device<HpetState> {
  readonly id = 'hpet';
  /** Where the outputs of the 8254 and of the real-time clock end. */
  readonly pit: IrqLine;
  readonly rtc: IrqLine;
  private readonly clock: Clock;
  private readonly legacy: readonly LegacyInput[];
  private readonly routed: IrqLine;
  private readonly comparators: readonly Comparator[];
  private configuration = 0n;
  private status = 0;
  /** The counter's value at `since`, from when on it counts if it is enabled. */
  private counterBase = 0n;
  private since = 0n;

  constructor(options: HpetOptions) {
    this.clock = options.clock;
    this.legacy = [new LegacyInput(options.irq0), new LegacyInput(options.irq8)];
    this.routed = options.routed;
    [this.pit, this.rtc] = this.legacy.map((input) => input.original);
    this.comparators = Array.from({ length: HPET_COMPARATORS }, (_, i) => {
      const comparator: Comparator = new Comparator(options.clock.timer(`hpet${i}`, () => this.expire(i, comparator)));
      return comparator;
    });
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number, width: Width) => this.readPart(offset, width),
      write: (offset: number, width: Width, value: number) => this.writePart(offset, width, value),
    };
    bus.memory('hpet', HPET_RANGE, handler, { widths: [4] }).mapAt(HPET_BASE);
  }

  reset(): void {
    this.configuration = 0n;
    this.status = 0;
    this.counterBase = 0n;
    for (const comparator of this.comparators) comparator.reset();
    for (const input of this.legacy) input.reset();
  }

  save(): HpetState {
    return {
      version: 1,
      configuration: this.configuration.toString(),
      status: this.status,
      counter: this.counter.toString(),
      comparators: this.comparators.map(({ configuration, comparator, period }) => (
        { configuration: configuration.toString(), comparator: comparator.toString(), period: period.toString() }
      )),
    };
  }

  restore(state: HpetState): void {
    this.configuration = BigInt(state.configuration);
    this.status = state.status;
    this.setCounter(BigInt(state.counter));
    for (const [i, comparator] of this.comparators.entries()) {
      const saved = state.comparators[i];
      comparator.configuration = BigInt(saved.configuration);
      comparator.comparator = BigInt(saved.comparator);
      comparator.period = BigInt(saved.period);
    }
    this.applyLegacy();
    this.armAll();
    this.driveLevels();
  }

  private get isEnabled(): boolean {
    return (this.configuration & ENABLE_CNF) !== 0n;
  }

  private get counter(): bigint {
    if (!this.isEnabled) return this.counterBase;
    return BigInt.asUintN(64, this.counterBase + (BigInt(this.clock.now) - this.since) / PERIOD_NS);
  }

  private setCounter(value: bigint): void {
    this.counterBase = value;
    this.since = BigInt(this.clock.now);
  }

  private readPart(offset: number, width: Width): number {
    if ((offset & 3) !== 0 || width !== 4) return 0;
    const value = this.readRegister(offset & ~7);
    return Number((offset & 4 ? value >> 32n : value) & MASK_32);
  }

  private readRegister(offset: number): bigint {
    switch (offset) {
      case CAPABILITIES: return (PERIOD_FS << 32n) | BigInt(HPET_ID >>> 0);
      case CONFIGURATION: return this.configuration;
      case INTERRUPT_STATUS: return BigInt(this.status);
      case MAIN_COUNTER: return this.counter;
    }
    const comparator = this.comparators[(offset - TIMERS) >> 5];
    if (comparator === undefined) return 0n;
    const register = (offset - TIMERS) % TIMER_STRIDE;
    if (register === TIMER_CONFIGURATION) return comparator.configuration;
    return register === TIMER_COMPARATOR ? comparator.comparator : 0n;
  }

  /** Half of a register; the other half keeps its value. */
  private writePart(offset: number, width: Width, value: number): void {
    if ((offset & 3) !== 0 || width !== 4) return;
    const half = BigInt(value >>> 0);
    const merge = (old: bigint): bigint => (offset & 4 ? (old & MASK_32) | (half << 32n) : (old & ~MASK_32) | half);
    switch (offset & ~7) {
      case CONFIGURATION: this.configure(merge(this.configuration)); return;
      case INTERRUPT_STATUS: this.clearStatus(offset & 4 ? 0 : value); return;
      case MAIN_COUNTER:
        this.setCounter(merge(this.counter));
        this.armAll();
        return;
    }
    const comparator = this.comparators[(offset - TIMERS) >> 5];
    const register = (offset - TIMERS) % TIMER_STRIDE & ~7;
    if (comparator === undefined) return;
    if (register === TIMER_CONFIGURATION) {
      const writable = merge(comparator.configuration) & TIMER_WRITABLE;
      comparator.configuration = (comparator.configuration & ~TIMER_WRITABLE) | writable;
    } else if (register === TIMER_COMPARATOR) {
      writeComparator(comparator, merge);
    }
    this.arm(comparator);
  }

  private configure(value: bigint): void {
    const { counter } = this;
    this.configuration = value & (ENABLE_CNF | LEG_RT_CNF);
    this.setCounter(counter);
    this.applyLegacy();
    this.armAll();
    if (!this.isEnabled) this.driveLevels();
  }

  private applyLegacy(): void {
    for (const input of this.legacy) input.replace((this.configuration & LEG_RT_CNF) !== 0n);
  }

  private clearStatus(value: number): void {
    this.status &= ~value;
    this.driveLevels();
  }

  private armAll(): void {
    for (const comparator of this.comparators) this.arm(comparator);
  }

  /** When the counter meets the comparator next; the counter may have to wrap first. */
  private arm(comparator: Comparator): void {
    if (!this.isEnabled || !comparator.has(INT_ENB_CNF)) {
      comparator.timer.cancel();
      return;
    }
    const distance = BigInt.asUintN(comparator.width, comparator.comparator - this.counter) || 1n << BigInt(comparator.width);
    const start = BigInt(this.clock.now) - ((BigInt(this.clock.now) - this.since) % PERIOD_NS);
    comparator.timer.armAt(ticks(Number(start + distance * PERIOD_NS)));
  }

  private expire(index: number, comparator: Comparator): void {
    if (comparator.has(TYPE_CNF) && comparator.period !== 0n) {
      const { width, period } = comparator;
      const behind = BigInt.asUintN(width, this.counter - comparator.comparator);
      comparator.comparator = BigInt.asUintN(width, comparator.comparator + period * (behind / period + 1n));
    }
    if (comparator.has(INT_TYPE_CNF)) {
      this.status |= 1 << index;
      this.driveLevels();
    } else {
      const line = this.outputOf(index);
      // The line stays high, as the 8254 leaves it: an 8259 drops a request whose input falls.
      line?.set(false);
      line?.set(true);
    }
    this.arm(comparator);
  }

  private outputOf(index: number): IrqLine | undefined {
    if ((this.configuration & LEG_RT_CNF) !== 0n && index < 2) return this.legacy[index].replacement;
    const route = (this.comparators[index].configuration & INT_ROUTE_CNF) >> ROUTE_SHIFT;
    return route === ROUTE_IRQ ? this.routed : undefined;
  }

  private driveLevels(): void {
    for (const [i, comparator] of this.comparators.entries()) {
      if (comparator.has(INT_TYPE_CNF)) this.outputOf(i)?.set(this.isEnabled && (this.status & (1 << i)) !== 0);
    }
  }
}

/** With VAL_SET a periodic comparator takes the value as its next one, without it as its period too [HPET 2.3.9.2.2]. */
function writeComparator(comparator: Comparator, merge: (old: bigint) => bigint): void {
  const periodic = comparator.has(TYPE_CNF);
  if (!periodic || comparator.has(VAL_SET_CNF)) {
    comparator.comparator = BigInt.asUintN(comparator.width, merge(comparator.comparator));
  }
  if (periodic) comparator.period = BigInt.asUintN(comparator.width, merge(comparator.period));
  comparator.configuration &= ~VAL_SET_CNF;
}

/** An interrupt request that either its own device drives or, in legacy replacement, a comparator. */
class LegacyInput {
  readonly original: IrqLine = {
    set: (level) => {
      this.originalLevel = level;
      this.update();
    },
  };
  readonly replacement: IrqLine = {
    set: (level) => {
      this.replacementLevel = level;
      this.update();
    },
  };
  private readonly irq: IrqLine;
  private originalLevel = false;
  private replacementLevel = false;
  private replaced = false;

  constructor(irq: IrqLine) {
    this.irq = irq;
  }

  replace(on: boolean): void {
    if (on === this.replaced) return;
    this.replaced = on;
    this.replacementLevel = false;
    this.update();
  }

  reset(): void {
    this.originalLevel = this.replacementLevel = this.replaced = false;
  }

  private update(): void {
    this.irq.set(this.replaced ? this.replacementLevel : this.originalLevel);
  }
}
