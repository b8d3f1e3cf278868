/**
 * Memory accesses that the inline TLB check does not serve: a translation that is missing, a page crossing, device memory,
 * pages with decoded code, breakpoints, alignment checks. Either the bytes turn out to lie in one frame, or they go
 * through the bounce buffer in the vCPU's state. Called from WebAssembly; 0 means that a fault has been recorded.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { CpuContext } from './context.ts';
import { checkDataBreakpoint } from './debug-registers.ts';
import * as L from './layout.ts';
import { CR0_AM, EFLAGS_AC, VECTOR_AC } from './registers.ts';

type Width = 1 | 2 | 4;

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

  constructor(cpu: CpuContext) {
    this.cpu = cpu;
    this.memory = cpu.host.memory;
  }

  readonly read = (_base: number, linear: number, size: number): number => {
    if (this.misaligned(linear, size)) return 0;
    const direct = this.direct(linear, size, 'read');
    if (direct !== undefined) return direct;
    if (!this.resolve(linear, size, 'read')) return 0;
    this.checkBreakpoints(linear, size, false);
    this.fetch();
    return this.bounce;
  };

  readonly write = (_base: number, linear: number, size: number): number => this.prepare(linear, size, false);

  readonly modify = (_base: number, linear: number, size: number): number => this.prepare(linear, size, true);

  /** Only asks whether a write would fault. */
  readonly probe = (_base: number, linear: number, size: number): number => {
    if (this.misaligned(linear, size)) return 0;
    return this.resolve(linear, size, 'write') ? this.bounce : 0;
  };

  /** Carries a write out whose bytes are in the bounce buffer; does nothing when it went to a frame directly. */
  readonly commit = (_base: number): number => {
    const { state } = this.cpu;
    if (this.size === 0) return 0;
    const size = this.size;
    this.size = 0;
    const at = state.base + L.BOUNCE;
    const { u8, view } = state.arena;
    if (this.split < size) {
      for (let i = 0; i < size; i++) this.memory.writePhys(this.place(i), 1, u8[at + i]);
      return 0;
    }
    let done = 0;
    while (done < size) {
      const width = widthOf(size - done);
      const value = width === 4 ? view.getUint32(at + done, true) : width === 2 ? view.getUint16(at + done, true) : u8[at + done];
      this.memory.writePhys(this.first + done, width, value);
      done += width;
    }
    return 0;
  };

  /** Makes the TLB serve an access of `size` bytes; false where it cannot, or a fault is due. */
  fill(linear: number, size: number, access: 'read' | 'write'): boolean {
    return !alignmentChecked(this.cpu) && (this.direct(linear, size, access) ?? 0) !== 0;
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
    if ((linear & 0xfff) + size > 4096) return undefined;
    const { state, mmu } = this.cpu;
    const user = state.cpl === 3;
    if (!mmu.fill(linear, access, user)) return 0;
    const set = user ? L.TLB_USER : L.TLB_SUPERVISOR;
    const entry = (state.base + set + ((linear >>> 7) & ((L.TLB_ENTRIES - 1) << 5))) >>> 2;
    const { i32 } = state.arena;
    const tag = i32[entry + (access === 'read' ? L.TLB_READ : L.TLB_WRITE) / 4];
    return tag === (linear & ~0xfff) ? (linear + i32[entry + L.TLB_ADDEND / 4]) >>> 0 : undefined;
  }

  /** Translates both ends; false after a fault. */
  private resolve(linear: number, size: number, access: 'read' | 'write'): boolean {
    const { state, mmu } = this.cpu;
    const user = state.cpl === 3;
    this.split = Math.min(size, 4096 - (linear & 0xfff));
    this.fetchSize = size;
    this.first = mmu.translate(linear >>> 0, access, user);
    if (this.first < 0) return false;
    if (this.split === size) return true;
    this.second = mmu.translate((linear + this.split) >>> 0, access, user);
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
      for (let i = 0; i < size; i++) arena.u8[at + i] = this.memory.readPhys(this.place(i), 1);
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
    const { state } = this.cpu;
    state.setU32(L.FAULT_VECTOR, VECTOR_AC);
    state.setU32(L.FAULT_ERROR, 0);
    state.setU32(L.FAULT_HAS_ERROR, 1);
    return true;
  }
}

const widthOf = (left: number): Width => (left >= 4 ? 4 : left >= 2 ? 2 : 1);
