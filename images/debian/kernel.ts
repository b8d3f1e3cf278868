/** Debian's kernel of one flavour with an initramfs for it: what every Debian guest here starts with. */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Apt } from '../lib/apt.ts';
import { moduleClosure } from '../lib/modules.ts';
import { formatBytes, step } from '../lib/report.ts';
import type { Guest } from '../manifest.ts';
import { buildInitramfs, FILE_SYSTEM_MODULES } from './initramfs.ts';

/** Every guest shows these, on the serial port and where it has one on the screen. */
export const MARKERS = { ready: 'coracle: shell ready on /dev/ttyS0', prompt: 'coracle:~# ', powerOff: 'poweroff' } satisfies Guest['markers'];
/** The last console is the one that the first process has. */
export const SERIAL_CONSOLE = 'console=ttyS0,115200';
export const BOTH_CONSOLES = `console=tty0 ${SERIAL_CONSOLE}`;

export interface KernelChoice {
  /** What follows `linux-image-` in the name of the package that depends on the newest kernel. */
  readonly flavour: string;
  readonly architecture: 'i386' | 'amd64';
  /** Drivers that the initramfs holds besides file systems. */
  readonly drivers: readonly string[];
  /** Where `vmlinuz` and `initrd.img` go. */
  readonly folder: string;
}

export interface KernelFiles {
  readonly kernel: string;
  readonly initrd: string;
  /** Unpacked package of the same architecture. */
  readonly busyboxPackage: string;
  /** Names and versions, for people. */
  readonly contents: string;
}

/** Fetches the packages and puts kernel and initramfs into the folder. */
export async function fetchKernel(apt: Apt, { flavour, architecture, drivers, folder }: KernelChoice): Promise<KernelFiles> {
  const kernelPackage = new RegExp(`linux-image-\\d[^ ,]*-${flavour}(?![\\w-])`).exec(apt.show(`linux-image-${flavour}:${architecture}`).depends)?.[0];
  if (kernelPackage === undefined) throw new Error(`linux-image-${flavour} names no kernel package`);
  const kernelVersion = apt.show(`${kernelPackage}:${architecture}`).version;
  const kernelFiles = await apt.unpack(`${kernelPackage}:${architecture}`);
  const busyboxPackage = await apt.unpack(`busybox-static:${architecture}`);
  const [release] = readdirSync(join(kernelFiles, 'lib/modules'));

  mkdirSync(folder, { recursive: true });
  const kernel = join(folder, 'vmlinuz');
  // Not named .gz: static servers send such files as if the transfer had compressed them, and browsers unpack them.
  const initrd = join(folder, 'initrd.img');
  copyFileSync(join(kernelFiles, `boot/vmlinuz-${release}`), kernel);
  const modules = moduleClosure(join(kernelFiles, 'lib/modules', release), [...drivers, ...FILE_SYSTEM_MODULES]);
  const archive = buildInitramfs(busyboxPackage, release, modules);
  writeFileSync(initrd, archive);
  step(`initrd.img for ${release}: busybox and ${modules.length} kernel modules, ${formatBytes(archive.length)}`);
  const contents = `Linux ${release} (${kernelVersion}), busybox ${apt.show(`busybox-static:${architecture}`).version}`;
  return { kernel, initrd, busyboxPackage, contents };
}
