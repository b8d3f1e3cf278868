/**
 * A disk that UEFI firmware boots: an EFI system partition with Debian's GRUB, a kernel and an initramfs.
 * [UEFI 2.10 3.5.1.1 "Removable Media Boot Behavior", 5.2 "MBR"]
 */
import { truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Apt } from '../lib/apt.ts';
import { SECTOR_SIZE, writeMbr } from '../lib/mbr.ts';
import { findTool, run } from '../lib/tools.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const MIB = 1024 * 1024;
const START = MIB;
const SIZE = 47 * MIB;
const PARTITION_EFI_SYSTEM = 0xef;
const DISK_SIGNATURE = 0xc04ac1e4;

/** Makes the image at `image`. */
export async function buildUefiDisk(apt: Apt, image: string, kernel: string, initrd: string): Promise<void> {
  const sectors = SIZE / SECTOR_SIZE;
  const mbr = writeMbr(new Uint8Array(), DISK_SIGNATURE, [{ type: PARTITION_EFI_SYSTEM, active: false, firstSector: START / SECTOR_SIZE, sectors }]);
  writeFileSync(image, mbr);
  truncateSync(image, START + SIZE);
  const mtools = await findTool('mtools', apt);
  const grub = join(await apt.unpack('grub-efi-amd64-bin:amd64'), 'usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi');
  const mtool = (name: string, ...args: string[]): void => run(mtools, ['-c', name, '-i', `${image}@@${START}`, ...args], { MTOOLS_SKIP_CHECK: '1' });
  mtool('mformat', '-T', String(sectors), '-h', '255', '-s', '63', '-H', String(START / SECTOR_SIZE), '::');
  mtool('mmd', '::EFI', '::EFI/BOOT', '::boot', '::boot/grub', '::.disk');
  for (const [source, name] of [[grub, 'EFI/BOOT/BOOTX64.EFI'], [kernel, 'vmlinuz'], [initrd, 'initrd.img'], [join(HERE, 'grub.cfg'), 'boot/grub/grub.cfg']]) {
    mtool('mcopy', source, `::${name}`);
  }
  // GRUB finds its disk by this file; nobody reads it.
  mtool('mcopy', join(HERE, 'grub.cfg'), '::.disk/info');
}
