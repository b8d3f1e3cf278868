/**
 * Coracle as a library: `createMachine` gives a PC that runs in this page, worker or Node process.
 *
 * ```ts
 * const machine = await createMachine({ memoryMiB: 64, kernel: '/bzImage', initrd: '/initrd.gz', append: 'console=ttyS0' });
 * machine.on('serial-output', ({ data }) => terminal.write(data));
 * machine.run();
 * ```
 */
export { TRACE_ITEMS } from './cpu/trace.ts';
export type { ListedPart, RegionListing, TraceEvent, TraceItem } from './cpu/trace.ts';
export type { CodeCounters, CompilerCounters, ExitCause } from './cpu/code-counters.ts';
export { createMachine } from './create-machine.ts';
export type { DriveOption, MachineOptions, ModuleOption } from './create-machine.ts';
export type { Frame } from './devices/vga/renderer/renderer.ts';
export { EmulatorError } from './errors.ts';
export type { EmulatorErrorCode } from './errors.ts';
export type { FileSource } from './file-source.ts';
export type { MachineHost } from './machine/host.ts';
export type {
  ExitReason, Machine, MachineEvents, MachineExit, MachineInput, MachineState, MachineStatistics, ResetCause,
} from './machine/machine.ts';
export type { Pace } from './machine/run-loop.ts';
export { Rehearsal } from './rehearsal/rehearsal.ts';
export type { BlockBackend } from './storage/block.ts';
export type { ImageSource } from './storage/open.ts';
export type { FileTree } from './storage/file-tree.ts';
export { openHandleTree } from './storage/handle-tree/tree.ts';
export type { OpenFolder, VirtioOption } from './virtio-options.ts';
