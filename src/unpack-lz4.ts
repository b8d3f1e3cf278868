/** Unpacks LZ4's legacy frames, in which Linux's build packs kernels [LZ4 frame format, "Legacy frame"; LZ4 block format]. */

const MAGIC_BYTES = 4, BLOCK_HEADER_BYTES = 4;
/** A length of which the token has no more than this goes on in bytes of their own. */
const LONG = 15, GOES_ON = 255;
const SHORTEST_MATCH = 4;

/**
 * @param size bytes that come out
 * @throws RangeError for damaged input
 */
export function unpackLz4(packed: Uint8Array, size: number): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const unpacked = new Uint8Array(size);
  let done = 0;
  for (let at = MAGIC_BYTES; at < packed.length; ) {
    const bytes = view.getUint32(at, true);
    at += BLOCK_HEADER_BYTES;
    if (at + bytes > packed.length) throw new RangeError('an LZ4 block is cut off');
    done = unpackBlock(packed, at, at + bytes, unpacked, done);
    at += bytes;
  }
  if (done !== size) throw new RangeError(`LZ4: ${done} bytes instead of ${size}`);
  return unpacked;
}

/** Unpacks a block from `at` to `end`; gives the end of what has come out. */
function unpackBlock(from: Uint8Array, at: number, end: number, to: Uint8Array, out: number): number {
  while (at < end) {
    const token = from[at++];
    let literals = token >>> 4;
    for (let more = literals === LONG ? GOES_ON : 0; more === GOES_ON; literals += more) more = from[at++];
    if (at + literals > end || out + literals > to.length) throw new RangeError('LZ4 literals are too long');
    for (const stop = at + literals; at < stop; ) to[out++] = from[at++];
    // The last sequence has no match.
    if (at === end) break;
    const distance = from[at] | (from[at + 1] << 8);
    at += 2;
    let length = token & LONG;
    for (let more = length === LONG ? GOES_ON : 0; more === GOES_ON; length += more) more = from[at++];
    length += SHORTEST_MATCH;
    if (distance === 0 || distance > out || out + length > to.length) throw new RangeError('an LZ4 match reaches outside');
    // Byte by byte: a match may overlap what it makes.
    for (const stop = out + length; out < stop; out++) to[out] = to[out - distance];
  }
  return out;
}
