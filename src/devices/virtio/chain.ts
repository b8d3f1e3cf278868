/** The buffers of one request: what the driver wrote for the device, then room for what the device answers. */
import { physAddr } from '../../memory/address.ts';
import type { Dma } from '../device.ts';

export interface Segment {
  readonly address: number;
  readonly length: number;
}

export class Chain {
  /** Index of the chain's first descriptor. */
  readonly head: number;
  readonly readableBytes: number;
  readonly writableBytes: number;
  /** The driver still waits for the answer: where it does not, its memory may be somebody else's by now. */
  readonly isOpen: () => boolean;
  private readonly memory: Dma;
  private readonly readable: readonly Segment[];
  private readonly writable: readonly Segment[];

  constructor(memory: Dma, head: number, isOpen: () => boolean, readable: readonly Segment[], writable: readonly Segment[]) {
    this.memory = memory;
    this.head = head;
    this.isOpen = isOpen;
    this.readable = readable;
    this.writable = writable;
    this.readableBytes = total(readable);
    this.writableBytes = total(writable);
  }

  /** Bytes of the request from `offset` on, at most `length` and what there is. */
  read(offset: number, length: number): Uint8Array {
    const target = new Uint8Array(Math.max(Math.min(length, this.readableBytes - offset), 0));
    each(this.readable, offset, target.length, (address, done, size) => {
      this.memory.read(physAddr(address), target.subarray(done, done + size));
    });
    return target;
  }

  /** Puts bytes into the room for the answer; what does not fit is left out, and all of it when the chain is no longer open. */
  write(offset: number, source: Uint8Array): void {
    if (!this.isOpen()) return;
    const length = Math.max(Math.min(source.length, this.writableBytes - offset), 0);
    each(this.writable, offset, length, (address, done, size) => {
      this.memory.write(physAddr(address), source.subarray(done, done + size));
    });
  }
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

function each(
  segments: readonly Segment[], offset: number, length: number, visit: (address: number, done: number, size: number) => void,
): void {
  let start = 0, done = 0;
  for (const segment of segments) {
    if (done === length) return;
    const skip = Math.max(offset - start, 0);
    const size = Math.min(segment.length - skip, length - done);
    if (size > 0) {
      visit(segment.address + skip, done, size);
      done += size;
    }
    start += segment.length;
  }
}
