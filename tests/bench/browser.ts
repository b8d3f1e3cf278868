/** The headless Chromium of a run: one browser for all machines, a page for each. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Browser as PlaywrightBrowser, type CDPSession, chromium, type Page } from 'playwright-core';
import { ensureChromium } from '../../scripts/chromium.mjs';
import { type BenchServer, startServer } from './server.ts';

/** Nothing of a page that is not in front may run slower, and each process's memory can be measured. */
const ARGUMENTS = [
  '--no-sandbox', '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows', '--disable-dev-shm-usage',
];

/** Renderers that use less than this part of a processor, twice in a row, are at rest; what v86 uses when idle is below it. */
const RESTING_SHARE = 0.35, REST_SAMPLE_MS = 150, REST_TIMEOUT_MS = 10_000;

export interface Browser {
  readonly version: string;
  /** Opens a page of the bench's site; what it throws comes here as an error. */
  open(path: string): Promise<Page>;
  /**
   * Opens a page that nobody inspects: an inspector keeps what the page fetches, in the page's own process. The page
   * has to have a worker, by which its process is told from those of the browser's own pages.
   */
  openAlone(path: string): Promise<LonePage>;
  /** What a page posts to `/report` next, as JSON. */
  nextReport(): Promise<unknown>;
  /** Waits until no page works any more: what one machine left to the browser's compilers is not to slow down the next one. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

/** A page without an inspector. */
export interface LonePage {
  /** Process id of its renderer; waits until it has a worker. */
  renderer(): Promise<number>;
}

/** What Chromium calls the threads of workers [Linux proc(5), comm]. */
const WORKER_THREAD = 'DedicatedWorker';
const WORKER_ATTEMPTS = 100, WORKER_PAUSE_MS = 100;

async function workerRenderers(session: CDPSession): Promise<number[]> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.filter(({ type, id }) => type === 'renderer' && threadNames(id).includes(WORKER_THREAD)).map(({ id }) => id);
}

/** None where the process or one of its threads has ended meanwhile: who asks will ask again. */
function threadNames(processId: number): string[] {
  const folder = `/proc/${processId}/task`;
  try {
    return readdirSync(folder).map((thread) => readFileSync(`${folder}/${thread}/comm`, 'utf8').slice(0, WORKER_THREAD.length));
  } catch {
    return [];
  }
}

async function openAlone(browser: PlaywrightBrowser, url: string): Promise<LonePage> {
  const session = await browser.newBrowserCDPSession();
  const before = await workerRenderers(session);
  // In a context of its own, so that it shares its process with no other page. It stays open: the last one to close
  // would end the browser.
  const { browserContextId } = await session.send('Target.createBrowserContext');
  await session.send('Target.createTarget', { url, browserContextId });
  return {
    async renderer() {
      for (let attempt = 0; attempt < WORKER_ATTEMPTS; attempt++) {
        const found = (await workerRenderers(session)).filter((id) => !before.includes(id));
        if (found.length > 0) return found[0];
        await new Promise((resolve) => setTimeout(resolve, WORKER_PAUSE_MS));
      }
      throw new Error(`no process has the worker of ${url}`);
    },
  };
}

export async function startBrowser(say: (text: string) => void, flags: readonly string[] = []): Promise<Browser> {
  const executablePath = await ensureChromium(say);
  const server: BenchServer = await startServer();
  const browser: PlaywrightBrowser = await chromium.launch({ executablePath, args: [...ARGUMENTS, ...flags] });
  return {
    version: browser.version(),
    async open(path) {
      const page = await browser.newPage();
      page.on('pageerror', (error) => say(`page: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error') say(`console: ${message.text()}`);
      });
      await page.goto(`${server.origin}/${path}`);
      return page;
    },
    openAlone: (path) => openAlone(browser, `${server.origin}/${path}`),
    nextReport: () => server.nextReport(),
    async rest() {
      const session = await browser.newBrowserCDPSession();
      const used = async (): Promise<number> => {
        const { processInfo } = await session.send('SystemInfo.getProcessInfo');
        return processInfo.reduce((sum, { type, cpuTime }) => (type === 'renderer' ? sum + cpuTime : sum), 0);
      };
      const deadlineMs = performance.now() + REST_TIMEOUT_MS;
      let resting = 0, atMs = performance.now(), before = await used();
      while (resting < 2 && performance.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, REST_SAMPLE_MS));
        const nowMs = performance.now(), now = await used();
        resting = (now - before) * 1000 < RESTING_SHARE * (nowMs - atMs) ? resting + 1 : 0;
        [atMs, before] = [nowMs, now];
      }
      await session.detach();
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}
