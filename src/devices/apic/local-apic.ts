/**
 * The local APIC of one processor, as xAPIC (a page of memory) and x2APIC (MSRs, through the processor): it holds what
 * interrupts wait and are served, decides by priority what the processor gets, sends interrupts, and has the timer.
 *
 * The 8259 pair's output is wired to LINT0 and reaches the processor while that entry says ExtINT (virtual wire mode), or
 * directly while the APIC is disabled in IA32_APIC_BASE. References: [SDM3] chapter 10.
 * Deviations: INIT, SMI and start-up messages do nothing; messages arrive at once, so delivery status is always idle;
 * LINT0 and LINT1 take fixed interrupts by their edges only. After a reset LINT0 of the bootstrap processor says ExtINT, for
 * firmware that knows no APIC.
 */
import type { BusRegistrar, Clock, Device, IrqLine, Region, Width } from '../device.ts';
import { type ApicAgent, type ApicBus, type ApicMessage, deliveryOf, isLogical } from './apic-bus.ts';
import { ApicTimer, type ApicTimerState } from './apic-timer.ts';
import * as A from './registers.ts';
import { VectorSet } from './vector-set.ts';
import { readX2Apic, writeX2Apic } from './x2apic.ts';

/** The interrupt controller behind LINT0: gives the vector in the acknowledge cycle. */
export interface ExternalController {
  acknowledge(): number;
}

export interface LocalApicOptions {
  readonly apicId: number;
  /** The processor that starts the others. */
  readonly bootstrap: boolean;
  readonly clock: Clock;
  readonly bus: ApicBus;
  /** The processor's interrupt and NMI pins. */
  readonly intr: IrqLine;
  readonly nmi: () => void;
  readonly external: ExternalController;
}

export interface LocalApicState {
  readonly version: 1;
  readonly base: string;
  readonly apicId: number;
  readonly tpr: number;
  readonly ldr: number;
  readonly dfr: number;
  readonly svr: number;
  readonly esr: number;
  readonly errors: number;
  readonly icrLow: number;
  readonly icrHigh: number;
  readonly lvt: readonly number[];
  readonly isr: Uint32Array;
  readonly tmr: Uint32Array;
  readonly irr: Uint32Array;
  readonly timer: ApicTimerState;
  readonly lint0: boolean;
}

/** Entries of the local vector table, and the bits of each that can be written. */
const TIMER = 0, THERMAL = 1, PERFORMANCE = 2, LINT0 = 3, LINT1 = 4, ERROR = 5;
const LVT_WRITABLE = [0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff];
const BASE_ADDRESS = ~0xfffn;
const ICR_WRITABLE = 0xccfff;
const BROADCAST_8 = 0xff, BROADCAST_32 = 0xffffffff;

export class LocalApic implements Device<LocalApicState>, ApicAgent {
  readonly id = 'local-apic';
  /** Where the 8259 pair's output ends. */
  readonly lint0: IrqLine = { set: (level) => this.setLint0(level) };
  private readonly options: LocalApicOptions;
  private readonly timer: ApicTimer;
  private region: Region | undefined = undefined;
  private baseMsr = 0n;
  private apicId = 0;
  private tpr = 0;
  private ldr = 0;
  private dfr = 0;
  private svr = 0;
  /** What ESR shows, and what has happened since it was last written. */
  private esr = 0;
  private errors = 0;
  private icrLow = 0;
  private icrHigh = 0;
  private readonly lvt = new Uint32Array(LVT_WRITABLE.length);
  private readonly isr = new VectorSet();
  private readonly tmr = new VectorSet();
  private readonly irr = new VectorSet();
  private lint0High = false;
  private intrHigh = false;

  constructor(options: LocalApicOptions) {
    this.options = options;
    this.timer = new ApicTimer(options.clock, () => this.accept(this.lvt[TIMER] & 0xff, false));
    options.bus.add(this);
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number) => this.read(offset),
      write: (offset: number, _width: Width, value: number) => this.write(offset, value),
    };
    this.region = bus.memory('local-apic', A.LOCAL_APIC_SIZE, handler, { widths: [4] });
  }

  /** [SDM3 10.4.7.1] */
  reset(): void {
    this.baseMsr = BigInt(A.LOCAL_APIC_BASE) | A.APIC_BASE_ENABLE | (this.options.bootstrap ? A.APIC_BASE_BSP : 0n);
    this.lint0High = false;
    this.initialise();
    if (this.options.bootstrap) this.lvt[LINT0] = A.MODE_EXTINT << A.MODE_SHIFT;
    this.mapPage();
  }

  // The processor's side

  /** An interrupt waits that the processor should take. */
  get pending(): boolean {
    return this.intrHigh;
  }

  /** The vector of the interrupt that the processor takes. */
  acknowledge(): number {
    const vector = this.deliverable();
    if (vector >= 0) {
      this.irr.set(vector, false);
      this.isr.set(vector, true);
      this.update();
      return vector;
    }
    return this.externalPending ? this.options.external.acknowledge() : this.svr & 0xff;
  }

  get base(): bigint {
    return this.baseMsr;
  }

  /** IA32_APIC_BASE; the caller has checked reserved bits. False: a change of mode that there is not [SDM3 10.12.5]. */
  setBase(value: bigint): boolean {
    const modes = A.APIC_BASE_ENABLE | A.APIC_BASE_EXTD;
    const from = this.baseMsr & modes, to = value & modes;
    if (to === A.APIC_BASE_EXTD) return false;
    if (this.isX2 && to === A.APIC_BASE_ENABLE) return false;
    if (from === 0n && to === modes) return false;
    this.baseMsr = (value & ~A.APIC_BASE_BSP) | (this.baseMsr & A.APIC_BASE_BSP);
    if (from !== 0n && to === 0n) this.initialise();
    if (from !== modes && to === modes) this.enterX2();
    this.mapPage();
    this.update();
    return true;
  }

  /** CR8: bits 4 to 7 of the task priority [SDM3 10.8.6.1]. */
  get taskPriority(): number {
    return this.tpr >> 4;
  }

  set taskPriority(value: number) {
    this.tpr = (value & 15) << 4;
    this.update();
  }

  /** In counts of the time-stamp counter before the guest's own offset; 0: not armed. */
  get tscDeadline(): bigint {
    return this.timer.tscDeadline;
  }

  set tscDeadline(at: bigint) {
    this.timer.tscDeadline = at;
  }

  get isX2(): boolean {
    return (this.baseMsr & A.APIC_BASE_EXTD) !== 0n;
  }

  // The bus's side

  matches(destination: number, logical: boolean): boolean {
    if (!this.isEnabled) return false;
    if (destination === BROADCAST_8 || destination === BROADCAST_32) return true;
    if (!logical) return destination === this.apicId;
    if (this.isX2) return destination >>> 16 === this.ldr >>> 16 && (destination & this.ldr & 0xffff) !== 0;
    const identifier = this.ldr >>> 24;
    if (this.dfr >>> 28 === A.DFR_FLAT) return (destination & identifier) !== 0;
    return destination >> 4 === identifier >> 4 && (destination & identifier & 15) !== 0;
  }

  receive(message: ApicMessage): void {
    if (message.mode === A.MODE_NMI) this.options.nmi();
    else if (message.mode <= A.MODE_LOWEST_PRIORITY) this.accept(message.vector, message.level);
  }

  // Registers, by their offset in the page

  read(offset: number): number {
    if (offset >= A.APIC_ISR && offset < A.APIC_ESR) return this.readVectors(offset);
    switch (offset) {
      case A.APIC_ID: return this.isX2 ? this.apicId : (this.apicId << 24) >>> 0;
      case A.APIC_VERSION: return A.LOCAL_APIC_VERSION;
      case A.APIC_TPR: return this.tpr;
      case A.APIC_APR: return 0;
      case A.APIC_PPR: return this.processorPriority;
      case A.APIC_LDR: return this.ldr;
      case A.APIC_DFR: return this.dfr;
      case A.APIC_SVR: return this.svr;
      case A.APIC_ESR: return this.esr;
      case A.APIC_ICR_LOW: return this.icrLow;
      case A.APIC_ICR_HIGH: return this.icrHigh;
      case A.APIC_INITIAL_COUNT: return this.timer.initialCount;
      case A.APIC_CURRENT_COUNT: return this.timer.currentCount;
      case A.APIC_DIVIDE: return this.timer.divide;
      default: {
        const entry = lvtEntry(offset);
        if (entry === undefined) this.error(A.ESR_ILLEGAL_REGISTER);
        return entry === undefined ? 0 : this.lvt[entry];
      }
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case A.APIC_ID: this.apicId = value >>> 24; break;
      case A.APIC_TPR: this.tpr = value & 0xff; break;
      case A.APIC_EOI: this.endOfInterrupt(); break;
      case A.APIC_LDR: this.ldr = (value & 0xff000000) >>> 0; break;
      case A.APIC_DFR: this.dfr = (value | 0x0fffffff) >>> 0; break;
      case A.APIC_SVR: this.writeSvr(value); break;
      case A.APIC_ESR:
        this.esr = this.errors;
        this.errors = 0;
        break;
      case A.APIC_ICR_LOW:
        this.icrLow = value & ICR_WRITABLE;
        this.sendCommand();
        break;
      case A.APIC_ICR_HIGH: this.icrHigh = (this.isX2 ? value : value & 0xff000000) >>> 0; break;
      case A.APIC_INITIAL_COUNT: this.timer.initialCount = value >>> 0; break;
      case A.APIC_DIVIDE: this.timer.divide = value; break;
      default: {
        const entry = lvtEntry(offset);
        if (entry === undefined) this.error(A.ESR_ILLEGAL_REGISTER);
        else this.writeLvt(entry, value);
      }
    }
    this.update();
  }

  /** The registers as MSRs; undefined, false: #GP. */
  readMsr(index: number): bigint | undefined {
    return this.isX2 ? readX2Apic(this, index) : undefined;
  }

  writeMsr(index: number, value: bigint): boolean {
    return this.isX2 && writeX2Apic(this, index, value);
  }

  /** An interrupt from the processor to itself, as the x2APIC's register sends it [SDM3 10.12.11]. */
  selfInterrupt(vector: number): void {
    this.accept(vector & 0xff, false);
  }

  save(): LocalApicState {
    const { apicId, tpr, ldr, dfr, svr, esr, errors, icrLow, icrHigh } = this;
    return {
      version: 1, base: this.baseMsr.toString(), apicId, tpr, ldr, dfr, svr, esr, errors, icrLow, icrHigh,
      lvt: [...this.lvt], isr: this.isr.words.slice(), tmr: this.tmr.words.slice(), irr: this.irr.words.slice(),
      timer: this.timer.save(), lint0: this.lint0High,
    };
  }

  restore(state: LocalApicState): void {
    this.baseMsr = BigInt(state.base);
    this.apicId = state.apicId;
    this.tpr = state.tpr;
    this.ldr = state.ldr;
    this.dfr = state.dfr;
    this.svr = state.svr;
    this.esr = state.esr;
    this.errors = state.errors;
    this.icrLow = state.icrLow;
    this.icrHigh = state.icrHigh;
    this.lvt.set(state.lvt);
    this.isr.words.set(state.isr);
    this.tmr.words.set(state.tmr);
    this.irr.words.set(state.irr);
    this.timer.restore(state.timer);
    this.lint0High = state.lint0;
    this.mapPage();
    this.update();
  }

  private get isEnabled(): boolean {
    return (this.baseMsr & A.APIC_BASE_ENABLE) !== 0n;
  }

  private get isSoftwareEnabled(): boolean {
    return (this.svr & A.SVR_ENABLE) !== 0;
  }

  private initialise(): void {
    this.apicId = this.options.apicId;
    this.tpr = this.ldr = this.esr = this.errors = this.icrLow = this.icrHigh = 0;
    this.dfr = 0xffffffff;
    this.svr = 0xff;
    this.lvt.fill(A.LVT_MASKED);
    for (const set of [this.isr, this.tmr, this.irr]) set.words.fill(0);
    this.timer.reset();
    this.update();
  }

  /** The logical identifier follows from the other one [SDM3 10.12.10.2]. */
  private enterX2(): void {
    this.apicId = this.options.apicId;
    this.ldr = (((this.apicId >>> 4) << 16) | (1 << (this.apicId & 15))) >>> 0;
    this.icrHigh = 0;
  }

  private mapPage(): void {
    if (this.isEnabled && !this.isX2) this.region?.mapAt(Number(this.baseMsr & BASE_ADDRESS));
    else this.region?.unmap();
  }

  private readVectors(offset: number): number {
    if ((offset & 15) !== 0) return 0;
    const set = offset >= A.APIC_IRR ? this.irr : offset >= A.APIC_TMR ? this.tmr : this.isr;
    return set.words[(offset >> 4) & 7];
  }

  private writeSvr(value: number): void {
    this.svr = value & A.SVR_WRITABLE;
    if (this.isSoftwareEnabled) return;
    for (let entry = 0; entry < this.lvt.length; entry++) this.writeLvt(entry, this.lvt[entry]);
  }

  /** While the APIC is disabled by software, entries stay masked [SDM3 10.4.7.2]. */
  private writeLvt(entry: number, value: number): void {
    this.lvt[entry] = (value & LVT_WRITABLE[entry]) | (this.isSoftwareEnabled ? 0 : A.LVT_MASKED);
    if (entry === TIMER) {
      this.timer.configure((this.lvt[TIMER] >>> A.LVT_TIMER_MODE_SHIFT) & 3, (this.lvt[TIMER] & A.LVT_MASKED) !== 0);
    }
  }

  private sendCommand(): void {
    const low = this.icrLow;
    const message = { destination: this.isX2 ? this.icrHigh : this.icrHigh >>> 24, logical: isLogical(low), ...deliveryOf(low) };
    if (message.mode <= A.MODE_LOWEST_PRIORITY && message.vector < A.LOWEST_VECTOR) this.error(A.ESR_SEND_ILLEGAL_VECTOR);
    switch ((low >>> A.SHORTHAND_SHIFT) & 3) {
      case A.SHORTHAND_SELF: this.receive(message); break;
      case A.SHORTHAND_ALL: this.options.bus.send({ ...message, destination: BROADCAST_32 }); break;
      // There is one processor.
      case A.SHORTHAND_OTHERS: break;
      default: this.options.bus.send(message);
    }
  }

  private accept(vector: number, level: boolean): void {
    if (!this.isSoftwareEnabled) return;
    if (vector < A.LOWEST_VECTOR) {
      this.error(A.ESR_RECEIVED_ILLEGAL_VECTOR);
      return;
    }
    this.irr.set(vector, true);
    this.tmr.set(vector, level);
    this.update();
  }

  private endOfInterrupt(): void {
    const vector = this.isr.highest;
    if (vector < 0) return;
    this.isr.set(vector, false);
    if (this.tmr.has(vector)) this.options.bus.endOfInterrupt(vector);
  }

  /** An error that ESR has not latched yet raises the error interrupt. */
  private error(bit: number): void {
    const fresh = (this.errors & bit) === 0;
    this.errors |= bit;
    const entry = this.lvt[ERROR];
    // Not by an error vector that is an error itself.
    if (fresh && (entry & A.LVT_MASKED) === 0 && (entry & 0xff) >= A.LOWEST_VECTOR) this.accept(entry & 0xff, false);
  }

  private setLint0(level: boolean): void {
    const rises = level && !this.lint0High;
    this.lint0High = level;
    const entry = this.lvt[LINT0];
    if (rises && this.isEnabled && (entry & A.LVT_MASKED) === 0) {
      const { mode, vector } = deliveryOf(entry);
      if (mode === A.MODE_FIXED) this.accept(vector, false);
      else if (mode === A.MODE_NMI) this.options.nmi();
    }
    this.update();
  }

  private get externalPending(): boolean {
    if (!this.lint0High || !this.isEnabled) return this.lint0High;
    return (this.lvt[LINT0] & (A.LVT_MASKED | (A.MODE_FIELD << A.MODE_SHIFT))) === A.MODE_EXTINT << A.MODE_SHIFT;
  }

  /** [SDM3 10.8.3.1] */
  private get processorPriority(): number {
    const serving = Math.max(this.isr.highest, 0) & 0xf0;
    return (this.tpr & 0xf0) >= serving ? this.tpr : serving;
  }

  /** The vector that the processor's priority lets through; -1: none. */
  private deliverable(): number {
    if (!this.isEnabled || !this.isSoftwareEnabled) return -1;
    const vector = this.irr.highest;
    return vector >= 0 && (vector & 0xf0) > (this.processorPriority & 0xf0) ? vector : -1;
  }

  private update(): void {
    const high = this.deliverable() >= 0 || this.externalPending;
    if (high === this.intrHigh) return;
    this.intrHigh = high;
    this.options.intr.set(high);
  }
}

/** The entry of the local vector table at an offset. */
function lvtEntry(offset: number): number | undefined {
  switch (offset) {
    case A.APIC_LVT_TIMER: return TIMER;
    case A.APIC_LVT_THERMAL: return THERMAL;
    case A.APIC_LVT_PERFORMANCE: return PERFORMANCE;
    case A.APIC_LVT_LINT0: return LINT0;
    case A.APIC_LVT_LINT1: return LINT1;
    case A.APIC_LVT_ERROR: return ERROR;
    default: return undefined;
  }
}
