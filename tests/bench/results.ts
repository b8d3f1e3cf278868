/** What a run of the bench found: the form of the JSON file. */
import type { GuestName, MachineName } from './machines/machine.ts';

/** v86 is also booted in a browser whose optimising compiler is off; see docs/performance.md. */
export type TimedName = MachineName | 'v86-liftoff';
/** Milliseconds of each repetition that counts. */
export type Times = Partial<Record<TimedName, readonly number[]>>;

export interface ProgramResult {
  /** Medians in milliseconds. */
  readonly ms: Partial<Record<TimedName, number>>;
  /** Every repetition that counts. */
  readonly runs: Times;
  /** The incumbent's time over ours. */
  readonly v86?: number;
  readonly tcg?: number;
  readonly i386?: number;
  /** Machines that computed something else than the first one: their times are of no worth. */
  readonly differing?: readonly MachineName[];
}

export interface GroupResult {
  /** Geometric mean of the incumbent's time over ours. */
  readonly v86?: number;
  readonly tcg?: number;
  readonly i386?: number;
  readonly programs: Record<string, ProgramResult>;
}

export interface LoopResult {
  /** Medians in millions of instructions a second. */
  readonly coracle: number;
  readonly sketch: number;
  /** Ours over the sketch's. */
  readonly ratio: number;
}

export interface InterpreterResult {
  readonly node: LoopResult;
  readonly chromium: LoopResult;
}

export interface MemoryUseResult {
  readonly guestMiB: number;
  /** Frames of the guest at its shell, and after it has touched `touchedMiB` more. */
  readonly shellFrameBytes: number;
  readonly touchedMiB: number;
  readonly touchedFrameBytes: number;
  /** What the touched memory cost in frames. */
  readonly frameBytesForTouched: number;
  /** The arena without frames: TLBs, tables, decoded code. */
  readonly arenaFixedBytes: number;
  /** The tab's process: resident bytes above those of an empty tab, and the part of it that is not frames. */
  readonly tabBytes: number;
  readonly tabFixedBytes: number;
  /** The page without a machine above an empty tab, and what the machine adds beside its frames. */
  readonly pageBytes: number;
  readonly machineFixedBytes: number;
}

export interface BenchResults {
  readonly date: string;
  /** Its version; undefined when no browser took part. */
  readonly chromium: string | undefined;
  readonly node: string;
  readonly v86Version: string;
  readonly qemu: string | undefined;
  readonly processor: string;
  readonly runs: number;
  readonly percent: number;
  readonly place: 'browser' | 'node';
  readonly guest: GuestName;
  interpreter?: InterpreterResult;
  memoryUse?: MemoryUseResult;
  /** Milliseconds from the start of the library OS to its first answer: the median, and the longest. */
  firstAnswer?: { readonly medianMs: number; readonly longestMs: number };
  /** Of all of Coracle's machines in the run; not there without a region compiler. */
  longestCompilePauseMs?: number;
  readonly groups: Record<string, GroupResult>;
}
