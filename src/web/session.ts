/** A machine in a worker of its own: made, driven and ended by the page. */
import { proxy, type Remote, transfer, wrap } from 'comlink';
import type { CpuModules } from '../cpu/cpu.ts';
import { EmulatorError } from '../errors.ts';
import type { MouseMove } from '../devices/i8042/mouse.ts';
import type { MachineState } from '../machine/machine.ts';
import { Collector } from '../worker/collector.ts';
import type { BootRequest, MachineWorker, Report } from '../worker/protocol.ts';
import { reportOf } from '../worker/transfer-errors.ts';

export interface SessionOptions {
  readonly modules: CpuModules;
  /** Drawn on by the worker from now on; where browsers cannot give a canvas away, pictures come as reports. */
  readonly canvas: HTMLCanvasElement;
  readonly onReport: (report: Report) => void;
}

export class Session {
  /** Never resolves; rejects when the worker fails or the session is ended, for whoever waits for it. */
  readonly broken: Promise<never>;
  private readonly worker: Worker;
  private readonly remote: Remote<MachineWorker>;
  private fail!: (reason: Error) => void;
  private onReport: ((report: Report) => void) | undefined;
  /** What the terminal leaves behind weighs as little as what the worker does. */
  private readonly collector = new Collector();
  private ended = false;
  private machineState: MachineState = 'paused';

  constructor() {
    this.worker = new Worker(new URL('../worker/machine-worker.ts', import.meta.url), { type: 'module', name: 'machine' });
    this.remote = wrap<MachineWorker>(this.worker);
    this.broken = new Promise((_, reject) => (this.fail = reject));
    // Nobody may be waiting.
    this.broken.catch(() => {});
    this.worker.onerror = (event) => {
      event.preventDefault();
      const error = event.message ? new Error(event.message) : new EmulatorError('fetch-failed', 'the machine’s worker cannot be loaded; reload the page');
      this.fail(error);
      this.onReport?.({ kind: 'error', error: reportOf(error) });
    };
  }

  get state(): MachineState {
    return this.machineState;
  }

  /** Loads the files and makes the machine, paused. @throws EmulatorError */
  async load(request: BootRequest, { modules, canvas, onReport }: SessionOptions): Promise<void> {
    const offscreen = typeof canvas.transferControlToOffscreen === 'function' ? canvas.transferControlToOffscreen() : undefined;
    const listener = proxy((report: Report) => this.receive(report, onReport));
    const given = offscreen && transfer(offscreen, [offscreen]);
    await Promise.race([this.remote.load(request, modules, given, listener), this.broken]);
    this.onReport = onReport;
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
    void this.remote.sendSerial(text);
  }

  sendKey(code: string, down: boolean): void {
    void this.remote.sendKey(code, down);
  }

  releaseKeys(): void {
    void this.remote.releaseKeys();
  }

  sendMouse(move: MouseMove): void {
    void this.remote.sendMouse(move);
  }

  sendText(text: string): void {
    void this.remote.sendText(text);
  }

  readTextScreen(): Promise<string[] | undefined> {
    return this.remote.readTextScreen();
  }

  /** Ends them when the disks are stored. */
  async close(): Promise<void> {
    await Promise.race([this.remote.close(), this.broken]).finally(() => this.end());
  }

  /** Ends the machine and its worker at once; whoever waits for it fails with `reason`. */
  end(reason: Error = new DOMException('the machine was ended', 'AbortError')): void {
    if (this.ended) return;
    this.ended = true;
    this.onReport = undefined;
    this.fail(reason);
    this.worker.terminate();
    this.collector.stop();
  }

  private receive(report: Report, onReport: (report: Report) => void): void {
    if (this.ended) return;
    if (report.kind === 'state') this.followState(report.state);
    onReport(report);
  }

  private followState(state: MachineState): void {
    this.machineState = state;
    if (state === 'running') this.collector.start();
    else this.collector.stop();
  }
}
