/**
 * Unpacks .xz files as Linux's build makes them: LZMA2, with the filter for x86 code or without, and CRC-32; other checks are not
 * looked at.
 *
 * Of the packages at hand, those for browsers lack the filter, and those with it need Node.
 * References: [XZ] the .xz file format 1.1.0.
 */
import { crc32 } from './crc32.ts';
import { Lzma2 } from './unpack-lzma2.ts';

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
export function unpackXz(packed: Uint8Array, size: number): Uint8Array {
  const unpacked = new Uint8Array(size);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const check = packed[CHECK_AT] & 15;
  let out = 0;
  // An index, which begins with 0, comes after the blocks.
  for (let at = STREAM_HEADER_BYTES; packed[at] !== 0; ) {
    const headerBytes = (packed[at] + 1) * 4;
    const filters = filtersOf(packed.subarray(at, at + headerBytes));
    if (filters.at(-1) !== FILTER_LZMA2 || filters.slice(0, -1).some((filter) => filter !== FILTER_X86)) throw new RangeError('XZ: no such filter');
    const lzma = new Lzma2(packed, at + headerBytes, unpacked, out);
    lzma.unpack();
    const block = unpacked.subarray(out, lzma.out);
    if (filters.length > 1) undoX86(block);
    out = lzma.out;
    at += align4(lzma.at - at);
    if (at + CHECK_BYTES[check] >= packed.length) throw new RangeError('the XZ file is cut off');
    if (check === CHECK_CRC32 && crc32(block) !== view.getUint32(at, true)) throw new RangeError('an XZ block is damaged');
    at += CHECK_BYTES[check];
  }
  if (out !== size) throw new RangeError(`XZ: ${out} bytes instead of ${size}`);
  return unpacked;
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

/** E8, a call, and E9, a jump. */
const CALL = 0xe8;
/** By the three bytes before an opcode, a bit for each that looks like one: whether the opcode is one, and which byte of its operand decides. */
const MASK_ALLOWED = [true, true, true, false, true, false, false, false], MASK_BYTE = [0, 1, 2, 2, 3, 3, 3, 3];
/** The highest byte of a distance that is converted. */
const isSign = (byte: number): boolean => byte === 0 || byte === 0xff;

/** Makes the targets of calls and jumps distances again, in place. */
function undoX86(code: Uint8Array): void {
  let mask = 0;
  let before = -1;
  for (let at = 0; at + 5 <= code.length; at++) {
    if ((code[at] & 0xfe) !== CALL) continue;
    const gap = at - before;
    before = at;
    mask = gap > 3 ? 0 : (mask << (gap - 1)) & 7;
    if (mask !== 0 && (!MASK_ALLOWED[mask] || isSign(code[at + 4 - MASK_BYTE[mask]]))) {
      mask = (mask << 1) | 1;
      continue;
    }
    if (!isSign(code[at + 4])) {
      mask = (mask << 1) | 1;
      continue;
    }
    let target = code[at + 1] | (code[at + 2] << 8) | (code[at + 3] << 16) | (code[at + 4] << 24);
    let distance: number;
    for (;;) {
      distance = (target - (at + 5)) | 0;
      if (mask === 0) break;
      const shift = MASK_BYTE[mask] * 8;
      if (!isSign((distance >>> (24 - shift)) & 0xff)) break;
      target = distance ^ ((1 << (32 - shift)) - 1);
    }
    code[at + 1] = distance;
    code[at + 2] = distance >>> 8;
    code[at + 3] = distance >>> 16;
    code[at + 4] = (distance >>> 24) & 1 ? 0xff : 0;
    at += 4;
    mask = 0;
  }
}
