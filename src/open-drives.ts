/** The disks, CDs, floppies and virtio devices of a machine, opened and checked. */
import type { DriveOption, MachineOptions } from './create-machine.ts';
import type { DrivePosition, DriveSpec } from './devices/ide/piix3-ide.ts';
import { EmulatorError } from './errors.ts';
import type { VirtioSpec } from './machine/boards/virtio-functions.ts';
import type { MachineHost } from './machine/host.ts';
import { checkDisk, checkFloppy, SNIFF_BYTES } from './machine/loaders/sniff.ts';
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
  const openDisk = async (option: DriveOption, name: string): Promise<BlockBackend> => {
    const backend = await open(option);
    checkDisk(await startOf(backend), backend.sizeBytes, 'disk', name);
    return backend;
  };
  try {
    const drives = await openIdeDrives(options, open, openDisk);
    const floppies = await openFloppies(options, open);
    return { drives, floppies, virtio: await openVirtio(options.virtio ?? [], { host, openDisk, openFolder: options.openFolder }), backends };
  } catch (error) {
    for (const backend of backends) void backend.close();
    throw error;
  }
}

type Open = (option: DriveOption) => Promise<BlockBackend>;

async function openIdeDrives(
  options: MachineOptions, open: Open, openDisk: (option: DriveOption, name: string) => Promise<BlockBackend>,
): Promise<Drives['drives']> {
  const drives: Partial<Record<DrivePosition, DriveSpec>> = {};
  for (const [position, name] of (['hda', 'hdb', 'hdc', 'hdd'] as const).entries()) {
    const option = options[name];
    if (option === undefined) continue;
    drives[position as DrivePosition] = { kind: 'disk', backend: await openDisk(option, name) };
  }
  if (options.cdrom !== undefined) {
    const medium = await open(options.cdrom);
    checkDisk(await startOf(medium), medium.sizeBytes, 'cd', 'cdrom');
    drives[2] = { kind: 'cdrom', medium };
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
    checkFloppy(floppy.sizeBytes, name);
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

function startOf(backend: BlockBackend): Uint8Array | Promise<Uint8Array> {
  return backend.read(0, Math.min(backend.sizeBytes, SNIFF_BYTES));
}
