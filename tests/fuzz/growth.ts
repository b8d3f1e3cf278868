/**
 * Looks for what grows: every array, map and set that can be reached from an object, with the number of its elements.
 * Typed arrays do not count; they are made once, and the arena is checked by its own measure.
 */

const isLeaf = (value: object): boolean =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof WebAssembly.Memory || value instanceof Promise;

/** By path from `root`, the elements of the largest collection there. */
export function collectionSizes(root: object): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  const seen = new Set<object>([root]);
  const queue: [object, string][] = [[root, '']];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || isLeaf(value)) return;
    seen.add(value);
    queue.push([value, path]);
  };
  const count = (path: string, size: number): void => void sizes.set(path, Math.max(size, sizes.get(path) ?? 0));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [value, path] = next;
    if (Array.isArray(value)) {
      count(path, value.length);
      for (const item of value) visit(item, `${path}[]`);
    } else if (value instanceof Map || value instanceof Set) {
      count(path, value.size);
      for (const item of value.values()) visit(item, `${path}{}`);
    } else {
      for (const [name, item] of Object.entries(value)) visit(item, `${path}.${name}`);
    }
  }
  return sizes;
}
