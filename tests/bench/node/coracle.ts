/** One Coracle machine in Node, its serial port on standard input and output. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMachine } from '../../../src/node/index.ts';
import { guestFromArguments, serve } from './protocol.ts';

const guest = guestFromArguments();
const compile = (name: string): Promise<WebAssembly.Module> => WebAssembly.compile(readFileSync(join(guest.built, name)));
const machine = await createMachine({
  memoryMiB: guest.memoryMiB,
  kernel: readFileSync(guest.kernel),
  initrd: readFileSync(guest.initrd),
  append: guest.append,
  modules: { interpreter: await compile('interpreter.wasm'), kernel: await compile('kernel.wasm'), compilerScript: readFileSync(join(guest.built, 'region-compiler.js'), 'utf8') },
});
machine.on('serial-output', ({ data }) => void process.stdout.write(data));
machine.on('error', (error) => {
  throw error;
});
serve({ run: () => machine.run(), send: (data) => machine.sendSerial(data) });
