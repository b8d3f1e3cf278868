/**
 * What `npm start` and `npm test` need before anything else can run: a Node that is new enough, the packages of
 * package-lock.json, and with `--browser` a Chromium. Plain JavaScript without dependencies.
 *
 *   node scripts/setup.mjs [--browser]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureChromium } from './chromium.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const LEAST_NODE = [20, 19, 0];

function say(text) {
  process.stdout.write(`setup: ${text}\n`);
}

/** Negative, zero or positive, as `a` is older than, equal to or newer than `b`. */
function compareVersions(a, b) {
  const index = a.findIndex((part, place) => part !== b[place]);
  return index < 0 ? 0 : a[index] - b[index];
}

function checkNode() {
  const version = process.versions.node.split('.').map((part) => Number.parseInt(part, 10));
  if (compareVersions(version, LEAST_NODE) >= 0) return;
  throw new Error(
    `Node ${process.versions.node} is too old: Coracle needs ${LEAST_NODE.join('.')} or newer, for WebAssembly tail ` +
      'calls and the build tools. Install a current Node from nodejs.org or with a version manager, then try again.',
  );
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Why node_modules has to be installed, or undefined. npm leaves a lock file of what it installed in node_modules;
 * every package that package-lock.json names must be in it in the same version, unless it is for another platform.
 */
function whyInstall() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  if (wanted === undefined) throw new Error('package-lock.json is missing or damaged: restore it with git');
  const installed = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (installed === undefined) return 'the packages are not installed yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link || (installed[path] === undefined && entry.optional)) continue;
    if (installed[path]?.version !== entry.version) return `${path.replace('node_modules/', '')} is not the locked version`;
  }
  return undefined;
}

function installPackages() {
  const reason = whyInstall();
  if (reason === undefined) return;
  say(`${reason}: npm ci (about 60 MB once, half a minute)`);
  // npm tells its children where it is; started by hand, it is on the PATH.
  const npmScript = process.env['npm_execpath'];
  const [command, args] = npmScript?.endsWith('.js') ? [process.execPath, [npmScript]] : ['npm', []];
  const result = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: command === 'npm' && process.platform === 'win32',
  });
  if (result.error !== undefined || result.status !== 0) {
    throw new Error(
      'npm ci failed (its own words are above). Is the network reachable? Behind a proxy or a mirror, set it with ' +
        '`npm config set registry …`; after a broken install, delete node_modules and try again.',
    );
  }
}

/** @param {{ browser?: boolean }} options */
export async function setup(options = {}) {
  checkNode();
  installPackages();
  if (options.browser) say(`Chromium: ${await ensureChromium(say)}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup({ browser: process.argv.includes('--browser') });
  } catch (error) {
    process.stderr.write(`setup: ${error.message}\n`);
    process.exitCode = 1;
  }
}
