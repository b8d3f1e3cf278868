/** Where firmware lies on this computer: the folders that are given, what the guest recipes fetched, then Debian's package. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmulatorError } from '../errors.ts';
import { loadFile } from '../file-source.ts';
import { packageRoot } from './package-root.ts';

const BIOS_NAMES = ['bios-256k.bin', 'bios.bin'];
const VGA_BIOS_NAME = 'vgabios-stdvga.bin';
/** Where Debian's package seabios puts its files. */
const DEBIAN_FOLDER = '/usr/share/seabios';

/** Where firmware is looked for after the folders that are given. */
export function firmwareFolders(): string[] {
  return [join(packageRoot(), '.cache', 'guests', 'firmware'), DEBIAN_FOLDER];
}

/** The teaching image, which is part of this package and starts without firmware. */
export function embeddedImage(): string {
  return join(packageRoot(), 'images', 'teaching', 'teaching.img');
}

/** Paths of the firmware to use, from the first folder that has it. Undefined where none has. */
export function findFirmware(search: readonly string[]): { bios: string | undefined; vgaBios: string | undefined } {
  const find = (names: readonly string[]): string | undefined =>
    search.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
  return { bios: find(BIOS_NAMES), vgaBios: find([VGA_BIOS_NAME]) };
}

/**
 * All bytes of a file, or of what a server has at an address.
 * @throws EmulatorError `missing-file`, `bad-image` for a folder, `storage-failed`; for an address as `loadFile`
 */
export async function readImage(path: string, what: string): Promise<Uint8Array> {
  if (/^https?:\/\//.test(path)) return loadFile(path, what);
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
