/**
 * Decoded code: blocks of records, by the frame that holds their guest code. Code belongs to frames, so every machine that
 * maps a frame shares it. A write to a byte range that code was made from drops all of that frame's blocks; a bitmap of
 * 64-byte granules tells such writes from those to data in the same page.
 */
import type { ArenaAddr } from '../memory/address.ts';
import type { Arena } from '../memory/arena.ts';
import type { PagePool } from '../memory/pool.ts';
import * as R from './record.ts';
import type { Translator } from './translator.ts';
import { HANDLER_STOP } from './variant.ts';

/** Records are handed to frames in chunks that hold one block of any size. */
const CHUNK_RECORDS = 64;
const CHUNK_BYTES = CHUNK_RECORDS * R.RECORD_SIZE;
/** Chunks are reserved from the arena so many at a time. */
const CHUNKS_PER_STEP = 256;
/** A block gets at least so many records; fewer at the end of a chunk are left unused. */
const LEAST_RECORDS = 8;
/** Code is dropped when so many chunks are in use: 12 MiB. */
const MAX_CHUNKS = 6144;
const GRANULE_SHIFT = 6;

interface CodePage {
  readonly chunks: number[];
  /** First free record of the last chunk, and records left in it. */
  next: number;
  left: number;
  /** First record by offset in the page and mode. */
  readonly blocks: Map<number, number>;
  /** Keys of those that an indirect jump was the first to lead to. */
  readonly jumpTargets: Set<number>;
  /** Which 64-byte granules code was made from. */
  granulesLow: number;
  granulesHigh: number;
  /** Instructions that begin in this page and end in the next, or begin in the one before. */
  readonly crossings: Set<Crossing>;
  /** Compiled regions that were made from this page, among others. */
  readonly regions: Set<CompiledRegion>;
  /** Tells what is made of a frame from what was made of it before its code was dropped. */
  readonly stamp: number;
}

/** An instruction in two pages. */
interface Crossing {
  /** Its record, and the HANDLER_CROSSING records that lead to it. */
  readonly target: number;
  readonly sources: Set<number>;
  readonly pages: readonly [CodePage, CodePage];
}

/** Where a compiled region is entered: in the place of the first handler of a block. */
export interface InstalledEntry {
  /** Arena address and mode of the block, and its first record. */
  readonly host: number;
  readonly record: number;
  /** Its slot in the function table. */
  readonly slot: number;
}

interface CompiledRegion {
  readonly pages: readonly CodePage[];
  /** With the handlers that stood there. */
  readonly entries: { readonly record: number; readonly slot: number; readonly handler: number }[];
}

/** Key of a block in its page: 12 bits of offset, the mode above. */
const blockKey = (offset: number, mode: number): number => offset + mode * 4096;

export class CodeCache {
  readonly table: ArenaAddr;
  private readonly arena: Arena;
  private readonly pool: PagePool;
  private readonly translator: Translator;
  private readonly pages = new Map<number, CodePage>();
  /** Handlers that the entries of compiled regions took the place of, by their records. */
  private readonly replaced = new Map<number, number>();
  /** Table slots from here on are compiled regions. */
  private readonly firstRegionSlot: number;
  private readonly freeChunks: number[] = [];
  /** Chunks of dropped code that may still be executing; free once control is outside. */
  private readonly retired: number[] = [];
  private chunkCount = 0;
  /** Blocks made so far. */
  blocksMade = 0;
  invalidations = 0;
  /** Compiled regions dropped so far. */
  regionsDropped = 0;
  /** Counts how often code was dropped to make room. */
  generation = 0;
  private stamps = 0;
  /** Slots of compiled regions that were dropped and may still be executing; whoever frees them is told once none is. */
  onSlotsFree: (slots: readonly number[]) => void = () => {};
  private droppedSlots: number[] = [];
  /** Set when a frame got its first code: its write tags have to go from the TLBs. */
  frameMarked = false;

  constructor(pool: PagePool, translator: Translator, firstRegionSlot: number) {
    this.firstRegionSlot = firstRegionSlot;
    this.pool = pool;
    this.arena = pool.arena;
    this.translator = translator;
    this.table = this.arena.reserve(R.BLOCK_TABLE_ENTRIES * R.BLOCK_ENTRY_SIZE);
  }

  /** How often a branch is taken until what it leads to is hot; 0: never. Holds for code that is made from now on. */
  set hotAfter(edges: number) {
    this.translator.hotAfter = edges;
  }

  /** Record of the block at an arena address, made when there is none; `jumped`: an indirect jump has led there. */
  find(host: number, mode: number, jumped = false): number {
    const { u32 } = this.arena;
    const at = this.slot(host) >>> 2;
    if (u32[at + R.BLOCK_HOST / 4] === host && u32[at + R.BLOCK_MODE / 4] === mode) return u32[at + R.BLOCK_RECORD / 4];
    let record = this.known(host, mode);
    if (record === 0) {
      record = this.make(host, mode);
      if (jumped) this.pageOf(host & -4096).jumpTargets.add(blockKey(host & 4095, mode));
    }
    this.enter(host, mode, record);
    return record;
  }
  /** Likewise, 0 when there is none. */
  known(host: number, mode: number): number {
    return this.pages.get(host & -4096)?.blocks.get(blockKey(host & 4095, mode)) ?? 0;
  }
  /** Where in a frame blocks of a mode begin that an indirect jump was the first to lead to, in no order. */
  jumpTargets(frame: number, mode: number): number[] {
    const keys = [...(this.pages.get(frame | 0)?.jumpTargets ?? [])];
    return keys.filter((key) => Math.floor(key / 4096) === mode).map((key) => key & 4095);
  }
  /** Which generation of a frame's code there is; 0: none. */
  stampOf(frame: number): number {
    return this.pages.get(frame | 0)?.stamp ?? 0;
  }

  /**
   * Gives the instruction that begins at an arena address and ends in the page at `second` a record; `bytes` is the arena
   * address of a copy of it. HANDLER_CROSSING records `sources` lead there from now on.
   */
  cross(host: number, second: number, bytes: number, length: number, mode: number, sources: readonly number[]): void {
    const offset = host & 4095;
    const first = this.pageOf(host & -4096);
    if (first.left < LEAST_RECORDS) this.extend(first);
    const target = first.next;
    this.translator.instruction(bytes, bytes + length, mode, target, offset, 1);
    this.translator.next(target + R.RECORD_SIZE, mode, offset + length, 2);
    first.next += 2 * R.RECORD_SIZE;
    first.left -= 2;
    const last = this.pageOf(second);
    this.mark(first, offset, 4096);
    this.mark(last, 0, offset + length - 4096);
    const crossing: Crossing = { target, sources: new Set(sources), pages: [first, last] };
    for (const page of crossing.pages) page.crossings.add(crossing);
    for (const source of crossing.sources) {
      this.arena.i32[(source + R.REC_IMMEDIATE2) >>> 2] = second;
      this.arena.u32[(source + R.REC_LINK) >>> 2] = target;
    }
  }
  private dropCrossing(crossing: Crossing): void {
    const { u32 } = this.arena;
    for (const page of crossing.pages) page.crossings.delete(crossing);
    for (const source of crossing.sources) u32[(source + R.REC_LINK) >>> 2] = 0;
    u32[crossing.target >>> 2] = HANDLER_STOP;
    u32[(crossing.target + R.RECORD_SIZE) >>> 2] = HANDLER_STOP;
  }

  /** To call while no handler runs: makes room for what was dropped. */
  recycle(): void {
    while (this.retired.length > 0) this.freeChunks.push(this.retired.pop() as number);
    if (this.droppedSlots.length === 0) return;
    this.onSlotsFree(this.droppedSlots);
    this.droppedSlots = [];
  }

  /** The handler that interprets the record, whatever stands in its place. */
  handlerOf(record: number): number {
    const handler = this.arena.u32[record >>> 2];
    return handler < this.firstRegionSlot ? handler : (this.replaced.get(record) ?? handler);
  }

  /** True when a region stands in the place of the block that begins with this record. */
  isCompiled(record: number): boolean {
    return this.replaced.has(record);
  }

  /**
   * Puts a region in the place of the blocks that it is entered at, where none is yet. False when the code of one of its
   * frames is not what it was made from.
   */
  install(frames: readonly { readonly frame: number; readonly stamp: number }[], entries: readonly InstalledEntry[], mode: number): boolean {
    const pages = frames.map(({ frame }) => this.pages.get(frame | 0)).filter((page, i) => page?.stamp === frames[i].stamp) as CodePage[];
    if (pages.length < frames.length) return false;
    const { u32 } = this.arena;
    const free = entries.filter(({ host, record }) => this.known(host, mode) === record && !this.replaced.has(record));
    const region: CompiledRegion = { pages, entries: free.map(({ record, slot }) => ({ record, slot, handler: u32[record >>> 2] })) };
    for (const { record, slot, handler } of region.entries) {
      this.replaced.set(record, handler);
      u32[record >>> 2] = slot;
    }
    for (const page of pages) page.regions.add(region);
    const slots = new Set(free.map(({ slot }) => slot));
    this.droppedSlots.push(...entries.map(({ slot }) => slot).filter((slot) => !slots.has(slot)));
    return true;
  }
  /** The handlers that it stood in the place of come back. */
  private uninstall(region: CompiledRegion): void {
    this.regionsDropped++;
    for (const page of region.pages) page.regions.delete(region);
    for (const { record, slot, handler } of region.entries) {
      this.arena.u32[record >>> 2] = handler;
      this.replaced.delete(record);
      this.droppedSlots.push(slot);
    }
  }

  /** A frame's bytes changed. Returns true when code was dropped. */
  written(frame: ArenaAddr, offset: number, length: number): boolean {
    const page = this.pages.get(frame | 0);
    if (!page) return false;
    const first = offset >> GRANULE_SHIFT;
    const last = (offset + length - 1) >> GRANULE_SHIFT;
    for (let g = first; g <= last; g++) {
      const bit = 1 << (g & 31);
      if ((g < 32 ? page.granulesLow : page.granulesHigh) & bit) {
        this.drop(frame | 0);
        return true;
      }
    }
    return false;
  }

  /** Drops the code of a frame. Records that a handler may be in stop at once when it goes on to them. */
  drop(frame: number): void {
    const page = this.pages.get(frame);
    if (!page) return;
    this.invalidations++;
    this.pages.delete(frame);
    this.pool.setHasCode((frame >>> 0) as ArenaAddr, false);
    const { u32 } = this.arena;
    for (const [key, record] of page.blocks) {
      const slot = this.slot(frame + (key & 4095));
      if (u32[(slot + R.BLOCK_RECORD) >>> 2] === record) u32.fill(0, slot >>> 2, (slot + R.BLOCK_ENTRY_SIZE) >>> 2);
    }
    for (const crossing of [...page.crossings]) this.dropCrossing(crossing);
    for (const region of [...page.regions]) this.uninstall(region);
    for (const chunk of page.chunks) {
      for (let i = 0; i < CHUNK_RECORDS; i++) u32[(chunk + i * R.RECORD_SIZE) >>> 2] = HANDLER_STOP;
      this.retired.push(chunk);
    }
  }

  dropAll(): void {
    this.generation++;
    for (const frame of [...this.pages.keys()]) this.drop(frame);
  }

  /** Makes room: pages go that no compiled code was made from; all go when those are few. */
  private evict(): void {
    this.generation++;
    for (const [frame, page] of [...this.pages]) if (page.regions.size === 0) this.drop(frame);
    this.recycle();
    if (this.freeChunks.length >= MAX_CHUNKS / 4) return;
    this.dropAll();
    this.recycle();
  }

  private make(host: number, mode: number): number {
    const frame = host & -4096;
    if (this.chunkCount >= MAX_CHUNKS && this.freeChunks.length === 0) this.evict();
    const page = this.pageOf(frame);
    if (page.left < LEAST_RECORDS) this.extend(page);
    // A block that a chunk's end cuts short goes on in the next one.
    const begins = (offset: number): boolean => page.blocks.has(blockKey(offset, mode));
    const written = this.translator.block(host, mode, page.next, Math.min(R.BLOCK_LIMIT, page.left - 1), begins);
    const record = page.next;
    page.next += written * R.RECORD_SIZE;
    page.left -= written;
    page.blocks.set(blockKey(host & 4095, mode), record);
    this.mark(page, host & 4095, this.endOffset(record, written));
    this.blocksMade++;
    return record;
  }

  /** The code of a frame, which is marked as having some. */
  private pageOf(frame: number): CodePage {
    let page = this.pages.get(frame);
    if (!page) {
      page = {
        chunks: [], next: 0, left: 0, blocks: new Map(), jumpTargets: new Set(), granulesLow: 0, granulesHigh: 0, crossings: new Set(), regions: new Set(), stamp: ++this.stamps,
      };
      this.pages.set(frame, page);
      this.pool.setHasCode((frame >>> 0) as ArenaAddr, true);
      this.frameMarked = true;
    }
    return page;
  }

  /** Offset in the page of the byte after a block. */
  private endOffset(record: number, written: number): number {
    const last = record + (written - 1) * R.RECORD_SIZE;
    return this.arena.u16[(last + R.REC_OFFSET) >>> 1];
  }

  private mark(page: CodePage, start: number, end: number): void {
    for (let g = start >> GRANULE_SHIFT; g <= (Math.max(end, start + 1) - 1) >> GRANULE_SHIFT && g < 64; g++) {
      if (g < 32) page.granulesLow |= 1 << g;
      else page.granulesHigh |= 1 << (g - 32);
    }
  }

  private extend(page: CodePage): void {
    if (this.freeChunks.length === 0) {
      const base = this.arena.reserve(CHUNKS_PER_STEP * CHUNK_BYTES);
      for (let i = CHUNKS_PER_STEP - 1; i >= 0; i--) this.freeChunks.push(base + i * CHUNK_BYTES);
      this.chunkCount += CHUNKS_PER_STEP;
    }
    page.next = this.freeChunks.pop() as number;
    page.left = CHUNK_RECORDS;
    page.chunks.push(page.next);
  }

  /** The block's place in the table. */
  private slot(host: number): number {
    const hash = (host ^ (host >>> R.BLOCK_HASH_SHIFT)) & (R.BLOCK_TABLE_ENTRIES - 1);
    return this.table + hash * R.BLOCK_ENTRY_SIZE;
  }

  private enter(host: number, mode: number, record: number): void {
    const at = this.slot(host) >>> 2;
    const { u32 } = this.arena;
    if (u32[at + R.BLOCK_RECORD / 4] === record) return;
    u32[at + R.BLOCK_HOST / 4] = host;
    u32[at + R.BLOCK_MODE / 4] = mode;
    u32[at + R.BLOCK_RECORD / 4] = record;
    u32[at + R.BLOCK_HEAT / 4] = this.translator.hotAfter;
  }
}
