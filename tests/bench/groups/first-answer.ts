/** The library OS, in a fresh page each time: from the start of a machine whose image is loaded to the answer to a request. */
import { recipeGuest } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import { openMachinePage } from '../machines/browser-machine.ts';
import type { MachinePage } from '../pages/machine-page.ts';
import type { BenchResults } from '../results.ts';
import { median, rounded } from '../statistics.ts';

declare const machinePage: MachinePage;

/** What is typed, and how the last line of its answer begins. */
const REQUEST = 'GET /\n', ANSWER = 'Requests so far: ';
const TIMEOUT_MS = 10_000;

export async function benchFirstAnswer(browser: Browser, runs: number, say: (text: string) => void): Promise<NonNullable<BenchResults['firstAnswer']>> {
  const guest = recipeGuest('library-os');
  const times: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const page = await openMachinePage(browser, 'coracle', guest, guest.memoryMiB);
    await browser.rest();
    const ms = await page.evaluate(
      ([ready, request, answer, timeout]) => machinePage.firstAnswer(ready, request, answer, timeout),
      [guest.markers?.ready ?? '', REQUEST, ANSWER, TIMEOUT_MS] as const,
    );
    await page.close();
    times.push(ms);
    say(`first answer ${run}/${runs}: ${ms.toFixed(1)} ms`);
  }
  return { medianMs: rounded(median(times)), longestMs: rounded(Math.max(...times)) };
}
