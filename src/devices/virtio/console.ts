/**
 * Console device with one port [VIRTIO 5.3]: queue 0 takes what the user types, queue 1 what the guest prints. Input
 * waits until the driver has room for it.
 */
import { VIRTIO_ID_CONSOLE } from './registers.ts';
import type { VirtioFunction } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export interface VirtioConsoleOptions {
  readonly id: string;
  readonly output: (byte: number) => void;
}

const F_EMERG_WRITE = 1n << 2n;
const RECEIVE = 0, TRANSMIT = 1, QUEUE_SIZE = 128;
const CONFIG_SIZE = 12, CONFIG_EMERG_WRITE = 8;
/** What of one buffer is copied at once. */
const PIECE = 4096;
/** A guest that does not read loses what is typed past this; of a buffer that is longer, the rest is not printed. */
const MOST_INPUT = 1 << 20, MOST_OUTPUT = 1 << 20;

export class VirtioConsole implements VirtioFunction {
  readonly id: string;
  readonly deviceType = VIRTIO_ID_CONSOLE;
  readonly features = F_EMERG_WRITE;
  readonly queueSizes = [QUEUE_SIZE, QUEUE_SIZE];
  readonly config = new Uint8Array(CONFIG_SIZE);
  private readonly output: (byte: number) => void;
  private queues!: readonly Virtqueue[];
  private input: number[] = [];

  constructor(options: VirtioConsoleOptions) {
    this.id = options.id;
    this.output = options.output;
  }

  connect(queues: readonly Virtqueue[]): void {
    this.queues = queues;
  }

  /** The user types. */
  receive(bytes: Uint8Array): void {
    this.input.push(...bytes.subarray(0, MOST_INPUT - this.input.length));
    this.deliver();
  }

  notified(queue: number): void {
    if (queue === RECEIVE) this.deliver();
    else if (queue === TRANSMIT) this.print();
  }

  configWritten(offset: number, value: number): void {
    if (offset === CONFIG_EMERG_WRITE) this.output(value & 0xff);
  }

  reset(): void {
    this.input = [];
  }

  private print(): void {
    const queue = this.queues[TRANSMIT];
    for (const chain of queue.waiting()) {
      for (let at = 0; at < Math.min(chain.readableBytes, MOST_OUTPUT); at += PIECE) {
        for (const byte of chain.read(at, PIECE)) this.output(byte);
      }
      queue.push(chain, 0);
    }
  }

  private deliver(): void {
    const queue = this.queues[RECEIVE];
    if (this.input.length === 0) return;
    for (const chain of queue.waiting()) {
      const bytes = Uint8Array.from(this.input.splice(0, Math.min(chain.writableBytes, PIECE)));
      chain.write(0, bytes);
      queue.push(chain, bytes.length);
      if (this.input.length === 0) return;
    }
  }
}
