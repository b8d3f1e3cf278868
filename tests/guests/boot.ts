/** Boots a guest as a user would, `node bin/coracle.js boot …`, with files that the manifest names. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestFileRole, GuestManifest } from '../../images/manifest.ts';

export const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const GUESTS = here('.cache/guests');
/** `npm run test:guests -- --compiled` */
const COMPILED = process.env.CORACLE_COMPILED === '1' ? ['-compile-threshold', '1'] : [];
const manifest: GuestManifest = JSON.parse(readFileSync(join(GUESTS, 'guests.json'), 'utf8'));

export const TEACHING_IMAGE = here('images/teaching/teaching.img');
export const FIRMWARE = ['-bios', guestFile('seabios', 'bios'), '-vga-bios', guestFile('seabios', 'vgaBios')];

export function guestFile(guest: string, role: GuestFileRole): string {
  const file = manifest.guests.find((g) => g.name === guest)?.files.find((f) => f.role === role);
  if (!file) throw new Error(`guest ${guest} has no ${role}; run npm run guests`);
  return join(GUESTS, file.path);
}

/** The flags that start a guest's kernel with its initramfs and its command line. */
export function kernelFlags(guest: string): string[] {
  const append = manifest.guests.find((g) => g.name === guest)?.append ?? '';
  return ['-kernel', guestFile(guest, 'kernel'), '-initrd', guestFile(guest, 'initrd'), '-append', append];
}

/** Lends a copy of a guest's hard disk, which may be written to. */
export async function withDisk<T>(guest: string, use: (disk: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-disk-'));
  const disk = join(folder, 'disk.img');
  copyFileSync(guestFile(guest, 'hda'), disk);
  try {
    return await use(disk);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
  /** When a text had come, in milliseconds since the start. */
  arrivalMs(text: string): number;
}

export function boot(...args: string[]): Promise<Outcome> {
  const flags = args.includes('-compile-threshold') ? args : [...COMPILED, ...args];
  const child = spawn(process.execPath, [here('bin/coracle.js'), 'boot', '-nographic', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const startMs = performance.now();
  /** How long the output was, and when. */
  const grown: { length: number; ms: number }[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString('latin1');
      grown.push({ length: output.length, ms: performance.now() - startMs });
    });
  }
  const arrivalMs = (text: string): number => {
    const end = output.indexOf(text) + text.length;
    return grown.find(({ length }) => output.includes(text) && length >= end)?.ms ?? Number.NaN;
  };
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output, arrivalMs })));
}
