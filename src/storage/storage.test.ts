import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockBackend } from './block.ts';
import { FileBackend } from './file-backend.ts';
import { openHttp, type PersistentChunks } from './http-range.ts';
import { MemoryBackend } from './memory-backend.ts';
import { openNodeFile } from './node-file.ts';
import { openImage } from './open.ts';
import { OverlayBackend, type OverlayStore } from './overlay.ts';

const bytes = (n: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length: n }, (_, i) => (i * 31 + (i >> 8) + seed) & 0xff);

/** Answers by promise, a few turns later. */
class Later implements BlockBackend {
  readonly readOnly = true;
  readonly data: Uint8Array;
  constructor(data: Uint8Array) {
    this.data = data;
  }
  get sizeBytes(): number {
    return this.data.length;
  }
  async read(offset: number, length: number): Promise<Uint8Array> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return this.data.slice(offset, offset + length);
  }
  write(): void {
    throw new Error('the base of an overlay is never written to');
  }
  flush(): void {
    // Never written.
  }
  close(): void {
    // Holds nothing.
  }
}

class FakeStore implements OverlayStore {
  readonly saved: Map<number, Uint8Array>;
  fail = false;
  commits = 0;
  constructor(saved = new Map<number, Uint8Array>()) {
    this.saved = saved;
  }
  get indices(): Iterable<number> {
    return this.saved.keys();
  }
  read(index: number): Promise<Uint8Array> {
    return Promise.resolve(this.saved.get(index)!.slice());
  }
  async commit(chunks: ReadonlyMap<number, Uint8Array>): Promise<void> {
    const copies = [...chunks].map(([i, chunk]): [number, Uint8Array] => [i, chunk.slice()]);
    await Promise.resolve();
    if (this.fail) throw new Error('no space');
    this.commits++;
    for (const [i, chunk] of copies) this.saved.set(i, chunk);
  }
  close(): void {
    // Holds nothing.
  }
}

describe('overlay', () => {
  it('agrees with a plain disk over random reads and writes, at once or later, with flushes in between', async () => {
    for (const make of [(b: Uint8Array) => new MemoryBackend(b, { readOnly: true }), (b: Uint8Array) => new Later(b)]) {
      const image = bytes(100_001);
      const model = image.slice();
      const store = new FakeStore();
      let overlay = new OverlayBackend(make(image.slice()), { chunkBytes: 4096, store, dirtyLimitBytes: 8 * 4096 });
      let seed = 1;
      const random = (n: number): number => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return (seed >>> 8) % n;
      };
      for (let i = 0; i < 300; i++) {
        const offset = random(image.length - 1);
        const length = 1 + random(Math.min(20_000, image.length - offset));
        if (random(2) === 0) {
          const data = bytes(length, i);
          const done = overlay.write(offset, data);
          // Now and then the next request comes while this one waits.
          if (random(4) !== 0) await done;
          model.set(data, offset);
          if (random(5) === 0) void overlay.flush();
        } else {
          await (overlay as unknown as { pendingWrite?: Promise<void> }).pendingWrite;
          expect(Buffer.compare(await overlay.read(offset, length), model.slice(offset, offset + length))).toBe(0);
        }
        if (i === 150) {
          await (overlay as unknown as { pendingWrite?: Promise<void> }).pendingWrite;
          await overlay.close();
          overlay = new OverlayBackend(make(image.slice()), { chunkBytes: 4096, store });
        }
      }
    }
  });

  it('leaves the last flushed state behind when the tab dies', async () => {
    const store = new FakeStore();
    const base = new MemoryBackend(bytes(65536), { readOnly: true });
    const overlay = new OverlayBackend(base, { store });
    await overlay.write(100, new Uint8Array(50).fill(1));
    await overlay.flush();
    await overlay.write(100, new Uint8Array(50).fill(2));
    await overlay.write(40000, new Uint8Array(50).fill(2));
    const reborn = new OverlayBackend(base, { store: new FakeStore(store.saved) });
    expect([...(await reborn.read(100, 50))]).toEqual(Array(50).fill(1));
    expect(await reborn.read(40000, 50)).toEqual(base.read(40000, 50));
  });

  it('reports a failed flush and keeps the data for the next', async () => {
    const store = new FakeStore();
    const overlay = new OverlayBackend(new MemoryBackend(bytes(65536)), { store });
    await overlay.write(5, Uint8Array.of(9));
    store.fail = true;
    await expect(overlay.flush()).rejects.toThrow('no space');
    store.fail = false;
    await overlay.flush();
    expect(store.saved.get(0)![5]).toBe(9);
    expect(overlay.changedChunks).toBe(1);
  });

  it('does not write to its base and answers at once over memory', () => {
    const image = bytes(32768);
    const overlay = new OverlayBackend(new MemoryBackend(image, { readOnly: true }));
    expect(overlay.write(10, Uint8Array.of(1, 2, 3))).toBeUndefined();
    expect(overlay.read(9, 5)).toEqual(Uint8Array.of(image[9], 1, 2, 3, image[13]));
    expect(image).toEqual(bytes(32768));
  });
});

describe('node file', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'coracle-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('reads, writes in place and flushes', async () => {
    const path = join(folder, 'disk.img');
    writeFileSync(path, bytes(4096));
    const disk = openNodeFile(path);
    disk.write(512, Uint8Array.of(1, 2, 3));
    await disk.flush();
    expect(await disk.read(511, 5)).toEqual(Uint8Array.of(bytes(512)[511], 1, 2, 3, bytes(516)[515]));
    await disk.close();
    expect(readFileSync(path)[513]).toBe(2);
  });

  it('says what is wrong with a path', () => {
    expect(() => openNodeFile(join(folder, 'none.img'))).toThrow(expect.objectContaining({ code: 'missing-file' }));
    expect(() => openNodeFile(folder)).toThrow(expect.objectContaining({ code: 'bad-image' }));
    writeFileSync(join(folder, 'empty.img'), '');
    expect(() => openNodeFile(join(folder, 'empty.img'))).toThrow(expect.objectContaining({ code: 'bad-image' }));
    expect(existsSync(join(folder, 'none.img'))).toBe(false);
  });
});

describe('http', () => {
  const image = bytes(1_000_003);
  let server: Server | undefined;
  let requests: string[] = [];
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        if (server === undefined) resolve();
        else server.close(() => resolve());
      }),
  );

  const serve = async (listener: RequestListener): Promise<string> => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.headers.range ?? request.method ?? '');
      listener(request, response);
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`;
  };
  const ranges =
    (etag: () => string, data = image): RequestListener =>
    (request, response) => {
      const match = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')!;
      const from = Number(match[1]);
      const to = Math.min(Number(match[2]), data.length - 1);
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${data.length}`, etag: etag() });
      response.end(data.subarray(from, to + 1));
    };
  const small = { chunkBytes: 65536, retryDelayMs: 1 };

  it('fetches only what is read, once, and ahead of a sequential reader', async () => {
    const disk = await openHttp(await serve(ranges(() => 'a')), small);
    expect(disk.sizeBytes).toBe(image.length);
    expect(await disk.read(600_000, 100_000)).toEqual(image.slice(600_000, 700_000));
    expect(requests).toEqual(['bytes=0-65535', 'bytes=589824-720895']);
    expect(disk.read(600_000, 100_000)).toEqual(image.slice(600_000, 700_000));
    await disk.read(700_000, 65536);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const before = requests.length;
    expect(await disk.read(800_000, 65536)).toEqual(image.slice(800_000, 865_536));
    expect(await disk.read(image.length - 3, 3)).toEqual(image.slice(-3));
    expect(requests.length).toBeLessThanOrEqual(before + 2);
  });

  it('uses the persistent cache before the network', async () => {
    const kept = new Map<number, Uint8Array>();
    const persistent: PersistentChunks = {
      get: (i) => Promise.resolve(kept.get(i)),
      put: (i, chunk) => Promise.resolve(void kept.set(i, chunk)),
      close: () => undefined,
    };
    const options = { ...small, openPersistent: () => Promise.resolve(persistent) };
    const url = await serve(ranges(() => 'a'));
    await (await openHttp(url, options)).read(500_000, 10);
    const again = await openHttp(url, options);
    const before = requests.length;
    expect(await again.read(500_000, 10)).toEqual(image.slice(500_000, 500_010));
    expect(requests.length).toBe(before);
  });

  it('downloads the whole image with progress when the server does not answer ranges', async () => {
    const progress: [number, number | undefined][] = [];
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': image.length });
      response.end(image);
    });
    const disk = await openHttp(url, { onProgress: (loaded, total) => progress.push([loaded, total]) });
    expect(disk.read(999_999, 4)).toEqual(image.slice(999_999));
    expect(progress[0]).toEqual([0, image.length]);
    expect(progress.at(-1)).toEqual([image.length, image.length]);
  });

  it('finds the size by HEAD when Content-Range is hidden', async () => {
    const url = await serve((request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': image.length }).end();
      else response.writeHead(206).end(image.subarray(0, 65536));
    });
    expect((await openHttp(url, small)).sizeBytes).toBe(image.length);
  });

  it('says clearly what failed', async () => {
    const failed = (message: RegExp): unknown =>
      expect.objectContaining({ code: 'fetch-failed', message: expect.stringMatching(message) });
    await expect(openHttp(await serve((_r, response) => response.writeHead(404).end()), small)).rejects.toEqual(
      failed(/404/),
    );
    server?.close();
    await expect(openHttp('http://127.0.0.1:1/x', small)).rejects.toEqual(failed(/check the address/));
  });

  it('refuses politely when the first piece breaks off, and where the size is nonsense', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-65535/${image.length}`, 'content-length': 65536 });
      response.write(image.subarray(0, 100), () => response.destroy());
    });
    await expect(openHttp(url, small)).rejects.toEqual(expect.objectContaining({ code: 'fetch-failed' }));
    server?.close();
    const nonsense = await serve((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-65535/99999999999999999999' }).end(image.subarray(0, 65536));
    });
    // No size from there and none by HEAD: the whole is fetched.
    expect((await openHttp(nonsense, small)).sizeBytes).toBe(65536);
  });

  it('a changed image is refused though letting go of its answer fails, too', async () => {
    let version = 'a';
    const broken = new ReadableStream({ start: (controller) => controller.error(new TypeError('terminated')) });
    const fetch = (): Promise<Response> => {
      const body = version === 'a' ? image.slice(0, 65536) : broken;
      return Promise.resolve(new Response(body, { status: 206, headers: { ETag: version, 'Content-Range': `bytes 0-65535/${image.length}` } }));
    };
    const disk = await openHttp('http://server/disk.img', { ...small, fetch });
    version = 'b';
    await expect(disk.read(500_000, 10)).rejects.toEqual(expect.objectContaining({ code: 'fetch-failed', message: expect.stringMatching(/changed/) }));
  });

  it('repeats after a server error and notices a changed image', async () => {
    let version = 'a';
    let broken = 2;
    const answer = ranges(() => version);
    const url = await serve((request, response) =>
      broken-- > 0 ? response.writeHead(503).end() : answer(request, response),
    );
    const disk = await openHttp(url, small);
    version = 'b';
    await expect(disk.read(500_000, 10)).rejects.toThrow(/changed on the server/);
  });
});

describe('openImage', () => {
  it('takes bytes, a Blob, a backend and a path', async () => {
    const image = bytes(300_000);
    expect((await openImage(image)).readOnly).toBe(false);
    const blob = await openImage(new Blob([image as Uint8Array<ArrayBuffer>]), { writes: 'memory' });
    await blob.write(131_070, Uint8Array.of(1, 2, 3, 4));
    expect(await blob.read(131_069, 6)).toEqual(Uint8Array.of(image[131_069], 1, 2, 3, 4, image[131_074]));
    const backend = new FileBackend(new Blob(['x']));
    expect(await openImage(backend)).toBe(backend);
    await openImage('some/disk.img', { openPath: (path) => new MemoryBackend(new TextEncoder().encode(String(path))) });
  });

  it('refuses what is empty or no address', async () => {
    await expect(openImage(new Uint8Array(0))).rejects.toMatchObject({ code: 'bad-image' });
    await expect(openImage('disk.img')).rejects.toMatchObject({ code: 'bad-option' });
    await expect(openImage(bytes(10), { writes: { persist: 'x' } })).rejects.toMatchObject({
      code: 'unsupported-host',
    });
  });
});
