/**
 * Where Chromium is on this machine, for the tests that drive the page, and how to get it where it is missing.
 * Plain JavaScript without dependencies: it also runs before `npm ci` has.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Variables that name a Chromium, in order of preference. */
const VARIABLES = ['CORACLE_CHROMIUM', 'PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH'];

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Playwright's own download, if it is there. */
async function playwrightChromium() {
  try {
    const { chromium } = await import('playwright-core');
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

/**
 * The path of a Chromium, or undefined. A variable that names a file which is not there throws: somebody meant it.
 * @returns {Promise<string | undefined>}
 */
export async function findChromium() {
  for (const variable of VARIABLES) {
    const path = process.env[variable];
    if (!path) continue;
    if (!existsSync(path)) throw new Error(`${variable} is set to ${path}, and there is no such file`);
    return path;
  }
  const usual = USUAL_PLACES.find((path) => existsSync(path));
  if (usual !== undefined) return usual;
  const downloaded = await playwrightChromium();
  return downloaded !== undefined && existsSync(downloaded) ? downloaded : undefined;
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** Runs a command with its output shown; true when it ended well. */
function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, ...env },
  });
  return result.error === undefined && result.status === 0;
}

/**
 * The path of a Chromium, installed if need be: from Debian's package as root, otherwise by Playwright.
 * @param {(text: string) => void} say
 * @returns {Promise<string>}
 */
export async function ensureChromium(say) {
  const found = await findChromium();
  if (found !== undefined) return found;
  if (isDebian() && process.getuid?.() === 0) {
    say('no Chromium here: installing Debian’s package (apt-get install chromium, about 90 MB)');
    const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
    // A list that cannot be fetched does not matter as long as the package can.
    run('apt-get', ['update', '-q'], quiet);
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], quiet);
  } else {
    say('no Chromium here: asking Playwright to download one (npx playwright-core install chromium)');
    run('npx', ['--no-install', 'playwright-core', 'install', 'chromium']);
  }
  const installed = await findChromium();
  if (installed !== undefined) return installed;
  throw new Error(
    'Chromium is needed for the tests of the page and could not be installed. Install it (Debian: `sudo apt-get ' +
      'install chromium`; elsewhere: `npx playwright-core install chromium`), or set CORACLE_CHROMIUM to its path.',
  );
}
