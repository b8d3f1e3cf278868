/**
 * Debian's i386 kernel with busybox, booted by the page in Chromium: typed into on the serial port and on the screen,
 * photographed for the README (with CORACLE_SCREENSHOT=1, into docs/), and switched off by its own command. Then the 64-bit
 * one, on both boards.
 */
import { createHash } from 'node:crypto';
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
  await driver.page.keyboard.type('echo lay-$((1 + 1)); sleep 10; echo rose-$((1 + 1))\r', { delay: 10 });
  await driver.waitForSerial('lay-2');
  const layMs = performance.now();
  await driver.waitForSerial('rose-2');
  const sleptSeconds = (performance.now() - layMs) / 1000;
  // To a tenth, which is how often the page is asked; more on a host that has much else to do.
  expect(sleptSeconds).toBeGreaterThan(9.8);
  expect(sleptSeconds).toBeLessThan(14);
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

/** What is done to a file in the folder is done to one in memory, too, and they stay the same. */
const EXERCISE = [
  'for step in $(seq 60); do head -c $((RANDOM % 20000)) /dev/urandom > /tmp/chunk; seek=$((RANDOM % 300)); size=$((RANDOM * 6)); action=$((RANDOM % 4))',
  'for f in /tmp/model /m/exercised; do case $action in 0|1) dd if=/tmp/chunk of=$f bs=777 seek=$seek conv=notrunc 2>/dev/null;; 2) truncate -s $size $f;; 3) cat /tmp/chunk >> $f;; esac; done',
  'cmp /tmp/model /m/exercised || echo DIFFERS; mv /m/exercised /m/renamed && ln /m/renamed /m/exercised && rm /m/renamed; done',
].join('; ');

it('shares a folder, which the guest reads and writes', async () => {
  const driver = await PageDriver.open(browser, `${server.url}?guest=teaching`);
  await driver.waitForState('running', 60_000);
  await driver.page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('shared', { create: true });
    const file = await (await folder.getFileHandle('from-host', { create: true })).createWritable();
    await file.write('hello from the host');
    await file.close();
    window.coracle?.shareFolder(folder);
    await window.coracle?.boot('debian-i386');
  });
  await driver.waitForSerial('shell ready on /dev/ttyS0', BOOT_MS);
  // What is typed before the terminal stops echoing would be in the output.
  await driver.page.evaluate(() => window.coracle?.sendSerial('stty -echo; echo quiet-$((6 * 7))\r'));
  await driver.waitForSerial('quiet-42', BOOT_MS);
  const script = [
    'mkdir /m', 'mount -t 9p -o trans=virtio,version=9p2000.L share /m', 'cat /m/from-host',
    'mkdir /m/sub', 'echo one > /m/sub/file', 'ln /m/sub/file /m/sub/hard', 'ln -s file /m/sub/soft', 'mv /m/sub /m/moved', 'chmod 600 /m/moved/file', 'chown 12:34 /m/moved/file',
    'tar -C / -cf /m/tree.tar etc lib', 'mkdir /m/tree', 'tar -C /m/tree -xf /m/tree.tar', 'diff -r /etc /m/tree/etc && diff -r /lib /m/tree/lib && echo SAME-TREE',
    'cat /m/moved/soft', 'rm -r /m/tree', 'dd if=/dev/zero of=/m/large bs=1M count=1 seek=100 2>/dev/null', EXERCISE, 'sync',
    'stat -c "%a %u %g %h" /m/moved/file', 'stat -c "large %s" /m/large', 'rm /m/large', 'md5sum < /m/exercised', 'umount /m', 'echo all-$((6 * 7))-done',
  ];
  for (const line of script) await driver.page.evaluate((text) => window.coracle?.sendSerial(`${text}\r`), line);
  await driver.waitForSerial('all-42-done', BOOT_MS);
  const text = await driver.serialText();
  expect(text).toContain('hello from the host');
  expect(text).toContain('SAME-TREE');
  expect(text).toMatch(/600 12 34 2\r?\n/);
  expect(text).toContain(`large ${101 * 2 ** 20}`);
  expect(text).not.toContain('DIFFERS');
  const onHost = await driver.page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('shared');
    const moved = await folder.getDirectoryHandle('moved');
    const names: string[] = [];
    for await (const name of folder.keys()) names.push(name);
    const textOf = async (name: string) => (await (await moved.getFileHandle(name)).getFile()).text();
    const exercised = new Uint8Array(await (await (await folder.getFileHandle('exercised')).getFile()).arrayBuffer());
    return { names: names.sort(), file: await textOf('file'), hard: await textOf('hard'), exercised: [...exercised] };
  });
  expect(onHost).toMatchObject({ file: 'one\n', hard: 'one\n' });
  expect(onHost.names).toEqual(['.coracle-attributes.json', 'exercised', 'from-host', 'moved', 'tree.tar']);
  expect(text).toContain(createHash('md5').update(Uint8Array.from(onHost.exercised)).digest('hex'));
  expect(driver.faults).toEqual([]);
  await driver.page.close();
});
