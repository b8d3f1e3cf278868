/** The disks, CDs, floppies and virtio devices of a machine, opened and checked. */
import type { DriveOption, MachineOptions } from './create-machine.ts';
import type { DrivePosition, DriveSpec } from './devices/ide/piix3-ide.ts';
import { EmulatorError } from './errors.ts';
import type { VirtioSpec } from './machine/boards/virtio-functions.ts';
import type { MachineHost } from './machine/host.ts';
import { checkDisk, checkFloppy, suitsFirmware, SNIFF_BYTES } from './machine/loaders/sniff.ts';
import type { BlockBackend } from './storage/block.ts';
import { openImage, type OpenOptions } from './storage/open.ts';
import { openVirtio } from './virtio-options.ts';

export interface Drives {
  readonly drives: Partial<Record<DrivePosition, DriveSpec>>;
  readonly floppies: readonly [BlockBackend | undefined, BlockBackend | undefined];
  readonly virtio: readonly VirtioSpec[];
  readonly backends: readonly BlockBackend[];
}

/** Closes what it opened when it fails. @throws EmulatorError */
export async function openDrives(options: MachineOptions, host: MachineHost): Promise<Drives> {
  if (options.cdrom !== undefined && options.hdc !== undefined) {
    throw new EmulatorError('bad-option', 'cdrom and hdc are the same place on the IDE bus; use hdd for one more disk');
  }
  const backends: BlockBackend[] = [];
  const open = async (option: DriveOption): Promise<BlockBackend> => {
    const backend = await openDrive(option, options.openPath);
    backends.push(backend);
    return backend;
  };
  const unstartable: string[] = [];
  const openMedium = (kind: 'disk' | 'cd'): OpenMedium => async (option, name) => {
    const backend = await open(option);
    const start = await startOf(backend);
    checkDisk(start, backend.sizeBytes, kind, name);
    if (!suitsFirmware(start)) unstartable.push(name);
    return backend;
  };
  const openDisk = openMedium('disk');
  try {
    const drives = await openIdeDrives(options, openDisk, openMedium('cd'));
    const floppies = await openFloppies(options, open);
    const virtio = await openVirtio(options.virtio ?? [], { host, openDisk, openFolder: options.openFolder });
    // Firmware would look for a system in vain; a floppy and a blank disk are left to it.
    if (options.kernel === undefined && unstartable.length > 0 && unstartable.length === backends.length) {
      const advice = 'a disk starts from a first sector that ends with 55 AA, a CD is ISO 9660; give an image that starts, or a kernel';
      throw new EmulatorError('bad-image', `there is nothing to start in ${unstartable.join(', ')}: ${advice}`);
    }
    return { drives, floppies, virtio, backends };
  } catch (error) {
    for (const backend of backends) void backend.close();
    throw error;
  }
}

const startOf = (backend: BlockBackend) => backend.read(0, Math.min(backend.sizeBytes, SNIFF_BYTES));

type Open = (option: DriveOption) => Promise<BlockBackend>;
type OpenMedium = (option: DriveOption, name: string) => Promise<BlockBackend>;

async function openIdeDrives(options: MachineOptions, openDisk: OpenMedium, openCd: OpenMedium): Promise<Drives['drives']> {
  const drives: Partial<Record<DrivePosition, DriveSpec>> = {};
  for (const [position, name] of (['hda', 'hdb', 'hdc', 'hdd'] as const).entries()) {
    const option = options[name];
    if (option === undefined) continue;
    drives[position as DrivePosition] = { kind: 'disk', backend: await openDisk(option, name) };
  }
  if (options.cdrom !== undefined) {
    drives[2] = { kind: 'cdrom', medium: await openCd(options.cdrom, 'cdrom') };
  } else {
    // QEMU's pc has an empty CD drive there.
    drives[2] ??= { kind: 'cdrom' };
  }
  return drives;
}

async function openFloppies(options: MachineOptions, open: Open): Promise<Drives['floppies']> {
  const floppies: [BlockBackend | undefined, BlockBackend | undefined] = [undefined, undefined];
  for (const [unit, name] of (['fda', 'fdb'] as const).entries()) {
    const option = options[name];
    if (option === undefined) continue;
    const floppy = await open(option);
    checkFloppy(await startOf(floppy), floppy.sizeBytes, name);
    floppies[unit] = floppy;
  }
  return floppies;
}

function openDrive(option: DriveOption, openPath: OpenOptions['openPath']): Promise<BlockBackend> {
  const plain = typeof option === 'string' || !('source' in option) ? { source: option } : option;
  return openImage(plain.source, {
    ...('writes' in plain && plain.writes !== undefined ? { writes: plain.writes } : {}),
    ...(openPath === undefined ? {} : { openPath }),
  });
}
