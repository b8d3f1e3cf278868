/**
 * Where instructions come from when no block of records serves: bytes in two pages or in device memory, copies of a block
 * that end at an exact count or at the limit of CS.
 */
import type { CodeCache } from '../interp/code-cache.ts';
import * as R from '../interp/record.ts';
import type { Translator } from '../interp/translator.ts';
import type { ArenaAddr } from '../memory/address.ts';
import type { Arena } from '../memory/arena.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Engine } from './engine.ts';
import * as L from './layout.ts';
import { highHalf, isCanonical, linear32 } from './linear.ts';
import type { Mmu } from './mmu.ts';
import { CS, VECTOR_GP } from './registers.ts';
import type { CpuState } from './state.ts';

/** Longest instruction, and the buffer for those that lie in two pages. */
const MAX_INSTRUCTION = 15;

/** No record: the fetch faulted, and FAULT_* says how; the instruction does not end within CS [SDM3 5.3]. */
export const FETCH_FAULT = 0;
export const PAST_LIMIT = -1;

export class CodeSource {
  private readonly state: CpuState;
  private readonly mmu: Mmu;
  private readonly memory: GuestMemory;
  private readonly arena: Arena;
  private readonly code: CodeCache;
  private readonly translator: Translator;
  /** Bytes of an instruction that lies in two pages, or in device memory. */
  private readonly fetchBuffer: ArenaAddr;
  /** The record that led to the instruction at RIP, which lies in two pages, and how much code had been dropped then. */
  private crossed = 0;
  private crossedAt = 0;

  constructor(state: CpuState, mmu: Mmu, memory: GuestMemory, engine: Engine) {
    this.state = state;
    this.mmu = mmu;
    this.memory = memory;
    this.arena = state.arena;
    this.code = engine.code;
    this.translator = engine.translator();
    this.fetchBuffer = this.arena.reserve(64, 64);
  }

  /** A HANDLER_CROSSING record has led to RIP; `forgetCrossing`: RIP is another now. */
  noteCrossing(record: number): void {
    this.crossed = this.inScratch(record) ? 0 : record;
    this.crossedAt = this.code.invalidations;
  }
  forgetCrossing(): void {
    this.crossed = 0;
  }

  inScratch(record: number): boolean {
    const { base } = this.state;
    return record >= base + L.SCRATCH_RECORDS && record < base + L.STATE_SIZE;
  }

  /** A block at RIP, or a copy without the instructions that end past the limit of CS; PAST_LIMIT when the first one does. */
  withinLimit(record: number): number {
    const { arena: { u8, u16 }, state } = this;
    if (state.code64 || state.segLimit(CS) - state.eip >= 4096) return record;
    const room = ((state.segLimit(CS) - state.getU32(L.IP_BASE)) >>> 0) + 1;
    let count = 0;
    for (let at = record; u8[at + R.REC_LENGTH] !== 0; at += R.RECORD_SIZE) {
      if (u16[(at + R.REC_OFFSET) >>> 1] + u8[at + R.REC_LENGTH] > room) break;
      count++;
    }
    return count > 0 ? this.truncated(record, count) : PAST_LIMIT;
  }

  /**
   * The record that a HANDLER_CROSSING record leads to, where that was kept and the second page is where it was; 0: `uncached` has to
   * see to it.
   */
  kept(record: number, linear: number, user: boolean): number {
    const { u32 } = this.arena;
    const target = u32[(record + R.REC_LINK) >>> 2];
    if (target === 0 || (this.crossed !== 0 && u32[(this.crossed + R.REC_LINK) >>> 2] !== target)) return 0;
    const second = this.ahead(linear, 4096 - (linear & 0xfff));
    const entry = this.executable(second, user);
    if (entry === 0 || this.hostOf(entry, second) !== u32[(record + R.REC_IMMEDIATE2) >>> 2]) return 0;
    this.forgetCrossing();
    return target;
  }

  /**
   * A record for an instruction that lies in two pages, or outside frames: decoded from a copy of its bytes. `record`: that
   * of a block that begins with an instruction in two pages.
   */
  uncached(linear: number, user: boolean, record: number): number {
    const { state, arena } = this;
    const inPage = Math.min(MAX_INSTRUCTION, 4096 - (linear & 0xfff));
    if (!this.fetchBytes(linear, 0, inPage, user)) return FETCH_FAULT;
    const out = state.base + L.SCRATCH_RECORDS;
    const mode = state.getU32(L.MODE);
    const offset = linear & 0xfff;
    let result = this.translator.instruction(this.fetchBuffer, this.fetchBuffer + inPage, mode, out, offset, 1);
    const room = state.code64 ? Number.POSITIVE_INFINITY : state.segLimit(CS) - state.eip + 1;
    if (result === 'truncated') {
      if (room <= inPage) return PAST_LIMIT;
      if (!this.fetchBytes(linear, inPage, MAX_INSTRUCTION - inPage, user)) return FETCH_FAULT;
      result = this.translator.instruction(this.fetchBuffer, this.fetchBuffer + MAX_INSTRUCTION, mode, out, offset, 1);
      if (record !== 0) this.keepCrossing(linear, user, record, arena.u8[out + R.REC_LENGTH]);
    }
    if (arena.u8[out + R.REC_LENGTH] > room) return PAST_LIMIT;
    state.setLinear(L.IP_BASE, state.rip - offset);
    this.translator.stop(out + R.RECORD_SIZE, offset + arena.u8[out + R.REC_LENGTH], 2);
    return out;
  }

  /** Keeps the instruction in the fetch buffer, which ends in the page after that of `linear`, for the next time. */
  private keepCrossing(linear: number, user: boolean, record: number, length: number): void {
    const { state } = this;
    const second = this.ahead(linear, 4096 - (linear & 0xfff));
    const [first, last] = [linear, second].map((at) => {
      const entry = this.executable(at, user);
      return entry === 0 ? 0 : this.hostOf(entry, at);
    });
    if (first === 0 || last === 0 || length < 4096 - (linear & 0xfff)) return;
    const { crossed } = this;
    const known = crossed !== 0 && this.crossedAt === this.code.invalidations && this.arena.u16[(crossed + R.REC_OFFSET) >>> 1] === (linear & 0xfff);
    const sources = known ? [record, crossed] : [record];
    this.code.cross(first, last, this.fetchBuffer, length, state.getU32(L.MODE), sources);
    this.crossed = 0;
    this.protect(this.executable(second, user));
  }
  /** After code was made from the frame of a TLB entry: stores to it have to ask. */
  protect(entry: number): void {
    if (!this.code.frameMarked) return;
    this.code.frameMarked = false;
    this.mmu.protectCode(this.arena.u32[entry + L.TLB_PHYSICAL / 4]);
  }
  /** Arena address of the frame that a linear page is executed from; 0 when the TLB does not know. */
  frameAt(page: number, user: boolean): number {
    const entry = this.entryOf(page, user);
    return this.isTagged(entry, page) ? this.hostOf(entry, page) : 0;
  }
  /** Arena address of a linear one whose page a TLB entry has. */
  hostOf(entry: number, linear: number): number {
    return (linear + this.arena.i32[entry + L.TLB_ADDEND / 4]) >>> 0;
  }
  /** The TLB entry, in 32-bit words, that a linear address would be executed by. */
  entryOf(linear: number, user: boolean): number {
    const set = this.state.base + (user ? L.TLB_USER : L.TLB_SUPERVISOR);
    return (set + ((linear >>> 7) & ((L.TLB_ENTRIES - 1) << 5))) >>> 2;
  }
  /** The TLB entry, in 32-bit words, that lets the page of an address be executed from its frame; 0: there is none. */
  executable(linear: number, user: boolean): number {
    const entry = this.entryOf(linear, user);
    const tagged = () => this.isTagged(entry, linear);
    return tagged() || (this.mmu.fill(linear, 'execute', user) && tagged()) ? entry : 0;
  }

  /** True when a TLB entry lets the page of an address be executed. */
  isTagged(entry: number, linear: number): boolean {
    const at = entry + L.TLB_EXECUTE / 4;
    return this.arena.i32[at] === (linear & ~0xfff) && this.arena.i32[at + 1] === highHalf(linear);
  }
  /** Where code `bytes` further on lies. */
  private ahead(linear: number, bytes: number): number {
    return this.state.code64 ? linear + bytes : linear32(linear + bytes);
  }

  /** Copies instruction bytes to the fetch buffer; false after a fault. */
  private fetchBytes(linear: number, from: number, count: number, user: boolean): boolean {
    const at = this.ahead(linear, from);
    if (!isCanonical(at)) return this.notCanonical();
    const physical = this.mmu.translate(at, 'execute', user);
    if (physical < 0) return false;
    for (let i = 0; i < count; i++) {
      // First, for a device's register may do anything.
      const byte = this.memory.readPhys(physical + i, 1);
      this.arena.u8[this.fetchBuffer + from + i] = byte;
    }
    return true;
  }

  private notCanonical(): false {
    const { state } = this;
    state.setU32(L.FAULT_VECTOR, VECTOR_GP);
    state.setU32(L.FAULT_ERROR, 0);
    state.setU32(L.FAULT_HAS_ERROR, 1);
    return false;
  }

  /** Whether a block has at most `count` instructions. */
  endsWithin(record: number, count: number): boolean {
    const { u8 } = this.arena;
    let at = record;
    for (let n = 0; n < count && u8[at + R.REC_LENGTH] !== 0; n++) at += R.RECORD_SIZE;
    return u8[at + R.REC_LENGTH] === 0;
  }

  /** Copies the first `count` instructions of a block and ends them with a stop. */
  truncated(record: number, count: number): number {
    const out = this.state.base + L.SCRATCH_RECORDS;
    const { u8, u16, u32 } = this.arena;
    let n = 0;
    // A record that leaves the block has length 0: what it leaves to counts for nothing here.
    while (n < count && u8[record + n * R.RECORD_SIZE + R.REC_LENGTH] !== 0) n++;
    u8.copyWithin(out, record, record + n * R.RECORD_SIZE);
    // One after the other, whether a region stands in the block's place or not.
    u32[out >>> 2] = this.code.regions.handlerOf(record);
    const last = record + n * R.RECORD_SIZE;
    const offset = u16[(last + R.REC_OFFSET) >>> 1];
    for (let i = 0; i < n; i++) u32[(out + i * R.RECORD_SIZE + R.REC_LINK) >>> 2] = 0;
    this.translator.stop(out + n * R.RECORD_SIZE, offset, n + 1);
    return out;
  }
}
