/** Describes a finished file below `.cache/guests` for the manifest. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestFile, GuestFileRole } from '../manifest.ts';
import { sha256File } from './checksum.ts';
import { GUESTS } from './paths.ts';

export function guestFile(role: GuestFileRole, path: string): GuestFile {
  const full = join(GUESTS, path);
  return { role, path, sizeBytes: statSync(full).size, sha256: sha256File(full) };
}
