/**
 * What records of instructions are made from, by the bytes before displacement and immediate: prefixes, opcode, ModRM and
 * SIB decide about all of a record but those two, and code is made of few such heads. The first instruction with a head is
 * decoded (isa/decode.ts); from then on one look per byte of the head finds its template.
 */

/** How many bytes of heads are told apart, by a direct-mapped table; heads that lose a place in it are decoded again. */
const STEPS = 1 << 15;
/** Templates, and places where heads branch, until all of them are forgotten. A boot of Debian for amd64 has 50,000 heads, and nine of ten instructions one that is known. */
const TEMPLATES = 1 << 13;
const NODES = 1 << 15;
/** The first byte of a head is looked up by mode: modes have nodes of their own, of which there are few. */
const FIRST_NODE = 64;

/** Words of a template: its record's first three, what to add to the displacement, the record's sixth, sizes and flags. */
export const WORDS = 6;
export const HANDLER = 0, REGISTERS = 1, INDEX = 2, ADJUST = 3, EXTRA = 4, FORM = 5;
/** In FORM: bytes of head, displacement and immediate, four bits each, and flags. */
export const DISPLACEMENT_SHIFT = 4, IMMEDIATE_SHIFT = 8;
/** The immediate is sign-extended; it is relative to the next instruction; so is the displacement. */
export const SIGNED = 0x1000, RELATIVE = 0x2000, RIP = 0x4000;
/** The record counts branches; it ends a block. */
export const BRANCHES = 0x8000, ENDS = 0x10000;

export class Templates {
  readonly words = new Int32Array(TEMPLATES * WORDS);
  private count = 0;
  private nodes = FIRST_NODE;
  private readonly roots = new Map<number, number>();
  /** Of a step, the node it starts from with the byte, and where it leads: a node, or below 0 the complement of a template. */
  private readonly keys = new Int32Array(STEPS).fill(-1);
  private readonly targets = new Int32Array(STEPS);
  private lastMode = -1;
  private lastRoot = 0;

  /** Index in `words` of the template for the bytes at `at`, or -1. Bytes behind the code are looked at too. */
  find(bytes: Uint8Array, at: number, mode: number): number {
    let node = this.root(mode);
    if (node === undefined) return -1;
    for (;;) {
      const key = (node << 8) | bytes[at++];
      const step = stepOf(key);
      if (this.keys[step] !== key) return -1;
      node = this.targets[step];
      if (node < 0) return ~node;
    }
  }

  /** A place in `words` for the template of a head of so many bytes. */
  add(bytes: Uint8Array, at: number, length: number, mode: number): number {
    if (this.count === TEMPLATES || this.nodes + length > NODES) this.clear();
    let node = this.root(mode) ?? this.addRoot(mode);
    const template = this.count++ * WORDS;
    for (let i = 0; i < length; i++) {
      const key = (node << 8) | bytes[at + i];
      const step = stepOf(key);
      const last = i === length - 1;
      if (this.keys[step] !== key || last) {
        this.keys[step] = key;
        this.targets[step] = last ? ~template : this.nodes++;
      }
      node = this.targets[step];
    }
    return template;
  }

  private clear(): void {
    this.keys.fill(-1);
    this.roots.clear();
    this.lastMode = -1;
    this.count = 0;
    this.nodes = FIRST_NODE;
  }

  private root(mode: number): number | undefined {
    if (mode === this.lastMode) return this.lastRoot;
    const root = this.roots.get(mode);
    if (root === undefined) return undefined;
    this.lastMode = mode;
    return (this.lastRoot = root);
  }
  private addRoot(mode: number): number {
    if (this.roots.size === FIRST_NODE) this.clear();
    const root = this.roots.size;
    this.roots.set(mode, root);
    return root;
  }
}

/** Where a step stands in the table. */
const stepOf = (key: number): number => (Math.imul(key, 0x9e3779b1) >>> 17) & (STEPS - 1);
