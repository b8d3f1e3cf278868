/** Entropy device [VIRTIO 5.4]: random bytes from the host, which enter the machine by the door as all its inputs do. */
import type { AsyncDoor } from '../device.ts';
import type { Chain } from './chain.ts';
import { VIRTIO_ID_RNG } from './registers.ts';
import type { VirtioFunction } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export interface VirtioRngOptions {
  readonly id: string;
  readonly door: AsyncDoor;
  /** `length` random bytes. */
  readonly random: (length: number) => Uint8Array;
}

const QUEUE_SIZE = 8;
/** A request may be filled in part. */
const MOST = 4096;

export class VirtioRng implements VirtioFunction {
  readonly id: string;
  readonly deviceType = VIRTIO_ID_RNG;
  readonly features = 0n;
  readonly queueSizes = [QUEUE_SIZE];
  readonly config = new Uint8Array(0);
  private readonly options: VirtioRngOptions;
  private queue!: Virtqueue;

  constructor(options: VirtioRngOptions) {
    this.id = options.id;
    this.options = options;
  }

  connect([queue]: readonly Virtqueue[]): void {
    this.queue = queue;
  }

  notified(): void {
    for (const chain of this.queue.waiting()) this.fill(chain);
  }

  private fill(chain: Chain): void {
    const { door, random } = this.options;
    const bytes = random(Math.min(chain.writableBytes, MOST));
    const give = (): void => {
      chain.write(0, bytes);
      this.queue.push(chain, bytes.length);
    };
    door.enter(bytes, give, give);
  }
}
