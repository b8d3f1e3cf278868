/**
 * Compiles the regions of hot blocks and puts them in the place of the blocks' first handlers. Requests are gathered and
 * compiled several to a module: an instance is dear, a function in it is cheap.
 */
import { MODE_CODE64 } from '../cpu/mode.ts';
import type { CodeCache } from '../interp/code-cache.ts';
import type { Arena } from '../memory/arena.ts';
import { type Origin, RegionFinder } from './finder.ts';
import { exportName, generateModule } from './generate.ts';
import { MAX_ENTRIES } from './graph.ts';
import type { Region } from './region.ts';

/** Regions in a module at most, and instructions in them; what is more waits for the next one. */
const BATCH_REGIONS = 32;
const BATCH_INSTRUCTIONS = 600;
/** A batch is made once so many wait, or once `work` was called so often since the first of them came. */
const BATCH_STARTS = 8;
const PATIENCE = 20;
/** Slots of live regions at most: when there are so many, all are dropped. */
const MAX_SLOTS = 16384;
const TABLE_STEP = 1024;

export interface CompilerCounters {
  /** Since the start: regions compiled, modules that they are in, their WebAssembly bytes. */
  readonly regions: number;
  readonly modules: number;
  readonly bytes: number;
  /** Regions dropped, because their guest code was written to or all were. */
  readonly dropped: number;
  /** Host milliseconds that the machine waited for compilation, and the longest single pause. */
  readonly pausedMs: number;
  readonly longestPauseMs: number;
}

const blockKey = (host: number, mode: number): number => host + mode * 2 ** 32;

export class RegionCompiler {
  private readonly made = { regions: 0, modules: 0, bytes: 0, pausedMs: 0, longestPauseMs: 0 };
  private readonly code: CodeCache;
  private readonly table: WebAssembly.Table;
  private readonly imports: WebAssembly.Imports;
  private readonly finder: RegionFinder;
  private readonly nowMs: () => number;
  private readonly freeSlots: number[] = [];
  private readonly queue: Region[] = [];
  /** Blocks of the regions that wait, by arena address and mode: who asks for one gets an entry there. */
  private readonly waiting = new Map<number, { region: Region; block: number }>();
  private waited = 0;
  private live = 0;

  constructor(arena: Arena, code: CodeCache, table: WebAssembly.Table, imports: WebAssembly.Imports, nowMs: () => number) {
    this.code = code;
    this.table = table;
    this.imports = imports;
    this.nowMs = nowMs;
    this.finder = new RegionFinder(arena, code);
    code.onSlotsFree = (slots) => this.release(slots);
  }

  get counters(): CompilerCounters {
    return { ...this.made, dropped: this.code.regionsDropped };
  }

  /** Asks for the region of a block. */
  request(origin: Origin): void {
    const { host, mode, record } = origin;
    // 64-bit code is interpreted.
    if (mode & MODE_CODE64 || this.code.isCompiled(record)) return;
    const waiting = this.waiting.get(blockKey(host, mode));
    if (waiting) {
      const { entries } = waiting.region;
      if (entries.length < MAX_ENTRIES && !entries.some((e) => e.record === record)) {
        entries.push({ block: waiting.block, host, record, handler: this.code.handlerOf(record) });
      }
      return;
    }
    const found = this.finder.find(origin);
    if (!found || found.region.entries.length === 0) return;
    this.queue.push(found.region);
    for (const [at, block] of found.places) this.waiting.set(blockKey(at, mode), { region: found.region, block });
  }

  /** Compiles some of what was asked for, all at once when `now` is set. To call between two slices, while no code runs. */
  work(now = false): void {
    if (this.queue.length === 0) return;
    this.waited++;
    if (!now && this.queue.length < BATCH_STARTS && this.waited < PATIENCE) return;
    this.waited = 0;
    const start = this.nowMs();
    if (this.live + BATCH_REGIONS * MAX_ENTRIES > MAX_SLOTS) this.code.dropAll();
    else this.batch();
    const ms = this.nowMs() - start;
    this.made.pausedMs += ms;
    this.made.longestPauseMs = Math.max(this.made.longestPauseMs, ms);
  }

  private batch(): void {
    const regions: Region[] = [];
    for (let instructions = 0; regions.length < BATCH_REGIONS && instructions < BATCH_INSTRUCTIONS; ) {
      const region = this.queue.shift();
      if (!region) break;
      instructions += region.blocks.reduce((sum, { records }) => sum + records.length, 0);
      regions.push(region);
    }
    const batched = new Set(regions);
    for (const [key, { region }] of this.waiting) if (batched.has(region)) this.waiting.delete(key);
    const bytes = generateModule(regions);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), this.imports);
    for (const [n, region] of regions.entries()) this.install(region, (entry) => exports[exportName(n, entry)] as () => void);
    this.made.regions += regions.length;
    this.made.modules++;
    this.made.bytes += bytes.length;
  }

  private install(region: Region, functionOf: (entry: number) => () => void): void {
    const entries = region.entries.map(({ host, record }, i) => {
      const slot = this.takeSlot();
      this.table.set(slot, functionOf(i));
      return { host, record, slot };
    });
    if (!this.code.install(region.pages, entries, region.mode)) this.release(entries.map(({ slot }) => slot));
  }

  private takeSlot(): number {
    if (this.freeSlots.length === 0) {
      const first = this.table.grow(TABLE_STEP);
      for (let i = TABLE_STEP - 1; i >= 0; i--) this.freeSlots.push(first + i);
    }
    this.live++;
    return this.freeSlots.pop() as number;
  }
  /** A slot keeps its function, and that its instance, until the slot is used again. */
  private release(slots: readonly number[]): void {
    this.freeSlots.push(...slots);
    this.live -= slots.length;
  }
}
