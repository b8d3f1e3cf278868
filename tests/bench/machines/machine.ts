/** What the bench compares: something that boots the guest and runs commands at its shell. */
import type { CommandResult } from './console.ts';

export const MACHINE_NAMES = ['coracle', 'v86', 'tcg'] as const;
export type MachineName = (typeof MACHINE_NAMES)[number];

export interface BenchMachine {
  readonly name: MachineName;
  /** From the start of a machine whose images are loaded to its shell, in milliseconds. */
  boot(): Promise<number>;
  run(command: string, timeoutMs: number): Promise<CommandResult>;
  /** The longest that its compiler kept the machine waiting, in milliseconds, where the machine tells. */
  longestCompilePauseMs(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Opens a machine that is loaded and not yet started. */
export type OpenMachine = (name: MachineName) => Promise<BenchMachine>;

/** A boot that takes longer has failed. */
export const BOOT_TIMEOUT_MS = 600_000;
