/** Entry of the program: runs the command line and ends the process with its status, output written. */
import { main } from './main.ts';

const status = await main(process.argv.slice(2), { input: process.stdin, output: process.stdout, errors: process.stderr });
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
