/** What the bench compares: something that boots the guest and runs commands at its shell. */
import type { CommandResult } from './console.ts';

/** `i386` is Coracle too, with the 32-bit guest, beside one with the 64-bit guest. */
export const MACHINE_NAMES = ['coracle', 'v86', 'tcg', 'i386'] as const;
export type MachineName = (typeof MACHINE_NAMES)[number];

export const GUEST_NAMES = ['i386', 'amd64'] as const;
export type GuestName = (typeof GUEST_NAMES)[number];
/** What can run a guest. */
export const MACHINES_OF: Record<GuestName, readonly MachineName[]> = { i386: ['coracle', 'v86', 'tcg'], amd64: ['coracle', 'tcg', 'i386'] };

export interface BenchMachine {
  readonly name: MachineName;
  /** From the start of a machine whose images are loaded to its shell, in milliseconds. */
  boot(): Promise<number>;
  run(command: string, timeoutMs: number): Promise<CommandResult>;
  /** It uses no processor until it is resumed: what a machine needs when its guest idles is not to slow down another one. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** The longest that its compiler kept the machine waiting, in milliseconds, where the machine tells. */
  longestCompilePauseMs(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Opens a machine that is loaded and not yet started. */
export type OpenMachine = (name: MachineName) => Promise<BenchMachine>;

/** A boot that takes longer has failed. */
export const BOOT_TIMEOUT_MS = 600_000;
