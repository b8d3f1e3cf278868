/** One way to get a disk from whatever the user has: bytes, a File, a URL, a path. */
import { EmulatorError } from '../errors.ts';
import type { BlockBackend } from './block.ts';
import { FileBackend } from './file-backend.ts';
import { type HttpOptions, openHttp } from './http-range.ts';
import { openIdbChunkCache } from './idb-chunk-cache.ts';
import { openIdbOverlayStore } from './idb-overlay-store.ts';
import { MemoryBackend } from './memory-backend.ts';
import { OverlayBackend } from './overlay.ts';

/** A string is a URL (absolute, or relative to `baseUrl`), or a path where `openPath` is given and it has no scheme. */
export type ImageSource = Uint8Array | ArrayBuffer | Blob | URL | string | BlockBackend;

export interface OpenOptions extends HttpOptions {
  /** Opens files by path or file: URL; Node gives `openNodeFile`. */
  readonly openPath?: (path: string | URL) => BlockBackend | Promise<BlockBackend>;
  /** For relative URLs. Default: the page's address. */
  readonly baseUrl?: string;
  /**
   * What becomes of writes. 'direct': into the source, if it can be written to. 'memory': into an overlay that is
   * forgotten. `{ persist: name }`: into an overlay that the browser keeps under this name. Default: 'direct'.
   */
  readonly writes?: 'direct' | 'memory' | { readonly persist: string };
}

/**
 * Makes a backend.
 * @throws EmulatorError `bad-image` (empty), `missing-file`, `fetch-failed`, `bad-option`, `storage-failed`,
 *   `unsupported-host`.
 */
export async function openImage(source: ImageSource, options: OpenOptions = {}): Promise<BlockBackend> {
  const base = await openBase(source, options);
  if (base.sizeBytes === 0) throw new EmulatorError('bad-image', 'the image is empty');
  const writes = options.writes ?? 'direct';
  if (writes === 'direct') return base;
  if (writes === 'memory') return new OverlayBackend(base);
  const store = await openIdbOverlayStore({ name: writes.persist, sizeBytes: base.sizeBytes });
  return new OverlayBackend(base, { store });
}

async function openBase(source: ImageSource, options: OpenOptions): Promise<BlockBackend> {
  if (source instanceof Uint8Array) return new MemoryBackend(source);
  if (source instanceof ArrayBuffer) return new MemoryBackend(new Uint8Array(source));
  if (typeof source === 'string' || source instanceof URL) return openAddress(source, options);
  if ('sizeBytes' in source) return source;
  return new FileBackend(source);
}

function openAddress(source: string | URL, options: OpenOptions): BlockBackend | Promise<BlockBackend> {
  // A scheme of one letter is a drive of Windows.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(String(source))?.[1].toLowerCase();
  if (options.openPath !== undefined && (scheme === undefined || scheme === 'file')) {
    return options.openPath(scheme === 'file' ? new URL(source) : source);
  }
  const base = options.baseUrl ?? (typeof location === 'undefined' ? undefined : location.href);
  let url: URL;
  try {
    url = new URL(source, base);
  } catch (cause) {
    throw new EmulatorError('bad-option', `“${String(source)}” is no address of an image`, { cause });
  }
  if (url.protocol === 'file:')
    throw new EmulatorError('bad-option', `a page cannot open ${url.href}; drop the file onto it`);
  return openHttp(url, { openPersistent: openIdbChunkCache, ...options });
}
