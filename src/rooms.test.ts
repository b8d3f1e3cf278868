/** Arrows between rooms point one way, as ARCHITECTURE.md says; what the core may use of its host is in tsconfig.core.json. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('.', import.meta.url));

/** The rooms that each room may import from; 'root' is the files of `src` itself, 'images' the guests' manifest. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  wasm: [],
  isa: ['wasm', 'cpu'],
  memory: ['devices'],
  interp: ['isa', 'wasm', 'cpu', 'memory'],
  jit: ['isa', 'wasm', 'interp', 'cpu', 'memory'],
  cpu: ['isa', 'wasm', 'interp', 'jit', 'memory'],
  storage: [],
  unpack: [],
  devices: ['memory', 'storage'],
  machine: ['cpu', 'devices', 'memory', 'storage'],
  root: ['cpu', 'jit', 'devices', 'machine', 'memory', 'storage', 'unpack', 'rehearsal'],
  rehearsal: ['root', 'cpu', 'machine'],
  worker: ['root', 'rehearsal', 'cpu', 'devices', 'machine', 'storage', 'images'],
  web: ['root', 'worker', 'cpu', 'devices', 'machine', 'storage', 'images'],
  node: ['root', 'machine', 'storage'],
};
/** Where a room shows others a few files only: the processor's registers and the layout of its state, a device's interface. */
const NARROW: Readonly<Record<string, RegExp>> = {
  'isa → cpu': /^cpu\/(layout|registers|sse\/operations|system\/area-forms|(sse|system|x87)\/kernel-interface)\.ts$/,
  'cpu → wasm': /^wasm\/stubs\.ts$/,
  'memory → devices': /^devices\/device\.ts$/,
  'root → jit': /^jit\/(thread-protocol|generate|packing|first-run)\.ts$/,
  'web → cpu': /^cpu\/cpu\.ts$/,
  'worker → cpu': /^cpu\/cpu\.ts$/,
};
const EVERYWHERE = new Set(['errors.ts', 'any-number.ts']);
/** Build what runs; no part of it. */
const TOOLS = new Set(['cpu/x87/build-kernel.ts', 'jit/bundle.ts']);

const roomOf = (path: string): string => (path.startsWith('..') ? path.split('/')[1] : path.includes('/') ? path.split('/')[0] : 'root');

function* arrows(): Generator<{ from: string; to: string }> {
  for (const name of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    const from = name.split(sep).join('/');
    if (!from.endsWith('.ts') || /\.test\.ts$|test-|fixture|\/kernel\//.test(from) || TOOLS.has(from)) continue;
    for (const [, target] of readFileSync(join(SRC, from), 'utf8').matchAll(/(?:from|import) '(\.[^']+)'/g)) {
      yield { from, to: relative(SRC, normalize(join(SRC, dirname(from), target))).split(sep).join('/') };
    }
  }
}

it('arrows between rooms point one way', () => {
  const all = [...arrows()].map(({ from, to }) => ({ from, to, rooms: [roomOf(from), roomOf(to)] as const }));
  expect(all.length).toBeGreaterThan(500);
  const wrong = all.filter(({ to, rooms: [a, b] }) => {
    if (a === b || EVERYWHERE.has(to)) return false;
    return !ALLOWED[a]?.includes(b) || NARROW[`${a} → ${b}`]?.test(to) === false;
  });
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});
