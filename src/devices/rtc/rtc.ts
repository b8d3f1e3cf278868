/**
 * MC146818A real-time clock with 128 bytes of memory. Its time is a start date plus the virtual clock; interrupt flags
 * are worked out when something looks at them, so that a clock nobody listens to has no deadlines.
 *
 * References: [MC146818A] datasheet; [82371SB] "Real Time Clock Interface".
 * Deviations: the day of the week always follows from the date; no daylight saving (DSE) and no square wave (SQWE);
 * update-in-progress lasts for the 244 microseconds before the time changes.
 */
import { type Ticks, ticks } from '../../memory/address.ts';
import type { BusRegistrar, Clock, Device, IrqLine, Timer, Width } from '../device.ts';
import { cyclesAt, timeOfCycle } from '../frequency.ts';
import { type ClockFormat, nextAlarm, readTime, TIME_REGISTERS, writeTime } from './calendar.ts';
import {
  A_DV, A_DV_32KHZ, A_DV_RESET, A_RS, A_UIP, B_24H, B_AIE, B_DM, B_PIE, B_SET, B_UIE, C_AF, C_IRQF, C_PF, C_UF, D_VRT,
  PORT_RTC, RTC_A, RTC_B, RTC_C, RTC_D, RTC_SECONDS_ALARM, RTC_MINUTES_ALARM, RTC_HOURS_ALARM,
} from './registers.ts';

const RTC_HZ = 32768;
const NS_PER_SECOND = 1e9;
const UIP_NS = 244_141;
const RATE_DEFAULT = 6;
const MEMORY_SIZE = 128;

export interface RtcOptions {
  readonly clock: Clock;
  /** Interrupt request 8. */
  readonly irq: IrqLine;
  /** What the clock shows when the machine is switched on, as seconds since 1970 in the guest's time zone (UTC as a rule). */
  readonly startSeconds: number;
  /** Battery-backed memory, see `cmosNvram`. */
  readonly nvram?: ReadonlyMap<number, number>;
}

export interface RtcState {
  readonly version: 1;
  readonly index: number;
  readonly memory: Uint8Array;
  readonly baseSeconds: number;
  readonly baseTicks: number;
  readonly flags: number;
  readonly seenSeconds: number;
  readonly seenCycles: number;
}

export class Rtc implements Device<RtcState> {
  readonly id = 'rtc';
  private readonly clock: Clock;
  private readonly irq: IrqLine;
  private readonly timer: Timer;
  private readonly memory = new Uint8Array(MEMORY_SIZE);
  private index = 0;
  /** The clock showed `baseSeconds` from `baseTicks` on. While it is stopped, the time is in the registers instead. */
  private baseSeconds: number;
  private baseTicks = 0;
  /** PF, AF and UF as far as the events up to `seenSeconds` and `seenCycles` go. */
  private flags = 0;
  private seenSeconds: number;
  private seenCycles = 0;

  constructor(options: RtcOptions) {
    this.clock = options.clock;
    this.irq = options.irq;
    this.timer = options.clock.timer('rtc', () => this.update());
    this.baseSeconds = Math.floor(options.startSeconds);
    this.seenSeconds = this.baseSeconds;
    for (const [index, value] of options.nvram ?? []) this.memory[index & 0x7f] = value;
    this.memory[RTC_A] = A_DV_32KHZ | RATE_DEFAULT;
    this.memory[RTC_B] = B_24H;
    this.memory[RTC_D] = D_VRT;
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number) => (offset === 0 ? 0xff : this.read()),
      write: (offset: number, _width: Width, value: number) => {
        if (offset === 0) this.index = value & 0x7f;
        else this.write(value);
      },
    };
    bus.ports('rtc', 2, handler).mapAt(PORT_RTC);
  }

  /** The battery keeps time and memory; only the interrupts are off. */
  reset(): void {
    this.index = 0;
    this.memory[RTC_B] &= ~(B_PIE | B_AIE | B_UIE);
    this.flags = 0;
    this.see();
    this.timer.cancel();
  }

  /** A byte of the memory, from the host's side. */
  peek(index: number): number {
    return this.memory[index & 0x7f];
  }

  save(): RtcState {
    this.collect();
    const { index, baseSeconds, baseTicks, flags, seenSeconds, seenCycles } = this;
    return { version: 1, index, baseSeconds, baseTicks, flags, seenSeconds, seenCycles, memory: this.memory.slice() };
  }

  restore(state: RtcState): void {
    this.index = state.index;
    this.memory.set(state.memory);
    this.baseSeconds = state.baseSeconds;
    this.baseTicks = state.baseTicks;
    this.flags = state.flags;
    this.seenSeconds = state.seenSeconds;
    this.seenCycles = state.seenCycles;
    this.irq.set(this.requesting);
    this.arm();
  }

  private get stopped(): boolean {
    return (this.memory[RTC_B] & B_SET) !== 0 || (this.memory[RTC_A] & A_DV_RESET) === A_DV_RESET;
  }

  private get format(): ClockFormat {
    return { binary: (this.memory[RTC_B] & B_DM) !== 0, hours24: (this.memory[RTC_B] & B_24H) !== 0 };
  }

  private secondsAt(now: Ticks): number {
    return this.baseSeconds + Math.floor((now - this.baseTicks) / NS_PER_SECOND);
  }

  private read(): number {
    switch (this.index) {
      case RTC_A:
        return this.memory[RTC_A] | (this.updateInProgress ? A_UIP : 0);
      case RTC_C:
        return this.readFlags();
      default:
        if (TIME_REGISTERS.includes(this.index) && !this.stopped) this.storeTime();
        return this.memory[this.index];
    }
  }

  private write(value: number): void {
    const { index } = this;
    this.collect();
    if (index === RTC_A) this.changeMode(RTC_A, value & (A_DV | A_RS));
    // Setting the time turns the update interrupt off.
    else if (index === RTC_B) this.changeMode(RTC_B, (value & B_SET) !== 0 ? value & ~B_UIE : value);
    else if (TIME_REGISTERS.includes(index)) this.writeTimeRegister(value);
    else if (index !== RTC_C && index !== RTC_D) this.memory[index] = value;
    this.update();
  }

  private get updateInProgress(): boolean {
    return !this.stopped && (this.clock.now - this.baseTicks) % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS;
  }

  private readFlags(): number {
    this.collect();
    const value = this.flags | (this.requesting ? C_IRQF : 0);
    this.flags = 0;
    this.update();
    return value;
  }

  private changeMode(register: number, value: number): void {
    const wasStopped = this.stopped;
    const wasReset = (this.memory[RTC_A] & A_DV_RESET) === A_DV_RESET;
    if (!wasStopped) this.storeTime();
    this.memory[register] = value;
    if (this.stopped) return;
    // A format change without a stop keeps the time; only a stopped clock takes it from the registers.
    if (wasStopped) this.loadTime(wasReset);
    this.see();
  }

  private writeTimeRegister(value: number): void {
    const running = !this.stopped;
    if (running) this.storeTime();
    this.memory[this.index] = value;
    if (running) this.loadTime(false);
    this.see();
  }

  private storeTime(): void {
    writeTime(this.memory, this.secondsAt(this.clock.now), this.format);
  }

  /** Starts from the registers' time. After a divider reset, the first update comes half a second later. */
  private loadTime(afterReset: boolean): void {
    const { now } = this.clock;
    const phase = afterReset ? NS_PER_SECOND / 2 : (now - this.baseTicks) % NS_PER_SECOND;
    this.baseSeconds = readTime(this.memory, this.format);
    this.baseTicks = now - phase;
  }

  /** Everything that happened until now has been looked at. */
  private see(): void {
    const { now } = this.clock;
    this.seenSeconds = this.secondsAt(now);
    this.seenCycles = cyclesAt(now, RTC_HZ);
  }

  private get period(): number {
    const rate = this.memory[RTC_A] & A_RS;
    if (rate === 0) return 0;
    // Rates 1 and 2 are those of 8 and 9 with this crystal.
    return 1 << ((rate < 3 ? rate + 7 : rate) - 1);
  }

  private collect(): void {
    const { now } = this.clock;
    const { period } = this;
    const cycles = cyclesAt(now, RTC_HZ);
    if (period !== 0 && Math.floor(cycles / period) > Math.floor(this.seenCycles / period)) this.flags |= C_PF;
    if (!this.stopped) {
      const seconds = this.secondsAt(now);
      if (seconds > this.seenSeconds) this.flags |= C_UF;
      const alarm = this.alarmAfter(this.seenSeconds);
      if (alarm !== undefined && alarm <= seconds) this.flags |= C_AF;
    }
    this.see();
  }

  private alarmAfter(seconds: number): number | undefined {
    const [s, m, h] = [RTC_SECONDS_ALARM, RTC_MINUTES_ALARM, RTC_HOURS_ALARM].map((index) => this.memory[index]);
    return nextAlarm(seconds, h, m, s, this.format);
  }

  private get requesting(): boolean {
    return (this.flags & this.memory[RTC_B] & (C_PF | C_AF | C_UF)) !== 0;
  }

  /** Drives the line and waits for the next event that would raise it. */
  private update(): void {
    this.collect();
    this.irq.set(this.requesting);
    this.arm();
  }

  private arm(): void {
    const next = this.requesting ? Infinity : this.nextInterrupt();
    if (next === Infinity) this.timer.cancel();
    else this.timer.armAt(ticks(next));
  }

  private nextInterrupt(): number {
    const { now } = this.clock;
    const enabled = this.memory[RTC_B];
    let next = Infinity;
    if ((enabled & B_PIE) !== 0 && this.period !== 0) {
      const periods = Math.floor(cyclesAt(now, RTC_HZ) / this.period) + 1;
      next = timeOfCycle(periods * this.period, RTC_HZ);
    }
    if (this.stopped) return next;
    const seconds = this.secondsAt(now);
    const timeOf = (second: number): number => this.baseTicks + (second - this.baseSeconds) * NS_PER_SECOND;
    if ((enabled & B_UIE) !== 0) next = Math.min(next, timeOf(seconds + 1));
    if ((enabled & B_AIE) !== 0) {
      const alarm = this.alarmAfter(seconds);
      if (alarm !== undefined) next = Math.min(next, timeOf(alarm));
    }
    return next;
  }
}
