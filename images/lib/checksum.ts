/** Checksums and sizes of files, for the manifest and for telling whether the cache still holds what it should. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

export function sha256File(path: string): string {
  return sha256(readFileSync(path));
}

/** Whether the file is there with exactly this content. */
export function matches(path: string, sizeBytes: number, digest: string): boolean {
  try {
    return statSync(path).size === sizeBytes && sha256File(path) === digest;
  } catch {
    return false;
  }
}

/** One digest over all files below some folders but the tests: changes when any recipe source does. */
export function sha256Tree(folders: readonly string[]): string {
  const hash = createHash('sha256');
  const visit = (folder: string, name: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path, `${name}/${entry.name}`);
      else if (!entry.name.endsWith('.test.ts')) hash.update(`${name}/${entry.name}\0${sha256File(path)}\n`);
    }
  };
  for (const folder of folders) visit(folder, '');
  return hash.digest('hex');
}
