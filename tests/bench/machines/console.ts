/** Boots a guest and runs commands at its shell, with the times at which markers arrive. Runs in the page and in Node. */
import { SerialLog } from './serial-log.ts';

export interface CommandResult {
  /** From the guest's line "@start" to its line "@end". */
  readonly ms: number;
  /** What the command wrote in between. */
  readonly output: string;
}

const LINE_START = '\n@start', LINE_END = '\n@end';

export class Console {
  readonly log = new SerialLog();
  private readonly send: (data: Uint8Array) => void;
  private readonly prompt: string;

  constructor(send: (data: Uint8Array) => void, prompt: string) {
    this.send = send;
    this.prompt = prompt;
  }

  /** Starts the machine; milliseconds until the shell takes commands. */
  async boot(start: () => void, ready: string, timeoutMs: number): Promise<number> {
    const startMs = performance.now();
    const shell = this.log.waitFor(ready, 0, timeoutMs);
    start();
    const readyMs = await shell;
    await this.log.waitFor(this.prompt, 0, timeoutMs);
    return readyMs - startMs;
  }

  /** Starts the machine, sends a request as soon as it is ready; milliseconds from the start to the answer. */
  async firstAnswer(start: () => void, ready: string, request: string, answer: string, timeoutMs: number): Promise<number> {
    const startMs = performance.now();
    const isReady = this.log.waitFor(ready, 0, timeoutMs);
    const answered = this.log.waitFor(answer, 0, timeoutMs);
    start();
    await isReady;
    this.send(new TextEncoder().encode(request));
    return (await answered) - startMs;
  }

  /** Runs a command that writes "@start" and "@end" around its work; see the guest's /bin/b. */
  async run(command: string, timeoutMs: number): Promise<CommandResult> {
    const from = this.log.length;
    const start = this.log.waitFor(LINE_START, from, timeoutMs);
    const end = this.log.waitFor(LINE_END, from, timeoutMs);
    const prompt = end.then(() => this.log.waitFor(this.prompt, from + command.length, timeoutMs));
    this.send(new TextEncoder().encode(`${command}\n`));
    const [startMs, endMs] = await Promise.all([start, end, prompt]);
    const lines = this.log.since(from).split(/\r?\n/);
    const first = lines.findIndex((line) => line.startsWith('@start'));
    const last = lines.findIndex((line) => line.startsWith('@end'));
    if (!lines[last].startsWith('@end 0')) throw new Error(`${command} failed in the guest: ${lines.slice(first, last + 1).join(' | ')}`);
    return { ms: endMs - startMs, output: lines.slice(first + 1, last).join('\n') };
  }
}
