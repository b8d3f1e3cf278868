/**
 * Compiles the leaf kernel (kernel/*.ts here, in src/cpu/sse, integer, strings and system, in src/interp and src/unpack; AssemblyScript) to one
 * WebAssembly module, for the bundler and for tests; runs in Node.
 * The result is kept in .cache/ under the hash of the sources and of the compiler's version.
 *
 * The module imports the arena as `env.memory` and has no heap, no table and no start function. Its constant tables are
 * data segments from `X87_KERNEL_DATA` on, in the arena's first page, which holds nothing but kernels' constants.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

/** Where the kernel's constants lie in the arena. */
export const X87_KERNEL_DATA = 1024;

const ROOM = dirname(fileURLToPath(import.meta.url));
const LAYOUT = 'src/cpu/layout.ts', REGISTERS = 'src/cpu/registers.ts';
const OPERATIONS = 'src/cpu/sse/operations.ts', AREA_FORMS = 'src/cpu/system/area-forms.ts', RECORD = 'src/interp/record.ts';
const TEMPLATE_LAYOUT = 'src/interp/template-layout.ts', UNPACK_LAYOUT = 'src/unpack/layout.ts';
const FOLDERS = ['src/cpu/x87/kernel', 'src/cpu/sse/kernel', 'src/cpu/integer/kernel', 'src/cpu/strings/kernel', 'src/cpu/system/kernel', 'src/interp/kernel', 'src/unpack/kernel'];
const ROOT = resolve(ROOM, '../../..');

const OPTIONS = [
  '-O3', '--converge', '--noAssert', '--runtime', 'stub', '--importMemory', '--noExportMemory', '--initialMemory', '1',
  '--memoryBase', String(X87_KERNEL_DATA), '--use', 'abort=', '--enable', 'simd', '--enable', 'bulk-memory',
];

export interface BuildKernelOptions {
  /** Directory of the cache; default `.cache/x87` beside package.json. */
  readonly cache?: string;
}

/** The sources by their path from the repository's root. */
async function readSources(): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const folder of FOLDERS) {
    const names = (await readdir(join(ROOT, folder))).filter((name) => name.endsWith('.ts')).sort();
    for (const name of names) sources.set(`${folder}/${name}`, await readFile(join(ROOT, folder, name), 'utf8'));
  }
  for (const name of [OPERATIONS, AREA_FORMS, REGISTERS, RECORD, TEMPLATE_LAYOUT, UNPACK_LAYOUT]) sources.set(name, await readFile(join(ROOT, name), 'utf8'));
  // The layout is shared with TypeScript, whose bigint literals AssemblyScript does not know.
  const layout = await readFile(join(ROOT, LAYOUT), 'utf8');
  sources.set(LAYOUT, layout.replace(/\b(\d+)n\b/g, '$1'));
  return sources;
}

async function compile(sources: Map<string, string>): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main([...FOLDERS.map((folder) => `${folder}/index.ts`), ...OPTIONS, '--outFile', 'kernel.wasm'], {
    readFile: (name) => sources.get(name.replaceAll('\\', '/')) ?? null,
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') binary = contents;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`the kernel does not compile:\n${stderr.toString()}`, { cause: error });
  return binary;
}

/**
 * Returns the kernel module's bytes, compiling them if the cache has none for these sources.
 * @throws Error with the compiler's messages when the sources do not compile.
 */
export async function buildX87Kernel(options: BuildKernelOptions = {}): Promise<Uint8Array> {
  const sources = await readSources();
  const hash = createHash('sha256').update(asc.version).update(OPTIONS.join(' '));
  for (const [name, text] of sources) hash.update(name).update('\0').update(text).update('\0');
  const cache = options.cache ?? join(ROOT, '.cache/x87');
  const path = join(cache, `${hash.digest('hex').slice(0, 32)}.wasm`);
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    const binary = await compile(sources);
    await mkdir(cache, { recursive: true });
    // Written aside and renamed, so that a build beside this one never reads half a file.
    await writeFile(`${path}.${process.pid}`, binary);
    await rename(`${path}.${process.pid}`, path);
    return binary;
  }
}
