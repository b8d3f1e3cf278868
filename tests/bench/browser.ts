/** The headless Chromium of a run: one browser for all machines, a page for each. */
import { type Browser as PlaywrightBrowser, chromium, type Page } from 'playwright-core';
import { ensureChromium } from '../../scripts/chromium.mjs';
import { type BenchServer, startServer } from './server.ts';

/** Nothing of a page that is not in front may run slower, and each process's memory can be measured. */
const ARGUMENTS = [
  '--no-sandbox', '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows', '--disable-dev-shm-usage',
];

/** Renderers that use less than this part of a processor, twice in a row, are at rest; what v86 uses when idle is below it. */
const RESTING_SHARE = 0.25, REST_SAMPLE_MS = 150, REST_TIMEOUT_MS = 10_000;

export interface Browser {
  readonly version: string;
  /** Opens a page of the bench's site; what it throws comes here as an error. */
  open(path: string): Promise<Page>;
  /** Process ids of Chromium by what they are for. */
  processes(): Promise<readonly { readonly id: number; readonly type: string }[]>;
  /** Waits until no page works any more: what one machine left to the browser's compilers is not to slow down the next one. */
  rest(): Promise<void>;
  close(): Promise<void>;
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
    async processes() {
      const session = await browser.newBrowserCDPSession();
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      await session.detach();
      return processInfo.map(({ id, type }) => ({ id, type }));
    },
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
