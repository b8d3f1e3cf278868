/** From regions to a WebAssembly module with a function for each (see region-code.ts for how it is entered and left). */
import * as L from '../cpu/layout.ts';
import { MODE_CODE32, MODE_FLAT } from '../cpu/mode.ts';
import { DISPATCH } from '../interp/record-ops.ts';
import type { Label } from '../wasm/function.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { type BasicBlock, type CodeRecord, type Region, variantOf } from './region.ts';
import { RegionCode } from './region-code.ts';
import { RegionOps } from './region-ops.ts';
import { type EdgeKind, Structure } from './structure.ts';
import { Summaries } from './summary.ts';

/** EIP of a page's first byte up to which no branch inside the page wraps around at 64 KiB. */
const LAST_PLAIN_PAGE = 0xf000;

const summaries = new Summaries();

/** The bytes of a module that exports each region's function under its number; imports as the interpreter's has them. */
export function generateModule(regions: readonly Region[]): Uint8Array {
  const module = new ModuleBuilder();
  for (const [n, region] of regions.entries()) module.export(String(n), module.define(new RegionGenerator(module, region).generate()));
  return module.finish();
}

class RegionGenerator {
  private readonly region: Region;
  private readonly code: RegionCode;
  private readonly structure: Structure;
  /** Whether the flags are read at the start of a block before they are set. */
  private readonly flagsNeeded: readonly boolean[];
  /** Most instructions from a block on to where the fuel is looked at again. */
  private readonly longest: readonly number[];
  private readonly labels: Label[] = [];
  private current = 0;

  constructor(module: ModuleBuilder, region: Region) {
    this.region = region;
    this.code = new RegionCode(module);
    this.structure = new Structure(region.blocks.map(successors));
    this.flagsNeeded = liveness(region, this.structure);
    this.longest = longestPaths(region, this.structure);
  }

  generate() {
    const { code } = this;
    this.guard();
    code.frame(() => this.tree(0));
    return code.e.finish();
  }

  /** Before anything: does the fuel cover the region up to where it is looked at again? If not, the interpreter goes on. */
  private guard(): void {
    const { e, cpu } = this.code;
    const entry = this.region.blocks[0].records[0];
    const fuel = e.param(2, 'i32');
    const short = e.compare('ltS', fuel, e.i32(this.longest[0]));
    const wraps = e.compare('gtU', e.load('i32', cpu, L.IP_BASE), e.i32(LAST_PLAIN_PAGE));
    const declined = this.region.mode & MODE_CODE32 ? short : e.binary('or', short, wraps);
    e.if(declined, () => e.returnCall(DISPATCH, [e.i32(entry.handler), e.param(0, 'i32'), cpu, fuel]));
  }

  /** The code of a block and of all that it dominates. */
  private tree(block: number): void {
    if (!this.structure.isHeader(block)) return this.withMerged(block, 0);
    this.code.e.loop((label) => {
      this.labels[block] = label;
      this.withMerged(block, 0);
    });
  }
  private withMerged(block: number, from: number): void {
    const behind = this.structure.merged[block][from];
    if (behind === undefined) return this.block(block);
    this.code.e.block((label) => {
      this.labels[behind] = label;
      this.withMerged(block, from + 1);
    });
    this.code.join();
    this.tree(behind);
  }

  private block(index: number): void {
    const { code } = this;
    const outer = this.current;
    this.current = index;
    const block = this.region.blocks[index];
    const read = flagsReadAfter(block, readAtEnd(block, index, this.structure, this.flagsNeeded));
    for (const [i, record] of block.records.entries()) {
      this.instruction(block, record, read[i]);
      if (code.dead) break;
      code.retired++;
    }
    if (!code.dead) this.fallThrough(block);
    this.current = outer;
  }

  private instruction(block: BasicBlock, record: CodeRecord, flagsRead: boolean): void {
    const { code } = this;
    const variant = variantOf(record);
    // What this mode refuses.
    if (!variant) return code.leaveAt(record);
    const { flags } = code;
    const summary = summaries.of(record);
    flags.unread = !flagsRead && !summary.readsOwn;
    flags.eager = summary.setsSome && !flags.unread;
    if (flags.eager) flags.toLocals();
    const taken = record === block.records[block.records.length - 1] ? block.taken : undefined;
    const branch = () => {
      if (taken === undefined) return false;
      this.transition(taken, 1);
      return true;
    };
    const ops = new RegionOps(code, record, variant, flags, branch);
    variant.row.body(ops);
    flags.unread = flags.eager = false;
    if (variant.repeat !== 'none' && !code.dead) this.recount(record);
  }

  /** After a repeated instruction: the fuel may not cover the rest of the path any more. */
  private recount(record: CodeRecord): void {
    const { code } = this;
    const { e } = code;
    const offset = record.offset + record.length;
    e.if(e.compare('ltS', code.fuelAfter(1), e.i32(this.longest[this.current])), () => code.leaveSpent(offset, record, 1));
  }

  private fallThrough(block: BasicBlock): void {
    const { code } = this;
    if (block.next !== undefined) return this.transition(block.next, 0);
    const { e } = code;
    const flat = (this.region.mode & MODE_FLAT) !== 0;
    code.leaveTo(e.binary('add', e.get(code.ipBase), e.i32(block.nextOffset as number)), block.records[block.records.length - 1], flat, 0);
  }

  /** Control goes on to a block of the region, `more` instructions being done that are not counted in `retired`. */
  private transition(to: number, more: number): void {
    const { code } = this;
    const { e } = code;
    const kind: EdgeKind = this.structure.edge(this.current, to);
    const first = this.region.blocks[to].records[0];
    if (kind === 'leave') return code.leaveFor(first, more);
    code.retired += more;
    if (kind === 'inline' && !this.structure.isHeader(to)) {
      this.tree(to);
      code.dead = true;
      return;
    }
    e.set(code.fuel, code.fuelAfter(0));
    code.retired = 0;
    if (this.flagsNeeded[to]) code.flags.toLocals();
    if (kind === 'inline') {
      code.join();
      this.tree(to);
      code.dead = true;
      return;
    }
    if (kind === 'back') e.if(e.compare('ltS', e.get(code.fuel), e.i32(this.longest[to])), () => code.leaveSpent(first.offset, first, 0));
    e.branch(this.labels[to]);
  }
}

function successors(block: BasicBlock): number[] {
  return [block.taken, block.next].filter((b) => b !== undefined);
}

/** Whatever leaves the region reads the flags, and so does a back edge, where the fuel may be spent. */
function readAtEnd(block: BasicBlock, index: number, structure: Structure, needed: readonly boolean[]): boolean {
  const to = successors(block);
  const last = variantOf(block.records[block.records.length - 1]);
  const conditional = last?.row.attributes.has('branch') === true && !last.row.attributes.has('end');
  if (to.length < (conditional ? 2 : 1)) return true;
  return to.some((b) => needed[b] || ['back', 'leave'].includes(structure.edge(index, b)));
}
/** For each instruction, whether something reads the flags after it before they are all set. */
function flagsReadAfter(block: BasicBlock, atEnd: boolean): boolean[] {
  const out: boolean[] = [];
  let read = atEnd;
  for (let i = block.records.length - 1; i >= 0; i--) {
    out[i] = read;
    read = readBefore(block.records[i], read);
  }
  return out;
}
function readBefore(record: CodeRecord, readAfter: boolean): boolean {
  const summary = summaries.of(record);
  return summary.needs || (readAfter && !summary.sets);
}
function liveness(region: Region, structure: Structure): boolean[] {
  const needed = region.blocks.map(() => false);
  for (let changed = true; changed; ) {
    changed = false;
    for (const index of [...structure.order].reverse()) {
      if (needed[index]) continue;
      const block = region.blocks[index];
      const after = flagsReadAfter(block, readAtEnd(block, index, structure, needed));
      needed[index] = readBefore(block.records[0], after[0]);
      changed ||= needed[index];
    }
  }
  return needed;
}

function longestPaths(region: Region, structure: Structure): number[] {
  const longest = region.blocks.map(() => 0);
  for (const index of [...structure.order].reverse()) {
    const block = region.blocks[index];
    const on = successors(block).filter((to) => ['inline', 'forward'].includes(structure.edge(index, to)));
    longest[index] = block.records.length + Math.max(0, ...on.map((to) => longest[to]));
  }
  return longest;
}
