/**
 * What a machine costs the tab: the page boots a guest with 256 MiB to its shell, and the guest touches 40 MiB. Frames are
 * counted by the page pool; the tab's cost is what its renderer holds resident above one with an empty page.
 */
import { readFileSync } from 'node:fs';
import { type GuestFiles, writePageGuests } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import { BOOT_TIMEOUT_MS } from '../machines/machine.ts';
import type { MemoryReport } from '../pages/memory-page.ts';
import type { MemoryUseResult } from '../results.ts';
import { MEMORY_MIB } from './boot.ts';

const TOUCHED_MIB = 40;
const MIB = 2 ** 20;
/**
 * The browser gives back what it no longer needs only after a while, and code goes that has not run for a minute: until it has
 * come down by less than this in so long, so many times in a row.
 */
const SETTLE_MS = 10_000, SETTLED_BYTES = MIB, SETTLED_SAMPLES = 7, LONGEST_SETTLE_MS = 240_000;

export async function benchMemoryUse(browser: Browser, files: GuestFiles, say: (text: string) => void): Promise<MemoryUseResult> {
  writePageGuests(files, MEMORY_MIB);
  const empty = await browser.openAlone('bench/empty.html');
  const emptyBytes = await settledBytes(await empty.renderer());
  const alone = await browser.openAlone('bench/memory.html?alone');
  const pageBytes = (await settledBytes(await alone.renderer())) - emptyBytes;
  const waiting = browser.nextReport() as Promise<MemoryReport>;
  const query = new URLSearchParams({ ready: files.guest.markers?.ready ?? '', command: `b bench-system touch ${TOUCHED_MIB}` });
  const page = await browser.openAlone(`bench/memory.html?${query}`);
  const { shell, touched } = await before(waiting, BOOT_TIMEOUT_MS);
  const tabBytes = (await settledBytes(await page.renderer())) - emptyBytes;

  const result: MemoryUseResult = {
    guestMiB: MEMORY_MIB,
    shellFrameBytes: shell.frameBytes,
    touchedMiB: TOUCHED_MIB,
    touchedFrameBytes: touched.frameBytes,
    frameBytesForTouched: touched.frameBytes - shell.frameBytes,
    arenaFixedBytes: touched.arenaBytes - touched.frameBytes,
    pageBytes,
    tabBytes,
    tabFixedBytes: tabBytes - touched.frameBytes,
    machineFixedBytes: tabBytes - pageBytes - touched.frameBytes,
  };
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  say(`memory: ${mib(shell.frameBytes)} of frames at the shell, ${mib(result.frameBytesForTouched)} more for ${TOUCHED_MIB} MiB touched; ` +
    `arena beside frames ${mib(result.arenaFixedBytes)}; tab ${mib(tabBytes)}, ${mib(result.tabFixedBytes)} beside frames, ` +
    `of which the page without a machine ${mib(pageBytes)}, the machine ${mib(result.machineFixedBytes)}`);
  return result;
}

async function before<T>(waiting: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page reported nothing within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([waiting, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function settledBytes(processId: number): Promise<number> {
  let bytes = residentBytes(processId);
  for (let ms = 0, still = 0; still < SETTLED_SAMPLES && ms < LONGEST_SETTLE_MS; ms += SETTLE_MS) {
    await pause(SETTLE_MS);
    const now = residentBytes(processId);
    still = now > bytes - SETTLED_BYTES ? still + 1 : 0;
    bytes = now;
  }
  return bytes;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** [Linux proc(5)]: RssAnon and RssShmem, without the files that all of Chromium's processes map. */
function residentBytes(processId: number): number {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  const kibibytes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map((match) => Number(match[1]));
  const whole = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  const sum = kibibytes.length > 0 ? kibibytes.reduce((a, b) => a + b, 0) : Number(whole?.[1] ?? 0);
  return sum * 1024;
}
