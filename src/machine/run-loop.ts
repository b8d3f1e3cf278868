/**
 * The run loop of one machine: slices of instructions up to the next deadline, results from outside and due deadlines
 * between them, sleep while the processor halts, and a return to the host's event loop every few milliseconds.
 */
import { ticks } from '../memory/address.ts';
import type { MachineClock } from './clock.ts';
import type { Door } from './door.ts';
import type { MachineHost } from './host.ts';
import { Pacer } from './pacer.ts';
import type { Processor } from './processor.ts';

/** Host time until the loop lets the host handle its events, and until it does while the processor waits for one. */
const BURST_MS = 10, AWAITING_BURST_MS = 2;
/** Instructions between two looks at the host's clock: what lately took it about a millisecond, in these limits. */
const FEWEST_INSTRUCTIONS = 100_000, MOST_INSTRUCTIONS = 4_000_000;
/** A slice that no deadline ends may be longer by so much: the processor stops where it is convenient. */
const MORE_INSTRUCTIONS = 1024;
/** Accesses of devices between two looks at the host's clock: one may cost as much as a slice of instructions does. */
const SLICE_ACCESSES = 32;
/** Host timers take 32 bits of milliseconds; a longer sleep is one of several. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** 'wall': guest time follows the host's clock. 'none': as fast as possible, halts skip to the next deadline. */
export type Pace = 'wall' | 'none';

/** What the loop asks of the machine around it. */
export interface RunLoopHooks {
  /** Between two slices: resets and the like. False ends the run. */
  atBoundary(): boolean;
  /** The processor shut down (triple fault). */
  onShutdown(): void;
  /** The processor halts. */
  onHalt(): void;
  /** The host's event loop gets its turn now; `sleeping`: until a deadline or an input. */
  onPause(sleeping: boolean): void;
  /** Guest time passes at another rate from this instruction on. */
  onRate(nanosecondsPerInstruction: number): void;
  /** The host failed: an EmulatorError, or a bug. The loop has stopped. */
  onError(error: unknown): void;
}

export interface RunLoopParts {
  readonly cpu: Processor;
  readonly clock: MachineClock;
  readonly door: Door;
  readonly host: MachineHost;
  readonly pace: Pace;
  readonly hooks: RunLoopHooks;
}

export class RunLoop {
  private readonly parts: RunLoopParts;
  private readonly pacer: Pacer;
  private running = false;
  private inSlice = false;
  private accesses = 0;
  private sliceInstructions = FEWEST_INSTRUCTIONS;
  private burstStartMs = 0;
  /** Cancels the sleep while there is one. */
  private sleeping: (() => void) | undefined;
  private sleepStartMs = 0;
  /** Distinguishes a callback of this run from one of an earlier run. */
  private generation = 0;
  private busy = 0;
  private idle = 0;

  constructor(parts: RunLoopParts) {
    this.parts = parts;
    this.pacer = new Pacer(parts.clock, parts.host);
    this.pacer.onRate = (rate) => parts.hooks.onRate(rate);
    parts.clock.onEarlier = () => this.interrupt();
    parts.door.onArrival = () => {
      this.interrupt();
      if (this.sleeping) this.schedule(this.wake());
    };
  }

  get isRunning(): boolean {
    return this.running;
  }

  /** True while the machine sleeps because the processor halts. */
  get isIdle(): boolean {
    return this.sleeping !== undefined;
  }

  /** Host milliseconds spent executing, and spent asleep while the processor halted. */
  get busyMs(): number {
    return this.busy;
  }

  get idleMs(): number {
    return this.idle + (this.sleeping ? this.parts.host.nowMs() - this.sleepStartMs : 0);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.pacer.anchor();
    this.schedule(++this.generation);
  }

  /** Takes effect at once, or at the end of the slice when called from inside one. */
  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.generation++;
    this.endSleep();
    this.interrupt();
  }

  /** Ends the slice that runs, if one does: a deadline, a line or a request needs a look. */
  interrupt(): void {
    if (this.inSlice) this.parts.cpu.requestAttention();
  }

  /** A device is asked for something. Ends the slice that runs when the host has waited long enough. */
  deviceAccess(): void {
    if (!this.inSlice || ++this.accesses < SLICE_ACCESSES) return;
    this.accesses = 0;
    if (this.parts.host.nowMs() > this.burstEndMs) this.parts.cpu.requestAttention();
  }

  private get burstEndMs(): number {
    return this.burstStartMs + (this.parts.cpu.awaitsMessage ? AWAITING_BURST_MS : BURST_MS);
  }

  private schedule(generation: number): void {
    this.parts.host.soon(() => {
      if (generation === this.generation) this.burst(generation);
    });
  }

  private burst(generation: number): void {
    const { host, cpu } = this.parts;
    const startMs = host.nowMs();
    this.burstStartMs = startMs;
    const startInstructions = cpu.instructions;
    let ms = startMs;
    let goOn = true;
    try {
      while (goOn && this.running && ms < this.burstEndMs) {
        const before = cpu.instructions;
        goOn = this.slice();
        const now = host.nowMs();
        if (this.parts.pace === 'wall') this.pacer.account(now - ms, cpu.instructions - before);
        ms = now;
      }
    } catch (error) {
      this.inSlice = false;
      this.stop();
      this.parts.hooks.onError(error);
      return;
    }
    const elapsedMs = ms - startMs;
    this.busy += elapsedMs;
    const instructions = cpu.instructions - startInstructions;
    if (elapsedMs > 0) this.sliceInstructions = Math.min(Math.max(Math.floor(instructions / elapsedMs), FEWEST_INSTRUCTIONS), MOST_INSTRUCTIONS);
    this.parts.hooks.onPause(!goOn);
    if (!this.running || generation !== this.generation) return;
    if (goOn || this.parts.door.hasArrivals) this.schedule(generation);
    else this.sleep();
  }

  /** One slice. False: the processor halts and nothing is due. */
  private slice(): boolean {
    const { cpu, clock, door, hooks } = this.parts;
    door.open();
    clock.fireDue();
    if (!hooks.atBoundary()) {
      this.stop();
      return true;
    }
    this.inSlice = true;
    const most = clock.instructionsToDeadline(this.sliceInstructions + MORE_INSTRUCTIONS);
    const reason = cpu.run(most, Math.min(most, this.sliceInstructions));
    this.inSlice = false;
    if (reason === 'shutdown') hooks.onShutdown();
    if (reason !== 'halted') return true;
    hooks.onHalt();
    return this.passHalted();
  }

  /** Lets halted time pass up to the next deadline where the pace allows it at once. */
  private passHalted(): boolean {
    const { clock, door, pace } = this.parts;
    if (door.hasArrivals) return true;
    const next = clock.nextDeadline;
    if (next === undefined) return false;
    if (next <= clock.now) return true;
    // Without a pace, time must not outrun work that the guest waits for.
    const reachable = pace === 'none' ? door.outstanding === 0 : next <= this.pacer.wallTicks;
    if (reachable) clock.warpTo(next);
    return reachable;
  }

  private sleep(): void {
    const { clock, host, pace } = this.parts;
    const next = clock.nextDeadline;
    this.sleepStartMs = host.nowMs();
    if (pace === 'none' || next === undefined) {
      this.sleeping = () => {};
      return;
    }
    // Whole milliseconds, up: hosts cut the fraction off, and would wake the guest before its time only to sleep again.
    const ms = Math.min(Math.max(Math.ceil((next - this.pacer.wallTicks) / 1e6), 0), LONGEST_SLEEP_MS);
    this.sleeping = host.later(ms, () => this.burst(this.wake()));
  }

  /** Ends the sleep; gives the generation of the burst that has to follow. */
  private wake(): number {
    this.endSleep();
    const { clock, pace } = this.parts;
    if (pace === 'wall') {
      const wall = this.pacer.wallTicks;
      clock.warpTo(ticks(Math.min(wall, clock.nextDeadline ?? wall)));
    }
    return ++this.generation;
  }

  private endSleep(): void {
    if (this.sleeping === undefined) return;
    this.sleeping();
    this.sleeping = undefined;
    this.idle += this.parts.host.nowMs() - this.sleepStartMs;
  }
}
