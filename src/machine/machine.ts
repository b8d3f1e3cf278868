/**
 * One machine: arena, memory, ports, processor, clock, board and the run loop, and what the outside sees of them. The
 * board and the processor are made by functions, so that this file knows neither.
 */
import type { CodeCounters, CompilerCounters } from '../cpu/code-counters.ts';
import type { RegionListing, TraceEvent } from '../cpu/trace.ts';
import type { ResetKind, Width } from '../devices/device.ts';
import { usKeystrokes } from '../devices/i8042/us-layout.ts';
import type { MouseMove } from '../devices/i8042/mouse.ts';
import type { Frame } from '../devices/vga/renderer/renderer.ts';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import type { LocalApicPort } from '../cpu/context.ts';
import type { Board, InterruptSource } from './board.ts';
import { MachineClock } from './clock.ts';
import { Door } from './door.ts';
import { Emitter } from './emitter.ts';
import type { MachineHost } from './host.ts';
import { LastWords, lastRows } from './last-words.ts';
import type { BootPlan } from './loaders/boot-plan.ts';
import { LateStart } from './late-start.ts';
import { OutputBuffer } from './output-buffer.ts';
import { PortBus } from './port-bus.ts';
import type { Processor } from './processor.ts';
import { type Pace, RunLoop } from './run-loop.ts';
import { Typist } from './typist.ts';

/** Rate until the first measurement, and always without a pace: 100 million instructions a second. */
const INITIAL_NS_PER_INSTRUCTION = 10;
/** Host time between two pictures, and between two statistics, for listeners. */
const SCREEN_MS = 33, STATISTICS_MS = 500;

/** Why a machine ended. */
export type ExitReason = 'poweroff' | 'reset' | 'triple-fault' | 'debug-exit';

export interface MachineExit {
  readonly reason: ExitReason;
  /** 'debug-exit': the status that the guest gave, `(value << 1) | 1`. Else 0. */
  readonly status: number;
}

/** What made a machine start anew. */
export type ResetCause = 'host' | 'guest' | 'triple-fault';

export interface MachineStatistics {
  /** Since the machine was made. */
  readonly instructions: number;
  /** Virtual time since power-on. */
  readonly guestSeconds: number;
  /** Host time spent executing, and spent asleep while the guest halted. */
  readonly busySeconds: number;
  readonly idleSeconds: number;
  /** Of the last half second or more of running: millions of instructions a second of host time, and the share asleep. */
  readonly mips: number;
  readonly idleShare: number;
  readonly nanosecondsPerInstruction: number;
  /** Memory that the guest really uses, and what the machine has taken from the host with it: TLBs, decoded code. */
  readonly frameBytes: number;
  /** Compiled code; undefined for a processor without a compiler. */
  readonly compiler: CompilerCounters | undefined;
  /** What became of guest code; undefined for a processor that does not count it. */
  readonly code: CodeCounters | undefined;
  readonly arenaBytes: number;
}

/** An input that entered, at its instruction: what a recording has to hold. */
export interface MachineInput {
  readonly instructions: number;
  readonly kind: string;
  readonly value?: number;
}

export type MachineState = 'paused' | 'running' | 'off';

export interface MachineEvents {
  'serial-output': { readonly port: number; readonly data: Uint8Array };
  'debug-output': { readonly port: number; readonly data: Uint8Array };
  /** About 30 times a second while the picture changes; only while somebody listens. */
  'screen-changed': Frame;
  state: MachineState;
  reset: { readonly cause: ResetCause; readonly lastWords: readonly string[] };
  /** The guest's kernel has told on a serial port that it gives up; `message` is the line that says so. */
  panic: { readonly message: string };
  /** The processor halts with interrupts off: but for a non-maskable interrupt or a reset, nothing will go on. Told once a start. */
  stuck: { readonly lastWords: readonly string[] };
  exit: MachineExit;
  statistics: MachineStatistics;
  input: MachineInput;
  /** What the option `trace` asks for. */
  trace: TraceEvent;
  /** What is behind a disk failed: the guest has its error already, as from a bad sector, and runs on. */
  'device-error': Error;
  /** The host failed; the machine is paused. */
  error: Error;
}

/** The wires of a board: what it is built on, and the buttons that its devices press. */
export interface BoardParts {
  readonly memory: GuestMemory;
  readonly ports: PortBus;
  readonly clock: MachineClock;
  readonly door: Door;
  /** The processor's INTR pin changed. */
  interruptChanged(level: boolean): void;
  nmi(): void;
  setA20(enabled: boolean): void;
  requestReset(): void;
  requestExit(reason: ExitReason, status?: number): void;
  serialOutput(port: number, byte: number): void;
  debugOutput(port: number, byte: number): void;
  /** A device's backend failed; the guest has its error already. */
  deviceError(error: Error): void;
}

/** What the processor is built on; see CpuHost in src/cpu. */
export interface ProcessorParts {
  readonly memory: GuestMemory;
  readonly ports: { readPort(port: number, width: Width): number; writePort(port: number, width: Width, value: number): void };
  interrupts: InterruptSource;
  apic: LocalApicPort | undefined;
  tsc(): bigint;
  /** Random bytes. */
  random(length: number): Uint8Array;
  timeLine(): MachineClock['line'];
  /** The FERR# pin. Returns whether IGNNE# is asserted. */
  ferr(active: boolean): boolean;
  trace(event: TraceEvent): void;
}

export interface MachineParts {
  readonly ramBytes: number;
  /** Where the guest's memory is going to be. Default: a new one. */
  readonly arena?: Arena;
  readonly host: MachineHost;
  readonly pace: Pace;
  readonly noReboot: boolean;
  /** The guest to enter without firmware. */
  readonly plan: BootPlan | undefined;
  /** Loads it anew for each later start, so that nothing keeps its bytes meanwhile. Default: `plan` is kept. */
  loadPlan?(): Promise<BootPlan>;
  createProcessor(arena: Arena, parts: ProcessorParts): Processor;
  createBoard(parts: BoardParts): Board;
  /** When the machine is no longer needed: closes its backends. */
  onDispose?(): Promise<void>;
}

/** Until the board exists: nothing interrupts. */
const NO_INTERRUPTS: InterruptSource = { pending: false, acknowledge: () => 0 };

export class Machine {
  readonly memory: GuestMemory;
  readonly ports = new PortBus();
  readonly cpu: Processor;
  readonly clock: MachineClock;
  readonly board: Board;
  private readonly door: Door;
  private readonly loop: RunLoop;
  private readonly typist: Typist;
  private readonly events = new Emitter<MachineEvents>();
  private readonly parts: Omit<MachineParts, 'plan'>;
  private readonly plan: BootPlan | undefined;
  /** A start that waits for the guest's kernel. */
  private late: LateStart | undefined;
  private readonly serial = new OutputBuffer();
  private readonly debug = new OutputBuffer();
  private readonly words = new LastWords();
  private pendingReset: ResetCause | undefined;
  private pendingExit: MachineExit | undefined;
  private off = false;
  private stuck = false;
  private screenMs = -Infinity;
  private measured = { ms: 0, instructions: 0, idleMs: 0, mips: 0, idleShare: 0 };

  constructor({ plan, ...parts }: MachineParts) {
    this.parts = parts;
    this.plan = parts.loadPlan ? undefined : plan;
    const arena = parts.arena ?? new Arena();
    this.memory = new GuestMemory(new PagePool(arena), parts.ramBytes);
    // One gigahertz, whatever the speed: the guest's time-stamp counter counts virtual nanoseconds.
    const processorParts: ProcessorParts = {
      memory: this.memory,
      ports: this.ports,
      interrupts: NO_INTERRUPTS,
      apic: undefined,
      tsc: () => BigInt(this.clock.now),
      random: (length) => parts.host.random(length),
      timeLine: () => this.clock.line,
      ferr: (active) => this.board.coprocessorError(active),
      trace: (event) => this.events.emit('trace', event),
    };
    this.cpu = parts.createProcessor(arena, processorParts);
    this.clock = new MachineClock(this.cpu, INITIAL_NS_PER_INSTRUCTION);
    this.door = new Door(this.clock);
    this.door.onInput = (kind) => this.logInput(kind);
    this.loop = this.createLoop();
    this.board = parts.createBoard(this.boardParts());
    processorParts.interrupts = this.board.interrupts;
    processorParts.apic = this.board.apic;
    this.typist = new Typist(this.clock, (code, down) => this.board.keyboard.key(code, down));
    this.memory.seal();
    this.ports.seal();
    this.memory.onDeviceAccess = this.ports.onDeviceAccess = () => this.loop.deviceAccess();
    this.startOver('power-on', plan);
  }

  /** Adds a listener; the result removes it. */
  on<K extends keyof MachineEvents>(type: K, listener: (payload: MachineEvents[K]) => void): () => void {
    return this.events.on(type, listener);
  }

  get state(): MachineState {
    if (this.loop.isRunning || this.late?.goesOn) return 'running';
    return this.off ? 'off' : 'paused';
  }

  /** Starts or goes on. A machine that is off starts anew. */
  run(): void {
    if (this.state === 'running') return;
    if (this.late) this.late.proceed(true);
    else if (this.off) this.startAnew(undefined, 'power-on', true);
    else this.go();
    this.events.emit('state', 'running');
  }

  /** Takes effect before the next instruction that is not under way. */
  pause(): void {
    if (this.state !== 'running') return;
    if (this.late) this.late.goesOn = false;
    this.loop.stop();
    this.flushOutput();
    this.events.emit('state', 'paused');
  }

  /** The reset button. A machine that is off or paused stays paused, at its first instruction. */
  reset(): void {
    if (this.loop.isRunning) this.door.post('reset', () => this.requestReset('host'));
    else if (this.late) this.late.proceed(this.late.goesOn);
    else this.startAnew('host', this.off ? 'power-on' : 'warm', false);
  }

  /** Bytes for the guest's serial port; text goes there as UTF-8. */
  sendSerial(data: Uint8Array | string, port = 0): void {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
    this.door.post('serial', () => this.board.serialPorts[port]?.receive(bytes));
  }

  /** A key goes down or up; `code` as in `KeyboardEvent.code`. */
  sendKey(code: string, down: boolean): void {
    this.door.post('keyboard', () => this.board.keyboard.key(code, down));
  }

  /** Every key that is down goes up, for a host that loses the focus. */
  releaseKeys(): void {
    this.door.post('keyboard', () => this.board.keyboard.releaseAll());
  }

  /** The mouse moves, or its buttons change. */
  sendMouse(report: MouseMove): void {
    this.door.post('mouse', () => this.board.mouse.move(report));
  }

  /** The power button: a guest with ACPI powers off in answer. */
  pressPowerButton(): void {
    this.door.post('power-button', () => this.board.pressPowerButton());
  }

  /** A non-maskable interrupt, as QEMU's monitor command `nmi` sends one. */
  sendNmi(): void {
    this.door.post('nmi', () => this.cpu.nmi());
  }

  /** Types text on a keyboard with the US layout. Characters that it lacks are left out. */
  sendText(text: string): void {
    const strokes = usKeystrokes(text);
    this.door.post('keyboard', () => this.typist.type(strokes));
  }

  /** An input of another kind: `action` runs at an instruction boundary. */
  post(kind: string, action: () => void): void {
    this.door.post(kind, action);
  }

  /** The characters on the screen, a string a row; undefined while a graphics mode is on. */
  readTextScreen(): string[] | undefined {
    return this.board.screen.textScreen();
  }

  /** The last lines that the guest printed on its serial ports, and those of its text screen that are not among them. */
  get lastWords(): readonly string[] {
    const { lines } = this.words;
    return [...lines, ...lastRows(this.readTextScreen()).filter((row) => !lines.includes(row))];
  }

  /** The picture if it changed since the last call; for screens that ask at their own pace. */
  renderScreen(): Frame | undefined {
    return this.board.screen.render();
  }

  /** The picture, changed or not. */
  screenshot(): Frame {
    return this.board.screen.render() ?? this.board.screen.current;
  }

  statistics(): MachineStatistics {
    return {
      instructions: this.cpu.instructions,
      guestSeconds: this.clock.now / 1e9,
      busySeconds: this.loop.busyMs / 1e3,
      idleSeconds: this.loop.idleMs / 1e3,
      mips: this.measured.mips,
      idleShare: this.measured.idleShare,
      nanosecondsPerInstruction: this.clock.nanosecondsPerInstruction,
      frameBytes: this.memory.pool.framesInUse * 4096,
      compiler: this.cpu.compilerCounters && { ...this.cpu.compilerCounters },
      code: this.cpu.codeCounters,
      arenaBytes: this.memory.pool.arena.usedBytes,
    };
  }

  /**
   * The compiled region of the block at a linear address, or what it would be compiled to now: guest code, operations and
   * WebAssembly. Of blocks that have run, in the mode and address space that the processor is in; undefined for other addresses.
   */
  listRegion(linear: number): RegionListing | undefined {
    return this.cpu.listRegion?.(linear);
  }

  /** Stops for good, gives the guest's memory back and closes the disks. */
  async dispose(): Promise<void> {
    this.pause();
    this.late = undefined;
    this.off = true;
    this.memory.dispose();
    await this.parts.onDispose?.();
  }

  private createLoop(): RunLoop {
    const { host, pace } = this.parts;
    const hooks = {
      atBoundary: () => this.atBoundary(),
      onShutdown: () => this.requestReset('triple-fault'),
      onHalt: () => this.onHalt(),
      onPause: (sleeping: boolean) => this.onPause(sleeping),
      onRate: (rate: number) => this.logInput('rate', rate),
      onError: (error: unknown) => this.fail(error),
    };
    return new RunLoop({ cpu: this.cpu, clock: this.clock, door: this.door, host, pace, hooks });
  }

  private boardParts(): BoardParts {
    return {
      memory: this.memory,
      ports: this.ports,
      clock: this.clock,
      door: this.door,
      interruptChanged: (level) => {
        if (level) this.loop.interrupt();
      },
      nmi: () => this.cpu.nmi(),
      setA20: (enabled) => this.memory.setA20(enabled),
      requestReset: () => this.requestReset('guest'),
      requestExit: (reason, status = 0) => {
        this.pendingExit ??= { reason, status };
        this.loop.interrupt();
      },
      serialOutput: (port, byte) => this.serial.add(port, byte),
      debugOutput: (port, byte) => this.debug.add(port, byte),
      deviceError: (error) => this.events.emit('device-error', error),
    };
  }

  private requestReset(cause: ResetCause): void {
    if (this.parts.noReboot && cause !== 'host') this.pendingExit ??= { reason: cause === 'guest' ? 'reset' : cause, status: 0 };
    else this.pendingReset ??= cause;
    this.loop.interrupt();
  }

  private atBoundary(): boolean {
    if (this.pendingExit) return false;
    const cause = this.pendingReset;
    if (cause === undefined) return true;
    this.startAnew(cause, 'warm', true);
    return this.late === undefined;
  }

  /** From the first instruction on, at once if the guest's kernel is at hand; `goesOn`: the machine runs then. */
  private startAnew(cause: ResetCause | undefined, kind: ResetKind, goesOn: boolean): void {
    this.flushOutput();
    const { lastWords } = this;
    const begin = (plan: BootPlan | undefined, on: boolean): void => {
      this.late = undefined;
      this.startOver(kind, plan);
      if (cause) this.events.emit('reset', { cause, lastWords });
      if (on) this.go();
    };
    const { loadPlan } = this.parts;
    if (!loadPlan) return begin(this.plan, goesOn);
    const late: LateStart = new LateStart(loadPlan, goesOn, {
      loaded: (plan) => {
        if (this.late === late) begin(plan, late.goesOn);
      },
      failed: (error) => {
        if (this.late === late) this.fail(error);
      },
    });
    this.late = late;
  }

  /** Lets the processor run, if it does not yet. */
  private go(): void {
    if (this.loop.isRunning) return;
    this.measure(true);
    this.loop.start();
  }

  private startOver(kind: ResetKind, plan: BootPlan | undefined): void {
    this.words.clear();
    this.off = this.stuck = false;
    this.pendingReset = undefined;
    this.pendingExit = undefined;
    this.door.reset();
    this.typist.reset();
    this.board.reset(kind);
    this.memory.setA20(true);
    this.cpu.reset();
    if (plan) this.board.prepareDirectBoot(plan);
  }

  private onHalt(): void {
    if (this.stuck || this.cpu.interruptible || this.door.hasArrivals) return;
    this.stuck = true;
    this.flushOutput();
    this.events.emit('stuck', { lastWords: this.lastWords });
  }

  private onPause(sleeping: boolean): void {
    this.flushOutput();
    this.measure(false);
    const exit = this.pendingExit;
    if (exit && !this.loop.isRunning) {
      this.pendingExit = undefined;
      this.off = true;
      this.showScreen();
      this.events.emit('exit', exit);
      this.events.emit('state', 'off');
    } else if (sleeping || this.parts.host.nowMs() - this.screenMs >= SCREEN_MS) {
      this.showScreen();
    }
  }

  private showScreen(): void {
    if (!this.events.has('screen-changed')) return;
    this.screenMs = this.parts.host.nowMs();
    const frame = this.board.screen.render();
    if (frame) this.events.emit('screen-changed', frame);
  }

  private flushOutput(): void {
    this.serial.flush((port, data) => {
      const message = this.words.add(data);
      this.events.emit('serial-output', { port, data });
      if (message !== undefined) this.events.emit('panic', { message });
    });
    this.debug.flush((port, data) => this.events.emit('debug-output', { port, data }));
  }

  private measure(restart: boolean): void {
    const ms = this.parts.host.nowMs();
    const { loop, cpu, measured } = this;
    const elapsed = ms - measured.ms;
    if (!restart && elapsed < STATISTICS_MS) return;
    const idleMs = loop.idleMs;
    if (!restart) {
      measured.mips = (cpu.instructions - measured.instructions) / elapsed / 1e3;
      measured.idleShare = Math.min((idleMs - measured.idleMs) / elapsed, 1);
    }
    Object.assign(measured, { ms, instructions: cpu.instructions, idleMs });
    if (!restart) this.events.emit('statistics', this.statistics());
  }

  private logInput(kind: string, value?: number): void {
    const at = { instructions: this.cpu.instructions, kind };
    this.events.emit('input', value === undefined ? at : { ...at, value });
  }

  private fail(error: unknown): void {
    this.flushOutput();
    this.events.emit('error', error instanceof Error ? error : new Error(String(error)));
    this.events.emit('state', 'paused');
  }
}
