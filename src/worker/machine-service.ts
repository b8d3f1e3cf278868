/**
 * One machine in its worker, as the page sees it. A worker holds one machine for its whole life: ending the worker gives
 * all of its memory back, which a WebAssembly.Memory alone never does.
 */
import { transfer } from 'comlink';
import type { CpuModules } from '../cpu/cpu.ts';
import { createMachine } from '../create-machine.ts';
import type { MouseMove } from '../devices/i8042/mouse.ts';
import type { Machine, MachineState } from '../machine/machine.ts';
import { Rehearsal } from '../rehearsal/rehearsal.ts';
import { Collector } from './collector.ts';
import { machineOptions } from './machine-options.ts';
import type { BootRequest, MachineWorker, ReportListener, Totals } from './protocol.ts';
import { ScreenPainter, type Send } from './screen-painter.ts';
import { SerialBatch } from './serial-batch.ts';
import { reportOf } from './transfer-errors.ts';

const TOTALS_MS = 400;
/** A download's progress goes to the page no more often than this. */
const PROGRESS_MS = 50;

export class MachineService implements MachineWorker {
  private machine: Machine | undefined;
  private painter: ScreenPainter | undefined;
  private send: Send = () => {};
  private readonly collector = new Collector();
  private totalsTimer: ReturnType<typeof setInterval> | undefined;
  private wallMs = 0;
  private runningSinceMs: number | undefined;

  async load(request: BootRequest, modules: CpuModules, canvas: OffscreenCanvas | undefined, listener: ReportListener): Promise<void> {
    this.send = (report, transferred = []) => listener(transfer(report, transferred));
    // Other tiers have nothing of a compiler that would be warm.
    const rehearsal = (request.processor?.tier ?? 'auto') === 'auto' ? new Rehearsal(modules) : undefined;
    try {
      const options = await machineOptions(request, this.progress());
      this.machine = await createMachine({ ...options, modules, ...(rehearsal && { rehearsal }) });
    } finally {
      void rehearsal?.dispose();
    }
    this.painter = new ScreenPainter(canvas, this.send);
    this.connect(this.machine, this.painter);
    this.showScreen();
  }

  run(): void {
    this.machine?.run();
  }

  pause(): void {
    this.machine?.pause();
    this.showScreen();
  }

  reset(): void {
    this.machine?.reset();
  }

  pressPowerButton(): void {
    this.machine?.pressPowerButton();
  }

  sendSerial(text: string): void {
    this.machine?.sendSerial(text);
  }

  sendKey(code: string, down: boolean): void {
    this.machine?.sendKey(code, down);
  }

  releaseKeys(): void {
    this.machine?.releaseKeys();
  }

  sendMouse(move: MouseMove): void {
    this.machine?.sendMouse(move);
  }

  sendText(text: string): void {
    this.machine?.sendText(text);
  }

  readTextScreen(): string[] | undefined {
    return this.machine?.readTextScreen();
  }

  async close(): Promise<void> {
    await this.machine?.dispose();
  }

  private progress(): Parameters<typeof machineOptions>[1] {
    let sentMs = -Infinity;
    return (step, loadedBytes, totalBytes) => {
      const now = performance.now();
      const whole = loadedBytes === 0 || loadedBytes === totalBytes;
      if (!whole && now - sentMs < PROGRESS_MS) return;
      sentMs = now;
      this.send({ kind: 'progress', step, loadedBytes, totalBytes });
    };
  }

  private connect(machine: Machine, painter: ScreenPainter): void {
    const { send } = this;
    const serial = new SerialBatch((data) => send({ kind: 'serial', data }, [data.buffer]));
    machine.on('serial-output', ({ port, data }) => {
      if (port === 0) serial.push(data);
    });
    machine.on('screen-changed', (frame) => painter.show(frame));
    machine.on('trace', (event) => console.debug('trace', event));
    machine.on('reset', ({ cause, lastWords }) => {
      send({ kind: 'reset', cause, lastWords });
      if (machine.state === 'paused') this.showScreen();
    });
    machine.on('panic', ({ message }) => send({ kind: 'panic', message }));
    machine.on('stuck', ({ lastWords }) => send({ kind: 'stuck', lastWords }));
    machine.on('device-error', (error) => send({ kind: 'device-error', error: reportOf(error) }));
    machine.on('error', (error) => send({ kind: 'error', error: reportOf(error) }));
    machine.on('exit', (exit) => {
      serial.flush();
      send({ kind: 'exit', exit });
    });
    machine.on('state', (state) => {
      serial.flush();
      this.followState(state);
      send({ kind: 'state', state });
    });
  }

  private showScreen(): void {
    if (this.machine) this.painter?.show(this.machine.screenshot());
  }

  private followState(state: MachineState): void {
    const now = performance.now();
    if (this.runningSinceMs !== undefined) this.wallMs += now - this.runningSinceMs;
    this.runningSinceMs = state === 'running' ? now : undefined;
    clearInterval(this.totalsTimer);
    this.totalsTimer = state === 'running' ? setInterval(() => this.sendTotals(), TOTALS_MS) : undefined;
    if (state === 'running') this.collector.start();
    else this.collector.stop();
    this.sendTotals();
  }

  private sendTotals(): void {
    const statistics = this.machine?.statistics();
    if (statistics === undefined) return;
    const { instructions, guestSeconds, idleSeconds, frameBytes, arenaBytes, compiler, code } = statistics;
    const sinceMs = this.runningSinceMs === undefined ? 0 : performance.now() - this.runningSinceMs;
    const totals: Totals = { instructions, guestSeconds, idleSeconds, frameBytes, arenaBytes, compiler, code, wallSeconds: (this.wallMs + sinceMs) / 1e3 };
    this.send({ kind: 'totals', totals });
  }
}
