/** The headless Chromium of a run: one browser for all machines, a page for each. */
import { type Browser as PlaywrightBrowser, chromium, type Page } from 'playwright-core';
import { ensureChromium } from '../../scripts/chromium.mjs';
import { type BenchServer, startServer } from './server.ts';

/** Nothing of a page that is not in front may run slower, and each process's memory can be measured. */
const ARGUMENTS = [
  '--no-sandbox', '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows', '--disable-dev-shm-usage',
];

export interface Browser {
  readonly version: string;
  /** Opens a page of the bench's site; what it throws comes here as an error. */
  open(path: string): Promise<Page>;
  /** Process ids of Chromium by what they are for. */
  processes(): Promise<readonly { readonly id: number; readonly type: string }[]>;
  close(): Promise<void>;
}

export async function startBrowser(say: (text: string) => void): Promise<Browser> {
  const executablePath = await ensureChromium(say);
  const server: BenchServer = await startServer();
  const browser: PlaywrightBrowser = await chromium.launch({ executablePath, args: ARGUMENTS });
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
    async close() {
      await browser.close();
      server.close();
    },
  };
}
