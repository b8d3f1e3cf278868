/**
 * The part of the leaf kernel that makes records from templates (template-layout.ts), which the translator calls. The first parameter is
 * the arena address of the templates, the second the node that heads of the mode start from.
 */
export const RECORD_KERNEL_TYPES = {
  /** (templates, root, at, length, nodes, template): a template gets the head at an arena address. `nodes` is the first free node; gives what it is then. */
  add_head: { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], result: 'i32' },
  /**
   * (templates, root, at, end, stop, out, offset, count, limit, edges): records at `out` of the instructions from `at` on, whose bytes lie
   * before `end` and that begin before `stop`: at most `limit` of them, up to one that ends its block, or has no template or numbers that are
   * none for it. `offset` is the place of the first one in its page, `count` its position in the block, `edges` what branches count. Gives FILLED_*.
   */
  fill_records: { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], result: 'i32' },
} as const;

export interface RecordKernel {
  add_head(templates: number, root: number, at: number, length: number, nodes: number, template: number): number;
  fill_records(
    templates: number, root: number, at: number, end: number, stop: number, out: number, offset: number, count: number, limit: number, edges: number,
  ): number;
}
