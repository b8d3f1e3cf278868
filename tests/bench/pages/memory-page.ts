/**
 * Around the real page, in the same process: waits for the shell of its guest, has it touch memory, and posts what the
 * machine says of its memory. No inspector looks on meanwhile.
 */
import type { CoraclePage } from '../../../src/web/page-api.ts';
import type { Totals } from '../../../src/worker/protocol.ts';

const POLL_MS = 100;
/** Longer than the page's figures take to follow. */
const FIGURES_MS = 1500;

export interface MemoryReport {
  readonly shell: Totals;
  readonly touched: Totals;
}

const parameters = new URLSearchParams(location.search);
const frame = document.createElement('iframe');
// A guest that there is not: the page without a machine.
frame.src = parameters.has('alone') ? '/page/index.html#guest=none' : '/page/index.html';
frame.style.cssText = 'width: 1200px; height: 900px';
document.body.append(frame);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await pause(POLL_MS);
  }
}

async function measure(): Promise<MemoryReport> {
  const page: CoraclePage = await until(() => frame.contentWindow?.coracle);
  const totals = async (): Promise<Totals> => {
    await pause(FIGURES_MS);
    return until(() => page.totals);
  };
  await until(() => page.serialText.includes(parameters.get('ready') ?? ''));
  const shell = await totals();
  page.sendSerial(`${parameters.get('command')}\n`);
  await until(() => page.serialText.includes('\n@end 0'));
  return { shell, touched: await totals() };
}

/** The page without a machine has no worker by which its process could be told from others. */
function mark(): void {
  new Worker('data:text/javascript,setTimeout(() => close(), 4000)');
}

if (parameters.has('alone')) mark();
else await fetch('/report', { method: 'POST', body: JSON.stringify(await measure()) });
