/**
 * The 8254 programmable interval timer, and system control port B (61h), which gates its counter 2 for the speaker.
 *
 * Counter 0 drives interrupt request 0; counter 1 asked for memory refresh once and only shows in port 61h; counter 2 is
 * read back through port 61h. The counters compute their state from the clock, so only counter 0 ever has a deadline.
 * References: [8254] datasheet 231164-005; [82371SB] "NMI Status and Control Register".
 */
import type { BusRegistrar, Clock, Device, IrqLine, Timer, Width } from './device.ts';
import { cyclesAt, timeOfCycle } from './frequency.ts';
import { PitCounter, type PitCounterState } from './pit-counter.ts';

/** CLK of all three counters: a twelfth of 14.318 MHz. */
export const PIT_HZ = 1193182;

const PORT_PIT = 0x40, PORT_SYSTEM_CONTROL = 0x61;
const CONTROL = 3;
const SELECT_READ_BACK = 3;
const READ_BACK_NO_COUNT = 0x20, READ_BACK_NO_STATUS = 0x10;

/** Bits of port 61h. */
const TIMER2_GATE = 0x01, SPEAKER_DATA = 0x02, REFRESH_TOGGLE = 0x10, TIMER2_OUT = 0x20;
const SYSTEM_CONTROL_WRITABLE = 0x0f;
/** The refresh bit turns over every 15.09 microseconds. */
const REFRESH_CYCLES = 18;

export interface PitOptions {
  readonly clock: Clock;
  /** Interrupt request 0. */
  readonly irq: IrqLine;
}

export interface PitState {
  readonly version: 1;
  readonly counters: readonly PitCounterState[];
  readonly systemControl: number;
}

export class Pit implements Device<PitState> {
  readonly id = 'pit';
  private readonly clock: Clock;
  private readonly irq: IrqLine;
  private readonly timer: Timer;
  private readonly counters = [new PitCounter(true), new PitCounter(true), new PitCounter(false)];
  private systemControl = 0;

  constructor(options: PitOptions) {
    this.clock = options.clock;
    this.irq = options.irq;
    this.timer = options.clock.timer('pit', () => this.onDeadline());
  }

  attach(bus: BusRegistrar): void {
    const counters = {
      read: (offset: number) => this.readPort(offset),
      write: (offset: number, _width: Width, value: number) => this.writePort(offset, value),
    };
    bus.ports('pit', 4, counters).mapAt(PORT_PIT);
    const control = {
      read: () => this.readSystemControl(),
      write: (_offset: number, _width: Width, value: number) => this.writeSystemControl(value),
    };
    bus.ports('system-control-b', 1, control).mapAt(PORT_SYSTEM_CONTROL);
  }

  reset(): void {
    for (const counter of this.counters) counter.reset();
    this.systemControl = 0;
    this.timer.cancel();
  }

  /** The speaker is connected to counter 2's output, and the counter runs. */
  get speakerOn(): boolean {
    return (this.systemControl & (SPEAKER_DATA | TIMER2_GATE)) === (SPEAKER_DATA | TIMER2_GATE);
  }

  save(): PitState {
    return { version: 1, counters: this.counters.map((c) => c.save(this.now)), systemControl: this.systemControl };
  }

  restore(state: PitState): void {
    for (const [i, counter] of this.counters.entries()) counter.restore(state.counters[i]);
    this.systemControl = state.systemControl;
    this.update();
  }

  private get now(): number {
    return cyclesAt(this.clock.now, PIT_HZ);
  }

  private readPort(offset: number): number {
    return offset === CONTROL ? 0xff : this.counters[offset].read(this.now);
  }

  private writePort(offset: number, value: number): void {
    if (offset === CONTROL) {
      this.writeControl(value);
      return;
    }
    this.counters[offset].write(value, this.now);
    if (offset === 0) this.update();
  }

  private writeControl(value: number): void {
    const select = value >> 6;
    if (select === SELECT_READ_BACK) {
      this.counters.forEach((counter, i) => {
        if ((value & (2 << i)) === 0) return;
        if ((value & READ_BACK_NO_COUNT) === 0) counter.latchCount(this.now);
        if ((value & READ_BACK_NO_STATUS) === 0) counter.latchStatus(this.now);
      });
      return;
    }
    const rw = (value >> 4) & 3;
    if (rw === 0) {
      this.counters[select].latchCount(this.now);
      return;
    }
    this.counters[select].setControl(rw, (value >> 1) & 7, (value & 1) !== 0);
    if (select === 0) this.update();
  }

  private readSystemControl(): number {
    const now = this.now;
    const refresh = Math.floor(now / REFRESH_CYCLES) % 2 === 1 ? REFRESH_TOGGLE : 0;
    return this.systemControl | refresh | (this.counters[2].out(now) ? TIMER2_OUT : 0);
  }

  private writeSystemControl(value: number): void {
    this.systemControl = value & SYSTEM_CONTROL_WRITABLE;
    this.counters[2].setGate((value & TIMER2_GATE) !== 0, this.now);
  }

  /** Drives interrupt request 0 with counter 0's OUT and waits for its next edge. */
  private update(): void {
    const now = this.now;
    const counter = this.counters[0];
    this.irq.set(counter.out(now));
    const edge = counter.nextEdge(now);
    if (edge === undefined) this.timer.cancel();
    else this.timer.armAt(timeOfCycle(edge, PIT_HZ));
  }

  private onDeadline(): void {
    // A pulse is one cycle long: its falling edge is shown together with the rising one, which is what interrupts.
    if (this.counters[0].pulses) this.irq.set(false);
    this.update();
  }
}
