/**
 * Programs that a recipe runs. The host's own is taken where there is one; otherwise it comes out of its Debian
 * package, unpacked into the cache and run from there with its libraries, so that nothing has to be installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Apt } from './apt.ts';

/** The packages that hold each program and the libraries that a minimal system may lack. */
const PACKAGES = {
  nasm: ['nasm'],
  debugfs: ['e2fsprogs', 'libext2fs2', 'libss2', 'libcom-err2', 'libblkid1', 'libuuid1'],
  mke2fs: ['e2fsprogs', 'libext2fs2', 'libss2', 'libcom-err2', 'libblkid1', 'libuuid1'],
  mmdebstrap: ['mmdebstrap'],
  mtools: ['mtools'],
  syslinux: ['syslinux'],
} as const;

export type ToolName = keyof typeof PACKAGES;

export interface Tool {
  readonly path: string;
  /** Folders that must lead PATH when the tool runs (syslinux calls mtools by name). */
  readonly env: Record<string, string>;
}

function onPath(name: string): string | undefined {
  const folders = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => path.startsWith('/') && existsSync(path));
}

/** The program on this machine, if it is installed. */
export function installedTool(name: ToolName): Tool | undefined {
  const path = onPath(name);
  return path === undefined ? undefined : { path, env: {} };
}

/** The program, from this machine or from its package. */
export async function findTool(name: ToolName, apt: Apt): Promise<Tool> {
  const installed = installedTool(name);
  if (installed !== undefined) return installed;
  const roots: string[] = [];
  for (const packageName of PACKAGES[name]) roots.push(await apt.unpack(`${packageName}:${apt.hostArchitecture}`));
  const candidates = ['usr/bin', 'usr/sbin', 'sbin', 'bin'].flatMap((place) => roots.map((root) => join(root, place, name)));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`the package ${PACKAGES[name][0]} holds no program ${name}`);
  const libraries = roots.flatMap((root) => ['lib', 'usr/lib'].map((place) => join(root, place))).flatMap(libraryFolders);
  const env: Record<string, string> = libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(delimiter) } : {};
  return { path, env };
}

function libraryFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.endsWith('-linux-gnu'))
    .map((entry) => join(folder, entry.name));
}

/** Runs a program to its end; a failure throws with what it printed. */
export function run(tool: Tool, args: readonly string[], env: Record<string, string> = {}, input?: Uint8Array): void {
  const result = spawnSync(tool.path, args, {
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', ...tool.env, ...env },
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${tool.path} ${args.join(' ')} failed (${result.status}): ${result.stderr}${result.stdout}`);
  }
}
