/**
 * A machine run from the command line: its ports connected to the terminal and to files, what it shows watched for texts
 * to answer and for the text to end at.
 */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { EmulatorError } from '../errors.ts';
import type { Machine, MachineExit, ResetCause } from '../index.ts';
import type { SessionOptions } from './boot-options.ts';
import type { Destination } from './destinations.ts';
import { encodePng } from './png.ts';
import { openTerminal } from './terminal.ts';
import { traceText } from './trace-text.ts';
import { ScreenText, SerialText, Transcript } from './transcript.ts';

export const STATUS_OK = 0, STATUS_FAILED = 1, STATUS_BAD_INPUT = 2, STATUS_TIMEOUT = 3;
/** How often the text screen is looked at; also keeps Node alive while the guest sleeps. */
const SCREEN_POLL_MS = 50;
/** A guest that idles for so long and shows nothing may wait for ever: kernels that refuse a processor say so and halt. */
const SILENCE_MS = 20_000;
const IDLE_SHARE = 0.9;

export interface SessionStreams {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly errors: NodeJS.WriteStream;
}

/** Runs until the guest ends, the text shows, time is up or the user quits. Gives the exit status. */
export function runSession(machine: Machine, options: SessionOptions, streams: SessionStreams): Promise<number> {
  return new Session(machine, options, streams).run();
}

/** Something the guest shows text on and takes text from. */
interface Watched {
  readonly transcript: Transcript;
  answer(reply: string): void;
}

class Session {
  private readonly machine: Machine;
  private readonly options: SessionOptions;
  private readonly streams: SessionStreams;
  private readonly watched: Watched[] = [];
  private readonly serialTexts: SerialText[] = [];
  private readonly screenText = new ScreenText();
  private readonly screen: Watched;
  private nextReply = 0;
  private crashed = false;
  private shownAtMs = performance.now();
  /** Where the last text was shown. */
  private shownOn: Watched | undefined;
  private silenceTold = false;
  private finished = false;
  private readonly cleanups: (() => void)[] = [];
  private finish!: (status: number) => void;

  constructor(machine: Machine, options: SessionOptions, streams: SessionStreams) {
    this.machine = machine;
    this.options = options;
    this.streams = streams;
    for (const port of options.serial.keys()) {
      this.serialTexts.push(new SerialText());
      this.watched.push({
        transcript: new Transcript(),
        // Enter on a terminal is a carriage return.
        answer: (reply) => machine.sendSerial(reply.replaceAll('\n', '\r'), port),
      });
    }
    this.screen = { transcript: new Transcript(), answer: (reply) => machine.sendText(reply) };
    this.watched.push(this.screen);
  }

  async run(): Promise<number> {
    const finished = new Promise<number>((resolve) => {
      this.finish = (status) => {
        this.finished = true;
        resolve(status);
      };
    });
    this.connect();
    this.machine.run();
    const status = await finished;
    this.machine.pause();
    this.takeScreenshot();
    for (const cleanup of this.cleanups.reverse()) cleanup();
    return status;
  }

  private connect(): void {
    const { machine, options } = this;
    const serialOut = options.serial.map((destination) => this.openDestination(destination));
    const debugOut = this.openDestination(options.debugcon);
    this.cleanups.push(
      machine.on('serial-output', ({ port, data }) => {
        serialOut[port]?.(data);
        this.show(this.watched[port], this.serialTexts[port].push(data));
      }),
      machine.on('debug-output', ({ data }) => debugOut(data)),
      machine.on('reset', ({ cause, lastWords }) => this.onReset(cause, lastWords)),
      machine.on('panic', ({ message }) => this.say(`the guest’s kernel panicked: ${message}`)),
      machine.on('stuck', ({ lastWords }) => this.onStuck(lastWords)),
      machine.on('exit', (exit) => this.onExit(exit)),
      machine.on('device-error', (error) => void this.streams.errors.write(`coracle: ${error.message}; the guest runs on\n`)),
      machine.on('error', (error) => this.onError(error)),
    );
    const poll = setInterval(() => {
      this.lookAtScreen();
      this.listen();
    }, SCREEN_POLL_MS);
    this.cleanups.push(() => clearInterval(poll));
    if (options.timeoutMs !== undefined) {
      const timer = setTimeout(() => this.onTimeout(), options.timeoutMs);
      this.cleanups.push(() => clearTimeout(timer));
    }
    this.connectTrace();
    this.connectTerminal();
  }

  private connectTrace(): void {
    const { trace, traceFile } = this.options;
    if (trace.length === 0) return;
    const write = traceFile === undefined ? (text: Uint8Array) => void this.streams.errors.write(text) : this.openDestination({ kind: 'file', path: traceFile });
    this.cleanups.push(this.machine.on('trace', (event) => write(new TextEncoder().encode(traceText(event, trace)))));
  }

  private connectTerminal(): void {
    const port = this.options.serial.findIndex((destination) => destination.kind === 'stdio');
    const { input, output } = this.streams;
    if (port >= 0) {
      const onData = (data: Uint8Array): void => this.machine.sendSerial(data, port);
      this.cleanups.push(openTerminal({ input, output, onData, onQuit: () => this.finish(STATUS_OK) }));
    }
    const quit = (): void => this.finish(STATUS_OK);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, quit);
      this.cleanups.push(() => process.off(signal, quit));
    }
  }

  private openDestination(destination: Destination): (data: Uint8Array) => void {
    switch (destination.kind) {
      case 'none':
        return () => {};
      case 'stdio':
        return (data) => void this.streams.output.write(data);
      case 'file': {
        const file = openForWriting(destination.path);
        this.cleanups.push(() => closeSync(file));
        return (data) => void writeSync(file, data);
      }
    }
  }

  private lookAtScreen(): void {
    const rows = this.machine.readTextScreen();
    if (rows) this.show(this.screen, this.screenText.push(rows));
  }

  private show(where: Watched, text: string): void {
    if (text === '') return;
    this.shownAtMs = performance.now();
    this.shownOn = where;
    this.silenceTold = false;
    where.transcript.append(text);
    this.answer();
    const { until } = this.options;
    if (until !== undefined && where.transcript.includes(until)) this.finish(STATUS_OK);
  }

  /** Tells of a guest that idles in silence, if a text is waited for or the last one stands where nobody looks. */
  private listen(): void {
    const { until, replies } = this.options;
    const waits = until !== undefined || this.nextReply < replies.length || this.shownOn === this.screen;
    if (this.silenceTold || !waits || performance.now() - this.shownAtMs < SILENCE_MS || this.machine.statistics().idleShare < IDLE_SHARE) return;
    this.silenceTold = true;
    this.say(`the guest idles, and has shown nothing for ${SILENCE_MS / 1000} seconds${quoted(this.machine.lastWords)}`);
  }

  /** Types the replies whose turn it is. */
  private answer(): void {
    const { replies } = this.options;
    while (this.nextReply < replies.length) {
      const { text, reply } = replies[this.nextReply];
      const where = this.watched.find((watched) => watched.transcript.take(text));
      if (where === undefined) return;
      this.nextReply++;
      where.answer(reply);
      // The same text on another screen is answered with this. Another text may well have come before this one there.
      for (const other of this.watched) if (other !== where) other.transcript.skip(text);
    }
  }

  /** A guest that starts again and again is told of once. */
  private onReset(cause: ResetCause, lastWords: readonly string[]): void {
    if (cause !== 'triple-fault' || this.crashed) return;
    this.crashed = true;
    this.say(`${CRASH}, and it starts again${quoted(lastWords)}`);
  }

  private onStuck(lastWords: readonly string[]): void {
    this.lookAtScreen();
    this.fail(`${STUCK}${quoted(lastWords)}`, STATUS_FAILED);
  }

  private onExit(exit: MachineExit): void {
    this.lookAtScreen();
    if (exit.reason === 'debug-exit') this.finish(exit.status);
    else if (exit.reason === 'triple-fault') this.fail(`${CRASH}${quoted(this.machine.lastWords)}`, STATUS_FAILED);
    else if (this.options.until === undefined) this.finish(STATUS_OK);
    else this.fail(`the guest ended (${exit.reason}) without showing “${this.options.until}”${quoted(this.machine.lastWords)}`, STATUS_FAILED);
  }

  private onError(error: Error): void {
    this.fail(error instanceof EmulatorError ? error.message : (error.stack ?? error.message), STATUS_FAILED);
  }

  private onTimeout(): void {
    const { until, timeoutMs } = this.options;
    const what = until === undefined ? '' : ` without “${until}”`;
    this.fail(`${timeoutMs! / 1000} seconds are over${what}${quoted(this.machine.lastWords)}`, STATUS_TIMEOUT);
  }

  private fail(message: string, status: number): void {
    if (this.finished) return;
    this.say(message);
    this.finish(status);
  }

  private say(message: string): void {
    this.streams.errors.write(`coracle: ${message}\n`);
  }

  private takeScreenshot(): void {
    const path = this.options.screenshot;
    if (path === undefined) return;
    try {
      writeFileSync(path, encodePng(this.machine.screenshot()));
    } catch (error) {
      this.streams.errors.write(`coracle: the screenshot cannot be written: ${(error as Error).message}\n`);
    }
  }
}

const CRASH = 'the guest crashed: its processor could not deliver an exception (triple fault)';
const STUCK =
  'the guest stopped: its processor halts with interrupts off, and nothing will wake it (kernels do so where -cpu or -m gives less than they need)';

function quoted(lastWords: readonly string[]): string {
  return lastWords.length === 0 ? '' : `; its last words:\n${lastWords.map((line) => `  ${line}`).join('\n')}`;
}

function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new EmulatorError('bad-option', `${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
