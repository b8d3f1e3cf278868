/**
 * What the TLB knew of address spaces that are not in use: when one is loaded again, its pages need no walk. A processor may cache
 * a translation ahead of its use [SDM3 4.10.2.3], so nothing shows if what is put back is what a walk would find now: a
 * translation is kept with the paging-structure entries that it was made from, and holds only while they are the same.
 */

/** Address spaces, and translations of each, at most: those that were met last. */
const SPACES = 8;
const TRANSLATIONS = 32;
/** Words of entries on the way to a page: two each for four levels. */
export const MAX_PATH = 8;

// A translation, in words.
const SLOT = 0, PAGE = 1, TAG = 2, HIGH = 3, RIGHTS = 4, ROOT = 5, LENGTH = 7, PLACES = 8, VALUES = PLACES + MAX_PATH, SIZE = VALUES + MAX_PATH;

/** What a TLB entry permits, and whether the page is a user's. */
export const MAY_READ = 1, MAY_WRITE = 2, MAY_EXECUTE = 4, USER_PAGE = 8;

/** The way that a walk took. */
export interface Path {
  /** Arena addresses of the words of the entries; a negative number of them: some are not in a frame. */
  readonly places: Int32Array;
  readonly length: number;
  /** CR3, in halves of 32 bits, signed. */
  readonly cr3Low: number;
  readonly cr3High: number;
  /** The PDPTE register of PAE paging; else zeros. */
  readonly rootLow: number;
  readonly rootHigh: number;
}

/** A page's place in the TLB, its guest-physical number, its linear address in halves, and its rights. */
export type Visit = (slot: number, page: number, tag: number, high: number, rights: number) => void;

class Space {
  /** CR3. */
  low = 0;
  high = 0;
  /** Numbers of the first translation that counts, and of the next one; each lies where its number says, modulo what there is room for. */
  first = 0;
  next = 0;
  readonly words = new Int32Array(TRANSLATIONS * SIZE);
}

export class AddressSpaces {
  private readonly spaces: Space[] = [new Space()];
  private get current(): Space {
    return this.spaces[0];
  }

  /** The last walk has found a page; `i32` is the arena. */
  note(slot: number, page: number, tag: number, high: number, rights: number, path: Path, i32: Int32Array): void {
    if (path.length < 0) return;
    this.select(path.cr3Low, path.cr3High);
    const { words } = this.current;
    const at = this.take();
    words[at + SLOT] = slot;
    words[at + PAGE] = page;
    words[at + TAG] = tag;
    words[at + HIGH] = high;
    words[at + RIGHTS] = rights;
    words[at + ROOT] = path.rootLow;
    words[at + ROOT + 1] = path.rootHigh;
    words[at + LENGTH] = path.length;
    for (let i = 0; i < path.length; i++) {
      words[at + PLACES + i] = path.places[i];
      words[at + VALUES + i] = i32[path.places[i] >>> 2];
    }
  }

  /** CR3 was loaded. Calls with what still holds in the space that is current now; `root` gives the halves of a page's PDPTE register. */
  enter(low: number, high: number, i32: Int32Array, root: (tag: number, half: 0 | 1) => number, visit: Visit): void {
    this.select(low | 0, high | 0);
    const { current } = this;
    const { words, first, next } = current;
    // What holds is noted anew: never past the one that is looked at.
    current.next = first;
    for (let n = first; n < next; n++) {
      const at = (n % TRANSLATIONS) * SIZE;
      const tag = words[at + TAG];
      if (words[at + ROOT] !== root(tag, 0) || words[at + ROOT + 1] !== root(tag, 1) || !this.holds(words, at, i32)) continue;
      visit(words[at + SLOT], words[at + PAGE], tag, words[at + HIGH], words[at + RIGHTS]);
      const to = this.take();
      if (to !== at) words.copyWithin(to, at, at + SIZE);
    }
  }

  /** Frames, rights or breakpoints are not what they were: everything is to be walked anew. */
  forget(): void {
    for (const space of this.spaces) space.first = space.next = 0;
  }

  /** Where the next translation goes; the oldest one makes room. */
  private take(): number {
    const { current } = this;
    const at = (current.next++ % TRANSLATIONS) * SIZE;
    if (current.next - current.first > TRANSLATIONS) current.first++;
    return at;
  }

  private holds(words: Int32Array, at: number, i32: Int32Array): boolean {
    for (let i = 0; i < words[at + LENGTH]; i++) if (i32[words[at + PLACES + i] >>> 2] !== words[at + VALUES + i]) return false;
    return true;
  }

  /** The space with this CR3 becomes the first one; the one that was used longest ago makes room. */
  private select(low: number, high: number): void {
    const { spaces } = this;
    if (spaces[0].low === low && spaces[0].high === high) return;
    let index = spaces.findIndex((space) => space.low === low && space.high === high);
    if (index < 0) {
      const space = spaces.length < SPACES ? new Space() : (spaces.pop() as Space);
      space.low = low;
      space.high = high;
      space.first = space.next = 0;
      index = spaces.push(space) - 1;
    }
    if (index > 0) spaces.unshift(...spaces.splice(index, 1));
  }
}
