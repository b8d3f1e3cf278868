/**
 * What was made of the code in one frame: blocks of records, instructions that end in the next page, and what compiled
 * regions are made from. A write drops what was made from its bytes; lines of 16 bytes tell most writes to other bytes
 * from those.
 */
import type { Arena } from '../memory/arena.ts';
import * as R from './record.ts';
import { HANDLER_CROSSING, HANDLER_CROSSING_LONG } from './variant.ts';

/** An instruction in two pages. */
export interface Crossing {
  /** Its record, and the HANDLER_CROSSING records that lead to it. */
  readonly target: number;
  readonly sources: ReadonlySet<number>;
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
  /** Installed, and not asked for since regions were last made to rest: records that it is entered at stop. */
  resting: boolean;
  /** Once it is installed. */
  module: CompiledModule | undefined;
}

/** A module of compiled regions: it goes when the last of them does. */
export interface CompiledModule {
  readonly bytes: number;
  /** Those that are installed. */
  regions: number;
}

/** A block, or the place of one that was dropped: its first record and, above that, its number of records and the offset of its end. */
type Place = number;
const placeOf = (record: number, count: number, end: number): Place => (end * 64 + count) * 2 ** 32 + record;
const recordOf = (place: Place): number => place >>> 0;
const countOf = (place: Place): number => Math.floor(place / 2 ** 32) & 63;
const endOf = (place: Place): number => Math.floor(place / 2 ** 38);

/** Key of a block in its page: 12 bits of offset, the mode above. */
export const blockKey = (offset: number, mode: number): number => offset + mode * 4096;

export class CodePage {
  readonly frame: number;
  private readonly arena: Arena;
  readonly chunks: number[] = [];
  /** First free record of the last chunk, and records left in it. */
  next = 0;
  left = 0;
  private readonly blocks = new Map<number, Place>();
  /** Keys of blocks that an indirect jump was the first to lead to, dropped or not. */
  readonly jumpTargets = new Set<number>();
  /** Places of dropped blocks. A branch may still lead there, so only a block of the same key may have its place. */
  private readonly vacant = new Map<number, Place>();
  /** Records that are of no use any more, and those of blocks. */
  private wasted = 0;
  private used = 0;
  readonly crossings = new Set<Crossing>();
  readonly footprints = new Set<Footprint>();
  /** Which lines something was made from, a bit each. */
  readonly lines = new Int32Array(4096 >> (R.LINE_SHIFT + 5));
  /** Writes in a row that found nothing in this page. */
  idleWrites = 0;

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
  /** Keys and first records. */
  *eachBlock(): Iterable<[number, number]> {
    for (const [key, place] of this.blocks) yield [key, recordOf(place)];
  }
  /** Where blocks of a mode begin that an indirect jump was the first to lead to, in no order. */
  jumpTargetsOf(mode: number): number[] {
    return [...this.jumpTargets].filter((key) => Math.floor(key / 4096) === mode).map((key) => key & 4095);
  }

  /**
   * Takes `count` records at `next` for a block. They go where the dropped block of the same key was, if there is room;
   * otherwise `forward` makes the record there lead on. Returns the first record.
   */
  add(key: number, count: number, forward: (record: number) => void): number {
    const end = this.endAfter(this.next + (count - 1) * R.RECORD_SIZE);
    let record = this.next;
    let size = count;
    const old = this.vacant.get(key);
    if (old !== undefined) this.vacant.delete(key);
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
    this.used += size;
    this.idleWrites = 0;
    this.mark(key & 4095, end);
    return record;
  }
  take(records: number): void {
    this.next += records * R.RECORD_SIZE;
    this.left -= records;
  }

  /** Offset in the page of the byte after a block that ends with a record. */
  private endAfter(last: number): number {
    const { u16, u32 } = this.arena;
    const handler = u32[last >>> 2];
    return handler === HANDLER_CROSSING || handler === HANDLER_CROSSING_LONG ? 4096 : u16[(last + R.REC_OFFSET) >>> 1];
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
   * Hands over what was made from any of these bytes, and counts lines anew. Blocks leave the page here; their records are the
   * caller's to stop.
   */
  drop(start: number, end: number, dropped: { block(key: number, record: number, count: number): void; crossing(c: Crossing): void; footprint(f: Footprint): void }): void {
    const isHit = (from: number, to: number): boolean => from < end && to > start;
    const hits = (parts: readonly CodePart[]): boolean => parts.some((part) => part.page === this && isHit(part.start, part.end));
    let any = false;
    // What follows runs for every write beside code, and makes no garbage where it finds nothing.
    this.blocks.forEach((place, key) => {
      if (!isHit(key & 4095, endOf(place))) return;
      any = true;
      const count = countOf(place);
      this.blocks.delete(key);
      this.vacant.set(key, place);
      this.used -= count;
      this.wasted += count;
      dropped.block(key, recordOf(place), count);
    });
    this.crossings.forEach((crossing) => {
      if (!hits(crossing.parts)) return;
      any = true;
      dropped.crossing(crossing);
    });
    this.footprints.forEach((footprint) => {
      if (!hits(footprint.parts)) return;
      any = true;
      dropped.footprint(footprint);
    });
    if (any) this.countLines();
  }

  private countLines(): void {
    this.lines.fill(0);
    this.blocks.forEach((place, key) => this.mark(key & 4095, endOf(place)));
    for (const { parts } of [...this.crossings, ...this.footprints]) {
      for (const part of parts) if (part.page === this) this.mark(part.start, part.end);
    }
  }
}
