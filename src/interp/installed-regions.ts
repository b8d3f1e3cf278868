/** Compiled regions that stand in the places of blocks: a block's first record has a region's slot instead of its handler. */
import type { Arena } from '../memory/arena.ts';
import { type CompiledModule, type Footprint, remove } from './code-page.ts';
import { HANDLER_STOP } from './variant.ts';

/** No slot of the function table. */
export const NOWHERE = -1;

/** Where a compiled region is entered: in the place of the first handler of a block. */
export interface InstalledEntry {
  /** Arena address of the block, and its first record. */
  readonly host: number;
  readonly record: number;
  /** Its slot in the function table. */
  readonly slot: number;
  /** The module's own word for it, if it has one: the slot while the entry stands there. */
  readonly told: { value: number } | undefined;
}

export class InstalledRegions {
  private readonly arena: Arena;
  /** Table slots from here on are compiled regions. */
  private readonly firstSlot: number;
  /** Records whose handler an entry of a region took the place of. */
  private readonly replaced = new Map<number, { readonly handler: number; readonly region: Footprint }>();
  private readonly installed = new Set<Footprint>();
  /** Bytes of the modules that have a region installed. */
  moduleBytes = 0;
  /** Regions dropped so far. */
  dropped = 0;
  /** Slots of regions that were dropped and may still be executing; whoever frees them is told once none is. */
  onSlotsFree: (slots: readonly number[]) => void = () => {};
  private droppedSlots: number[] = [];

  constructor(arena: Arena, firstSlot: number) {
    this.arena = arena;
    this.firstSlot = firstSlot;
  }

  /** The handler that interprets the record, whatever stands in its place. */
  handlerOf(record: number): number {
    const handler = this.arena.u32[record >>> 2];
    return handler < this.firstSlot && handler !== HANDLER_STOP ? handler : (this.replaced.get(record)?.handler ?? handler);
  }
  /** True when a region stands in the place of the block that begins with this record. */
  isCompiled(record: number): boolean {
    return this.replaced.has(record);
  }

  /** Puts a region in the place of those of the blocks that it is entered at which still `stand` and have none. */
  install(region: Footprint, entries: readonly InstalledEntry[], module: CompiledModule, stands: (entry: InstalledEntry) => boolean): void {
    const { u32 } = this.arena;
    const free = entries.filter((entry) => stands(entry) && !this.replaced.has(entry.record));
    region.entries = free.map(({ record, slot, told }) => ({ record, slot, told, handler: u32[record >>> 2] }));
    for (const { record, slot, told, handler } of region.entries) {
      this.replaced.set(record, { handler, region });
      u32[record >>> 2] = slot;
      if (told) told.value = slot;
    }
    const slots = new Set(free.map(({ slot }) => slot));
    this.droppedSlots.push(...entries.map(({ slot }) => slot).filter((slot) => !slots.has(slot)));
    if (free.length === 0) return;
    this.installed.add(region);
    region.module = module;
    if (module.regions++ === 0) this.moduleBytes += module.bytes;
  }
  /** The handlers that it stood in the place of come back. */
  uninstall(region: Footprint): void {
    this.unwatch(region);
    if (region.entries.length > 0) this.dropped++;
    this.installed.delete(region);
    if (region.module && --region.module.regions === 0) this.moduleBytes -= region.module.bytes;
    for (const { record, slot, told, handler } of region.entries) {
      this.arena.u32[record >>> 2] = handler;
      // Another function may get the slot, and stand there too.
      if (told) told.value = NOWHERE;
      this.replaced.delete(record);
      this.droppedSlots.push(slot);
    }
  }
  /** The block that begins with this record is no more, and neither is a region in its place. */
  leave(record: number): void {
    const replaced = this.replaced.get(record);
    if (replaced) this.uninstall(replaced.region);
  }
  /** The region is not going to be there, or is no more. */
  unwatch(footprint: Footprint): void {
    for (const { page } of footprint.parts) remove(page.footprints, footprint);
    footprint.valid = false;
  }

  /**
   * Drops regions that nobody has asked for since so many calls ago, the oldest first, until modules have no more than so many
   * bytes, and finds out which are asked for from now on. To call while no handler runs.
   */
  dropResting(mostBytes: number, calls: number): void {
    for (const region of this.installed) {
      if (region.resting === 0) for (const { record } of region.entries) this.arena.u32[record >>> 2] = HANDLER_STOP;
      if (region.resting++ >= calls && this.moduleBytes > mostBytes) this.uninstall(region);
    }
  }
  /** Drops so large a part of the regions: those that have rested for longest, the oldest first. To call while no handler runs. */
  evict(share: number): void {
    const byRest = [...this.installed].sort((a, b) => b.resting - a.resting);
    for (const region of byRest.slice(0, Math.ceil(byRest.length * share))) this.uninstall(region);
  }
  /** The region that rests in the place of a block is asked for. */
  wake(record: number): void {
    const region = this.replaced.get(record)?.region;
    if (!region?.resting) return;
    region.resting = 0;
    for (const entry of region.entries) this.arena.u32[entry.record >>> 2] = entry.slot;
  }

  /** To call while no handler runs: what was dropped is not executing any more. */
  freeSlots(): void {
    if (this.droppedSlots.length === 0) return;
    this.onSlotsFree(this.droppedSlots);
    this.droppedSlots = [];
  }
}
