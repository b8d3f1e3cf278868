/** The ports of the legacy interface [VIRTIO 4.1.4.10]; two vector registers are there while MSI-X is enabled. */
import type { Width } from '../device.ts';
import { vectorOf } from './pci-common.ts';
import * as V from './registers.ts';
import type { VirtioCore } from './virtio-core.ts';

export function readLegacy(core: VirtioCore, offset: number, width: Width, msix: boolean): number {
  const { queue } = core;
  switch (offset) {
    case V.LEGACY_HOST_FEATURES: return core.readDeviceFeatures(0, true);
    case V.LEGACY_GUEST_FEATURES: return core.readDriverFeatures(0);
    case V.LEGACY_QUEUE_PFN: return Math.floor((queue?.descriptors ?? 0) / V.LEGACY_ALIGN);
    case V.LEGACY_QUEUE_SIZE: return queue?.size ?? 0;
    case V.LEGACY_QUEUE_SELECT: return core.queueSelect;
    case V.LEGACY_STATUS: return core.status;
    case V.LEGACY_ISR: return core.takeIsr();
  }
  if (msix && offset === V.LEGACY_CONFIG_VECTOR) return core.configVector;
  if (msix && offset === V.LEGACY_QUEUE_VECTOR) return queue?.vector ?? V.NO_VECTOR;
  const config = msix ? V.LEGACY_CONFIG_MSIX : V.LEGACY_CONFIG;
  return offset >= config ? core.readConfig(offset - config, width) : 0;
}

export function writeLegacy(core: VirtioCore, offset: number, value: number, msix: boolean): void {
  switch (offset) {
    case V.LEGACY_GUEST_FEATURES: core.writeDriverFeatures(0, value); return;
    case V.LEGACY_QUEUE_PFN: placeQueue(core, value); return;
    case V.LEGACY_QUEUE_SELECT: core.queueSelect = value & 0xffff; return;
    case V.LEGACY_QUEUE_NOTIFY: core.notify(value & 0xffff); return;
    case V.LEGACY_STATUS: core.status = value & 0xff; return;
  }
  if (msix && offset === V.LEGACY_CONFIG_VECTOR) core.configVector = vectorOf(core, value);
  else if (msix && offset === V.LEGACY_QUEUE_VECTOR) setQueueVector(core, value);
  else {
    const config = msix ? V.LEGACY_CONFIG_MSIX : V.LEGACY_CONFIG;
    if (offset >= config) core.writeConfig(offset - config, value);
  }
}

/** An address of zero resets the device, as drivers of old expect. */
function placeQueue(core: VirtioCore, pfn: number): void {
  if (pfn === 0) core.reset();
  else core.queue?.placeLegacy(pfn * V.LEGACY_ALIGN);
}

function setQueueVector(core: VirtioCore, value: number): void {
  if (core.queue) core.queue.vector = vectorOf(core, value);
}
