/**
 * The page pool: 4 KiB frames of the arena with reference counts. Guests map frames, forks and snapshots share them, a
 * write to a shared frame copies it first (guest-memory.ts). All pages that were never written are one frame.
 */
import { type ArenaAddr, arenaAddr, PAGE_SHIFT, PAGE_SIZE } from './address.ts';
import type { Arena } from './arena.ts';

/** Frames taken from the arena at once: few calls while a guest warms up, little waste for a small one. */
export const CHUNK_FRAMES = 64;

export class PagePool {
  readonly arena: Arena;
  /** The one all-zero frame. Never written, always shared, not counted. */
  readonly zeroFrame: ArenaAddr;
  private references = new Uint32Array(1024);
  /** Of each frame: 0, or the last turn in which code that was made from it was asked for. */
  private code = new Uint8Array(1024);
  /** Frames nobody refers to; those from `fresh` on in the arena's last chunk were never handed out and are zero. */
  private readonly free: ArenaAddr[] = [];
  private fresh = 0;
  private freshEnd = 0;
  private inUse = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.zeroFrame = arena.reserve(PAGE_SIZE, PAGE_SIZE);
  }

  get framesInUse(): number {
    return this.inUse;
  }

  /**
   * A zeroed frame with one reference.
   * @throws EmulatorError `out-of-memory` when the host refuses to grow the arena.
   */
  allocate(): ArenaAddr {
    const frame = this.free.pop();
    if (frame !== undefined) {
      this.arena.u8.fill(0, frame, frame + PAGE_SIZE);
      return this.take(frame);
    }
    if (this.fresh === this.freshEnd) this.reserveChunk();
    const next = arenaAddr(this.fresh);
    this.fresh += PAGE_SIZE;
    return this.take(next);
  }

  /** A page of the arena that was reserved for something else is a frame from now on, with one reference, whatever it holds. */
  adopt(page: ArenaAddr): ArenaAddr {
    this.cover(page >>> PAGE_SHIFT);
    return this.take(page);
  }

  /** Likewise all pages of a range of the arena that nobody refers to, for others to allocate. */
  adoptFree(start: ArenaAddr, end: ArenaAddr): void {
    this.cover(end >>> PAGE_SHIFT);
    for (let page = start as number; page < end; page += PAGE_SIZE) if (this.references[page >>> PAGE_SHIFT] === 0) this.free.push(arenaAddr(page));
  }

  /** One reference more. */
  share(frame: ArenaAddr): void {
    if (frame !== this.zeroFrame) this.references[frame >>> PAGE_SHIFT]++;
  }

  /** One reference less; a frame without references is recycled and loses its code mark. */
  release(frame: ArenaAddr): void {
    if (frame === this.zeroFrame) return;
    const index = frame >>> PAGE_SHIFT;
    if (this.references[index] === 0) throw new Error(`frame ${frame.toString(16)} released more often than taken`);
    if (--this.references[index] > 0) return;
    this.code[index] = 0;
    this.free.push(frame);
    this.inUse--;
  }

  /** True when a write has to copy first: more than one reference, or the zero frame. */
  isShared(frame: ArenaAddr): boolean {
    return frame === this.zeroFrame || this.references[frame >>> PAGE_SHIFT] > 1;
  }

  /** True while decoded or compiled code that was made from this frame exists. */
  hasCode(frame: ArenaAddr): boolean {
    return this.code[frame >>> PAGE_SHIFT] !== 0;
  }

  /** Code that was made from the frame is asked for in a turn, a number from 1 to 255; 0: there is none any more. */
  setCodeTurn(frame: ArenaAddr, turn: number): void {
    const index = frame >>> PAGE_SHIFT;
    this.cover(index);
    this.code[index] = turn;
  }

  codeTurn(frame: ArenaAddr): number {
    return this.code[frame >>> PAGE_SHIFT];
  }

  private take(frame: ArenaAddr): ArenaAddr {
    this.references[frame >>> PAGE_SHIFT] = 1;
    this.inUse++;
    return frame;
  }

  private reserveChunk(): void {
    this.fresh = this.arena.reserve(CHUNK_FRAMES * PAGE_SIZE, PAGE_SIZE);
    this.freshEnd = this.fresh + CHUNK_FRAMES * PAGE_SIZE;
    this.cover(this.freshEnd >>> PAGE_SHIFT);
  }

  /** Makes the tables long enough for a frame index. */
  private cover(index: number): void {
    if (index < this.references.length) return;
    const length = Math.max(index + 1, this.references.length * 2);
    const references = new Uint32Array(length);
    references.set(this.references);
    this.references = references;
    const code = new Uint8Array(length);
    code.set(this.code);
    this.code = code;
  }
}
