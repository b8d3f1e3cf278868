/**
 * The references that the oracles compare with: gcc, which builds the programs that run on the host's own processor, and
 * QEMU. Installed where that can be done (Debian, as root); elsewhere it is said which comparisons rest on recorded vectors.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const REFERENCES = [
  { program: 'gcc', packages: ['gcc', 'libc6-dev'], without: 'the recorded vectors stand in for the host’s processor' },
  { program: 'qemu-system-i386', packages: ['qemu-system-x86'], without: 'the recorded logs and vectors stand in for QEMU' },
];

const say = (text) => console.log(`references: ${text}`);
const runs = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });

const missing = REFERENCES.filter(({ program }) => !runs(program));
if (missing.length > 0 && existsSync('/etc/debian_version') && process.getuid?.() === 0) {
  const packages = missing.flatMap((reference) => reference.packages);
  say(`installing ${packages.join(', ')} (apt-get)`);
  apt('update', '-q');
  apt('install', '-y', '-q', '--no-install-recommends', ...packages);
}
for (const { program, packages, without } of REFERENCES) {
  if (runs(program)) say(`${program} is there`);
  else say(`${program} is missing: ${without}. To compare live, install it (Debian: sudo apt-get install ${packages.join(' ')})`);
}
