/**
 * Compiles the regions of hot blocks and puts them in the place of the blocks' first handlers. Requests are gathered and
 * compiled several to a module: an instance is dear, a function in it is cheap.
 */
import { MODE_CODE64 } from '../cpu/mode.ts';
import type { CodeCache } from '../interp/code-cache.ts';
import type { Arena } from '../memory/arena.ts';
import { generateModule } from './generate.ts';
import { type Region, RegionFinder } from './region.ts';

const REGION_LIMITS = { instructions: 300 };
/** Regions in a module at most, and instructions in them; what is more waits for the next one. */
const BATCH_REGIONS = 32;
const BATCH_INSTRUCTIONS = 600;
/** A batch is made once so many wait, or once `work` was called so often since the first of them came. */
const BATCH_STARTS = 8;
const PATIENCE = 20;
/** Live regions at most: when there are so many, all are dropped. */
const MAX_REGIONS = 8192;
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

interface Request {
  readonly host: number;
  readonly mode: number;
  readonly record: number;
}

export class RegionCompiler {
  readonly counters = { regions: 0, modules: 0, bytes: 0, dropped: 0, pausedMs: 0, longestPauseMs: 0 };
  private readonly code: CodeCache;
  private readonly table: WebAssembly.Table;
  private readonly imports: WebAssembly.Imports;
  private readonly finder: RegionFinder;
  private readonly nowMs: () => number;
  private readonly freeSlots: number[] = [];
  private readonly queue: Request[] = [];
  /** Records of the requests. */
  private readonly queued = new Set<number>();
  private waited = 0;
  private live = 0;

  constructor(arena: Arena, code: CodeCache, table: WebAssembly.Table, imports: WebAssembly.Imports, nowMs: () => number) {
    this.code = code;
    this.table = table;
    this.imports = imports;
    this.nowMs = nowMs;
    this.finder = new RegionFinder(arena, code);
    code.onRegionsDropped = (slots) => {
      this.counters.dropped += slots.length;
      this.release(slots);
    };
  }

  /** Asks for the region of the block at an arena address, whose first record is `record`. */
  request(host: number, mode: number, record: number): void {
    // 64-bit code is interpreted.
    if (mode & MODE_CODE64 || this.code.isCompiled(record) || this.queued.has(record)) return;
    this.queued.add(record);
    this.queue.push({ host, mode, record });
  }

  /** Compiles some of what was asked for, all at once when `now` is set. To call between two slices, while no code runs. */
  work(now = false): void {
    if (this.queue.length === 0) return;
    this.waited++;
    if (!now && this.queue.length < BATCH_STARTS && this.waited < PATIENCE) return;
    this.waited = 0;
    const start = this.nowMs();
    if (this.live + BATCH_REGIONS > MAX_REGIONS) this.code.dropAll();
    else this.batch();
    const ms = this.nowMs() - start;
    this.counters.pausedMs += ms;
    this.counters.longestPauseMs = Math.max(this.counters.longestPauseMs, ms);
  }

  private batch(): void {
    const found: { request: Request; region: Region }[] = [];
    /** Blocks that a region of this batch contains: they get one of their own only if they stay hot. */
    const inside = new Set<number>();
    let instructions = 0;
    while (found.length < BATCH_REGIONS && instructions < BATCH_INSTRUCTIONS) {
      const request = this.queue.shift();
      if (!request) break;
      const { host, mode, record } = request;
      this.queued.delete(record);
      if (!this.code.isBlock(host, mode, record) || this.code.isCompiled(record) || inside.has(host + mode * 2 ** 32)) continue;
      const region = this.finder.find(host & -4096, host & 4095, mode, REGION_LIMITS);
      if (region?.blocks[0].records[0].address !== record) continue;
      for (const block of region.blocks) {
        inside.add((((host & -4096) + block.records[0].offset) >>> 0) + mode * 2 ** 32);
        instructions += block.records.length;
      }
      found.push({ request, region });
    }
    if (found.length === 0) return;
    const bytes = generateModule(found.map(({ region }) => region));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), this.imports);
    for (const [n, { request }] of found.entries()) {
      const slot = this.takeSlot();
      this.table.set(slot, exports[n] as () => void);
      if (!this.code.install(request.host, request.mode, request.record, slot)) this.release([slot]);
    }
    this.counters.regions += found.length;
    this.counters.modules++;
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
  /** A slot keeps its function, and that its instance, until the slot is used again. */
  private release(slots: readonly number[]): void {
    this.freeSlots.push(...slots);
    this.live -= slots.length;
  }
}
