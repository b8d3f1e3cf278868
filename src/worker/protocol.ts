/**
 * What the page and a machine's worker say to each other. The page calls `MachineWorker` through Comlink; the worker
 * answers with the results and, meanwhile, with reports. Everything large is transferred, never copied twice.
 */
import type { GuestFileRole } from '../../images/manifest.ts';
import type { CpuModules } from '../cpu/cpu.ts';
import type { MouseMove } from '../devices/i8042/mouse.ts';
import type { EmulatorErrorCode } from '../errors.ts';
import type { CodeCounters, CompilerCounters } from '../index.ts';
import type { MachineExit, MachineState, ResetCause } from '../machine/machine.ts';
import type { ProcessorOptions } from '../processor-options.ts';

/** A file that a machine starts with. */
export interface ImageFile {
  readonly role: GuestFileRole;
  /** For people: in the progress, and in errors. */
  readonly name: string;
  /** A file of the user's, or an absolute address. */
  readonly source: Blob | string;
  /** What the manifest says about the file; a download that differs is refused. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
}

/** What a guest calls the folder that is shared with it. */
export const SHARE_TAG = 'share';

/** What tells one kept disk from another: its address, or the name and size of a file. */
export function keptName({ name, source }: ImageFile): string {
  return typeof source === 'string' ? source : `${name}, ${source.size} bytes`;
}

/** A machine to make, switched on and paused. */
export interface BootRequest {
  readonly files: readonly ImageFile[];
  readonly memoryMiB: number;
  /** The board, as the option of `createMachine`. */
  readonly machine?: 'pc' | 'microvm';
  /** Command line of a kernel. */
  readonly append?: string;
  /** Order in which firmware tries the drives, as the option of `createMachine`. */
  readonly boot?: string;
  /** What runs the guest's code, as the options of `createMachine`; what is traced goes to the console. */
  readonly processor?: ProcessorOptions;
  /** A folder that the guest mounts by 9p, under `SHARE_TAG`. */
  readonly folder?: FileSystemDirectoryHandle;
  /** Hard disks: the browser keeps what the guest writes, for the next machine with the same image. Default: false. */
  readonly keepWrites?: boolean;
}

export interface ScreenSize {
  /** Pixels of the picture. */
  readonly width: number;
  readonly height: number;
  /** Width to height on a monitor; pixels are not square in most VGA modes. */
  readonly aspect: number;
}

/** Sums since power-on; the page makes rates from two of them. */
export interface Totals {
  readonly instructions: number;
  readonly guestSeconds: number;
  /** Host time during which the machine was running, busy or idle. */
  readonly wallSeconds: number;
  readonly idleSeconds: number;
  /** Memory that the guest really uses, and what the machine has taken from the host with it. */
  readonly frameBytes: number;
  readonly arenaBytes: number;
  /** What became of guest code. */
  readonly compiler: CompilerCounters | undefined;
  readonly code: CodeCounters | undefined;
}

/** An error on its way through a message; `code` is absent for a fault of Coracle's own. */
export interface ErrorReport {
  readonly message: string;
  readonly code?: EmulatorErrorCode;
  readonly stack?: string;
}

export type Report =
  | { readonly kind: 'progress'; readonly step: string; readonly loadedBytes: number; readonly totalBytes: number | undefined }
  | { readonly kind: 'serial'; readonly data: Uint8Array<ArrayBuffer> }
  | ({ readonly kind: 'screen' } & ScreenSize)
  /** In place of painting, where the worker has no canvas: RGBA. */
  | ({ readonly kind: 'frame'; readonly pixels: Uint8ClampedArray<ArrayBuffer> } & ScreenSize)
  | { readonly kind: 'state'; readonly state: MachineState }
  | { readonly kind: 'reset'; readonly cause: ResetCause; readonly lastWords: readonly string[] }
  | { readonly kind: 'panic'; readonly message: string }
  | { readonly kind: 'stuck'; readonly lastWords: readonly string[] }
  | { readonly kind: 'exit'; readonly exit: MachineExit }
  | { readonly kind: 'totals'; readonly totals: Totals }
  /** The guest has the error of a bad sector, and runs on. */
  | { readonly kind: 'device-error'; readonly error: ErrorReport }
  | { readonly kind: 'error'; readonly error: ErrorReport };

export type ReportListener = (report: Report) => void;

export interface MachineWorker {
  /**
   * Loads the files and makes the machine; once per worker.
   * @throws EmulatorError as `createMachine`, and `fetch-failed` or `bad-image` for files that do not arrive whole.
   */
  load(request: BootRequest, modules: CpuModules, canvas: OffscreenCanvas | undefined, listener: ReportListener): Promise<void>;
  run(): void;
  pause(): void;
  reset(): void;
  pressPowerButton(): void;
  sendSerial(text: string): void;
  /** `code` as in `KeyboardEvent.code`. */
  sendKey(code: string, down: boolean): void;
  releaseKeys(): void;
  sendMouse(move: MouseMove): void;
  /** Types text on the guest's keyboard, by the US layout. */
  sendText(text: string): void;
  /** The characters on the screen; undefined in graphics modes. */
  readTextScreen(): string[] | undefined;
  /** Ends the machine; its disks are stored and free for another one when it is done. */
  close(): Promise<void>;
}
