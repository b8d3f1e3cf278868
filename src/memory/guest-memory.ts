/**
 * The guest-physical map of one machine: RAM, device memory and ROM in frames of the page pool, handler regions, and the
 * shadowing that the chipset's PAM registers control. Two tables indexed by page, one for reads and one for writes, give
 * the frame at once; an entry of 0 takes the slow path (a handler, a ROM, open bus, or a frame to allocate or copy).
 *
 * Precedence on a page: what `setShadow` says; else the regions that are mapped there, the one mapped first before later
 * ones; else RAM; else open bus, which reads as all ones.
 *
 * RAM that does not fit below the hole for devices lies from 4 GiB on, where there is nothing else.
 *
 * Deviation: an access that straddles regions is split into halves until each lies in one.
 */
import type { Dma, IoHandler, RamRegion, Region, RegionOptions, Width } from '../devices/device.ts';
import { allOnes, WidthAdapter } from './access.ts';
import { type ArenaAddr, PAGE_SHIFT, PAGE_SIZE, type PhysAddr } from './address.ts';
import type { PagePool } from './pool.ts';
import { ramLayout } from './ram-layout.ts';
import { FrameRegion, HandlerRegion, type MapOwner, type MappableRegion } from './region.ts';

/** Pages below 4 GiB, where devices are; the map is longer where RAM lies above. */
const LOW_PAGES = 1 << 20;
/** Bit 20 of an address as a bit of a page number: what the A20 gate forces to zero. */
const A20_PAGE_BIT = 1 << 8;
/** Shadowing exists below 1 MiB only. */
const SHADOW_PAGES = 256;
const SHADOW_DEFAULT = 0, SHADOW_RAM = 1, SHADOW_BUS = 2, SHADOW_NONE = 3;
const OFFSET_MASK = PAGE_SIZE - 1;

/** What keeps copies of the map (a TLB, decoded code) and has to hear of changes. */
export interface MemoryObserver {
  /**
   * The frame behind this guest-physical page changed, or may no longer be written; -1: the whole map changed. `hadCode`:
   * something may have been made from the frame that was there.
   */
  frameReplaced(page: number, hadCode: boolean): void;
  /** Somebody other than the processor's own store wrote to a frame that has code. */
  frameWritten(frame: ArenaAddr, offset: number, length: number): void;
}

type RegionList = readonly MappableRegion[];
const NO_REGIONS: RegionList = [];

export class GuestMemory implements Dma, MapOwner {
  readonly pool: PagePool;
  readonly ramBytes: number;
  observer: MemoryObserver | undefined;
  /** Called before a device is asked: what it does may take the host a while. */
  onDeviceAccess: (() => void) | undefined;
  /** Arena address to read a page at, or 0. */
  private readonly readMap: Uint32Array;
  /** The same where the page may be written and the frame is its own; else 0. */
  private readonly writeMap: Uint32Array;
  private readonly mapPages: number;
  /** Frames of all RAM: that below the hole, then that above. */
  private readonly ramFrames: Uint32Array;
  private readonly lowRamPages: number;
  private readonly shadowRead = new Uint8Array(SHADOW_PAGES);
  private readonly shadowWrite = new Uint8Array(SHADOW_PAGES);
  /** Mapped regions in the order of their mapping, and the same by page. */
  private readonly mapped: MappableRegion[] = [];
  private readonly byPage = new Map<number, RegionList>();
  private readonly ownRegions: FrameRegion[] = [];
  private a20PageMask = ~0;
  private sealed = false;
  /** Set while a bus master's access is at a handler, which must not start another one there. */
  private dmaAtHandler = false;

  /** @param ramBytes a multiple of 4096; laid out as `ramLayout` says. */
  constructor(pool: PagePool, ramBytes: number) {
    if (ramBytes % PAGE_SIZE !== 0 || ramBytes <= 0 || ramBytes > LOW_PAGES * PAGE_SIZE) {
      throw new Error(`RAM of ${ramBytes} bytes cannot be mapped`);
    }
    this.pool = pool;
    this.ramBytes = ramBytes;
    const { below, above } = ramLayout(ramBytes);
    this.lowRamPages = below / PAGE_SIZE;
    this.mapPages = LOW_PAGES + above / PAGE_SIZE;
    this.readMap = new Uint32Array(this.mapPages);
    this.writeMap = new Uint32Array(this.mapPages);
    this.ramFrames = new Uint32Array(ramBytes / PAGE_SIZE).fill(pool.zeroFrame);
    this.readMap.fill(pool.zeroFrame, 0, this.lowRamPages);
    this.readMap.fill(pool.zeroFrame, LOW_PAGES);
  }

  get a20(): boolean {
    return this.a20PageMask === ~0;
  }

  /** Disabled, bit 20 of every address from the processor reads as zero. */
  setA20(enabled: boolean): void {
    const mask = enabled ? ~0 : ~A20_PAGE_BIT;
    if (mask === this.a20PageMask) return;
    this.a20PageMask = mask;
    this.observer?.frameReplaced(-1, true);
  }

  /** The frame to read a guest-physical page at; 0: the read goes to `readPhys`. */
  readFrame(page: number): ArenaAddr | 0 {
    return page < this.mapPages ? (this.readMap[page & this.a20PageMask] as ArenaAddr | 0) : 0;
  }

  /**
   * The frame to write a guest-physical page at, allocated or copied as needed; 0: the write goes to `writePhys`. Never
   * another frame than `readFrame` gives: a page that shadowing splits is written through `writePhys`.
   */
  writeFrame(page: number): ArenaAddr | 0 {
    if (page >= this.mapPages) return 0;
    const masked = page & this.a20PageMask;
    const known = this.writeMap[masked];
    if (known !== 0) return known as ArenaAddr;
    const frame = this.makeWritable(masked);
    return frame === this.readMap[masked] ? frame : 0;
  }

  /** A processor's read, devices included. */
  readPhys(addr: number, width: Width): number {
    return this.readBus(this.maskA20(addr), width);
  }

  /** A processor's write, devices included. Tells the observer when it hits code. */
  writePhys(addr: number, width: Width, value: number): void {
    this.writeBus(this.maskA20(addr), width, value);
  }

  /** A bus master's read; A20 does not apply. */
  read(addr: PhysAddr, target: Uint8Array): void {
    this.eachPage(addr, target.length, (page, offset, done, length) => {
      const frame = page < this.mapPages ? this.readMap[page] : 0;
      if (frame !== 0) {
        target.set(this.pool.arena.u8.subarray(frame + offset, frame + offset + length), done);
      } else if (this.dmaAtHandler || !this.byPage.has(page)) {
        target.fill(0xff, done, done + length);
      } else {
        this.dmaAtHandler = true;
        for (let i = 0; i < length; i++) target[done + i] = this.readBus(page * PAGE_SIZE + offset + i, 1);
        this.dmaAtHandler = false;
      }
    });
  }

  /** A bus master's write; A20 does not apply. */
  write(addr: PhysAddr, source: Uint8Array): void {
    this.eachPage(addr, source.length, (page, offset, done, length) => {
      // A third of an unpacked kernel is zero. Where reads and writes go to the same place, that needs no frames.
      if (page >= SHADOW_PAGES && this.readMap[page] === this.pool.zeroFrame && isZero(source, done, done + length)) return;
      const frame = page < this.mapPages ? this.writeMap[page] || this.makeWritable(page) : 0;
      if (frame !== 0) {
        this.pool.arena.u8.set(source.subarray(done, done + length), frame + offset);
        this.noteWritten(frame as ArenaAddr, offset, length);
      } else if (!this.dmaAtHandler && this.byPage.has(page)) {
        this.dmaAtHandler = true;
        for (let i = 0; i < length; i++) this.writeBus(page * PAGE_SIZE + offset + i, 1, source[done + i]);
        this.dmaAtHandler = false;
      }
    });
  }

  /**
   * Bytes in pages of the arena that nobody else uses become those at a guest-physical address, as by `write`: without a copy, where RAM that was never
   * written lies there and both have the same place in their page. `PagePool.adoptFree` takes what is left of the pages then.
   */
  place(addr: PhysAddr, at: ArenaAddr, length: number): void {
    const { arena } = this.pool;
    this.eachPage(addr, length, (page, offset, done, bytes) => {
      const from = at + done;
      const frame = this.readMap[page];
      const fits = bytes === PAGE_SIZE && from % PAGE_SIZE === 0 && page >= SHADOW_PAGES && frame === this.pool.zeroFrame && !this.byPage.has(page);
      if (!fits) this.write((page * PAGE_SIZE + offset) as PhysAddr, arena.u8.slice(from, from + bytes));
      else if (!areZero(arena.i32, from >>> 2, (from + PAGE_SIZE) >>> 2)) {
        this.ramFrames[this.ramIndex(page)] = this.readMap[page] = this.writeMap[page] = this.pool.adopt(from as ArenaAddr);
      }
    });
    this.observer?.frameReplaced(-1, true);
  }

  /** Registrar: memory that a handler answers; `size` may be any number of bytes. */
  memory(name: string, size: number, handler: IoHandler, options?: RegionOptions): Region {
    return new HandlerRegion(this, name, size, new WidthAdapter(handler, options));
  }

  /** Registrar: memory in frames, `size` a multiple of 4096. */
  ram(name: string, size: number, options?: { readonly rom?: boolean }): RamRegion {
    const region = new FrameRegion(this, name, size, options?.rom ?? false);
    this.ownRegions.push(region);
    return region;
  }

  /**
   * Where reads and writes of a range below 1 MiB go, in pages: to RAM, to the regions of the bus behind it (open bus
   * where there are none), or, for writes, nowhere.
   */
  setShadow(base: number, size: number, read: 'ram' | 'bus', write: 'ram' | 'bus' | 'none'): void {
    const first = base >>> PAGE_SHIFT;
    const end = Math.min(Math.ceil((base + size) / PAGE_SIZE), SHADOW_PAGES);
    if (first >= end) return;
    this.shadowRead.fill(read === 'ram' ? SHADOW_RAM : SHADOW_BUS, first, end);
    this.shadowWrite.fill(write === 'ram' ? SHADOW_RAM : write === 'bus' ? SHADOW_BUS : SHADOW_NONE, first, end);
    this.refresh(first, end - first);
  }

  /** From now on the guest moves regions: an overlap resolves to the region mapped first instead of throwing. */
  seal(): void {
    this.sealed = true;
  }

  /** Gives every frame back to the pool. The map must not be used afterwards. */
  dispose(): void {
    this.readMap.fill(0);
    this.writeMap.fill(0);
    this.observer?.frameReplaced(-1, true);
    for (const frames of [this.ramFrames, ...this.ownRegions.map((region) => region.frames)]) {
      for (const frame of frames) this.releaseFrame(frame as ArenaAddr);
      frames.fill(this.pool.zeroFrame);
    }
  }

  // MapOwner: called by regions.

  mapRegion(region: MappableRegion, base: number): void {
    if (!this.sealed) {
      const other = this.mapped.find((r) => r !== region && base < r.base! + r.size && r.base! < base + region.size);
      if (other) throw new Error(`memory region ${region.name} at ${base.toString(16)} overlaps ${other.name}`);
    }
    this.mapped.push(region);
    this.reindex(base, region.size, (list) => [...list, region]);
  }

  unmapRegion(region: MappableRegion, base: number): void {
    this.mapped.splice(this.mapped.indexOf(region), 1);
    this.reindex(base, region.size, (list) => list.filter((other) => other !== region));
  }

  /** Gives a table entry a frame of its own to write to, keeping what the old one held. */
  privateFrame(frames: Uint32Array, index: number): ArenaAddr {
    const old = frames[index] as ArenaAddr;
    if (!this.pool.isShared(old)) return old;
    const frame = this.pool.allocate();
    if (old !== this.pool.zeroFrame) this.pool.arena.u8.copyWithin(frame, old, old + PAGE_SIZE);
    frames[index] = frame;
    this.pool.release(old);
    return frame;
  }

  noteWritten(frame: ArenaAddr, offset: number, length: number): void {
    if (this.pool.hasCode(frame)) this.observer?.frameWritten(frame, offset, length);
  }

  /** Looks pages of the map up again and tells the observer, page by page while that is cheaper than everything. */
  refreshPages(pages: readonly number[]): void {
    for (const page of pages) this.lookUp(page);
    if (pages.length > 64) this.observer?.frameReplaced(-1, true);
    else for (const page of pages) this.tellReplaced(page, true);
  }

  private maskA20(addr: number): number {
    // Not with bitwise operators: addresses may have more than 32 bits.
    if (this.a20PageMask === ~0 || Math.floor(addr / 0x100000) % 2 === 0) return addr;
    return addr - 0x100000;
  }

  private readBus(addr: number, width: Width): number {
    const offset = addr & OFFSET_MASK;
    const page = Math.floor(addr / PAGE_SIZE);
    if (page >= this.mapPages) return allOnes(width);
    if (offset + width <= PAGE_SIZE) {
      const frame = this.readMap[page];
      if (frame !== 0) return this.readArena(frame + offset, width);
      const region = this.regionAt(page, addr, this.shadowOf(this.shadowRead, page));
      if (region === 'open') {
        if (width === 1) return 0xff;
      } else if (region === 'ram') {
        if (width === 1) return this.pool.arena.u8[this.ramFrames[this.ramIndex(page)] + offset];
      } else if (addr + width <= region.base! + region.size) {
        this.onDeviceAccess?.();
        return region.readAt(addr - region.base!, width);
      }
    }
    const half = (width >>> 1) as Width;
    const low = this.readPhys(addr, half);
    return (low | (this.readPhys(addr + half, half) << (half * 8))) >>> 0;
  }

  private writeBus(addr: number, width: Width, value: number): void {
    const offset = addr & OFFSET_MASK;
    const page = Math.floor(addr / PAGE_SIZE);
    if (page >= this.mapPages) return;
    if (offset + width <= PAGE_SIZE) {
      const frame = this.writeMap[page] || this.makeWritable(page);
      if (frame !== 0) {
        this.writeArena(frame as ArenaAddr, offset, width, value);
        return;
      }
      const region = this.regionAt(page, addr, this.shadowOf(this.shadowWrite, page));
      if (region === 'open') {
        if (width === 1) return;
      } else if (region === 'ram') {
        if (width === 1) {
          this.writeArena(this.privateRam(page), offset, 1, value);
          return;
        }
      } else if (addr + width <= region.base! + region.size) {
        this.onDeviceAccess?.();
        region.writeAt(addr - region.base!, width, value);
        return;
      }
    }
    const half = (width >>> 1) as Width;
    this.writePhys(addr, half, value);
    this.writePhys(addr + half, half, value >>> (half * 8));
  }

  /** Unaligned views: typed arrays of the width serve aligned addresses only. */
  private readArena(at: number, width: Width): number {
    const arena = this.pool.arena;
    if (width === 1) return arena.u8[at];
    return width === 2 ? arena.view.getUint16(at, true) : arena.view.getUint32(at, true);
  }

  private writeArena(frame: ArenaAddr, offset: number, width: Width, value: number): void {
    const { u8, view } = this.pool.arena;
    if (width === 1) u8[frame + offset] = value;
    else if (width === 2) view.setUint16(frame + offset, value, true);
    else view.setUint32(frame + offset, value, true);
    this.noteWritten(frame, offset, width);
  }

  /** Where the frame of a page of RAM stands; -1: no RAM lies there. */
  private ramIndex(page: number): number {
    if (page < this.lowRamPages) return page;
    return page >= LOW_PAGES ? page - LOW_PAGES + this.lowRamPages : -1;
  }

  private shadowOf(table: Uint8Array, page: number): number {
    return page < SHADOW_PAGES ? table[page] : SHADOW_DEFAULT;
  }

  /** What answers one byte of a page. */
  private regionAt(page: number, addr: number, shadow: number): MappableRegion | 'ram' | 'open' {
    const ram = this.ramIndex(page) >= 0 && (shadow === SHADOW_RAM || shadow === SHADOW_DEFAULT) ? 'ram' : 'open';
    if (shadow === SHADOW_RAM || shadow === SHADOW_NONE) return ram;
    const list = this.byPage.get(page);
    if (list === undefined) return ram;
    for (const region of list) {
      if (addr >= region.base! && addr < region.base! + region.size) return region;
    }
    return ram;
  }

  /** The frame table and index behind a whole page, or undefined: a page of handlers, or open bus. */
  private backing(page: number, shadow: number): { frames: Uint32Array; index: number; region?: FrameRegion } | undefined {
    const list = shadow === SHADOW_RAM ? undefined : this.byPage.get(page);
    if (shadow === SHADOW_NONE) return undefined;
    if (list !== undefined) {
      const region = list[0];
      const offset = page * PAGE_SIZE - region.base!;
      if (!(region instanceof FrameRegion) || offset % PAGE_SIZE !== 0) return undefined;
      return { frames: region.frames, index: offset / PAGE_SIZE, region };
    }
    const index = this.ramIndex(page);
    return shadow === SHADOW_BUS || index < 0 ? undefined : { frames: this.ramFrames, index };
  }

  /** Gives a page a frame that may be written, if it is such a page. */
  private makeWritable(page: number): ArenaAddr | 0 {
    const target = this.backing(page, this.shadowOf(this.shadowWrite, page));
    if (target === undefined || target.region?.rom) return 0;
    const old = target.frames[target.index];
    const hadCode = this.pool.hasCode(old as ArenaAddr);
    const frame = this.privateFrame(target.frames, target.index);
    target.region?.noteDirty(page);
    if (this.shadowOf(this.shadowRead, page) === this.shadowOf(this.shadowWrite, page)) {
      this.readMap[page] = frame;
      this.writeMap[page] = frame;
    }
    if (frame !== old) this.tellReplaced(page, hadCode);
    return frame;
  }

  private privateRam(page: number): ArenaAddr {
    const frame = this.privateFrame(this.ramFrames, this.ramIndex(page));
    this.lookUp(page);
    return frame;
  }

  private tellReplaced(page: number, hadCode: boolean): void {
    this.observer?.frameReplaced(page, hadCode);
    if (this.a20PageMask !== ~0) this.observer?.frameReplaced(page | A20_PAGE_BIT, hadCode);
  }

  /** Fills both table entries of a page from what is mapped there. Writes stay trapped until the first one. */
  private lookUp(page: number): void {
    const reads = this.backing(page, this.shadowOf(this.shadowRead, page));
    this.readMap[page] = reads === undefined ? 0 : reads.frames[reads.index];
    this.writeMap[page] = 0;
  }

  private refresh(first: number, count: number): void {
    for (let page = first; page < first + count && page < this.mapPages; page++) this.lookUp(page);
    this.observer?.frameReplaced(-1, true);
  }

  /** Pages next to each other with the same regions share a list: video memory alone has thousands. */
  private reindex(base: number, size: number, change: (list: RegionList) => RegionList): void {
    const first = Math.floor(base / PAGE_SIZE);
    const end = Math.min(Math.ceil((base + size) / PAGE_SIZE), this.mapPages);
    let before: RegionList | undefined;
    let after: RegionList = NO_REGIONS;
    for (let page = first; page < end; page++) {
      const list = this.byPage.get(page) ?? NO_REGIONS;
      if (list !== before) after = change(list);
      before = list;
      if (after.length === 0) this.byPage.delete(page);
      else this.byPage.set(page, after);
    }
    if (end > first) this.refresh(first, end - first);
  }

  private releaseFrame(frame: ArenaAddr): void {
    if (!this.pool.isShared(frame)) this.noteWritten(frame, 0, PAGE_SIZE);
    this.pool.release(frame);
  }

  private eachPage(
    addr: number,
    total: number,
    visit: (page: number, offset: number, done: number, length: number) => void,
  ): void {
    for (let done = 0; done < total; ) {
      const at = addr + done;
      const offset = at & OFFSET_MASK;
      const length = Math.min(PAGE_SIZE - offset, total - done);
      visit(Math.floor(at / PAGE_SIZE), offset, done, length);
      done += length;
    }
  }
}

function areZero(words: Int32Array, start: number, end: number): boolean {
  for (let n = start; n < end; n++) if (words[n] !== 0) return false;
  return true;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  // Views cost more than most pages take to show that they are not.
  for (let n = start; n < end; n += PAGE_SIZE / 16) if (bytes[n] !== 0) return false;
  const at = bytes.byteOffset + start;
  const words = at % 4 === 0 ? new Int32Array(bytes.buffer, at, (end - start) >>> 2) : new Int32Array(0);
  if (!areZero(words, 0, words.length)) return false;
  for (let n = start + words.length * 4; n < end; n++) if (bytes[n] !== 0) return false;
  return true;
}
