/** Assembles the library OS, `library-os.elf`, from the source beside it. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Tool } from '../lib/tools.ts';
import type { GuestMarkers } from '../manifest.ts';

const HERE = dirname(fileURLToPath(import.meta.url));

export const LIBRARY_OS_MARKERS: GuestMarkers = {
  ready: 'coracle library OS: ready',
  prompt: 'GET /',
  powerOff: 'GET /poweroff',
};

/** Writes the image to `output`. */
export function buildLibraryOs(nasm: Tool, output: string): void {
  mkdirSync(dirname(output), { recursive: true });
  run(nasm, ['-f', 'bin', '-Werror', '-I', `${HERE}/`, '-o', output, join(HERE, 'library-os.asm')]);
}
