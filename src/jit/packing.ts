/**
 * Regions as one array of 32-bit words, on their way to the compiler thread: to clone an object for each instruction takes the
 * machine longer than to find the region.
 */
import * as R from '../interp/record.ts';
import type { BasicBlock, CodeRecord, Region } from './region.ts';

/** Address, handler, place, and the record's words. */
const RECORD_HEAD = 4;
const NONE = -1;

/** The words of regions; they own their memory. */
export function packRegions(regions: readonly Region[]): Int32Array<ArrayBuffer> {
  const out = new Writer();
  out.list(regions, (region) => packRegion(out, region));
  return out.words;
}

export function unpackRegions(words: Int32Array): Region[] {
  const from = new Reader(words);
  return from.list(() => unpackRegion(from));
}

function packRegion(out: Writer, { mode, pages, blocks, entries, jumpTargets, counted, careful }: Region): void {
  out.put(mode, counted ? 1 : 0, careful ? 1 : 0);
  out.list(pages, ({ delta, frame }) => out.put(delta, frame));
  // An instruction is in as many blocks as its function has calls that it stands in the place of.
  const records = [...new Set(blocks.flatMap((block) => block.records))];
  const numbers = new Map(records.map((record, n) => [record, n]));
  out.list(records, ({ address, handler, offset, delta, bytes }) => {
    out.put(address, handler, offset, delta);
    out.put(...new Int32Array(bytes.buffer, bytes.byteOffset, R.RECORD_SIZE / 4));
  });
  out.list(blocks, (block) => {
    out.list(block.records, (record) => out.put(numbers.get(record) as number));
    out.put(block.pages, block.taken ?? NONE, block.next ?? NONE, block.expected ?? NONE, block.jumps ? 1 : 0);
    out.put(block.nextOffset === undefined ? 0 : 1, block.nextOffset ?? 0);
  });
  out.list(entries, ({ block, host, record, handler }) => out.put(block, host, record, handler));
  out.list(jumpTargets, (block) => out.put(block));
}

function unpackRegion(from: Reader): Region {
  const mode = from.next() >>> 0;
  const counted = from.next() !== 0;
  const careful = from.next() !== 0;
  const pages = from.list(() => ({ delta: from.next(), frame: from.next() }));
  const records = from.list(() => unpackRecord(from));
  const blocks = from.list((): BasicBlock => ({
    records: from.list(() => records[from.next()]),
    pages: from.next(), taken: from.optional(), next: from.optional(), expected: from.optional(), jumps: from.next() !== 0,
    nextOffset: from.next() !== 0 ? from.next() : void from.next(),
  }));
  const entries = from.list(() => ({ block: from.next(), host: from.next() >>> 0, record: from.next() >>> 0, handler: from.next() }));
  return { mode, pages, blocks, entries, jumpTargets: from.list(() => from.next()), counted, careful };
}

function unpackRecord(from: Reader): CodeRecord {
  const [address, handler, offset, delta] = from.take(RECORD_HEAD);
  const words = from.take(R.RECORD_SIZE / 4);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, R.RECORD_SIZE);
  return { address: address >>> 0, handler, bytes, offset, length: bytes[R.REC_LENGTH], delta, count: bytes[R.REC_COUNT] };
}

class Writer {
  private array = new Int32Array(4096);
  private length = 0;

  put(...values: number[]): void {
    if (this.length + values.length > this.array.length) {
      const larger = new Int32Array(this.array.length * 2);
      larger.set(this.array);
      this.array = larger;
    }
    for (const value of values) this.array[this.length++] = value;
  }
  /** How many there are, and what `pack` puts for each. */
  list<T>(items: readonly T[], pack: (item: T) => void): void {
    this.put(items.length);
    for (const item of items) pack(item);
  }
  get words(): Int32Array<ArrayBuffer> {
    return this.array.slice(0, this.length);
  }
}

class Reader {
  private readonly words: Int32Array;
  private at = 0;

  constructor(words: Int32Array) {
    this.words = words;
  }
  next(): number {
    return this.words[this.at++];
  }
  optional(): number | undefined {
    const value = this.next();
    return value === NONE ? undefined : value;
  }
  take(count: number): Int32Array {
    this.at += count;
    return this.words.subarray(this.at - count, this.at);
  }
  list<T>(unpack: () => T): T[] {
    return Array.from({ length: this.next() }, unpack);
  }
}
