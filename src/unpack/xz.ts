/**
 * Unpacks .xz files as Linux's build makes them: LZMA2, with the filter for x86 code or without, and CRC-32; other checks are not
 * looked at.
 *
 * Of the packages at hand, those for browsers lack the filter, and those with it need Node.
 * References: [XZ] the .xz file format 1.1.0.
 */
import { crc32 } from './crc32.ts';
import { type RoomFor, workspaceFor } from './kernel-interface.ts';
import { WORK_END } from './layout.ts';

const STREAM_HEADER_BYTES = 12, CHECK_AT = 7;
/** Bytes of a block's check, by its kind [XZ 2.1.1.2]. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const CHECK_CRC32 = 1;
const FILTER_X86 = 4, FILTER_LZMA2 = 0x21;
const PACKED_SIZE_PRESENT = 0x40, SIZE_PRESENT = 0x80;

const align4 = (n: number): number => (n + 3) & ~3;

/**
 * @param size bytes that come out
 * @throws RangeError for damaged input, and for filters that are not there
 */
export function unpackXz(leaf: WebAssembly.Module, packed: Uint8Array, size: number, roomFor?: RoomFor): Uint8Array {
  const workspace = workspaceFor(leaf, packed.length, size, roomFor);
  const { kernel, memory, view, work, from, fromEnd, to, limit } = workspace;
  memory.set(packed, from);
  const check = memory[from + CHECK_AT] & 15;
  let out = to;
  // An index, which begins with 0, comes after the blocks.
  for (let at = from + STREAM_HEADER_BYTES; memory[at] !== 0; ) {
    const headerEnd = at + (memory[at] + 1) * 4;
    if (headerEnd > fromEnd) throw new RangeError('the XZ file is cut off');
    const filters = filtersOf(memory.subarray(at, headerEnd));
    if (filters.at(-1) !== FILTER_LZMA2 || filters.slice(0, -1).some((filter) => filter !== FILTER_X86)) throw new RangeError('XZ: no such filter');
    const end = kernel.unpack_lzma2(headerEnd, fromEnd, out, limit, work);
    if (end === 0) throw new RangeError('LZMA2 data are damaged');
    if (filters.length > 1) kernel.undo_x86(out, end);
    at += align4(view.getUint32(work + WORK_END, true) - at);
    if (at + CHECK_BYTES[check] >= fromEnd) throw new RangeError('the XZ file is cut off');
    if (check === CHECK_CRC32 && crc32(workspace, out, end) !== view.getUint32(at, true)) throw new RangeError('an XZ block is damaged');
    out = end;
    at += CHECK_BYTES[check];
  }
  if (out !== limit) throw new RangeError(`XZ: ${out - to} bytes instead of ${size}`);
  return memory.subarray(to, limit);
}

/** Numbers of the filters that a block's header names [XZ 3.1]. */
function filtersOf(header: Uint8Array): number[] {
  const flags = header[1];
  let at = 2;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = header[at++];
      value += (byte & 0x7f) * scale;
      if (byte === undefined) throw new RangeError('an XZ block has no whole header');
      if (byte < 0x80) return value;
    }
  };
  if (flags & PACKED_SIZE_PRESENT) number();
  if (flags & SIZE_PRESENT) number();
  return Array.from({ length: (flags & 3) + 1 }, () => {
    const filter = number(), propertyBytes = number();
    at += propertyBytes;
    return filter;
  });
}
