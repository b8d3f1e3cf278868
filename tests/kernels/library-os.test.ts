/** The library OS serves a request soon after its start, on both boards, and on QEMU where that is installed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildLibraryOs, LIBRARY_OS_MARKERS } from '../../images/library-os/build.ts';
import { createMachine } from '../../src/create-machine.ts';
import { findNasm, findQemu } from './run.ts';

const qemu = findQemu('x86-64');
let folder: string;
let image: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coracle-library-os-'));
  image = join(folder, 'library-os.elf');
  buildLibraryOs(await findNasm(), image);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GREETING = `${LIBRARY_OS_MARKERS.ready}\r\n`;
const REQUESTS = 'GET /memory HTTP/1.0\r\nHost: here\r\n\r\nGET /nowhere HTTP/1.0\r\n\r\nPOST /\r\nGET /poweroff\n';
/** What follows the greeting, on a machine of 32 MiB. */
const ANSWERS = [
  'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n\r\n', '32383 KiB of memory\r\n',
  'HTTP/1.0 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\nthere is no such page\r\n',
  'HTTP/1.0 400 Bad Request\r\n\r\n', 'good night\r\n',
].join('');
/**
 * Until the first answer, the wait for the request included. Counted, since time is the host's: without a pace the clock of a
 * guest that waits runs ahead for as long as the host is busy elsewhere. The bench times it.
 */
const INSTRUCTIONS_AT_MOST = 1_000_000;

it.each([['microvm', 'interp'], ['microvm', 'auto'], ['pc', 'auto']] as const)('on Coracle’s %s, tier %s', async (board, tier) => {
  const machine = await createMachine({ machine: board, memoryMiB: 32, kernel: new Uint8Array(readFileSync(image)), pace: 'none', tier });
  let text = '';
  let servedAfter = Number.POSITIVE_INFINITY;
  try {
    await new Promise<void>((resolve, reject) => {
      machine.on('serial-output', ({ data }) => {
        const before = text;
        text += new TextDecoder().decode(data);
        if (before === '') machine.sendSerial(REQUESTS);
        if (text.includes('KiB') && !before.includes('KiB')) servedAfter = machine.statistics().instructions;
      });
      machine.on('exit', ({ reason }) => (reason === 'poweroff' ? resolve() : reject(new Error(reason))));
      machine.on('error', reject);
      machine.run();
    });
  } finally {
    await machine.dispose();
  }
  expect(text).toBe(GREETING + ANSWERS);
  expect(servedAfter).toBeLessThan(INSTRUCTIONS_AT_MOST);
});

it.skipIf(qemu === undefined)('on QEMU', async () => {
  const child = spawn(qemu as string, ['-M', 'microvm', '-m', '32', '-kernel', image, '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot']);
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    if (text === '') child.stdin.write(REQUESTS);
    text += data.toString('latin1');
  });
  const timer = setTimeout(() => child.kill(), 20_000);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  expect(text).toMatch(new RegExp(`^${GREETING}HTTP/1.0 200 OK`));
  expect(text.endsWith('good night\r\n')).toBe(true);
});
