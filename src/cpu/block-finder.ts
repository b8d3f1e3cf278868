/** From places in the guest's code to blocks of records, and to the regions that are compiled from them. */
import { INDIRECT_JUMPS } from '../interp/handlers.ts';
import * as R from '../interp/record.ts';
import { HANDLER_STOP, isCrossing } from '../interp/variant.ts';
import type { Origin } from '../jit/finder.ts';
import { listRegion, type RegionListing } from '../jit/listing.ts';
import type { CodeSource } from './code-source.ts';
import type { Engine } from './engine.ts';
import * as L from './layout.ts';
import { isCanonical, linear32 } from './linear.ts';
import { CS } from './registers.ts';
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
    if (!this.isWithinPage(ip)) return;
    const host = this.executableAt(linear);
    if (host === 0) return;
    const { generation } = this.engine.code;
    this.linkTo(ip, host, this.at(host, linear), true, generation);
  }
  /** RIP is in the page of the branch at `ip`, a direct one, which stays where it is. */
  private isWithinPage(ip: number): boolean {
    const { state } = this;
    const offset = state.rip - (state.code64 ? state.getLinear(L.IP_BASE) : state.getU32(L.IP_BASE));
    const isThere = offset >= 0 && offset < 4096 && offset === state.arena.i32[(ip + R.REC_IMMEDIATE) >>> 2];
    return isThere && !this.source.inScratch(ip) && this.engine.code.isDirect(ip);
  }
  /** Gives the branch at `ip` the record at the arena address that it has led to; `generation`: of the code when it had not been looked for yet. */
  private linkTo(ip: number, host: number, record: number, within: boolean, generation: number): void {
    const { code } = this.engine;
    // Making room may have given the branch's own place to another block.
    if (code.generation !== generation) return;
    if (within) this.state.arena.u32[(ip + R.REC_LINK) >>> 2] = record;
    else if (!this.source.inScratch(ip)) code.linkAcross(ip, host, record);
  }
  /** Arena address of what is executed at a linear address; 0 where that is not known. */
  private executableAt(linear: number): number {
    const entry = this.source.executable(linear, this.state.cpl === 3);
    return entry === 0 ? 0 : this.source.hostOf(entry, linear);
  }

  /**
   * The record at which handlers go on that found no block at RIP, where the branch at `ip` has led, a `direct` one or another;
   * 0: the dispatcher has to see to it, for there is a fault, or an instruction that is not executed from its page's frame.
   */
  follow(ip: number, direct: boolean): number {
    const { state, source } = this;
    const { code } = this.engine;
    const long = state.code64;
    if (this.options.compilesAll || this.options.tracer || (long ? !isCanonical(state.rip) : state.segLimit(CS) - state.eip < 4096)) return 0;
    const linear = long ? state.rip : linear32(state.segBase(CS) + state.eip);
    const entry = source.executable(linear, state.cpl === 3);
    if (entry === 0) return 0;
    const jumped = !direct && INDIRECT_JUMPS.has(code.regions.handlerOf(ip));
    const within = this.isWithinPage(ip);
    const { generation } = code;
    const record = this.enter(entry, linear, jumped);
    this.linkTo(ip, source.hostOf(entry, linear), record, within, generation);
    const handler = state.arena.u32[record >>> 2];
    return handler === HANDLER_STOP || isCrossing(handler) ? 0 : record;
  }
  /** The record of the block at RIP, at a linear address that a TLB entry lets be executed. `jumped`: as `at` has it. */
  enter(entry: number, linear: number, jumped: boolean): number {
    const { state } = this;
    state.setLinear(L.IP_BASE, state.rip - (linear & 0xfff));
    const record = this.at(this.source.hostOf(entry, linear), linear, jumped);
    this.source.protect(entry);
    return record;
  }

  /** Has the region of a block compiled, at once if everything is. */
  compile(linear: number, record: number): void {
    const { code, compiler } = this.engine;
    const host = this.executableAt(linear);
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
