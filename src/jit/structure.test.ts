import { describe, expect, it } from 'vitest';
import { Structure } from './structure.ts';

describe('Structure', () => {
  it('puts a block that two paths lead to behind their dominator', () => {
    const diamond = new Structure([[1, 2], [3], [3], []]);
    expect(diamond.merged).toEqual([[3], [], [], []]);
    expect([diamond.edge(0, 1), diamond.edge(0, 2), diamond.edge(1, 3), diamond.edge(2, 3)]).toEqual(['inline', 'inline', 'forward', 'forward']);
    expect(diamond.order[0]).toBe(0);
    expect(diamond.order[3]).toBe(3);
  });

  it('finds the headers of nested loops', () => {
    const nested = new Structure([[1], [2], [2, 3], [1, 4], []]);
    expect([0, 1, 2, 3, 4].filter((b) => nested.isHeader(b))).toEqual([1, 2]);
    expect([nested.edge(2, 2), nested.edge(3, 1), nested.edge(3, 4)]).toEqual(['back', 'back', 'inline']);
  });

  it('tells loops apart that begin at one header, by what lies in which', () => {
    const shared = new Structure([[1], [1, 2], [1, 3], [1, 4], [1, 5], []]);
    expect([1, 2].map((b) => shared.loopsAt(b))).toEqual([3, 0]);
    expect([1, 2, 3, 4].map((from) => shared.loopOf(from, 1))).toEqual([2, 1, 0, 0]);
    const beside = new Structure([[1], [2, 3], [1], [1, 4], []]);
    expect([beside.loopsAt(1), beside.loopOf(2, 1), beside.loopOf(3, 1)]).toEqual([1, 0, 0]);
  });

  it('counts both arms of a branch to what follows it anyway', () => {
    const both = new Structure([[1, 1], []]);
    expect(both.edge(0, 1)).toBe('forward');
    expect(both.merged[0]).toEqual([1]);
  });

  it('tells where a loop is entered past its header', () => {
    // 1 and 2 lead to each other, and 0 to both.
    const irreducible = new Structure([[1, 2], [2, 3], [1], []]);
    const edges = [irreducible.edge(1, 2), irreducible.edge(2, 1)];
    expect(edges.filter((e) => e === 'irreducible')).toHaveLength(1);
    expect([1, 2].some((b) => irreducible.isHeader(b))).toBe(false);
  });

  it('puts what a table leads to behind blocks', () => {
    const table = new Structure([[1, 2], [2], []], true);
    expect([table.edge(0, 1), table.edge(0, 2)]).toEqual(['forward', 'forward']);
    expect(table.merged[0]).toEqual([2, 1]);
  });

  it('takes a chain of thousands of blocks', () => {
    const length = 5000;
    const chain = new Structure(Array.from({ length }, (_, i) => (i + 1 < length ? [i + 1] : [])));
    expect(chain.order).toHaveLength(length);
    expect(chain.edge(length - 2, length - 1)).toBe('inline');
  });
});
