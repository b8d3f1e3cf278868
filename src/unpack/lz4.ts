/** Unpacks LZ4's legacy frames, in which Linux's build packs kernels [LZ4 frame format, "Legacy frame"]. */
import { workspaceFor } from './kernel-interface.ts';
import { WORK_END } from './layout.ts';

const MAGIC_BYTES = 4, BLOCK_HEADER_BYTES = 4;

/**
 * @param size bytes that come out
 * @throws RangeError for damaged input
 */
export function unpackLz4(leaf: WebAssembly.Module, packed: Uint8Array, size: number): Uint8Array {
  const { kernel, memory, view, work, from, fromEnd, to, limit } = workspaceFor(leaf, packed, size);
  let out = to;
  for (let at = from + MAGIC_BYTES; at < fromEnd; ) {
    const end = at + BLOCK_HEADER_BYTES + view.getUint32(at, true);
    if (end > fromEnd) throw new RangeError('an LZ4 block is cut off');
    const start = out;
    for (at += BLOCK_HEADER_BYTES; at < end; at = view.getUint32(work + WORK_END, true)) {
      out = kernel.unpack_lz4(at, end, start, out, limit, work);
      if (out === 0) throw new RangeError('an LZ4 block is damaged');
    }
  }
  if (out !== limit) throw new RangeError(`LZ4: ${out - to} bytes instead of ${size}`);
  return memory.subarray(to, limit);
}
