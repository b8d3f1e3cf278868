/** Compiles the regions of hot blocks and puts them in the place of the blocks' first handlers. */
import type { CodeCache } from '../interp/code-cache.ts';
import type { Arena } from '../memory/arena.ts';
import { generateRegion, REGION_EXPORT } from './generate.ts';
import { RegionFinder } from './region.ts';

const REGION_LIMITS = { instructions: 300 };
/** Live regions at most: when there are so many, all are dropped. */
const MAX_REGIONS = 8192;
const TABLE_STEP = 256;

export interface CompilerCounters {
  /** Regions compiled since the start, and their WebAssembly bytes. */
  regions: number;
  bytes: number;
  /** Host milliseconds spent on it, and the longest single time. */
  totalMs: number;
  longestMs: number;
}

export class RegionCompiler {
  readonly counters: CompilerCounters = { regions: 0, bytes: 0, totalMs: 0, longestMs: 0 };
  private readonly code: CodeCache;
  private readonly table: WebAssembly.Table;
  private readonly imports: WebAssembly.Imports;
  private readonly finder: RegionFinder;
  private readonly freeSlots: number[] = [];
  private live = 0;

  constructor(arena: Arena, code: CodeCache, table: WebAssembly.Table, firstSlot: number, imports: WebAssembly.Imports) {
    this.code = code;
    this.table = table;
    this.imports = imports;
    this.finder = new RegionFinder(arena, code);
    if (table.length !== firstSlot) throw new RangeError('regions begin behind the last handler');
    code.onRegionsDropped = (slots) => this.release(slots);
  }

  /** Compiles the region of the block at an arena address, whose first record is `record`. To call while no code runs. */
  compile(host: number, mode: number, record: number): void {
    if (this.code.isCompiled(record)) return;
    if (this.live >= MAX_REGIONS) {
      this.code.dropAll();
      return;
    }
    const region = this.finder.find(host & -4096, host & 4095, mode, REGION_LIMITS);
    if (!region || region.blocks[0].records[0].address !== record) return;
    const bytes = generateRegion(region);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), this.imports);
    const slot = this.takeSlot();
    this.table.set(slot, instance.exports[REGION_EXPORT] as () => void);
    if (!this.code.install(host, mode, record, slot)) {
      this.release([slot]);
      return;
    }
    this.counters.regions++;
    this.counters.bytes += bytes.length;
  }

  private takeSlot(): number {
    if (this.freeSlots.length === 0) {
      const first = this.table.grow(TABLE_STEP);
      for (let i = TABLE_STEP - 1; i >= 0; i--) this.freeSlots.push(first + i);
    }
    this.live++;
    return this.freeSlots.pop() as number;
  }
  private release(slots: readonly number[]): void {
    for (const slot of slots) {
      this.table.set(slot, null);
      this.freeSlots.push(slot);
    }
    this.live -= slots.length;
  }
}
