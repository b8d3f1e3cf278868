/**
 * The processor: runs blocks of records, takes interrupts and exceptions between them, and stops at exact instruction
 * counts. Handlers run while the fuel covers whole blocks; the last few instructions of a slice run from truncated copies.
 */
import { ANY_NUMBER } from '../any-number.ts';
import * as R from '../interp/record.ts';
import { INDIRECT_JUMPS, REPEATED } from '../interp/handlers.ts';
import { HANDLER_STOP, isCrossing } from '../interp/variant.ts';
import type { CompilerCounters } from '../jit/compiler.ts';
import { seldom } from '../jit/finder.ts';
import type { RegionListing } from '../jit/listing.ts';
import type { ArenaAddr } from '../memory/address.ts';
import type { Arena } from '../memory/arena.ts';
import { BlockFinder } from './block-finder.ts';
import { CodeSource, FETCH_FAULT, PAST_LIMIT } from './code-source.ts';
import { type CodeCounters, EXITS, exitsByCause } from './code-counters.ts';
import type { CpuContext, CpuHost, TimeLine } from './context.ts';
import { type CpuOptions, type CpuSnapshot, DEFAULT_COMPILE_THRESHOLD } from './cpu-options.ts';
import { DR6_BS, applyDebugRegisters, hasInstructionBreakpoints, instructionBreakpoint } from './debug-registers.ts';
import { type CpuModules, Engine, type Import } from './engine.ts';
import { handlerImports } from './handler-imports.ts';
import { HandlerStop } from './handler-stop.ts';
import { type CpuEvent, deliver, savedFlags } from './interrupts.ts';
import * as L from './layout.ts';
import { isCanonical, linear32 } from './linear.ts';
import { Mmu } from './mmu.ts';
import { supervisorReachesUserPages } from './paging.ts';
import { modeKey, stackMask } from './mode.ts';
import { MsrFile } from './msr.ts';
import { PendingEvents } from './pending-events.ts';
import { powerOnState } from './power-on.ts';
import { type CpuProfile, DEFAULT_PROFILE } from './profiles.ts';
import {
  CS, EFLAGS_IF, EFLAGS_RF, EFLAGS_TF, VECTOR_DB, VECTOR_GP, VECTOR_NMI,
} from './registers.ts';
import { alignmentChecked, SlowAccess } from './slow-access.ts';
import { CpuState } from './state.ts';
import { TierTimes } from './tier-times.ts';
import type { Tracer } from './trace.ts';
import { ErrorPin } from './x87/error-pin.ts';

export { type CpuOptions, type CpuSnapshot, DEFAULT_COMPILE_THRESHOLD, type Tier } from './cpu-options.ts';
export type { CpuModules } from './engine.ts';
export type RunResult = 'budget' | 'halted' | 'attention' | 'shutdown';

const NO_TIME_LINE: TimeLine = { start: 0, from: 0, rate: 0 };


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
  private readonly blocks: BlockFinder;
  /** Number of the profile's decoder. */
  private readonly decoder: number;
  private readonly imports: readonly Import[];
  /** A TLB set that never hits: active while alignment is checked. Made when it first is. */
  private emptySet: ArenaAddr | undefined;

  private retired = ANY_NUMBER;
  /** While handlers run: the fuel they were given. */
  private running = false;
  private fuelGiven = 0;
  private halted = false;
  private stopped = false;
  private readonly pending: PendingEvents;
  private readonly ferr: ErrorPin;
  /** The instruction count that the host's time line counts from. */
  private timeFrom = 0;
  private readonly stop: HandlerStop;
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
    this.stop = new HandlerStop(arena);
    this.pending = new PendingEvents(this.state);
    this.mmu = new Mmu(this.state, host.memory, this.profile);
    this.msrs = new MsrFile(this.profile, this.mmu, this.state);
    this.ferr = new ErrorPin(this);
    host.memory.observer = {
      frameReplaced: (page, hadCode) => {
        this.mmu.dropFrame(page);
        if (hadCode && this.running) this.stopAfterCurrent();
      },
      frameWritten: (frame, offset, length) => {
        const executing = this.running ? this.state.getU32(L.IP) : 0;
        // Records of dropped code stop by themselves; copies do not.
        if (this.engine.code.written(frame, offset, length, executing) && executing !== 0 && this.source.inScratch(executing)) this.stopAfterCurrent();
      },
    };
    this.nowMs = options.nowMs ?? (() => 0);
    const imports = this.namedImports();
    this.imports = [...imports.values()];
    this.engine = Engine.of(host.memory.pool, modules, imports, {
      nowMs: this.nowMs, thread: options.compilerThread, keptBytes: options.keptCodeBytes, mostBytes: options.mostCodeBytes,
    });
    this.decoder = this.engine.decoders.number(this.profile.features);
    this.source = new CodeSource(this.state, this.mmu, host.memory, this.engine);
    const tier = options.tier ?? 'auto';
    this.compilesAll = tier === 'compiled';
    this.hotAfter = { interp: 0, compiled: 1, auto: options.compileThreshold ?? DEFAULT_COMPILE_THRESHOLD }[tier];
    this.engine.code.hotAfter = this.hotAfter;
    this.tierTimes = options.countTiers ? new TierTimes() : undefined;
    this.tracer = options.tracer;
    this.blocks = new BlockFinder(this.state, this.source, this.engine, {
      compilesAll: this.compilesAll, hotAfter: this.hotAfter, counted: this.tierTimes !== undefined, tracer: this.tracer,
    });
    if (this.tracer) this.tracer.count = () => this.instructions;
    this.retired = 0;
    this.powerOn(0n);
  }

  /** Instructions retired since power-on, and exceptions delivered; exact inside device callbacks too. */
  get instructions(): number {
    if (!this.running) return this.retired;
    const ip = this.state.getU32(L.IP);
    const used = this.fuelGiven - (this.state.getU32(L.FUEL) | 0);
    return this.retired + used + this.arena.u8[ip + R.REC_COUNT] - 1;
  }

  get awaitsMessage(): boolean {
    return this.engine.compiler.awaitsThread;
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
    return this.blocks.listRegion(linear);
  }

  /** To the power-on state. */
  reset(): void {
    this.powerOn(this.host.tsc());
  }

  private powerOn(tsc: bigint): void {
    const { state } = this;
    powerOnState(state, this.profile);
    this.tellTables();
    this.ferr.active = this.repeated = this.halted = this.stopped = false;
    this.pending.reset();
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
   * Runs at most `fuel` instructions, and at least so many where nothing comes between: the last ones may cost more than they are.
   * `attention`: a device asked for the board. `halted`: nothing to do until an interrupt. `shutdown`: a triple fault; only `reset` goes on.
   */
  run(fuel: number, least = fuel): RunResult {
    this.engine.work(this.state.base);
    this.drawTimeLine();
    const { retired } = this;
    const result = this.tierTimes ? this.timedSlice(fuel, least, this.tierTimes) : this.runSlice(fuel, least);
    this.engine.compiler.executed(this.retired - retired);
    return result;
  }
  private timedSlice(fuel: number, least: number, times: TierTimes): RunResult {
    const { retired, compiledCount } = this;
    const start = this.nowMs();
    const result = this.runSlice(fuel, least);
    const compiled = this.compiledCount - compiledCount;
    times.add(this.nowMs() - start, Math.max(0, this.retired - retired - compiled), compiled);
    return result;
  }
  private runSlice(fuel: number, least: number): RunResult {
    const [enough, end] = [this.retired + least, this.retired + fuel];
    const { state } = this;
    while (this.retired < enough) {
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
      const inShadow = this.retired < this.pending.shadowUntil;
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
    this.pending.nmi = true;
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
    this.pending.shadowUntil = this.instructions + 2;
  }
  inhibitDebug(): void {
    this.pending.debugShadowUntil = this.instructions + 2;
  }
  debugTrap(dr6: number): void {
    this.pending.addDebugTrap(dr6);
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
    if (this.retired < this.pending.shadowUntil) return true;
    if (this.pending.nmi && state.getU32(L.NMI_BLOCKED) === 0) {
      this.pending.nmi = false;
      state.setU32(L.NMI_BLOCKED, 1);
      this.deliverEvent(VECTOR_NMI, 'nmi', undefined);
    } else if (this.host.interrupts.pending && state.getU32(L.EFLAGS) & EFLAGS_IF) {
      this.deliverEvent(this.host.interrupts.acknowledge(), 'external', undefined);
    }
    return !this.pending.isDebugTrapDue(this.retired);
  }

  /** True when the trap's handler is a task whose T bit asks for one more. */
  private takeDebugTrap(): boolean {
    if (!this.pending.isDebugTrapDue(this.retired)) return false;
    this.pending.takeDebugTrap();
    this.deliverEvent(VECTOR_DB, 'exception', undefined);
    return this.pending.isDebugTrapDue(this.retired);
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
    if (this.tracer?.entries) this.tracer.entry(this.linearIp, this.state.getU32(L.MODE), this.engine.code.regions.isCompiled(record));
    if (budget > R.BLOCK_LIMIT) this.execute(record, this.tracer?.chained === false ? 0 : budget - R.BLOCK_LIMIT);
    else this.runLast(record, budget);
  }
  /** The end of a slice: a block as far as the budget goes, or as many iterations of the repeated instruction that it begins with. */
  private runLast(record: number, budget: number): void {
    if (budget > 1 && REPEATED.has(this.engine.code.regions.handlerOf(record))) this.execute(this.source.truncated(record, 1), budget - 1);
    else this.execute(this.source.endsWithin(record, budget) ? record : this.source.truncated(record, budget), 0);
  }

  /** One instruction, with what debugging asks for around it. */
  private step(): void {
    const { state } = this;
    const before = state.getU32(L.EFLAGS);
    const linear = this.linearIp;
    if (!(before & EFLAGS_RF) && this.retired >= this.pending.debugShadowUntil) {
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
    const trapped = (this.retired > retired || this.repeated) && this.retired >= this.pending.debugShadowUntil;
    if (this.ferr.active) this.ferr.watch();
    // An instruction that entered a handler cleared TF, and its trap with it.
    if (before & EFLAGS_TF && trapped && !this.entered && (this.branched || !branchesOnly)) this.pending.addDebugTrap(DR6_BS);
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
    const entry = this.source.entryOf(linear, user);
    if (!this.source.isTagged(entry, linear) && !mmu.fill(linear, 'execute', user)) {
      this.deliverFault();
      return 0;
    }
    if (!this.source.isTagged(entry, linear)) {
      this.executeUncached(linear, user, 0);
      return 0;
    }
    const [record, hot] = [this.blocks.enter(entry, linear, this.jumped), this.hot];
    this.hot = this.jumped = false;
    const handler = this.arena.u32[record >>> 2];
    if (handler === HANDLER_STOP) this.engine.code.regions.wake(record);
    if (isCrossing(handler)) {
      const kept = this.source.kept(record, linear, user);
      if (kept !== 0) return this.whole(kept);
      this.executeUncached(linear, user, record);
      return 0;
    }
    if (hot || this.compilesAll) this.blocks.compile(linear, record);
    return this.whole(record);
  }
  /** The record of a block at RIP, or of as much of it as CS holds; 0 after the exception where that is nothing. */
  private whole(record: number): number {
    const within = this.source.withinLimit(record);
    if (within !== PAST_LIMIT) return within;
    this.pastLimit();
    return 0;
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
    this.pending.begin();
    state.setU32(L.IP, record);
    state.setU32(L.FUEL, fuel);
    this.arena.f64[(state.base + L.TSC_COUNT) >>> 3] = this.retired + fuel - 1 - this.timeFrom;
    state.setU32(L.SHADOW_FUEL, fuel + 1);
    state.setU32(L.INTERRUPT_WAITS, this.host.interrupts.pending ? 1 : 0);
    this.running = true;
    const reason = this.engine.enter(this.imports, record, state.base, fuel);
    this.running = false;
    this.stop.undo();
    this.pending.shadowUntil = Math.max(this.pending.shadowUntil, this.retired + fuel + 1 - (state.getU32(L.SHADOW_FUEL) | 0));
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
        this.jumped = INDIRECT_JUMPS.has(this.engine.code.regions.handlerOf(ip));
        return;
      case R.EXIT_RESOLVE:
        this.branched = true;
        this.blocks.link(ip, this.linearIp);
        return;
      case R.EXIT_HOT:
        this.branched = this.hot = true;
        // It stays one that is not seldom taken.
        this.arena.i32[(ip + R.REC_EDGES) >>> 2] = this.hotAfter - Math.max(1, seldom(this.hotAfter));
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

  private faulted(): void {
    this.pending.faulted();
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

  /** Makes the handlers return before the record after the one that executes. */
  private stopAfterCurrent(): void {
    this.stop.after(this.state.getU32(L.IP));
  }

  // What the handlers import

  private namedImports(): ReadonlyMap<string, Import> {
    const slow = new SlowAccess(this, (host, bytes) => this.engine.code.isBeside(host, bytes));
    return handlerImports(this, {
      slow, stop: this.stop, pending: this.pending, ferr: this.ferr, kernel: () => this.engine.kernel, code: () => this.engine.code,
      follow: (_base, ip, direct) => this.follow(ip, direct !== 0),
      afterTransfer: () => this.afterTransfer(),
      noteEntry: (entered) => {
        this.entered = entered;
      },
    });
  }

  private follow(ip: number, direct: boolean): number {
    // Whoever counts single instructions wants to see each.
    if (this.fuelGiven === 0 || this.stop.isDue) return 0;
    this.lookups++;
    const record = this.blocks.follow(ip >>> 0, direct);
    return this.stop.isDue ? 0 : record;
  }

  /**
   * After a helper that has set RIP: the handlers go on there by themselves unless something is due before the next instruction,
   * or they were made to stop.
   */
  private afterTransfer(): number {
    // Whoever counts single instructions wants to see each.
    if (this.fuelGiven === 0 || this.stop.isDue) return R.EXIT_RESYNC;
    const { state } = this;
    const flags = state.getU32(L.EFLAGS);
    const interrupt = this.pending.nmi || ((flags & EFLAGS_IF) !== 0 && this.host.interrupts.pending);
    const stops = this.halted || this.stopped || this.ferr.active || state.getU32(L.ATTENTION) !== 0;
    const traps = (flags & EFLAGS_TF) !== 0 || this.pending.hasDebugTrap || hasInstructionBreakpoints(state);
    if (interrupt || stops || traps || this.instructions + 1 < this.pending.shadowUntil) return R.EXIT_RESYNC;
    if (flags & EFLAGS_RF) this.dropResumeFlag(flags);
    return state.code64 ? R.EXIT_GO_LONG : R.EXIT_GO;
  }
}
