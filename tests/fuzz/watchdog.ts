/**
 * Watches the main thread from a worker: when its sign of life stands still, the worker stops it with the debugger,
 * prints where it is, and ends the process, which is what an endless loop leaves to do.
 */
import { Worker } from 'node:worker_threads';

/** Time of the host's processor, spent by this process without a sign of life, that counts as an endless loop: a busy host takes long for anything. */
const HANG_MS = 60_000;
const FRAMES = 25;
const LABEL_BYTES = 64;

const WATCHER = `
const { workerData } = require('node:worker_threads');
const { Session } = require('node:inspector');
const { writeSync } = require('node:fs');
const { beats, label, hangMs, frames } = workerData;
const running = () => Buffer.from(label).toString().replaceAll('\\0', '');
const session = new Session();
session.connectToMainThread();
session.on('Debugger.paused', ({ params }) => {
  const where = params.callFrames.slice(0, frames).map((f) => '    at ' + (f.functionName || '?') + ' (' + f.url + ':' + (f.location.lineNumber + 1) + ')');
  writeSync(2, 'HANG: ' + running() + ': no sign of life for ' + hangMs / 1000 + ' s of the processor\\n' + where.join('\\n') + '\\n');
  process.kill(process.pid, 'SIGKILL');
});

let last = -1;
const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
let since = used();
setInterval(() => {
  const beat = Atomics.load(beats, 0);
  if (beat !== last) {
    last = beat;
    since = used();
  } else if (used() - since > hangMs) {
    session.post('Debugger.enable', () => {});
    session.post('Debugger.pause', () => {});
    setTimeout(() => { writeSync(2, 'HANG: ' + running() + ': the main thread does not even stop for the debugger\\n'); process.kill(process.pid, 'SIGKILL'); }, 60000);
    since = Infinity;
  }
}, 500);
`;

export interface Watchdog {
  /** A sign of life. */
  beat(): void;
  /** What runs now, for the report. */
  label(text: string): void;
  stop(): Promise<unknown>;
}

export function watch(hangMs = HANG_MS): Watchdog {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const label = new Uint8Array(new SharedArrayBuffer(LABEL_BYTES));
  const worker = new Worker(WATCHER, { eval: true, workerData: { beats, label, hangMs, frames: FRAMES } });
  worker.unref();
  const setLabel = (text: string): void => {
    label.fill(0);
    label.set(new TextEncoder().encode(text).subarray(0, LABEL_BYTES));
  };
  return { beat: () => void Atomics.add(beats, 0, 1), label: setLabel, stop: () => worker.terminate() };
}
