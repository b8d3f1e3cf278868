/**
 * The Debian amd64 guests: the cloud kernel with busybox from memory, on a PC ("debian-amd64") and on a microvm
 * ("debian-amd64-microvm"), and the full kernel from a disk that boots through firmware and a boot loader, over
 * IDE ("debian-amd64-disk") and over virtio ("debian-amd64-virtio").
 */
import { join } from 'node:path';
import { type Firmware, firmwareFiles } from '../../bios/fetch.ts';
import { buildDisk } from '../debian/disk.ts';
import { CLOUD_DRIVERS, PC_DRIVERS } from '../debian/initramfs.ts';
import { BOTH_CONSOLES, fetchKernel, MARKERS, SERIAL_CONSOLE } from '../debian/kernel.ts';
import type { Apt } from '../lib/apt.ts';
import { guestFile } from '../lib/guest-file.ts';
import { CACHE, GUESTS } from '../lib/paths.ts';
import { step } from '../lib/report.ts';
import type { Guest } from '../manifest.ts';

const FOLDER = 'debian-amd64';
const WORK = join(CACHE, 'work', FOLDER);
/**
 * A microvm has no timer that Linux could check its measurement of the TSC against: it goes without a clock, and hangs,
 * where a busy host spoils that. The TSC counts nanoseconds. [Linux Documentation/admin-guide/kernel-parameters.txt]
 */
const TSC_FREQUENCY = 'tsc_early_khz=1000000';

/** Fetches, assembles and describes the guests. */
export async function buildDebianAmd64Guests(apt: Apt, firmware: Firmware): Promise<Guest[]> {
  const cloud = await fetchKernel(apt, { flavour: 'cloud-amd64', architecture: 'amd64', drivers: CLOUD_DRIVERS, folder: join(GUESTS, FOLDER) });
  const full = await fetchKernel(apt, { flavour: 'amd64', architecture: 'amd64', drivers: PC_DRIVERS, folder: join(WORK, 'boot') });
  await buildDisk(apt, join(GUESTS, FOLDER, 'disk.img'), { ...full, work: join(WORK, 'disk') });
  step('disk.img: syslinux, kernel and an ext4 root');
  const fromMemory = {
    memoryMiB: 128,
    files: [guestFile('kernel', `${FOLDER}/vmlinuz`), guestFile('initrd', `${FOLDER}/initrd.img`)],
    markers: MARKERS,
    contents: cloud.contents,
  };
  const fromDisk = { memoryMiB: 256, markers: MARKERS, contents: `SeaBIOS ${firmware.version}, syslinux, ${full.contents}` };
  return [
    {
      ...fromMemory,
      name: 'debian-amd64',
      title: 'Debian amd64, busybox',
      description: 'Debian’s 64-bit kernel for clouds, loaded directly, with a busybox shell on the serial port and the screen.',
      append: BOTH_CONSOLES,
    },
    {
      ...fromMemory,
      name: 'debian-amd64-microvm',
      title: 'Debian amd64 on a microvm',
      description: 'The same kernel on a board without firmware, PCI and display, so that there is little to look for.',
      machine: 'microvm',
      append: `${SERIAL_CONSOLE} ${TSC_FREQUENCY}`,
    },
    {
      ...fromDisk,
      name: 'debian-amd64-disk',
      title: 'Debian amd64 from a hard disk',
      description: 'SeaBIOS starts syslinux from an IDE disk, and Debian’s full 64-bit kernel has its root file system there too.',
      bootDevice: 'hda',
      files: [...firmwareFiles(), guestFile('hda', `${FOLDER}/disk.img`)],
    },
    {
      ...fromDisk,
      name: 'debian-amd64-virtio',
      title: 'Debian amd64 from a virtio disk',
      description: 'The same image on a paravirtual disk, which firmware and kernel reach over PCI.',
      files: [...firmwareFiles(), guestFile('virtioDisk', `${FOLDER}/disk.img`)],
    },
  ];
}
