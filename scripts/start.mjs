/** `npm start`: installs, fetches what it can, builds, serves the page and prints its address. `--port N`, `--host H`. */
import { run } from './run.mjs';

run('what the build needs', 'node', 'scripts/setup.mjs');
run('guests (where apt is missing, the embedded one boots)', 'tsx', 'scripts/guests.ts');
run('build', 'node', 'scripts/build.mjs');
run('serving; stop with Ctrl-C', 'vite', 'preview', ...process.argv.slice(2));
