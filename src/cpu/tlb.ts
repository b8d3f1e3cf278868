/**
 * The software TLB that handlers and compiled regions look up in WebAssembly (layout.ts): filling it from page walks
 * (paging.ts) and dropping what may no longer be used. [SDM3 4.10] caching of translations.
 *
 * A tag is set only for what the next access may do without asking: permitted, backed by a frame and, for writes,
 * dirty already and without decoded code in the frame; with code, TLB_CODE is set in it. Everything else comes back here. Pages
 * with a data breakpoint get no read and write tags, so breakpoints cost nothing while none is set.
 *
 * Tags have 64 bits. Code of 16 and 32 bits looks at their low halves only, so while it runs no tag of its set has another
 * high half than zero: `restrictTo32` sees to that. With SMAP, what the supervisor set knows of user pages is good only while
 * EFLAGS.AC is set: `restrictUserPages`. There are no tags by PCID: CR3 is loaded as if it had none, which a processor may do
 * (address-spaces.ts has what is left of other address spaces).
 */
import type { ArenaAddr } from '../memory/address.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { AddressSpaces, MAY_EXECUTE, MAY_READ, MAY_WRITE, USER_PAGE, type Visit } from './address-spaces.ts';
import * as L from './layout.ts';
import { type Access, PAGE_1G, PAGE_4K, PageWalker, supervisorReachesUserPages } from './paging.ts';
import { type CpuProfile, DEFAULT_PROFILE } from './profiles.ts';
import type { CpuState } from './state.ts';

const PAGE_MASK = ~0xfff;
const INDEX_MASK = L.TLB_ENTRIES - 1;
const INVALID = Number(L.TLB_INVALID);
const SLOTS = 2 * L.TLB_ENTRIES;
// Fields of an entry in 32-bit words.
const ENTRY_WORDS = L.TLB_ENTRY_SIZE / 4;
const READ = L.TLB_READ / 4, WRITE = L.TLB_WRITE / 4, EXECUTE = L.TLB_EXECUTE / 4, ADDEND = L.TLB_ADDEND / 4;
const PHYSICAL = L.TLB_PHYSICAL / 4;
// What `marks` remembers of a slot: in which lists it is, and what its entry is that of.
const IN_GLOBAL = 1, IN_LOCAL = 2, IS_GLOBAL = 4, IS_USER_PAGE = 8, IS_HIGH = 16;
/** Regions of the linear space, by a hash: 4 MiB each for large pages, 1 GiB for huge ones. */
const REGIONS = 1024;
/** Pages that `translated` tells apart: those of 4 GiB. */
const TRANSLATED_PAGES = 1 << 20;
/** Numbers of pages in `writers`, where more than one slot may have a write tag of the page SEVERAL stands. */
const WRITERS = 1 << 16, SEVERAL = 0xffff;
/** The bit of an address that the A20 gate masks, in a page number. */
const A20_PAGE = 1 << 8;
const LARGE_REGION = 0xffc00000 | 0, HUGE_REGION = 0xc0000000 | 0;

export class Tlb {
  protected readonly state: CpuState;
  protected readonly memory: GuestMemory;
  protected readonly walker: PageWalker;
  /**
   * Slots (user set after supervisor set) that may hold a tag, so that a flush touches no others: those that have held one of
   * a global page since the last full flush, and those that have held another one since the last flush of any kind.
   */
  private readonly globals = new SlotList(SLOTS);
  private readonly locals = new SlotList(SLOTS);
  private readonly marks = new Uint8Array(SLOTS);
  /** Regions that have an entry which is part of a large page: INVLPG drops all of them. */
  private readonly largeRegions = new Uint8Array(REGIONS);
  private readonly hugeRegions = new Uint8Array(REGIONS);
  private hasLarge = false;
  /** Slots of the supervisor set that may hold an entry of a user page, and those of either set that may hold a high half. */
  private readonly userPages = new Suspects();
  private readonly high = { supervisor: new Suspects(), user: new Suspects() };
  /** Guest-physical pages, by their low bits, that may have been in an entry since the last full flush, a bit each. */
  private readonly translated = new Uint32Array(TRANSLATED_PAGES / 32);
  /** Likewise, by fewer bits: the slot, plus 1, whose entry may have a write tag since code was last made from their frame. */
  private readonly writers = new Uint16Array(WRITERS);
  private readonly spaces = new AddressSpaces();
  private readonly breakpointPages: number[] = [];
  /** Counts changes of the whole memory map (`dropFrame(-1)`), for those who need to know whether one happened. */
  mapGeneration = 0;

  constructor(state: CpuState, memory: GuestMemory, profile: CpuProfile = DEFAULT_PROFILE) {
    this.state = state;
    this.memory = memory;
    this.walker = new PageWalker(state, memory, profile);
    this.clear();
  }

  /** EFER has changed: NXE and LMA matter to walks. */
  setEfer(efer: number): void {
    this.walker.setEfer(efer);
    this.flush();
  }

  /** The PDPTE registers, low and high halves in turn. */
  get pdptes(): Int32Array { return this.walker.pdptes; }

  /** Loads the PDPTE registers from memory; false when an entry has a reserved bit set (#GP). */
  loadPdptes(cr3: number): boolean { return this.walker.loadPdptes(cr3); }

  /**
   * Walks the page tables and sets accessed and dirty bits. Returns the guest-physical address, or -1 after it has
   * recorded #PF in FAULT_VECTOR, FAULT_ERROR and CR2, or #GP(0) for an address that is not canonical.
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
    const high = walker.highOf(linear);
    // Code of 32 bits must not find it in the set that it uses.
    const hidden = high !== 0 && user === (this.state.cpl === 3) && !this.state.code64;
    const data = readFrame !== 0 && !hidden && walker.readable && !this.hasBreakpoint(linear);
    const executable = readFrame !== 0 && !hidden && walker.executable;
    const rights = (data ? MAY_READ : 0) | (data && writeFrame !== 0 ? MAY_WRITE : 0) | (executable ? MAY_EXECUTE : 0) | (walker.userPage ? USER_PAGE : 0);
    this.enter(slot, page, readFrame, tag, high, rights);
    this.mark(slot, high, walker.global, walker.userPage);
    if (walker.size !== PAGE_4K) this.markLarge(linear, high);
    else if (!walker.global && rights & (MAY_READ | MAY_EXECUTE)) this.spaces.note(slot, page, tag, high, rights, walker, this.state.arena.i32);
    return true;
  }

  /** Sets an entry: the page of `tag` and `high` is in a frame, to which `rights` says what may be done. */
  private enter(slot: number, page: number, frame: number, tag: number, high: number, rights: number): void {
    const at = this.slotWord(slot);
    const { i32 } = this.state.arena;
    const writable = (rights & MAY_WRITE) !== 0;
    const hasCode = writable && this.memory.pool.hasCode(frame as ArenaAddr);
    this.setTag(i32, at + READ, (rights & MAY_READ) !== 0, tag, high);
    this.setTag(i32, at + WRITE, writable, hasCode ? tag | L.TLB_CODE : tag, high);
    if (writable && !hasCode) this.noteWriter(page, slot);
    this.setTag(i32, at + EXECUTE, (rights & MAY_EXECUTE) !== 0, tag, high);
    i32[at + ADDEND] = frame - tag;
    i32[at + PHYSICAL] = page;
    this.translated[(page & (TRANSLATED_PAGES - 1)) >>> 5] |= 1 << (page & 31);
  }

  private noteWriter(page: number, slot: number): void {
    const writer = this.writers[page & (WRITERS - 1)];
    if (writer === slot + 1 || writer === SEVERAL) return;
    const only = writer === 0 || !this.mayWrite(writer - 1, page);
    this.writers[page & (WRITERS - 1)] = only ? slot + 1 : SEVERAL;
  }
  /** A slot has a write tag of a page that goes by the same number in `writers`. */
  private mayWrite(slot: number, page: number): boolean {
    const at = this.slotWord(slot);
    const { i32 } = this.state.arena;
    return ((i32[at + PHYSICAL] ^ page) & (WRITERS - 1)) === 0 && i32[at + WRITE] !== INVALID;
  }

  /** CR3 has been loaded: as `flushNonGlobal`, and the pages that were met last in this address space are there if they are as they were. */
  switchSpace(low: number, high: number): void {
    this.flushNonGlobal();
    this.spaces.enter(low, high, this.state.arena.i32, this.root, this.putBack);
  }
  private readonly root = (tag: number, half: 0 | 1): number => this.walker.rootOf(tag, half);
  private readonly putBack: Visit = (slot, page, tag, high, rights) => {
    const userPage = (rights & USER_PAGE) !== 0;
    // Code of 32 bits must not find a high half, nor, with SMAP, the supervisor a user's page without EFLAGS.AC.
    if ((high !== 0 && !this.state.code64) || (userPage && slot < L.TLB_ENTRIES && !supervisorReachesUserPages(this.state))) return;
    this.enter(slot, page, this.memory.readFrame(page), tag, high, rights);
    this.mark(slot, high, false, userPage);
  };

  private setTag(i32: Int32Array, word: number, valid: boolean, tag: number, high: number): void {
    i32[word] = valid ? tag : INVALID;
    i32[word + 1] = valid ? high : 0;
  }

  /** Notes of an entry what flushes will want to know. */
  private mark(slot: number, high: number, global: boolean, userPage: boolean): void {
    const list = global ? IN_GLOBAL : IN_LOCAL;
    const lists = this.marks[slot] & (IN_GLOBAL | IN_LOCAL);
    if ((lists & list) === 0) (global ? this.globals : this.locals).add(slot);
    let marks = lists | list;
    if (global) marks |= IS_GLOBAL;
    const user = slot >= L.TLB_ENTRIES;
    if (userPage && !user) {
      marks |= IS_USER_PAGE;
      this.userPages.add(slot);
    }
    if (high !== 0) {
      marks |= IS_HIGH;
      (user ? this.high.user : this.high.supervisor).add(slot);
    }
    this.marks[slot] = marks;
  }
  private markLarge(linear: number, high: number): void {
    this.hasLarge = true;
    if (this.walker.size === PAGE_1G) this.hugeRegions[regionOf(linear, high, 30)] = 1;
    else this.largeRegions[regionOf(linear, high, 22)] = 1;
  }

  /** Drops every entry, global ones too. */
  flush(): void {
    this.spaces.forget();
    this.eachListed((at, slot) => {
      this.dropTags(at);
      this.marks[slot] = 0;
    });
    this.forgetEntries();
  }

  /** After all entries have been dropped. */
  private forgetEntries(): void {
    if (this.globals.count + this.locals.count > 0) {
      this.translated.fill(0);
      this.writers.fill(0);
    }
    this.globals.count = this.locals.count = 0;
    for (const suspects of [this.userPages, this.high.supervisor, this.high.user]) suspects.clear();
    this.forgetLarge();
  }

  private forgetLarge(): void {
    if (!this.hasLarge) return;
    this.largeRegions.fill(0);
    this.hugeRegions.fill(0);
    this.hasLarge = false;
  }

  /** Drops every entry but those of global pages [SDM3 4.10.2.4]. */
  flushNonGlobal(): void {
    const { locals, marks } = this;
    for (let i = 0; i < locals.count; i++) {
      const slot = locals.slots[i];
      if ((marks[slot] & IS_GLOBAL) === 0) this.dropTags(this.slotWord(slot));
      marks[slot] &= ~IN_LOCAL;
    }
    locals.count = 0;
  }

  /** INVLPG: drops the page's translation, global or not, and all of a large page's. */
  invalidatePage(linear: number): void {
    const i32 = this.state.arena.i32;
    const index = (linear >>> 12) & INDEX_MASK;
    const high = this.walker.highOf(linear);
    this.dropIfTagged(i32, index, linear, high, PAGE_MASK);
    this.dropIfTagged(i32, index + L.TLB_ENTRIES, linear, high, PAGE_MASK);
    if (!this.hasLarge) return;
    if (this.largeRegions[regionOf(linear, high, 22)] !== 0) this.dropRegion(linear, high, LARGE_REGION);
    if (this.hugeRegions[regionOf(linear, high, 30)] !== 0) this.dropRegion(linear, high, HUGE_REGION);
  }

  private dropRegion(linear: number, high: number, mask: number): void {
    const i32 = this.state.arena.i32;
    this.eachListed((_at, slot) => this.dropIfTagged(i32, slot, linear, high, mask));
  }

  /** Supervisor-mode code may not touch user pages any more [SDM3 4.6.1: SMAP]: drops what its set knows of them. */
  restrictUserPages(): void {
    this.dropMarked(IS_USER_PAGE, this.userPages);
  }

  /** Code of 16 or 32 bits is about to run in long mode: no tag of its set may have a high half. */
  restrictTo32(user: boolean): void {
    this.dropMarked(IS_HIGH, user ? this.high.user : this.high.supervisor);
  }

  /** Drops those of the suspects whose entry has the mark. */
  private dropMarked(mark: number, suspects: Suspects): void {
    for (let i = 0; i < suspects.count; i++) {
      const slot = suspects.slots[i];
      if ((this.marks[slot] & mark) === 0) continue;
      this.dropTags(this.slotWord(slot));
      this.marks[slot] &= ~mark;
    }
    suspects.clear();
  }

  /** The frame behind a guest-physical page changed (-1: behind any page). */
  dropFrame(page: number): void {
    this.spaces.forget();
    if (page === -1) {
      this.mapGeneration++;
      this.flush();
      return;
    }
    if (!this.wasTranslated(page)) return;
    const i32 = this.state.arena.i32;
    this.eachListed((at) => {
      if (i32[at + PHYSICAL] === page) this.dropTags(at);
    });
  }

  private wasTranslated(page: number): boolean {
    return (this.translated[(page & (TRANSLATED_PAGES - 1)) >>> 5] & (1 << (page & 31))) !== 0;
  }

  /** Stores to a guest-physical page have to ask from now on, because code was made from its frame. */
  protectCode(page: number): void {
    // With A20 masked, two page numbers name one page.
    if (this.memory.a20) this.protectPage(page);
    else for (const alias of [page & ~A20_PAGE, page | A20_PAGE]) this.protectPage(alias);
  }
  private protectPage(page: number): void {
    const writer = this.writers[page & (WRITERS - 1)];
    if (writer === 0) return;
    this.writers[page & (WRITERS - 1)] = 0;
    if (writer !== SEVERAL) return this.protectSlot(writer - 1, page);
    for (const { slots, count } of [this.globals, this.locals]) for (let i = 0; i < count; i++) this.protectSlot(slots[i], page);
  }
  /** Another page that goes by the same number may be marked too: the next store to it finds out. */
  private protectSlot(slot: number, page: number): void {
    if (this.mayWrite(slot, page)) this.state.arena.i32[this.slotWord(slot) + WRITE] |= L.TLB_CODE;
  }

  /** Makes the pages of these linear addresses take the slow path for reads and writes. */
  setBreakpointPages(addresses: readonly number[]): void {
    this.breakpointPages.length = 0;
    for (const address of addresses) this.breakpointPages.push(Math.floor(address / 4096));
    this.flush();
  }

  /** Whether data accesses to this page have to be checked against the debug registers. */
  hasBreakpoint(linear: number): boolean {
    if (this.breakpointPages.length === 0) return false;
    return this.breakpointPages.includes(this.walker.highOf(linear) * 0x100000 + (linear >>> 12));
  }

  /** Invalidates all entries whatever they hold, as after power-on or when the state was overwritten from outside. */
  clear(): void {
    const i32 = this.state.arena.i32;
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = this.slotWord(slot);
      i32.fill(0, at, at + ENTRY_WORDS);
      this.dropTags(at);
    }
    this.marks.fill(0);
    this.spaces.forget();
    this.forgetEntries();
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
    return memory.writeFrame(page);
  }

  /** Index of a slot's entry in the 32-bit views of the arena. */
  protected slotWord(slot: number): number {
    return ((this.state.base + L.TLB_SUPERVISOR) >>> 2) + slot * ENTRY_WORDS;
  }

  /** Calls with the entry and the slot of all that may hold a tag; some slots come twice. */
  private eachListed(visit: (at: number, slot: number) => void): void {
    for (const { slots, count } of [this.globals, this.locals]) {
      for (let i = 0; i < count; i++) visit(this.slotWord(slots[i]), slots[i]);
    }
  }

  private dropTags(at: number): void {
    const i32 = this.state.arena.i32;
    i32[at + READ] = i32[at + WRITE] = i32[at + EXECUTE] = INVALID;
    i32[at + READ + 1] = i32[at + WRITE + 1] = i32[at + EXECUTE + 1] = 0;
  }

  /** Drops an entry whose tags agree with the linear address in the bits of `mask`. */
  private dropIfTagged(i32: Int32Array, slot: number, linear: number, high: number, mask: number): void {
    const at = this.slotWord(slot);
    if (agrees(i32, at + READ, linear, high, mask) || agrees(i32, at + WRITE, linear, high, mask) || agrees(i32, at + EXECUTE, linear, high, mask)) this.dropTags(at);
  }
}

const agrees = (i32: Int32Array, tag: number, linear: number, high: number, mask: number): boolean =>
  i32[tag] !== INVALID && ((i32[tag] ^ linear) & mask) === 0 && i32[tag + 1] === high;

/** Numbers of slots, each at most once. */
class SlotList {
  readonly slots: Uint16Array;
  count = 0;
  constructor(size: number) {
    this.slots = new Uint16Array(size);
  }
  add(slot: number): void {
    this.slots[this.count++] = slot;
  }
}

/** Slots that have got an entry of some kind since they were last looked through; another entry may have followed. */
class Suspects {
  readonly slots = new Uint16Array(SLOTS);
  count = 0;
  private readonly has = new Uint8Array(SLOTS);

  add(slot: number): void {
    if (this.has[slot] !== 0) return;
    this.has[slot] = 1;
    this.slots[this.count++] = slot;
  }
  clear(): void {
    for (let i = 0; i < this.count; i++) this.has[this.slots[i]] = 0;
    this.count = 0;
  }
}

function regionOf(linear: number, high: number, shift: 22 | 30): number {
  return ((linear >>> shift) ^ (high << 2)) & (REGIONS - 1);
}
