/** Makes a region's graph of basic blocks from the code that was found, a copy of a function for each call that it stands in the place of. */
import type { CodeCache } from '../interp/code-cache.ts';
import { isCrossing } from '../interp/variant.ts';
import type { Code } from './finder.ts';
import { type BasicBlock, branchOffset, type CodeRecord, ends, hostOf, isCall, isIndirectCall, isIndirectJump, isReturn, narrowBranch, pageOf, type FoundRegion, type RegionEntry, type RegionPage } from './region.ts';

/** Entries of a region at most. */
export const MAX_ENTRIES = 16;

/** Code in the place of one call, or the region's own. */
interface Context {
  readonly code: Code;
  /** Blocks by the place where they begin. */
  readonly index: Map<number, number>;
  readonly returnsTo: number | undefined;
}

export class GraphBuilder {
  private readonly mode: number;
  private readonly pages: readonly RegionPage[];
  private readonly cache: CodeCache;
  private readonly blocks: BasicBlock[] = [];
  private readonly queue: { context: Context; start: number }[] = [];
  private made = 0;

  constructor(mode: number, pages: readonly RegionPage[], cache: CodeCache) {
    this.mode = mode;
    this.pages = pages;
    this.cache = cache;
  }

  /** `again`: blocks that are entries of compiled regions become entries nevertheless. */
  build(code: Code, counted: boolean, again: boolean): FoundRegion {
    const root: Context = { code, index: new Map(), returnsTo: undefined };
    const starts = [code.start, ...code.returnSites].filter((offset) => code.instructions.has(offset));
    const entries: RegionEntry[] = [];
    for (const start of new Set(starts)) {
      const entry = entries.length < MAX_ENTRIES ? this.entry(root, start, again) : undefined;
      if (entry) entries.push(entry);
    }
    this.makeBlocks();
    // What jumps may be behind a call that the region does not return from.
    const targets = this.blocks.some(({ jumps }) => jumps) ? [...code.jumpTargets] : [];
    const jumpTargets = targets.map((offset) => this.place(root, offset)).filter((block) => block !== undefined);
    this.makeBlocks();
    const places = new Map([...root.index].map(([offset, block]) => [hostOf(this.pages, offset), block]));
    // Where none of the targets is known, jumps leave.
    const blocks = jumpTargets.length > 0 ? this.blocks : this.blocks.map((block) => (block.jumps ? { ...block, jumps: false } : block));
    return { region: { mode: this.mode, pages: this.pages, blocks, entries, jumpTargets, counted, careful: this.isCareful() }, places };
  }

  private isCareful(): boolean {
    if (!this.pages.some(({ frame }) => this.cache.needsCare(frame))) return false;
    return this.blocks.some(({ records }) => records.some(({ offset }) => this.cache.needsCare(pageOf(hostOf(this.pages, offset)), offset & 0xfff)));
  }

  private makeBlocks(): void {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) this.blocks.push(this.block(next.context, next.start));
  }

  private entry(root: Context, offset: number, again: boolean): RegionEntry | undefined {
    const host = hostOf(this.pages, offset);
    const record = this.cache.known(host, this.mode);
    const handler = record === 0 ? 0 : this.cache.regions.handlerOf(record);
    // An instruction in two pages is entered only where both have been looked at.
    if (record === 0 || isCrossing(handler) || (!again && this.cache.regions.isCompiled(record))) return undefined;
    return { block: this.place(root, offset) as number, host, record, handler };
  }

  /** The block that begins at a place; undefined when no instruction is known there. */
  private place(context: Context, start: number | undefined): number | undefined {
    if (start === undefined || !context.code.instructions.has(start)) return undefined;
    let index = context.index.get(start);
    if (index === undefined) {
      index = this.made++;
      context.index.set(start, index);
      this.queue.push({ context, start });
    }
    return index;
  }

  /** Up to a branch, or to what others branch to. */
  private block(context: Context, start: number): BasicBlock {
    const { instructions, leaders } = context.code;
    const records: CodeRecord[] = [];
    for (let offset = start; ; ) {
      const record = instructions.get(offset);
      if (!record || (records.length > 0 && leaders.has(offset))) return this.finish(context, records, offset);
      records.push(record);
      offset += record.length;
      if (ends(record)) return this.finish(context, records, undefined);
      if (branchOffset(record) !== undefined) return this.finish(context, records, offset);
    }
  }

  private finish(context: Context, records: readonly CodeRecord[], nextOffset: number | undefined): BasicBlock {
    const last = records[records.length - 1];
    return {
      records, nextOffset,
      pages: this.pageBits(records[0]) | this.pageBits(last),
      taken: this.taken(context, last),
      next: this.place(context, nextOffset),
      jumps: context.code.jumpTargets.size > 0 && isIndirectJump(last) && !narrowBranch(last, this.mode),
      expected: narrowBranch(last, this.mode) ? undefined : this.expected(context, last),
    };
  }

  private taken(context: Context, last: CodeRecord): number | undefined {
    const target = branchOffset(last);
    if (target === undefined || narrowBranch(last, this.mode)) return undefined;
    return isCall(last) ? this.callee(context, last) : this.place(context, target);
  }
  private expected(context: Context, last: CodeRecord): number | undefined {
    if (isReturn(last)) return context.returnsTo;
    return isIndirectCall(last) ? this.callee(context, last) : this.place(context, context.code.jumps.get(last.offset));
  }
  /** The copy of a function that stands in the place of a call. */
  private callee(context: Context, call: CodeRecord): number | undefined {
    const code = context.code.calls.get(call.offset);
    return code && this.place({ code, index: new Map(), returnsTo: this.place(context, call.offset + call.length) }, code.start);
  }

  private pageBits(record: CodeRecord): number {
    const bit = (offset: number) => 1 << this.pages.findIndex((p) => p.delta === pageOf(offset));
    return bit(record.offset) | bit(record.offset + record.length - 1);
  }
}
