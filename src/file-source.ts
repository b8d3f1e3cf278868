/** Where the bytes of an image come from, for the options of a machine. */
import { EmulatorError } from './errors.ts';
import { announcedLength, readBody } from './storage/read-body.ts';

/** Bytes, a file that a user chose, an address to fetch, or what gives the bytes when they are needed. */
export type FileSource = Uint8Array | ArrayBuffer | Blob | URL | string | (() => Promise<Uint8Array>);

/** The bytes are in memory already. */
export const isLoaded = (source: FileSource): boolean => source instanceof Uint8Array || source instanceof ArrayBuffer;

/**
 * All bytes of an image. A string or URL is fetched.
 * @param what names the image in errors: 'the kernel'
 * @throws EmulatorError `fetch-failed` when a server does not answer, or not with the image; `bad-image` when a page
 * came in its place; `storage-failed` when a file cannot be read.
 */
export async function loadFile(source: FileSource, what: string): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source === 'function') return source();
  if (source instanceof Blob) {
    try {
      return new Uint8Array(await source.arrayBuffer());
    } catch (cause) {
      throw new EmulatorError('storage-failed', `${what} cannot be read; choose the file again`, { cause });
    }
  }
  return fetchImage(String(source), what);
}

async function fetchImage(url: string, what: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new EmulatorError('fetch-failed', `${what} cannot be fetched: no answer from ${url}; check the address and the network`, { cause });
  }
  if (!response.ok) {
    throw new EmulatorError('fetch-failed', `${what} cannot be fetched: the server answered ${response.status} for ${url}; check the address`);
  }
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new EmulatorError('bad-image', `${what} is a web page, not an image: ${url}; check the address`);
  }
  try {
    return await readBody(response, announcedLength(response));
  } catch (cause) {
    throw new EmulatorError('fetch-failed', `${what} broke off while it was fetched from ${url}; try again`, { cause });
  }
}
