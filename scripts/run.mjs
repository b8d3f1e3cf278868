/** Runs a command and passes its output through; the first that fails ends the script with its exit code. */
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** `tool`: an executable of node_modules/.bin, or `node`. */
export function run(title, tool, ...args) {
  console.log(`\n── ${title}`);
  const command = tool === 'node' ? process.execPath : resolve(ROOT, 'node_modules/.bin', tool);
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
