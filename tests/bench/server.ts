/** Serves what the bench built and the guests to the browser, as a cross-origin isolated site of its own. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import sirv from 'sirv';
import { GUESTS } from '../../images/lib/paths.ts';
import { BUILT, PAGE, PAGE_GUESTS } from './artifacts.ts';

/** The first that fits serves. */
const FOLDERS = new Map([['/bench/', BUILT], ['/guests/', GUESTS], ['/page/guests/', PAGE_GUESTS], ['/page/', PAGE]]);

export interface BenchServer {
  readonly origin: string;
  /** What a page posts to `/report` next, as JSON. */
  nextReport(): Promise<unknown>;
  close(): void;
}

export async function startServer(): Promise<BenchServer> {
  const handlers = [...FOLDERS].map(([prefix, folder]) => ({ prefix, serve: sirv(folder, { dev: true }) }));
  let onReport: (report: unknown) => void = () => {};
  const server: Server = createServer((request, response) => {
    if (request.url === '/report') {
      void text(request).then((body) => {
        response.writeHead(204).end();
        onReport(JSON.parse(body));
      });
      return;
    }
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const handler = handlers.find(({ prefix }) => request.url?.startsWith(prefix));
    const missing = (): void => void response.writeHead(404).end();
    if (handler === undefined) return missing();
    request.url = request.url?.slice(handler.prefix.length - 1);
    handler.serve(request, response, missing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    nextReport: () => new Promise((resolve) => {
      onReport = resolve;
    }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
