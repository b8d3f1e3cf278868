/** Loads what every vCPU runs on, compiled modules and the compiler's script; scripts/build-wasm.ts makes them, a build carries them along. */
import type { CpuModules } from './cpu/cpu.ts';
import { warmUp } from './cpu/warm-up.ts';
import { EmulatorError } from './errors.ts';
import { gzipSize, unpackGzip } from './unpack/gzip.ts';

let loading: Promise<CpuModules> | undefined;

/** Loads and compiles them once per process. @throws EmulatorError `fetch-failed`, `missing-file` */
export function loadModules(): Promise<CpuModules> {
  loading ??= Promise.all([
    compile(new URL('../build/interpreter.wasm', import.meta.url)),
    bytes(new URL('../build/wide-handlers.gzip', import.meta.url)),
    compile(new URL('../build/kernel.wasm', import.meta.url)),
    text(new URL('../build/region-compiler.js', import.meta.url)),
  ]).then(
    ([interpreter, wideHandlers, kernel, compilerScript]) => {
      warmUp(interpreter);
      return { interpreter, wideHandlers, kernel, compilerScript };
    },
    (error) => {
      // The next call tries again.
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/** For a guest that is going to need the wide handlers from its start on: they are there before it begins. */
export async function withWideHandlers(modules: CpuModules): Promise<CpuModules> {
  const { wideHandlers, kernel } = modules;
  if (wideHandlers instanceof WebAssembly.Module) return modules;
  return { ...modules, wideHandlers: await WebAssembly.compile(unpackGzip(kernel, wideHandlers, gzipSize(wideHandlers)) as BufferSource) };
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  if (url.protocol === 'file:') return WebAssembly.compile((await readLocal(url)) as BufferSource);
  const response = await request(url);
  // Streaming lets the browser keep the compiled code; it insists on the MIME type, which not every static host gives.
  if (response.headers.get('Content-Type') === 'application/wasm') return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

async function bytes(url: URL): Promise<Uint8Array> {
  return url.protocol === 'file:' ? readLocal(url) : new Uint8Array(await (await request(url)).arrayBuffer());
}

async function text(url: URL): Promise<string> {
  return new TextDecoder().decode(await bytes(url));
}

async function request(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new EmulatorError('fetch-failed', `${url.href} cannot be reached; serve it beside the page`, { cause });
  }
  if (!response.ok) throw new EmulatorError('fetch-failed', `${url.href}: ${response.status} ${response.statusText}; serve it beside the page`);
  return response;
}

async function readLocal(url: URL): Promise<Uint8Array> {
  // By a name that bundlers for browsers do not follow.
  const name = 'node:fs/promises';
  const { readFile } = (await import(/* @vite-ignore */ name)) as typeof import('node:fs/promises');
  try {
    return await readFile(url);
  } catch (cause) {
    throw new EmulatorError('missing-file', `${url.pathname} is missing; run npm run build`, { cause });
  }
}
