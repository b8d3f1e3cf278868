/**
 * The one error type that Coracle throws at its users. Guest faults are values inside the processor and never reach
 * this class; whatever a guest does to ports, memory or DMA never throws.
 */

/** What went wrong, for programs; `message` says it for people, with what to do about it. */
export type EmulatorErrorCode =
  | 'bad-image' // truncated, empty or unrecognised disk, kernel, initrd or firmware image
  | 'image-too-large' // larger than the device or the guest's memory can address
  | 'missing-file' // a file, firmware or guest that is not where it should be
  | 'fetch-failed' // a server answered with an error, or could not be reached
  | 'bad-option' // an option or a combination of options that makes no sense
  | 'out-of-memory' // the host refuses the memory that was asked for
  | 'unsupported-host' // the browser or Node lacks a feature that Coracle needs
  | 'storage-failed'; // a backend could not read or make durable what it was asked to

export class EmulatorError extends Error {
  readonly code: EmulatorErrorCode;
  constructor(code: EmulatorErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EmulatorError';
    this.code = code;
  }
}

/** For the end of switches over tagged unions: fails to compile when a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
