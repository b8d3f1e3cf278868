/** Coracle or v86, each in a worker of a page of its own, in the one browser of the run. */
import { basename } from 'node:path';
import type { Page } from 'playwright-core';
import type { Guest } from '../../../images/manifest.ts';
import type { GuestFiles } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import type { MachinePage } from '../pages/machine-page.ts';
import type { GuestSpec, MachineUsage } from '../pages/protocol.ts';
import type { CommandResult } from './console.ts';
import { type BenchMachine, BOOT_TIMEOUT_MS, type MachineName } from './machine.ts';

type InBrowser = Exclude<MachineName, 'tcg'>;

declare const machinePage: MachinePage;

/** A page with a machine in a worker, loaded and not yet started. */
export async function openMachinePage(browser: Browser, name: InBrowser, guest: Guest, memoryMiB: number, initrdUrl?: string): Promise<Page> {
  const page = await browser.open('bench/machine.html');
  const spec: GuestSpec = {
    kernelUrl: `/guests/${guest.files.find(({ role }) => role === 'kernel')?.path}`, initrdUrl, append: guest.append ?? '',
    memoryMiB, machine: guest.machine ?? 'pc',
    biosUrl: '/guests/firmware/bios-256k.bin', vgaBiosUrl: '/guests/firmware/vgabios-stdvga.bin',
    v86WasmUrl: '/bench/v86.wasm', codeUrl: '/bench/',
  };
  const worker = `/bench/${name === 'v86' ? name : 'coracle'}-worker.js`;
  const prompt = guest.markers?.prompt ?? '# ';
  await page.evaluate(([url, what, shell]) => machinePage.load(url, what, shell), [worker, spec, prompt] as const);
  return page;
}

export class BrowserMachine implements BenchMachine {
  readonly name: InBrowser;
  readonly page: Page;
  private readonly files: GuestFiles;

  private constructor(name: InBrowser, page: Page, files: GuestFiles) {
    this.name = name;
    this.page = page;
    this.files = files;
  }

  /** A page with the machine loaded and not yet started. */
  static async open(browser: Browser, name: InBrowser, files: GuestFiles, memoryMiB: number): Promise<BrowserMachine> {
    const page = await openMachinePage(browser, name, files.guest, memoryMiB, `/bench/${basename(files.initrd)}`);
    return new BrowserMachine(name, page, files);
  }

  boot(): Promise<number> {
    const ready = this.files.guest.markers?.ready ?? '';
    return this.page.evaluate(([marker, timeout]) => machinePage.boot(marker, timeout), [ready, BOOT_TIMEOUT_MS] as const);
  }

  run(command: string, timeoutMs: number): Promise<CommandResult> {
    return this.page.evaluate(([line, timeout]) => machinePage.run(line, timeout), [command, timeoutMs] as const);
  }

  pause(): Promise<void> {
    return this.page.evaluate(() => machinePage.pause());
  }

  resume(): Promise<void> {
    return this.page.evaluate(() => machinePage.resume());
  }

  usage(): Promise<MachineUsage> {
    return this.page.evaluate(() => machinePage.usage());
  }

  async longestCompilePauseMs(): Promise<number | undefined> {
    return this.name !== 'v86' ? (await this.usage()).longestCompilePauseMs : undefined;
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}
