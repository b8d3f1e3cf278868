/**
 * Between the bench and a machine in Node: the machine's process says when everything is loaded, is told to start, and
 * from then on its standard input and output are the guest's serial port. It ends when its input does.
 */

export const LOADED = '@loaded\n';
export const START = '@start\n';

export interface NodeGuest {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly memoryMiB: number;
  /** Folder of the compiled modules. */
  readonly built: string;
  readonly bios: string;
  readonly vgaBios: string;
}

export interface SerialMachine {
  run(): void;
  send(data: Uint8Array): void;
}

/** What the bench put on the command line. */
export function guestFromArguments(): NodeGuest {
  const [kernel, initrd, append, memoryMiB, built, bios, vgaBios] = process.argv.slice(2);
  return { kernel, initrd, append, memoryMiB: Number(memoryMiB), built, bios, vgaBios };
}

export function serve(machine: SerialMachine): void {
  let started = false;
  process.stdin.on('data', (data: Uint8Array) => {
    if (started) machine.send(data);
    else machine.run();
    started = true;
  });
  // process.exit, since a machine that runs keeps Node alive; V8 writes a profile all the same.
  process.stdin.on('end', () => process.exit(0));
  process.stdout.write(LOADED);
}
