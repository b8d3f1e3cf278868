/**
 * A read-only disk over HTTP: range requests by chunks, with read-ahead, a cache in memory and, in a browser, one in
 * IndexedDB that is valid as long as the server's ETag or Last-Modified stays. A server that does not answer ranges
 * gives the whole image instead, with progress.
 */
import { EmulatorError } from '../errors.ts';
import type { BlockBackend } from './block.ts';
import { ChunkReader } from './chunk-reader.ts';
import { MemoryBackend } from './memory-backend.ts';
import { announcedLength, type BodyProgress, readBody } from './read-body.ts';

export type DownloadProgress = BodyProgress;

/** Chunks that outlive the page; see idb-chunk-cache.ts. Errors mean "not cached". */
export interface PersistentChunks {
  get(index: number): Promise<Uint8Array | undefined>;
  put(index: number, chunk: Uint8Array): Promise<void>;
  close(): void;
}

export interface HttpOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  readonly onProgress?: DownloadProgress;
  readonly signal?: AbortSignal;
  /** Bytes in a chunk. Default: 256 KiB. */
  readonly chunkBytes?: number;
  /** Memory for chunks, in bytes. Default: 16 MiB: what is read again soon; the rest is in the browser's own caches. */
  readonly cacheBytes?: number;
  /** Pause before a repeated request, in milliseconds. Default: 300. */
  readonly retryDelayMs?: number;
  /** Opens the cache that outlives the page for this version of the image. */
  readonly openPersistent?: (url: string, version: string, chunkBytes: number) => Promise<PersistentChunks | undefined>;
}

const CHUNK_BYTES = 256 << 10;
const CACHE_BYTES = 16 << 20;
const READ_AHEAD_CHUNKS = 4;
const ATTEMPTS = 3;
const RETRY_DELAY_MS = 300;

/** What tells one version of a file from the next; undefined when the server says nothing about it. */
const versionOf = (response: Response): string | undefined =>
  response.headers.get('etag') ?? response.headers.get('last-modified') ?? undefined;

class HttpClient {
  readonly url: string;
  private readonly options: HttpOptions;

  constructor(url: string, options: HttpOptions) {
    this.url = url;
    this.options = options;
  }

  /** @throws EmulatorError `fetch-failed` */
  async request(init: RequestInit): Promise<Response> {
    const fetcher = this.options.fetch ?? globalThis.fetch;
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await this.pause(attempt);
      try {
        const response = await fetcher(this.url, {
          ...init,
          ...(this.options.signal && { signal: this.options.signal }),
        });
        if (response.status < 500) return response;
        cause = new Error(`status ${response.status}`);
        await this.discard(response);
      } catch (error) {
        cause = error;
        if (this.options.signal?.aborted === true) break;
      }
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    const advice = 'check the address, the connection, and that the server allows this page (CORS)';
    throw new EmulatorError('fetch-failed', `cannot fetch ${this.url}: ${reason}; ${advice}`, { cause });
  }

  /** Lets go of a body that nobody reads; that its connection has broken does not matter then. */
  async discard(response: Response): Promise<void> {
    await response.body?.cancel().catch(() => undefined);
  }

  /** @throws EmulatorError `fetch-failed` when the connection breaks */
  async body(response: Response): Promise<Uint8Array> {
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throw new EmulatorError('fetch-failed', `the download of ${this.url} broke off; try again`, { cause });
    }
  }

  refuse(response: Response): EmulatorError {
    const known: Record<number, string> = {
      401: 'access denied',
      403: 'access denied',
      404: 'no such file',
      410: 'gone',
    };
    const why = known[response.status] ?? response.statusText;
    return new EmulatorError(
      'fetch-failed',
      `${this.url}: the server answered ${response.status} (${why}); check the address`,
    );
  }

  private pause(attempt: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, (this.options.retryDelayMs ?? RETRY_DELAY_MS) * attempt));
  }
}

/** A size as a header has it; undefined where no file can have it. */
function sizeFrom(text: string | null): number | undefined {
  const size = Number(text ?? 0);
  return Number.isSafeInteger(size) && size > 0 ? size : undefined;
}

/** Size of the whole file from `Content-Range: bytes 0-9/1234`; undefined where the header is hidden or has `*`. */
function totalFromRange(response: Response): number | undefined {
  const match = /\/(\d+)\s*$/.exec(response.headers.get('content-range') ?? '');
  return match === null ? undefined : sizeFrom(match[1]);
}

/**
 * Opens an image by URL.
 * @throws EmulatorError `fetch-failed` for an error status or no answer, `bad-image` for an empty file.
 */
export async function openHttp(url: string | URL, options: HttpOptions = {}): Promise<BlockBackend> {
  const client = new HttpClient(String(url), options);
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  const response = await client.request({ headers: { Range: `bytes=0-${chunkBytes - 1}` } });
  if (response.status === 416) throw new EmulatorError('bad-image', `${client.url} is empty`);
  if (!response.ok) throw client.refuse(response);
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    await response.body?.cancel();
    throw new EmulatorError('bad-image', `${client.url} is a web page, not an image; check the address`);
  }
  if (response.status !== 206) return download(client, response, options);
  const sizeBytes = totalFromRange(response) ?? (await sizeByHead(client));
  if (sizeBytes === undefined) {
    await client.discard(response);
    const whole = await client.request({});
    if (!whole.ok) throw client.refuse(whole);
    return download(client, whole, options);
  }
  const first = await client.body(response);
  if (first.length !== Math.min(chunkBytes, sizeBytes)) {
    throw new EmulatorError(
      'fetch-failed',
      `${client.url}: the server sent ${first.length} bytes of a range of ${chunkBytes}`,
    );
  }
  const version = versionOf(response);
  const persistent =
    version === undefined ? undefined : await options.openPersistent?.(client.url, version, chunkBytes);
  return new HttpRangeBackend(client, {
    sizeBytes,
    first,
    version,
    persistent,
    chunkBytes,
    cacheBytes: options.cacheBytes ?? CACHE_BYTES,
  });
}

/** Content-Range is hidden from other origins unless the server exposes it; Content-Length never is. */
async function sizeByHead(client: HttpClient): Promise<number | undefined> {
  const response = await client.request({ method: 'HEAD' });
  return response.ok ? sizeFrom(response.headers.get('content-length')) : undefined;
}

/** The whole body into memory, with progress. */
async function download(client: HttpClient, response: Response, options: HttpOptions): Promise<BlockBackend> {
  const total = announcedLength(response);
  let bytes: Uint8Array;
  try {
    bytes = await readBody(response, total, options.onProgress);
  } catch (cause) {
    throw new EmulatorError('fetch-failed', `${client.url}: ${(cause as Error).message}; try again`, { cause });
  }
  if (bytes.length === 0) throw new EmulatorError('bad-image', `${client.url} is empty`);
  if (total !== undefined && bytes.length !== total) {
    throw new EmulatorError(
      'fetch-failed',
      `the download of ${client.url} ended after ${bytes.length} of ${total} bytes; try again`,
    );
  }
  return new MemoryBackend(bytes, { readOnly: true });
}

interface RangeSetup {
  readonly sizeBytes: number;
  /** Chunk 0, which came with the first request. */
  readonly first: Uint8Array;
  readonly version: string | undefined;
  readonly persistent: PersistentChunks | undefined;
  readonly chunkBytes: number;
  readonly cacheBytes: number;
}

class HttpRangeBackend implements BlockBackend {
  readonly readOnly = true;
  readonly sizeBytes: number;
  private readonly client: HttpClient;
  private readonly setup: RangeSetup;
  private readonly reader: ChunkReader;

  constructor(client: HttpClient, setup: RangeSetup) {
    this.client = client;
    this.setup = setup;
    this.sizeBytes = setup.sizeBytes;
    this.reader = new ChunkReader({
      sizeBytes: setup.sizeBytes,
      chunkBytes: setup.chunkBytes,
      cacheBytes: setup.cacheBytes,
      readAheadChunks: READ_AHEAD_CHUNKS,
      fetch: (first, count) => this.fetch(first, count),
    });
    this.reader.prime(0, setup.first);
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    return this.reader.read(offset, length);
  }

  write(): Promise<void> {
    return Promise.reject(new EmulatorError('storage-failed', `${this.client.url} cannot be written to`));
  }

  flush(): void {
    // Nothing is ever written.
  }

  close(): void {
    this.setup.persistent?.close();
  }

  /** From the persistent cache when it has all of them, else by one request. */
  private async fetch(first: number, count: number): Promise<Uint8Array> {
    const { chunkBytes, sizeBytes, persistent } = this.setup;
    const from = first * chunkBytes;
    const length = Math.min(count * chunkBytes, sizeBytes - from);
    if (persistent !== undefined) {
      const cached = await Promise.all(Array.from({ length: count }, (_, i) => persistent.get(first + i)));
      const bytes = new Uint8Array(length);
      if (cached.every((chunk) => chunk !== undefined)) {
        cached.forEach((chunk, i) => bytes.set(chunk, i * chunkBytes));
        return bytes;
      }
    }
    const bytes = await this.fetchRange(from, length);
    for (let i = 0; i < count; i++) void persistent?.put(first + i, bytes.slice(i * chunkBytes, (i + 1) * chunkBytes));
    return bytes;
  }

  private async fetchRange(from: number, length: number): Promise<Uint8Array> {
    const response = await this.client.request({ headers: { Range: `bytes=${from}-${from + length - 1}` } });
    if (!response.ok) throw this.client.refuse(response);
    const { version } = this.setup;
    if (response.status !== 206 || (version !== undefined && versionOf(response) !== version)) {
      await this.client.discard(response);
      throw new EmulatorError('fetch-failed', `${this.client.url} has changed on the server; start the machine again`);
    }
    const bytes = await this.client.body(response);
    if (bytes.length !== length) {
      throw new EmulatorError('fetch-failed', `${this.client.url}: the server sent ${bytes.length} of ${length} bytes`);
    }
    return bytes;
  }
}
