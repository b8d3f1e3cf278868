/** For tests: the part of the leaf kernel that makes records. */
import { buildX87Kernel } from '../cpu/x87/build-kernel.ts';
import type { Arena } from '../memory/arena.ts';
import type { RecordKernel } from './kernel-interface.ts';

export async function recordKernel(arena: Arena): Promise<RecordKernel> {
  const kernel = new WebAssembly.Module((await buildX87Kernel()) as BufferSource);
  return new WebAssembly.Instance(kernel, { env: { memory: arena.memory } }).exports as unknown as RecordKernel;
}

/** Knows no templates: every record is decoded. */
export const DECODING: RecordKernel = { add_head: (_templates, _root, _at, _length, nodes) => nodes, fill_records: () => 0 };
