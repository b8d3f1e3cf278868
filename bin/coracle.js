#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/node/cli.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('coracle: not built yet; run npm ci && npm run build\n');
  process.exitCode = 2;
}
