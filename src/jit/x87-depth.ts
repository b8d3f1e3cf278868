/** By how much instructions move TOP, and where it is, from one place in a region to another: what region-x87.ts needs. */

/** TOP's way in a kernel function's work, pops taken from its last argument where it has one for them. */
export function stackMoves(name: string, lastArgument: () => number): number {
  switch (name) {
    case 'fld_st': case 'fld_f32': case 'fld_f64': case 'fld_f80': case 'fild': case 'fbld': case 'fdecstp':
    case 'fld1': case 'fldl2t': case 'fldl2e': case 'fldpi': case 'fldlg2': case 'fldln2': case 'fldz':
    case 'fptan': case 'fsincos': case 'fxtract':
      return -1;
    case 'fincstp': case 'fpatan': case 'fyl2x': case 'fyl2xp1': case 'fstpnce':
      return 1;
    case 'fst_st': case 'fst_commit': case 'fcomi': case 'fucomi':
      return lastArgument();
    default:
      return /^f(add|mul|subr?|divr?)_st$|^fu?com_/.test(name) ? lastArgument() : 0;
  }
}

/**
 * Numbers of the registers that are ST(0) at nodes of a graph, which TOP's moves in the nodes agree with; undefined where two ways to a node
 * do not agree. What is not connected has numbers of its own.
 */
export function stackDepths(edges: readonly (readonly number[])[], moves: readonly number[]): number[] | undefined {
  const depths: (number | undefined)[] = edges.map(() => undefined);
  const neighbours: { to: number; by: number }[][] = edges.map(() => []);
  for (const [from, all] of edges.entries()) {
    for (const to of all) {
      neighbours[from].push({ to, by: moves[from] });
      neighbours[to].push({ to: from, by: -moves[from] });
    }
  }
  for (const start of edges.keys()) {
    if (depths[start] !== undefined) continue;
    depths[start] = 0;
    for (const queue = [start]; queue.length > 0; ) {
      const from = queue.pop() as number;
      for (const { to, by } of neighbours[from]) {
        const depth = ((depths[from] as number) + by) & 7;
        if (depths[to] === undefined) {
          depths[to] = depth;
          queue.push(to);
        } else if (depths[to] !== depth) return undefined;
      }
    }
  }
  return depths as number[];
}
