/**
 * The part of the leaf kernel that repeated string instructions use, on host addresses of elements that lie in one page. The
 * first parameter is the arena address of the vCPU's state; addresses are those of the first element, and `step` is the distance
 * to the next one: the bytes of an element, negative with DF set.
 */
export const STRING_KERNEL_TYPES = {
  /** (cpu, to, from, step, elements): one after the other, so that a destination inside the source repeats a pattern. */
  move_elements: { params: ['i32', 'i32', 'i32', 'i32', 'i32'], result: undefined },
  /** (cpu, to, pattern, step, elements): the pattern is the element as often as it fits. */
  fill_elements: { params: ['i32', 'i32', 'i64', 'i32', 'i32'], result: undefined },
  /**
   * (cpu, at, pattern, step, elements, equal): how many elements there are up to the first one that is the pattern's (`equal` 1)
   * or is not (0), itself included; all of them when there is none.
   */
  scan_elements: { params: ['i32', 'i32', 'i64', 'i32', 'i32', 'i32'], result: 'i32' },
  /** (cpu, at, other, step, elements, equal): likewise, for two elements that are the same or not. */
  compare_elements: { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], result: 'i32' },
} as const;
