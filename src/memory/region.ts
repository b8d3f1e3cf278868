/** Ranges of guest-physical memory that devices claim: answered by a handler, or backed by frames of the page pool. */
import type { RamRegion, Region, Width } from '../devices/device.ts';
import { type ArenaAddr, PAGE_SHIFT, PAGE_SIZE } from './address.ts';
import type { WidthAdapter } from './access.ts';
import type { PagePool } from './pool.ts';

/** The map that regions lie in, as they see it (guest-memory.ts). */
export interface MapOwner {
  readonly pool: PagePool;
  mapRegion(region: MappableRegion, base: number): void;
  unmapRegion(region: MappableRegion, base: number): void;
  privateFrame(frames: Uint32Array, index: number): ArenaAddr;
  noteWritten(frame: ArenaAddr, offset: number, length: number): void;
  refreshPages(pages: readonly number[]): void;
}

export abstract class MappableRegion implements Region {
  readonly name: string;
  readonly size: number;
  protected readonly owner: MapOwner;
  private at: number | undefined;

  constructor(owner: MapOwner, name: string, size: number) {
    if (!(size > 0)) throw new Error(`memory region ${name} has no size`);
    this.owner = owner;
    this.name = name;
    this.size = size;
  }

  get base(): number | undefined {
    return this.at;
  }

  mapAt(base: number): void {
    if (base === this.at) return;
    const old = this.at;
    if (old !== undefined) this.unmap();
    this.at = base;
    try {
      this.owner.mapRegion(this, base);
    } catch (error) {
      this.at = undefined;
      throw error;
    }
  }

  unmap(): void {
    if (this.at === undefined) return;
    this.owner.unmapRegion(this, this.at);
    this.at = undefined;
  }

  /** Access from the map, inside the region. */
  abstract readAt(offset: number, width: Width): number;
  abstract writeAt(offset: number, width: Width, value: number): void;
}

export class HandlerRegion extends MappableRegion {
  private readonly handler: WidthAdapter;

  constructor(owner: MapOwner, name: string, size: number, handler: WidthAdapter) {
    super(owner, name, size);
    this.handler = handler;
  }

  override readAt(offset: number, width: Width): number {
    return this.handler.read(offset, width);
  }

  override writeAt(offset: number, width: Width, value: number): void {
    this.handler.write(offset, width, value);
  }
}

export class FrameRegion extends MappableRegion implements RamRegion {
  readonly rom: boolean;
  /** Frame of each page; the zero frame until written. */
  readonly frames: Uint32Array;
  private dirty = false;
  /** Guest-physical pages that may be written without a trap since the last `takeDirty`. */
  private untrapped: number[] = [];

  constructor(owner: MapOwner, name: string, size: number, rom: boolean) {
    super(owner, name, size);
    if (size % PAGE_SIZE !== 0) throw new Error(`memory region ${name} is no multiple of ${PAGE_SIZE} bytes`);
    this.rom = rom;
    this.frames = new Uint32Array(size >>> PAGE_SHIFT).fill(owner.pool.zeroFrame);
  }

  read(offset: number, target: Uint8Array): void {
    const inFirst = offset & (PAGE_SIZE - 1);
    if (target.length <= 4 && inFirst + target.length <= PAGE_SIZE && offset >= 0 && offset < this.size) {
      const at = this.frames[offset >>> PAGE_SHIFT] + inFirst;
      const bytes = this.owner.pool.arena.u8;
      for (let i = 0; i < target.length; i++) target[i] = bytes[at + i];
      return;
    }
    this.eachPage(offset, target.length, (index, inPage, done, length) => {
      const at = this.frames[index] + inPage;
      target.set(this.owner.pool.arena.u8.subarray(at, at + length), done);
    });
  }

  write(offset: number, source: Uint8Array): void {
    const inFirst = offset & (PAGE_SIZE - 1);
    const first = this.frames[offset >>> PAGE_SHIFT] as ArenaAddr;
    if (inFirst + source.length <= PAGE_SIZE && offset >= 0 && offset < this.size && !this.owner.pool.isShared(first)) {
      // A display adapter stores the guest's accesses one by one through here.
      this.dirty = true;
      const bytes = this.owner.pool.arena.u8;
      if (source.length <= 4) for (let i = 0; i < source.length; i++) bytes[first + inFirst + i] = source[i];
      else bytes.set(source, first + inFirst);
      this.owner.noteWritten(first, inFirst, source.length);
      return;
    }
    const replaced: number[] = [];
    this.eachPage(offset, source.length, (index, inPage, done, length) => {
      const old = this.frames[index];
      const frame = this.owner.privateFrame(this.frames, index);
      if (frame !== old && this.base !== undefined) replaced.push(Math.floor(this.base / PAGE_SIZE) + index);
      this.owner.pool.arena.u8.set(source.subarray(done, done + length), frame + inPage);
      this.owner.noteWritten(frame, inPage, length);
    });
    this.dirty = true;
    if (replaced.length > 0) this.owner.refreshPages(replaced);
  }

  takeDirty(): boolean {
    const was = this.dirty;
    this.dirty = false;
    if (this.untrapped.length > 0) {
      const pages = this.untrapped;
      this.untrapped = [];
      this.owner.refreshPages(pages);
    }
    return was;
  }

  override mapAt(base: number): void {
    // The map at the new place starts with every write trapped.
    this.untrapped = [];
    super.mapAt(base);
  }

  override unmap(): void {
    this.untrapped = [];
    super.unmap();
  }

  /** The guest's first write to a page since the last `takeDirty`. */
  noteDirty(page: number): void {
    this.dirty = true;
    this.untrapped.push(page);
  }

  /** Reached only while the region does not lie on page edges or shares a page with another one. */
  override readAt(offset: number, width: Width): number {
    let value = 0;
    for (let i = 0; i < width; i++) {
      const at = offset + i;
      value |= this.owner.pool.arena.u8[this.frames[at >>> PAGE_SHIFT] + (at & (PAGE_SIZE - 1))] << (i * 8);
    }
    return value >>> 0;
  }

  override writeAt(offset: number, width: Width, value: number): void {
    if (this.rom) return;
    this.write(offset, Uint8Array.from({ length: width }, (_, i) => value >>> (i * 8)));
  }

  private eachPage(
    offset: number,
    total: number,
    visit: (index: number, inPage: number, done: number, length: number) => void,
  ): void {
    if (offset < 0 || offset + total > this.size) throw new Error(`access past the end of memory region ${this.name}`);
    for (let done = 0; done < total; ) {
      const inPage = (offset + done) & (PAGE_SIZE - 1);
      const length = Math.min(PAGE_SIZE - inPage, total - done);
      visit((offset + done) >>> PAGE_SHIFT, inPage, done, length);
      done += length;
    }
  }
}
