/**
 * A hard-disk image that boots by itself: an MBR, a FAT16 partition with syslinux, the kernel and the initramfs, and
 * an ext4 partition with the root file system. Made without mounts, loop devices or root.
 * [syslinux doc/syslinux.txt; mtools(1) "drive@@offset"; mke2fs(8) -d]
 */
import {
  chmodSync,
  closeSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Apt } from '../lib/apt.ts';
import { PARTITION_FAT16_LBA, PARTITION_LINUX, SECTOR_SIZE, writeMbr } from '../lib/mbr.ts';
import { findTool, run } from '../lib/tools.ts';
import { commonTree, HERE, type Tree, textFile } from './tree.ts';

const MIB = 1024 * 1024;
const BOOT_START = MIB;
const BOOT_SIZE = 15 * MIB;
const ROOT_START = BOOT_START + BOOT_SIZE;
const ROOT_SIZE = 32 * MIB;
/** Fixed where a tool would draw lots or look at the clock: 2024-01-01 00:00 UTC. */
const EPOCH = '1704067200';
const DISK_SIGNATURE = 0xc04ac1e0;
const FAT_SERIAL = 'C04AC1E1';
const ROOT_UUID = 'c04ac1e2-0000-4000-8000-000000000001';

export interface DiskInputs {
  readonly kernel: string;
  readonly initrd: string;
  readonly busyboxPackage: string;
  /** Folder for what is made on the way. */
  readonly work: string;
}

export async function buildDisk(apt: Apt, image: string, inputs: DiskInputs): Promise<void> {
  rmSync(inputs.work, { recursive: true, force: true });
  mkdirSync(inputs.work, { recursive: true });
  const syslinuxPackage = await apt.unpack('syslinux-common');
  const bootCode = readFileSync(join(syslinuxPackage, 'usr/lib/syslinux/mbr/mbr.bin'));
  const sectors = (bytes: number): number => bytes / SECTOR_SIZE;
  const mbr = writeMbr(bootCode, DISK_SIGNATURE, [
    { type: PARTITION_FAT16_LBA, active: true, firstSector: sectors(BOOT_START), sectors: sectors(BOOT_SIZE) },
    { type: PARTITION_LINUX, active: false, firstSector: sectors(ROOT_START), sectors: sectors(ROOT_SIZE) },
  ]);
  writeFileSync(image, mbr);
  truncateSync(image, ROOT_START + ROOT_SIZE);
  await fillBootPartition(apt, image, inputs);
  await fillRootPartition(apt, image, inputs);
}

async function fillBootPartition(apt: Apt, image: string, inputs: DiskInputs): Promise<void> {
  const mtools = await findTool('mtools', apt);
  const syslinux = await findTool('syslinux', apt);
  const drive = `${image}@@${BOOT_START}`;
  // syslinux calls mcopy and mattrib by name.
  const env = {
    SOURCE_DATE_EPOCH: EPOCH,
    MTOOLS_SKIP_CHECK: '1',
    PATH: `${dirname(mtools.path)}${delimiter}${process.env['PATH'] ?? ''}`,
  };
  const geometry = ['-T', String(BOOT_SIZE / SECTOR_SIZE), '-h', '255', '-s', '63', '-H', String(BOOT_START / SECTOR_SIZE)];
  run(mtools, ['-c', 'mformat', '-i', drive, ...geometry, '-c', '4', '-N', FAT_SERIAL, '-v', 'CORACLE', '::'], env);
  run(syslinux, ['--offset', String(BOOT_START), '--install', image], env);
  const files = [
    [join(HERE, 'disk/syslinux.cfg'), 'syslinux.cfg'],
    [inputs.kernel, 'vmlinuz'],
    [inputs.initrd, 'initrd.gz'],
  ];
  for (const [source, name] of files) run(mtools, ['-c', 'mcopy', '-i', drive, source, `::${name}`], env);
}

async function fillRootPartition(apt: Apt, image: string, inputs: DiskInputs): Promise<void> {
  const tree = commonTree(inputs.busyboxPackage);
  tree.set('etc/motd', textFile('disk', 'motd'));
  tree.set('etc/fstab', textFile('disk', 'fstab'));
  const folder = join(inputs.work, 'root');
  writeTree(folder, tree);
  const partition = join(inputs.work, 'root.ext4');
  writeFileSync(partition, '');
  truncateSync(partition, ROOT_SIZE);
  const mke2fs = await findTool('mke2fs', apt);
  const options = ['-q', '-F', '-t', 'ext4', '-b', '1024', '-L', 'coracle', '-U', ROOT_UUID, '-m', '0'];
  const extended = `hash_seed=${ROOT_UUID},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`;
  run(mke2fs, [...options, '-E', extended, '-d', folder, partition], { E2FSPROGS_FAKE_TIME: EPOCH });
  await settleInodes(apt, partition, tree);
  const file = openSync(image, 'r+');
  writeSync(file, readFileSync(partition), 0, ROOT_SIZE, ROOT_START);
  closeSync(file);
}

/** `mke2fs -d` copies owners and times of change; here every file becomes root's, and as old as all others. */
async function settleInodes(apt: Apt, partition: string, tree: Tree): Promise<void> {
  const debugfs = await findTool('debugfs', apt);
  const names = new Set(['lost+found', ...tree.keys()]);
  for (const name of tree.keys()) {
    const parts = name.split('/');
    for (let length = 1; length < parts.length; length++) names.add(parts.slice(0, length).join('/'));
  }
  const fields = [...['uid', 'gid'].map((field) => `${field} 0`), ...['ctime', 'crtime'].map((field) => `${field} @${EPOCH}`)];
  const nanoseconds = ['atime_extra', 'ctime_extra', 'mtime_extra', 'crtime_extra'].map((field) => `${field} 0`);
  const commands = ['/', ...[...names].map((name) => `/${name}`)].flatMap((path) =>
    [...fields, `atime @${EPOCH}`, `mtime @${EPOCH}`, ...nanoseconds].map((field) => `sif ${path} ${field}`),
  );
  run(debugfs, ['-w', '-f', '-', partition], { E2FSPROGS_FAKE_TIME: EPOCH }, Buffer.from(`${commands.join('\n')}\n`));
}

/** Puts a tree on the host's file system; `mke2fs -d` takes it from there. */
function writeTree(folder: string, tree: Tree): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, entry] of tree) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (entry.kind === 'directory') {
      mkdirSync(path, { recursive: true });
      chmodSync(path, entry.mode ?? 0o755);
    } else if (entry.kind === 'file') {
      writeFileSync(path, entry.data);
      chmodSync(path, entry.mode ?? 0o644);
    } else if (entry.kind === 'link') {
      symlinkSync(entry.target, path);
    }
  }
  setTimes(folder);
}

/** Gives everything one time of change; folders last, since filling them changes theirs. */
function setTimes(path: string): void {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) setTimes(join(path, name));
  lutimesSync(path, Number(EPOCH), Number(EPOCH));
}
