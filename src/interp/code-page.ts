/**
 * What was made of the code in one frame: blocks of records, instructions that end in the next page, and what compiled
 * regions are made from. A write drops what was made from its bytes; lines of 16 bytes tell most writes to other bytes
 * from those.
 */
import type { Arena } from '../memory/arena.ts';
import type { Change, Patched } from './patch.ts';
import * as R from './record.ts';
import type { Translator } from './translator.ts';
import { isCrossing } from './variant.ts';

/** An instruction in two pages. */
export interface Crossing {
  readonly mode: number;
  /** Its record, and the HANDLER_CROSSING records that lead to it. */
  readonly target: number;
  readonly sources: Set<number>;
  /** Where its bytes lie. */
  readonly parts: readonly [CodePart, CodePart];
}

/** Bytes of a frame: offsets of the first one and of that after the last one. */
export interface CodePart {
  readonly page: CodePage;
  readonly start: number;
  readonly end: number;
}

/** What a region is made from, from when it is found until a byte of it changes. */
export interface Footprint {
  readonly parts: readonly CodePart[];
  /** Where the region is entered, with the handlers that stood there; none until it is installed. */
  entries: readonly { readonly record: number; readonly slot: number; readonly told: { value: number } | undefined; readonly handler: number }[];
  valid: boolean;
  /** Installed, and not asked for since regions were made to rest so many times ago: if any, records that it is entered at stop. */
  resting: number;
  /** Once it is installed. */
  module: CompiledModule | undefined;
}

/** A module of compiled regions: it goes when the last of them does. */
export interface CompiledModule {
  readonly bytes: number;
  /** Those that are installed. */
  regions: number;
}

/** Is handed what a write drops. */
export interface Dropping {
  /** Asked first, of blocks that may be patched. */
  patch(change: Change, key: number, record: number): Patched;
  block(page: CodePage, key: number, record: number, count: number): void;
  crossing(crossing: Crossing): void;
  footprint(footprint: Footprint): void;
}

/**
 * A block: its first record and, above that, its number of records and the offset of its end. Below 0, the place of one that was
 * dropped: a branch may still lead there, so only a block of the same key may have it. Both stay in one map, for to be dropped
 * and made again is what happens to a block most.
 */
type Place = number;
const placeOf = (record: number, count: number, end: number): Place => (end * 64 + count) * 2 ** 32 + record;
const recordOf = (place: Place): number => place >>> 0;
const countOf = (place: Place): number => Math.floor(place / 2 ** 32) & 63;
const endOf = (place: Place): number => Math.floor(place / 2 ** 38);

/** Records are handed to frames in chunks that hold one block of any size. */
export const CHUNK_RECORDS = 64;
export const CHUNK_BYTES = CHUNK_RECORDS * R.RECORD_SIZE;

/** So often a block is patched without having been executed in between; then somebody writes other code there. */
const PATCHES = 2;

const LINE = 1 << R.LINE_SHIFT;
const LINE_WORDS = 4096 >> (R.LINE_SHIFT + 5);

/** So many links into a page may be noted before those that are gone are looked for. */
const LEAST_INCOMING = 64;
/** Of most pages; nothing is added to it. */
const NONE: number[] = [];

export function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

/** Key of a block in its page: 12 bits of offset, the mode above. */
export const blockKey = (offset: number, mode: number): number => offset + mode * 4096;

/** There are thousands of them: arrays weigh less than sets and typed arrays, and most lists stay empty. */
export class CodePage {
  readonly frame: number;
  private readonly arena: Arena;
  chunks: readonly number[] = [];
  /** First free record of the last chunk, and records left in it. */
  next = 0;
  left = 0;
  private readonly places = new Map<number, Place>();
  /** Their keys by offset, and how many bytes the longest block ever had: those that hold a byte begin no further before it. */
  private readonly inOrder: number[] = [];
  private longest = 0;
  /** Keys of blocks that an indirect jump was the first to lead to, dropped or not. */
  private readonly jumpTargets: number[] = [];
  /** Offsets of instructions that met floating-point numbers which compiled code did not expect. */
  careful: readonly number[] = [];
  /** Of blocks that were dropped and made again in the same place: how often the block may yet be patched. */
  private patchable: Map<number, number> | undefined;
  /** Records that are of no use any more, and those of blocks. */
  private wasted = 0;
  private used = 0;
  readonly crossings: Crossing[] = [];
  readonly footprints: Footprint[] = [];
  /** Which lines something was made from, a bit each. */
  readonly lines = new Array<number>(LINE_WORDS).fill(0);
  /** Writes in a row that found nothing in this page. */
  idleWrites = 0;
  /** Records in other pages that have had a link into this one. */
  private incoming: number[] = NONE;
  private mostIncoming = LEAST_INCOMING;
  /** It has been written to since it has code, which may therefore not last. */
  isWritten = false;
  /** Sum of what the branches have left to be taken, as far as a small integer of the engine holds it. */
  private edges = 0;

  constructor(arena: Arena, frame: number) {
    this.arena = arena;
    this.frame = frame;
  }

  get isEmpty(): boolean {
    for (const word of this.lines) if (word !== 0) return false;
    return true;
  }
  /** A branch in it has been taken since this was last asked. Some records have something else in the place of their edges, which stays. */
  wasExecuted(): boolean {
    const { i32 } = this.arena;
    let edges = 0;
    for (const chunk of this.chunks) {
      const first = (chunk + R.REC_EDGES) >>> 2;
      for (let at = first; at < first + CHUNK_BYTES / 4; at += R.RECORD_SIZE / 4) edges = (edges + i32[at]) & 0x3fffffff;
    }
    const changed = edges !== this.edges;
    this.edges = edges;
    return changed;
  }

  /** Dropped code takes most of the records. */
  get isWasteful(): boolean {
    return this.wasted > 512 && this.wasted > this.used;
  }

  /** First record of a block, or 0. */
  block(key: number): number {
    const place = this.places.get(key) ?? 0;
    return place > 0 ? recordOf(place) : 0;
  }
  /** Where the first block of a mode begins at an offset or after it; 4096: nowhere. */
  nextBlock(offset: number, mode: number): number {
    for (let i = this.indexFrom(offset); i < this.inOrder.length; i++) {
      const key = this.inOrder[i];
      if (Math.floor(key / 4096) === mode && this.block(key) !== 0) return key & 4095;
    }
    return 4096;
  }
  /** Index in `inOrder` of the first block that begins at an offset or after it. */
  private indexFrom(offset: number): number {
    let low = 0;
    let high = this.inOrder.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.inOrder[middle] & 4095) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  /** The first block from an index in `inOrder` on that was made from any of these bytes: its index, or -1. */
  private nextHit(from: number, start: number, end: number): number {
    for (let i = from; i < this.inOrder.length; i++) {
      const key = this.inOrder[i];
      if ((key & 4095) >= end) break;
      const place = this.places.get(key) as Place;
      if (place > 0 && endOf(place) > start) return i;
    }
    return -1;
  }
  /** The same, of all blocks. */
  private firstHit(start: number, end: number): number {
    return this.nextHit(this.indexFrom(start - this.longest + 1), start, end);
  }
  /** Records of the instruction at an offset, one in each block of a mode that holds it. */
  recordsAt(offset: number, mode: number): number[] {
    const records: number[] = [];
    for (let i = this.firstHit(offset, offset + 1); i >= 0; i = this.nextHit(i + 1, offset, offset + 1)) {
      const record = this.recordIn(this.inOrder[i], offset, mode);
      if (record !== 0) records.push(record);
    }
    return records;
  }
  /** One of them, or 0. */
  recordAt(offset: number, mode: number): number {
    for (let i = this.firstHit(offset, offset + 1); i >= 0; i = this.nextHit(i + 1, offset, offset + 1)) {
      const record = this.recordIn(this.inOrder[i], offset, mode);
      if (record !== 0) return record;
    }
    return 0;
  }
  /** The record of the instruction at an offset that is in a block; 0 where no instruction begins there, or the mode is another. */
  private recordIn(key: number, offset: number, mode: number): number {
    if (Math.floor(key / 4096) !== mode) return 0;
    const { u8, u16 } = this.arena;
    let record = this.block(key);
    // The last record is no instruction, and has no bytes.
    while (u16[(record + R.REC_OFFSET) >>> 1] < offset && u8[record + R.REC_LENGTH] > 0) record += R.RECORD_SIZE;
    return u16[(record + R.REC_OFFSET) >>> 1] === offset && u8[record + R.REC_LENGTH] > 0 ? record : 0;
  }
  /** The instruction of a mode that begins at an offset and ends in another page. */
  crossing(offset: number, last: CodePage, mode: number): Crossing | undefined {
    return this.crossings.find(({ parts: [first, second], mode: its }) => first.page === this && first.start === offset && second.page === last && its === mode);
  }
  /** Calls with keys and first records. */
  eachBlock(visit: (key: number, record: number) => void): void {
    this.places.forEach((place, key) => {
      if (place > 0) visit(key, recordOf(place));
    });
  }
  /** An indirect jump was the first to lead to the block with this key. */
  noteJumpTarget(key: number): void {
    if (!this.jumpTargets.includes(key)) this.jumpTargets.push(key);
  }
  /** Where blocks of a mode begin that an indirect jump was the first to lead to, in no order. */
  jumpTargetsOf(mode: number): number[] {
    return this.jumpTargets.filter((key) => Math.floor(key / 4096) === mode).map((key) => key & 4095);
  }

  /**
   * Takes `count` records at `next` for a block. They go where the dropped block of the same key was, if there is room;
   * otherwise the record there leads on. Returns the first record.
   */
  add(key: number, count: number, translator: Pick<Translator, 'next'>): number {
    const end = this.endAfter(this.next + (count - 1) * R.RECORD_SIZE);
    let record = this.next;
    let size = count;
    const vacant = -(this.places.get(key) ?? 0);
    if (vacant > 0 && countOf(vacant) >= count) {
      record = recordOf(vacant);
      size = countOf(vacant);
      copyRecords(this.arena.i32, this.next, record, count);
      this.wasted -= size;
      this.patchable ??= new Map();
      this.patchable.set(key, PATCHES);
    } else {
      if (vacant > 0) translator.next(recordOf(vacant), Math.floor(key / 4096), key & 4095, 1);
      this.take(count);
    }
    this.places.set(key, placeOf(record, size, end));
    if (vacant <= 0) this.inOrder.splice(this.indexFrom(key & 4095), 0, key);
    this.longest = Math.max(this.longest, end - (key & 4095));
    this.used += size;
    this.idleWrites = 0;
    this.mark(key & 4095, end);
    return record;
  }
  /** A record elsewhere leads here. Now and then those are forgotten for which `leadsTo` is no longer true. */
  noteIncoming(source: number, leadsTo: (source: number, page: CodePage) => boolean): void {
    if (this.incoming === NONE) this.incoming = [];
    if (this.incoming.length >= this.mostIncoming) {
      this.incoming = [...new Set(this.incoming.filter((other) => leadsTo(other, this)))];
      this.mostIncoming = Math.max(LEAST_INCOMING, 2 * this.incoming.length);
    }
    this.incoming.push(source);
  }
  /** All of those, which are forgotten. */
  takeIncoming(): readonly number[] {
    const { incoming } = this;
    this.incoming = NONE;
    return incoming;
  }
  take(records: number): void {
    this.next += records * R.RECORD_SIZE;
    this.left -= records;
  }

  /** So many records are of no use any more. */
  waste(records: number): void {
    this.wasted += records;
  }

  /** Offset in the page of the byte after a block that ends with a record. */
  private endAfter(last: number): number {
    const { u16, u32 } = this.arena;
    const handler = u32[last >>> 2];
    return isCrossing(handler) ? 4096 : u16[(last + R.REC_OFFSET) >>> 1];
  }

  mark(start: number, end: number): void {
    for (let line = start >> R.LINE_SHIFT; line <= (end - 1) >> R.LINE_SHIFT; line++) this.lines[line >> 5] |= 1 << (line & 31);
  }
  /** Something was made from a line that these bytes are in. */
  mayHold(start: number, length: number): boolean {
    const last = (start + length - 1) >> R.LINE_SHIFT;
    for (let line = start >> R.LINE_SHIFT; line <= last; line++) if ((this.lines[line >> 5] >>> (line & 31)) & 1) return true;
    return false;
  }

  /**
   * Hands over what was made from bytes of this page that changed, and forgets its lines, but for blocks that can be patched. Blocks
   * leave the page here; their records are the caller's to stop. What follows runs for every write beside code, and makes little garbage where it finds nothing.
   */
  drop(change: Change, dropped: Dropping): void {
    const { start, end } = change;
    let first = start;
    let last = end;
    const hit = (parts: readonly CodePart[]): boolean => {
      if (!parts.some((part) => part.page === this && part.start < end && part.end > start)) return false;
      for (const part of parts) {
        if (part.page !== this) continue;
        first = Math.min(first, part.start);
        last = Math.max(last, part.end);
      }
      return true;
    };
    // Backwards, for those that are hit leave the list. Regions go before blocks: they leave their entries the handlers that were there.
    for (let i = this.crossings.length - 1; i >= 0; i--) if (hit(this.crossings[i].parts)) dropped.crossing(this.crossings[i]);
    for (let i = this.footprints.length - 1; i >= 0; i--) if (hit(this.footprints[i].parts)) dropped.footprint(this.footprints[i]);
    for (let i = this.firstHit(start, end); i >= 0; i = this.nextHit(i + 1, start, end)) {
      const key = this.inOrder[i];
      const place = this.places.get(key) as Place;
      if (this.patch(key, recordOf(place), change, dropped)) continue;
      const count = countOf(place);
      first = Math.min(first, key & 4095);
      last = Math.max(last, endOf(place));
      this.places.set(key, -place);
      this.used -= count;
      this.wasted += count;
      dropped.block(this, key, recordOf(place), count);
    }
    this.markAnew(first, last);
  }

  /** True when a block is up to date again, and stays. */
  private patch(key: number, record: number, change: Change, dropped: Dropping): boolean {
    const patches = this.patchable?.get(key) ?? 0;
    if (patches === 0) return false;
    const patched = dropped.patch(change, key, record);
    const left = patched === 'executed' ? PATCHES : patches - 1;
    if (left !== patches) this.patchable?.set(key, left);
    return patched !== 'impossible';
  }

  /** Brings the lines of these bytes up to date: of what has left the page in another way they still tell. */
  private markAnew(start: number, end: number): void {
    const from = start & -LINE;
    const to = (end + LINE - 1) & -LINE;
    for (let at = from; at < to; at += LINE) this.lines[at >> (R.LINE_SHIFT + 5)] &= ~(1 << ((at >> R.LINE_SHIFT) & 31));
    for (let i = this.firstHit(from, to); i >= 0; i = this.nextHit(i + 1, from, to)) {
      const key = this.inOrder[i];
      this.markWithin(key & 4095, endOf(this.places.get(key) as Place), from, to);
    }
    for (const { parts } of this.crossings) this.markParts(parts, from, to);
    for (const { parts } of this.footprints) this.markParts(parts, from, to);
  }
  private markParts(parts: readonly CodePart[], from: number, to: number): void {
    for (const part of parts) if (part.page === this) this.markWithin(part.start, part.end, from, to);
  }
  private markWithin(start: number, end: number, from: number, to: number): void {
    if (start < to && end > from) this.mark(Math.max(start, from), Math.min(end, to));
  }
}

/** Not `copyWithin`: for so few records the call costs more. */
function copyRecords(i32: Int32Array, from: number, to: number, count: number): void {
  for (let word = 0; word < (count * R.RECORD_SIZE) >>> 2; word++) i32[(to >>> 2) + word] = i32[(from >>> 2) + word];
}
