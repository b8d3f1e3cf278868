/**
 * A minimal Debian 12 with systemd, and the programs that `checks` runs in it, as an ext4 file system on a whole disk.
 * It is made by mmdebstrap, which is Debian's debootstrap on top of apt, and started by the kernels and initramfs of the
 * recipes beside this one with `root=LABEL=coracle`. [mmdebstrap(1)]
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Apt } from '../lib/apt.ts';
import { CACHE, SYSTEMS } from '../lib/paths.ts';
import { step } from '../lib/report.ts';
import { findTool, run } from '../lib/tools.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const SUITE = 'bookworm';
const SIZE_BYTES = 1024 * 1024 * 1024;
const INCLUDE = [
  ...['systemd-sysv', 'udev', 'dbus', 'kmod', 'procps', 'iproute2'],
  ...['python3', 'libpython3.11-testsuite', 'perl', 'gcc', 'libc6-dev', 'openssl', 'sqlite3', 'git', 'openssh-client', 'stress-ng', 'fio'],
];
/** What apt-get is to install in the guest: a program and the two libraries that it needs. */
const LOCAL_PACKAGES = ['jq', 'libjq1', 'libonig5'];

export type SystemArchitecture = 'amd64' | 'i386';

/** Where the disk of an architecture is, once it is made. */
export function systemDisk(architecture: SystemArchitecture): string {
  return join(SYSTEMS, `debian-${architecture}.img`);
}

/** Makes the disk. */
export async function buildSystemDisk(apt: Apt, architecture: SystemArchitecture): Promise<void> {
  const image = systemDisk(architecture), work = join(CACHE, 'work/debian-systemd', architecture);
  const archives = join(work, 'archives'), local = join(work, 'packages');
  rmSync(local, { recursive: true, force: true });
  for (const folder of [archives, local]) mkdirSync(folder, { recursive: true });
  for (const name of LOCAL_PACKAGES) {
    const file = await apt.download(`${name}:${architecture}`);
    cpSync(file, join(local, basename(file)));
  }
  const sources = join(work, 'sources.list');
  writeFileSync(sources, apt.debianSources());
  const mke2fs = await findTool('mke2fs', apt);
  step(`Debian ${architecture} with systemd, by mmdebstrap: about a minute, and 130 MB to fetch at first`);
  run(
    await findTool('mmdebstrap', apt),
    [
      '--quiet', '--variant=minbase', `--architectures=${architecture}`, '--format=null', `--include=${INCLUDE.join(',')}`,
      '--aptopt=APT::Install-Recommends "false"',
      // Packages stay for the next time; that the processor runs 32-bit programs is found out by running them.
      '--skip=check/qemu,download/empty,essential/unlink',
      '--setup-hook=mkdir -p "$1/var/cache/apt/archives"', `--setup-hook=sync-in "${archives}" /var/cache/apt/archives`,
      `--customize-hook=sync-out /var/cache/apt/archives "${archives}"`, `--customize-hook=${join(HERE, 'make-disk')}`,
      SUITE, '/dev/null', sources,
    ],
    { ...mke2fs.env, FILES: join(HERE, 'root'), PACKAGES: local, MKE2FS: mke2fs.path, IMAGE: image, SIZE: String(SIZE_BYTES / 1024) },
  );
}
