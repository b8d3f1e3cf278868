/** The MMIO transport [VIRTIO 4.2]: a device's registers in a page of memory, and one interrupt line. */
import type { BusRegistrar, Device, Dma, IrqLine, ResetKind, Width } from '../device.ts';
import { isQueueSize, withHalf } from './pci-common.ts';
import * as V from './registers.ts';
import { VirtioCore, type VirtioCoreState, type VirtioFunction } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export interface VirtioMmioOptions {
  readonly function: VirtioFunction;
  readonly memory: Dma;
  readonly irq: IrqLine;
  readonly base: number;
}

export interface VirtioMmioState {
  readonly version: 1;
  readonly core: VirtioCoreState;
}

export class VirtioMmio implements Device<VirtioMmioState> {
  readonly id: string;
  private readonly core: VirtioCore;
  private readonly base: number;

  constructor(options: VirtioMmioOptions) {
    this.id = options.function.id;
    this.base = options.base;
    this.core = new VirtioCore({
      function: options.function, memory: options.memory, interrupt: () => options.irq.set(this.core.isr !== 0),
    });
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number, width: Width) => this.read(offset, width),
      write: (offset: number, width: Width, value: number) => this.write(offset, width, value),
    };
    bus.memory(this.id, V.MMIO_SIZE, handler, { widths: [1, 2, 4] }).mapAt(this.base);
  }

  reset(_kind: ResetKind): void {
    this.core.reset();
  }

  save(): VirtioMmioState {
    return { version: 1, core: this.core.save() };
  }

  restore(state: VirtioMmioState): void {
    this.core.restore(state.core);
  }

  private read(offset: number, width: Width): number {
    const { core } = this;
    if (offset >= V.MMIO_CONFIG) return core.readConfig(offset - V.MMIO_CONFIG, width);
    if (width !== 4) return 0;
    switch (offset) {
      case V.MMIO_MAGIC: return V.MMIO_MAGIC_VALUE;
      case V.MMIO_VERSION: return V.MMIO_VERSION_VALUE;
      case V.MMIO_DEVICE_ID: return core.function.deviceType;
      case V.MMIO_VENDOR_ID: return V.MMIO_VENDOR_VALUE;
      case V.MMIO_DEVICE_FEATURES: return core.readDeviceFeatures(core.deviceFeaturesSelect);
      case V.MMIO_QUEUE_NUM_MAX: return core.queue?.maximumSize ?? 0;
      case V.MMIO_QUEUE_READY: return core.queue?.ready ? 1 : 0;
      case V.MMIO_INTERRUPT_STATUS: return core.isr;
      case V.MMIO_STATUS: return core.status;
      default: return 0;
    }
  }

  private write(offset: number, width: Width, value: number): void {
    const { core } = this;
    if (offset >= V.MMIO_CONFIG) core.writeConfig(offset - V.MMIO_CONFIG, value);
    if (width !== 4) return;
    switch (offset) {
      case V.MMIO_DEVICE_FEATURES_SEL: core.deviceFeaturesSelect = value; break;
      case V.MMIO_DRIVER_FEATURES: core.writeDriverFeatures(core.driverFeaturesSelect, value); break;
      case V.MMIO_DRIVER_FEATURES_SEL: core.driverFeaturesSelect = value; break;
      case V.MMIO_QUEUE_SEL: core.queueSelect = value; break;
      case V.MMIO_QUEUE_NOTIFY: core.notify(value); break;
      case V.MMIO_INTERRUPT_ACK: core.acknowledge(value); break;
      case V.MMIO_STATUS: core.status = value & 0xff; break;
      default: if (core.queue) writeQueue(core.queue, offset, value);
    }
  }
}

function writeQueue(queue: Virtqueue, offset: number, value: number): void {
  if (offset === V.MMIO_QUEUE_READY) queue.ready = (value & 1) !== 0;
  if (queue.ready) return;
  if (offset === V.MMIO_QUEUE_NUM && isQueueSize(queue, value)) queue.size = value;
  switch (offset & ~4) {
    case V.MMIO_QUEUE_DESC: queue.descriptors = withHalf(queue.descriptors, (offset & 4) !== 0, value); break;
    case V.MMIO_QUEUE_DRIVER: queue.available = withHalf(queue.available, (offset & 4) !== 0, value); break;
    case V.MMIO_QUEUE_DEVICE: queue.used = withHalf(queue.used, (offset & 4) !== 0, value); break;
    default: break;
  }
}
