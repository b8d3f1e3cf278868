/**
 * What the bench runs, all built here from the sources as they are: bundles of the pages and workers, the processor's
 * modules, and an initramfs with the guest programs. Nothing that is timed runs through a loader that rewrites code.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { BIOS_FILE, VGA_BIOS_FILE } from '../../bios/fetch.ts';
import { type CpioEntry, writeCpio } from '../../images/lib/cpio.ts';
import { CACHE, GUESTS } from '../../images/lib/paths.ts';
import { type Guest, type GuestFile, type GuestManifest, MANIFEST_FILE } from '../../images/manifest.ts';
import { processorFiles } from '../../scripts/processor-files.ts';
import type { GuestName } from './machines/machine.ts';
import { buildPrograms } from './programs/build.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
/** Everything built is here, and the server serves it as /bench/. */
export const BUILT = join(CACHE, 'bench');
/** The built page, and the list of guests that the bench gives it. */
export const PAGE = join(HERE, '../../dist/page'), PAGE_GUESTS = join(BUILT, 'page-guests');
const V86_MODULE = join(HERE, '../../node_modules/v86/build/v86.wasm');

const WEB_ENTRIES = ['pages/machine-page.ts', 'pages/coracle-worker.ts', 'pages/v86-worker.ts', 'pages/interpreter-page.ts', 'pages/interpreter-worker.ts', 'pages/memory-page.ts'];

const NODE_ENTRIES = [
  { entry: 'interpreter/node.ts', name: 'interpreter-node' },
  { entry: 'node/coracle.ts', name: 'coracle-node' },
  { entry: 'node/v86.ts', name: 'v86-node' },
];
/** v86 calls require() for Node's own modules. */
const REQUIRE = "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);";

/** Runs a command between two lines that the bench looks for; short, so that typing it takes the guest no time. */
const RUNNER = `#!/bin/sh
echo "@start $*"
eval "$*"
echo "@end $?"
`;

/** Processor modules and code, for pages and for Node. */
export async function buildCode(): Promise<void> {
  mkdirSync(BUILT, { recursive: true });
  for (const [name, content] of await processorFiles()) writeFileSync(join(BUILT, name), content);
  writeFileSync(join(BUILT, 'v86.wasm'), readFileSync(V86_MODULE));
  await build({
    entryPoints: WEB_ENTRIES.map((entry) => join(HERE, entry)), outdir: BUILT,
    bundle: true, format: 'esm', target: 'es2022', minify: true, logLevel: 'error',
    external: ['node:*', 'crypto', 'fs', 'perf_hooks', 'fs/promises'],
  });
  await build({
    entryPoints: NODE_ENTRIES.map(({ entry, name }) => ({ in: join(HERE, entry), out: name })), outdir: BUILT, outExtension: { '.js': '.mjs' },
    // iced-x86 finds its module beside its own script. Names stay whole, for profiles.
    external: ['iced-x86'], bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error', banner: { js: REQUIRE },
  });
  for (const page of ['machine', 'interpreter', 'memory']) {
    writeFileSync(join(BUILT, `${page}.html`), `<!doctype html><title>${page}</title><link rel="icon" href="data:,"><script type="module" src="${page}-page.js"></script>`);
  }
  // A worker that ends by itself: it tells the page's process from others.
  const worker = "new Worker('data:text/javascript,setTimeout(() => close(), 4000)')";
  writeFileSync(join(BUILT, 'empty.html'), `<!doctype html><title>empty</title><link rel="icon" href="data:,"><script>${worker}</script>`);
}

/** A guest of the recipes, by its name there. */
export function recipeGuest(name: string): Guest {
  const manifest = join(GUESTS, 'guests.json');
  const guest = existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as GuestManifest).guests.find((guest) => guest.name === name) : undefined;
  if (guest === undefined) throw new Error(`the guest ${name} is missing; make it with: npx tsx scripts/guests.ts`);
  return guest;
}

export interface GuestFiles {
  readonly guest: Guest;
  readonly kernel: string;
  /** The guest's own initramfs with the programs behind it; the kernel unpacks one after the other. */
  readonly initrd: string;
  /** For machines that enter a kernel through firmware. */
  readonly bios: string;
  readonly vgaBios: string;
}

export function buildGuest(name: GuestName): GuestFiles {
  const guest = recipeGuest(`debian-${name}`);
  const file = (role: string): string => join(GUESTS, guest.files.find((entry) => entry.role === role)?.path ?? role);
  const tree = new Map<string, CpioEntry>();
  tree.set('bin/b', { kind: 'file', data: Buffer.from(RUNNER), mode: 0o755 });
  const programs = buildPrograms(join(BUILT, `programs-${name}`), name);
  for (const program of readdirSync(programs)) tree.set(`bin/${program}`, { kind: 'file', data: readFileSync(join(programs, program)), mode: 0o755 });
  // Not named .gz: the server would say that browsers are to unpack it.
  const initrd = join(BUILT, `initrd-${name}`);
  writeFileSync(initrd, Buffer.concat([readFileSync(file('initrd')), gzipSync(writeCpio(tree), { level: 9 })]));
  const firmware = (image: string): string => join(GUESTS, 'firmware', image);
  return { guest, kernel: file('kernel'), initrd, bios: firmware(BIOS_FILE), vgaBios: firmware(VGA_BIOS_FILE) };
}

/** Gives the page one guest to boot: the bench's, with so much memory. */
export function writePageGuests({ guest, kernel, initrd }: GuestFiles, memoryMiB: number): void {
  const file = (role: 'kernel' | 'initrd', path: string, from: string): GuestFile => {
    const bytes = readFileSync(from);
    return { role, path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  };
  const kernelPath = guest.files.find(({ role }) => role === 'kernel')?.path;
  const files = [file('kernel', `/guests/${kernelPath}`, kernel), file('initrd', `/bench/${basename(initrd)}`, initrd)];
  const manifest: GuestManifest = { version: 1, recipeSha256: '', guests: [{ ...guest, memoryMiB, files }] };
  mkdirSync(PAGE_GUESTS, { recursive: true });
  writeFileSync(join(PAGE_GUESTS, MANIFEST_FILE), JSON.stringify(manifest));
}
