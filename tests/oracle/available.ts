/** Which references this machine has. */
import { execFileSync } from 'node:child_process';

function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const hasHost = (): boolean => process.platform === 'linux' && process.arch === 'x64' && runs('gcc', '--version');
export const hasQemu = (): boolean => runs('gcc', '--version') && runs('qemu-system-i386', '--version');
