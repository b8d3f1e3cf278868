/** The built library in a page of its own, as somebody embeds it: boots a guest, and says what is wrong with bad input. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { createMachine as CreateMachine, EmulatorError, MachineOptions, Rehearsal } from '../../src/index.ts';
import { launchChromium } from './chromium.ts';
import { PageServer } from './page-server.ts';

const read = (path: string): Uint8Array => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)));
const READY = 'coracle teaching: shell ready';

const HOST = '<!doctype html><title>a page</title><script type="module">import * as library from "/lib/coracle.js"; window.library = library</script>';

declare global {
  interface Window {
    library: { createMachine: typeof CreateMachine; Rehearsal: typeof Rehearsal };
  }
}

let browser: Browser;
let server: PageServer;
let page: Page;

beforeAll(async () => {
  const library = ['coracle.js', 'interpreter.wasm', 'wide-handlers.gzip', 'kernel.wasm', 'region-compiler.js'];
  const files = Object.fromEntries(library.map((name) => [`lib/${name}`, read(`dist/browser/${name}`)]));
  const image = read('images/teaching/teaching.img');
  server = await PageServer.start({
    base: '/', files: { ...files, 'host.html': HOST, 'teaching.img': image, 'half.img': image.subarray(0, 5000) },
  });
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(`${server.url}host.html`);
  await page.waitForFunction(() => window.library);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

it('boots a guest, and starts it again after a reset', async () => {
  const text = await page.evaluate(async (ready) => {
    // Ended by the machine, whatever it has come to by then.
    const rehearsal = new window.library.Rehearsal();
    const machine = await window.library.createMachine({ memoryMiB: 16, kernel: 'teaching.img', rehearsal });
    await rehearsal.dispose();
    let serial = '';
    const shows = (times: number) => new Promise<void>((resolve) => {
      const off = machine.on('serial-output', ({ data }) => {
        serial += new TextDecoder().decode(data);
        if (serial.split(ready).length <= times) return;
        off();
        resolve();
      });
    });
    const first = shows(1);
    machine.run();
    await first;
    const again = shows(2);
    machine.reset();
    await again;
    await machine.dispose();
    return serial;
  }, READY);
  expect(text.split(READY)).toHaveLength(3);
});

/** What `createMachine` throws in the page. */
async function refusal(options: MachineOptions): Promise<string> {
  return page.evaluate(
    (given) => window.library.createMachine(given).then(() => 'none', (error: EmulatorError) => `${error.name} ${error.code}: ${error.message}`), options,
  );
}

it('throws one typed error for bad input, which says what is wrong and what to do', async () => {
  expect(await refusal({ kernel: 'nowhere.img' })).toMatch(/^EmulatorError fetch-failed: .*404.*check the address/);
  expect(await refusal({ kernel: 'host.html' })).toMatch(/^EmulatorError bad-image: .*web page/);
  expect(await refusal({ kernel: 'half.img' })).toMatch(/^EmulatorError bad-image: .*truncated/);
  expect(await refusal({ hda: 'teaching.img' })).toMatch(/^EmulatorError bad-option: .*give a BIOS/);
  expect(await refusal({ memoryMiB: 99_999, kernel: 'teaching.img' })).toMatch(/^EmulatorError bad-option: .*3840/);
});

it('names the feature of WebAssembly that a browser lacks', async () => {
  await page.evaluate(() => {
    WebAssembly.validate = () => false;
  });
  expect(await refusal({ kernel: 'teaching.img' })).toMatch(/^EmulatorError unsupported-host: .*tail calls.*Chrome/);
});
