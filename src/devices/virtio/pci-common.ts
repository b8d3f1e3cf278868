/** The common configuration structure of the PCI transport [VIRTIO 4.1.4.3], register by register. */
import type { Width } from '../device.ts';
import * as V from './registers.ts';
import type { VirtioCore } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export function readCommon(core: VirtioCore, offset: number): number {
  const { queue } = core;
  switch (offset) {
    case V.COMMON_DFSELECT: return core.deviceFeaturesSelect;
    case V.COMMON_DF: return core.readDeviceFeatures(core.deviceFeaturesSelect);
    case V.COMMON_GFSELECT: return core.driverFeaturesSelect;
    case V.COMMON_GF: return core.readDriverFeatures(core.driverFeaturesSelect);
    case V.COMMON_MSIX: return core.configVector;
    case V.COMMON_NUMQ: return core.queues.length;
    case V.COMMON_STATUS: return core.status;
    // The configuration never changes while the device runs.
    case V.COMMON_CFGGENERATION: return 0;
    case V.COMMON_Q_SELECT: return core.queueSelect;
    case V.COMMON_Q_SIZE: return queue?.size ?? 0;
    case V.COMMON_Q_MSIX: return queue?.vector ?? V.NO_VECTOR;
    case V.COMMON_Q_ENABLE: return queue?.ready ? 1 : 0;
    case V.COMMON_Q_NOFF: return core.queueSelect;
    default: return queue ? readAddress(queue, offset) : 0;
  }
}

export function writeCommon(core: VirtioCore, offset: number, width: Width, value: number): void {
  const { queue } = core;
  switch (offset) {
    case V.COMMON_DFSELECT: core.deviceFeaturesSelect = value; break;
    case V.COMMON_GFSELECT: core.driverFeaturesSelect = value; break;
    case V.COMMON_GF: core.writeDriverFeatures(core.driverFeaturesSelect, value); break;
    case V.COMMON_MSIX: core.configVector = vectorOf(core, value); break;
    case V.COMMON_STATUS: core.status = value & 0xff; break;
    case V.COMMON_Q_SELECT: core.queueSelect = value & 0xffff; break;
    default: if (queue) writeQueue(core, queue, offset, width, value);
  }
}

function writeQueue(core: VirtioCore, queue: Virtqueue, offset: number, width: Width, value: number): void {
  switch (offset) {
    case V.COMMON_Q_SIZE: if (isQueueSize(queue, value)) queue.size = value; break;
    case V.COMMON_Q_MSIX: queue.vector = vectorOf(core, value); break;
    case V.COMMON_Q_ENABLE: if (value === 1) queue.ready = true; break;
    default: if (width === 4 && !queue.ready) writeAddress(queue, offset, value);
  }
}

/** A power of two, at most the device's own size. */
export function isQueueSize(queue: Virtqueue, value: number): boolean {
  return value > 0 && value <= queue.maximumSize && (value & (value - 1)) === 0;
}

/** A vector that there is; the driver reads back what it got. */
export function vectorOf(core: VirtioCore, value: number): number {
  return (value & 0xffff) <= core.queues.length ? value & 0xffff : V.NO_VECTOR;
}

const PARTS = { [V.COMMON_Q_DESC]: 'descriptors', [V.COMMON_Q_AVAIL]: 'available', [V.COMMON_Q_USED]: 'used' } as const;

function partAt(offset: number): 'descriptors' | 'available' | 'used' | undefined {
  return PARTS[(offset & ~4) as keyof typeof PARTS];
}

function readAddress(queue: Virtqueue, offset: number): number {
  const part = partAt(offset);
  if (part === undefined) return 0;
  return offset & 4 ? Math.floor(queue[part] / 2 ** 32) : queue[part] % 2 ** 32;
}

function writeAddress(queue: Virtqueue, offset: number, value: number): void {
  const part = partAt(offset);
  if (part !== undefined) queue[part] = withHalf(queue[part], (offset & 4) !== 0, value);
}

/** A 64-bit address with one of its halves replaced; past 2^53 it is no address of the machine. */
export function withHalf(address: number, high: boolean, value: number): number {
  return high ? (value >>> 0) * 2 ** 32 + (address % 2 ** 32) : Math.floor(address / 2 ** 32) * 2 ** 32 + (value >>> 0);
}
