import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBytes } from './downloads.ts';
import type { ImageFile } from './protocol.ts';

const BODY = 'sixteen bytes...';
/** SHA-256 of BODY. */
const DIGEST = await hex(new TextEncoder().encode(BODY));
let server: Server;
let base = '';

async function hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/kernel') response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY);
    else if (request.url === '/page') response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>not found</p>');
    else if (request.url === '/broken') response.writeHead(200, { 'Content-Length': 100 }).write(BODY, () => response.destroy());
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  base = `http://localhost:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

const file = (path: string, more: Partial<ImageFile> = {}): ImageFile => ({ role: 'kernel', name: 'the kernel', source: base + path, ...more });
const load = (image: ImageFile): Promise<Uint8Array> => loadBytes(image, () => {});

describe('loadBytes', () => {
  it('gives the bytes, with progress up to the whole', async () => {
    const progress: (number | undefined)[][] = [];
    const bytes = await loadBytes(file('/kernel', { sizeBytes: 16, sha256: DIGEST }), (...step) => progress.push(step));
    expect(new TextDecoder().decode(bytes)).toBe(BODY);
    expect(progress[0]).toEqual([0, 16]);
    expect(progress.at(-1)).toEqual([16, 16]);
  });

  it('takes a file of the user’s', async () => {
    expect(await load(file('', { source: new Blob(['abc']) }))).toEqual(Uint8Array.from([97, 98, 99]));
  });

  it('names file and status when the server refuses', async () => {
    await expect(load(file('/gone'))).rejects.toMatchObject({ code: 'fetch-failed', message: expect.stringMatching(/^the kernel: .*404/) });
  });

  it('refuses a web page in place of the file', async () => {
    await expect(load(file('/page'))).rejects.toMatchObject({ code: 'bad-image' });
  });

  it('refuses what breaks off, is short, empty or damaged', async () => {
    await expect(load(file('/broken'))).rejects.toMatchObject({ code: 'fetch-failed' });
    await expect(load(file('/kernel', { sizeBytes: 17 }))).rejects.toMatchObject({ code: 'bad-image', message: expect.stringContaining('16 bytes instead of 17') });
    await expect(load(file('/kernel', { sha256: DIGEST.replace(/^./, 'x') }))).rejects.toMatchObject({ code: 'bad-image' });
    await expect(load(file('', { source: new Blob([]) }))).rejects.toMatchObject({ code: 'bad-image' });
  });
});
