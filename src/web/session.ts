/** A machine in a worker of its own: made, driven and ended by the page. */
import '../worker/transfer-errors.ts';
import { proxy, type Remote, transfer, wrap } from 'comlink';
import type { CpuModules } from '../cpu/cpu.ts';
import { EmulatorError } from '../errors.ts';
import type { MachineState } from '../machine/machine.ts';
import type { BootRequest, MachineWorker, Report } from '../worker/protocol.ts';

export interface SessionOptions {
  readonly modules: CpuModules;
  /** Drawn on by the worker from now on; where browsers cannot give a canvas away, pictures come as reports. */
  readonly canvas: HTMLCanvasElement;
  readonly onReport: (report: Report) => void;
}

export class Session {
  private readonly worker: Worker;
  private readonly remote: Remote<MachineWorker>;
  private ended = false;
  private machineState: MachineState = 'paused';
  /** Ends a load that is under way. */
  private abandon: (reason: Error) => void = () => {};

  constructor() {
    this.worker = new Worker(new URL('../worker/machine-worker.ts', import.meta.url), { type: 'module', name: 'machine' });
    this.remote = wrap<MachineWorker>(this.worker);
  }

  get state(): MachineState {
    return this.machineState;
  }

  /** Loads the files and makes the machine, paused. @throws EmulatorError */
  async load(request: BootRequest, { modules, canvas, onReport }: SessionOptions): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.abandon = reject;
      this.worker.onerror = (event) => {
        event.preventDefault();
        const message = event.message ? `the machine’s worker failed: ${event.message}` : 'the machine’s worker cannot be loaded; reload the page';
        reject(new EmulatorError('fetch-failed', message));
      };
    });
    const offscreen = typeof canvas.transferControlToOffscreen === 'function' ? canvas.transferControlToOffscreen() : undefined;
    const listener = proxy((report: Report) => this.receive(report, onReport));
    const given = offscreen && transfer(offscreen, [offscreen]);
    await Promise.race([this.remote.load(request, modules, given, listener), failed]);
  }

  run(): void {
    void this.remote.run();
  }

  pause(): void {
    void this.remote.pause();
  }

  reset(): void {
    void this.remote.reset();
  }

  pressPowerButton(): void {
    void this.remote.pressPowerButton();
  }

  sendSerial(text: string): void {
    void this.remote.sendSerial(new TextEncoder().encode(text));
  }

  sendKey(code: string, down: boolean): void {
    void this.remote.sendKey(code, down);
  }

  releaseKeys(): void {
    void this.remote.releaseKeys();
  }

  sendText(text: string): void {
    void this.remote.sendText(text);
  }

  readTextScreen(): Promise<string[] | undefined> {
    return this.remote.readTextScreen();
  }

  /** Ends the machine and its worker at once. A load that is under way fails with `reason`. */
  end(reason: Error = new DOMException('the machine was ended', 'AbortError')): void {
    if (this.ended) return;
    this.ended = true;
    this.abandon(reason);
    this.worker.terminate();
  }

  private receive(report: Report, onReport: (report: Report) => void): void {
    if (this.ended) return;
    if (report.kind === 'state') this.machineState = report.state;
    onReport(report);
  }
}
