/**
 * The shape of a region's graph: an order in which every block comes before what it leads to, save back edges; who
 * dominates whom; which edges go back to a loop's header. From it generate.ts emits structured control flow as in
 * N. Ramsey, "Beyond Relooper" (2022): a block that several edges reach forwards stands behind a `block` of its
 * immediate dominator's code, a header that edges go back to is a `loop`, or several: where control came into a region in the
 * middle of nested loops, all of them begin there. Told apart, the inner one leaves what it does not use where it is.
 */

/**
 * `inline`: the only way forwards to its target: its code stands where the edge is. `irreducible`: into a loop past its
 * header, which structured control flow cannot follow.
 */
export type EdgeKind = 'inline' | 'forward' | 'back' | 'irreducible';

/** Loops that begin at one header at most. */
const MOST_LOOPS = 3;

export class Structure {
  /** Blocks in reverse postorder, by index. */
  readonly order: readonly number[];
  /** Blocks that a block dominates immediately and that several edges reach, last in order first. */
  readonly merged: readonly (readonly number[])[];
  private readonly position: readonly number[];
  private readonly dominator: readonly number[];
  /** By header: for each block with an edge back to it which of its loops that is, the outermost being 0. */
  private readonly loops = new Map<number, ReadonlyMap<number, number>>();
  /** Blocks in loops. */
  private readonly looping = new Set<number>();
  private readonly forwardEdges: readonly number[];

  /** The first block is where control comes in. With `table`, it branches by a table: what that leads to stands behind blocks. */
  constructor(successors: readonly (readonly number[])[], table = false) {
    this.order = reversePostorder(successors);
    const position = successors.map(() => -1);
    this.order.forEach((block, i) => { position[block] = i; });
    this.position = position;
    const predecessors: number[][] = successors.map(() => []);
    for (const from of this.order) for (const to of successors[from]) predecessors[to].push(from);
    this.dominator = dominators(this.order, position, predecessors);
    const edges = successors.map(() => 0);
    for (const from of this.order) {
      for (const to of successors[from]) {
        if (position[to] > position[from]) edges[to] += table && from === 0 ? 2 : 1;
      }
    }
    this.forwardEdges = edges;
    const bodies = new Map<number, Map<number, ReadonlySet<number>>>();
    for (const from of this.order) {
      for (const to of successors[from]) {
        if (position[to] > position[from]) continue;
        const body = this.bodyOf(from, to, predecessors);
        if (to !== 0) for (const block of body) this.looping.add(block);
        if (!this.dominates(to, from)) continue;
        if (!bodies.has(to)) bodies.set(to, new Map());
        bodies.get(to)?.set(from, body);
      }
    }
    for (const [header, all] of bodies) this.loops.set(header, nested(all));
    const merged: number[][] = successors.map(() => []);
    for (const block of [...this.order].reverse()) if (edges[block] > 1) merged[this.dominator[block]].push(block);
    this.merged = merged;
  }

  isHeader(block: number): boolean {
    return this.loops.has(block);
  }
  /** How many loops begin at a block. */
  loopsAt(block: number): number {
    return 1 + Math.max(-1, ...(this.loops.get(block)?.values() ?? []));
  }
  /** Which of them an edge goes back to, the outermost being 0. */
  loopOf(from: number, header: number): number {
    return this.loops.get(header)?.get(from) ?? 0;
  }

  /** Whether a block is in a loop that does not lead through the first block; of blocks beside an irreducible one, it may be said too. */
  isLooping(block: number): boolean {
    return this.looping.has(block);
  }
  /** Blocks that lead to `from`, of which an edge goes back to `to`, and come after that. */
  private bodyOf(from: number, to: number, predecessors: readonly (readonly number[])[]): ReadonlySet<number> {
    const inside = new Set([to]);
    const waiting = [from];
    for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
      if (inside.has(block)) continue;
      inside.add(block);
      waiting.push(...predecessors[block].filter((before) => this.position[before] >= this.position[to]));
    }
    return inside;
  }

  edge(from: number, to: number): EdgeKind {
    if (this.position[to] <= this.position[from]) return this.dominates(to, from) ? 'back' : 'irreducible';
    return this.forwardEdges[to] > 1 ? 'forward' : 'inline';
  }

  private dominates(a: number, b: number): boolean {
    let at = b;
    while (this.position[at] > this.position[a]) at = this.dominator[at];
    return at === a;
  }
}

/** By the block that an edge goes back from, how far outside the innermost it is among loops with the same header, by what lies in which. */
function nested(bodies: ReadonlyMap<number, ReadonlySet<number>>): ReadonlyMap<number, number> {
  const ascending = [...bodies].sort(([, a], [, b]) => a.size - b.size);
  const heights = new Map<number, number>();
  for (const [from, body] of ascending) {
    const inner = ascending.filter(([other, { size }]) => heights.has(other) && size < body.size && isWithin(bodies.get(other) as ReadonlySet<number>, body));
    heights.set(from, Math.min(1 + Math.max(-1, ...inner.map(([other]) => heights.get(other) as number)), MOST_LOOPS - 1));
  }
  const highest = Math.max(...heights.values());
  return new Map([...heights].map(([from, height]) => [from, highest - height]));
}
const isWithin = (inner: ReadonlySet<number>, outer: ReadonlySet<number>): boolean => [...inner].every((block) => outer.has(block));

/** An explicit stack: regions may be long chains. */
function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const seen = new Set<number>([0]);
  const out: number[] = [];
  const stack: { block: number; next: number }[] = [{ block: 0, next: 0 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const to = successors[top.block][top.next++];
    if (to === undefined) {
      out.push(top.block);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      stack.push({ block: to, next: 0 });
    }
  }
  return out.reverse();
}

/** Immediate dominators [K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001]. */
function dominators(order: readonly number[], position: readonly number[], predecessors: readonly (readonly number[])[]): number[] {
  const dominator = position.map(() => -1);
  dominator[0] = 0;
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      while (position[x] > position[y]) x = dominator[x];
      while (position[y] > position[x]) y = dominator[y];
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of order.slice(1)) {
      const known = predecessors[block].filter((p) => dominator[p] >= 0);
      const found = known.reduce(meet);
      if (dominator[block] !== found) {
        dominator[block] = found;
        changed = true;
      }
    }
  }
  return dominator;
}
