/**
 * The page walk: 32-bit paging with PSE and PSE-36, PAE paging, and 4-level paging with pages of 4 KiB, 2 MiB and 1 GiB
 * [SDM3 4.3, 4.4, 4.5]; access rights with WP, NX, SMEP and SMAP [SDM3 4.6]. One walker belongs to one Mmu; a walk leaves its
 * result in fields, so that nothing is allocated.
 *
 * Physical addresses have at most 40 bits (profiles.ts), so page numbers fit 28.
 * Known deviations: the accessed bit of an upper level is set also when the walk then faults on a lower level, as
 * hardware may do; that of the leaf only when the access is permitted. With EFLAGS.AC set below level 3 SMAP also lets the
 * processor's own accesses to its tables through.
 */
import { ANY_NUMBER } from '../any-number.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { MAX_PATH, type Path } from './address-spaces.ts';
import * as L from './layout.ts';
import { highHalf, isCanonical } from './linear.ts';
import { type CpuProfile, physicalAddressBits } from './profiles.ts';
import { CR0_PG, CR0_WP, CR4_PAE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_LMA, EFER_NXE, EFLAGS_AC, VECTOR_GP, VECTOR_PF } from './registers.ts';
import type { CpuState } from './state.ts';

export type Access = 'read' | 'write' | 'execute';

// Paging-structure entries [SDM3 tables 4-4 to 4-20]
export const PTE_P = 1 << 0, PTE_RW = 1 << 1, PTE_US = 1 << 2, PTE_A = 1 << 5, PTE_D = 1 << 6;
export const PTE_PS = 1 << 7, PTE_G = 1 << 8;
/** XD, in the high half of an entry of 64 bits. */
export const PTE_XD_HIGH = 1 << 31;
/** PSE-36: a 4 MiB PDE has address bits from 32 up to MAXPHYADDR in bits 13-20; the rest of bits 13-21 is reserved. */
const PDE_4M_HIGH_SHIFT = 13, PDE_4M_HIGH = 0x003fe000;
const PDE_2M_RESERVED = 0x001fe000;
const PDPTE_1G_RESERVED = 0x3fffe000;
const PDPTE_LOW_RESERVED = 0x1e6;

// Page-fault error code [SDM3 4.7]
export const PF_P = 1 << 0, PF_WR = 1 << 1, PF_US = 1 << 2, PF_RSVD = 1 << 3, PF_ID = 1 << 4;

const CR0_OFFSET = L.CR, CR2_OFFSET = L.CR + 16, CR3_OFFSET = L.CR + 24, CR4_OFFSET = L.CR + 32;

/** Without paging, or with entries outside frames. */
const NO_PATH = -1;

/** How much one translation covers: a page of 4 KiB, one of 2 or 4 MiB, one of 1 GiB. */
export const PAGE_4K = 0, PAGE_LARGE = 1, PAGE_1G = 2;

/** False: SMAP is on, and EFLAGS.AC does not make it give way to code below level 3 [SDM3 4.6.1]. */
export function supervisorReachesUserPages(state: CpuState): boolean {
  if ((state.getU32(CR4_OFFSET) & CR4_SMAP) === 0) return true;
  return (state.getU32(L.EFLAGS) & EFLAGS_AC) !== 0 && state.cpl !== 3;
}

export class PageWalker implements Path {
  private readonly state: CpuState;
  private readonly memory: GuestMemory;
  /** Physical address bits in the high half of an entry, and those that PAE and 4-level paging reserve there. */
  private readonly highAddress: number;
  private readonly paeReserved: number;
  private readonly longReserved: number;
  private readonly has1GPages: boolean;
  // EFER.NXE and LMA, kept here because every walk asks for them.
  private noExecuteEnabled = false;
  private longMode = false;
  /** The four PDPTE registers of PAE paging, low and high halves in turn. */
  readonly pdptes = new Int32Array(8);

  /** High half of the entry that was read last. */
  private high = ANY_NUMBER;

  // Result of the last successful walk.
  /** Guest-physical page number. */
  page = 0;
  /** Reads of the same privilege are permitted: not so where only the fetch of an instruction was. */
  readable = false;
  /** A write of the same privilege needs no further walk: it is permitted and the dirty bit is set. */
  writable = false;
  executable = false;
  global = false;
  /** U/S is set at all levels: a page for which supervisor accesses depend on SMAP. */
  userPage = false;
  size = PAGE_4K;
  /** The entries that it went by, as far as `length` says; see `Path`. */
  readonly places = new Int32Array(MAX_PATH);
  length = 0;
  rootLow = 0;
  rootHigh = 0;

  constructor(state: CpuState, memory: GuestMemory, profile: CpuProfile) {
    this.state = state;
    this.memory = memory;
    this.highAddress = 2 ** (physicalAddressBits(profile) - 32) - 1;
    this.paeReserved = 0x7fffffff & ~this.highAddress;
    this.longReserved = 0x000fffff & ~this.highAddress;
    this.has1GPages = profile.features.has('pdpe1gb');
  }

  setEfer(efer: number): void {
    this.noExecuteEnabled = (efer & EFER_NXE) !== 0;
    this.longMode = (efer & EFER_LMA) !== 0;
  }

  /** Bits 32 to 63 of a linear address; zero outside long mode, whatever the sign of the number. */
  highOf(linear: number): number {
    return this.longMode ? highHalf(linear) : 0;
  }

  /** Walks for one access; false after it has recorded #PF (vector, error code, CR2), or #GP for an address that is not canonical. */
  walk(linear: number, access: Access, user: boolean): boolean {
    const state = this.state;
    const cr0 = state.getU32(CR0_OFFSET);
    if ((cr0 & CR0_PG) === 0) {
      this.page = linear >>> 12;
      this.readable = this.writable = this.executable = true;
      this.global = this.userPage = false;
      this.size = PAGE_4K;
      this.length = NO_PATH;
      return true;
    }
    const cr4 = state.getU32(CR4_OFFSET);
    this.length = this.rootLow = this.rootHigh = 0;
    let code = 0;
    if (access === 'write') code = PF_WR;
    if (user) code |= PF_US;
    // A fetch shows in the error code only where the processor has a right for it [SDM3 4.7].
    const fetch = access === 'execute';
    if (fetch && (cr4 & CR4_SMEP || (this.noExecuteEnabled && cr4 & CR4_PAE))) code |= PF_ID;
    if (this.longMode) return this.walkLong(linear, fetch, code, cr0, cr4);
    if (cr4 & CR4_PAE) return this.walkPae(linear, fetch, code, cr0, cr4);
    return this.walk32(linear, fetch, code, cr0, cr4);
  }

  get cr3Low(): number { return this.state.getU32(CR3_OFFSET) | 0; }
  get cr3High(): number { return this.state.getU32(CR3_OFFSET + 4) | 0; }

  /** A half of the PDPTE register of a linear address; 0 outside PAE paging. */
  rootOf(linear: number, half: 0 | 1): number {
    const pae = !this.longMode && (this.state.getU32(CR4_OFFSET) & CR4_PAE) !== 0 && (this.state.getU32(CR0_OFFSET) & CR0_PG) !== 0;
    return pae ? this.pdptes[((linear >>> 30) << 1) + half] : 0;
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
      if (low & PTE_P && (low & PDPTE_LOW_RESERVED || high & ~this.highAddress)) return false;
      fresh[i] = low;
      fresh[i + 1] = high;
    }
    this.pdptes.set(fresh);
    return true;
  }

  private walk32(linear: number, fetch: boolean, code: number, cr0: number, cr4: number): boolean {
    const directory = this.state.getU32(CR3_OFFSET) >>> 12;
    const pdeOffset = (linear >>> 22) << 2;
    const pde = this.readEntry(directory, pdeOffset);
    if ((pde & PTE_P) === 0) return this.fail(linear, code);
    this.executable = true;
    if (pde & PTE_PS && cr4 & CR4_PSE) {
      const pdeHigh = (pde & PDE_4M_HIGH) >>> PDE_4M_HIGH_SHIFT;
      if (pdeHigh & ~this.highAddress) return this.fail(linear, code | PF_P | PF_RSVD);
      this.size = PAGE_LARGE;
      this.page = (pdeHigh << 20) | ((pde >>> 12) & 0xffc00) | ((linear >>> 12) & 0x3ff);
      return this.finish(linear, fetch, code, directory, pdeOffset, pde, pde, cr0, cr4);
    }
    if ((pde & PTE_A) === 0) this.writeEntry(directory, pdeOffset, pde | PTE_A);
    const table = pde >>> 12;
    const pteOffset = (linear >>> 10) & 0xffc;
    const pte = this.readEntry(table, pteOffset);
    if ((pte & PTE_P) === 0) return this.fail(linear, code);
    this.size = PAGE_4K;
    this.page = pte >>> 12;
    return this.finish(linear, fetch, code, table, pteOffset, pte, pde & pte, cr0, cr4);
  }

  private walkPae(linear: number, fetch: boolean, code: number, cr0: number, cr4: number): boolean {
    const nx = this.noExecuteEnabled;
    const reserved = nx ? this.paeReserved : this.paeReserved | PTE_XD_HIGH;
    const slot = (linear >>> 30) << 1;
    const pdpte = this.pdptes[slot];
    if ((pdpte & PTE_P) === 0) return this.fail(linear, code);
    this.rootLow = pdpte;
    this.rootHigh = this.pdptes[slot + 1];
    const directory = this.pageOf(pdpte, this.pdptes[slot + 1]);
    const pdeOffset = (linear >>> 18) & 0xff8;
    const pde = this.readPair(directory, pdeOffset);
    if ((pde & PTE_P) === 0) return this.fail(linear, code);
    const pdeHigh = this.high;
    if (pdeHigh & reserved) return this.fail(linear, code | PF_P | PF_RSVD);
    if (pde & PTE_PS) {
      if (pde & PDE_2M_RESERVED) return this.fail(linear, code | PF_P | PF_RSVD);
      this.size = PAGE_LARGE;
      this.executable = !nx || pdeHigh >= 0;
      this.page = (this.pageOf(pde, pdeHigh) & ~0x1ff) | ((linear >>> 12) & 0x1ff);
      return this.finish(linear, fetch, code, directory, pdeOffset, pde, pde, cr0, cr4);
    }
    if ((pde & PTE_A) === 0) this.writeEntry(directory, pdeOffset, pde | PTE_A);
    const table = this.pageOf(pde, pdeHigh);
    const pteOffset = (linear >>> 9) & 0xff8;
    const pte = this.readPair(table, pteOffset);
    if ((pte & PTE_P) === 0) return this.fail(linear, code);
    const pteHigh = this.high;
    if (pteHigh & reserved) return this.fail(linear, code | PF_P | PF_RSVD);
    this.size = PAGE_4K;
    this.executable = !nx || (pdeHigh | pteHigh) >= 0;
    this.page = this.pageOf(pte, pteHigh);
    return this.finish(linear, fetch, code, table, pteOffset, pte, pde & pte, cr0, cr4);
  }

  /** 4-level paging [SDM3 4.5]: level 3 is the PML4, level 0 the page table. */
  private walkLong(linear: number, fetch: boolean, code: number, cr0: number, cr4: number): boolean {
    if (!isCanonical(linear)) return this.refuse();
    const high = highHalf(linear);
    const nx = this.noExecuteEnabled;
    const reserved = nx ? this.longReserved : this.longReserved | PTE_XD_HIGH;
    let table = this.pageOf(this.state.getU32(CR3_OFFSET), this.state.getU32(CR3_OFFSET + 4));
    let rights = -1;
    let noExecute = 0;
    for (let level = 3; ; level--) {
      const offset = levelOffset(linear, high, level);
      const entry = this.readPair(table, offset);
      if ((entry & PTE_P) === 0) return this.fail(linear, code);
      const entryHigh = this.high;
      if (entryHigh & reserved || this.reservesLow(entry, level)) return this.fail(linear, code | PF_P | PF_RSVD);
      rights &= entry;
      noExecute |= entryHigh;
      if (level === 0 || entry & PTE_PS) {
        this.size = level === 2 ? PAGE_1G : level;
        this.executable = !nx || noExecute >= 0;
        const within = (1 << (level * 9)) - 1;
        this.page = (this.pageOf(entry, entryHigh) & ~within) | ((linear >>> 12) & within);
        return this.finish(linear, fetch, code, table, offset, entry, rights, cr0, cr4);
      }
      if ((entry & PTE_A) === 0) this.writeEntry(table, offset, entry | PTE_A);
      table = this.pageOf(entry, entryHigh);
    }
  }

  /** A page size that the level does not have, or address bits below the page's size [SDM3 tables 4-15 to 4-18]. */
  private reservesLow(entry: number, level: number): boolean {
    if (level === 0 || (entry & PTE_PS) === 0) return false;
    if (level === 1) return (entry & PDE_2M_RESERVED) !== 0;
    return level === 3 || !this.has1GPages || (entry & PDPTE_1G_RESERVED) !== 0;
  }

  /** Page number in an entry of 64 bits. */
  private pageOf(low: number, high: number): number {
    return ((high & this.highAddress) << 20) | (low >>> 12);
  }

  /** Checks the combined rights [SDM3 4.6.1], sets the leaf's accessed and dirty bits. */
  private finish(
    linear: number, fetch: boolean, code: number, table: number, offset: number, leaf: number, rights: number, cr0: number, cr4: number,
  ): boolean {
    const user = (code & PF_US) !== 0;
    const write = (code & PF_WR) !== 0;
    const userPage = (rights & PTE_US) !== 0;
    const mayWrite = (rights & PTE_RW) !== 0 || (!user && (cr0 & CR0_WP) === 0);
    if (!user && userPage && cr4 & CR4_SMEP) this.executable = false;
    this.readable = user ? userPage : !userPage || supervisorReachesUserPages(this.state);
    const allowed = fetch ? this.executable && (!user || userPage) : this.readable && (!write || mayWrite);
    if (!allowed) return this.fail(linear, code | PF_P);
    const marked = leaf | (write ? PTE_A | PTE_D : PTE_A);
    if (marked !== leaf) this.writeEntry(table, offset, marked);
    this.writable = this.readable && mayWrite && (marked & PTE_D) !== 0;
    this.global = (leaf & PTE_G) !== 0 && (cr4 & CR4_PGE) !== 0;
    this.userPage = userPage;
    return true;
  }

  private fail(linear: number, code: number): false {
    const state = this.state;
    state.setU32(CR2_OFFSET, linear >>> 0);
    state.setU32(CR2_OFFSET + 4, this.highOf(linear));
    return this.record(VECTOR_PF, code);
  }

  /** The caller turns it into #SS for an access to the stack segment. */
  private refuse(): false {
    return this.record(VECTOR_GP, 0);
  }

  private record(vector: number, code: number): false {
    const state = this.state;
    state.setU32(L.FAULT_VECTOR, vector);
    state.setU32(L.FAULT_ERROR, code);
    state.setU32(L.FAULT_HAS_ERROR, 1);
    return false;
  }

  /** The low half of an entry of 64 bits; leaves the other one in `high`. */
  private readPair(page: number, offset: number): number {
    const frame: number = this.memory.readFrame(page);
    if (frame === 0) {
      const low = this.readEntry(page, offset);
      this.high = this.readEntry(page, offset + 4);
      return low;
    }
    const at = frame + offset;
    if (this.length !== NO_PATH) {
      this.places[this.length++] = at;
      this.places[this.length++] = at + 4;
    }
    const { i32 } = this.state.arena;
    this.high = i32[(at >>> 2) + 1];
    return i32[at >>> 2];
  }

  private readEntry(page: number, offset: number): number {
    const frame: number = this.memory.readFrame(page);
    if (frame === 0) {
      this.length = NO_PATH;
      return this.memory.readPhys(page * 4096 + offset, 4) | 0;
    }
    if (this.length !== NO_PATH) this.places[this.length++] = frame + offset;
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

/** Byte offset of the entry that a level's table has for a linear address: nine bits of it, times eight. */
function levelOffset(linear: number, high: number, level: number): number {
  switch (level) {
    case 3: return (high >>> 4) & 0xff8;
    case 2: return ((high << 5) | (linear >>> 27)) & 0xff8;
    case 1: return (linear >>> 18) & 0xff8;
    default: return (linear >>> 9) & 0xff8;
  }
}
