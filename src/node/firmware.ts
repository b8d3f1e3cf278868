/** Where firmware lies on this computer: the folders that are given, what the guest recipes fetched, then Debian's package. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmulatorError } from '../errors.ts';
import { packageRoot } from './package-root.ts';

const BIOS_NAMES = ['bios-256k.bin', 'bios.bin'];
const VGA_BIOS_NAME = 'vgabios-stdvga.bin';
/** Where Debian's package seabios puts its files. */
const DEBIAN_FOLDER = '/usr/share/seabios';

function searchFolders(given: readonly string[]): string[] {
  const root = packageRoot();
  return [...given, join(root, '.cache', 'guests', 'firmware'), DEBIAN_FOLDER];
}

/** Paths of the firmware to use; an explicit path wins. Undefined where none is found. */
export function findFirmware(folders: readonly string[]): { bios: string | undefined; vgaBios: string | undefined } {
  const search = searchFolders(folders);
  const find = (names: readonly string[]): string | undefined =>
    search.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
  return { bios: find(BIOS_NAMES), vgaBios: find([VGA_BIOS_NAME]) };
}

/** @throws EmulatorError `missing-file`, `bad-image` for a folder, `storage-failed` */
export async function readImage(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new EmulatorError('missing-file', `${what}: there is no file ${path}`, { cause });
    }
    if (code === 'EISDIR') throw new EmulatorError('bad-image', `${what}: ${path} is a folder, not an image`, { cause });
    throw new EmulatorError('storage-failed', `${what}: ${path} cannot be read (${code})`, { cause });
  }
}
