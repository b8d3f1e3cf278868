/** The virtio devices of a machine as options, and what is behind them opened. */
import type { DriveOption } from './create-machine.ts';
import type { MachineHost } from './machine/host.ts';
import type { VirtioSpec } from './machine/boards/virtio-functions.ts';
import type { BlockBackend } from './storage/block.ts';

/** A paravirtual device, as QEMU's `-device virtio-…` adds one. */
export type VirtioOption =
  /** A disk. */
  | { readonly kind: 'blk'; readonly drive: DriveOption }
  /** A console: `sendSerial` and `serial-output` number it after the serial ports, in order. */
  | { readonly kind: 'console' }
  /** A source of entropy. */
  | { readonly kind: 'rng' };

export async function openVirtio(
  options: readonly VirtioOption[], host: MachineHost, open: (option: DriveOption, name: string) => Promise<BlockBackend>,
): Promise<VirtioSpec[]> {
  const specs: VirtioSpec[] = [];
  for (const [i, option] of options.entries()) {
    switch (option.kind) {
      case 'blk': specs.push({ kind: 'blk', backend: await open(option.drive, `virtio disk ${i}`) }); break;
      case 'rng': specs.push({ kind: 'rng', random: (length) => host.random(length) }); break;
      case 'console': specs.push({ kind: 'console' }); break;
    }
  }
  return specs;
}
