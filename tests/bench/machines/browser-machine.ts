/** Coracle or v86, each in a worker of a page of its own, in the one browser of the run. */
import { basename } from 'node:path';
import type { Page } from 'playwright-core';
import type { GuestFiles } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import type { MachinePage } from '../pages/machine-page.ts';
import type { GuestSpec, MachineUsage } from '../pages/protocol.ts';
import type { CommandResult } from './console.ts';
import { type BenchMachine, BOOT_TIMEOUT_MS, type MachineName } from './machine.ts';

type InBrowser = Exclude<MachineName, 'tcg'>;

declare const machinePage: MachinePage;

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
    const page = await browser.open('bench/machine.html');
    const guestUrl = (path: string): string => `/guests/${files.guest.files.find((file) => file.role === path)?.path}`;
    const spec: GuestSpec = {
      kernelUrl: guestUrl('kernel'), initrdUrl: `/bench/${basename(files.initrd)}`, append: files.guest.append ?? '', memoryMiB,
      biosUrl: '/guests/firmware/bios-256k.bin', vgaBiosUrl: '/guests/firmware/vgabios-stdvga.bin',
      v86WasmUrl: '/bench/v86.wasm', interpreterUrl: '/bench/interpreter.wasm', kernelModuleUrl: '/bench/kernel.wasm',
      compilerScriptUrl: '/bench/region-compiler.js',
    };
    const worker = `/bench/${name === 'v86' ? name : 'coracle'}-worker.js`;
    const prompt = files.guest.markers?.prompt ?? '# ';
    await page.evaluate(([url, guest, shell]) => machinePage.load(url, guest, shell), [worker, spec, prompt] as const);
    return new BrowserMachine(name, page, files);
  }

  boot(): Promise<number> {
    const ready = this.files.guest.markers?.ready ?? '';
    return this.page.evaluate(([marker, timeout]) => machinePage.boot(marker, timeout), [ready, BOOT_TIMEOUT_MS] as const);
  }

  run(command: string, timeoutMs: number): Promise<CommandResult> {
    return this.page.evaluate(([line, timeout]) => machinePage.run(line, timeout), [command, timeoutMs] as const);
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
