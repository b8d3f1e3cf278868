/**
 * The page walk: 32-bit paging with PSE and PSE-36, and PAE paging with NX [SDM3 4.3, 4.4]. One walker belongs to one
 * Mmu; a walk leaves its result in fields, so that nothing is allocated.
 *
 * Physical addresses are PHYSICAL_ADDRESS_BITS wide. Page numbers (physical address / 4096) fit 24 bits.
 * Known deviation: the accessed bit of the upper level is set also when the walk then faults on a lower level, as
 * hardware may do; that of the leaf only when the access is permitted.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import * as L from './layout.ts';
import { CR0_PG, CR0_WP, CR4_PAE, CR4_PGE, CR4_PSE, VECTOR_PF } from './registers.ts';
import type { CpuState } from './state.ts';

export type Access = 'read' | 'write' | 'execute';

/** MAXPHYADDR, also what CPUID reports. */
export const PHYSICAL_ADDRESS_BITS = 36;

// Paging-structure entries [SDM3 tables 4-4 to 4-11]
export const PTE_P = 1 << 0, PTE_RW = 1 << 1, PTE_US = 1 << 2, PTE_A = 1 << 5, PTE_D = 1 << 6;
export const PTE_PS = 1 << 7, PTE_G = 1 << 8;
/** XD, in the high half of a PAE entry. */
export const PTE_XD_HIGH = 1 << 31;
/** PSE-36: bits 13-16 of a 4 MiB PDE are address bits 32-35, bits 17-21 are reserved. */
const PDE_4M_RESERVED = 0x003e0000;
const PDE_2M_RESERVED = 0x001fe000;
/** High half of a PAE entry: address bits 36-51 and the ignored bits below XD, which 32-bit mode reserves. */
const PAE_HIGH_RESERVED = 0x7ffffff0;
const PDPTE_LOW_RESERVED = 0x1e6;
const PDPTE_HIGH_RESERVED = 0xfffffff0 | 0;

// Page-fault error code [SDM3 4.7]
export const PF_P = 1 << 0, PF_WR = 1 << 1, PF_US = 1 << 2, PF_RSVD = 1 << 3, PF_ID = 1 << 4;

const CR0_OFFSET = L.CR, CR2_OFFSET = L.CR + 16, CR3_OFFSET = L.CR + 24, CR4_OFFSET = L.CR + 32;

export class PageWalker {
  private readonly state: CpuState;
  private readonly memory: GuestMemory;
  /** EFER.NXE; kept here because every walk in PAE mode asks for it. */
  noExecuteEnabled = false;
  /** The four PDPTE registers of PAE paging, low and high halves in turn. */
  readonly pdptes = new Int32Array(8);

  // Result of the last successful walk.
  /** Guest-physical page number. */
  page = 0;
  /** A write of the same privilege needs no further walk: it is permitted and the dirty bit is set. */
  writable = false;
  executable = false;
  global = false;
  /** Part of a page larger than 4 KiB. */
  large = false;

  constructor(state: CpuState, memory: GuestMemory) {
    this.state = state;
    this.memory = memory;
  }

  /** Walks for one access; false after it has recorded #PF (vector, error code, CR2). */
  walk(linear: number, access: Access, user: boolean): boolean {
    const state = this.state;
    const cr0 = state.getU32(CR0_OFFSET);
    if ((cr0 & CR0_PG) === 0) {
      this.page = linear >>> 12;
      this.writable = this.executable = true;
      this.global = this.large = false;
      return true;
    }
    const cr4 = state.getU32(CR4_OFFSET);
    let code = 0;
    if (access === 'write') code = PF_WR;
    if (user) code |= PF_US;
    if (cr4 & CR4_PAE) return this.walkPae(linear, access === 'execute', code, cr0, cr4);
    return this.walk32(linear, code, cr0, cr4);
  }

  /**
   * Loads the PDPTE registers from the table at `cr3` [SDM3 4.4.1]; false, and nothing loaded, when a present entry has
   * a reserved bit set.
   */
  loadPdptes(cr3: number): boolean {
    const page = cr3 >>> 12;
    const offset = cr3 & 0xfe0;
    const fresh = new Int32Array(8);
    for (let i = 0; i < 8; i += 2) {
      const low = this.readEntry(page, offset + i * 4);
      const high = this.readEntry(page, offset + i * 4 + 4);
      if (low & PTE_P && (low & PDPTE_LOW_RESERVED || high & PDPTE_HIGH_RESERVED)) return false;
      fresh[i] = low;
      fresh[i + 1] = high;
    }
    this.pdptes.set(fresh);
    return true;
  }

  private walk32(linear: number, code: number, cr0: number, cr4: number): boolean {
    const directory = this.state.getU32(CR3_OFFSET) >>> 12;
    const pdeOffset = (linear >>> 22) << 2;
    const pde = this.readEntry(directory, pdeOffset);
    if ((pde & PTE_P) === 0) return this.fail(linear, code);
    this.executable = true;
    if (pde & PTE_PS && cr4 & CR4_PSE) {
      if (pde & PDE_4M_RESERVED) return this.fail(linear, code | PF_P | PF_RSVD);
      this.large = true;
      this.page = ((pde & 0x1e000) << 7) | ((pde >>> 12) & 0xffc00) | ((linear >>> 12) & 0x3ff);
      return this.finish(linear, code, directory, pdeOffset, pde, pde, cr0, cr4);
    }
    if ((pde & PTE_A) === 0) this.writeEntry(directory, pdeOffset, pde | PTE_A);
    const table = pde >>> 12;
    const pteOffset = (linear >>> 10) & 0xffc;
    const pte = this.readEntry(table, pteOffset);
    if ((pte & PTE_P) === 0) return this.fail(linear, code);
    this.large = false;
    this.page = pte >>> 12;
    return this.finish(linear, code, table, pteOffset, pte, pde & pte, cr0, cr4);
  }

  private walkPae(linear: number, fetch: boolean, access: number, cr0: number, cr4: number): boolean {
    const nx = this.noExecuteEnabled;
    const code = fetch && nx ? access | PF_ID : access;
    const reserved = nx ? PAE_HIGH_RESERVED : PAE_HIGH_RESERVED | PTE_XD_HIGH;
    const slot = (linear >>> 30) << 1;
    const pdpte = this.pdptes[slot];
    if ((pdpte & PTE_P) === 0) return this.fail(linear, code);
    const directory = (this.pdptes[slot + 1] << 20) | (pdpte >>> 12);
    const pdeOffset = (linear >>> 18) & 0xff8;
    const pde = this.readEntry(directory, pdeOffset);
    if ((pde & PTE_P) === 0) return this.fail(linear, code);
    const pdeHigh = this.readEntry(directory, pdeOffset + 4);
    if (pdeHigh & reserved) return this.fail(linear, code | PF_P | PF_RSVD);
    if (pde & PTE_PS) {
      if (pde & PDE_2M_RESERVED) return this.fail(linear, code | PF_P | PF_RSVD);
      this.large = true;
      this.executable = !nx || pdeHigh >= 0;
      this.page = ((pdeHigh & 0xf) << 20) | ((pde >>> 12) & 0xffe00) | ((linear >>> 12) & 0x1ff);
      if (fetch && !this.executable) return this.fail(linear, code | PF_P);
      return this.finish(linear, code, directory, pdeOffset, pde, pde, cr0, cr4);
    }
    if ((pde & PTE_A) === 0) this.writeEntry(directory, pdeOffset, pde | PTE_A);
    const table = ((pdeHigh & 0xf) << 20) | (pde >>> 12);
    const pteOffset = (linear >>> 9) & 0xff8;
    const pte = this.readEntry(table, pteOffset);
    if ((pte & PTE_P) === 0) return this.fail(linear, code);
    const pteHigh = this.readEntry(table, pteOffset + 4);
    if (pteHigh & reserved) return this.fail(linear, code | PF_P | PF_RSVD);
    this.large = false;
    this.executable = !nx || (pdeHigh | pteHigh) >= 0;
    this.page = ((pteHigh & 0xf) << 20) | (pte >>> 12);
    if (fetch && !this.executable) return this.fail(linear, code | PF_P);
    return this.finish(linear, code, table, pteOffset, pte, pde & pte, cr0, cr4);
  }

  /** Checks the combined rights, sets the leaf's accessed and dirty bits. */
  private finish(
    linear: number, code: number, table: number, offset: number, leaf: number, rights: number, cr0: number, cr4: number,
  ): boolean {
    const user = (code & PF_US) !== 0;
    const write = (code & PF_WR) !== 0;
    const mayWrite = (rights & PTE_RW) !== 0 || (!user && (cr0 & CR0_WP) === 0);
    if ((user && (rights & PTE_US) === 0) || (write && !mayWrite)) return this.fail(linear, code | PF_P);
    const marked = leaf | (write ? PTE_A | PTE_D : PTE_A);
    if (marked !== leaf) this.writeEntry(table, offset, marked);
    this.writable = mayWrite && (marked & PTE_D) !== 0;
    this.global = (leaf & PTE_G) !== 0 && (cr4 & CR4_PGE) !== 0;
    return true;
  }

  private fail(linear: number, code: number): false {
    const state = this.state;
    state.setU32(CR2_OFFSET, linear >>> 0);
    state.setU32(L.FAULT_VECTOR, VECTOR_PF);
    state.setU32(L.FAULT_ERROR, code);
    state.setU32(L.FAULT_HAS_ERROR, 1);
    return false;
  }

  private readEntry(page: number, offset: number): number {
    const frame: number = this.memory.readFrame(page);
    if (frame === 0) return this.memory.readPhys(page * 4096 + offset, 4) | 0;
    return this.state.arena.i32[(frame + offset) >>> 2];
  }

  private writeEntry(page: number, offset: number, value: number): void {
    const memory = this.memory;
    const frame = memory.writeFrame(page);
    if (frame === 0) {
      memory.writePhys(page * 4096 + offset, 4, value >>> 0);
      return;
    }
    this.state.arena.i32[(frame + offset) >>> 2] = value;
    if (memory.pool.hasCode(frame)) memory.observer?.frameWritten(frame, offset, 4);
  }
}
