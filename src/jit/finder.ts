/**
 * Finds regions: from a hot block on, what direct branches reach among the blocks that the interpreter has made, which are
 * those that have run. Other pages belong to it as far as the TLB maps them now. Indirect jumps and calls are thought to go
 * where they went last. Calls of small functions are followed as if the function stood in their place, so that it returns
 * inside the region; after other calls the region has an entry for the return.
 */
import { MODE_CODE32, MODE_CODE64, MODE_FLAT } from '../cpu/mode.ts';
import { linear32 } from '../cpu/linear.ts';
import type { CodeCache } from '../interp/code-cache.ts';
import * as R from '../interp/record.ts';
import { HANDLER_NEXT, HANDLER_NEXT_LONG, isCrossing } from '../interp/variant.ts';
import type { Arena } from '../memory/arena.ts';
import { GraphBuilder } from './graph.ts';
import { branchOffset, type CodeRecord, ends, type FoundRegion, isCall, isIndirectCall, isIndirectJump, isReturn, narrowBranch, pageOf, type RegionPage } from './region.ts';

/** A block whose region is wanted. */
export interface Origin {
  /** Arena and linear address of the first byte of the block, mode, and its first record. */
  readonly host: number;
  readonly linear: number;
  readonly mode: number;
  readonly record: number;
  /** Arena address of the frame that a linear page is executed from, 0 when that is not known. */
  frameAt(linearPage: number): number;
  /** Blocks are made that the interpreter has not met yet. */
  readonly ahead: boolean;
  /** After how many edges code is hot. */
  readonly hotAfter: number;
  /** As `Region.counted`. */
  readonly counted: boolean;
}

/** Instructions in a region at most, and in a function that stands in the place of its calls. */
const REGION_INSTRUCTIONS = 500;
const INLINED_INSTRUCTIONS = 100;
/** A branch that has been taken fewer times than this part of what makes code hot leaves the region. */
const SELDOM = 1 / 16;
export const seldom = (hotAfter: number): number => Math.floor(hotAfter * SELDOM);
/**
 * Blocks so many bytes from an indirect jump may be what it leads to: the cases of a switch statement. All that are taken for such
 * in a region are as near to each other, for it has a table with a place for each byte between them.
 */
const JUMP_REACH = 1024;
/** Records are copied into buffers of so many: a buffer for each would cost many times its size, on the way to another thread too. */
const COPIED_RECORDS = 64;
/** Pages of a region at most; bits of an i32 tell them apart. */
const MAX_PAGES = 16;

/** What is reached from one place without following calls. */
export interface Code {
  readonly start: number;
  readonly instructions: ReadonlyMap<number, CodeRecord>;
  /** Where basic blocks begin. */
  readonly leaders: ReadonlySet<number>;
  /** By the place of a call: the function that stands there instead. */
  readonly calls: ReadonlyMap<number, Code>;
  /** Places that calls return to which leave the region. */
  readonly returnSites: readonly number[];
  /** By the place of an indirect jump: where alone it is thought to lead. */
  readonly jumps: ReadonlyMap<number, number>;
  /** Places that the other indirect jumps are thought to lead to. */
  readonly jumpTargets: ReadonlySet<number>;
  /** With everything that stands in the place of calls. */
  readonly size: number;
}

export class RegionFinder {
  private readonly arena: Arena;
  private readonly code: CodeCache;

  constructor(arena: Arena, code: CodeCache) {
    this.arena = arena;
    this.code = code;
  }

  /** undefined when the block's first instruction cannot be compiled, or the code cache was emptied meanwhile. `again`: whether or not it has been compiled. */
  find(origin: Origin, again = false): FoundRegion | undefined {
    const { generation } = this.code;
    const search = new Search(this.arena, this.code, origin);
    const root = search.explore(origin.linear & 0xfff, REGION_INSTRUCTIONS, true);
    if (this.code.generation !== generation || !root?.instructions.has(root.start)) return undefined;
    return new GraphBuilder(origin.mode, search.pages, this.code).build(root, origin.counted, again);
  }
}

class Search {
  readonly pages: RegionPage[] = [];
  private readonly arena: Arena;
  private readonly code: CodeCache;
  private readonly origin: Origin;
  private readonly originPage: number;
  private readonly severalPages: boolean;
  /** Functions by their start; undefined: not to stand in a call's place, or being looked at. */
  private readonly functions = new Map<number, Code | undefined>();
  /** The buffer that records are copied into, and its words in use. */
  private copies = new Int32Array(0);
  private copied = 0;

  constructor(arena: Arena, code: CodeCache, origin: Origin) {
    this.arena = arena;
    this.code = code;
    this.origin = origin;
    this.originPage = origin.linear - (origin.linear & 0xfff);
    this.severalPages = (origin.mode & MODE_CODE64) !== 0 || (origin.mode & (MODE_CODE32 | MODE_FLAT)) === (MODE_CODE32 | MODE_FLAT);
    this.addPage(0, origin.host & -4096);
  }

  /** undefined for a function that is too long, never returns, or calls what it is not known or too long. */
  explore(start: number, limit: number, root: boolean): Code | undefined {
    const instructions = new Map<number, CodeRecord>();
    const leaders = new Set<number>([start]);
    const calls = new Map<number, Code>();
    const returnSites: number[] = [];
    const queue = [start];
    let size = 0;
    let returns = false;
    const lead = (to: number): void => {
      if (leaders.has(to)) return;
      leaders.add(to);
      if (!instructions.has(to)) queue.push(to);
    };
    const jumps = new Map<number, number>();
    const jumpTargets = new Set<number>();
    for (let from = queue.shift(); from !== undefined && size < limit; from = queue.shift()) {
      for (const record of this.walk(from, lead)) {
        if (instructions.has(record.offset)) break;
        instructions.set(record.offset, record);
        size++;
        returns ||= isReturn(record);
        const target = this.target(record);
        const last = this.lastTarget(record);
        if (isCall(record) || isIndirectCall(record)) {
          if (this.isSeldom(record)) continue;
          const room = Math.min(INLINED_INSTRUCTIONS, limit - size);
          const start = target ?? last;
          const callee = start === undefined ? undefined : this.functionAt(start, room);
          if (callee) {
            calls.set(record.offset, callee);
            size += callee.size;
          } else if (root) returnSites.push(record.offset + record.length);
          else return undefined;
          lead(record.offset + record.length);
        } else if (target !== undefined) lead(target);
        else if (last !== undefined && Math.abs(last - record.offset) >= JUMP_REACH) {
          jumps.set(record.offset, last);
          lead(last);
        } else if (root && isIndirectJump(record)) {
          for (const near of this.jumpTargetsAround(record)) {
            if (![...jumpTargets].every((other) => Math.abs(near - other) < JUMP_REACH)) continue;
            jumpTargets.add(near);
            lead(near);
          }
        }
        if (!root && size > limit) return undefined;
      }
    }
    if (!root && (queue.length > 0 || !returns)) return undefined;
    return { start, instructions, leaders, calls, returnSites, jumps, jumpTargets, size };
  }

  private functionAt(start: number, limit: number): Code | undefined {
    if (!this.functions.has(start)) {
      // A function that calls itself is not one.
      this.functions.set(start, undefined);
      if (this.blockAt(start) !== 0) this.functions.set(start, this.explore(start, INLINED_INSTRUCTIONS, false));
    }
    const found = this.functions.get(start);
    return found && found.size <= limit ? found : undefined;
  }

  /** Blocks of the same page in reach of an indirect jump which indirect jumps have led to. */
  private jumpTargetsAround(jump: CodeRecord): number[] {
    const frame = (this.page(jump.delta) as RegionPage).frame;
    return this.code.jumpTargets(frame, this.origin.mode).map((offset) => jump.delta + offset).filter((at) => Math.abs(at - jump.offset) < JUMP_REACH);
  }

  /** Where a branch goes, if it may go on in the region. */
  private target(record: CodeRecord): number | undefined {
    const target = branchOffset(record);
    return target === undefined || narrowBranch(record, this.origin.mode) || !this.reaches(target) || this.isSeldom(record) ? undefined : target;
  }
  private isSeldom(record: CodeRecord): boolean {
    const { ahead, hotAfter } = this.origin;
    if (ahead) return false;
    let taken = 0;
    for (const address of this.twins(record)) taken += hotAfter - this.arena.i32[(address + R.REC_EDGES) >>> 2];
    return taken < seldom(hotAfter);
  }
  /** Where an indirect jump or call went the last time that the interpreter executed it. */
  private lastTarget(record: CodeRecord): number | undefined {
    if (!(isIndirectCall(record) || isIndirectJump(record)) || !this.severalPages || narrowBranch(record, this.origin.mode)) return undefined;
    for (const address of this.twins(record)) {
      const ip = this.arena.i32[(address + R.REC_LINK) >>> 2];
      if (ip === 0) continue;
      // In flat and in 64-bit code RIP is the linear address.
      const target = (ip - this.originPage) | 0;
      return this.mayChange(pageOf(target)) ? undefined : target;
    }
    return undefined;
  }
  /** A page that would be new to the region and is written to: the region would go with what is made anew there. */
  private mayChange(delta: number): boolean {
    return !this.pages.some((p) => p.delta === delta) && this.code.isWritten(this.origin.frameAt(this.linear(delta)));
  }
  /** Records of an instruction, itself among them: where one block begins in the middle of another, both have some, and each knows what it did itself. */
  private twins(record: CodeRecord): Iterable<number> {
    const { frame } = this.page(record.delta) as RegionPage;
    const others = this.code.recordsAt(frame + record.offset - record.delta, this.origin.mode);
    return new Set([record.address, ...others]);
  }
  private reaches(offset: number): boolean {
    return this.severalPages || pageOf(offset) === 0;
  }

  /** The instructions of one block of the interpreter's, and that of two pages which follows it. */
  private *walk(start: number, lead: (offset: number) => void): Iterable<CodeRecord> {
    const first = this.blockAt(start);
    if (first === 0) return;
    const delta = pageOf(start);
    for (let at = first; ; at += R.RECORD_SIZE) {
      const record = this.read(at, delta);
      if (record.length === 0) {
        // A block that is cut short by its size goes on elsewhere; so does one that ends with its page.
        const goesOn = record.handler === HANDLER_NEXT || record.handler === HANDLER_NEXT_LONG;
        if (goesOn && this.reaches(record.offset)) lead(record.offset);
        const crosses = isCrossing(record.handler);
        const crossing = crosses ? this.crossing(at, delta) : undefined;
        if (!crossing) return;
        lead(crossing.offset);
        if (!ends(crossing)) lead(crossing.offset + crossing.length);
        yield crossing;
        return;
      }
      yield record;
      if (ends(record)) return;
    }
  }

  /** The instruction in two pages that a HANDLER_CROSSING record leads to. */
  private crossing(at: number, delta: number): CodeRecord | undefined {
    const { u32 } = this.arena;
    const target = u32[(at + R.REC_LINK) >>> 2];
    if (target === 0 || !this.severalPages) return undefined;
    const second = this.page(delta + 4096);
    return second && second.frame === (u32[(at + R.REC_IMMEDIATE2) >>> 2] | 0) ? this.read(target, delta) : undefined;
  }

  private read(address: number, delta: number): CodeRecord {
    const { u8, u16 } = this.arena;
    return {
      address, handler: this.code.regions.handlerOf(address), bytes: this.copy(address),
      offset: delta + u16[(address + R.REC_OFFSET) >>> 1], length: u8[address + R.REC_LENGTH], delta, count: u8[address + R.REC_COUNT],
    };
  }

  private copy(address: number): Uint8Array {
    if (this.copied === this.copies.length) {
      this.copies = new Int32Array((COPIED_RECORDS * R.RECORD_SIZE) / 4);
      this.copied = 0;
    }
    const start = this.copied;
    const { i32 } = this.arena;
    for (let word = address >>> 2; this.copied < start + R.RECORD_SIZE / 4; word++) this.copies[this.copied++] = i32[word];
    return new Uint8Array(this.copies.buffer, start * 4, R.RECORD_SIZE);
  }

  /** First record of the block at a place, 0 when there is none. */
  private blockAt(offset: number): number {
    const page = this.page(pageOf(offset));
    if (!page) return 0;
    const host = (page.frame + (offset & 0xfff)) >>> 0;
    return this.origin.ahead ? this.code.find(host, this.origin.mode) : this.code.known(host, this.origin.mode);
  }

  private page(delta: number): RegionPage | undefined {
    const known = this.pages.find((p) => p.delta === delta);
    if (known) return known;
    const frame = this.pages.length < MAX_PAGES ? this.origin.frameAt(this.linear(delta)) : 0;
    return frame === 0 ? undefined : this.addPage(delta, frame);
  }
  private linear(offset: number): number {
    const sum = this.originPage + offset;
    return this.origin.mode & MODE_CODE64 ? sum : linear32(sum);
  }
  /** A page that no code is known of does not belong to the region. */
  private addPage(delta: number, frame: number): RegionPage | undefined {
    if (!this.code.isKnown(frame)) return undefined;
    const page = { delta, frame: frame | 0 };
    this.pages.push(page);
    return page;
  }
}
