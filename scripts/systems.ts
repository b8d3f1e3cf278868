/**
 * Makes what only the guest tests boot, in `.cache/systems/`: disks of installed systems, and programs as they come in
 * Debian's packages. `npx tsx scripts/systems.ts [--long]`; `--long` adds what the long tests need. What is there and whose
 * recipe has not changed is kept, without asking the network.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSystemDisk, systemDisk } from '../images/debian-systemd/recipe.ts';
import { Apt, announce } from '../images/lib/apt.ts';
import { sha256Tree } from '../images/lib/checksum.ts';
import { CACHE, GUESTS, ROOT, SYSTEMS } from '../images/lib/paths.ts';
import { formatBytes, step, warn } from '../images/lib/report.ts';
import { buildUefiDisk } from '../images/uefi/recipe.ts';

const INSTALLER = 'usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';

interface System {
  readonly file: string;
  /** Folder below images/ that holds its recipe; absent for a file that comes as it is. */
  readonly recipe?: string;
  readonly long?: boolean;
  /** Its recipe runs the scripts of packages in a root of their own, which only root may. */
  readonly root?: boolean;
  make(apt: Apt, path: string): Promise<void>;
}

const unpacked = (packageName: string, path: string) => async (apt: Apt, target: string): Promise<void> =>
  copyFileSync(join(await apt.unpack(packageName), path), target);

const SYSTEMS_MADE: readonly System[] = [
  ...(['amd64', 'i386'] as const).map((architecture) => ({
    file: basename(systemDisk(architecture)), recipe: 'debian-systemd', root: true, make: (apt: Apt) => buildSystemDisk(apt, architecture),
  })),
  // The kernel for clouds has no 9p.
  ...(['vmlinuz', 'initrd.img'] as const).map((name) => ({
    file: `debian-amd64-full-${name}`, recipe: 'debian', make: async (_apt: Apt, path: string) => copyFileSync(join(CACHE, 'work/debian-amd64/boot', name), path),
  })),
  { file: 'OVMF.fd', make: unpacked('ovmf', 'usr/share/ovmf/OVMF.fd') },
  {
    file: 'uefi.img', recipe: 'uefi',
    make: (apt, path) => buildUefiDisk(apt, path, join(GUESTS, 'debian-amd64/vmlinuz'), join(GUESTS, 'debian-amd64/initrd.img')),
  },
  { file: 'memtest86+x64.bin', make: unpacked('memtest86+:amd64', 'boot/memtest86+x64.bin') },
  { file: 'installer-vmlinuz', long: true, make: unpacked('debian-installer-12-netboot-amd64', `${INSTALLER}/linux`) },
  { file: 'installer-initrd.gz', long: true, make: unpacked('debian-installer-12-netboot-amd64', `${INSTALLER}/initrd.gz`) },
];

let apt: Apt | undefined;
async function openApt(): Promise<Apt> {
  const fresh = new Apt();
  fresh.open();
  announce(fresh);
  await fresh.update();
  return fresh;
}

mkdirSync(SYSTEMS, { recursive: true });
for (const { file, recipe, long, root, make } of SYSTEMS_MADE) {
  if (long && !process.argv.includes('--long')) continue;
  const path = join(SYSTEMS, file), stamp = `${path}.recipe`;
  const version = recipe === undefined ? '' : sha256Tree([join(ROOT, 'images', recipe)]);
  if (existsSync(path) && existsSync(stamp) && readFileSync(stamp, 'utf8') === version) continue;
  rmSync(stamp, { force: true });
  if (root && process.getuid?.() !== 0) {
    rmSync(path, { force: true });
    warn(`${file} is not made, and what needs it is not tested: only root can install packages into a disk; run as root, in a container or so`);
    continue;
  }
  await make((apt ??= await openApt()), path);
  writeFileSync(stamp, version);
  step(`${file}: ${formatBytes(statSync(path).size)}`);
}
