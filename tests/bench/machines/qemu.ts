/** QEMU with its own compiler to native code (TCG), where it is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { GuestFiles } from '../artifacts.ts';
import { type CommandResult, Console } from './console.ts';
import { type BenchMachine, BOOT_TIMEOUT_MS } from './machine.ts';

const PROGRAM = 'qemu-system-i386';

/** First line of its version, or undefined. */
export function qemuVersion(): string | undefined {
  const result = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n')[0] : undefined;
}

export class QemuMachine implements BenchMachine {
  readonly name = 'tcg';
  private readonly files: GuestFiles;
  private readonly memoryMiB: number;
  private child: ChildProcess | undefined;
  private terminal: Console | undefined;

  constructor(files: GuestFiles, memoryMiB: number) {
    this.files = files;
    this.memoryMiB = memoryMiB;
  }

  boot(): Promise<number> {
    const { guest, kernel, initrd } = this.files;
    const { append = '', markers } = guest;
    if (markers === undefined) throw new Error(`${guest.name} has no markers`);
    const start = (): void => {
      const child = spawn(PROGRAM, [
        '-accel', 'tcg', '-m', String(this.memoryMiB), '-kernel', kernel, '-initrd', initrd, '-append', append,
        '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-net', 'none', '-no-reboot',
      ], { stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdout.on('data', (data: Uint8Array) => terminal.log.push(data));
      this.child = child;
    };
    const terminal = new Console((data) => this.child?.stdin?.write(data), markers.prompt);
    this.terminal = terminal;
    return terminal.boot(start, markers.ready, BOOT_TIMEOUT_MS);
  }

  run(command: string, timeoutMs: number): Promise<CommandResult> {
    if (this.terminal === undefined) throw new Error('not booted');
    return this.terminal.run(command, timeoutMs);
  }

  async close(): Promise<void> {
    this.child?.kill('SIGKILL');
  }
}
