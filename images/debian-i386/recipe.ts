/**
 * The Debian i386 guests: the distribution's own kernel, unmodified, with busybox from memory ("debian-i386") and from
 * a hard disk that boots through firmware and a boot loader ("debian-i386-disk").
 */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Firmware } from '../../bios/fetch.ts';
import { BIOS_FILE, VGA_BIOS_FILE } from '../../bios/fetch.ts';
import type { Apt } from '../lib/apt.ts';
import { guestFile } from '../lib/guest-file.ts';
import { moduleClosure } from '../lib/modules.ts';
import { CACHE, GUESTS } from '../lib/paths.ts';
import { formatBytes, step } from '../lib/report.ts';
import type { Guest } from '../manifest.ts';
import { buildDisk } from './disk.ts';
import { buildInitramfs, INITRAMFS_MODULES } from './initramfs.ts';

const FOLDER = 'debian-i386';
const READY = 'coracle: shell ready on /dev/ttyS0';
const MARKERS = { ready: READY, prompt: 'coracle:~# ', powerOff: 'poweroff' } as const;

/** Fetches, assembles and describes the guests. */
export async function buildDebianGuests(apt: Apt, firmware: Firmware): Promise<Guest[]> {
  // linux-image-686 is an empty package that depends on the newest kernel's.
  const kernelPackage = /linux-image-[\w.-]+-686\b/.exec(apt.show('linux-image-686:i386').depends)?.[0];
  if (kernelPackage === undefined) throw new Error('linux-image-686 names no kernel package');
  const kernelVersion = apt.show(`${kernelPackage}:i386`).version;
  const kernelFiles = await apt.unpack(`${kernelPackage}:i386`);
  const busybox = await apt.unpack('busybox-static:i386');
  const [release] = readdirSync(join(kernelFiles, 'lib/modules'));

  mkdirSync(join(GUESTS, FOLDER), { recursive: true });
  const kernel = join(GUESTS, FOLDER, 'vmlinuz');
  // Not named .gz: static servers send such files as if the transfer had compressed them, and browsers unpack them.
  const initrd = join(GUESTS, FOLDER, 'initrd.img');
  const disk = join(GUESTS, FOLDER, 'disk.img');
  copyFileSync(join(kernelFiles, `boot/vmlinuz-${release}`), kernel);
  const modules = moduleClosure(join(kernelFiles, 'lib/modules', release), INITRAMFS_MODULES);
  const archive = buildInitramfs(busybox, release, modules);
  writeFileSync(initrd, archive);
  step(`initrd.img: busybox and ${modules.length} kernel modules, ${formatBytes(archive.length)}`);
  await buildDisk(apt, disk, { kernel, initrd, busyboxPackage: busybox, work: join(CACHE, 'work', FOLDER) });
  step('disk.img: syslinux, kernel and an ext4 root');

  const contents = `Linux ${release} (${kernelVersion}), busybox ${apt.show('busybox-static:i386').version}`;
  return [
    {
      name: 'debian-i386',
      title: 'Debian i386, busybox',
      description: 'Debian’s 32-bit kernel, loaded directly, with a busybox shell on the serial port and the screen.',
      memoryMiB: 128,
      append: 'console=tty0 console=ttyS0,115200',
      files: [guestFile('kernel', `${FOLDER}/vmlinuz`), guestFile('initrd', `${FOLDER}/initrd.img`)],
      markers: MARKERS,
      contents,
    },
    {
      name: 'debian-i386-disk',
      title: 'Debian i386 from a hard disk',
      description: 'SeaBIOS starts syslinux from an IDE disk, and the kernel has its root file system there too.',
      memoryMiB: 128,
      bootDevice: 'hda',
      files: [
        guestFile('bios', `firmware/${BIOS_FILE}`),
        guestFile('vgaBios', `firmware/${VGA_BIOS_FILE}`),
        guestFile('hda', `${FOLDER}/disk.img`),
      ],
      markers: MARKERS,
      contents: `SeaBIOS ${firmware.version}, syslinux, ${contents}`,
    },
  ];
}
