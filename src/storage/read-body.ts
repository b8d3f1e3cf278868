/**
 * The body of a response as one array. What is announced is allocated once and filled as it comes: `arrayBuffer()` leaves
 * its own copy to the garbage collector, which in an idle worker may never come.
 */

/** What is allocated on the word of a server alone. */
const MOST_AT_ONCE = 2 ** 28;

/** Called with what has come so far; `total` is undefined when nobody knows it. */
export type BodyProgress = (loadedBytes: number, totalBytes: number | undefined) => void;

/** The length that the server announces; with a content encoding that is the compressed form's, and says nothing. */
export function announcedLength(response: Response): number | undefined {
  const length = Number(response.headers.get('content-length') ?? 0);
  return Number.isSafeInteger(length) && length > 0 && !response.headers.has('content-encoding') ? length : undefined;
}

/** A download that ended early, with what the error of the network was. */
export class BrokenBody extends Error {
  readonly loadedBytes: number;

  constructor(loadedBytes: number, cause: unknown) {
    super(`the download broke off after ${loadedBytes} bytes`, { cause });
    this.loadedBytes = loadedBytes;
  }
}

/**
 * @param expected bytes that are likely to come; more or fewer are no error here
 * @throws BrokenBody
 */
export async function readBody(response: Response, expected: number | undefined, onProgress?: BodyProgress): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array(Math.min(expected ?? 0, MOST_AT_ONCE));
  let loaded = 0;
  onProgress?.(0, expected);
  try {
    const reader = response.body?.getReader();
    for (let step = await reader?.read(); step !== undefined && !step.done; step = await reader?.read()) {
      const part = step.value;
      if (loaded + part.length > bytes.length) bytes = enlarged(bytes, Math.max(loaded + part.length, bytes.length * 2));
      bytes.set(part, loaded);
      loaded += part.length;
      onProgress?.(loaded, expected);
    }
  } catch (cause) {
    throw new BrokenBody(loaded, cause);
  }
  return loaded === bytes.length ? bytes : bytes.slice(0, loaded);
}

function enlarged(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}
