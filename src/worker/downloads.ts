/** Fetches whole files with progress, and refuses what did not arrive as its manifest describes it. */
import { EmulatorError } from '../errors.ts';
import { announcedLength, type BodyProgress, readBody } from '../storage/read-body.ts';
import type { ImageFile } from './protocol.ts';

export type ProgressListener = BodyProgress;

/**
 * All bytes of a file, from a server or from the user's disk.
 * @param cache whether the browser's own copy will do, if the file is checked by its digest; default: the server is asked if it has changed
 * @throws EmulatorError `fetch-failed`, `bad-image`, `storage-failed`
 */
export async function loadBytes(file: ImageFile, onProgress: ProgressListener, cache?: RequestCache): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = typeof file.source === 'string' ? await download(file, file.source, onProgress, cache) : await readBlob(file, file.source);
  onProgress(bytes.length, bytes.length);
  await check(file, bytes);
  return bytes;
}

async function readBlob(file: ImageFile, blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw new EmulatorError('storage-failed', `${file.name} can no longer be read; choose the file again`, { cause });
  }
}

async function download(file: ImageFile, url: string, onProgress: ProgressListener, cache?: RequestCache): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(file.name, url, cache && { cache });
  try {
    return await readBody(response, file.sizeBytes ?? announcedLength(response), onProgress);
  } catch (cause) {
    throw new EmulatorError('fetch-failed', `${file.name}: ${(cause as Error).message}; try again`, { cause });
  }
}

/** Asks the server each time whether the file has changed: recipes build guests anew under the same name. */
export async function request(name: string, url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { cache: 'no-cache', ...init });
  } catch (cause) {
    const advice = 'check the connection, the address, and that the server allows this page to ask it (CORS)';
    throw new EmulatorError('fetch-failed', `${name}: no answer from ${url}; ${advice}`, { cause });
  }
  if (!response.ok) {
    const why = response.status === 404 ? 'there is no such file' : response.statusText;
    throw new EmulatorError('fetch-failed', `${name}: the server answered ${response.status} (${why}) for ${url}; check that the file is there`);
  }
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new EmulatorError('bad-image', `${name}: the server sent a web page in place of the file ${url}; check that the file is there`);
  }
  return response;
}

async function check(file: ImageFile, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (bytes.length === 0) throw new EmulatorError('bad-image', `${file.name} is empty (0 bytes); fetch or build it again`);
  if (file.sizeBytes !== undefined && bytes.length !== file.sizeBytes) {
    throw new EmulatorError(
      'bad-image', `${file.name} has ${bytes.length} bytes instead of ${file.sizeBytes}: it is truncated or has changed on the server; reload the page`,
    );
  }
  // Browsers offer digests to secure pages only.
  if (file.sha256 === undefined || globalThis.crypto?.subtle === undefined) return;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex !== file.sha256) {
    throw new EmulatorError('bad-image', `${file.name} is damaged or has changed on the server (SHA-256 differs); reload the page`);
  }
}
