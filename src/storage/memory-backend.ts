/** A disk in memory: answers at once, forgets everything when it is closed. */
import type { BlockBackend } from './block.ts';

export interface MemoryBackendOptions {
  /** Default: false. */
  readonly readOnly?: boolean;
}

export class MemoryBackend implements BlockBackend {
  readonly readOnly: boolean;
  /** The image itself, not a copy. */
  readonly bytes: Uint8Array;

  /** Takes `bytes` over: writes go into it. */
  constructor(bytes: Uint8Array, options: MemoryBackendOptions = {}) {
    this.bytes = bytes;
    this.readOnly = options.readOnly ?? false;
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.bytes.slice(offset, offset + length);
  }

  write(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset);
  }

  flush(): void {
    // Nothing is more durable than the memory itself.
  }

  close(): void {
    // The bytes belong to whoever made the backend.
  }
}
