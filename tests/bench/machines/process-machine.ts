/** A machine in a process of its own whose standard input and output are the guest's serial port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Guest } from '../../../images/manifest.ts';
import { type CommandResult, Console } from './console.ts';
import { type BenchMachine, BOOT_TIMEOUT_MS, type MachineName } from './machine.ts';

/** A process that has not ended by itself by then is killed. */
const CLOSE_TIMEOUT_MS = 10_000;

export interface ProcessCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** What the process is told for its guest to start; without it the guest starts at once. */
  readonly loaded?: { readonly marker: string; readonly start: string };
}

export class ProcessMachine implements BenchMachine {
  readonly name: MachineName;
  private readonly command: ProcessCommand;
  private readonly markers: NonNullable<Guest['markers']>;
  private child: ChildProcess | undefined;
  private readonly terminal: Console;

  constructor(name: MachineName, command: ProcessCommand, guest: Guest) {
    if (guest.markers === undefined) throw new Error(`${guest.name} has no markers`);
    this.name = name;
    this.command = command;
    this.markers = guest.markers;
    this.terminal = new Console((data) => this.child?.stdin?.write(data), this.markers.prompt);
  }

  async boot(): Promise<number> {
    const { loaded } = this.command;
    if (loaded === undefined) return this.terminal.boot(() => this.start(), this.markers.ready, BOOT_TIMEOUT_MS);
    const isLoaded = this.terminal.log.waitFor(loaded.marker, 0, BOOT_TIMEOUT_MS);
    this.start();
    await isLoaded;
    return this.terminal.boot(() => this.child?.stdin?.write(loaded.start), this.markers.ready, BOOT_TIMEOUT_MS);
  }

  run(command: string, timeoutMs: number): Promise<CommandResult> {
    return this.terminal.run(command, timeoutMs);
  }

  async pause(): Promise<void> {
    this.child?.kill('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.child?.kill('SIGCONT');
  }

  async longestCompilePauseMs(): Promise<undefined> {}

  /** Input ends, so that a process that writes a profile at its end can do so. */
  async close(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    await this.resume();
    if (this.command.loaded === undefined) child.kill('SIGKILL');
    else child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  private start(): void {
    const { program, args } = this.command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.on('data', (data: Uint8Array) => this.terminal.log.push(data));
    // What is written to a process that has died is lost; the console's timeout tells of it.
    child.stdin.on('error', () => {});
    this.child = child;
  }
}
