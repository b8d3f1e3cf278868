/** The page around one machine in its worker: what the bench calls in it, with times taken here. */
import { type CommandResult, Console } from '../machines/console.ts';
import type { GuestSpec, MachineUsage, WorkerReport, WorkerRequest } from './protocol.ts';

export interface MachinePage {
  /** Makes the worker and the machine; nothing of it is timed. */
  load(workerUrl: string, spec: GuestSpec, prompt: string): Promise<void>;
  boot(ready: string, timeoutMs: number): Promise<number>;
  run(command: string, timeoutMs: number): Promise<CommandResult>;
  /** The machine stands still until it is resumed. */
  pause(): void;
  resume(): void;
  /** Starts the machine, sends a request at `ready`; milliseconds from the start to `answer`. */
  firstAnswer(ready: string, request: string, answer: string, timeoutMs: number): Promise<number>;
  usage(): Promise<MachineUsage>;
}

let worker: Worker;
let terminal: Console;
let failed: (error: Error) => void = () => {};
const failure = new Promise<never>((_resolve, reject) => {
  failed = reject;
});
failure.catch(() => {});
let onLoaded: () => void = () => {};
let onUsage: (usage: MachineUsage) => void = () => {};

const request = (message: WorkerRequest): void => worker.postMessage(message);

function onReport(report: WorkerReport): void {
  switch (report.kind) {
    case 'serial':
      terminal.log.push(report.data);
      return;
    case 'loaded':
      onLoaded();
      return;
    case 'usage':
      onUsage(report.usage);
      return;
    case 'error':
      failed(new Error(`${report.message}; serial: ${JSON.stringify(terminal.log.since(0).slice(-300))}`));
  }
}

const machinePage: MachinePage = {
  load(workerUrl, spec, prompt) {
    worker = new Worker(workerUrl, { type: 'module' });
    terminal = new Console((data) => request({ kind: 'send', data }), prompt);
    worker.onmessage = ({ data }) => onReport(data as WorkerReport);
    worker.onerror = (event) => failed(new Error(event.message));
    const loaded = new Promise<void>((resolve) => {
      onLoaded = resolve;
    });
    request({ kind: 'load', spec });
    return Promise.race([loaded, failure]);
  },
  boot: (ready, timeoutMs) => Promise.race([terminal.boot(() => request({ kind: 'run' }), ready, timeoutMs), failure]),
  run: (command, timeoutMs) => Promise.race([terminal.run(command, timeoutMs), failure]),
  pause: () => request({ kind: 'pause' }),
  resume: () => request({ kind: 'run' }),
  firstAnswer: (ready, line, answer, timeoutMs) =>
    Promise.race([terminal.firstAnswer(() => request({ kind: 'run' }), ready, line, answer, timeoutMs), failure]),
  usage() {
    const answer = new Promise<MachineUsage>((resolve) => {
      onUsage = resolve;
    });
    request({ kind: 'usage' });
    return Promise.race([answer, failure]);
  },
};
(globalThis as { machinePage?: MachinePage }).machinePage = machinePage;
