/** Blocks of LZ4 [LZ4 block format]. */
import { ENOUGH, WORK_END } from '../layout';

/** A length of which the token has no more than this goes on in bytes of their own. */
const LONG: i32 = 15, GOES_ON: i32 = 255;
/** No length goes further: the sum stays one of 31 bits, whatever a damaged block says. */
const MOST: i32 = 1 << 30;
const SHORTEST_MATCH: i32 = 4;
const CHUNK: i32 = 16;

/** Copies whole chunks, up to SLACK bytes more than it is asked to. */
// @ts-ignore: decorator
@inline
function copyChunks(to: i32, from: i32, end: i32): void {
  for (; to < end; to += CHUNK, from += CHUNK) v128.store(to, v128.load(from));
}

export function unpack_lz4(at: i32, end: i32, start: i32, to: i32, limit: i32, work: i32): i32 {
  const enough = to + ENOUGH;
  while (at < end && to < enough) {
    const token = <i32>load<u8>(at++);
    let literals = token >>> 4;
    for (let more = literals == LONG ? GOES_ON : 0; more == GOES_ON && at < end && literals < MOST; literals += more) more = <i32>load<u8>(at++);
    if (literals > end - at || literals > limit - to) return 0;
    // Most are short: then no branch depends on how many there are.
    v128.store(to, v128.load(at));
    if (literals > CHUNK) copyChunks(to + CHUNK, at + CHUNK, to + literals);
    at += literals;
    to += literals;
    // The last sequence has no match.
    if (at == end) break;
    const distance = <i32>load<u16>(at);
    at += 2;
    let length = token & LONG;
    for (let more = length == LONG ? GOES_ON : 0; more == GOES_ON && at < end && length < MOST; length += more) more = <i32>load<u8>(at++);
    length += SHORTEST_MATCH;
    if (distance == 0 || distance > to - start || length > limit - to) return 0;
    const stop = to + length;
    if (distance >= CHUNK) {
      v128.store(to, v128.load(to - distance));
      if (length > CHUNK) copyChunks(to + CHUNK, to + CHUNK - distance, stop);
    } else {
      // A match may overlap what it makes.
      for (let from = to - distance; to < stop; ) store<u8>(to++, load<u8>(from++));
    }
    to = stop;
  }
  store<i32>(work, at, WORK_END);
  return to;
}
