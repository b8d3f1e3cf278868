/**
 * Decoded code: blocks of records, by the frame that holds their guest code. Code belongs to frames, so every machine that
 * maps a frame shares it. A write drops what was made from its bytes (code-page.ts); the frame stays marked as having code,
 * and its write tags away, until the last code is gone and further writes find none.
 */
import type { ArenaAddr } from '../memory/address.ts';
import type { Arena } from '../memory/arena.ts';
import type { PagePool } from '../memory/pool.ts';
import { CHUNK_BYTES, CHUNK_RECORDS, blockKey, CodePage, type CodePart, type CompiledModule, type Crossing, type Dropping, type Footprint, remove } from './code-page.ts';
import { type InstalledEntry, InstalledRegions } from './installed-regions.ts';
import { patchBlock } from './patch.ts';
import * as R from './record.ts';
import type { Translator } from './translator.ts';
import { HANDLER_STOP } from './variant.ts';

/** Chunks are reserved from the arena so many at a time. */
const CHUNKS_PER_STEP = 256;
/** An instruction in two pages, and what leads on. */
const CROSSING_RECORDS = 2;
/** A block gets at least so many records; fewer at the end of a chunk are left unused. */
const LEAST_RECORDS = 8;
/** Code that has not been asked for lately goes when records take up more than a sixth of what the guest's frames do, and 4 MiB. */
const LEAST_CHUNKS = 2048, CHUNKS_PER_FRAME = 4096 / CHUNK_BYTES / 6;
/** Turns are numbered from 1; what was not asked for in so many goes first. */
const TURNS = 255, COLD_TURNS = 2;
/** Where less than this part of the chunks came free, what was not asked for in fewer turns goes too, and then there may be as many more. */
const ENOUGH = 1 / 8;
/** From so many chunks on (8 MiB), what was asked for in this turn goes as well. */
const GENEROUS_CHUNKS = 4096;
/** All code is dropped when so many chunks are in use: 64 MiB. */
const MAX_CHUNKS = 32768;
/** So many writes to a frame whose code is gone give it back as one without code: code that is always written anew stays. */
const IDLE_WRITES = 16;

/** Bytes of a frame that code is made from, as offsets. */
export interface CodeBytes {
  readonly frame: number;
  readonly start: number;
  readonly end: number;
}

export class CodeCache {
  readonly table: ArenaAddr;
  private readonly arena: Arena;
  private readonly pool: PagePool;
  private readonly translator: Translator;
  private readonly pages = new Map<number, CodePage>();
  /** Which lines of a frame code was made from, for stores in WebAssembly (record.ts). */
  readonly lines: ArenaAddr;
  readonly regions: InstalledRegions;
  private readonly freeChunks: number[] = [];
  /** Chunks of dropped code that may still be executing; free once control is outside. */
  private readonly retired: number[] = [];
  private chunkCount = 0;
  /** So many may be there before any code is dropped to make room. */
  private leastChunks = LEAST_CHUNKS;
  /** Changes whenever room is made. */
  private turn = 1;
  /** Blocks made so far. */
  blocksMade = 0;
  invalidations = 0;
  /** Counts how often code was dropped to make room. */
  generation = 0;
  /** Set when a frame got its first code: its write tags have to go from the TLBs. */
  frameMarked = false;

  /** @param firstRegionSlot table slots from here on are compiled regions */
  constructor(pool: PagePool, translator: Translator, firstRegionSlot: number) {
    this.pool = pool;
    this.arena = pool.arena;
    this.regions = new InstalledRegions(this.arena, firstRegionSlot);
    this.translator = translator;
    this.table = this.arena.reserve(R.BLOCK_TABLE_ENTRIES * R.BLOCK_ENTRY_SIZE);
    this.lines = this.arena.reserve(R.CODE_LINES_ENTRIES * R.CODE_LINES_SIZE);
  }

  /** How often a branch is taken until what it leads to is hot; 0: never. Holds for code that is made from now on. */
  set hotAfter(edges: number) {
    this.translator.hotAfter = edges;
  }

  /** Record of the block at an arena address, made when there is none; `jumped`: an indirect jump has led there. */
  find(host: number, mode: number, jumped = false): number {
    const { u32 } = this.arena;
    const at = this.slot(host) >>> 2;
    if (u32[at + R.BLOCK_HOST / 4] === host && u32[at + R.BLOCK_MODE / 4] === mode) {
      this.pool.setCodeTurn(host as ArenaAddr, this.turn);
      return u32[at + R.BLOCK_RECORD / 4];
    }
    let record = this.known(host, mode);
    if (record !== 0) this.pool.setCodeTurn(host as ArenaAddr, this.turn);
    else record = this.make(host, mode, jumped);
    this.enter(host, mode, record);
    return record;
  }
  /** Likewise, 0 when there is none. */
  known(host: number, mode: number): number {
    return this.pages.get(host & -4096)?.block(blockKey(host & 4095, mode)) ?? 0;
  }
  /** Records of the instruction at an arena address, one in each block of a mode that holds it. */
  recordsAt(host: number, mode: number): readonly number[] {
    return this.pages.get(host & -4096)?.recordsAt(host & 4095, mode) ?? [];
  }
  /** Where in a frame blocks of a mode begin that an indirect jump was the first to lead to, in no order. */
  jumpTargets(frame: number, mode: number): number[] {
    return this.pages.get(frame | 0)?.jumpTargetsOf(mode) ?? [];
  }
  /** Compiled code left too often for floating-point numbers that it did not expect: regions that hold the instruction are made anew. */
  takeCare(host: number): void {
    const page = this.pages.get(host & -4096);
    if (!page) return;
    if (!page.careful.includes(host & 4095)) page.careful = [...page.careful, host & 4095];
    this.dropBytes(page, host & 4095, 1, 0);
  }
  /** Whether an instruction of a frame, or the one at an offset, has met such numbers. */
  needsCare(frame: number, offset?: number): boolean {
    const careful = this.pages.get(frame | 0)?.careful ?? [];
    return offset === undefined ? careful.length > 0 : careful.includes(offset);
  }
  /** Something was made from the frame's code. */
  isKnown(frame: number): boolean {
    return this.pages.has(frame | 0);
  }

  /** The frame has been written to since it has code: a compiler in the guest may be at work there. */
  isWritten(frame: number): boolean {
    return this.pages.get(frame | 0)?.isWritten ?? false;
  }

  /**
   * Gives the instruction that begins at an arena address and ends in the page at `second` a record; `bytes` is the arena
   * address of a copy of it. HANDLER_CROSSING records `sources` lead there from now on.
   */
  cross(host: number, second: number, bytes: number, length: number, mode: number, sources: readonly number[]): void {
    const first = this.pageOf(host & -4096);
    if (first.isWasteful) {
      // The sources go as well. What there is next time will be kept.
      this.drop(first.frame);
      return;
    }
    const last = this.pageOf(second);
    const crossing = first.crossing(host & 4095, last, mode) ?? this.makeCrossing(first, last, host & 4095, bytes, length, mode);
    for (const source of sources) {
      crossing.sources.add(source);
      this.arena.i32[(source + R.REC_IMMEDIATE2) >>> 2] = second;
      this.arena.u32[(source + R.REC_LINK) >>> 2] = crossing.target;
    }
  }
  private makeCrossing(first: CodePage, last: CodePage, offset: number, bytes: number, length: number, mode: number): Crossing {
    if (first.left < LEAST_RECORDS) this.extend(first);
    const target = first.next;
    this.translator.instruction(bytes, bytes + length, mode, target, offset, 1);
    this.translator.next(target + R.RECORD_SIZE, mode, offset + length, 2);
    first.take(CROSSING_RECORDS);
    const crossing: Crossing = {
      mode, target, sources: new Set(), parts: [{ page: first, start: offset, end: 4096 }, { page: last, start: 0, end: offset + length - 4096 }],
    };
    for (const { page, start, end } of crossing.parts) {
      page.crossings.push(crossing);
      this.mark(page, start, end);
    }
    return crossing;
  }
  private dropCrossing(crossing: Crossing): void {
    const { u32 } = this.arena;
    for (const { page } of crossing.parts) remove(page.crossings, crossing);
    for (const source of crossing.sources) if (u32[(source + R.REC_LINK) >>> 2] === crossing.target) u32[(source + R.REC_LINK) >>> 2] = 0;
    this.stop(crossing.target, CROSSING_RECORDS);
    crossing.parts[0].page.waste(CROSSING_RECORDS);
  }

  /** The record always leads to the same address. */
  isDirect(record: number): boolean {
    return this.translator.isDirect(this.regions.handlerOf(record));
  }
  /** A branch leads to the block at an arena address: noted in those that may have a link for it. */
  linkAcross(branch: number, host: number, record: number): void {
    const { u32 } = this.arena;
    const source = this.translator.linkOf(branch, this.regions.handlerOf(branch));
    if (source === 0) return;
    const known = u32[(source + R.REC_TARGET) >>> 2];
    const stays = known !== 0 && (u32[(branch + R.REC_EDGES) >>> 2] & (R.EDGES_TO_RELINK - 1)) !== 0;
    if (stays || known === host) return;
    u32[(source + R.REC_TARGET) >>> 2] = host;
    u32[(source + R.REC_TARGET_RECORD) >>> 2] = record;
    this.pageOf(host & -4096).noteIncoming(source, this.leadsTo);
  }
  /** Links into a page go. */
  private unlink(page: CodePage): void {
    for (const source of page.takeIncoming()) if (this.leadsTo(source, page)) this.arena.u32[(source + R.REC_TARGET) >>> 2] = 0;
  }
  /** The record has a link into a page; where it stood when it got one may be another by now. */
  private readonly leadsTo = (source: number, page: CodePage): boolean =>
    this.translator.mayBeLinked(this.regions.handlerOf(source)) && (this.arena.i32[(source + R.REC_TARGET) >>> 2] & -4096) === page.frame;

  /** To call while no handler runs: makes room for what was dropped. */
  recycle(): void {
    while (this.retired.length > 0) this.freeChunks.push(this.retired.pop() as number);
    this.regions.freeSlots();
  }

  /** What led to a block is counted anew until it is hot. */
  cool(host: number): void {
    const at = this.slot(host) >>> 2;
    if (this.arena.u32[at + R.BLOCK_HOST / 4] === host) this.arena.u32[at + R.BLOCK_HEAT / 4] = this.translator.hotAfter;
  }

  /** Watches over bytes that a region is going to be made from; all of their frames are known. */
  watch(bytes: readonly CodeBytes[]): Footprint {
    const parts = bytes.map(({ frame, start, end }): CodePart => ({ page: this.pageOf(frame | 0), start, end }));
    const footprint: Footprint = { parts, entries: [], valid: true, resting: 0, module: undefined };
    for (const { page, start, end } of parts) {
      if (!page.footprints.includes(footprint)) page.footprints.push(footprint);
      this.mark(page, start, end);
    }
    return footprint;
  }
  /** Puts a region whose code has not changed in the place of the blocks that it is entered at, where none is yet. */
  install(region: Footprint, entries: readonly InstalledEntry[], mode: number, module: CompiledModule): void {
    this.regions.install(region, entries, module, ({ host, record }) => this.known(host, mode) === record);
  }

  /** A frame's bytes changed, by the instruction of the record that is executing, if any. Returns true when code was dropped or patched. */
  written(frame: ArenaAddr, offset: number, length: number, executing: number): boolean {
    const page = this.pages.get(frame | 0);
    if (!page) return false;
    if (length === 4096) {
      this.drop(page.frame);
      return true;
    }
    page.isWritten = true;
    if (!page.mayHold(offset, length)) {
      this.noteIdle(page);
      return false;
    }
    return this.dropBytes(page, offset, length, executing);
  }
  private dropBytes(page: CodePage, offset: number, length: number, executing: number): boolean {
    const { dropped, patched } = this;
    page.drop({ page, start: offset, end: offset + length, executing }, this.dropping);
    if (this.dropped !== dropped) {
      this.publish(page);
      this.unlink(page);
    } else if (this.patched === patched) {
      this.publish(page);
      return false;
    }
    this.invalidations++;
    return true;
  }
  /** A store of so many bytes, all in one frame, changes no code. */
  isBeside(host: number, bytes: number): boolean {
    const page = this.pages.get(host & -4096);
    if (!page) return true;
    page.isWritten = true;
    if (page.mayHold(host & 4095, bytes)) return false;
    this.noteIdle(page);
    const at = this.linesAt(page.frame) >>> 2;
    // Writes to a frame without code come here, to be counted.
    if (!page.isEmpty) this.arena.i32[at + R.LINES_FRAME / 4] = page.frame;
    this.publish(page);
    return true;
  }
  private noteIdle(page: CodePage): void {
    if (page.isEmpty && ++page.idleWrites > IDLE_WRITES) this.drop(page.frame);
  }

  private linesAt(frame: number): number {
    return this.lines + ((frame >>> 12) & (R.CODE_LINES_ENTRIES - 1)) * R.CODE_LINES_SIZE;
  }
  /** Brings what stores in WebAssembly know of a page up to date. */
  private publish(page: CodePage): void {
    const { i32 } = this.arena;
    const at = this.linesAt(page.frame) >>> 2;
    if (i32[at + R.LINES_FRAME / 4] !== page.frame) return;
    if (page.isEmpty) i32[at + R.LINES_FRAME / 4] = 0;
    const { lines } = page;
    for (let word = 0; word < lines.length; word++) i32[at + R.LINES_BITS / 4 + word] = lines[word];
  }
  private mark(page: CodePage, start: number, end: number): void {
    page.mark(start, end);
    this.publish(page);
  }

  /** What becomes of what a page hands over. */
  private readonly dropping: Dropping = {
    patch: (change, key, record) => {
      const patched = patchBlock(change, Math.floor(key / 4096), record, this.translator, this.regions);
      if (patched !== 'impossible') this.patched++;
      return patched;
    },
    block: (page, key, record, count) => {
      this.dropped++;
      this.dropBlock(page, key, record);
      this.stop(record, count);
    },
    crossing: (crossing) => {
      this.dropped++;
      this.dropCrossing(crossing);
    },
    footprint: (footprint) => {
      this.dropped++;
      this.regions.uninstall(footprint);
    },
  };
  /** Counts what was dropped, and blocks that were made anew in their places. */
  private dropped = 0;
  private patched = 0;

  private dropBlock(page: CodePage, key: number, record: number): void {
    const { u32 } = this.arena;
    const slot = this.slot(page.frame + (key & 4095));
    // Not `fill`: for so few words the call costs more.
    if (u32[(slot + R.BLOCK_RECORD) >>> 2] === record) for (let at = slot; at < slot + R.BLOCK_ENTRY_SIZE; at += 4) u32[at >>> 2] = 0;
    this.regions.leave(record);
  }
  /** Records that a handler may be in stop at once when it goes on to them. */
  private stop(record: number, count: number): void {
    for (let i = 0; i < count; i++) this.arena.u32[(record + i * R.RECORD_SIZE) >>> 2] = HANDLER_STOP;
  }

  /** Drops all code of a frame, which has none from then on. */
  drop(frame: number): void {
    const page = this.pages.get(frame);
    if (!page) return;
    this.dropped++;
    this.invalidations++;
    this.pages.delete(frame);
    this.pool.setCodeTurn((frame >>> 0) as ArenaAddr, 0);
    this.unlink(page);
    page.eachBlock((key, record) => this.dropBlock(page, key, record));
    for (const crossing of [...page.crossings]) this.dropCrossing(crossing);
    for (const footprint of [...page.footprints]) this.regions.uninstall(footprint);
    page.lines.fill(0);
    this.publish(page);
    for (const chunk of page.chunks) {
      this.stop(chunk, CHUNK_RECORDS);
      this.retired.push(chunk);
    }
  }

  dropAll(): void {
    this.generation++;
    for (const frame of [...this.pages.keys()]) this.drop(frame);
  }

  private get isFull(): boolean {
    if (this.freeChunks.length > 0) return false;
    const fair = Math.max(this.pool.framesInUse * CHUNKS_PER_FRAME, this.leastChunks);
    return this.chunkCount >= Math.min(fair, MAX_CHUNKS);
  }
  /** Makes room: pages go that were not asked for lately. Where those are few, there may be more chunks, or all pages go. */
  private evict(): void {
    this.generation++;
    this.noteExecuted();
    const fewest = this.chunkCount < GENEROUS_CHUNKS ? 1 : 0;
    for (let turns = COLD_TURNS; turns >= fewest && !this.hasEnough; turns--) this.dropCold(turns);
    this.recycle();
    this.turn = (this.turn % TURNS) + 1;
    if (this.hasEnough) return;
    if (this.chunkCount < MAX_CHUNKS) {
      this.leastChunks = Math.ceil(this.chunkCount * (1 + ENOUGH));
      return;
    }
    this.dropAll();
    this.recycle();
  }

  /** Links lead past the dispatcher: what has been executed counts as asked for. To look costs as much as its records, so only where it matters. */
  private noteExecuted(): void {
    for (const [frame, page] of this.pages) {
      const addr = (frame >>> 0) as ArenaAddr;
      if (this.pool.codeTurn(addr) !== this.turn && page.footprints.length === 0 && page.wasExecuted()) this.pool.setCodeTurn(addr, this.turn);
    }
  }

  /** Pages go that were not asked for in so many turns and that no compiled code was made from, until there is enough room. */
  private dropCold(turns: number): void {
    for (const [frame, page] of this.pages) {
      if (this.hasEnough) break;
      const age = (this.turn - this.pool.codeTurn((frame >>> 0) as ArenaAddr) + TURNS) % TURNS;
      if (page.footprints.length === 0 && age >= turns) this.drop(frame);
    }
  }
  private get hasEnough(): boolean {
    return this.freeChunks.length + this.retired.length >= this.chunkCount * ENOUGH;
  }

  private make(host: number, mode: number, jumped: boolean): number {
    const frame = host & -4096;
    if (this.isFull) this.evict();
    let page = this.pageOf(frame);
    if (page.isWasteful) {
      this.generation++;
      this.drop(frame);
      page = this.pageOf(frame);
    }
    const known = page.recordAt(host & 4095, mode);
    const count = known === 0 ? 0 : this.recordsFrom(known);
    // To copy what is known costs less than to translate what is left of the chunk, and then the rest.
    if (page.left < LEAST_RECORDS || count > page.left) this.extend(page);
    // A block that a chunk's end cuts short goes on in the next one.
    const written = known !== 0
      ? this.translator.copy(known, count, page.next)
      : this.translator.block(host, mode, page.next, Math.min(R.BLOCK_LIMIT, page.left - 1), page);
    const record = page.add(blockKey(host & 4095, mode), written, this.translator);
    if (jumped) page.noteJumpTarget(blockKey(host & 4095, mode));
    this.publish(page);
    this.blocksMade++;
    return record;
  }

  /** How many records a block has from one on. */
  private recordsFrom(record: number): number {
    const { u8 } = this.arena;
    let last = record;
    while (u8[last + R.REC_LENGTH] > 0) last += R.RECORD_SIZE;
    return (last - record) / R.RECORD_SIZE + 1;
  }

  /** The code of a frame, which is marked as having some. */
  private pageOf(frame: number): CodePage {
    let page = this.pages.get(frame);
    if (!page) {
      page = new CodePage(this.arena, frame);
      this.pages.set(frame, page);
      this.pool.setCodeTurn((frame >>> 0) as ArenaAddr, this.turn);
      this.frameMarked = true;
    }
    return page;
  }

  private extend(page: CodePage): void {
    if (this.freeChunks.length === 0) {
      const base = this.arena.reserve(CHUNKS_PER_STEP * CHUNK_BYTES);
      for (let i = CHUNKS_PER_STEP - 1; i >= 0; i--) this.freeChunks.push(base + i * CHUNK_BYTES);
      this.chunkCount += CHUNKS_PER_STEP;
    }
    page.next = this.freeChunks.pop() as number;
    page.left = CHUNK_RECORDS;
    page.chunks = [...page.chunks, page.next];
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
