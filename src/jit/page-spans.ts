/**
 * Accesses by one register that differ by constants mostly lie in one page: one look at the TLB then serves all of them, and each
 * becomes one load or store at a constant distance. Where it does not serve them all (the span crosses its page, code lies
 * beside it), each looks for itself. So does every access after something that may have changed what is mapped.
 */
import type { Int } from '../isa/ops.ts';
import type { Variable } from '../wasm/function.ts';

/** Bytes that a span covers at most: the longer it is, the more likely it crosses its page. */
const LONGEST = 256;

export class PageSpan {
  /** The value that addresses are relative to, and the first and last byte, from there. */
  readonly root: Int;
  low: number;
  end: number;
  /** Some of the accesses write. */
  write: boolean;
  accesses = 0;
  /** Arena address of the byte at `low`; 0: each access looks for itself. */
  readonly host: Variable<'i32'>;
  /** How many structures enclose the place of the look. */
  private readonly nesting: number;

  constructor(root: Int, at: number, bytes: number, write: boolean, host: Variable<'i32'>, nesting: number) {
    this.root = root;
    this.low = at;
    this.end = at + bytes;
    this.write = write;
    this.host = host;
    this.nesting = nesting;
  }

  /** A single access is best served by a look of its own. */
  get isShared(): boolean {
    return this.accesses > 1;
  }

  /** Takes an access in, if it is one that the look may serve; what happens on some paths only, asks for no more rights. */
  admit(root: Int, at: number, bytes: number, write: boolean, nesting: number): boolean {
    if (root !== this.root || (write && !this.write && nesting !== this.nesting)) return false;
    const low = Math.min(this.low, at);
    const end = Math.max(this.end, at + bytes);
    if (end - low > LONGEST) return false;
    this.low = low;
    this.end = end;
    this.write ||= write;
    return true;
  }
}
