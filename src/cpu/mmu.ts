/**
 * Linear to guest-physical translation for the TypeScript slow paths, and the software TLB that handlers and compiled
 * regions look up in WebAssembly (layout.ts). Walks are in paging.ts. [SDM3 4.10] caching of translations.
 *
 * A tag is set only for what the next access may do without asking: permitted, backed by a frame and, for writes,
 * dirty already and without decoded code in the frame. Everything else comes back here. Pages with a data breakpoint
 * get no read and write tags, so breakpoints cost nothing while none is set.
 *
 * Linear addresses are 32 bits: of a 64-bit tag only the low half is ever written, the high half stays zero.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import { GuestFault } from './fault.ts';
import * as L from './layout.ts';
import { type Access, PageWalker } from './paging.ts';
import { VECTOR_PF } from './registers.ts';
import type { CpuState } from './state.ts';

const PAGE_MASK = ~0xfff;
const INDEX_MASK = L.TLB_ENTRIES - 1;
const INVALID = Number(L.TLB_INVALID);
const SLOTS = 2 * L.TLB_ENTRIES;
// Fields of an entry in 32-bit words.
const ENTRY_WORDS = L.TLB_ENTRY_SIZE / 4;
const READ = L.TLB_READ / 4, WRITE = L.TLB_WRITE / 4, EXECUTE = L.TLB_EXECUTE / 4, ADDEND = L.TLB_ADDEND / 4;
const PHYSICAL = L.TLB_PHYSICAL / 4;
// What `marks` remembers of a slot.
const MARK_LISTED = 1, MARK_GLOBAL = 2;

export class Mmu {
  private readonly state: CpuState;
  private readonly memory: GuestMemory;
  private readonly walker: PageWalker;
  /** Slots (user set after supervisor set) that may hold a tag, so that a flush touches no others. */
  private readonly listed = new Uint16Array(SLOTS);
  private listedCount = 0;
  private readonly marks = new Uint8Array(SLOTS);
  /** 4 MiB regions of the linear space that have an entry which is part of a large page: INVLPG drops all of them. */
  private readonly largeRegions = new Uint8Array(1024);
  private hasLarge = false;
  private readonly breakpointPages: number[] = [];
  /** Counts changes of the whole memory map (`dropFrame(-1)`), for those who need to know whether one happened. */
  mapGeneration = 0;

  constructor(state: CpuState, memory: GuestMemory) {
    this.state = state;
    this.memory = memory;
    this.walker = new PageWalker(state, memory);
    this.clear();
  }

  /** EFER.NXE. The caller flushes. */
  get noExecuteEnabled(): boolean { return this.walker.noExecuteEnabled; }
  set noExecuteEnabled(on: boolean) { this.walker.noExecuteEnabled = on; }

  /** The PDPTE registers, low and high halves in turn. */
  get pdptes(): Int32Array { return this.walker.pdptes; }

  /** Loads the PDPTE registers from memory; false when an entry has a reserved bit set (#GP). */
  loadPdptes(cr3: number): boolean { return this.walker.loadPdptes(cr3); }

  /**
   * Walks the page tables and sets accessed and dirty bits. Returns the guest-physical address, or -1 after it has
   * recorded #PF in FAULT_VECTOR, FAULT_ERROR and CR2.
   */
  translate(linear: number, access: Access, user: boolean): number {
    if (!this.walker.walk(linear, access, user)) return -1;
    return this.walker.page * 4096 + (linear & 0xfff);
  }

  /**
   * Fills the TLB entry of `linear` in the set of `user`. False: faulted, as `translate`. True says only that the
   * access is permitted; where no frame can serve it, its tag stays invalid and the access goes through read and write
   * here.
   */
  fill(linear: number, access: Access, user: boolean): boolean {
    const walker = this.walker;
    if (!walker.walk(linear, access, user)) return false;
    const memory = this.memory;
    const page = walker.page;
    const writeFrame: number = this.writableFrame(page, access === 'write');
    const readFrame: number = memory.readFrame(page);
    const slot = ((linear >>> 12) & INDEX_MASK) + (user ? L.TLB_ENTRIES : 0);
    const tag = linear & PAGE_MASK;
    const data = readFrame !== 0 && !this.hasBreakpoint(linear);
    const at = this.slotWord(slot);
    const i32 = this.state.arena.i32;
    i32[at + READ] = data ? tag : INVALID;
    i32[at + WRITE] = data && writeFrame !== 0 ? tag : INVALID;
    i32[at + EXECUTE] = readFrame !== 0 && walker.executable ? tag : INVALID;
    i32[at + ADDEND] = readFrame - tag;
    i32[at + PHYSICAL] = page;
    if (this.marks[slot] === 0) this.listed[this.listedCount++] = slot;
    this.marks[slot] = walker.global ? MARK_LISTED | MARK_GLOBAL : MARK_LISTED;
    if (walker.large) {
      this.largeRegions[linear >>> 22] = 1;
      this.hasLarge = true;
    }
    return true;
  }

  /** Drops every entry, global ones too. */
  flush(): void {
    const i32 = this.state.arena.i32;
    for (let i = 0; i < this.listedCount; i++) {
      const slot = this.listed[i];
      this.dropTags(i32, slot);
      this.marks[slot] = 0;
    }
    this.listedCount = 0;
    if (this.hasLarge) this.largeRegions.fill(0);
    this.hasLarge = false;
  }

  /** Drops every entry but those of global pages [SDM3 4.10.2.4]. */
  flushNonGlobal(): void {
    const i32 = this.state.arena.i32;
    let kept = 0;
    for (let i = 0; i < this.listedCount; i++) {
      const slot = this.listed[i];
      if (this.marks[slot] & MARK_GLOBAL) {
        this.listed[kept++] = slot;
      } else {
        this.dropTags(i32, slot);
        this.marks[slot] = 0;
      }
    }
    this.listedCount = kept;
  }

  /** INVLPG: drops the page's translation, global or not, and all of a large page's. */
  invalidatePage(linear: number): void {
    const i32 = this.state.arena.i32;
    const index = (linear >>> 12) & INDEX_MASK;
    const tag = linear & PAGE_MASK;
    this.dropIfTagged(i32, index, tag, PAGE_MASK);
    this.dropIfTagged(i32, index + L.TLB_ENTRIES, tag, PAGE_MASK);
    if (this.largeRegions[linear >>> 22] === 0) return;
    const region = 0xffc00000 | 0;
    for (let i = 0; i < this.listedCount; i++) this.dropIfTagged(i32, this.listed[i], linear & region, region);
    this.largeRegions[linear >>> 22] = 0;
  }

  /** The frame behind a guest-physical page changed (-1: behind any page). */
  dropFrame(page: number): void {
    if (page === -1) {
      this.mapGeneration++;
      this.flush();
      return;
    }
    const i32 = this.state.arena.i32;
    for (let i = 0; i < this.listedCount; i++) {
      const slot = this.listed[i];
      if (i32[this.slotWord(slot) + PHYSICAL] === page) this.dropTags(i32, slot);
    }
  }

  /** Takes the write tags of every entry that maps a guest-physical page, because code was made from its frame. */
  protectCode(page: number): void {
    const i32 = this.state.arena.i32;
    // With A20 masked, two page numbers name one page.
    const ignore = this.memory.a20 ? ~0 : ~0x100;
    for (let i = 0; i < this.listedCount; i++) {
      const at = this.slotWord(this.listed[i]);
      if (((i32[at + PHYSICAL] ^ page) & ignore) === 0) i32[at + WRITE] = INVALID;
    }
  }

  /** Makes the pages of these linear addresses take the slow path for reads and writes. */
  setBreakpointPages(addresses: readonly number[]): void {
    this.breakpointPages.length = 0;
    for (const address of addresses) this.breakpointPages.push(address >>> 12);
    this.flush();
  }

  /** Whether data accesses to this page have to be checked against the debug registers. */
  hasBreakpoint(linear: number): boolean {
    return this.breakpointPages.length !== 0 && this.breakpointPages.includes(linear >>> 12);
  }

  /** Invalidates all entries whatever they hold, as after power-on or when the state was overwritten from outside. */
  clear(): void {
    const i32 = this.state.arena.i32;
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = this.slotWord(slot);
      i32.fill(0, at, at + ENTRY_WORDS);
      this.dropTags(i32, slot);
    }
    this.marks.fill(0);
    this.listedCount = 0;
    this.largeRegions.fill(0);
    this.hasLarge = false;
  }

  read8(linear: number, user: boolean): number {
    const at = this.readableAt(linear, user);
    if (at !== 0) return this.state.arena.u8[at];
    return this.memory.readPhys(this.physical(linear, 'read', user), 1);
  }

  read16(linear: number, user: boolean): number {
    if ((linear & 0xfff) === 0xfff) return this.readBytes(linear, 2, user);
    const at = this.readableAt(linear, user);
    if (at !== 0) return this.state.arena.view.getUint16(at, true);
    return this.memory.readPhys(this.physical(linear, 'read', user), 2);
  }

  read32(linear: number, user: boolean): number {
    if ((linear & 0xfff) > 0xffc) return this.readBytes(linear, 4, user) >>> 0;
    const at = this.readableAt(linear, user);
    if (at !== 0) return this.state.arena.view.getUint32(at, true);
    return this.memory.readPhys(this.physical(linear, 'read', user), 4);
  }

  read64(linear: number, user: boolean): bigint {
    const low = this.read32(linear, user);
    const high = this.read32((linear + 4) >>> 0, user);
    return (BigInt(high) << 32n) | BigInt(low);
  }

  write8(linear: number, value: number, user: boolean): void {
    const at = this.writableAt(linear, user);
    if (at !== 0) this.state.arena.u8[at] = value;
    else this.writeSlow(linear, 1, value & 0xff, user);
  }

  write16(linear: number, value: number, user: boolean): void {
    if ((linear & 0xfff) === 0xfff) return this.writeBytes(linear, 2, value, user);
    const at = this.writableAt(linear, user);
    if (at !== 0) this.state.arena.view.setUint16(at, value, true);
    else this.writeSlow(linear, 2, value & 0xffff, user);
  }

  write32(linear: number, value: number, user: boolean): void {
    if ((linear & 0xfff) > 0xffc) return this.writeBytes(linear, 4, value, user);
    const at = this.writableAt(linear, user);
    if (at !== 0) this.state.arena.view.setUint32(at, value, true);
    else this.writeSlow(linear, 4, value >>> 0, user);
  }

  write64(linear: number, value: bigint, user: boolean): void {
    if ((linear & 0xfff) > 0xff8) this.probeWrite(linear, 8, user);
    this.write32(linear, Number(value & 0xffffffffn), user);
    this.write32((linear + 4) >>> 0, Number((value >> 32n) & 0xffffffffn), user);
  }

  /** Faults as a write of `size` bytes (at most 4096) would; changes nothing but accessed and dirty bits. */
  probeWrite(linear: number, size: number, user: boolean): void {
    this.writableAt(linear, user);
    if ((linear & 0xfff) + size > 4096) this.writableAt(nextPage(linear), user);
  }

  /** Throws what the last walk recorded. */
  private throwPageFault(): never {
    throw new GuestFault(VECTOR_PF, this.state.getU32(L.FAULT_ERROR));
  }

  private physical(linear: number, access: Access, user: boolean): number {
    const address = this.translate(linear, access, user);
    if (address === -1) this.throwPageFault();
    return address;
  }

  /** Arena address to read `linear` at, 0 where a frame cannot serve it. */
  private readableAt(linear: number, user: boolean): number {
    const at = this.slotWord(((linear >>> 12) & INDEX_MASK) + (user ? L.TLB_ENTRIES : 0));
    const tag = linear & PAGE_MASK;
    if (this.state.arena.i32[at + READ] !== tag) {
      if (!this.fill(linear, 'read', user)) this.throwPageFault();
      if (this.state.arena.i32[at + READ] !== tag) return 0;
    }
    return (this.state.arena.i32[at + ADDEND] + linear) >>> 0;
  }

  private writableAt(linear: number, user: boolean): number {
    const at = this.slotWord(((linear >>> 12) & INDEX_MASK) + (user ? L.TLB_ENTRIES : 0));
    const tag = linear & PAGE_MASK;
    if (this.state.arena.i32[at + WRITE] !== tag) {
      if (!this.fill(linear, 'write', user)) this.throwPageFault();
      if (this.state.arena.i32[at + WRITE] !== tag) return 0;
    }
    return (this.state.arena.i32[at + ADDEND] + linear) >>> 0;
  }

  private writeSlow(linear: number, width: 1 | 2 | 4, value: number, user: boolean): void {
    this.memory.writePhys(this.physical(linear, 'write', user), width, value);
  }

  /** A read that crosses pages; both are translated before a device sees an access. */
  private readBytes(linear: number, size: number, user: boolean): number {
    this.physical(linear, 'read', user);
    this.physical(nextPage(linear), 'read', user);
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.read8((linear + i) >>> 0, user) << (i * 8);
    return value;
  }

  private writeBytes(linear: number, size: number, value: number, user: boolean): void {
    this.probeWrite(linear, size, user);
    for (let i = 0; i < size; i++) this.write8((linear + i) >>> 0, (value >>> (i * 8)) & 0xff, user);
  }

  /**
   * Frame that stores through a tag may go to. A read asks for one only where that allocates and copies nothing: it
   * saves the second miss of a page that is read, then written.
   */
  private writableFrame(page: number, write: boolean): number {
    if (!this.walker.writable) return 0;
    const memory = this.memory;
    const pool = memory.pool;
    if (!write) {
      const frame = memory.readFrame(page);
      if (frame === 0 || pool.isShared(frame)) return 0;
    }
    const frame = memory.writeFrame(page);
    return frame === 0 || pool.hasCode(frame) ? 0 : frame;
  }

  /** Index of a slot's entry in the 32-bit views of the arena. */
  private slotWord(slot: number): number {
    return ((this.state.base + L.TLB_SUPERVISOR) >>> 2) + slot * ENTRY_WORDS;
  }

  private dropTags(i32: Int32Array, slot: number): void {
    const at = this.slotWord(slot);
    i32[at + READ] = i32[at + WRITE] = i32[at + EXECUTE] = INVALID;
  }

  private dropIfTagged(i32: Int32Array, slot: number, tag: number, mask: number): void {
    const at = this.slotWord(slot);
    const matches = (word: number): boolean => i32[at + word] !== INVALID && (i32[at + word] & mask) === tag;
    if (matches(READ) || matches(WRITE) || matches(EXECUTE)) this.dropTags(i32, slot);
  }
}

function nextPage(linear: number): number {
  return ((linear & PAGE_MASK) + 4096) >>> 0;
}
