/**
 * A split virtqueue, seen from the device [VIRTIO 2.7]: takes chains of descriptors from the available ring, gives them
 * back on the used ring, and tells when the driver wants an interrupt for that.
 *
 * Whatever the guest writes into the rings, a chain has no more descriptors than the queue, or 1024 in an indirect table.
 * What breaks the rules makes the queue `broken`: it gives nothing more until it is reset.
 */
import { physAddr } from '../../memory/address.ts';
import type { Dma } from '../device.ts';
import { Chain, type Segment } from './chain.ts';
import {
  AVAIL_F_NO_INTERRUPT, DESC_F_INDIRECT, DESC_F_NEXT, DESC_F_WRITE, DESC_SIZE, LEGACY_ALIGN, NO_VECTOR,
} from './registers.ts';

/** Descriptors of an indirect table that one chain may take. */
const LONGEST_INDIRECT = 1024;
const RING_HEADER = 4, AVAIL_ENTRY = 2, USED_ENTRY = 8;

export interface VirtqueueState {
  readonly size: number;
  readonly ready: boolean;
  readonly vector: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  readonly nextAvailable: number;
  readonly nextUsed: number;
  readonly broken: boolean;
}

export interface VirtqueueOptions {
  readonly memory: Dma;
  readonly maximumSize: number;
  /** The driver is to hear of used buffers. */
  readonly interrupt: () => void;
  /** The driver broke the rules. */
  readonly onBroken: () => void;
  /** The device may access memory. Default: always. */
  readonly isMaster?: (() => boolean) | undefined;
}

export class Virtqueue {
  readonly maximumSize: number;
  size: number;
  ready = false;
  /** MSI-X vector. */
  vector = NO_VECTOR;
  /** Guest-physical addresses of the three parts. */
  descriptors = 0;
  available = 0;
  used = 0;
  /** VIRTIO_F_EVENT_IDX was accepted. */
  eventIndex = false;
  private readonly memory: Dma;
  private readonly options: VirtqueueOptions;
  private readonly isMaster: () => boolean;
  private nextAvailable = 0;
  private nextUsed = 0;
  private broken = false;
  /** Counts resets: nobody waits for an answer to what came before the last one. */
  private epoch = 0;
  private readonly word = new DataView(new ArrayBuffer(8));
  private readonly wordBytes = new Uint8Array(this.word.buffer);

  constructor(options: VirtqueueOptions) {
    this.options = options;
    this.memory = options.memory;
    this.isMaster = options.isMaster ?? (() => true);
    this.maximumSize = options.maximumSize;
    this.size = options.maximumSize;
  }

  reset(): void {
    this.size = this.maximumSize;
    this.ready = false;
    this.vector = NO_VECTOR;
    this.descriptors = this.available = this.used = 0;
    this.eventIndex = false;
    this.nextAvailable = this.nextUsed = 0;
    this.broken = false;
    this.epoch++;
  }

  /** The legacy interface gives one address, and the rest follows from it [VIRTIO 2.7.2]. */
  placeLegacy(address: number): void {
    this.descriptors = address;
    this.available = address + DESC_SIZE * this.size;
    const end = this.available + RING_HEADER + AVAIL_ENTRY * this.size + 2;
    this.used = Math.ceil(end / LEGACY_ALIGN) * LEGACY_ALIGN;
    this.ready = address !== 0;
  }

  /** The next chain that the driver made available; undefined when there is none. */
  pop(): Chain | undefined {
    if (!this.ready || this.broken || !this.isMaster()) return undefined;
    const waiting = (this.read16(this.available + 2) - this.nextAvailable) & 0xffff;
    if (waiting === 0) {
      this.askForNotification();
      return undefined;
    }
    if (waiting > this.size) return this.breakDown();
    const head = this.read16(this.available + RING_HEADER + AVAIL_ENTRY * (this.nextAvailable % this.size));
    const chain = this.chainAt(head);
    if (chain === undefined) return this.breakDown();
    this.nextAvailable = (this.nextAvailable + 1) & 0xffff;
    return chain;
  }

  /** All chains that wait: no more than a queue holds, whatever the guest or the device do to the rings meanwhile. */
  *waiting(): Generator<Chain, void> {
    for (let left = this.size + 1; left > 0; left--) {
      const chain = this.pop();
      if (chain === undefined) return;
      yield chain;
    }
  }

  /** Gives a chain back, with `written` bytes in it, and interrupts the driver if it wants that. */
  push(chain: Chain, written: number): void {
    if (!chain.isOpen()) return;
    const entry = this.used + RING_HEADER + USED_ENTRY * (this.nextUsed % this.size);
    this.word.setUint32(0, chain.head, true);
    this.word.setUint32(4, written, true);
    this.memory.write(physAddr(entry), this.wordBytes);
    const before = this.nextUsed;
    this.nextUsed = (before + 1) & 0xffff;
    this.write16(this.used + 2, this.nextUsed);
    if (this.wantsInterrupt(before)) this.options.interrupt();
  }

  save(): VirtqueueState {
    const { size, ready, vector, descriptors, available, used, nextAvailable, nextUsed, broken } = this;
    return { size, ready, vector, descriptors, available, used, nextAvailable, nextUsed, broken };
  }

  restore(state: VirtqueueState): void {
    this.size = state.size;
    this.ready = state.ready;
    this.vector = state.vector;
    this.descriptors = state.descriptors;
    this.available = state.available;
    this.used = state.used;
    this.nextAvailable = state.nextAvailable;
    this.nextUsed = state.nextUsed;
    this.broken = state.broken;
    this.epoch++;
  }

  /** [VIRTIO 2.7.7.2, 2.7.10]: the used index passed the one that the driver waits for, or interrupts are not off. */
  private wantsInterrupt(before: number): boolean {
    if (!this.eventIndex) return (this.read16(this.available) & AVAIL_F_NO_INTERRUPT) === 0;
    return this.read16(this.available + RING_HEADER + AVAIL_ENTRY * this.size) === before;
  }

  /** Where the driver's next chain is to be notified of. */
  private askForNotification(): void {
    if (this.eventIndex) this.write16(this.used + RING_HEADER + USED_ENTRY * this.size, this.nextAvailable);
  }

  private breakDown(): undefined {
    this.broken = true;
    this.options.onBroken();
    return undefined;
  }

  /** undefined: the driver broke the rules. */
  private chainAt(head: number): Chain | undefined {
    const { epoch } = this;
    const isOpen = (): boolean => epoch === this.epoch && !this.broken && this.isMaster();
    const readable: Segment[] = [], writable: Segment[] = [];
    let table = this.descriptors, count = this.size, index = head;
    let indirect = false;
    for (let left = this.size; left > 0; left--) {
      if (index >= count) return undefined;
      const view = this.descriptor(table + DESC_SIZE * index);
      const address = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
      const length = view.getUint32(8, true), flags = view.getUint16(12, true), next = view.getUint16(14, true);
      if ((flags & DESC_F_INDIRECT) !== 0) {
        const entries = length / DESC_SIZE;
        if (indirect || (flags & DESC_F_NEXT) !== 0 || !Number.isInteger(entries) || entries === 0) return undefined;
        indirect = true;
        [table, count, index] = [address, entries, 0];
        left = LONGEST_INDIRECT + 1;
        continue;
      }
      if ((flags & DESC_F_WRITE) !== 0) writable.push({ address, length });
      else if (writable.length > 0) return undefined;
      else readable.push({ address, length });
      if ((flags & DESC_F_NEXT) === 0) return new Chain(this.memory, head, isOpen, readable, writable);
      index = next;
    }
    return undefined;
  }

  private descriptor(address: number): DataView {
    const bytes = new Uint8Array(DESC_SIZE);
    this.memory.read(physAddr(address), bytes);
    return new DataView(bytes.buffer);
  }

  private read16(address: number): number {
    const two = this.wordBytes.subarray(0, 2);
    this.memory.read(physAddr(address), two);
    return this.word.getUint16(0, true);
  }

  private write16(address: number, value: number): void {
    this.word.setUint16(0, value, true);
    this.memory.write(physAddr(address), this.wordBytes.subarray(0, 2));
  }
}
