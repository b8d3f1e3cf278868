/** One Coracle machine in a worker, without anything else of the page. */
import { createMachine } from '../../../src/create-machine.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { builtModules } from '../../built-modules.ts';
import { fetchBytes, type GuestSpec, type WorkerReport, type WorkerRequest } from './protocol.ts';

const post = (report: WorkerReport): void => postMessage(report);
let machine: Machine | undefined;

async function load(spec: GuestSpec): Promise<void> {
  machine = await createMachine({
    machine: spec.machine,
    memoryMiB: spec.memoryMiB,
    kernel: await fetchBytes(spec.kernelUrl),
    ...(spec.initrdUrl !== undefined && { initrd: await fetchBytes(spec.initrdUrl) }),
    append: spec.append,
    modules: await builtModules((name) => fetchBytes(spec.codeUrl + name)),
  });
  machine.on('serial-output', ({ data }) => post({ kind: 'serial', data }));
  machine.on('error', (error) => post({ kind: 'error', message: String(error.stack) }));
  machine.on('exit', (exit) => post({ kind: 'error', message: `the machine ended: ${exit.reason}` }));
  post({ kind: 'loaded' });
}

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
      load(data.spec).catch((error) => post({ kind: 'error', message: String(error) }));
      return;
    case 'run':
      machine?.run();
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
