/** A read-only disk over a browser's File or Blob (Node has Blob too); an overlay makes it writable. */
import { EmulatorError } from '../errors.ts';
import type { BlockBackend } from './block.ts';
import { ChunkReader } from './chunk-reader.ts';

const CHUNK_BYTES = 128 << 10;
const CACHE_BYTES = 16 << 20;

export class FileBackend implements BlockBackend {
  readonly readOnly = true;
  readonly sizeBytes: number;
  private readonly reader: ChunkReader;

  constructor(blob: Blob) {
    this.sizeBytes = blob.size;
    this.reader = new ChunkReader({
      sizeBytes: blob.size,
      chunkBytes: CHUNK_BYTES,
      cacheBytes: CACHE_BYTES,
      readAheadChunks: 2,
      fetch: async (first, count) => {
        try {
          const part = blob.slice(first * CHUNK_BYTES, (first + count) * CHUNK_BYTES);
          return new Uint8Array(await part.arrayBuffer());
        } catch (cause) {
          const name = 'name' in blob ? `“${String(blob.name)}”` : 'the file';
          const message = `${name} can no longer be read; it was changed or moved: choose it again`;
          throw new EmulatorError('storage-failed', message, { cause });
        }
      },
    });
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    return this.reader.read(offset, length);
  }

  write(): Promise<void> {
    return Promise.reject(new EmulatorError('storage-failed', 'a file chosen in the browser cannot be written to'));
  }

  flush(): void {
    // Nothing is ever written.
  }

  close(): void {
    // A Blob holds no resource that could be given back.
  }
}
