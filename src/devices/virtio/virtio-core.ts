/**
 * What the transports have in common: negotiation of features, device status, queues, and the interrupt status
 * [VIRTIO 2.1 to 2.6, 3.1]. The device behind it is a `VirtioFunction`, which knows its queues and nothing else.
 *
 * Deviation: requests that a function has taken and not answered yet are no part of the saved state.
 */
import type { Dma } from '../device.ts';
import {
  F_ANY_LAYOUT, F_EVENT_IDX, F_INDIRECT_DESC, F_VERSION_1, ISR_CONFIG, ISR_QUEUE, NO_VECTOR, STATUS_DRIVER_OK, STATUS_FEATURES_OK,
  STATUS_NEEDS_RESET,
} from './registers.ts';
import { Virtqueue, type VirtqueueState } from './virtqueue.ts';

/** A block device, console and so on, behind whichever transport. */
export interface VirtioFunction {
  /** Unique in a machine. */
  readonly id: string;
  readonly deviceType: number;
  /** Features of its own kind. */
  readonly features: bigint;
  readonly queueSizes: readonly number[];
  /** The configuration that the driver reads. */
  readonly config: Uint8Array;
  /** Called once; the queues stay the same. */
  connect(queues: readonly Virtqueue[]): void;
  /** The driver made buffers available. */
  notified(queue: number): void;
  /** The driver wrote to the configuration. */
  configWritten?(offset: number, value: number): void;
  /** The device starts anew: nothing that is under way matters any more. Its queues and their chains know already. */
  reset?(): void;
}

export interface VirtioCoreState {
  readonly status: number;
  readonly driverFeatures: string;
  readonly isr: number;
  readonly queueSelect: number;
  readonly deviceFeaturesSelect: number;
  readonly driverFeaturesSelect: number;
  readonly configVector: number;
  readonly queues: readonly VirtqueueState[];
}

export interface VirtioCoreOptions {
  readonly function: VirtioFunction;
  readonly memory: Dma;
  /** Interrupt status changed, or an event with a vector of its own happened. */
  readonly interrupt: (vector: number) => void;
  /** As `VirtqueueOptions` has it. */
  readonly isMaster?: () => boolean;
}

const MASK_32 = 0xffffffffn;

export class VirtioCore {
  readonly function: VirtioFunction;
  readonly queues: readonly Virtqueue[];
  readonly deviceFeatures: bigint;
  driverFeatures = 0n;
  deviceFeaturesSelect = 0;
  driverFeaturesSelect = 0;
  queueSelect = 0;
  configVector = NO_VECTOR;
  isr = 0;
  private statusBits = 0;
  private readonly interrupt: (vector: number) => void;

  constructor(options: VirtioCoreOptions) {
    this.function = options.function;
    this.interrupt = options.interrupt;
    this.deviceFeatures = options.function.features | F_ANY_LAYOUT | F_INDIRECT_DESC | F_EVENT_IDX | F_VERSION_1;
    this.queues = options.function.queueSizes.map((maximumSize) => {
      const queue: Virtqueue = new Virtqueue({
        memory: options.memory, maximumSize,
        interrupt: () => this.signal(ISR_QUEUE, queue.vector),
        onBroken: () => this.needsReset(),
        isMaster: options.isMaster,
      });
      return queue;
    });
    this.function.connect(this.queues);
  }

  get status(): number {
    return this.statusBits;
  }

  /** Writing 0 resets the device. Features that it does not have are not accepted [VIRTIO 3.1.1]. */
  set status(value: number) {
    if (value === 0) {
      this.reset();
      return;
    }
    const refused = (this.driverFeatures & ~this.deviceFeatures) !== 0n;
    this.statusBits = (value & 0xff & ~(refused ? STATUS_FEATURES_OK : 0)) | (this.statusBits & STATUS_NEEDS_RESET);
    for (const queue of this.queues) queue.eventIndex = (this.driverFeatures & F_EVENT_IDX) !== 0n;
    // What the driver made available before it was done.
    if ((value & STATUS_DRIVER_OK) !== 0) for (const i of this.queues.keys()) this.notify(i);
  }

  reset(): void {
    this.statusBits = 0;
    this.driverFeatures = 0n;
    this.deviceFeaturesSelect = this.driverFeaturesSelect = this.queueSelect = 0;
    this.configVector = NO_VECTOR;
    this.isr = 0;
    for (const queue of this.queues) queue.reset();
    this.function.reset?.();
    this.interrupt(NO_VECTOR);
  }

  /** The queue that the driver selected; undefined where there is none. */
  get queue(): Virtqueue | undefined {
    return this.queues[this.queueSelect];
  }

  /** Half of the features that the driver selected. */
  readDeviceFeatures(select: number, legacy = false): number {
    const features = legacy ? this.deviceFeatures : this.deviceFeatures & ~F_ANY_LAYOUT;
    return select < 2 ? Number((features >> BigInt(32 * select)) & MASK_32) : 0;
  }

  readDriverFeatures(select: number): number {
    return select < 2 ? Number((this.driverFeatures >> BigInt(32 * select)) & MASK_32) : 0;
  }

  writeDriverFeatures(select: number, value: number): void {
    // After FEATURES_OK they stay as they are [VIRTIO 3.1.1].
    if (select > 1 || (this.statusBits & STATUS_FEATURES_OK) !== 0) return;
    const shift = BigInt(32 * select);
    this.driverFeatures = (this.driverFeatures & ~(MASK_32 << shift)) | (BigInt(value >>> 0) << shift);
    for (const queue of this.queues) queue.eventIndex = (this.driverFeatures & F_EVENT_IDX) !== 0n;
  }

  notify(index: number): void {
    if (this.queues[index]?.ready) this.function.notified(index);
  }

  readConfig(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.function.config[offset + i] ?? 0);
    return value;
  }

  writeConfig(offset: number, value: number): void {
    this.function.configWritten?.(offset, value);
  }

  /** Reading the interrupt status clears it. */
  takeIsr(): number {
    const { isr } = this;
    this.acknowledge(isr);
    return isr;
  }

  acknowledge(bits: number): void {
    this.isr &= ~bits;
    this.interrupt(NO_VECTOR);
  }

  save(): VirtioCoreState {
    const { isr, queueSelect, deviceFeaturesSelect, driverFeaturesSelect, configVector } = this;
    return {
      status: this.statusBits, driverFeatures: this.driverFeatures.toString(), isr, queueSelect, deviceFeaturesSelect,
      driverFeaturesSelect, configVector, queues: this.queues.map((queue) => queue.save()),
    };
  }

  restore(state: VirtioCoreState): void {
    this.function.reset?.();
    this.statusBits = state.status;
    this.driverFeatures = BigInt(state.driverFeatures);
    this.isr = state.isr;
    this.queueSelect = state.queueSelect;
    this.deviceFeaturesSelect = state.deviceFeaturesSelect;
    this.driverFeaturesSelect = state.driverFeaturesSelect;
    this.configVector = state.configVector;
    for (const [i, queue] of this.queues.entries()) {
      queue.restore(state.queues[i]);
      queue.eventIndex = (this.driverFeatures & F_EVENT_IDX) !== 0n;
    }
    this.interrupt(NO_VECTOR);
  }

  private needsReset(): void {
    this.statusBits |= STATUS_NEEDS_RESET;
    if ((this.statusBits & STATUS_DRIVER_OK) !== 0) this.signal(ISR_CONFIG, this.configVector);
  }

  private signal(bit: number, vector: number): void {
    this.isr |= bit;
    this.interrupt(vector);
  }
}
