/**
 * What was made of the code in one frame: blocks of records, instructions that end in the next page, and what compiled
 * regions are made from. A write drops what was made from its bytes; lines of 16 bytes tell most writes to other bytes
 * from those.
 */
import type { Arena } from '../memory/arena.ts';
import * as R from './record.ts';
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
  entries: readonly { readonly record: number; readonly slot: number; readonly handler: number }[];
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
  block(page: CodePage, key: number, record: number, count: number): void;
  crossing(crossing: Crossing): void;
  footprint(footprint: Footprint): void;
}

/** A block, or the place of one that was dropped: its first record and, above that, its number of records and the offset of its end. */
type Place = number;
const placeOf = (record: number, count: number, end: number): Place => (end * 64 + count) * 2 ** 32 + record;
const recordOf = (place: Place): number => place >>> 0;
const countOf = (place: Place): number => Math.floor(place / 2 ** 32) & 63;
const endOf = (place: Place): number => Math.floor(place / 2 ** 38);

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
  private readonly blocks = new Map<number, Place>();
  /** Their keys by offset, and how many bytes the longest of them ever had: those that hold a byte begin no further before it. */
  private readonly inOrder: number[] = [];
  private longest = 0;
  /** Keys of blocks that an indirect jump was the first to lead to, dropped or not. */
  private readonly jumpTargets: number[] = [];
  /** Offsets of instructions that met floating-point numbers which compiled code did not expect. */
  careful: readonly number[] = [];
  /** Places of dropped blocks. A branch may still lead there, so only a block of the same key may have its place. */
  private vacant: Map<number, Place> | undefined;
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

  constructor(arena: Arena, frame: number) {
    this.arena = arena;
    this.frame = frame;
  }

  get isEmpty(): boolean {
    return this.lines.every((word) => word === 0);
  }
  /** Dropped code takes most of the records. */
  get isWasteful(): boolean {
    return this.wasted > 512 && this.wasted > this.used;
  }

  /** First record of a block, or 0. */
  block(key: number): number {
    return recordOf(this.blocks.get(key) ?? 0);
  }
  hasBlock(key: number): boolean {
    return this.blocks.has(key);
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
  /** Keys of the blocks that were made from any of these bytes. */
  private keysOf(start: number, end: number): number[] {
    const keys: number[] = [];
    for (let i = this.indexFrom(start - this.longest + 1); i < this.inOrder.length; i++) {
      const key = this.inOrder[i];
      if ((key & 4095) >= end) break;
      if (endOf(this.blocks.get(key) as Place) > start) keys.push(key);
    }
    return keys;
  }
  /** Records of the instruction at an offset, one in each block of a mode that holds it. */
  recordsAt(offset: number, mode: number): number[] {
    const { u8, u16 } = this.arena;
    const records: number[] = [];
    for (let i = this.indexFrom(offset - this.longest + 1); i < this.inOrder.length; i++) {
      const key = this.inOrder[i];
      if ((key & 4095) > offset) break;
      if (Math.floor(key / 4096) !== mode) continue;
      const place = this.blocks.get(key) as Place;
      if (endOf(place) <= offset) continue;
      let record = recordOf(place);
      // The last record is no instruction, and has no bytes.
      while (u16[(record + R.REC_OFFSET) >>> 1] < offset && u8[record + R.REC_LENGTH] > 0) record += R.RECORD_SIZE;
      if (u16[(record + R.REC_OFFSET) >>> 1] === offset && u8[record + R.REC_LENGTH] > 0) records.push(record);
    }
    return records;
  }
  /** A record of the instruction at an offset in the middle of a block of a mode, and how many records there are from there on; undefined where no block holds it. */
  within(offset: number, mode: number): { readonly record: number; readonly count: number } | undefined {
    const { u8 } = this.arena;
    const [record] = this.recordsAt(offset, mode);
    if (record === undefined) return undefined;
    let last = record;
    while (u8[last + R.REC_LENGTH] > 0) last += R.RECORD_SIZE;
    return { record, count: (last - record) / R.RECORD_SIZE + 1 };
  }
  /** The instruction of a mode that begins at an offset and ends in another page. */
  crossing(offset: number, last: CodePage, mode: number): Crossing | undefined {
    return this.crossings.find(({ parts: [first, second], mode: its }) => first.page === this && first.start === offset && second.page === last && its === mode);
  }
  /** Calls with keys and first records. */
  eachBlock(visit: (key: number, record: number) => void): void {
    this.blocks.forEach((place, key) => visit(key, recordOf(place)));
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
   * otherwise `forward` makes the record there lead on. Returns the first record.
   */
  add(key: number, count: number, forward: (record: number) => void): number {
    const end = this.endAfter(this.next + (count - 1) * R.RECORD_SIZE);
    let record = this.next;
    let size = count;
    const old = this.vacant?.get(key);
    if (old !== undefined) this.vacant?.delete(key);
    if (old !== undefined && countOf(old) >= count) {
      record = recordOf(old);
      size = countOf(old);
      this.arena.u8.copyWithin(record, this.next, this.next + count * R.RECORD_SIZE);
      this.wasted -= size;
    } else {
      if (old !== undefined) forward(recordOf(old));
      this.take(count);
    }
    this.blocks.set(key, placeOf(record, size, end));
    this.inOrder.splice(this.indexFrom(key & 4095), 0, key);
    this.longest = Math.max(this.longest, end - (key & 4095));
    this.used += size;
    this.idleWrites = 0;
    this.mark(key & 4095, end);
    return record;
  }
  /** A record elsewhere leads here. Now and then those are forgotten for which `leadsHere` is no longer true. */
  noteIncoming(source: number, leadsHere: (source: number) => boolean): void {
    if (this.incoming === NONE) this.incoming = [];
    if (this.incoming.length >= this.mostIncoming) {
      this.incoming = [...new Set(this.incoming.filter(leadsHere))];
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
   * Hands over what was made from any of these bytes, and forgets their lines. Blocks leave the page here; their records are the
   * caller's to stop. What follows runs for every write beside code, and makes little garbage where it finds nothing.
   */
  drop(start: number, end: number, dropped: Dropping): void {
    const isHit = (parts: readonly CodePart[]): boolean => parts.some((part) => part.page === this && part.start < end && part.end > start);
    const keys = this.keysOf(start, end);
    let first = Math.min(start, (keys[0] ?? start) & 4095);
    let last = end;
    for (const key of keys) {
      const place = this.blocks.get(key) as Place;
      const count = countOf(place);
      last = Math.max(last, endOf(place));
      this.blocks.delete(key);
      this.inOrder.splice(this.inOrder.indexOf(key, this.indexFrom(key & 4095)), 1);
      this.vacant ??= new Map();
      this.vacant.set(key, place);
      this.used -= count;
      this.wasted += count;
      dropped.block(this, key, recordOf(place), count);
    }
    const hit = (parts: readonly CodePart[]): boolean => {
      if (!isHit(parts)) return false;
      for (const part of parts) {
        if (part.page !== this) continue;
        first = Math.min(first, part.start);
        last = Math.max(last, part.end);
      }
      return true;
    };
    // Backwards, for those that are hit leave the list.
    for (let i = this.crossings.length - 1; i >= 0; i--) if (hit(this.crossings[i].parts)) dropped.crossing(this.crossings[i]);
    for (let i = this.footprints.length - 1; i >= 0; i--) if (hit(this.footprints[i].parts)) dropped.footprint(this.footprints[i]);
    this.markAnew(first, last);
  }

  /** Brings the lines of these bytes up to date: of what has left the page in another way they still tell. */
  private markAnew(start: number, end: number): void {
    const from = start & -LINE;
    const to = (end + LINE - 1) & -LINE;
    for (let at = from; at < to; at += LINE) this.lines[at >> (R.LINE_SHIFT + 5)] &= ~(1 << ((at >> R.LINE_SHIFT) & 31));
    const mark = (first: number, last: number): void => {
      if (first < to && last > from) this.mark(Math.max(first, from), Math.min(last, to));
    };
    for (const key of this.keysOf(from, to)) mark(key & 4095, endOf(this.blocks.get(key) as Place));
    for (const set of [this.crossings, this.footprints]) {
      for (const { parts } of set) for (const part of parts) if (part.page === this) mark(part.start, part.end);
    }
  }
}
