/** The virtio devices that a machine is to have, as options say them, made for whichever transport the board has. */
import { VirtioBlk } from '../../devices/virtio/blk.ts';
import { VirtioConsole } from '../../devices/virtio/console.ts';
import { Virtio9p } from '../../devices/virtio/p9-device.ts';
import { VirtioRng } from '../../devices/virtio/rng.ts';
import type { VirtioFunction } from '../../devices/virtio/virtio-core.ts';
import type { BlockBackend } from '../../storage/block.ts';
import type { FileTree } from '../../storage/file-tree.ts';
import type { BoardParts } from '../machine.ts';

export type VirtioSpec =
  | { readonly kind: 'blk'; readonly backend: BlockBackend }
  | { readonly kind: 'console' }
  | { readonly kind: '9p'; readonly tree: FileTree; readonly mountTag: string }
  | { readonly kind: 'rng'; readonly random: (length: number) => Uint8Array };

export interface VirtioFunctions {
  /** In the order of the options. */
  readonly functions: readonly VirtioFunction[];
  /** Consoles are serial ports to the outside, numbered after the board's own. */
  readonly consoles: readonly VirtioConsole[];
}

/** @param serialPorts the board's own serial ports */
export function createVirtioFunctions(specs: readonly VirtioSpec[], serialPorts: number, parts: BoardParts): VirtioFunctions {
  const { door, deviceError, serialOutput } = parts;
  const consoles: VirtioConsole[] = [];
  const functions = specs.map((spec, i): VirtioFunction => {
    const id = `virtio-${spec.kind}${i}`;
    switch (spec.kind) {
      case 'blk': return new VirtioBlk({ id, backend: spec.backend, door, onError: deviceError });
      case 'rng': return new VirtioRng({ id, door, random: spec.random });
      case '9p': return new Virtio9p({ id, tree: spec.tree, mountTag: spec.mountTag, door, onError: deviceError });
      case 'console': {
        const port = serialPorts + consoles.length;
        const console = new VirtioConsole({ id, output: (byte) => serialOutput(port, byte) });
        consoles.push(console);
        return console;
      }
    }
  });
  return { functions, consoles };
}
