/**
 * 9P transport: requests and answers of the file protocol in the buffers of one queue, and the name to mount by as the
 * configuration [Linux net/9p/trans_virtio.c; VIRTIO 5 has the number only].
 */
import type { FileTree } from '../../storage/file-tree.ts';
import type { AsyncDoor } from '../device.ts';
import type { Chain } from './chain.ts';
import { HEADER_SIZE } from './p9/messages.ts';
import { LARGEST_MESSAGE, P9Server } from './p9/server.ts';
import { VIRTIO_ID_9P } from './registers.ts';
import type { VirtioFunction } from './virtio-core.ts';
import type { Virtqueue } from './virtqueue.ts';

export interface Virtio9pOptions {
  readonly id: string;
  readonly tree: FileTree;
  readonly mountTag: string;
  readonly door: AsyncDoor;
  readonly onError: (error: Error) => void;
}

const F_MOUNT_TAG = 1n << 0n;
const QUEUE_SIZE = 128;

export class Virtio9p implements VirtioFunction {
  readonly id: string;
  readonly deviceType = VIRTIO_ID_9P;
  readonly features = F_MOUNT_TAG;
  readonly queueSizes = [QUEUE_SIZE];
  readonly config: Uint8Array;
  private readonly server: P9Server;
  private readonly door: AsyncDoor;
  private queue!: Virtqueue;

  constructor(options: Virtio9pOptions) {
    this.id = options.id;
    this.door = options.door;
    this.server = new P9Server(options.tree, options.onError);
    const tag = new TextEncoder().encode(options.mountTag);
    this.config = Uint8Array.of(tag.length & 0xff, tag.length >> 8, ...tag);
  }

  connect([queue]: readonly Virtqueue[]): void {
    this.queue = queue;
  }

  notified(): void {
    for (const chain of this.queue.waiting()) this.serve(chain);
  }

  reset(): void {
    this.server.reset();
  }

  private serve(chain: Chain): void {
    const header = chain.read(0, HEADER_SIZE);
    const size = header.length < 4 ? 0 : new DataView(header.buffer).getUint32(0, true);
    const answer = this.server.handle(chain.read(0, Math.min(size, LARGEST_MESSAGE)), chain.writableBytes);
    const give = (bytes: Uint8Array): void => {
      chain.write(0, bytes);
      this.queue.push(chain, Math.min(bytes.length, chain.writableBytes));
    };
    this.door.enter(answer, give, () => this.queue.push(chain, 0));
  }
}
