/** From places in the guest's code to blocks of records, and to the regions that are compiled from them. */
import * as R from '../interp/record.ts';
import type { Origin } from '../jit/finder.ts';
import { listRegion, type RegionListing } from '../jit/listing.ts';
import type { CodeSource } from './code-source.ts';
import type { Engine } from './engine.ts';
import * as L from './layout.ts';
import type { CpuState } from './state.ts';
import type { Tracer } from './trace.ts';

export interface BlockFinderOptions {
  /** Everything is compiled before it runs. */
  readonly compilesAll: boolean;
  /** How often a branch is taken until what it leads to is compiled; 0: never. */
  readonly hotAfter: number;
  /** Regions count their instructions. */
  readonly counted: boolean;
  readonly tracer: Tracer | undefined;
}

export class BlockFinder {
  private readonly state: CpuState;
  private readonly source: CodeSource;
  private readonly engine: Engine;
  private readonly options: BlockFinderOptions;

  constructor(state: CpuState, source: CodeSource, engine: Engine, options: BlockFinderOptions) {
    this.state = state;
    this.source = source;
    this.engine = engine;
    this.options = options;
    const { tracer } = options;
    if (tracer?.regions) engine.compiler.onRegion = (region, linearPage) => tracer.region(listRegion(region, linearPage, state.arena.u8));
  }

  /** The first record of the block at an arena and a linear address, which is decoded if it is not yet. `jumped`: an indirect jump has led there. */
  at(host: number, linear: number, jumped = false): number {
    const { code } = this.engine;
    const { blocksMade } = code;
    const { tracer } = this.options;
    const mode = this.state.getU32(L.MODE);
    const record = code.find(host, mode, jumped);
    if (tracer?.blocks && code.blocksMade !== blocksMade) tracer.block(linear, mode, this.state.arena.u8.slice(host, host + this.bytesOf(record)));
    return record;
  }
  /** Bytes of the instructions of a block. */
  private bytesOf(record: number): number {
    const { u8 } = this.state.arena;
    let bytes = 0;
    for (let at = record; u8[at + R.REC_LENGTH] !== 0; at += R.RECORD_SIZE) bytes += u8[at + R.REC_LENGTH];
    return bytes;
  }

  /** Gives the direct branch at `ip`, which has led to RIP, the record of its target, when that lies in the same page. */
  link(ip: number, linear: number): void {
    const { state } = this;
    const offset = state.rip - (state.code64 ? state.getLinear(L.IP_BASE) : state.getU32(L.IP_BASE));
    const inPage = offset >= 0 && offset < 4096 && offset === state.arena.i32[(ip + R.REC_IMMEDIATE) >>> 2];
    if (!inPage || this.source.inScratch(ip)) return;
    const host = this.executableAt(linear);
    if (host === 0) return;
    const { code } = this.engine;
    const { generation } = code;
    const record = this.at(host, linear);
    // Making room may have given the branch's own place to another block.
    if (code.generation === generation) state.arena.u32[(ip + R.REC_LINK) >>> 2] = record;
  }
  /** Arena address of what is executed at a linear address; 0 where that is not known. */
  private executableAt(linear: number): number {
    const entry = this.source.executable(linear, this.state.cpl === 3);
    return entry === 0 ? 0 : (linear + this.state.arena.i32[entry + L.TLB_ADDEND / 4]) >>> 0;
  }

  /** Has the region of a block compiled, at once if everything is. */
  compile(host: number, linear: number, record: number): void {
    const { code, compiler } = this.engine;
    if (!compiler.request(this.origin(host, linear, record))) code.cool(host);
    if (this.options.compilesAll) compiler.work(true);
  }
  private origin(host: number, linear: number, record: number): Origin {
    const { state } = this;
    const { compilesAll: ahead, hotAfter, counted } = this.options;
    const user = state.cpl === 3;
    return { host, linear, mode: state.getU32(L.MODE), record, frameAt: (page) => this.source.frameAt(page, user), ahead, hotAfter, counted };
  }

  /** As Cpu.listRegion. */
  listRegion(linear: number): RegionListing | undefined {
    const { state, engine } = this;
    const page = linear - (linear & 0xfff);
    const frame = this.source.frameAt(page, state.cpl === 3);
    if (frame === 0) return undefined;
    const host = (frame + (linear & 0xfff)) >>> 0;
    const region = engine.compiler.regionOf(this.origin(host, linear, engine.code.find(host, state.getU32(L.MODE))));
    return region && listRegion(region, page, state.arena.u8);
  }
}
