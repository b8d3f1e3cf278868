/**
 * Builds and serves. `vite build` makes the page, static files for any host and any base path; `--mode library` the ES
 * module for browsers; `--mode node` the ES module and the command line for Node. Tests are in vitest.config.ts.
 */
import { cpSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { defineConfig, type Plugin, type UserConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Guests that the recipes made (images/), if any. */
const GUESTS = here('.cache/guests');

/** Serves the guests beside the page, and puts them into the built page, so that a static host has them too. */
function guests(): Plugin {
  const serve = () => sirv(GUESTS, { dev: true, etag: true });
  return {
    name: 'coracle-guests',
    configureServer: (server) => void server.middlewares.use('/guests', serve()),
    closeBundle() {
      if (existsSync(GUESTS)) cpSync(GUESTS, here('dist/page/guests'), { recursive: true, dereference: true });
    },
  };
}

/** Scripts without a character past U+00FF, of which browsers keep one byte a character instead of two. */
function narrowScripts(): Plugin {
  const inAscii = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return {
    name: 'coracle-narrow-scripts',
    enforce: 'post',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = file.code.replace(/[^\0-\xff]/g, inAscii);
    },
  };
}

const page: UserConfig = {
  base: './',
  plugins: [guests(), narrowScripts()],
  build: { outDir: 'dist/page', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 1500 },
  worker: { format: 'es', plugins: () => [narrowScripts()] },
  // SharedArrayBuffer needs a cross-origin isolated page; everything works without it as well.
  server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } },
  preview: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } },
};

const library: UserConfig = {
  base: './',
  build: {
    outDir: 'dist/browser', emptyOutDir: true, target: 'es2022', minify: false,
    // Not as `lib`, which puts the WebAssembly files into the script as text: they lie beside it, where bundlers find them too.
    assetsInlineLimit: 0, modulePreload: false,
    rolldownOptions: {
      input: { coracle: here('src/index.ts') }, preserveEntrySignatures: 'strict',
      output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]' },
    },
  },
  worker: { format: 'es' },
};

const node: UserConfig = {
  build: {
    outDir: 'dist/node', emptyOutDir: true, target: 'node20', minify: false, ssr: true,
    // Chunks lie beside the entries: modules find the WebAssembly files relative to themselves.
    rolldownOptions: {
      input: { coracle: here('src/node/index.ts'), cli: here('src/node/cli.ts') },
      output: { chunkFileNames: '[name].js' },
    },
  },
};

export default defineConfig(({ mode }) => (mode === 'library' ? library : mode === 'node' ? node : page));
