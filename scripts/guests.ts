/**
 * Makes every guest that can be made here and writes `.cache/guests/guests.json`: `npx tsx scripts/guests.ts`.
 *
 * What is cached and unchanged is kept, without asking the network. Where packages cannot be had, the manifest holds
 * the embedded guest alone and says why; that is no error unless `--require-all` is given. `--refresh` asks for newer
 * packages and builds anew. Needs no root and installs nothing.
 */
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchFirmware, firmwareFiles } from '../bios/fetch.ts';
import { buildDebianAmd64Guests } from '../images/debian-amd64/recipe.ts';
import { buildDebianI386Guests } from '../images/debian-i386/recipe.ts';
import { Apt, AptError, announce } from '../images/lib/apt.ts';
import { matches, sha256Tree } from '../images/lib/checksum.ts';
import { guestFile } from '../images/lib/guest-file.ts';
import { GUESTS, ROOT } from '../images/lib/paths.ts';
import { formatBytes, step, warn } from '../images/lib/report.ts';
import { findTool } from '../images/lib/tools.ts';
import { buildLibraryOs, LIBRARY_OS_MARKERS } from '../images/library-os/build.ts';
import { EMBEDDED_GUEST, type Guest, type GuestManifest, MANIFEST_FILE } from '../images/manifest.ts';
import { TEACHING_IMAGE, TEACHING_MARKERS } from '../images/teaching/build.ts';

const MANIFEST = join(GUESTS, MANIFEST_FILE);

/** The manifest of an earlier run, if all its files are as they were and the recipes too. */
function cachedManifest(recipeSha256: string): GuestManifest | undefined {
  let manifest: GuestManifest;
  try {
    manifest = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  } catch {
    return undefined;
  }
  if (manifest.version !== 1 || manifest.recipeSha256 !== recipeSha256 || manifest.missing !== undefined) return undefined;
  const files = manifest.guests.flatMap((guest) => guest.files);
  return files.every((file) => matches(join(GUESTS, file.path), file.sizeBytes, file.sha256)) ? manifest : undefined;
}

function embeddedGuest(): Guest {
  mkdirSync(GUESTS, { recursive: true });
  copyFileSync(TEACHING_IMAGE, join(GUESTS, 'teaching.img'));
  return {
    name: EMBEDDED_GUEST,
    title: 'How a PC comes up',
    description: 'A small guest of our own that shows, step by step, how a PC gets from real mode to paging and interrupts.',
    memoryMiB: 16,
    files: [guestFile('multiboot', 'teaching.img')],
    markers: TEACHING_MARKERS,
    contents: 'Coracle teaching image',
  };
}

function firmwareGuests(): Guest[] {
  const firmware = firmwareFiles();
  return [
    {
      name: 'seabios',
      title: 'SeaBIOS',
      description: 'The firmware alone: it looks for a disk, finds none and says so on the screen.',
      memoryMiB: 32,
      files: firmware,
      contents: 'SeaBIOS',
    },
    {
      name: 'teaching-disk',
      title: 'How a PC comes up, from a disk',
      description: 'The same guest, started by SeaBIOS from its boot sector.',
      memoryMiB: 16,
      bootDevice: 'hda',
      files: [...firmware, guestFile('hda', 'teaching.img')],
      markers: TEACHING_MARKERS,
      contents: 'SeaBIOS, Coracle teaching image',
    },
  ];
}

async function libraryOsGuest(apt: Apt): Promise<Guest> {
  buildLibraryOs(await findTool('nasm', apt), join(GUESTS, 'library-os.elf'));
  return {
    name: 'library-os',
    title: 'A library OS',
    description: 'One application in ring 0 of a microvm: it answers HTTP requests on its console within milliseconds of the start. Try: GET /',
    memoryMiB: 16,
    machine: 'microvm',
    files: [guestFile('kernel', 'library-os.elf')],
    markers: LIBRARY_OS_MARKERS,
    contents: 'Coracle library OS',
  };
}

async function buildFromPackages(refresh: boolean): Promise<Guest[]> {
  const apt = new Apt();
  apt.open();
  announce(apt);
  await apt.update(refresh);
  const firmware = await fetchFirmware(apt);
  return [
    ...firmwareGuests(),
    ...(await buildDebianI386Guests(apt, firmware)),
    ...(await buildDebianAmd64Guests(apt, firmware)),
    await libraryOsGuest(apt),
  ];
}

function writeManifest(manifest: GuestManifest): void {
  mkdirSync(GUESTS, { recursive: true });
  writeFileSync(`${MANIFEST}.partial`, `${JSON.stringify(manifest, undefined, 2)}\n`);
  renameSync(`${MANIFEST}.partial`, MANIFEST);
}

async function main(options: ReadonlySet<string>): Promise<number> {
  const refresh = options.has('--refresh');
  const recipeSha256 = sha256Tree([join(ROOT, 'images'), join(ROOT, 'bios')]);
  const cached = cachedManifest(recipeSha256);
  let manifest = refresh ? undefined : cached;
  if (manifest === undefined) {
    const guests = [embeddedGuest()];
    let missing: string | undefined;
    try {
      guests.push(...(await buildFromPackages(refresh)));
    } catch (error) {
      missing = error instanceof Error ? error.message : String(error);
      warn(missing);
      if (!(error instanceof AptError)) warn('this is a fault of the recipe, not of your machine; please report it');
      warn(cached === undefined ? 'the embedded teaching guest boots instead' : 'the guests made earlier are kept');
    }
    const made: GuestManifest = { version: 1, recipeSha256, guests, ...(missing === undefined ? {} : { missing }) };
    manifest = missing !== undefined && cached !== undefined ? cached : made;
    if (manifest === made) writeManifest(made);
  }
  for (const guest of manifest.guests) {
    const sizeBytes = guest.files.reduce((total, file) => total + file.sizeBytes, 0);
    step(`${guest.name.padEnd(20)} ${formatBytes(sizeBytes).padStart(9)}  ${guest.contents}`);
  }
  return manifest.missing !== undefined && options.has('--require-all') ? 1 : 0;
}

process.exitCode = await main(new Set(process.argv.slice(2)));
