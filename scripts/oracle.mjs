/**
 * `npm run test:oracle`: bundles tests/oracle/run.ts and runs it. Run through tsx, which keeps the names of all functions,
 * it takes many times as long.
 */
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = `${ROOT}.cache/oracle/run.mjs`;

/** Files that look for others beside them do so from where they lie, not from where the bundle does. */
const ownUrls = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    }));
  },
};

await build({
  entryPoints: [`${ROOT}tests/oracle/run.ts`], outfile: OUT, bundle: true, platform: 'node', format: 'esm', packages: 'external', plugins: [ownUrls], logLevel: 'error',
});
process.exitCode = spawnSync(process.execPath, [OUT, ...process.argv.slice(2)], { stdio: 'inherit', cwd: ROOT }).status ?? 1;
