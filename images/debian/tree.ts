/**
 * What the initramfs and the disk's root have in common: busybox with a link for each of its applets, and the
 * configuration below `common/`.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CpioEntry } from '../lib/cpio.ts';

export const HERE = dirname(fileURLToPath(import.meta.url));
export type Tree = Map<string, CpioEntry>;

/** Applets that init or a person expects in /sbin; all others are in /bin. */
const SBIN = new Set([
  ...['init', 'poweroff', 'reboot', 'halt', 'modprobe', 'insmod', 'rmmod', 'lsmod', 'depmod', 'switch_root', 'getty'],
  ...['ifconfig', 'route', 'ip', 'udhcpc', 'mkswap', 'swapon', 'swapoff', 'sysctl', 'losetup', 'blkdiscard', 'blockdev'],
]);

/** Applets that would get in the way: they only work with a package database or a PID file of their own. */
const LEFT_OUT = new Set(['busybox', 'dpkg', 'dpkg-deb', 'rpm', 'linuxrc', 'run-init', 'ubirename', 'mim', 'svc', 'svok']);

/** busybox keeps its applets' names as one block of NUL-terminated strings, in order, from "[" on. */
export function busyboxApplets(binary: Buffer): string[] {
  const start = binary.indexOf('\0[\0[[\0');
  const end = binary.indexOf('\0zcat\0', start);
  if (start < 0 || end < 0) throw new Error('busybox: the table of applets is not where it should be');
  const names = binary.subarray(start + 1, end + '\0zcat'.length).toString('latin1').split('\0');
  for (const needed of ['init', 'sh', 'mount', 'modprobe', 'switch_root', 'poweroff', 'reboot']) {
    if (!names.includes(needed)) throw new Error(`busybox has no ${needed}`);
  }
  return names;
}

export function textFile(folder: string, name: string, mode = 0o644): CpioEntry {
  return { kind: 'file', data: readFileSync(join(HERE, folder, name)), mode };
}

export function commonTree(busyboxPackage: string): Tree {
  const binary = readFileSync(join(busyboxPackage, 'bin/busybox'));
  const tree: Tree = new Map();
  tree.set('bin/busybox', { kind: 'file', data: binary, mode: 0o755 });
  for (const name of busyboxApplets(binary)) {
    if (LEFT_OUT.has(name)) continue;
    const inSbin = SBIN.has(name);
    tree.set(`${inSbin ? 'sbin' : 'bin'}/${name}`, { kind: 'link', target: inSbin ? '../bin/busybox' : 'busybox' });
  }
  for (const name of ['dev', 'proc', 'sys', 'run', 'mnt']) tree.set(name, { kind: 'directory' });
  tree.set('root', { kind: 'directory', mode: 0o700 });
  tree.set('tmp', { kind: 'directory', mode: 0o1777 });
  for (const name of ['inittab', 'profile', 'passwd', 'group']) tree.set(`etc/${name}`, textFile('common', name));
  for (const name of ['rc.start', 'rc.stop']) tree.set(`etc/${name}`, textFile('common', name, 0o755));
  return tree;
}
