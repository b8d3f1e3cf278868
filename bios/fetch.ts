/**
 * Firmware from Debian's `seabios` package: SeaBIOS and its VGA BIOS for the Bochs/QEMU "standard VGA". apt verifies
 * the package; the images are checked here for what a PC demands of them. Run alone: `npx tsx bios/fetch.ts`.
 * [SeaBIOS docs/Memory_model.md; PCI Firmware Specification 3.0, 5.1 expansion ROM]
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Apt, announce } from '../images/lib/apt.ts';
import { sha256 } from '../images/lib/checksum.ts';
import { guestFile } from '../images/lib/guest-file.ts';
import { FIRMWARE } from '../images/lib/paths.ts';
import { formatBytes, step } from '../images/lib/report.ts';
import type { GuestFile } from '../images/manifest.ts';

export const BIOS_FILE = 'bios-256k.bin';
export const VGA_BIOS_FILE = 'vgabios-stdvga.bin';

export interface Firmware {
  readonly version: string;
  readonly biosPath: string;
  readonly vgaBiosPath: string;
}

const BIOS_SIZE = 256 * 1024;
const ROM_SIGNATURE = 0xaa55;
const FAR_JUMP = 0xea;

/** What a guest needs that boots from a disk. */
export function firmwareFiles(): GuestFile[] {
  return [guestFile('bios', `firmware/${BIOS_FILE}`), guestFile('vgaBios', `firmware/${VGA_BIOS_FILE}`)];
}

/** A system ROM ends 16 bytes after the reset vector, which holds a far jump. */
export function checkSystemRom(rom: Uint8Array, name: string): void {
  if (rom.length !== BIOS_SIZE) throw new Error(`${name} has ${rom.length} bytes instead of ${BIOS_SIZE}`);
  if (rom[rom.length - 16] !== FAR_JUMP) throw new Error(`${name} has no jump at the reset vector: not a PC BIOS`);
}

/** An option ROM starts with 55 AA and its length in 512-byte units; all its bytes add up to 0 modulo 256. */
export function checkOptionRom(rom: Uint8Array, name: string): void {
  if (((rom[1] << 8) | rom[0]) !== ROM_SIGNATURE) throw new Error(`${name} does not start with 55 AA: not an option ROM`);
  const length = rom[2] * 512;
  if (length === 0 || length > rom.length) throw new Error(`${name} is cut off: ${rom.length} of ${length} bytes`);
  const sum = rom.subarray(0, length).reduce((total, byte) => (total + byte) & 0xff, 0);
  if (sum !== 0) throw new Error(`${name} has a wrong checksum (${sum} instead of 0)`);
}

/** Fetches and checks the firmware; throws AptError where packages cannot be had. */
export async function fetchFirmware(apt: Apt): Promise<Firmware> {
  const { version } = apt.show('seabios');
  const source = join(await apt.unpack('seabios'), 'usr/share/seabios');
  mkdirSync(FIRMWARE, { recursive: true });
  const checks = [
    [BIOS_FILE, checkSystemRom],
    [VGA_BIOS_FILE, checkOptionRom],
  ] as const;
  for (const [name, check] of checks) {
    const rom = readFileSync(join(source, name));
    check(rom, name);
    copyFileSync(join(source, name), join(FIRMWARE, name));
    step(`${name}: SeaBIOS ${version}, ${formatBytes(rom.length)}, sha256 ${sha256(rom).slice(0, 16)}…`);
  }
  return { version, biosPath: join(FIRMWARE, BIOS_FILE), vgaBiosPath: join(FIRMWARE, VGA_BIOS_FILE) };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const apt = new Apt();
  apt.open();
  announce(apt);
  await apt.update();
  await fetchFirmware(apt);
}
