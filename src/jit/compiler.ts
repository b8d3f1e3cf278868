/**
 * Has the regions of hot blocks compiled and puts them in the place of the blocks' first handlers. Several go into a
 * module: an instance is dear, a function in it is cheap. A thread beside the machine compiles, where there is one.
 */
import type { CodeCache } from '../interp/code-cache.ts';
import type { CompiledModule, Footprint } from '../interp/code-page.ts';
import type { Arena } from '../memory/arena.ts';
import { type Origin, RegionFinder } from './finder.ts';
import { exportName, generateModule } from './generate.ts';
import { slotName } from './neighbours.ts';
import { MAX_ENTRIES } from './graph.ts';
import { LoadMeter } from './load-meter.ts';
import { packRegions } from './packing.ts';
import { bytesOf, leadsToEntry, type Region } from './region.ts';
import type { CompileReply, CompilerThread } from './thread-protocol.ts';

/** Regions in a module at most, and instructions in them; what is more waits for the next one. */
const BATCH_REGIONS = 32;
const BATCH_INSTRUCTIONS = 1200;
/** Likewise when the machine waits for it. */
const SLICE_INSTRUCTIONS = 100;
/** Slots of live regions at most. */
const MAX_SLOTS = 16384;
/** Default of `mostBytes`. An engine takes some six bytes for each when the code is optimised. */
const MOST_BYTES = 32 << 20;
/** Where either would be more, so large a part of the regions goes. */
const EVICTED_SHARE = 1 / 8;
const TABLE_STEP = 1024;
/** Regions that wait at most, and blocks that have asked in vain. */
const MOST_WAITING = 1000;
/**
 * While the first guest executes so many instructions, as Linux does until it has a shell, a block has to ask more than once, at first so often in
 * vain, and ever more seldom: much of what is hot then is not for long, and the engine has the handlers to compile.
 */
const YOUTH_INSTRUCTIONS = 2_000_000_000, VAIN_ASKS = 10;
/** How often it is looked which regions have run since the last time, and how many times in a row one has not until it may go: a minute. */
const REST_MS = 15_000, RESTS = 4;
/** Default of `keptBytes`. */
const KEPT_BYTES = 1 << 19;

export interface CompilerCounters {
  /** Since the start: regions compiled, modules that they are in, their WebAssembly bytes. */
  readonly regions: number;
  readonly modules: number;
  readonly bytes: number;
  /** Regions dropped since then, because their guest code was written to, or to make room. */
  readonly dropped: number;
  /** WebAssembly bytes of the modules that are there now. */
  readonly liveBytes: number;
  /** Host milliseconds that the machine waited for compilation, and the longest single pause. */
  readonly pausedMs: number;
  readonly longestPauseMs: number;
}

export interface RegionCompilerOptions {
  /** The host's clock in milliseconds. */
  readonly nowMs: () => number;
  /** Without it, the machine waits while it compiles, for a short while each time. */
  readonly thread: CompilerThread | undefined;
  /** So many bytes of WebAssembly stay, whether they run or not. Default: 512 KiB. */
  readonly keptBytes?: number | undefined;
  /** More bytes of WebAssembly than these never stay: what has not run for longest goes. Default: 32 MiB. */
  readonly mostBytes?: number | undefined;
}

/** A module of regions. */
interface Made {
  readonly regions: readonly Region[];
  readonly module: WebAssembly.Module;
  readonly bytes: number;
}

const blockKey = (host: number, mode: number): number => host + mode * 2 ** 32;

export class RegionCompiler {
  private readonly made = { regions: 0, modules: 0, bytes: 0, pausedMs: 0, longestPauseMs: 0 };
  private readonly code: CodeCache;
  private readonly table: WebAssembly.Table;
  private readonly imports: WebAssembly.Imports;
  private readonly finder: RegionFinder;
  private readonly nowMs: () => number;
  private readonly keptBytes: number;
  private readonly mostBytes: number;
  private readonly freeSlots: number[] = [];
  private queue: Region[] = [];
  /** Blocks of the regions that wait, by arena address and mode: who asks for one gets an entry there. */
  private readonly waiting = new Map<number, { region: Region; block: number }>();
  /** What watches over the guest code of the regions that wait. */
  private readonly footprints = new Map<Region, Footprint>();
  private thread: CompilerThread | undefined;
  /** What the thread has been given, by the number of the request, and what it has made. */
  private readonly inFlight = new Map<number, readonly Region[]>();
  private readonly ready: Made[] = [];
  private requests = 0;
  private live = 0;
  private restedMs = 0;
  private readonly load: LoadMeter;
  /** Instructions until guests are no longer taken to be starting, and how often blocks have asked until then. */
  private youth = YOUTH_INSTRUCTIONS;
  private readonly asked = new Map<number, number>();

  constructor(arena: Arena, code: CodeCache, table: WebAssembly.Table, imports: WebAssembly.Imports, { nowMs, thread, keptBytes, mostBytes }: RegionCompilerOptions) {
    this.code = code;
    this.table = table;
    this.imports = imports;
    this.nowMs = nowMs;
    this.load = new LoadMeter(nowMs);
    this.keptBytes = keptBytes ?? KEPT_BYTES;
    this.mostBytes = mostBytes ?? MOST_BYTES;
    this.finder = new RegionFinder(arena, code);
    this.thread = thread;
    thread?.listen((reply) => this.receive(reply), () => this.threadEnded());
    code.regions.onSlotsFree = (slots) => this.release(slots);
  }

  get counters(): CompilerCounters {
    const { dropped, moduleBytes } = this.code.regions;
    return { ...this.made, dropped, liveBytes: moduleBytes };
  }

  /** The thread has something to answer. */
  get awaitsThread(): boolean {
    return this.inFlight.size > 0;
  }

  /** Is told of each region that is to be compiled, with the linear address of its first page. */
  onRegion: ((region: Region, linearPage: number) => void) | undefined;

  /** The region that a block would be compiled with now, whether it has been or not. */
  regionOf(origin: Origin): Region | undefined {
    const region = this.finder.find(origin, true)?.region;
    return region && region.entries.length > 0 ? region : undefined;
  }

  /** So many instructions have been executed. */
  executed(instructions: number): void {
    this.load.add(instructions);
    this.youth -= instructions;
    if (this.youth <= 0) this.asked.clear();
  }

  /** Asks for the region of a block. False: not now; if the block is still hot in a while, it may ask again. */
  request(origin: Origin): boolean {
    const { host, mode, record, ahead, hotAfter } = origin;
    if (this.code.regions.isCompiled(record)) return true;
    if (!ahead && !this.load.isBusy(hotAfter)) return false;
    const key = blockKey(host, mode);
    const waiting = this.waiting.get(key);
    if (waiting) {
      const { entries } = waiting.region;
      // What has gone to the compiler stays as it is.
      if (this.queue.includes(waiting.region) && entries.length < MAX_ENTRIES && !leadsToEntry(waiting.region, waiting.block)) {
        entries.push({ block: waiting.block, host, record, handler: this.code.regions.handlerOf(record) });
      }
      return true;
    }
    if (!ahead && this.youth > 0 && this.asksInVain(key)) return false;
    if (this.queue.length >= MOST_WAITING) this.forgetChanged();
    if (this.queue.length >= MOST_WAITING) return false;
    const found = this.finder.find(origin);
    if (!found || found.region.entries.length === 0) return true;
    this.queue.push(found.region);
    this.footprints.set(found.region, this.code.watch(bytesOf(found.region)));
    this.onRegion?.(found.region, origin.linear - (origin.linear & 0xfff));
    for (const [at, block] of found.places) this.waiting.set(blockKey(at, mode), { region: found.region, block });
    return true;
  }

  private asksInVain(key: number): boolean {
    const before = this.asked.get(key) ?? 0;
    if (before >= (VAIN_ASKS * this.youth) / YOUTH_INSTRUCTIONS) return false;
    if (this.asked.size === MOST_WAITING) this.asked.clear();
    this.asked.set(key, before + 1);
    return true;
  }

  /**
   * Goes on compiling what was asked for, and puts what is ready in its place; does it all at once when `now` is set. To
   * call between two slices, while no code runs.
   */
  work(now = false): void {
    const { regions } = this.code;
    if (regions.moduleBytes > this.keptBytes) this.rest();
    if (regions.moduleBytes > this.mostBytes) this.shrink();
    if (this.ready.length === 0 && (this.queue.length === 0 || (this.inFlight.size > 0 && !now))) return;
    const start = this.nowMs();
    for (const made of this.ready.splice(0)) this.installAll(made);
    if (this.live + BATCH_REGIONS * MAX_ENTRIES > MAX_SLOTS) regions.evict(EVICTED_SHARE);
    else if (this.queue.length > 0 && (now || this.inFlight.size === 0)) this.batch(now);
    this.notePause(start);
  }
  private notePause(startMs: number): void {
    const ms = this.nowMs() - startMs;
    this.made.pausedMs += ms;
    this.made.longestPauseMs = Math.max(this.made.longestPauseMs, ms);
  }

  /** Code that ran once, while a guest started for instance, costs its engine several times its bytes as long as it is there. */
  private rest(): void {
    const ms = this.nowMs();
    if (ms - this.restedMs < REST_MS) return;
    this.restedMs = ms;
    this.code.regions.dropResting(this.keptBytes, RESTS);
    this.notePause(ms);
  }
  private shrink(): void {
    const start = this.nowMs();
    while (this.code.regions.moduleBytes > this.mostBytes) this.code.regions.evict(EVICTED_SHARE);
    this.notePause(start);
  }

  private batch(now: boolean): void {
    const regions = this.take(this.thread || now ? BATCH_INSTRUCTIONS : SLICE_INSTRUCTIONS);
    if (regions.length === 0) return;
    if (this.thread && !now) {
      const id = ++this.requests;
      this.inFlight.set(id, regions);
      this.thread.post({ id, regions: packRegions(regions) });
      return;
    }
    const bytes = generateModule(regions);
    this.installAll({ regions, module: new WebAssembly.Module(bytes as BufferSource), bytes: bytes.length });
  }
  private take(instructions: number): Region[] {
    const regions: Region[] = [];
    for (let left = instructions; left > 0 && regions.length < BATCH_REGIONS; ) {
      const region = this.queue.shift();
      if (!region) break;
      if (!this.footprints.get(region)?.valid) {
        this.forget([region]);
        continue;
      }
      left -= region.blocks.reduce((sum, { records }) => sum + records.length, 0);
      regions.push(region);
    }
    return regions;
  }

  /** Regions whose guest code has changed while they waited go. */
  private forgetChanged(): void {
    const isValid = (region: Region): boolean => this.footprints.get(region)?.valid === true;
    const changed = this.queue.filter((region) => !isValid(region));
    this.queue = this.queue.filter(isValid);
    this.forget(changed);
  }

  private receive({ id, module, bytes }: CompileReply): void {
    const regions = this.inFlight.get(id) ?? [];
    this.inFlight.delete(id);
    if (module) this.ready.push({ regions, module, bytes });
    else this.forget(regions);
  }

  private threadEnded(): void {
    this.thread = undefined;
    for (const regions of this.inFlight.values()) this.forget(regions);
    this.inFlight.clear();
  }

  private installAll({ regions, module, bytes }: Made): void {
    const { exports } = new WebAssembly.Instance(module, this.imports);
    const compiled = { bytes, regions: 0 };
    for (const [n, region] of regions.entries()) this.install(region, compiled, exports, (entry) => exportName(n, entry));
    this.forget(regions);
    this.made.regions += regions.length;
    this.made.modules++;
    this.made.bytes += bytes;
  }
  /** The regions wait no longer. */
  private forget(regions: readonly Region[]): void {
    const done = new Set(regions);
    for (const [key, { region }] of this.waiting) if (done.has(region)) this.waiting.delete(key);
    for (const region of regions) {
      const footprint = this.footprints.get(region);
      if (footprint?.entries.length === 0) this.code.regions.unwatch(footprint);
      this.footprints.delete(region);
    }
  }

  private install(region: Region, module: CompiledModule, exports: WebAssembly.Exports, nameOf: (entry: number) => string): void {
    const footprint = this.footprints.get(region);
    if (!footprint?.valid) return;
    const entries = region.entries.map(({ host, record }, i) => {
      const slot = this.takeSlot();
      this.table.set(slot, exports[nameOf(i)]);
      return { host, record, slot, told: exports[slotName(nameOf(i))] as { value: number } | undefined };
    });
    this.code.install(footprint, entries, region.mode, module);
  }

  private takeSlot(): number {
    if (this.freeSlots.length === 0) {
      const first = this.table.grow(TABLE_STEP);
      for (let i = TABLE_STEP - 1; i >= 0; i--) this.freeSlots.push(first + i);
    }
    this.live++;
    return this.freeSlots.pop() as number;
  }
  /** What stood in a slot goes: a function keeps its instance, and that the module with all that was made of it. */
  private release(slots: readonly number[]): void {
    for (const slot of slots) this.table.set(slot, null);
    this.freeSlots.push(...slots);
    this.live -= slots.length;
  }
}
