/**
 * The initramfs: busybox, our `/init`, and the kernel modules for the board's devices and the usual file systems,
 * as a gzip-compressed cpio archive that is the same bytes for the same packages.
 */
import { gzipSync } from 'node:zlib';
import { type CpioEntry, writeCpio } from '../lib/cpio.ts';
import { type KernelModule, modulesAlias, modulesDep } from '../lib/modules.ts';
import { commonTree, textFile } from './tree.ts';

/** Drivers for what the boards have or will have, as far as a kernel for clouds comes with them. */
export const CLOUD_DRIVERS = [
  ...['ata_piix', 'sd_mod', 'sr_mod'],
  ...['virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_console', 'virtio_rng'],
] as const;
/** The same for a kernel that comes with every driver. */
export const PC_DRIVERS = [...CLOUD_DRIVERS, 'floppy', 'ne2k-pci', 'psmouse', '9p', '9pnet_virtio'] as const;

/** File systems that people bring along. ext4 asks for crc32c by name when it mounts. */
export const FILE_SYSTEM_MODULES = ['ext4', 'crc32c_generic', 'isofs', 'vfat', 'nls_cp437', 'nls_ascii', 'squashfs', 'overlay', 'loop'] as const;

export function buildInitramfs(busyboxPackage: string, release: string, modules: readonly KernelModule[]): Uint8Array {
  const tree = commonTree(busyboxPackage);
  tree.set('init', textFile('initramfs', 'init', 0o755));
  tree.set('etc/motd', textFile('initramfs', 'motd'));
  // The kernel opens /dev/console for the first process before anything is mounted.
  tree.set('dev/console', { kind: 'character-device', major: 5, minor: 1 });
  const base = `lib/modules/${release}`;
  const text = (data: string): CpioEntry => ({ kind: 'file', data: Buffer.from(data) });
  for (const module of modules) tree.set(`${base}/${module.path}`, { kind: 'file', data: module.data });
  tree.set(`${base}/modules.dep`, text(modulesDep(modules)));
  tree.set(`${base}/modules.alias`, text(modulesAlias(modules)));
  // gzip's header from zlib has no name and no time; its tenth byte names the system that made it: 3, Unix.
  const packed = gzipSync(writeCpio(tree), { level: 9 });
  packed[9] = 3;
  return packed;
}
