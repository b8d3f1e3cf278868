/**
 * Chunks of remote images in IndexedDB, so that a second visit loads nothing anew. Best effort: a browser that refuses
 * (private window, no space) only means that nothing is cached. When the sum grows past the limit, the images that were
 * opened longest ago go.
 */
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';
import type { PersistentChunks } from './http-range.ts';

const DATABASE = 'coracle-images';
const LIMIT_BYTES = 2 ** 30;

interface ImageRecord {
  url: string;
  version: string;
  chunkBytes: number;
  /** Milliseconds since 1970. */
  openedAt: number;
}

interface Schema extends DBSchema {
  images: { key: string; value: ImageRecord };
  chunks: { key: [string, number]; value: Uint8Array };
}

const chunksOf = (url: string): IDBKeyRange => IDBKeyRange.bound([url, 0], [url, Number.MAX_SAFE_INTEGER]);

/** For `HttpOptions.openPersistent`. Undefined where there is no IndexedDB. */
export async function openIdbChunkCache(
  url: string,
  version: string,
  chunkBytes: number,
): Promise<PersistentChunks | undefined> {
  if (typeof indexedDB === 'undefined') return undefined;
  try {
    const db = await openDB<Schema>(DATABASE, 1, {
      upgrade(database) {
        database.createObjectStore('images', { keyPath: 'url' });
        database.createObjectStore('chunks');
      },
    });
    const known = await db.get('images', url);
    if (known !== undefined && (known.version !== version || known.chunkBytes !== chunkBytes)) {
      await db.delete('chunks', chunksOf(url));
    }
    await db.put('images', { url, version, chunkBytes, openedAt: Date.now() });
    await makeRoom(db);
    return new IdbChunks(db, url);
  } catch {
    return undefined;
  }
}

/** Forgets every cached image. */
export function clearIdbChunkCache(): Promise<void> {
  return deleteDB(DATABASE);
}

class IdbChunks implements PersistentChunks {
  private readonly db: IDBPDatabase<Schema>;
  private readonly url: string;

  constructor(db: IDBPDatabase<Schema>, url: string) {
    this.db = db;
    this.url = url;
  }

  async get(index: number): Promise<Uint8Array | undefined> {
    try {
      return await this.db.get('chunks', [this.url, index]);
    } catch {
      return undefined;
    }
  }

  async put(index: number, chunk: Uint8Array): Promise<void> {
    try {
      await this.db.put('chunks', chunk, [this.url, index]);
    } catch {
      // No space: the chunk is fetched again next time.
    }
  }

  close(): void {
    this.db.close();
  }
}

async function makeRoom(db: IDBPDatabase<Schema>): Promise<void> {
  const images = (await db.getAll('images')).sort((a, b) => b.openedAt - a.openedAt);
  let used = 0;
  for (const { url, chunkBytes } of images) {
    used += (await db.count('chunks', chunksOf(url))) * chunkBytes;
    if (used <= LIMIT_BYTES || url === images[0].url) continue;
    await db.delete('chunks', chunksOf(url));
    await db.delete('images', url);
  }
}
