/** How a vCPU is made, and what a snapshot keeps of it. */
import type { CompilerThread } from '../jit/thread-protocol.ts';
import type { MsrSnapshot } from './msr.ts';
import type { CpuProfile } from './profiles.ts';
import type { Tracer } from './trace.ts';

/** `interp`: the interpreter alone; `auto`: hot code is compiled; `compiled`: all code is, before it runs as far as possible. */
export type Tier = 'interp' | 'compiled' | 'auto';
/**
 * How often a branch is taken until what it leads to is compiled: until interpreting has cost about what compiling does, some
 * milliseconds a region on all threads together.
 */
export const DEFAULT_COMPILE_THRESHOLD = 20_000;

export interface CpuOptions {
  readonly profile?: CpuProfile;
  readonly tier?: Tier;
  readonly compileThreshold?: number;
  /** The host's clock in milliseconds, to tell what compilation takes. */
  readonly nowMs?: () => number;
  /** Compiles beside the machine; without it, the machine compiles between its slices. */
  readonly compilerThread?: CompilerThread | undefined;
  /** Compiled code stays up to so many bytes of WebAssembly, whether it runs or not. Default: 512 KiB. */
  readonly keptCodeBytes?: number;
  /** More bytes of WebAssembly than these never stay: what has not run for longest goes. Default: 32 MiB. */
  readonly mostCodeBytes?: number;
  /** Looks on. */
  readonly tracer?: Tracer | undefined;
  /** Compiled code counts its instructions, which takes it a little time whenever it is left. Default: false. */
  readonly countTiers?: boolean;
}

/** Everything of a vCPU that a snapshot keeps; decoded code and TLBs are made anew. */
export interface CpuSnapshot {
  readonly version: 1;
  readonly state: Uint8Array;
  readonly msrs: MsrSnapshot;
  readonly halted: boolean;
  readonly instructions: number;
}
