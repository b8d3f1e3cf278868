/**
 * Fuzzer `storage`: servers that lie about ranges, sizes and versions, overlays over them with stores that fail, and
 * readers that ask at every edge. A read gives as many bytes as were asked for or is refused with an EmulatorError;
 * where nothing lied, the bytes are those of the image.
 */
import { EmulatorError } from '../../src/errors.ts';
import type { BlockBackend } from '../../src/storage/block.ts';
import { openHttp } from '../../src/storage/http-range.ts';
import { OverlayBackend, type OverlayStore } from '../../src/storage/overlay.ts';
import type { Random } from '../oracle/random.ts';
import { type FuzzCase, type Fuzzer, Finding } from './fuzzer.ts';

const READS = 60;
const CHUNK = 4096;
/** More than any honest number of requests for the reads of a case. */
const MOST_REQUESTS = 5000;

type Lie = 'none' | 'short' | 'long' | 'empty' | 'status' | 'whole' | 'total' | 'version' | 'broken' | 'throw' | 'header';
const LIES: readonly Lie[] = ['short', 'long', 'empty', 'status', 'whole', 'total', 'version', 'broken', 'throw', 'header'];
const STATUSES = [204, 302, 400, 403, 404, 410, 416, 429, 500, 503];
const TOTALS = ['0', '1', '*', '-5', '99999999999999999999', 'NaN', '1e9', '4096', ''];

class LyingServer {
  requests = 0;
  lied = false;
  readonly image: Uint8Array;
  private readonly random: Random;
  private readonly percent: number;
  private readonly hides: boolean;

  constructor(random: Random) {
    this.random = random;
    this.image = new Uint8Array(random.pick([0, 1, 511, 4095, 4096, 4097, 65536, 100_000]));
    for (let i = 0; i < this.image.length; i++) this.image[i] = (i * 7) ^ (i >> 8);
    this.percent = random.pick([0, 0, 5, 30, 90]);
    this.hides = random.chance(20);
  }

  readonly fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    if (++this.requests > MOST_REQUESTS) throw new Finding(`${MOST_REQUESTS} requests for one disk`);
    const { random, image } = this;
    const lie: Lie = random.chance(this.percent) ? random.pick(LIES) : 'none';
    if (lie !== 'none') this.lied = true;
    if (lie === 'throw') throw new TypeError('network error');
    if (lie === 'status') return new Response(null, { status: random.pick(STATUSES) });
    if (init?.method === 'HEAD') return new Response(null, { headers: { 'Content-Length': lie === 'total' ? random.pick(TOTALS) : String(image.length) } });
    const range = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('Range') ?? '');
    if (range === null || lie === 'whole') return new Response(image.slice(), { headers: { 'Content-Length': lie === 'total' ? random.pick(TOTALS) : String(image.length) } });
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]) + 1, image.length)];
    if (from >= image.length) return new Response(null, { status: 416 });
    return this.part(image.slice(from, to), from, lie);
  };

  private part(bytes: Uint8Array<ArrayBuffer>, from: number, lie: Lie): Response {
    const { random, image } = this;
    const headers: Record<string, string> = { ETag: lie === 'version' ? '"other"' : '"one"' };
    const total = lie === 'total' ? random.pick(TOTALS) : String(image.length);
    if (!this.hides) headers['Content-Range'] = lie === 'header' ? random.pick(['', 'bytes', 'bytes 0-0/0', 'x/y/z']) : `bytes ${from}-${from + bytes.length - 1}/${total}`;
    let body: BodyInit = bytes;
    if (lie === 'short') body = bytes.slice(0, random.below(bytes.length + 1));
    else if (lie === 'long') body = new Uint8Array(bytes.length + 1 + random.below(10_000));
    else if (lie === 'empty') body = new Uint8Array(0);
    else if (lie === 'broken') {
      body = new ReadableStream({
        pull(controller) {
          controller.enqueue(bytes.slice(0, 3));
          controller.error(new TypeError('terminated'));
        },
      });
    }
    return new Response(body, { status: 206, headers });
  }
}

/** A store whose commits fail now and then. */
function store(random: Random): OverlayStore {
  const chunks = new Map<number, Uint8Array>();
  return {
    get indices() {
      return chunks.keys();
    },
    read: async (index) => {
      const chunk = chunks.get(index);
      if (chunk === undefined) throw new Finding(`chunk ${index} was never stored`);
      return chunk.slice();
    },
    commit: async (changed) => {
      if (random.chance(20)) throw new EmulatorError('storage-failed', 'the quota is used up');
      for (const [index, chunk] of changed) chunks.set(index, chunk.slice());
    },
    close: () => undefined,
  };
}

/** What is refused must be refused politely. */
async function allowed<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EmulatorError) return undefined;
    throw error;
  }
}

async function use(fuzz: FuzzCase, disk: BlockBackend, server: LyingServer): Promise<void> {
  const { random } = fuzz;
  const writable = random.chance(50);
  const target = writable ? new OverlayBackend(disk, { chunkBytes: CHUNK, dirtyLimitBytes: 3 * CHUNK, ...(random.chance(60) ? { store: store(random) } : {}) }) : disk;
  // What the overlay should hold; undefined where the server told another size, and once a failed write has made it unknown.
  let model: Uint8Array | undefined = target.sizeBytes === server.image.length ? server.image.slice() : undefined;
  for (let n = 0; n < READS; n++) {
    const size = target.sizeBytes;
    const offset = Math.min(random.chance(50) ? random.below(size) : random.pick([0, CHUNK - 1, CHUNK, size - 1]), size - 1);
    const length = Math.min(random.pick([1, 2, 512, CHUNK, 3 * CHUNK + 1, 100_000]), size - offset);
    if (writable && random.chance(40)) {
      const data = new Uint8Array(length).fill(random.u32());
      fuzz.note(`write ${offset} ${length}`);
      const done = await allowed(async () => {
        await target.write(offset, data);
        return true;
      });
      if (done === undefined) model = undefined;
      else model?.set(data, offset);
    } else if (writable && random.chance(10)) {
      fuzz.note('flush');
      await allowed(() => target.flush());
    } else {
      fuzz.note(`read ${offset} ${length}`);
      const bytes = await allowed(() => target.read(offset, length));
      if (bytes !== undefined) check(bytes, offset, length, server, model);
    }
  }
  await allowed(() => target.close());
}

function check(bytes: Uint8Array, offset: number, length: number, server: LyingServer, model: Uint8Array | undefined): void {
  if (bytes.length !== length) throw new Finding(`a read of ${length} bytes gave ${bytes.length}`);
  // Bytes of a wrong length are refused, so that what comes through is right even if the server lied before.
  if (model === undefined || server.lied || bytes.every((byte, i) => byte === model[offset + i])) return;
  throw new Finding(`a read of ${length} bytes at ${offset} gave other bytes than the image has`);
}

export const storage: Fuzzer = {
  name: 'storage',
  share: 60,
  async run(fuzz) {
    const { random } = fuzz;
    const server = new LyingServer(random);
    fuzz.note(`image of ${server.image.length} bytes`);
    const fetch = server.fetch as typeof globalThis.fetch;
    const disk = await allowed(() => openHttp('http://server/disk.img', { fetch, chunkBytes: CHUNK, cacheBytes: random.pick([CHUNK, 4 * CHUNK]), retryDelayMs: 0 }));
    if (disk === undefined) return;
    if (!Number.isSafeInteger(disk.sizeBytes) || disk.sizeBytes <= 0) throw new Finding(`a disk of ${disk.sizeBytes} bytes`);
    await use(fuzz, disk, server);
  },
};
