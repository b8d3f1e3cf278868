/** Coracle as a library for Node: the same as in a browser, and drives may be paths of files. */
import { setFlagsFromString } from 'node:v8';
import { createMachine as createPortableMachine, type Machine, type MachineOptions } from '../index.ts';
import { openNodeFile } from '../storage/node-file.ts';
import { openNodeTree } from '../storage/node-tree.ts';

export * from '../index.ts';
export { openNodeFile } from '../storage/node-file.ts';
export { openNodeTree } from '../storage/node-tree.ts';
export { listingText, traceText } from './trace-text.ts';

// V8 before version 13 heeds the branch hints of the processor's modules only when it is told to; without them compiled guest
// code takes a sixth longer.
if (Number.parseInt(process.versions.v8, 10) < 13) setFlagsFromString('--experimental-wasm-branch-hinting');

/** As `createMachine` of the browser; strings that name a drive without a scheme, or a folder, are paths. @throws EmulatorError */
export async function createMachine(options: MachineOptions = {}): Promise<Machine> {
  return createPortableMachine({ openPath: (path) => openNodeFile(path), openFolder: openNodeTree, ...options });
}
