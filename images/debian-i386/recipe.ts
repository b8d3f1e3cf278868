/**
 * The Debian i386 guests: the distribution's own kernel, unmodified, with busybox from memory ("debian-i386") and from
 * a hard disk that boots through firmware and a boot loader ("debian-i386-disk").
 */
import { join } from 'node:path';
import { type Firmware, firmwareFiles } from '../../bios/fetch.ts';
import { buildDisk } from '../debian/disk.ts';
import { PC_DRIVERS } from '../debian/initramfs.ts';
import { BOTH_CONSOLES, fetchKernel, MARKERS } from '../debian/kernel.ts';
import type { Apt } from '../lib/apt.ts';
import { guestFile } from '../lib/guest-file.ts';
import { CACHE, GUESTS } from '../lib/paths.ts';
import { step } from '../lib/report.ts';
import type { Guest } from '../manifest.ts';

const FOLDER = 'debian-i386';

/** Fetches, assembles and describes the guests. */
export async function buildDebianI386Guests(apt: Apt, firmware: Firmware): Promise<Guest[]> {
  const files = await fetchKernel(apt, { flavour: '686', architecture: 'i386', drivers: PC_DRIVERS, folder: join(GUESTS, FOLDER) });
  await buildDisk(apt, join(GUESTS, FOLDER, 'disk.img'), { ...files, work: join(CACHE, 'work', FOLDER) });
  step('disk.img: syslinux, kernel and an ext4 root');
  return [
    {
      name: 'debian-i386',
      title: 'Debian i386, busybox',
      description: 'Debian’s 32-bit kernel, loaded directly, with a busybox shell on the serial port and the screen.',
      memoryMiB: 128,
      append: BOTH_CONSOLES,
      files: [guestFile('kernel', `${FOLDER}/vmlinuz`), guestFile('initrd', `${FOLDER}/initrd.img`)],
      markers: MARKERS,
      contents: files.contents,
    },
    {
      name: 'debian-i386-disk',
      title: 'Debian i386 from a hard disk',
      description: 'SeaBIOS starts syslinux from an IDE disk, and the kernel has its root file system there too.',
      memoryMiB: 128,
      bootDevice: 'hda',
      files: [...firmwareFiles(), guestFile('hda', `${FOLDER}/disk.img`)],
      markers: MARKERS,
      contents: `SeaBIOS ${firmware.version}, syslinux, ${files.contents}`,
    },
  ];
}
