/** One Coracle machine in Node, its serial port on standard input and output. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMachine, type Machine } from '../../../src/node/index.ts';
import { builtModules } from '../../built-modules.ts';
import { guestFromArguments, serve } from './protocol.ts';

const guest = guestFromArguments();
const [kernel, initrd] = [readFileSync(guest.kernel), readFileSync(guest.initrd)];
const modules = await builtModules((name) => readFile(join(guest.built, name)));
let machine: Machine | undefined;

/** To unpack the kernel is a part of the boot, as it is in the other machines. */
async function run(): Promise<void> {
  machine = await createMachine({ memoryMiB: guest.memoryMiB, kernel, initrd, append: guest.append, modules });
  machine.on('serial-output', ({ data }) => void process.stdout.write(data));
  machine.on('error', (error) => {
    throw error;
  });
  machine.run();
}

serve({ run: () => void run(), send: (data) => machine?.sendSerial(data) });
