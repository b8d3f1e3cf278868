/**
 * `npm test` and `npm run test:guests`: installs what the tests need, builds, and runs them.
 *
 *   node scripts/test.mjs [--guests [--long] [--compiled]] [vitest arguments…]
 *
 * `--long` adds the guest tests that take long: all programs in the installed systems, and the interpreter alone. With `--compiled`
 * the command line's guests have all that a branch leads to compiled at once.
 */
import { run } from './run.mjs';

const [first, ...rest] = process.argv.slice(2);
const guests = first === '--guests';
const OWN = ['--long', '--compiled'];
const [long, compiled] = OWN.map((word) => guests && rest.includes(word));
const more = guests ? rest.filter((word) => !OWN.includes(word)) : process.argv.slice(2);
if (long) process.env.CORACLE_LONG = '1';
if (compiled) process.env.CORACLE_COMPILED = '1';

run('what the tests need', 'node', 'scripts/setup.mjs', '--browser');
run('guests', 'tsx', 'scripts/guests.ts', '--require-all');
run('build', 'node', 'scripts/build.mjs');
if (guests) {
  run('what only the tests boot', 'tsx', 'scripts/systems.ts', ...(long ? ['--long'] : []));
  run('guests to boot', 'vitest', 'run', '--project', 'guests', ...more);
} else {
  run('references for the oracles', 'node', 'scripts/references.mjs');
  run('the teaching image is what its source makes', 'tsx', 'images/teaching/build.ts', '--check');
  run('tests', 'vitest', 'run', '--project', 'unit', '--project', 'oracle', '--project', 'fuzz', '--project', 'kernels', '--project', 'browser', ...more);
}
