/** Which references this machine has. */
import { execFileSync } from 'node:child_process';
import { buildHost } from './native.ts';

function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The host's processor, for 64-bit code. */
export const hasHost = (): boolean => process.platform === 'linux' && process.arch === 'x64' && runs('gcc', '--version');
export const hasQemu = (): boolean => runs('gcc', '--version') && runs('qemu-system-i386', '--version');
/** The host's processor for code of 32 and 16 bits too: the kernel has compatibility mode and modify_ldt. */
export const hasSegments = (): boolean => hasHost() && runs(buildHost('execute'), 'probe');
