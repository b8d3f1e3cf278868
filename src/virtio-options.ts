/** The virtio devices of a machine as options, and what is behind them opened. */
import type { DriveOption } from './create-machine.ts';
import type { MachineHost } from './machine/host.ts';
import type { VirtioSpec } from './machine/boards/virtio-functions.ts';
import { EmulatorError } from './errors.ts';
import type { BlockBackend } from './storage/block.ts';
import type { FileTree } from './storage/file-tree.ts';

/** A paravirtual device, as QEMU's `-device virtio-…` adds one. */
export type VirtioOption =
  /** A disk. */
  | { readonly kind: 'blk'; readonly drive: DriveOption }
  /** A console: `sendSerial` and `serial-output` number it after the serial ports, in order. */
  | { readonly kind: 'console' }
  /** A source of entropy. */
  | { readonly kind: 'rng' }
  /** Files that the guest mounts by 9P2000.L under `mountTag`: a tree, or where `openFolder` is given a folder's path. */
  | { readonly kind: '9p'; readonly source: FileTree | string; readonly mountTag: string; readonly readOnly?: boolean };

/** Opens a folder of the host; in Node, `openNodeTree`. */
export type OpenFolder = (path: string, options: { readonly readOnly?: boolean }) => FileTree;

export interface VirtioSurroundings {
  readonly host: MachineHost;
  readonly openDisk: (option: DriveOption, name: string) => Promise<BlockBackend>;
  readonly openFolder: OpenFolder | undefined;
}

/** What a 16-bit length and a sane command line allow; QEMU's limit. */
const LONGEST_TAG = 31;

/** @throws EmulatorError */
export async function openVirtio(options: readonly VirtioOption[], around: VirtioSurroundings): Promise<VirtioSpec[]> {
  const specs: VirtioSpec[] = [];
  for (const [i, option] of options.entries()) specs.push(await openOne(option, i, around));
  return specs;
}

async function openOne(option: VirtioOption, index: number, { host, openDisk, openFolder }: VirtioSurroundings): Promise<VirtioSpec> {
  switch (option.kind) {
    case 'blk': return { kind: 'blk', backend: await openDisk(option.drive, `virtio disk ${index}`) };
    case 'rng': return { kind: 'rng', random: (length) => host.random(length) };
    case 'console': return { kind: 'console' };
    case '9p': {
      const { source, mountTag, readOnly } = option;
      if (!new RegExp(`^[!-~]{1,${LONGEST_TAG}}$`).test(mountTag)) {
        throw new EmulatorError('bad-option', `mount tag “${mountTag}”: give 1 to ${LONGEST_TAG} letters without spaces`);
      }
      if (typeof source !== 'string') return { kind: '9p', tree: source, mountTag };
      if (openFolder === undefined) throw new EmulatorError('bad-option', `a page cannot open the folder ${source}; give a file tree`);
      return { kind: '9p', tree: openFolder(source, readOnly === undefined ? {} : { readOnly }), mountTag };
    }
  }
}
