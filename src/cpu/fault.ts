/**
 * Guest exceptions as the TypeScript slow paths raise them: thrown inside src/cpu only, caught at the helper boundary
 * (cpu.ts), so that a helper can give up from any depth before it has changed state. [SDM3 6.5]
 */

/** Not an Error: no stack trace is collected, page faults are everyday events. */
export class GuestFault {
  readonly vector: number;
  /** undefined for exceptions that push no error code. */
  readonly errorCode: number | undefined;
  constructor(vector: number, errorCode?: number) {
    this.vector = vector;
    this.errorCode = errorCode;
  }
}

/** Raises a guest exception out of a slow path. */
export function fault(vector: number, errorCode?: number): never {
  throw new GuestFault(vector, errorCode);
}
