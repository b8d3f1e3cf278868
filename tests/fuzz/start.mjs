/** Bundles the fuzzers, since they are hot code, and runs them: `node tests/fuzz/start.mjs [flags of run.ts]`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bundle = join(root, '.cache/fuzz/run.mjs');
const esbuild = join(root, 'node_modules/.bin/esbuild');
const built = spawnSync(esbuild, [
  join(root, 'tests/fuzz/run.ts'), '--bundle', '--platform=node', '--format=esm', '--sourcemap=inline', '--log-level=warning', `--outfile=${bundle}`,
], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const { status, signal } = spawnSync(process.execPath, ['--enable-source-maps', '--expose-gc', bundle, '--root', root, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(signal ? 1 : (status ?? 1));
