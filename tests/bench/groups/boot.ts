/** From power-on to the shell, in a fresh page or process each time, one machine after the other. */
import type { GuestFiles } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import { BrowserMachine } from '../machines/browser-machine.ts';
import type { BenchMachine, MachineName } from '../machines/machine.ts';
import { QemuMachine } from '../machines/qemu.ts';

export const MEMORY_MIB = 256;

export function openMachine(browser: Browser, name: MachineName, files: GuestFiles): Promise<BenchMachine> {
  if (name === 'tcg') return Promise.resolve(new QemuMachine(files, MEMORY_MIB));
  return BrowserMachine.open(browser, name, files, MEMORY_MIB);
}

export type Times = Partial<Record<MachineName, number[]>>;

export async function benchBoot(
  browser: Browser, machines: readonly MachineName[], files: GuestFiles, runs: number, say: (text: string) => void,
): Promise<Times> {
  const times: Times = {};
  for (let run = 1; run <= runs; run++) {
    for (const name of machines) {
      const machine = await openMachine(browser, name, files);
      const ms = await machine.boot();
      await machine.close();
      times[name] = [...(times[name] ?? []), ms];
      say(`boot ${run}/${runs}: ${name} ${(ms / 1000).toFixed(2)} s`);
    }
  }
  return times;
}
