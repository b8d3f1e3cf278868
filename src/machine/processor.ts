/** The processor as the run loop and the loaders see it; src/cpu/cpu.ts is the one that executes guests. */
import type { CodeCounters, CompilerCounters } from '../cpu/code-counters.ts';
import type { CpuState } from '../cpu/state.ts';
import type { RegionListing } from '../cpu/trace.ts';

export type RunResult = 'budget' | 'halted' | 'attention' | 'shutdown';

export interface Processor {
  /** Instructions retired and exceptions delivered so far, exact inside device callbacks too. */
  readonly instructions: number;
  /** What the compiler of hot code has done, where there is one. */
  readonly compilerCounters?: CompilerCounters;
  /** Interrupts are on: they would wake it from a halt. */
  readonly interruptible: boolean;
  /** A message is on its way to it, compiled code for instance, with which it goes on faster. */
  readonly awaitsMessage?: boolean;
  /** What became of guest code, where it is counted. */
  readonly codeCounters?: CodeCounters;
  /** The region of the block at a linear address; undefined where there is none. */
  listRegion?(linear: number): RegionListing | undefined;
  /** Executes at most `fuel` instructions, and at least so many where nothing comes between. */
  run(fuel: number, least?: number): RunResult;
  /** Makes `run` return at the next block edge. */
  requestAttention(): void;
  reset(): void;
  nmi(): void;
}

/** A processor whose registers a loader may set, for entries that bypass firmware. */
export interface BootableProcessor extends Processor {
  readonly state: CpuState;
}
