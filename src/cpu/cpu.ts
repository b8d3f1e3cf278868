/**
 * The processor: runs blocks of records, takes interrupts and exceptions between them, and stops at exact instruction
 * counts. Handlers run while the fuel covers whole blocks; the last few instructions of a slice run from truncated copies.
 */
import * as R from '../interp/record.ts';
import { INDIRECT_JUMPS, REPEATED } from '../interp/handlers.ts';
import { HANDLER_CROSSING, HANDLER_CROSSING_LONG, HANDLER_STOP } from '../interp/variant.ts';
import type { CompilerCounters } from '../jit/compiler.ts';
import { type Origin, seldom } from '../jit/finder.ts';
import { listRegion, type RegionListing } from '../jit/listing.ts';
import type { CompilerThread } from '../jit/thread-protocol.ts';
import { FILL_SIZE, FILL_WRITE } from '../interp/translate.ts';
import type { ArenaAddr } from '../memory/address.ts';
import type { Arena } from '../memory/arena.ts';
import { CodeSource, FETCH_FAULT, PAST_LIMIT } from './code-source.ts';
import { type CodeCounters, EXITS, exitsByCause } from './code-counters.ts';
import { type CpuContext, type CpuHost, type Helper, HELPER_RESYNC, type TimeLine } from './context.ts';
import { DR6_BS, DR6_RESET, DR7_RESET, applyDebugRegisters, hasInstructionBreakpoints, instructionBreakpoint } from './debug-registers.ts';
import { type CpuModules, Engine, type Import } from './engine.ts';
import { helperImports } from './imports.ts';
import { type CpuEvent, deliver, savedFlags } from './interrupts.ts';
import * as L from './layout.ts';
import { isCanonical, linear32 } from './linear.ts';
import { Mmu } from './mmu.ts';
import { supervisorReachesUserPages } from './paging.ts';
import { modeKey, stackMask } from './mode.ts';
import { MsrFile, type MsrSnapshot } from './msr.ts';
import { type CpuProfile, DEFAULT_PROFILE } from './profiles.ts';
import {
  CR0_CD, CR0_ET, CR0_NW, CS, EFLAGS_FIXED, EFLAGS_IF, EFLAGS_RF, EFLAGS_TF, RDX, VECTOR_DB, VECTOR_GP, VECTOR_NMI,
} from './registers.ts';
import { segmentHelpers } from './segment-helpers.ts';
import { resetSegments } from './segments.ts';
import { alignmentChecked, SlowAccess } from './slow-access.ts';
import { CpuState } from './state.ts';
import { STATE_X87 } from './system/area-forms.ts';
import { systemHelpers } from './system-helpers.ts';
import { TierTimes } from './tier-times.ts';
import type { Tracer } from './trace.ts';
import { ErrorPin } from './x87/error-pin.ts';
import { fldenv, fnsave, fnstenv, frstor } from './x87/environment-helpers.ts';
import { moveState } from './x87/state-area.ts';

export type { CpuModules } from './engine.ts';
export type RunResult = 'budget' | 'halted' | 'attention' | 'shutdown';

/** `interp`: the interpreter alone; `auto`: hot code is compiled; `compiled`: all code is, before it runs as far as possible. */
export type Tier = 'interp' | 'compiled' | 'auto';
/**
 * How often a branch is taken until what it leads to is compiled: until interpreting has cost about what compiling does, some
 * milliseconds a region on all threads together.
 */
export const DEFAULT_COMPILE_THRESHOLD = 20_000;

export interface CpuOptions {
  readonly profile?: CpuProfile;
  readonly tier?: Tier;
  readonly compileThreshold?: number;
  /** The host's clock in milliseconds, to tell what compilation takes. */
  readonly nowMs?: () => number;
  /** Compiles beside the machine; without it, the machine compiles between its slices. */
  readonly compilerThread?: CompilerThread | undefined;
  /** Compiled code stays up to so many bytes of WebAssembly, whether it runs or not. Default: 1 MiB. */
  readonly keptCodeBytes?: number;
  /** Looks on. */
  readonly tracer?: Tracer | undefined;
  /** Compiled code counts its instructions, which takes it a little time whenever it is left. Default: false. */
  readonly countTiers?: boolean;
}

/** Everything of a vCPU that a snapshot keeps; decoded code and TLBs are made anew. */
export interface CpuSnapshot {
  readonly version: 1;
  readonly state: Uint8Array;
  readonly msrs: MsrSnapshot;
  readonly halted: boolean;
  readonly instructions: number;
}

const NO_TIME_LINE: TimeLine = { start: 0, from: 0, rate: 0 };

const isCrossing = (handler: number): boolean => handler === HANDLER_CROSSING || handler === HANDLER_CROSSING_LONG;

export class Cpu implements CpuContext {
  readonly state: CpuState;
  readonly mmu: Mmu;
  readonly host: CpuHost;
  readonly profile: CpuProfile;
  readonly msrs: MsrFile;
  nextEip = 0;
  private readonly arena: Arena;
  private readonly engine: Engine;
  private readonly source: CodeSource;
  /** Number of the profile's decoder. */
  private readonly decoder: number;
  private readonly imports: readonly Import[];
  /** A TLB set that never hits: active while alignment is checked. Made when it first is. */
  private emptySet: ArenaAddr | undefined;

  private retired = 0;
  /** While handlers run: the fuel they were given. */
  private running = false;
  private fuelGiven = 0;
  private halted = false;
  private stopped = false;
  private nmiPending = false;
  /** Interrupts are inhibited while fewer instructions than this have retired. */
  private shadowUntil = 0;
  /** Likewise for debug exceptions. */
  private debugShadowUntil = 0;
  /** DR6 bits of a trap that follows the instruction, and those that waited before it. */
  private pendingDebug = 0;
  private debugBefore = 0;
  private readonly ferr: ErrorPin;
  /** The instruction count that the host's time line counts from. */
  private timeFrom = 0;
  /** How often handlers were made to stop. */
  private stops = 0;
  /** Records that were changed to stop the handlers, with their handlers. */
  private readonly patched: number[] = [];
  readonly tracer: Tracer | undefined;
  private readonly tierTimes: TierTimes | undefined;
  private readonly nowMs: () => number;
  private readonly exits = new Float64Array(EXITS);
  private lookups = 0;

  constructor(arena: Arena, host: CpuHost, modules: CpuModules, options: CpuOptions = {}) {
    this.arena = arena;
    this.host = host;
    this.profile = options.profile ?? DEFAULT_PROFILE;
    this.state = new CpuState(arena, arena.reserve(L.VCPU_SIZE));
    this.mmu = new Mmu(this.state, host.memory, this.profile);
    this.msrs = new MsrFile(this.profile, this.mmu, this.state);
    this.ferr = new ErrorPin(this);
    host.memory.observer = {
      frameReplaced: (page, hadCode) => {
        this.mmu.dropFrame(page);
        if (hadCode && this.running) this.stopAfterCurrent();
      },
      frameWritten: (frame, offset, length) => {
        // Records of dropped code stop by themselves; copies do not.
        if (this.engine.code.written(frame, offset, length) && this.running && this.source.inScratch(this.state.getU32(L.IP))) this.stopAfterCurrent();
      },
    };
    this.nowMs = options.nowMs ?? (() => 0);
    const imports = this.namedImports();
    this.imports = [...imports.values()];
    this.engine = Engine.of(host.memory.pool, modules, imports, {
      nowMs: this.nowMs, thread: options.compilerThread, keptBytes: options.keptCodeBytes,
    });
    this.decoder = this.engine.decoders.number(this.profile.features);
    this.source = new CodeSource(this.state, this.mmu, host.memory, this.engine);
    const tier = options.tier ?? 'auto';
    this.compilesAll = tier === 'compiled';
    this.hotAfter = { interp: 0, compiled: 1, auto: options.compileThreshold ?? DEFAULT_COMPILE_THRESHOLD }[tier];
    this.engine.code.hotAfter = this.hotAfter;
    this.tierTimes = options.countTiers ? new TierTimes() : undefined;
    this.tracer = options.tracer;
    this.connectTracer();
    this.powerOn(0n);
  }

  /** Instructions retired since power-on, and exceptions delivered; exact inside device callbacks too. */
  get instructions(): number {
    if (!this.running) return this.retired;
    const ip = this.state.getU32(L.IP);
    const used = this.fuelGiven - (this.state.getU32(L.FUEL) | 0);
    return this.retired + used + this.arena.u8[ip + R.REC_COUNT] - 1;
  }

  get compilerCounters(): CompilerCounters {
    return this.engine.compiler.counters;
  }

  get codeCounters(): CodeCounters {
    const { blocksMade: blocks, invalidations } = this.engine.code;
    const tiers = this.tierTimes && { compiledInstructions: this.compiledCount, estimatedMs: this.tierTimes.estimate };
    return { blocks, lookups: this.lookups, invalidations, exits: exitsByCause(this.exits), tiers };
  }
  private get compiledCount(): number {
    return Number(this.arena.i64[(this.state.base + L.COMPILED_COUNT) >>> 3]);
  }

  /**
   * The region that the block at a linear address is compiled with, or would be now: in the mode that the processor is in, of
   * blocks that have run. undefined where the TLB knows of no code, or it cannot be compiled.
   */
  listRegion(linear: number): RegionListing | undefined {
    const page = linear - (linear & 0xfff);
    const frame = this.source.frameAt(page, this.state.cpl === 3);
    if (frame === 0) return undefined;
    const host = (frame + (linear & 0xfff)) >>> 0;
    const mode = this.state.getU32(L.MODE);
    const region = this.engine.compiler.regionOf(this.origin(host, linear, this.engine.code.find(host, mode)));
    return region && listRegion(region, page, this.arena.u8);
  }

  private connectTracer(): void {
    const { tracer } = this;
    if (!tracer) return;
    tracer.count = () => this.instructions;
    if (tracer.regions) this.engine.compiler.onRegion = (region, linearPage) => tracer.region(listRegion(region, linearPage, this.arena.u8));
  }

  /** Power-on state [SDM3 9.1.1, table 9-1]. */
  reset(): void {
    this.powerOn(this.host.tsc());
  }

  private powerOn(tsc: bigint): void {
    const { state } = this;
    this.arena.u8.fill(0, state.base, state.base + L.STATE_SIZE);
    resetSegments(state);
    state.eip = 0xfff0;
    state.eflags = EFLAGS_FIXED;
    state.setCr(0, CR0_CD | CR0_NW | CR0_ET);
    state.setReg(RDX, this.profile.signature);
    state.setU32(L.IDTR_LIMIT, 0xffff);
    state.setU32(L.GDTR_LIMIT, 0xffff);
    state.setDr(6, DR6_RESET);
    state.setDr(7, DR7_RESET);
    state.setU16(L.FCW, 0x0040);
    this.arena.u8[state.base + L.FTW] = 0xff;
    state.setU32(L.MXCSR, 0x1f80);
    state.setU32(L.XCR0, STATE_X87);
    this.tellTables();
    state.setU32(L.TWO_PAGES, 2 * 4096);
    this.ferr.active = this.repeated = this.halted = this.stopped = this.nmiPending = false;
    this.shadowUntil = this.debugShadowUntil = this.pendingDebug = this.debugBefore = 0;
    this.msrs.reset(tsc);
    applyDebugRegisters(this);
    this.updateMode();
  }

  private tellTables(): void {
    this.state.setU32(L.BLOCK_TABLE, this.engine.code.table);
    this.state.setU32(L.CODE_LINES, this.engine.code.lines);
    this.state.setU32(L.EVENTS_WATCHED, this.tracer?.events ? 1 : 0);
  }

  /**
   * Runs at most `fuel` instructions. `attention`: a device asked for the board. `halted`: nothing to do until an
   * interrupt. `shutdown`: a triple fault; only `reset` goes on.
   */
  run(fuel: number): RunResult {
    this.engine.compiler.work();
    this.drawTimeLine();
    if (!this.tierTimes) return this.runSlice(fuel);
    const { retired, compiledCount } = this;
    const start = this.nowMs();
    const result = this.runSlice(fuel);
    const compiled = this.compiledCount - compiledCount;
    this.tierTimes.add(this.nowMs() - start, Math.max(0, this.retired - retired - compiled), compiled);
    return result;
  }
  private runSlice(fuel: number): RunResult {
    const end = this.retired + fuel;
    const { state } = this;
    while (this.retired < end) {
      if (this.stopped) return 'shutdown';
      if (state.getU32(L.ATTENTION) !== 0) {
        state.setU32(L.ATTENTION, 0);
        return 'attention';
      }
      if (!this.takeEvents()) continue;
      if (this.stopped) return 'shutdown';
      if (this.retired >= end) break;
      if (this.halted) return 'halted';
      const flags = state.getU32(L.EFLAGS);
      const inShadow = this.retired < this.shadowUntil;
      if ((flags & EFLAGS_TF) !== 0 || inShadow || this.ferr.active || hasInstructionBreakpoints(state)) {
        this.step();
      } else {
        if (flags & EFLAGS_RF) this.dropResumeFlag(flags);
        this.runBlocks(end - this.retired);
      }
    }
    return 'budget';
  }

  private drawTimeLine(): void {
    const { f64 } = this.arena;
    const { base } = this.state;
    const { start, from, rate } = this.host.timeLine?.() ?? NO_TIME_LINE;
    f64[(base + L.TSC_START) >>> 3] = start;
    f64[(base + L.TSC_RATE) >>> 3] = rate;
    this.timeFrom = from;
  }

  /** Without breakpoints nothing asks for RF before the instruction is done; a fault saves it set anyway. */
  private dropResumeFlag(flags: number): void {
    this.state.setU32(L.EFLAGS, flags & ~EFLAGS_RF);
  }

  requestAttention(): void {
    this.state.setU32(L.ATTENTION, 1);
    if (this.running) this.stopAfterCurrent();
  }

  get interruptible(): boolean {
    return (this.state.getU32(L.EFLAGS) & EFLAGS_IF) !== 0;
  }

  nmi(): void {
    this.nmiPending = true;
    this.requestAttention();
  }

  save(): CpuSnapshot {
    const { base } = this.state;
    return {
      version: 1, state: this.arena.u8.slice(base, base + L.STATE_SIZE), msrs: this.msrs.save(), halted: this.halted, instructions: this.retired,
    };
  }

  restore(snapshot: CpuSnapshot): void {
    this.arena.u8.set(snapshot.state, this.state.base);
    this.tellTables();
    this.msrs.restore(snapshot.msrs);
    this.halted = snapshot.halted;
    this.retired = snapshot.instructions;
    this.ferr.restore();
    this.mmu.clear();
    applyDebugRegisters(this);
  }

  // CpuContext: for helpers

  updateMode(): void {
    const { state } = this;
    state.setU32(L.MODE, modeKey(state, this.decoder));
    state.setU32(L.STACK_MASK, stackMask(state));
    if (state.longMode && !state.code64) this.mmu.restrictTo32(state.cpl === 3);
    if (!supervisorReachesUserPages(state)) this.mmu.restrictUserPages();
    const set = state.cpl === 3 ? L.TLB_USER : L.TLB_SUPERVISOR;
    state.setU32(L.TLB_ACTIVE, alignmentChecked(this) ? this.emptyTlb : state.base + set);
  }
  private get emptyTlb(): ArenaAddr {
    const { arena } = this;
    if (this.emptySet === undefined) {
      this.emptySet = arena.reserve(L.TLB_SET_SIZE);
      arena.u64.fill(L.TLB_INVALID, this.emptySet / 8, (this.emptySet + L.TLB_SET_SIZE) / 8);
    }
    return this.emptySet;
  }
  inhibitInterrupts(): void {
    this.shadowUntil = this.instructions + 2;
  }
  inhibitDebug(): void {
    this.debugShadowUntil = this.instructions + 2;
  }
  debugTrap(dr6: number): void {
    this.pendingDebug |= dr6;
    this.state.setU32(L.TRAP_PENDING, 1);
    if (this.running) this.stopAfterCurrent();
  }
  halt(): void {
    this.halted = true;
  }
  shutdown(): void {
    this.stopped = true;
  }

  // Events between instructions

  /** Traps first, then NMI, then interrupts [SDM3 6.9]. False: there is one more trap. */
  private takeEvents(): boolean {
    const { state } = this;
    if (this.takeDebugTrap()) return false;
    if (this.retired < this.shadowUntil) return true;
    if (this.nmiPending && state.getU32(L.NMI_BLOCKED) === 0) {
      this.nmiPending = false;
      state.setU32(L.NMI_BLOCKED, 1);
      this.deliverEvent(VECTOR_NMI, 'nmi', undefined);
    } else if (this.host.interrupts.pending && state.getU32(L.EFLAGS) & EFLAGS_IF) {
      this.deliverEvent(this.host.interrupts.acknowledge(), 'external', undefined);
    }
    return !this.debugTrapDue;
  }

  private get debugTrapDue(): boolean {
    return this.pendingDebug !== 0 && this.retired >= this.debugShadowUntil;
  }

  /** True when the trap's handler is a task whose T bit asks for one more. */
  private takeDebugTrap(): boolean {
    const { state } = this;
    if (!this.debugTrapDue) return false;
    state.setDr(6, state.dr(6) | this.pendingDebug);
    this.pendingDebug = 0;
    state.setU32(L.TRAP_PENDING, 0);
    this.deliverEvent(VECTOR_DB, 'exception', undefined);
    return this.debugTrapDue;
  }

  private deliverEvent(vector: number, kind: 'exception' | 'external' | 'nmi', errorCode: number | undefined): void {
    this.halted = false;
    this.source.forgetCrossing();
    // An exception counts as an instruction: a handler that faults at once, for ever, uses up its fuel.
    if (kind === 'exception') this.retired++;
    this.nextEip = this.state.rip;
    if (this.repeated) this.state.settleFlags();
    const event: CpuEvent = { kind, errorCode, betweenIterations: this.repeated };
    const flags = savedFlags(this.state, vector, event);
    if (!this.engine.kernel.deliver_event(this.state.base, vector, errorCode ?? 0, errorCode === undefined ? 0 : 1, flags)) deliver(this, vector, event);
    this.repeated = false;
  }

  // Running

  /** Starts at RIP and runs until something returns here. */
  private runBlocks(budget: number): void {
    const record = this.blockAtRip();
    if (record === 0) return;
    if (this.tracer?.entries) this.tracer.entry(this.linearIp, this.state.getU32(L.MODE), this.engine.code.isCompiled(record));
    if (budget > R.BLOCK_LIMIT) this.execute(record, this.tracer?.chained === false ? 0 : budget - R.BLOCK_LIMIT);
    else this.runLast(record, budget);
  }
  /** The end of a slice: a block as far as the budget goes, or as many iterations of the repeated instruction that it begins with. */
  private runLast(record: number, budget: number): void {
    if (budget > 1 && REPEATED.has(this.engine.code.handlerOf(record))) this.execute(this.source.truncated(record, 1), budget - 1);
    else this.execute(this.source.endsWithin(record, budget) ? record : this.source.truncated(record, budget), 0);
  }

  /** One instruction, with what debugging asks for around it. */
  private step(): void {
    const { state } = this;
    const before = state.getU32(L.EFLAGS);
    const linear = this.linearIp;
    if (!(before & EFLAGS_RF) && this.retired >= this.debugShadowUntil) {
      const hits = instructionBreakpoint(state, linear);
      if (hits !== 0) {
        state.setDr(6, state.dr(6) | hits);
        this.deliverEvent(VECTOR_DB, 'exception', undefined);
        return;
      }
    }
    const retired = this.retired;
    const branchesOnly = this.msrs.stepsOnBranches;
    this.entered = this.repeated = this.branched = false;
    // A fault of the fetch saves it set.
    state.setU32(L.EFLAGS, before & ~EFLAGS_RF);
    const record = this.blockAtRip();
    if (record !== 0) this.execute(this.source.truncated(record, 1), 0);
    // RF holds until the instruction is done, which a repeated one may not be.
    if (this.repeated) state.setU32(L.EFLAGS, state.getU32(L.EFLAGS) | (before & EFLAGS_RF));
    const trapped = (this.retired > retired || this.repeated) && this.retired >= this.debugShadowUntil;
    if (this.ferr.active) this.ferr.watch();
    // An instruction that entered a handler cleared TF, and its trap with it.
    if (before & EFLAGS_TF && trapped && !this.entered && (this.branched || !branchesOnly)) this.pendingDebug |= DR6_BS;
  }
  /** What the last `execute` did: stopped between iterations; entered an exception or interrupt handler; took a branch. */
  private repeated = false;
  private entered = false;
  private branched = false;
  /** The block that is next has become hot. */
  private hot = false;
  /** An indirect jump leads to it. */
  private jumped = false;
  private readonly compilesAll: boolean;
  private readonly hotAfter: number;

  /** The record for RIP; 0 when it executed, or faulted, right away. */
  private blockAtRip(): number {
    const { state, mmu } = this;
    this.lookups++;
    this.engine.code.recycle();
    const long = state.code64;
    if (long ? !isCanonical(state.rip) : state.eip > state.segLimit(CS)) {
      this.pastLimit();
      return 0;
    }
    const linear = this.linearIp;
    const user = state.cpl === 3;
    const entry = (state.base + (user ? L.TLB_USER : L.TLB_SUPERVISOR) + ((linear >>> 7) & ((L.TLB_ENTRIES - 1) << 5))) >>> 2;
    if (!this.source.isTagged(entry, linear) && !mmu.fill(linear, 'execute', user)) {
      this.deliverFault();
      return 0;
    }
    if (!this.source.isTagged(entry, linear)) {
      this.executeUncached(linear, user, 0);
      return 0;
    }
    const host = (linear + this.arena.i32[entry + L.TLB_ADDEND / 4]) >>> 0;
    state.setLinear(L.IP_BASE, state.rip - (linear & 0xfff));
    const record = this.blockAt(host, linear, this.jumped);
    const { hot } = this;
    this.hot = this.jumped = false;
    if (this.engine.code.frameMarked) {
      this.engine.code.frameMarked = false;
      mmu.protectCode(this.arena.u32[entry + L.TLB_PHYSICAL / 4]);
    }
    const handler = this.arena.u32[record >>> 2];
    if (handler === HANDLER_STOP) this.engine.code.wake(record);
    if (isCrossing(handler)) {
      this.executeUncached(linear, user, record);
      return 0;
    }
    if (hot || this.compilesAll) {
      this.engine.compiler.request(this.origin(host, linear, record));
      if (this.compilesAll) this.engine.compiler.work(true);
    }
    if (long || state.segLimit(CS) - state.eip >= 4096) return record;
    const within = this.source.withinLimit(record);
    if (within !== PAST_LIMIT) return within;
    this.pastLimit();
    return 0;
  }

  /** The first record of a block, which is decoded if it is not yet. */
  private blockAt(host: number, linear: number, jumped = false): number {
    const { code } = this.engine;
    const { blocksMade } = code;
    const mode = this.state.getU32(L.MODE);
    const record = code.find(host, mode, jumped);
    if (this.tracer?.blocks && code.blocksMade !== blocksMade) this.tracer.block(linear, mode, this.arena.u8.slice(host, host + this.bytesOf(record)));
    return record;
  }
  /** Bytes of the instructions of a block. */
  private bytesOf(record: number): number {
    const { u8 } = this.arena;
    let bytes = 0;
    for (let at = record; u8[at + R.REC_LENGTH] !== 0; at += R.RECORD_SIZE) bytes += u8[at + R.REC_LENGTH];
    return bytes;
  }
  private origin(host: number, linear: number, record: number): Origin {
    const { state } = this;
    const user = state.cpl === 3;
    return {
      host, linear, mode: state.getU32(L.MODE), record, frameAt: (page) => this.source.frameAt(page, user), ahead: this.compilesAll, hotAfter: this.hotAfter,
      counted: this.tierTimes !== undefined,
    };
  }

  private executeUncached(linear: number, user: boolean, crossing: number): void {
    const record = this.source.uncached(linear, user, crossing);
    this.source.forgetCrossing();
    if (record === FETCH_FAULT) this.deliverFault();
    else if (record === PAST_LIMIT) this.pastLimit();
    else this.execute(record, 0);
  }

  /** An instruction that does not end within CS [SDM3 5.3], or is at no canonical address. */
  private pastLimit(): void {
    this.entered = true;
    this.deliverEvent(VECTOR_GP, 'exception', 0);
  }

  private execute(record: number, fuel: number): void {
    const { state } = this;
    this.fuelGiven = fuel;
    this.entered = this.repeated = this.branched = false;
    this.debugBefore = this.pendingDebug;
    state.setU32(L.IP, record);
    state.setU32(L.FUEL, fuel);
    this.arena.f64[(state.base + L.TSC_COUNT) >>> 3] = this.retired + fuel - 1 - this.timeFrom;
    state.setU32(L.SHADOW_FUEL, fuel + 1);
    state.setU32(L.INTERRUPT_WAITS, this.host.interrupts.pending ? 1 : 0);
    this.running = true;
    const reason = this.engine.enter(this.imports, record, state.base, fuel);
    this.running = false;
    this.unpatch();
    this.shadowUntil = Math.max(this.shadowUntil, this.retired + fuel + 1 - (state.getU32(L.SHADOW_FUEL) | 0));
    this.retired += fuel - (state.getU32(L.FUEL) | 0);
    this.leave(reason);
  }

  private leave(reason: number): void {
    const { state } = this;
    this.exits[reason]++;
    const ip = state.getU32(L.IP);
    const count = this.arena.u8[ip + R.REC_COUNT];
    switch (reason) {
      case R.EXIT_RESYNC:
        this.retired += count;
        this.branched = state.rip !== this.nextEip;
        return;
      case R.EXIT_CROSSING:
        this.source.noteCrossing(ip);
        return;
      case R.EXIT_BUDGET:
        this.branched = true;
        return;
      case R.EXIT_LOOKUP:
        this.branched = true;
        this.jumped = INDIRECT_JUMPS.has(this.engine.code.handlerOf(ip));
        return;
      case R.EXIT_RESOLVE:
        this.branched = true;
        this.link(ip);
        return;
      case R.EXIT_HOT:
        this.branched = this.hot = true;
        // It stays one that is not seldom taken.
        this.arena.i32[(ip + R.REC_EDGES) >>> 2] = this.hotAfter - seldom(this.hotAfter);
        return;
      case R.EXIT_HOT_ENTRY:
        this.branched = this.hot = true;
        return;
      case R.EXIT_RESTART:
        this.repeated = true;
        this.backTo(ip, count);
        return;
      case R.EXIT_STOP:
        this.backTo(ip, count);
        return;
      case R.EXIT_FAULT:
        this.backTo(ip, count);
        this.faulted();
        return;
      default:
        this.retired += count - 1;
        this.faulted();
    }
  }

  /** An instruction that faults has not been executed: breakpoints that its accesses met do not count. */
  private faulted(): void {
    this.pendingDebug = this.debugBefore;
    this.state.setU32(L.TRAP_PENDING, this.pendingDebug === 0 ? 0 : 1);
    this.deliverFault();
  }

  /** RIP to the instruction at `ip`, which has not retired. */
  private backTo(ip: number, count: number): void {
    this.retired += count - 1;
    this.state.rip = this.ipOf(ip);
  }

  /** RIP of the instruction at a record of the block that runs. */
  private ipOf(record: number): number {
    const { state } = this;
    const ip = state.getLinear(L.IP_BASE) + this.arena.u16[(record + R.REC_OFFSET) >>> 1];
    return state.code64 ? ip : linear32(ip);
  }
  /** Linear address of RIP. */
  private get linearIp(): number {
    const { state } = this;
    return state.code64 ? state.rip : linear32(state.segBase(CS) + state.eip);
  }

  private deliverFault(): void {
    const { state } = this;
    const errorCode = state.getU32(L.FAULT_HAS_ERROR) !== 0 ? state.getU32(L.FAULT_ERROR) : undefined;
    this.entered = true;
    this.deliverEvent(state.getU32(L.FAULT_VECTOR), 'exception', errorCode);
  }

  /** Gives the direct branch at `ip` the record of its target, when that lies in the same page. */
  private link(ip: number): void {
    const { state } = this;
    const offset = state.rip - (state.code64 ? state.getLinear(L.IP_BASE) : state.getU32(L.IP_BASE));
    const inPage = offset >= 0 && offset < 4096 && offset === this.arena.i32[(ip + R.REC_IMMEDIATE) >>> 2];
    if (!inPage || this.source.inScratch(ip)) return;
    const linear = this.linearIp;
    const host = this.executableAt(linear);
    if (host === 0) return;
    const { code } = this.engine;
    const { generation } = code;
    const record = this.blockAt(host, linear);
    // Making room may have given the branch's own place to another block.
    if (code.generation === generation) this.arena.u32[(ip + R.REC_LINK) >>> 2] = record;
  }
  /** Arena address of what is executed at a linear address; 0 where that is not known. */
  private executableAt(linear: number): number {
    const entry = this.source.executable(linear, this.state.cpl === 3);
    return entry === 0 ? 0 : (linear + this.arena.i32[entry + L.TLB_ADDEND / 4]) >>> 0;
  }

  /** Makes the handlers return before the record after the one that executes. */
  private stopAfterCurrent(): void {
    this.stops++;
    const next = this.state.getU32(L.IP) + R.RECORD_SIZE;
    const { u32 } = this.arena;
    if (u32[next >>> 2] === HANDLER_STOP) return;
    this.patched.push(next, u32[next >>> 2]);
    u32[next >>> 2] = HANDLER_STOP;
  }
  private unpatch(): void {
    while (this.patched.length > 0) {
      const handler = this.patched.pop() as number;
      this.arena.u32[(this.patched.pop() as number) >>> 2] = handler;
    }
  }

  // What the handlers import

  private namedImports(): Map<string, Import> {
    const slow = new SlowAccess(this, (host, bytes) => this.engine.code.isBeside(host, bytes));
    const imports = new Map<string, Import>([
      ['slow_read', slow.read], ['slow_write', slow.write], ['slow_modify', slow.modify], ['slow_probe', slow.probe],
      ['slow64_read', slow.read64], ['slow64_write', slow.write64], ['slow64_modify', slow.modify64], ['slow64_probe', slow.probe64],
      ['write_commit', slow.commit], ['fill', (_base, linear, what, record, fuel) => this.fill(slow, linear, what, record, fuel)],
    ]);
    const helpers: Record<string, Helper> = {
      ...segmentHelpers, ...systemHelpers, X87_ERROR: this.ferr.report,
      FLDENV: fldenv, FNSTENV: fnstenv, FRSTOR: frstor, FNSAVE: fnsave,
      MOVE_STATE: (cpu, linear, form) => moveState(cpu, this.engine.kernel, linear, form),
      IRET: (cpu, size) => this.interruptReturn(cpu, size),
      INT: this.entering(segmentHelpers.INT), INT3: this.entering(segmentHelpers.INT3),
      INTO: this.entering(segmentHelpers.INTO), ICEBP: this.entering((cpu) => this.interruptOne(cpu)),
      SYSCALL: this.entering(systemHelpers.SYSCALL), SYSRET: this.entering(systemHelpers.SYSRET),
    };
    for (const [name, call] of helperImports(this, helpers, () => this.afterTransfer())) imports.set(name, call);
    return imports;
  }

  /**
   * For compiled code: makes the TLB serve an access of `what & FILL_SIZE` bytes, a write with FILL_WRITE, by the instruction
   * at `record`. 0: it cannot, or code may have changed; then the interpreter executes the instruction.
   */
  private fill(slow: SlowAccess, linear: number, what: number, record: number, fuel: number): number {
    this.state.setU32(L.IP, record);
    this.state.setU32(L.FUEL, fuel);
    const { stops, engine: { code } } = this;
    const { invalidations } = code;
    const served = slow.fill(linear, what & FILL_SIZE, what & FILL_WRITE ? 'write' : 'read');
    return served && this.stops === stops && code.invalidations === invalidations ? 1 : 0;
  }

  /**
   * After a helper that has set RIP: the handlers go on there by themselves unless something is due before the next instruction,
   * or they were made to stop.
   */
  private afterTransfer(): number {
    // Whoever counts single instructions wants to see each.
    if (this.fuelGiven === 0 || this.patched.length !== 0) return R.EXIT_RESYNC;
    const { state } = this;
    const flags = state.getU32(L.EFLAGS);
    const interrupt = this.nmiPending || ((flags & EFLAGS_IF) !== 0 && this.host.interrupts.pending);
    const stops = this.halted || this.stopped || this.ferr.active || state.getU32(L.ATTENTION) !== 0;
    const traps = (flags & EFLAGS_TF) !== 0 || this.pendingDebug !== 0 || hasInstructionBreakpoints(state);
    if (interrupt || stops || traps || this.instructions + 1 < this.shadowUntil) return R.EXIT_RESYNC;
    if (flags & EFLAGS_RF) this.dropResumeFlag(flags);
    return state.code64 ? R.EXIT_GO_LONG : R.EXIT_GO;
  }

  /** NMIs are blocked until the next IRET [SDM3 6.7.1]. */
  private interruptReturn(cpu: CpuContext, size: number): number {
    this.state.setU32(L.NMI_BLOCKED, 0);
    return segmentHelpers.IRET(cpu, size);
  }

  /** INT1 is a debug exception: one that waits for the end of the shadow of MOV SS comes with it. */
  private interruptOne(cpu: CpuContext): number {
    const { state } = this;
    state.setDr(6, state.dr(6) | this.pendingDebug);
    this.pendingDebug = 0;
    state.setU32(L.TRAP_PENDING, 0);
    return segmentHelpers.ICEBP(cpu);
  }

  /** Software interrupts and system calls: what they enter runs without the trap that TF asked for. */
  private entering(helper: Helper): Helper {
    return (cpu, ...args) => {
      const status = helper(cpu, ...args);
      this.entered = status === HELPER_RESYNC;
      return status;
    };
  }
}
