/** Serves the built page as a plain static host would, under a sub-path, with or without the headers of isolation. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../../dist/page/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.json': 'application/json',
};

export interface PageServerOptions {
  /** Where the page lies, with slashes at both ends. */
  readonly base: string;
  /** Sends the headers that make a page cross-origin isolated. Default: false. */
  readonly isolated?: boolean;
  /** Files beside those of the page, by path. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  /** Paths, relative to the page, that are missing. */
  readonly missing?: RegExp;
}

export class PageServer {
  /** The page's address. */
  readonly url: string;
  /** Paths that were asked for, relative to the page. */
  readonly requested: string[];
  private readonly server: Server;

  private constructor(server: Server, base: string, requested: string[]) {
    this.server = server;
    this.requested = requested;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}${base}`;
  }

  static async start(options: PageServerOptions): Promise<PageServer> {
    const requested: string[] = [];
    const server = createServer((request, response) => answer(request, response, options, requested));
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return new PageServer(server, options.base, requested);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function answer(request: IncomingMessage, response: ServerResponse, options: PageServerOptions, requested: string[]): void {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const path = pathname.startsWith(options.base) ? decodeURIComponent(pathname.slice(options.base.length)) : undefined;
  requested.push(path ?? pathname);
  const extra = path === undefined ? undefined : options.files?.[path];
  if (extra !== undefined) {
    const type = typeof extra === 'string' ? 'text/html' : (TYPES[extname(pathname)] ?? 'application/octet-stream');
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': String(extra.length) }).end(extra);
    return;
  }
  const file = path === undefined || options.missing?.test(path) ? undefined : join(PAGE, normalize(`/${path === '' ? 'index.html' : path}`));
  const size = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.size;
  if (file === undefined || size === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found');
    return;
  }
  const headers: Record<string, string> = { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Accept-Ranges': 'bytes' };
  if (options.isolated) Object.assign(headers, { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' });
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null) {
    response.writeHead(200, { ...headers, 'Content-Length': String(size) });
    createReadStream(file).pipe(response);
    return;
  }
  const start = Number(range[1]);
  const end = Math.min(range[2] === '' ? size - 1 : Number(range[2]), size - 1);
  response.writeHead(206, { ...headers, 'Content-Length': String(end - start + 1), 'Content-Range': `bytes ${start}-${end}/${size}` });
  createReadStream(file, { start, end }).pipe(response);
}
