/** One Coracle machine in a worker, without anything else of the page. */
import { createMachine, type MachineOptions } from '../../../src/create-machine.ts';
import { linuxPayload } from '../../../src/machine/loaders/linux.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { Rehearsal } from '../../../src/rehearsal/rehearsal.ts';
import { builtModules } from '../../built-modules.ts';
import { fetchBytes, type GuestSpec, type WorkerReport, type WorkerRequest } from './protocol.ts';

const post = (report: WorkerReport): void => postMessage(report);
let machine: Machine | undefined;
/** Of a machine that is made when it is to run. */
let options: MachineOptions | undefined;

async function load(spec: GuestSpec): Promise<void> {
  const modules = await builtModules((name) => fetchBytes(spec.codeUrl + name));
  // As in the page: while the images come, and until the machine is to run.
  const rehearsal = new Rehearsal(modules);
  const kernel = await fetchBytes(spec.kernelUrl);
  const all: MachineOptions = {
    machine: spec.machine,
    memoryMiB: spec.memoryMiB,
    kernel,
    ...(spec.initrdUrl !== undefined && { initrd: await fetchBytes(spec.initrdUrl) }),
    append: spec.append,
    modules,
    rehearsal,
  };
  // To unpack the kernel is a part of the boot, as it is in the other machines.
  if (linuxPayload(kernel)) options = all;
  else await make(all);
  post({ kind: 'loaded' });
}

async function make(all: MachineOptions): Promise<void> {
  options = undefined;
  machine = await createMachine(all);
  machine.on('serial-output', ({ data }) => post({ kind: 'serial', data }));
  machine.on('error', (error) => post({ kind: 'error', message: String(error.stack) }));
  machine.on('exit', (exit) => post({ kind: 'error', message: `the machine ended: ${exit.reason}` }));
}

async function run(): Promise<void> {
  if (options) await make(options);
  machine?.run();
}

const fail = (error: unknown): void => post({ kind: 'error', message: String(error) });

function usage(of: Machine): void {
  const { arena, framesInUse } = of.memory.pool;
  post({
    kind: 'usage',
    usage: {
      arenaBytes: arena.usedBytes, memoryBytes: arena.memory.buffer.byteLength, frameBytes: framesInUse * 4096,
      instructions: of.cpu.instructions, longestCompilePauseMs: of.statistics().compiler?.longestPauseMs,
    },
  });
}

addEventListener('message', ({ data }: MessageEvent<WorkerRequest>): void => {
  switch (data.kind) {
    case 'load':
      load(data.spec).catch(fail);
      return;
    case 'run':
      run().catch(fail);
      return;
    case 'pause':
      machine?.pause();
      return;
    case 'send':
      machine?.sendSerial(data.data);
      return;
    case 'usage':
      if (machine) usage(machine);
  }
});
