/**
 * An overlay's chunks in IndexedDB, one database an overlay. A commit is one strict read-write transaction, which the
 * browser makes durable as a whole or not at all.
 */
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';
import { EmulatorError } from '../errors.ts';
import { OVERLAY_CHUNK_BYTES, type OverlayStore } from './overlay.ts';

/** What the changes belong to. */
export interface OverlayIdentity {
  /** Chosen by the user of the library; a page uses the guest's name. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Default: `OVERLAY_CHUNK_BYTES`. */
  readonly chunkBytes?: number;
}

interface Meta {
  sizeBytes: number;
  chunkBytes: number;
}

interface Schema extends DBSchema {
  meta: { key: 'meta'; value: Meta };
  chunks: { key: number; value: Uint8Array };
}

const PREFIX = 'coracle-overlay:';
const databaseName = (name: string): string => PREFIX + name;

/**
 * Opens, or makes, the stored changes of a disk. Only one page can have them open.
 * @throws EmulatorError `unsupported-host` without IndexedDB, `bad-option` when the changes belong to an image of
 *   another size, `storage-failed` when the browser refuses or another tab has them open.
 */
export async function openIdbOverlayStore(identity: OverlayIdentity): Promise<OverlayStore> {
  if (typeof indexedDB === 'undefined') {
    throw new EmulatorError('unsupported-host', 'this browser keeps nothing (no IndexedDB); start without persistence');
  }
  const unlock = await lock(databaseName(identity.name));
  try {
    const db = await openDB<Schema>(databaseName(identity.name), 1, {
      upgrade(database) {
        database.createObjectStore('meta');
        database.createObjectStore('chunks');
      },
    });
    const wanted: Meta = { sizeBytes: identity.sizeBytes, chunkBytes: identity.chunkBytes ?? OVERLAY_CHUNK_BYTES };
    const meta = await db.get('meta', 'meta');
    if (meta === undefined) await db.put('meta', wanted, 'meta');
    else if (meta.sizeBytes !== wanted.sizeBytes || meta.chunkBytes !== wanted.chunkBytes) {
      db.close();
      const message = `the changes saved as “${identity.name}” belong to another image; discard them or choose another name`;
      throw new EmulatorError('bad-option', message);
    }
    return new IdbOverlayStore(db, await db.getAllKeys('chunks'), unlock);
  } catch (cause) {
    unlock();
    if (cause instanceof EmulatorError) throw cause;
    throw new EmulatorError('storage-failed', `the browser does not open the changes saved as “${identity.name}”`, {
      cause,
    });
  }
}

/** Changes of a disk that the browser keeps. */
export interface KeptChanges {
  readonly name: string;
  /** Of the chunks that differ from the image. */
  readonly bytes: number;
}

/** The disks whose changes the browser keeps, by name; none where it does not tell. @throws EmulatorError `storage-failed` */
export async function listIdbOverlays(): Promise<KeptChanges[]> {
  if (typeof indexedDB === 'undefined' || indexedDB.databases === undefined) return [];
  try {
    const names = (await indexedDB.databases()).flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
    return await Promise.all(names.sort().map(async (name) => ({ name, bytes: await changedBytes(name) })));
  } catch (cause) {
    throw new EmulatorError('storage-failed', 'the browser does not tell which disks it keeps', { cause });
  }
}

async function changedBytes(name: string): Promise<number> {
  const db = await openDB<Schema>(databaseName(name));
  try {
    // A page may have ended before it was made.
    if (!db.objectStoreNames.contains('meta')) return 0;
    return (await db.count('chunks')) * ((await db.get('meta', 'meta'))?.chunkBytes ?? 0);
  } finally {
    db.close();
  }
}

/** Throws the stored changes of a disk away. @throws EmulatorError `storage-failed` when a machine has them open */
export async function discardIdbOverlay(name: string): Promise<void> {
  const unlock = await lock(databaseName(name));
  try {
    await deleteDB(databaseName(name));
  } catch (cause) {
    throw new EmulatorError('storage-failed', `the browser does not discard the changes saved as “${name}”`, { cause });
  } finally {
    unlock();
  }
}

/** Holds a web lock until the returned function is called; no lock where the browser has none. */
function lock(name: string): Promise<() => void> {
  if (typeof navigator === 'undefined' || navigator.locks === undefined) return Promise.resolve(() => undefined);
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, { ifAvailable: true }, (granted) => {
      if (granted === null) {
        const message = 'the changes of this disk are in use, by the machine on this page or in another tab; start another guest here, or close that tab';
        reject(new EmulatorError('storage-failed', message));
        return undefined;
      }
      return new Promise<void>((release) => resolve(() => release()));
    });
    held.catch(reject);
  });
}

class IdbOverlayStore implements OverlayStore {
  readonly indices: readonly number[];
  private readonly db: IDBPDatabase<Schema>;
  private readonly unlock: () => void;

  constructor(db: IDBPDatabase<Schema>, indices: readonly number[], unlock: () => void) {
    this.db = db;
    this.indices = indices;
    this.unlock = unlock;
  }

  async read(index: number): Promise<Uint8Array> {
    const chunk = await this.db.get('chunks', index).catch((cause: unknown) => {
      throw new EmulatorError('storage-failed', 'the browser does not give back a saved part of the disk', { cause });
    });
    if (chunk === undefined)
      throw new EmulatorError('storage-failed', 'a saved part of the disk is gone (site data deleted?)');
    return chunk;
  }

  async commit(chunks: ReadonlyMap<number, Uint8Array>): Promise<void> {
    try {
      const tx = this.db.transaction('chunks', 'readwrite', { durability: 'strict' });
      const puts = [...chunks].map(([index, chunk]) => tx.store.put(chunk, index));
      await Promise.all([...puts, tx.done]);
    } catch (cause) {
      const message = 'the browser cannot save the disk (out of space?); free some space for this site, then try again';
      throw new EmulatorError('storage-failed', message, { cause });
    }
  }

  close(): void {
    this.db.close();
    this.unlock();
  }
}
