/**
 * Debian's i386 kernel with busybox, booted by the page in Chromium: typed into on the serial port and on the screen,
 * photographed for the README (with CORACLE_SCREENSHOT=1, into docs/), and switched off by its own command. Then the 64-bit
 * one, on both boards.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../browser/chromium.ts';
import { PageDriver } from '../browser/page-driver.ts';
import { PageServer } from '../browser/page-server.ts';

const BOOT_MS = 400_000;
const FOLDER = fileURLToPath(new URL(process.env.CORACLE_SCREENSHOT ? '../../docs/' : '../../test-results/', import.meta.url));

let browser: Browser;
let server: PageServer;

beforeAll(async () => {
  server = await PageServer.start({ base: '/coracle/' });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

it('boots by itself when the page opens, is typed into and powers off', async () => {
  const driver = await PageDriver.open(browser, server.url, { colorScheme: 'dark' });
  await driver.waitForState('running', 60_000);
  // Another guest boots when this one cannot be had; the messages say why.
  expect(await driver.notices()).toBe('');
  expect(await driver.page.evaluate(() => window.coracle?.guest)).toBe('debian-i386');
  await driver.waitForSerial('shell ready on /dev/ttyS0', BOOT_MS);

  await driver.page.locator('#terminal').click();
  await driver.page.keyboard.type('uname -a; expr 6 \\* 7\r', { delay: 10 });
  await driver.waitForSerial('\n42\r');
  await driver.waitForScreen('shell ready on /dev/tty1');
  await driver.page.locator('#screen').click();
  // Playwright presses no Shift for what it types, so nothing here needs one.
  await driver.page.keyboard.type('head -4 /proc/cpuinfo; seq 77 77\n', { delay: 30 });
  await driver.waitForScreen('\n77\n');

  mkdirSync(FOLDER, { recursive: true });
  await driver.page.screenshot({ path: `${FOLDER}screenshot.png` });

  await driver.page.locator('#terminal').click();
  await driver.page.keyboard.type('poweroff\r', { delay: 10 });
  await driver.waitForState('off', 120_000);
  expect(await driver.text('#screen-message')).toContain('switched the machine off');
  expect(driver.faults).toEqual([]);
});

it.each(['debian-amd64', 'debian-amd64-microvm'])('boots %s when the address asks for it', async (guest) => {
  const driver = await PageDriver.open(browser, `${server.url}?guest=${guest}`);
  await driver.waitForState('running', 60_000);
  expect(await driver.notices()).toBe('');
  expect(await driver.page.evaluate(() => window.coracle?.guest)).toBe(guest);
  await driver.waitForSerial('shell ready on /dev/ttyS0', BOOT_MS);
  await driver.page.locator('#terminal').click();
  await driver.page.keyboard.type('uname -m; expr 6 \\* 7\r', { delay: 10 });
  await driver.waitForSerial('x86_64');
  await driver.waitForSerial('\n42\r');
  await driver.page.keyboard.type('poweroff\r', { delay: 10 });
  await driver.waitForState('off', 120_000);
  expect(driver.faults).toEqual([]);
  await driver.page.close();
});
