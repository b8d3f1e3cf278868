/** `npm run build`: the WebAssembly modules, then the page, the library for browsers, and the library and command line for Node. */
import { cpSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT, run } from './run.mjs';

run('WebAssembly modules', 'tsx', 'scripts/build-wasm.ts');
rmSync(resolve(ROOT, 'dist'), { recursive: true, force: true });
run('the page: dist/page', 'vite', 'build', '--logLevel', 'warn');
run('the library for browsers: dist/browser', 'vite', 'build', '--mode', 'library', '--logLevel', 'warn');
run('the library and command line for Node: dist/node', 'vite', 'build', '--mode', 'node', '--logLevel', 'warn');
// The libraries load the modules from beside their own folder, as the sources do.
cpSync(resolve(ROOT, 'build'), resolve(ROOT, 'dist/build'), { recursive: true });
