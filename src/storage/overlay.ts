/**
 * Copy-on-write over a backend that is never written to: changed chunks live in memory, and in a store if one is given.
 *
 * What is in the store is always the disk as it was at one moment: a flush commits every changed chunk in one
 * transaction, so a tab that dies leaves the last flushed state. Past `dirtyLimitBytes` of unflushed data a commit
 * happens early; that, too, is a state that the disk once had.
 */
import type { BlockBackend } from './block.ts';
import { ChunkLru } from './chunk-reader.ts';

/** Where an overlay's chunks outlive the machine; see idb-overlay-store.ts. */
export interface OverlayStore {
  /** Numbers of the chunks that the store has. */
  readonly indices: Iterable<number>;
  read(index: number): Promise<Uint8Array>;
  /** All or nothing; resolves when durable. The arrays are not changed until then. */
  commit(chunks: ReadonlyMap<number, Uint8Array>): Promise<void>;
  close(): void;
}

export interface OverlayOptions {
  /** Default: none, the changes are forgotten when the overlay is closed. */
  readonly store?: OverlayStore;
  /** A power of two from 4 to 64 KiB. Must be what the store was made with. Default: 16 KiB. */
  readonly chunkBytes?: number;
  /** Default: 64 MiB. */
  readonly dirtyLimitBytes?: number;
}

export const OVERLAY_CHUNK_BYTES = 16 << 10;
const DIRTY_LIMIT_BYTES = 64 << 20;
const CLEAN_BYTES = 8 << 20;

export class OverlayBackend implements BlockBackend {
  readonly readOnly = false;
  readonly sizeBytes: number;
  private readonly base: BlockBackend;
  private readonly store: OverlayStore | undefined;
  private readonly chunkBytes: number;
  private readonly dirtyLimit: number;
  /** Changed since the last commit began. */
  private dirty = new Map<number, Uint8Array>();
  /** Being committed: readable, not writable. */
  private committing: ReadonlyMap<number, Uint8Array> = new Map();
  private readonly stored: Set<number>;
  private readonly clean: ChunkLru;
  private commits = 0;
  /** The write that is waiting for old content, if one is. */
  private pendingWrite: Promise<void> | undefined = undefined;
  private lastCommit: Promise<void> = Promise.resolve();

  constructor(base: BlockBackend, options: OverlayOptions = {}) {
    this.base = base;
    this.sizeBytes = base.sizeBytes;
    this.store = options.store;
    this.chunkBytes = options.chunkBytes ?? OVERLAY_CHUNK_BYTES;
    this.dirtyLimit = Math.max(1, Math.floor((options.dirtyLimitBytes ?? DIRTY_LIMIT_BYTES) / this.chunkBytes));
    this.stored = new Set(options.store?.indices);
    this.clean = new ChunkLru(Math.floor(CLEAN_BYTES / this.chunkBytes));
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const target = new Uint8Array(length);
    const waiting: Promise<void>[] = [];
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / this.chunkBytes);
      let stop = Math.min(end, (index + 1) * this.chunkBytes);
      let part: Uint8Array | Promise<Uint8Array>;
      if (this.changed(index)) {
        const from = at - index * this.chunkBytes;
        const to = stop - index * this.chunkBytes;
        const chunk = this.chunk(index);
        part = chunk instanceof Uint8Array ? chunk.subarray(from, to) : chunk.then((bytes) => bytes.subarray(from, to));
      } else {
        // Unchanged neighbours come by one request.
        while (stop < end && !this.changed(stop / this.chunkBytes)) stop = Math.min(end, stop + this.chunkBytes);
        part = this.base.read(at, stop - at);
      }
      const into = at - offset;
      if (part instanceof Uint8Array) target.set(part, into);
      else waiting.push(part.then((bytes) => target.set(bytes, into)));
      at = stop;
    }
    return waiting.length === 0 ? target : Promise.all(waiting).then(() => target);
  }

  write(offset: number, data: Uint8Array): void | Promise<void> {
    // A write that waits for old content keeps its place, even when the device has given up on it.
    if (this.pendingWrite !== undefined) return this.pendingWrite.then(() => this.write(offset, data));
    const first = Math.floor(offset / this.chunkBytes);
    const last = Math.floor((offset + Math.max(1, data.length) - 1) / this.chunkBytes);
    // Only the two ends can be partial; their old content is needed first.
    const partial = [...new Set([first, last])].filter((index) => {
      const start = this.chunkStart(index);
      const whole = start >= offset && start + this.chunkLength(index) <= offset + data.length;
      return !whole && !this.dirty.has(index);
    });
    const old = partial.map((index) =>
      this.changed(index) ? this.chunk(index) : this.base.read(this.chunkStart(index), this.chunkLength(index)),
    );
    const apply = (chunks: readonly Uint8Array[]): void | Promise<void> => {
      chunks.forEach((chunk, i) => this.dirty.set(partial[i], chunk.slice()));
      return this.put(offset, data, first, last);
    };
    if (old.every((chunk) => chunk instanceof Uint8Array)) return apply(old);
    const loaded = Promise.all(old);
    const settle = (): void => {
      this.pendingWrite = undefined;
    };
    const applied = loaded.then(
      (chunks) => {
        settle();
        return apply(chunks);
      },
      (error: unknown) => {
        settle();
        throw error;
      },
    );
    this.pendingWrite = applied.catch(() => undefined);
    return applied;
  }

  /** Without a store there is nothing to make durable. */
  flush(): void | Promise<void> {
    if (this.store === undefined) return;
    // One after the other: a commit that failed gives its chunks to the next.
    this.lastCommit = this.lastCommit.catch(() => undefined).then(() => this.commit());
    return this.lastCommit;
  }

  async close(): Promise<void> {
    await this.flush();
    this.store?.close();
    await this.base.close();
  }

  /** Chunks that differ from the base, in memory and in the store. */
  get changedChunks(): number {
    return new Set([...this.stored, ...this.committing.keys(), ...this.dirty.keys()]).size;
  }

  private chunkStart(index: number): number {
    return index * this.chunkBytes;
  }

  private chunkLength(index: number): number {
    return Math.min(this.chunkBytes, this.sizeBytes - this.chunkStart(index));
  }

  private changed(index: number): boolean {
    return this.dirty.has(index) || this.committing.has(index) || this.stored.has(index);
  }

  private chunk(index: number): Uint8Array | Promise<Uint8Array> {
    const here = this.dirty.get(index) ?? this.committing.get(index) ?? this.clean.get(index);
    if (here !== undefined) return here;
    const { commits } = this;
    return this.store!.read(index).then((bytes) => {
      // A commit since then may have made these bytes old.
      if (commits === this.commits) this.clean.set(index, bytes);
      return bytes;
    });
  }

  private put(offset: number, data: Uint8Array, first: number, last: number): void | Promise<void> {
    for (let index = first; index <= last; index++) {
      let chunk = this.dirty.get(index);
      if (chunk === undefined) {
        chunk = new Uint8Array(this.chunkLength(index));
        this.dirty.set(index, chunk);
      }
      const from = Math.max(0, this.chunkStart(index) - offset);
      const to = Math.min(data.length, this.chunkStart(index) + chunk.length - offset);
      chunk.set(data.subarray(from, to), offset + from - this.chunkStart(index));
    }
    if (this.store !== undefined && this.dirty.size > this.dirtyLimit) return this.flush();
  }

  private async commit(): Promise<void> {
    if (this.dirty.size === 0) return;
    const chunks = this.dirty;
    this.committing = chunks;
    this.dirty = new Map();
    try {
      await this.store!.commit(chunks);
    } catch (error) {
      this.committing = new Map();
      for (const [index, chunk] of chunks) if (!this.dirty.has(index)) this.dirty.set(index, chunk);
      throw error;
    }
    this.committing = new Map();
    this.commits++;
    for (const [index, chunk] of chunks) {
      this.stored.add(index);
      this.clean.set(index, chunk);
    }
  }
}
