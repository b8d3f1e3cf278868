/**
 * Builds the embedded teaching guest, `teaching.img`, from the assembly source beside it. The image is committed, so
 * that a machine without an assembler or a network has it; `--check` proves that it is what the source says.
 *
 *   npx tsx images/teaching/build.ts           build
 *   npx tsx images/teaching/build.ts --check   build aside and compare; exit 1 when they differ
 *
 * nasm is taken from the machine, or from its Debian package without installing it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Apt } from '../lib/apt.ts';
import { sha256 } from '../lib/checksum.ts';
import { CACHE } from '../lib/paths.ts';
import { formatBytes, step, warn } from '../lib/report.ts';
import { findTool, installedTool, run, type Tool } from '../lib/tools.ts';
import type { GuestMarkers } from '../manifest.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
export const TEACHING_IMAGE = join(HERE, 'teaching.img');
export const TEACHING_MARKERS: GuestMarkers = {
  ready: 'coracle teaching: shell ready',
  prompt: 'teach> ',
  powerOff: 'poweroff',
};

const SECTOR_SIZE = 512;
/** A multiboot loader looks for the header in the first 8 KiB, at multiples of 4. */
const MULTIBOOT_SEARCH_BYTES = 8192;
const MULTIBOOT_MAGIC = 0x1badb002;

async function assembler(): Promise<Tool> {
  const installed = installedTool('nasm');
  if (installed !== undefined) return installed;
  const apt = new Apt();
  apt.open();
  await apt.update();
  return findTool('nasm', apt);
}

async function assemble(): Promise<Buffer> {
  const output = join(CACHE, 'work', 'teaching.img');
  mkdirSync(dirname(output), { recursive: true });
  rmSync(output, { force: true });
  const nasm = await assembler();
  run(nasm, ['-f', 'bin', '-Werror', '-I', `${HERE}/`, '-o', output, join(HERE, 'teaching.asm')]);
  return readFileSync(output);
}

/** What firmware and multiboot loaders will look for in the image. */
export function checkBootable(image: Buffer): void {
  if (image.length === 0 || image.length % SECTOR_SIZE !== 0) throw new Error('the image is not a whole number of sectors');
  if (image.readUInt16LE(510) !== 0xaa55) throw new Error('the boot sector lacks its mark');
  for (let offset = 0; offset < Math.min(image.length - 12, MULTIBOOT_SEARCH_BYTES); offset += 4) {
    if (image.readUInt32LE(offset) !== MULTIBOOT_MAGIC) continue;
    const sum = MULTIBOOT_MAGIC + image.readUInt32LE(offset + 4) + image.readUInt32LE(offset + 8);
    if (sum >>> 0 === 0) return;
  }
  throw new Error(`no multiboot header in the first ${MULTIBOOT_SEARCH_BYTES} bytes`);
}

async function main(check: boolean): Promise<number> {
  const built = await assemble();
  checkBootable(built);
  const digest = sha256(built);
  if (!check) {
    writeFileSync(TEACHING_IMAGE, built);
    step(`teaching.img: ${formatBytes(built.length)}, sha256 ${digest}`);
    return 0;
  }
  if (sha256(readFileSync(TEACHING_IMAGE)) !== digest) {
    warn('teaching.img is not what its source builds; run `npx tsx images/teaching/build.ts` and commit the result');
    return 1;
  }
  step(`teaching.img is what its source builds (sha256 ${digest})`);
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.exitCode = await main(process.argv.includes('--check'));
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
