/** Makes the compiler thread's script, one file without imports; for builds, not for what they make. */
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

export async function bundleRegionCompiler(): Promise<string> {
  const entry = fileURLToPath(new URL('../thread-main.ts', import.meta.url));
  const [{ output }] = (await build({
    configFile: false,
    logLevel: 'warn',
    build: { write: false, target: 'es2022', lib: { entry, formats: ['iife'], name: 'regionCompiler' } },
  })) as Rolldown.RolldownOutput[];
  return output[0].code;
}
