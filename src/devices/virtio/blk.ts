/**
 * Block device [VIRTIO 5.2]: reads, writes, flushes and the identifier, over a block backend. A request is carried out in
 * pieces, so that its length costs no memory; requests run side by side, as their pieces are answered.
 */
import type { BlockBackend } from '../../storage/block.ts';
import { readPadded } from '../../storage/padded.ts';
import type { AsyncDoor } from '../device.ts';
import type { Chain } from './chain.ts';
import { VIRTIO_ID_BLOCK } from './registers.ts';
import type { VirtioFunction } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export interface VirtioBlkOptions {
  readonly id: string;
  readonly backend: BlockBackend;
  readonly door: AsyncDoor;
  readonly onError: (error: Error) => void;
}

const F_SEG_MAX = 1n << 2n, F_RO = 1n << 5n, F_BLK_SIZE = 1n << 6n, F_FLUSH = 1n << 9n;
const T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8;
const S_OK = 0, S_IOERR = 1, S_UNSUPP = 2;
const QUEUE_SIZE = 256;
const SECTOR = 512, HEADER_SIZE = 16, ID_SIZE = 20;
/** What is moved between guest and backend at once. */
const PIECE = 1 << 18;
const CONFIG_SIZE = 24, CONFIG_SEG_MAX = 12, CONFIG_BLK_SIZE = 20;

export class VirtioBlk implements VirtioFunction {
  readonly id: string;
  readonly deviceType = VIRTIO_ID_BLOCK;
  readonly features: bigint;
  readonly queueSizes = [QUEUE_SIZE];
  readonly config = new Uint8Array(CONFIG_SIZE);
  private readonly backend: BlockBackend;
  private readonly door: AsyncDoor;
  private readonly onError: (error: Error) => void;
  private readonly sizeBytes: number;
  private queue!: Virtqueue;

  constructor(options: VirtioBlkOptions) {
    this.id = options.id;
    this.backend = options.backend;
    this.door = options.door;
    this.onError = options.onError;
    this.features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | (options.backend.readOnly ? F_RO : 0n);
    const sectors = Math.ceil(options.backend.sizeBytes / SECTOR);
    this.sizeBytes = sectors * SECTOR;
    const view = new DataView(this.config.buffer);
    view.setBigUint64(0, BigInt(sectors), true);
    view.setUint32(CONFIG_SEG_MAX, QUEUE_SIZE - 2, true);
    view.setUint32(CONFIG_BLK_SIZE, SECTOR, true);
  }

  connect([queue]: readonly Virtqueue[]): void {
    this.queue = queue;
  }

  notified(): void {
    for (const chain of this.queue.waiting()) this.start(chain);
  }

  private start(chain: Chain): void {
    const header = chain.read(0, HEADER_SIZE);
    // Without a header and room for a status there is nobody to answer.
    if (header.length < HEADER_SIZE || chain.writableBytes < 1) {
      this.queue.push(chain, 0);
      return;
    }
    const view = new DataView(header.buffer);
    const offset = Number(view.getBigUint64(8, true)) * SECTOR;
    switch (view.getUint32(0, true)) {
      case T_IN: this.transfer(chain, offset, chain.writableBytes - 1, (done) => this.readPiece(chain, offset, done)); break;
      case T_OUT: this.transfer(chain, offset, chain.readableBytes - HEADER_SIZE, (done) => this.writePiece(chain, offset, done)); break;
      case T_FLUSH: this.enter(chain, () => this.backend.flush(), () => this.finish(chain, S_OK, 0)); break;
      case T_GET_ID: this.identify(chain); break;
      default: this.finish(chain, S_UNSUPP, 0);
    }
  }

  private transfer(chain: Chain, offset: number, length: number, piece: (done: number) => void): void {
    if (length % SECTOR !== 0 || offset + length > this.sizeBytes) this.finish(chain, S_IOERR, 0);
    else if (length === 0) this.finish(chain, S_OK, 0);
    else piece(0);
  }

  private readPiece(chain: Chain, offset: number, done: number): void {
    const length = chain.writableBytes - 1;
    const size = Math.min(PIECE, length - done);
    this.enter(chain, () => readPadded(this.backend, offset + done, size), (bytes) => {
      chain.write(done, bytes);
      if (done + size < length) this.readPiece(chain, offset, done + size);
      else this.finish(chain, S_OK, length);
    });
  }

  /** What a disk of no whole number of sectors cannot keep is left out. */
  private writePiece(chain: Chain, offset: number, done: number): void {
    if (this.backend.readOnly) {
      this.finish(chain, S_IOERR, 0);
      return;
    }
    const length = chain.readableBytes - HEADER_SIZE;
    const size = Math.min(PIECE, length - done);
    const bytes = chain.read(HEADER_SIZE + done, Math.max(Math.min(size, this.backend.sizeBytes - offset - done), 0));
    this.enter(chain, () => this.backend.write(offset + done, bytes), () => {
      if (done + size < length) this.writePiece(chain, offset, done + size);
      else this.finish(chain, S_OK, 0);
    });
  }

  private identify(chain: Chain): void {
    const id = new Uint8Array(ID_SIZE);
    id.set(new TextEncoder().encode(this.id).subarray(0, ID_SIZE));
    chain.write(0, id.subarray(0, Math.min(ID_SIZE, chain.writableBytes - 1)));
    this.finish(chain, S_OK, Math.min(ID_SIZE, chain.writableBytes - 1));
  }

  /** Work of the backend, whose answer comes in by the door, and ends the request if nobody waits for it any more. */
  private enter<T>(chain: Chain, work: () => T | Promise<T>, done: (result: T) => void): void {
    const fail = (error: Error): void => {
      if (!chain.isOpen()) return;
      this.onError(error);
      this.finish(chain, S_IOERR, 0);
    };
    let result: T | Promise<T>;
    try {
      result = work();
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.door.enter(result, (value) => {
      if (chain.isOpen()) done(value);
    }, fail);
  }

  /** The status is the last byte of the room for the answer. */
  private finish(chain: Chain, status: number, written: number): void {
    chain.write(chain.writableBytes - 1, Uint8Array.of(status));
    this.queue.push(chain, written + 1);
  }
}
