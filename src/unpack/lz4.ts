/** Unpacks LZ4's legacy frames, in which Linux's build packs kernels [LZ4 frame format, "Legacy frame"]. */
import { type RoomFor, workspaceFor } from './kernel-interface.ts';
import { WORK_END } from './layout.ts';

const MAGIC_BYTES = 4, BLOCK_HEADER_BYTES = 4;

/**
 * @param size bytes that come out
 * @throws RangeError for damaged input
 */
export function unpackLz4(leaf: WebAssembly.Module, packed: Uint8Array, size: number, roomFor?: RoomFor): Uint8Array {
  const blocks = blocksOf(packed);
  // One block after the other, in the same place.
  const longest = blocks.reduce((most, { length }) => Math.max(most, length), 0);
  const { kernel, memory, view, work, from, to, limit } = workspaceFor(leaf, longest, size, roomFor);
  let out = to;
  for (const block of blocks) {
    memory.set(block, from);
    const start = out, end = from + block.length;
    for (let at = from; at < end; at = view.getUint32(work + WORK_END, true)) {
      out = kernel.unpack_lz4(at, end, start, out, limit, work);
      if (out === 0) throw new RangeError('an LZ4 block is damaged');
    }
  }
  if (out !== limit) throw new RangeError(`LZ4: ${out - to} bytes instead of ${size}`);
  return memory.subarray(to, limit);
}

function blocksOf(packed: Uint8Array): Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const blocks: Uint8Array[] = [];
  for (let at = MAGIC_BYTES; at < packed.length; ) {
    const start = at + BLOCK_HEADER_BYTES;
    if (start > packed.length) throw new RangeError('an LZ4 block is cut off');
    at = start + view.getUint32(at, true);
    if (at > packed.length) throw new RangeError('an LZ4 block is cut off');
    blocks.push(packed.subarray(start, at));
  }
  return blocks;
}
