/**
 * Reads from a source that is slow for each request: whole chunks are fetched, neighbours in one request, kept in
 * memory (the least recently used go first), and fetched ahead when the guest reads on. A read whose chunks are all
 * here answers at once.
 */

export interface ChunkReaderOptions {
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  /** Memory for chunks, in bytes. */
  readonly cacheBytes: number;
  /** Chunks to fetch ahead of a sequential reader; 0 for none. */
  readonly readAheadChunks: number;
  /** Gives `count` chunks from `first`, the last chunk of the source cut at `sizeBytes`. */
  fetch(first: number, count: number): Promise<Uint8Array>;
}

/** Numbered chunks of bytes, of which the least recently used go when there are more than `capacity`. */
export class ChunkLru {
  private readonly capacity: number;
  private readonly chunks = new Map<number, Uint8Array>();

  constructor(capacity: number) {
    this.capacity = Math.max(1, capacity);
  }

  has(index: number): boolean {
    return this.chunks.has(index);
  }

  get(index: number): Uint8Array | undefined {
    const chunk = this.chunks.get(index);
    if (chunk !== undefined) {
      this.chunks.delete(index);
      this.chunks.set(index, chunk);
    }
    return chunk;
  }

  set(index: number, chunk: Uint8Array): void {
    this.chunks.delete(index);
    this.chunks.set(index, chunk);
    for (const oldest of this.chunks.keys()) {
      if (this.chunks.size <= this.capacity) break;
      this.chunks.delete(oldest);
    }
  }

  delete(index: number): void {
    this.chunks.delete(index);
  }
}

export class ChunkReader {
  private readonly options: ChunkReaderOptions;
  private readonly chunkCount: number;
  private readonly cache: ChunkLru;
  private readonly inFlight = new Map<number, Promise<Uint8Array>>();
  /** The chunk after the last read: a read that starts there, or in the chunk before, is sequential. */
  private expected = 0;

  constructor(options: ChunkReaderOptions) {
    this.options = options;
    this.chunkCount = Math.ceil(options.sizeBytes / options.chunkBytes);
    this.cache = new ChunkLru(Math.floor(options.cacheBytes / options.chunkBytes));
  }

  /** Puts a chunk that came by another way into the cache. */
  prime(index: number, chunk: Uint8Array): void {
    this.cache.set(index, chunk);
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const { chunkBytes } = this.options;
    const first = Math.floor(offset / chunkBytes);
    const last = Math.floor((offset + Math.max(1, length) - 1) / chunkBytes);
    const sequential = first === this.expected || first === this.expected - 1;
    this.expected = last + 1;
    const parts: (Uint8Array | Promise<Uint8Array>)[] = [];
    let waiting = false;
    for (let i = first; i <= last; ) {
      const cached = this.cache.get(i) ?? this.inFlight.get(i);
      if (cached !== undefined) {
        waiting ||= cached instanceof Promise;
        parts.push(cached);
        i++;
        continue;
      }
      let count = 1;
      while (i + count <= last && !this.known(i + count)) count++;
      parts.push(...this.request(i, count));
      waiting = true;
      i += count;
    }
    if (sequential) this.readAhead(last + 1);
    const assemble = (chunks: readonly Uint8Array[]): Uint8Array => {
      const target = new Uint8Array(length);
      chunks.forEach((chunk, k) => {
        const at = (first + k) * chunkBytes;
        const from = Math.max(0, offset - at);
        const to = Math.min(chunk.length, offset + length - at);
        if (to > from) target.set(chunk.subarray(from, to), at + from - offset);
      });
      return target;
    };
    return waiting ? Promise.all(parts).then(assemble) : assemble(parts as Uint8Array[]);
  }

  private known(index: number): boolean {
    return this.cache.has(index) || this.inFlight.has(index);
  }

  private request(first: number, count: number): Promise<Uint8Array>[] {
    const { chunkBytes } = this.options;
    const all = this.options.fetch(first, count);
    return Array.from({ length: count }, (_, k) => {
      const index = first + k;
      const chunk = all.then((bytes) => bytes.slice(k * chunkBytes, (k + 1) * chunkBytes));
      this.inFlight.set(index, chunk);
      const settled = (): boolean => this.inFlight.delete(index);
      chunk.then((bytes) => {
        settled();
        this.cache.set(index, bytes);
      }, settled);
      return chunk;
    });
  }

  private readAhead(from: number): void {
    const end = Math.min(from + this.options.readAheadChunks, this.chunkCount);
    let first = from;
    while (first < end && this.known(first)) first++;
    // A request for every chunk that the reader moves on would be many small ones; wait until half is used up.
    if (first >= end || first - from > this.options.readAheadChunks / 2) return;
    let count = 1;
    while (first + count < end && !this.known(first + count)) count++;
    // An error here comes back, and is reported, when the chunk is read.
    for (const chunk of this.request(first, count)) chunk.catch(() => undefined);
  }
}
