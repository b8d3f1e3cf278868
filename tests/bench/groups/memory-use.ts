/**
 * What a machine costs the tab: a guest with 256 MiB comes to its shell and touches 40 MiB. Frames are counted by the
 * page pool; the tab's cost is what the browser's renderers hold resident above what they do with an empty page.
 */
import { readFileSync } from 'node:fs';
import type { GuestFiles } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import { BrowserMachine } from '../machines/browser-machine.ts';
import type { MemoryUseResult } from '../results.ts';
import { MEMORY_MIB } from './boot.ts';

const TOUCHED_MIB = 40;
const MIB = 2 ** 20;
const COMMAND_TIMEOUT_MS = 120_000;
/** The browser gives back what loading needed only after a while. */
const SETTLE_MS = 3000;

export async function benchMemoryUse(browser: Browser, files: GuestFiles, say: (text: string) => void): Promise<MemoryUseResult> {
  const empty = await browser.open('bench/empty.html');
  const emptyBytes = await residentRenderers(browser);
  await empty.close();
  const machine = await BrowserMachine.open(browser, 'coracle', files, MEMORY_MIB);
  await machine.boot();
  const shell = await machine.usage();
  await machine.run(`b bench-system touch ${TOUCHED_MIB}`, COMMAND_TIMEOUT_MS);
  const touched = await machine.usage();
  const tabBytes = (await residentRenderers(browser)) - emptyBytes;
  await machine.close();

  const result: MemoryUseResult = {
    guestMiB: MEMORY_MIB,
    shellFrameBytes: shell.frameBytes,
    touchedMiB: TOUCHED_MIB,
    touchedFrameBytes: touched.frameBytes,
    frameBytesForTouched: touched.frameBytes - shell.frameBytes,
    arenaFixedBytes: touched.arenaBytes - touched.frameBytes,
    tabBytes,
    tabFixedBytes: tabBytes - touched.frameBytes,
  };
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  say(`memory: ${mib(shell.frameBytes)} of frames at the shell, ${mib(result.frameBytesForTouched)} more for ${TOUCHED_MIB} MiB touched; ` +
    `arena beside frames ${mib(result.arenaFixedBytes)}; tab ${mib(tabBytes)}, ${mib(result.tabFixedBytes)} beside frames`);
  return result;
}

/** Resident bytes of all renderers: which of them a page has is not told, and one may be kept in reserve. */
async function residentRenderers(browser: Browser): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const renderers = (await browser.processes()).filter(({ type }) => type === 'renderer');
  return renderers.reduce((sum, { id }) => sum + residentBytes(id), 0);
}

/** [Linux proc(5)]: RssAnon and RssShmem, without the files that all of Chromium's processes map. */
function residentBytes(processId: number): number {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  const kibibytes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map((match) => Number(match[1]));
  const whole = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  const sum = kibibytes.length > 0 ? kibibytes.reduce((a, b) => a + b, 0) : Number(whole?.[1] ?? 0);
  return sum * 1024;
}
