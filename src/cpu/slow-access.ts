/**
 * Memory accesses that the inline TLB check does not serve: a translation that is missing, a page crossing, device memory,
 * pages with decoded code, breakpoints, alignment checks. Either the bytes turn out to lie in one frame, or they go
 * through the bounce buffer in the vCPU's state. Called from WebAssembly; 0 means that a fault has been recorded.
 */
import * as R from '../interp/record.ts';
import type { ArenaAddr } from '../memory/address.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { CpuContext } from './context.ts';
import { checkDataBreakpoint } from './debug-registers.ts';
import * as L from './layout.ts';
import { highHalf, isCanonical, linear32 } from './linear.ts';
import { CR0_AM, EFLAGS_AC, SS, VECTOR_AC, VECTOR_GP, VECTOR_SS } from './registers.ts';

type Width = 1 | 2 | 4;

/** Where 64-bit code hands over what is accessed: the size. */
const SIZE = 0xff;

/** Alignment checking is on [SDM3 6.15 #AC]: then the active TLB set is one that never hits. */
export function alignmentChecked(cpu: CpuContext): boolean {
  const { state } = cpu;
  return (state.cr(0) & CR0_AM) !== 0 && (state.getU32(L.EFLAGS) & EFLAGS_AC) !== 0 && state.cpl === 3;
}

export class SlowAccess {
  private readonly cpu: CpuContext;
  private readonly memory: GuestMemory;
  /** Where the first byte of a pending write goes, and, for one that crosses pages, the first byte of the second page. */
  private first = 0;
  private second = 0;
  private size = 0;
  /** Bytes in the first page. */
  private split = 0;
  /** Guest-physical address of an access that the TLB would serve but for code that it changes; -1: of any other one. */
  private inCode = -1;

  private readonly besideCode: (host: number, bytes: number) => boolean;

  /** `besideCode`: whether a store to a frame that has code changes none of it. */
  constructor(cpu: CpuContext, besideCode: (host: number, bytes: number) => boolean) {
    this.cpu = cpu;
    this.besideCode = besideCode;
    this.memory = cpu.host.memory;
  }

  // What 16- and 32-bit code imports: the address is an i32.

  readonly read = (_base: number, linear: number, size: number): number => this.load(linear32(linear), size);
  readonly write = (_base: number, linear: number, size: number): number => this.prepare(linear32(linear), size, false);
  readonly modify = (_base: number, linear: number, size: number): number => this.prepare(linear32(linear), size, true);
  readonly probe = (_base: number, linear: number, size: number): number => this.check(linear32(linear), size);

  // What 64-bit code imports: with the size comes the segment, which decides about an address that is not canonical.

  readonly read64 = (_base: number, linear: number, what: number): number =>
    this.canonical(linear, what) ? this.load(linear, what & SIZE) : 0;
  readonly write64 = (_base: number, linear: number, what: number): number =>
    this.canonical(linear, what) ? this.prepare(linear, what & SIZE, false) : 0;
  readonly modify64 = (_base: number, linear: number, what: number): number =>
    this.canonical(linear, what) ? this.prepare(linear, what & SIZE, true) : 0;
  readonly probe64 = (_base: number, linear: number, what: number): number =>
    this.canonical(linear, what) ? this.check(linear, what & SIZE) : 0;

  private canonical(linear: number, what: number): boolean {
    if (isCanonical(linear) && isCanonical(linear + (what & SIZE) - 1)) return true;
    const { state } = this.cpu;
    const stack = what & R.SLOW_STACK || (what & R.SLOW_OPERAND && state.arena.u8[state.getU32(L.IP) + R.REC_SEGMENT] === SS);
    return this.fault(stack ? VECTOR_SS : VECTOR_GP);
  }

  private load(linear: number, size: number): number {
    if (this.misaligned(linear, size)) return 0;
    const direct = this.direct(linear, size, 'read');
    if (direct !== undefined) return direct;
    if (!this.resolve(linear, size, 'read')) return 0;
    this.checkBreakpoints(linear, size, false);
    this.fetch();
    return this.bounce;
  }

  /** Only asks whether a write would fault. */
  private check(linear: number, size: number): number {
    if (this.misaligned(linear, size)) return 0;
    this.inCode = -1;
    return this.resolve(linear, size, 'write') ? this.bounce : 0;
  }

  /** Carries a write out whose bytes are in the bounce buffer; does nothing when it went to a frame directly. */
  readonly commit = (_base: number): number => {
    const { arena, base } = this.cpu.state;
    if (this.size === 0) return 0;
    const size = this.size;
    this.size = 0;
    const at = base + L.BOUNCE;
    // A write may need a frame, for which the arena grows: its views are fetched anew for each.
    if (this.split < size) {
      for (let i = 0; i < size; i++) this.memory.writePhys(this.place(i), 1, arena.u8[at + i]);
      return 0;
    }
    let done = 0;
    while (done < size) {
      const width = widthOf(size - done);
      const value = width === 4 ? arena.view.getUint32(at + done, true) : width === 2 ? arena.view.getUint16(at + done, true) : arena.u8[at + done];
      this.memory.writePhys(this.first + done, width, value);
      done += width;
    }
    return 0;
  };

  /** For compiled code: makes the TLB serve an access of `size` bytes; false where it cannot, or a fault is due. */
  fill(linear: number, size: number, access: 'read' | 'write'): boolean {
    return !alignmentChecked(this.cpu) && isCanonical(linear) && (this.direct(linear, size, access) ?? 0) !== 0;
  }

  private get bounce(): number {
    return this.cpu.state.base + L.BOUNCE;
  }

  private prepare(linear: number, size: number, old: boolean): number {
    this.size = 0;
    if (this.misaligned(linear, size)) return 0;
    const direct = this.direct(linear, size, 'write');
    if (direct !== undefined) return direct;
    if (!this.resolve(linear, size, 'write')) return 0;
    this.checkBreakpoints(linear, size, true);
    if (old) this.fetch();
    this.size = size;
    return this.bounce;
  }

  /** The address of the bytes when they lie in one page that a frame serves; 0 after a fault. */
  private direct(linear: number, size: number, access: 'read' | 'write'): number | undefined {
    this.inCode = -1;
    if ((linear & 0xfff) + size > 4096) return undefined;
    const { state, mmu } = this.cpu;
    const user = state.cpl === 3;
    const set = user ? L.TLB_USER : L.TLB_SUPERVISOR;
    const entry = (state.base + set + ((linear >>> 7) & ((L.TLB_ENTRIES - 1) << 5))) >>> 2;
    const tag = entry + (access === 'read' ? L.TLB_READ : L.TLB_WRITE) / 4;
    if (!this.isTagged(tag, linear) || this.isStale(tag, entry, linear)) {
      if (!mmu.fill(linear, access, user)) return 0;
      if (!this.isTagged(tag, linear)) return undefined;
    }
    const { i32 } = state.arena;
    const host = (linear + i32[entry + L.TLB_ADDEND / 4]) >>> 0;
    if (!(i32[tag] & L.TLB_CODE) || this.besideCode(host, size)) return host;
    this.inCode = i32[entry + L.TLB_PHYSICAL / 4] * 4096 + (linear & 0xfff);
    return undefined;
  }
  /** Whether a tag, at an index in 32-bit words, is that of an address. */
  private isTagged(tag: number, linear: number): boolean {
    const { i32 } = this.cpu.state.arena;
    return (i32[tag] & ~L.TLB_CODE) === (linear & ~0xfff) && i32[tag + 1] === highHalf(linear);
  }
  /** A tag tells of code that is gone. */
  private isStale(tag: number, entry: number, linear: number): boolean {
    const { i32 } = this.cpu.state.arena;
    if (!(i32[tag] & L.TLB_CODE)) return false;
    const frame = ((linear & ~0xfff) + i32[entry + L.TLB_ADDEND / 4]) >>> 0;
    return !this.memory.pool.hasCode(frame as ArenaAddr);
  }

  /** Translates both ends; false after a fault. */
  private resolve(linear: number, size: number, access: 'read' | 'write'): boolean {
    const { state, mmu } = this.cpu;
    const user = state.cpl === 3;
    this.split = Math.min(size, 4096 - (linear & 0xfff));
    this.fetchSize = size;
    this.first = this.inCode >= 0 ? this.inCode : mmu.translate(linear, access, user);
    if (this.first < 0) return false;
    if (this.split === size) return true;
    const second = linear + this.split;
    this.second = mmu.translate(state.code64 ? second : linear32(second), access, user);
    return this.second >= 0;
  }
  private fetchSize = 0;

  private place(i: number): number {
    return i < this.split ? this.first + i : this.second + i - this.split;
  }

  private fetch(): void {
    const { arena } = this.cpu.state;
    const at = this.bounce;
    const size = this.fetchSize;
    if (this.split < size) {
      for (let i = 0; i < size; i++) {
        // First, for a device's register may do anything.
        const byte = this.memory.readPhys(this.place(i), 1);
        arena.u8[at + i] = byte;
      }
      return;
    }
    let done = 0;
    while (done < size) {
      const width = widthOf(size - done);
      const value = this.memory.readPhys(this.first + done, width);
      if (width === 4) arena.view.setUint32(at + done, value, true);
      else if (width === 2) arena.view.setUint16(at + done, value, true);
      else arena.u8[at + done] = value;
      done += width;
    }
  }

  private checkBreakpoints(linear: number, size: number, write: boolean): void {
    const { mmu } = this.cpu;
    if (mmu.hasBreakpoint(linear) || mmu.hasBreakpoint(linear + size - 1)) checkDataBreakpoint(this.cpu, linear, size, write);
  }

  /** #AC for an access that is not aligned to its size (16-byte operands have rules of their own). */
  private misaligned(linear: number, size: number): boolean {
    if (size === 1 || (linear & (size - 1)) === 0 || (size & (size - 1)) !== 0 || !alignmentChecked(this.cpu)) return false;
    return !this.fault(VECTOR_AC);
  }

  /** Records a fault with error code 0; always false. */
  private fault(vector: number): boolean {
    const { state } = this.cpu;
    state.setU32(L.FAULT_VECTOR, vector);
    state.setU32(L.FAULT_ERROR, 0);
    state.setU32(L.FAULT_HAS_ERROR, 1);
    return false;
  }
}

const widthOf = (left: number): Width => (left >= 4 ? 4 : left >= 2 ? 2 : 1);
