/** QEMU with its own compiler to native code (TCG), where it is installed. */
import { spawnSync } from 'node:child_process';
import type { GuestFiles } from '../artifacts.ts';
import { ProcessMachine } from './process-machine.ts';

const PROGRAM = 'qemu-system-i386';

/** First line of its version, or undefined. */
export function qemuVersion(): string | undefined {
  const result = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n')[0] : undefined;
}

export function qemuMachine({ guest, kernel, initrd }: GuestFiles, memoryMiB: number): ProcessMachine {
  const args = [
    '-accel', 'tcg', '-m', String(memoryMiB), '-kernel', kernel, '-initrd', initrd, '-append', guest.append ?? '',
    '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-net', 'none', '-no-reboot',
  ];
  return new ProcessMachine('tcg', { program: PROGRAM, args }, guest);
}
