/** For unit tests: a driver's side of a split virtqueue in test memory [VIRTIO 2.7]. */
import { TestDma } from '../test-rig.ts';
import type { VirtioFunction } from './virtio-core.ts';
import { VirtioCore } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export interface Buffer {
  readonly address: number;
  readonly length: number;
  readonly write?: boolean;
}

const DESCRIPTORS = 0x1000, AVAILABLE = 0x2000, USED = 0x3000, AREA = 0x4000;
/** Where tests put their buffers. */
export const BUFFERS = 0x40000;

export class TestDriver {
  readonly memory = new TestDma(1 << 20);
  readonly core: VirtioCore;
  interrupts = 0;
  private readonly view = new DataView(this.memory.bytes.buffer);
  private readonly next: number[] = [];

  constructor(fn: VirtioFunction) {
    this.core = new VirtioCore({
      function: fn, memory: this.memory,
      interrupt: () => {
        if (this.core?.isr) this.interrupts++;
      },
    });
    this.setUp();
  }

  /** Gives every queue its place. */
  setUp(): void {
    for (const [i, queue] of this.core.queues.entries()) {
      queue.size = Math.min(queue.maximumSize, 16);
      queue.descriptors = i * AREA + DESCRIPTORS;
      queue.available = i * AREA + AVAILABLE;
      queue.used = i * AREA + USED;
      queue.ready = true;
      this.next[i] = 0;
      this.memory.bytes.fill(0, i * AREA + DESCRIPTORS, i * AREA + AREA + DESCRIPTORS);
    }
    this.core.status = 0xf;
  }

  queue(index = 0): Virtqueue {
    return this.core.queues[index];
  }

  descriptor(table: number, index: number, address: number, length: number, flags: number, next = 0): void {
    const at = table + 16 * index;
    this.view.setUint32(at, address, true);
    this.view.setUint32(at + 4, 0, true);
    this.view.setUint32(at + 8, length, true);
    this.view.setUint16(at + 12, flags, true);
    this.view.setUint16(at + 14, next, true);
  }

  /** Puts buffers into descriptors from `head` on. */
  chain(buffers: readonly Buffer[], head = 0, queue = 0): void {
    for (const [i, { address, length, write }] of buffers.entries()) {
      const more = i + 1 < buffers.length ? 1 : 0;
      this.descriptor(this.queue(queue).descriptors, head + i, address, length, (write ? 2 : 0) | more, head + i + 1);
    }
  }

  /** Makes a head available and notifies. */
  offer(head = 0, queue = 0): void {
    const { available, size } = this.queue(queue);
    this.view.setUint16(available + 4 + 2 * (this.next[queue] % size), head, true);
    this.view.setUint16(available + 2, ++this.next[queue], true);
    this.core.notify(queue);
  }

  send(buffers: readonly Buffer[], queue = 0): void {
    this.chain(buffers, 0, queue);
    this.offer(0, queue);
  }

  /** Heads and lengths on the used ring. */
  used(queue = 0): [head: number, written: number][] {
    const { used, size } = this.queue(queue);
    return Array.from({ length: this.view.getUint16(used + 2, true) }, (_, i) => {
      const at = used + 4 + 8 * (i % size);
      return [this.view.getUint32(at, true), this.view.getUint32(at + 4, true)];
    });
  }

  put(address: number, bytes: Uint8Array): void {
    this.memory.bytes.set(bytes, address);
  }

  get(address: number, length: number): Uint8Array {
    return this.memory.bytes.slice(address, address + length);
  }
}

/** A door that lets everything in when the test opens it. */
export class TestDoor {
  private readonly waiting: (() => void)[] = [];

  enter<T>(work: Promise<T> | T, done: (result: T) => void, failed: (error: Error) => void): void {
    if (work instanceof Promise) {
      work.then((result) => this.waiting.push(() => done(result)), (error: Error) => this.waiting.push(() => failed(error)));
    } else {
      this.waiting.push(() => done(work));
    }
  }

  open(): void {
    for (let action = this.waiting.shift(); action; action = this.waiting.shift()) action();
  }
}
