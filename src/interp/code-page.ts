/**
 * What was made of the code in one frame: blocks of records, instructions that end in the next page, and what compiled
 * regions are made from. A write drops what was made from its bytes. Lines of 64 bytes tell most writes to other bytes
 * from those.
 */
import type { Arena } from '../memory/arena.ts';
import * as R from './record.ts';
import { HANDLER_CROSSING, HANDLER_CROSSING_LONG } from './variant.ts';

const LINE_SHIFT = 6;

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
}

/** A block, or the place of one that was dropped: first record, and number of records in the place of 32 bits above. */
type Place = number;
const PLACE_COUNT = 2 ** 32;

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
  linesLow = 0;
  linesHigh = 0;
  /** Writes in a row that found nothing in this page. */
  idleWrites = 0;

  constructor(arena: Arena, frame: number) {
    this.arena = arena;
    this.frame = frame;
  }

  get isEmpty(): boolean {
    return (this.linesLow | this.linesHigh) === 0;
  }
  /** Dropped code takes most of the records. */
  get isWasteful(): boolean {
    return this.wasted > 512 && this.wasted > this.used;
  }

  /** First record of a block, or 0. */
  block(key: number): number {
    return (this.blocks.get(key) ?? 0) >>> 0;
  }
  hasBlock(key: number): boolean {
    return this.blocks.has(key);
  }
  /** Keys and first records. */
  *eachBlock(): Iterable<[number, number]> {
    for (const [key, place] of this.blocks) yield [key, place >>> 0];
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
    let record = this.next;
    const old = this.vacant.get(key);
    const room = old === undefined ? 0 : Math.floor(old / PLACE_COUNT);
    if (old !== undefined) this.vacant.delete(key);
    if (old !== undefined && room >= count) {
      record = old >>> 0;
      this.arena.u8.copyWithin(record, this.next, this.next + count * R.RECORD_SIZE);
      this.blocks.set(key, old);
      this.wasted -= room;
      this.used += room;
    } else {
      if (old !== undefined) forward(old >>> 0);
      this.take(count);
      this.blocks.set(key, record + count * PLACE_COUNT);
      this.used += count;
    }
    this.idleWrites = 0;
    this.mark(key & 4095, this.endOf(record));
    return record;
  }
  take(records: number): void {
    this.next += records * R.RECORD_SIZE;
    this.left -= records;
  }

  /** Offset in the page of the byte after a block. */
  private endOf(record: number): number {
    const { u8, u16, u32 } = this.arena;
    let last = record;
    while (u8[last + R.REC_LENGTH] !== 0) last += R.RECORD_SIZE;
    const handler = u32[last >>> 2];
    return handler === HANDLER_CROSSING || handler === HANDLER_CROSSING_LONG ? 4096 : u16[(last + R.REC_OFFSET) >>> 1];
  }

  mark(start: number, end: number): void {
    for (let line = start >> LINE_SHIFT; line <= (end - 1) >> LINE_SHIFT; line++) {
      if (line < 32) this.linesLow |= 1 << line;
      else this.linesHigh |= 1 << (line - 32);
    }
  }
  /** Something was made from a line that these bytes are in. */
  mayHold(start: number, length: number): boolean {
    const last = (start + length - 1) >> LINE_SHIFT;
    for (let line = start >> LINE_SHIFT; line <= last; line++) {
      if ((line < 32 ? this.linesLow >>> line : this.linesHigh >>> (line - 32)) & 1) return true;
    }
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
      if (!isHit(key & 4095, this.endOf(place >>> 0))) return;
      any = true;
      const count = Math.floor(place / PLACE_COUNT);
      this.blocks.delete(key);
      this.vacant.set(key, place);
      this.used -= count;
      this.wasted += count;
      dropped.block(key, place >>> 0, count);
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
    this.linesLow = this.linesHigh = 0;
    this.blocks.forEach((place, key) => this.mark(key & 4095, this.endOf(place >>> 0)));
    for (const { parts } of [...this.crossings, ...this.footprints]) {
      for (const part of parts) if (part.page === this) this.mark(part.start, part.end);
    }
  }
}
