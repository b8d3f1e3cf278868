/**
 * What records of instructions are made from, by the bytes before displacement and immediate: prefixes, opcode, ModRM and
 * SIB decide about all of a record but those two, and code is made of few such heads. The first instruction with a head is
 * decoded (isa/decode.ts); from then on one look per byte of the head finds its template, in the leaf kernel.
 */
import type { Arena } from '../memory/arena.ts';
import type { RecordKernel } from './kernel-interface.ts';
import { STEP_BITS, STEP_SIZE, TEMPLATE_SIZE } from './template-layout.ts';

const STEPS_BYTES = STEP_SIZE << STEP_BITS;
/** Templates, and places where heads branch, until all of them are forgotten. A boot of Debian for amd64 has 50,000 heads, and nine of ten instructions one that is known. */
const TEMPLATES = 1 << 13;
const NODES = 1 << 15;
/** The first byte of a head is looked up by mode: modes have nodes of their own, of which there are few. No head starts from node 0. */
const FIRST_NODE = 64, NO_NODE = 0;

export class Templates {
  private readonly arena: Arena;
  private readonly kernel: RecordKernel;
  private readonly base: number;
  private count = 0;
  private nodes = FIRST_NODE;
  private readonly roots = new Map<number, number>();
  private lastMode = -1;
  private lastRoot = NO_NODE;

  constructor(arena: Arena, kernel: RecordKernel) {
    this.arena = arena;
    this.kernel = kernel;
    this.base = arena.reserve(STEPS_BYTES + TEMPLATES * TEMPLATE_SIZE);
  }

  /** Makes records of instructions that have templates, as `RecordKernel.fill_records` does. */
  fill(mode: number, at: number, end: number, stop: number, out: number, offset: number, count: number, limit: number, edges: number): number {
    return this.kernel.fill_records(this.base, this.root(mode), at, end, stop, out, offset, count, limit, edges);
  }

  /** Arena address for the template of a head of so many bytes. */
  add(at: number, length: number, mode: number): number {
    if (this.count === TEMPLATES || this.nodes + length > NODES) this.clear();
    const root = this.root(mode) || this.addRoot(mode);
    const template = this.base + STEPS_BYTES + this.count++ * TEMPLATE_SIZE;
    this.nodes = this.kernel.add_head(this.base, root, at, length, this.nodes, template);
    return template;
  }

  private clear(): void {
    this.arena.u8.fill(0, this.base, this.base + STEPS_BYTES);
    this.roots.clear();
    this.lastMode = -1;
    this.count = 0;
    this.nodes = FIRST_NODE;
  }

  private root(mode: number): number {
    if (mode === this.lastMode) return this.lastRoot;
    const root = this.roots.get(mode);
    if (root === undefined) return NO_NODE;
    this.lastMode = mode;
    return (this.lastRoot = root);
  }
  private addRoot(mode: number): number {
    if (this.roots.size + 1 === FIRST_NODE) this.clear();
    const root = this.roots.size + 1;
    this.roots.set(mode, root);
    return root;
  }
}
