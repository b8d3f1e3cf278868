/** What a disk is to a device: numbered bytes that are read, written and made durable. */

export interface BlockBackend {
  /** Size in bytes; any size, the device rounds up to its sectors (reads past the end give zeros). */
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** `offset` and `length` in bytes, inside the backend. A backend in memory answers at once, others with a promise. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  write(offset: number, data: Uint8Array): void | Promise<void>;
  /** Resolves when everything written before is durable. */
  flush(): void | Promise<void>;
  close(): void | Promise<void>;
}
