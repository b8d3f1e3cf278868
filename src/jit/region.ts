/**
 * A region: the control-flow graph that direct branches reach from one block inside its page, as records that the
 * interpreter's translator made. Found on the machine's side; what is made of it needs nothing else.
 */
import type { CodeCache } from '../interp/code-cache.ts';
import { HANDLERS } from '../interp/handlers.ts';
import * as R from '../interp/record.ts';
import { FIRST_HANDLER, HANDLER_NEXT, type Variant } from '../interp/variant.ts';
import { MODE_CODE32 } from '../cpu/mode.ts';
import type { Arena } from '../memory/arena.ts';

/** A decoded instruction, with the values of its fields (src/interp/record.ts). */
export interface CodeRecord {
  readonly address: number;
  readonly handler: number;
  readonly bytes: Uint8Array;
  /** Offset in the page, and length in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Its position in the block that the interpreter has it in, from 1. */
  readonly count: number;
}

/** Instructions that run one after the other; only the last one branches to others in the region. */
export interface BasicBlock {
  readonly records: readonly CodeRecord[];
  /** Where the last instruction branches to, if that is in the region: index of a block. */
  taken: number | undefined;
  /** What follows the last instruction when it does not branch. */
  next: number | undefined;
  /** Offset in the page of what follows, in the region or not; undefined: nothing does. */
  readonly nextOffset: number | undefined;
}

export interface Region {
  /** Arena address of the page's first byte, and mode: what the region's code is made from. */
  readonly frame: number;
  readonly mode: number;
  /** The entry is the first. */
  readonly blocks: readonly BasicBlock[];
}

export const variantOf = (record: CodeRecord): Variant | undefined => HANDLERS.variants[record.handler - FIRST_HANDLER];

/** Offset in the page that a branch goes to when it is taken; undefined for what branches nowhere or to where a register says. */
export function branchOffset(record: CodeRecord): number | undefined {
  const row = variantOf(record)?.row;
  if (!row?.operands.some((o) => o.kind === 'J')) return undefined;
  return new DataView(record.bytes.buffer, record.bytes.byteOffset).getInt32(R.REC_IMMEDIATE, true);
}
/** Nothing follows the instruction in its block. */
const ends = (record: CodeRecord): boolean => {
  const variant = variantOf(record);
  return variant === undefined || variant.row.attributes.has('end');
};

export interface RegionLimits {
  readonly instructions: number;
}

/** Reads the records of the code cache from the block at offset `entry` of a frame on. */
export class RegionFinder {
  private readonly arena: Arena;
  private readonly code: CodeCache;

  constructor(arena: Arena, code: CodeCache) {
    this.arena = arena;
    this.code = code;
  }

  /** undefined when the block's first instruction cannot be compiled, or the code cache was emptied meanwhile. */
  find(frame: number, entry: number, mode: number, limits: RegionLimits): Region | undefined {
    const generation = this.code.generation;
    const instructions = new Map<number, CodeRecord>();
    const leaders = new Set<number>([entry]);
    const queue = [entry];
    for (let start = queue.shift(); start !== undefined; start = queue.shift()) {
      if (instructions.size >= limits.instructions) break;
      this.walk(frame, start, mode, instructions, (target) => {
        if (leaders.has(target)) return;
        leaders.add(target);
        if (!instructions.has(target)) queue.push(target);
      });
    }
    if (this.code.generation !== generation || !instructions.has(entry)) return undefined;
    return { frame, mode, blocks: blocksOf(entry, instructions, leaders, mode) };
  }

  /** Notes the instructions of one block of the interpreter's up to one that is known. */
  private walk(frame: number, start: number, mode: number, known: Map<number, CodeRecord>, branch: (offset: number) => void): void {
    const first = this.code.find(frame + start, mode);
    if (first === 0) return;
    for (let at = first; ; at += R.RECORD_SIZE) {
      const record = this.read(at);
      if (record.length === 0) {
        // A block that is cut short by its size goes on elsewhere.
        if (record.handler === HANDLER_NEXT && record.offset < 4096) branch(record.offset);
        return;
      }
      if (known.has(record.offset)) return;
      known.set(record.offset, record);
      const target = branchOffset(record);
      if (target !== undefined && inPage(target) && !narrowBranch(record, mode)) branch(target);
      if (ends(record)) return;
    }
  }

  private read(address: number): CodeRecord {
    const { u8, u16 } = this.arena;
    return {
      address, handler: this.code.handlerOf(address), bytes: u8.slice(address, address + R.RECORD_SIZE),
      offset: u16[(address + R.REC_OFFSET) >>> 1], length: u8[address + R.REC_LENGTH], count: u8[address + R.REC_COUNT],
    };
  }
}

const inPage = (offset: number): boolean => offset >= 0 && offset < 4096;
/** A 16-bit branch in 32-bit code truncates EIP. */
export const narrowBranch = (record: CodeRecord, mode: number): boolean => variantOf(record)?.osize === 16 && (mode & MODE_CODE32) !== 0;

function blocksOf(entry: number, instructions: ReadonlyMap<number, CodeRecord>, leaders: ReadonlySet<number>, mode: number): BasicBlock[] {
  const blocks: BasicBlock[] = [];
  const index = new Map<number, number>();
  const starts = [entry];
  const reach = (offset: number | undefined): void => {
    if (offset === undefined || index.has(offset) || !instructions.has(offset)) return;
    index.set(offset, blocks.length + starts.length);
    starts.push(offset);
  };
  index.set(entry, 0);
  for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
    const block = blockFrom(start, instructions, leaders);
    blocks.push(block);
    const target = targetOf(block, mode);
    reach(target);
    reach(block.nextOffset);
  }
  for (const block of blocks) {
    const target = targetOf(block, mode);
    block.taken = target === undefined ? undefined : index.get(target);
    block.next = block.nextOffset === undefined ? undefined : index.get(block.nextOffset);
  }
  return blocks;
}

function targetOf(block: BasicBlock, mode: number): number | undefined {
  const last = block.records[block.records.length - 1];
  const target = branchOffset(last);
  return target === undefined || !inPage(target) || narrowBranch(last, mode) ? undefined : target;
}

/** Up to a branch, or to what others branch to. */
function blockFrom(start: number, instructions: ReadonlyMap<number, CodeRecord>, leaders: ReadonlySet<number>): BasicBlock {
  const records: CodeRecord[] = [];
  for (let offset = start; ; ) {
    const record = instructions.get(offset);
    if (!record || (records.length > 0 && leaders.has(offset))) return { records, taken: undefined, next: undefined, nextOffset: offset };
    records.push(record);
    offset += record.length;
    if (ends(record)) return { records, taken: undefined, next: undefined, nextOffset: undefined };
    if (branchOffset(record) !== undefined) return { records, taken: undefined, next: undefined, nextOffset: offset };
  }
}
