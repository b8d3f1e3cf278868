/** The page under test: opened in a window of its own, watched for errors, and read through its machine API. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
// The declaration of window.coracle.
import type {} from '../../src/web/page-api.ts';

const POLL_MS = 100;

export class PageDriver {
  readonly page: Page;
  /** What went wrong without being shown to the user: uncaught errors and messages of severity error. */
  readonly faults: string[] = [];

  /** Addresses that the page and its workers asked for. */
  readonly requests: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('request', (request) => this.requests.push(request.url()));
    page.on('pageerror', (error) => this.faults.push(error.stack ?? error.message));
    page.on('console', (message) => {
      // The browser itself logs answers of 404, which tests provoke.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.faults.push(message.text());
    });
  }

  /** @param beforeLoad runs in the page before its own scripts */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}, beforeLoad?: () => void): Promise<PageDriver> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    if (beforeLoad) await page.addInitScript(beforeLoad);
    const driver = new PageDriver(page);
    await page.goto(url);
    return driver;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  state(): Promise<string | undefined> {
    return this.page.evaluate(() => window.coracle?.state);
  }

  serialText(): Promise<string> {
    return this.page.evaluate(() => window.coracle?.serialText ?? '');
  }

  async screenText(): Promise<string> {
    const rows = await this.page.evaluate(() => window.coracle?.screenText());
    return rows?.map((row) => row.trimEnd()).join('\n') ?? '';
  }

  notices(): Promise<string> {
    return this.text('#notices');
  }

  /** The text of an element. */
  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).textContent()) ?? '';
  }

  waitForSerial(text: string, timeout = 60_000): Promise<void> {
    return this.wait('the serial port', text, timeout, () => this.serialText());
  }

  waitForScreen(text: string, timeout = 60_000): Promise<void> {
    return this.wait('the screen', text, timeout, () => this.screenText());
  }

  waitForNotice(text: string, timeout = 20_000): Promise<void> {
    return this.wait('the messages', text, timeout, () => this.notices());
  }

  async waitForState(state: string, timeout = 20_000): Promise<void> {
    await expect.poll(() => this.state(), { timeout, interval: POLL_MS }).toBe(state);
  }

  private async wait(where: string, text: string, timeout: number, read: () => Promise<string>): Promise<void> {
    const end = Date.now() + timeout;
    let shown = '';
    while (Date.now() < end) {
      shown = await read();
      if (shown.includes(text)) return;
      await this.page.waitForTimeout(POLL_MS);
    }
    const state = await this.state();
    throw new Error(`“${text}” did not show on ${where} within ${timeout} ms (machine ${state}); it shows:\n${shown.slice(-2000)}\nmessages: ${await this.notices()}`);
  }
}
