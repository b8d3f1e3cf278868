/** What a machine needs from where it runs, so that this room needs neither a browser nor Node. */
export interface MachineHost {
  /** Monotonic host time in milliseconds, with fractions. */
  nowMs(): number;
  /** Host wall-clock time in milliseconds since 1970, for the guest's date. */
  dateMs(): number;
  /** Random bytes, for the guest's source of entropy. */
  random(length: number): Uint8Array;
  /** Calls back as soon as the host has handled its own waiting events. */
  soon(callback: () => void): void;
  /** Calls back after about `ms` milliseconds; the result cancels. */
  later(ms: number, callback: () => void): () => void;
}
