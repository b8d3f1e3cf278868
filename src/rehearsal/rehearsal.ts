/**
 * Runs a guest of its own while the real one's images are still on their way, so that the JavaScript engine knows Coracle by then: it
 * compiles functions when they have run often, and their code once more when they were called with something new.
 */
import { type StartedThread, startCompilerThread } from '../compiler-thread.ts';
import { Cpu, type CpuModules, type CpuOptions } from '../cpu/cpu.ts';
import { loadModules, withWideHandlers } from '../load-modules.ts';
import { createPcBoard } from '../machine/boards/pc.ts';
import type { MachineHost } from '../machine/host.ts';
import { Machine } from '../machine/machine.ts';
import type { Pace } from '../machine/run-loop.ts';
import { portableHost } from '../portable-host.ts';
import { RAM_BYTES, rehearsalGuest } from './kernel.ts';

/** So long it takes at most, and so long after that its compiler thread waits for the machine. */
const RUN_MS = 2000, THREAD_MS = 30_000;
/** Times that a branch is taken until it is hot: fewer than for guests, whose code is to be compiled only if that pays. */
const COMPILE_THRESHOLD = 200;
const SEED = 1;

/**
 * One for one machine, in the same thread as that: made before the machine's images are fetched, and given to `createMachine` (option
 * `rehearsal`). It takes at most two seconds of the processor's time, in bursts of some milliseconds, and nothing of it can fail.
 */
export class Rehearsal {
  private readonly host = portableHost();
  private warm: { readonly modules: Promise<CpuModules>; readonly thread: Promise<StartedThread | undefined> } | undefined;
  private machine: Machine | undefined;
  private cancel = (): void => {};
  private stopped = false;
  private taken = false;

  /** Begins. @param modules the machine's; default: as `createMachine` loads them */
  constructor(modules: CpuModules | Promise<CpuModules> = loadModules()) {
    const loaded = Promise.resolve(modules);
    this.warm = {
      modules: loaded.then(withWideHandlers),
      thread: loaded.then(({ compilerScript }) => (compilerScript === undefined ? undefined : startCompilerThread(compilerScript, THREAD_MS))),
    };
    // What fails here fails again where it is needed.
    this.begin(this.warm).catch(() => this.stop());
  }

  /** The processor's modules, all of them compiled, until it is disposed of. */
  get modules(): Promise<CpuModules> | undefined {
    return this.warm?.modules;
  }

  /** The compiler thread, likewise. */
  get thread(): Promise<StartedThread | undefined> | undefined {
    return this.warm?.thread;
  }

  /** The compiler thread is the caller's from now on. */
  async takeThread(): Promise<StartedThread | undefined> {
    this.taken = true;
    return this.thread;
  }

  /** The processor is needed for something else. */
  stop(): void {
    this.stopped = true;
    this.cancel();
    this.machine?.pause();
    this.machine = undefined;
  }

  /** To call when the machine has been made, or is not going to be. */
  async dispose(): Promise<void> {
    this.stop();
    const { thread } = this;
    this.warm = undefined;
    if (!this.taken) (await thread?.catch(() => undefined))?.terminate();
  }

  private async begin(warm: NonNullable<typeof this.warm>): Promise<void> {
    const [modules, compilerThread] = await Promise.all([warm.modules, warm.thread]);
    if (this.stopped) return;
    const { host } = this;
    this.machine = rehearsalMachine(modules, host, 'wall', { compilerThread, compileThreshold: COMPILE_THRESHOLD, nowMs: () => host.nowMs() });
    this.machine.on('error', () => this.stop());
    this.machine.run();
    this.cancel = host.later(RUN_MS, () => this.stop());
  }
}

/** The guest of a rehearsal, in a PC without drives. */
export function rehearsalMachine(modules: CpuModules, host: MachineHost, pace: Pace, processor: CpuOptions): Machine {
  return new Machine({
    ramBytes: RAM_BYTES, host, pace, noReboot: true,
    plan: rehearsalGuest(SEED),
    createProcessor: (arena, parts) => new Cpu(arena, parts, modules, processor),
    createBoard: (parts) => createPcBoard(parts, {
      drives: {}, floppies: [undefined, undefined], bios: undefined, vgaBios: undefined, bootOrder: 'c', serialPorts: 1,
      startDate: new Date(host.dateMs()), virtio: [], debugExit: undefined,
    }),
  });
}
