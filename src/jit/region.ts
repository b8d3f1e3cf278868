/**
 * A region: a control-flow graph of decoded instructions, as the interpreter's translator made them, over one page of guest
 * code or several. It is plain data: what is made of it needs nothing else, on whatever thread that happens.
 *
 * Places in a region are byte offsets from the start of its first page, in linear addresses modulo 2^32.
 */
import type { CodeBytes } from '../interp/code-cache.ts';
import { HANDLERS, INDIRECT_JUMPS } from '../interp/handlers.ts';
import * as R from '../interp/record.ts';
import type { Variant } from '../interp/variant.ts';
import { MODE_CODE32 } from '../cpu/mode.ts';

/** A page of guest code. */
export interface RegionPage {
  /** Distance of its linear address from that of the region's first page. */
  readonly delta: number;
  /** Arena address of the frame that holds it. */
  readonly frame: number;
}

/** A decoded instruction, with the values of its fields (src/interp/record.ts). */
export interface CodeRecord {
  readonly address: number;
  readonly handler: number;
  readonly bytes: Uint8Array;
  /** Place of its first byte, and length in bytes. */
  readonly offset: number;
  readonly length: number;
  /** `delta` of the page that it begins in. */
  readonly delta: number;
  /** Its position in the block that the interpreter has it in, from 1. */
  readonly count: number;
}

/** Instructions that run one after the other; only the last one branches to others in the region. */
export interface BasicBlock {
  readonly records: readonly CodeRecord[];
  /** Which of the region's pages the instructions lie in, as bits. */
  readonly pages: number;
  /** Where the last instruction branches to, if that is in the region: index of a block. */
  readonly taken: number | undefined;
  /** What follows the last instruction when it does not branch. */
  readonly next: number | undefined;
  /** Place of what follows, in the region or not; undefined: nothing does. */
  readonly nextOffset: number | undefined;
  /** Where the return or indirect branch that ends the block is thought to go: index of a block. */
  readonly expected: number | undefined;
  /** Ends in an indirect jump that may go on at one of the region's `jumpTargets`. */
  readonly jumps: boolean;
}

/** Where a region is entered: at the first record of a block of the interpreter's. */
export interface RegionEntry {
  readonly block: number;
  readonly host: number;
  readonly record: number;
  /** The handler of that record. */
  readonly handler: number;
}

export interface Region {
  readonly mode: number;
  readonly pages: readonly RegionPage[];
  readonly blocks: readonly BasicBlock[];
  readonly entries: RegionEntry[];
  /** Blocks that indirect jumps are thought to lead to. */
  readonly jumpTargets: readonly number[];
  /** Adds the instructions that it retires to COMPILED_COUNT, each time it is left. */
  readonly counted: boolean;
  /** Floating-point numbers have been found in it that are not in the middle of their format's range. */
  readonly careful: boolean;
}

/** A region that was found, and where else it could be entered: its blocks by the arena addresses of their first bytes. */
export interface FoundRegion {
  readonly region: Region;
  readonly places: ReadonlyMap<number, number>;
}

export const variantOf = (record: CodeRecord): Variant | undefined => HANDLERS.variant(record.handler);

/** Place that a branch goes to when it is taken; undefined for what branches nowhere or to where a register says. */
export function branchOffset(record: CodeRecord): number | undefined {
  const variant = variantOf(record);
  if (!variant?.row.operands.some((o) => o.kind === 'J')) return undefined;
  if (variant.environment === 'long' && record.bytes[R.REC_FAR] !== 0) return undefined;
  return (record.delta + new DataView(record.bytes.buffer, record.bytes.byteOffset).getInt32(R.REC_IMMEDIATE, true)) | 0;
}
/** Nothing follows the instruction in its block. */
export const ends = (record: CodeRecord): boolean => {
  const variant = variantOf(record);
  return variant === undefined || variant.row.attributes.has('end');
};
const mnemonicOf = (record: CodeRecord): string => variantOf(record)?.row.mnemonic ?? '';
export const isCall = (record: CodeRecord): boolean => mnemonicOf(record) === 'CALL';
export const isIndirectCall = (record: CodeRecord): boolean => mnemonicOf(record) === 'CALL_INDIRECT';
export const isIndirectJump = (record: CodeRecord): boolean => INDIRECT_JUMPS.has(record.handler);
export const isReturn = (record: CodeRecord): boolean => mnemonicOf(record) === 'RET';
/** A 16-bit branch in 32-bit code truncates EIP. */
export const narrowBranch = (record: CodeRecord, mode: number): boolean => variantOf(record)?.osize === 16 && (mode & MODE_CODE32) !== 0;

/** Blocks that a block leads to. */
export const successors = ({ taken, next, expected }: BasicBlock): number[] => [taken, next, expected].filter((block) => block !== undefined);

/**
 * Whether control that comes to a block of the region, and is not in compiled code yet, will soon be: at an entry that it comes to without
 * a loop on the way. One more entry would be a way into the middle of that entry's loop, which structured code cannot have.
 */
export function leadsToEntry({ blocks, entries, jumpTargets }: Region, start: number): boolean {
  const entered = new Set(entries.map(({ block }) => block));
  if (entered.has(start)) return true;
  const seen = new Set<number>();
  const waiting = [start];
  let isLed = false;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const block = blocks[at];
    for (const to of [...successors(block), ...(block.jumps ? jumpTargets : [])]) {
      if (to === start) return false;
      if (entered.has(to)) isLed = true;
      else if (!seen.has(to)) {
        seen.add(to);
        waiting.push(to);
      }
    }
  }
  return isLed;
}

/** The bytes that a region is made from. */
export function bytesOf({ pages, blocks }: Region): CodeBytes[] {
  const bytes: CodeBytes[] = [];
  for (const { records } of blocks) {
    const last = records[records.length - 1];
    const end = last.offset + last.length;
    for (let from = records[0].offset; from < end; from = pageOf(from) + 4096) {
      const { frame } = pages.find(({ delta }) => delta === pageOf(from)) as RegionPage;
      bytes.push({ frame, start: from & 0xfff, end: Math.min(end, pageOf(from) + 4096) - pageOf(from) });
    }
  }
  return bytes;
}

/** The page that a place lies in. */
export const pageOf = (offset: number): number => offset & ~0xfff;
/** Arena address of a place in these pages. */
export const hostOf = (pages: readonly RegionPage[], offset: number): number => ((pages.find(({ delta }) => delta === pageOf(offset)) as RegionPage).frame + (offset & 0xfff)) >>> 0;
