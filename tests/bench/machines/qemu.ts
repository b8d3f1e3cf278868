/** QEMU with its own compiler to native code (TCG), where it is installed. */
import { spawnSync } from 'node:child_process';
import type { GuestFiles } from '../artifacts.ts';
import type { GuestName } from './machine.ts';
import { ProcessMachine } from './process-machine.ts';

const PROGRAMS: Record<GuestName, string> = { i386: 'qemu-system-i386', amd64: 'qemu-system-x86_64' };

/** First line of its version, or undefined. */
export function qemuVersion(guest: GuestName): string | undefined {
  const result = spawnSync(PROGRAMS[guest], ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n')[0] : undefined;
}

export function qemuMachine(name: GuestName, { guest, kernel, initrd }: GuestFiles, memoryMiB: number): ProcessMachine {
  const args = [
    '-accel', 'tcg', '-m', String(memoryMiB), '-kernel', kernel, '-initrd', initrd, '-append', guest.append ?? '',
    '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-net', 'none', '-no-reboot',
  ];
  return new ProcessMachine('tcg', { program: PROGRAMS[name], args }, guest);
}
