/** Coracle as a library for Node: the same as in a browser, and drives may be paths of files. */
import { createMachine as createPortableMachine, type Machine, type MachineOptions } from '../index.ts';
import { openNodeFile } from '../storage/node-file.ts';
import { openNodeTree } from '../storage/node-tree.ts';

export * from '../index.ts';
export { openNodeFile } from '../storage/node-file.ts';
export { openNodeTree } from '../storage/node-tree.ts';

/** As `createMachine` of the browser; strings that name a drive without a scheme, or a folder, are paths. @throws EmulatorError */
export async function createMachine(options: MachineOptions = {}): Promise<Machine> {
  return createPortableMachine({ openPath: (path) => openNodeFile(path), openFolder: openNodeTree, ...options });
}
