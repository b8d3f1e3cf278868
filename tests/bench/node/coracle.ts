/** One Coracle machine in Node, its serial port on standard input and output. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMachine } from '../../../src/node/index.ts';
import { builtModules } from '../../built-modules.ts';
import { guestFromArguments, serve } from './protocol.ts';

const guest = guestFromArguments();
const machine = await createMachine({
  memoryMiB: guest.memoryMiB,
  kernel: readFileSync(guest.kernel),
  initrd: readFileSync(guest.initrd),
  append: guest.append,
  modules: await builtModules((name) => readFile(join(guest.built, name))),
});
machine.on('serial-output', ({ data }) => void process.stdout.write(data));
machine.on('error', (error) => {
  throw error;
});
serve({ run: () => machine.run(), send: (data) => machine.sendSerial(data) });
