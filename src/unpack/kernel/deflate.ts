/** DEFLATE [RFC 1951], the compression of gzip. */
import { ENOUGH, WORK_END, WORK_TABLES } from '../layout';

const LONGEST: i32 = 15;
/** Codes up to this length are found in a table by the bits that come next; longer ones, which are rare, bit by bit. */
const FAST_BITS: i32 = 10, FAST: i32 = 1 << FAST_BITS;
const LITERAL_CODES: i32 = 288, DISTANCE_CODES: i32 = 32, LENGTH_CODES: i32 = 19;
const END_OF_BLOCK: i32 = 256, LAST_LENGTH: i32 = 285, LAST_DISTANCE: i32 = 29;

// A code, in the work area: u16 by the next bits, symbol * 16 + length or 0; u16 how many codes have a length; u16 symbols in the order of their codes.
const COUNTS: i32 = FAST * 2, SYMBOLS: i32 = COUNTS + 32, CODE_BYTES: i32 = SYMBOLS + LITERAL_CODES * 2;
const LITERALS: i32 = WORK_TABLES, DISTANCES: i32 = LITERALS + CODE_BYTES, LENGTHS: i32 = DISTANCES + CODE_BYTES;
/** Lengths of the codes that are being made, a byte each. */
const SIZES: i32 = LENGTHS + CODE_BYTES;
/** Where each length of code begins among the symbols. */
const OFFSETS: i32 = SIZES + LITERAL_CODES + DISTANCE_CODES;

/** In which order the lengths of the codes for lengths come [RFC 1951, 3.2.7]. */
const LENGTH_ORDER: StaticArray<u8> = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const CHUNK: i32 = 16;

// What is being unpacked
let at: i32 = 0;
let end: i32 = 0;
let start: i32 = 0;
let out: i32 = 0;
let limit: i32 = 0;
let work: i32 = 0;
/** Bits that are read and not used, the next one lowest, and how many. */
let hold: u64 = 0;
let bits: i32 = 0;
let isLast: bool = false;
/** A block of codes goes on. */
let inCodes: bool = false;

export function start_deflate(from: i32, fromEnd: i32, to: i32, toLimit: i32, workArea: i32): void {
  at = from;
  end = fromEnd;
  start = out = to;
  limit = toLimit;
  work = workArea;
  hold = 0;
  bits = 0;
  isLast = inCodes = false;
}

export function go_on_deflate(): i32 {
  const enough = out + ENOUGH;
  store<i32>(work, 0, WORK_END);
  while (out < enough) {
    if (!inCodes) {
      if (isLast) {
        // Whole bytes that have been read ahead are not the data's.
        store<i32>(work, at - (bits >>> 3), WORK_END);
        break;
      }
      isLast = take(1) != 0;
      const kind = take(2);
      if (kind == 0 ? !plainBlock() : kind == 1 ? !fixedCodes() : kind == 2 ? !readCodes() : true) return 0;
      inCodes = kind != 0;
    } else if (!codes(enough)) return 0;
    if (at - (bits >>> 3) > end) return 0;
  }
  return out;
}

/** At least 56 bits are there, zeros past the end. */
// @ts-ignore: decorator
@inline
function refill(): void {
  if (at <= end) hold |= load<u64>(at) << bits;
  at += (63 - bits) >> 3;
  bits |= 56;
}
function take(count: i32): i32 {
  if (bits < count) refill();
  const value = <i32>(hold & ((1 << count) - 1));
  hold >>= count;
  bits -= count;
  return value;
}

function plainBlock(): bool {
  at -= bits >>> 3;
  hold = 0;
  bits = 0;
  if (end - at < 4) return false;
  const bytes = <i32>load<u16>(at), complement = <i32>load<u16>(at, 2);
  at += 4;
  if ((bytes ^ complement) != 0xffff || bytes > end - at || bytes > limit - out) return false;
  memory.copy(out, at, bytes);
  at += bytes;
  out += bytes;
  return true;
}

function fixedCodes(): bool {
  const sizes = work + SIZES;
  memory.fill(sizes, 8, 144);
  memory.fill(sizes + 144, 9, 112);
  memory.fill(sizes + 256, 7, 24);
  memory.fill(sizes + 280, 8, 8);
  memory.fill(sizes + LITERAL_CODES, 5, DISTANCE_CODES);
  return makeCode(work + LITERALS, sizes, LITERAL_CODES) && makeCode(work + DISTANCES, sizes + LITERAL_CODES, DISTANCE_CODES);
}

function readCodes(): bool {
  const literals = take(5) + 257, distances = take(5) + 1, lengths = take(4) + 4;
  if (literals > 286 || distances > 30) return false;
  const sizes = work + SIZES;
  memory.fill(sizes, 0, LENGTH_CODES);
  for (let n = 0; n < lengths; n++) store<u8>(sizes + LENGTH_ORDER[n], <u8>take(3));
  if (!makeCode(work + LENGTHS, sizes, LENGTH_CODES)) return false;
  const all = literals + distances;
  for (let n = 0; n < all; ) {
    const symbol = decode(work + LENGTHS);
    if (symbol < 0) return false;
    if (symbol < 16) {
      store<u8>(sizes + n++, <u8>symbol);
      continue;
    }
    if (symbol == 16 && n == 0) return false;
    const size = symbol == 16 ? load<u8>(sizes + n - 1) : <u8>0;
    const times = symbol == 16 ? 3 + take(2) : symbol == 17 ? 3 + take(3) : 11 + take(7);
    if (n + times > all) return false;
    memory.fill(sizes + n, size, times);
    n += times;
  }
  // A block that cannot end is damaged.
  if (load<u8>(sizes, END_OF_BLOCK) == 0) return false;
  return makeCode(work + DISTANCES, sizes + literals, distances) && makeCode(work + LITERALS, sizes, literals);
}

/** A code of so many symbols, by their lengths [RFC 1951, 3.2.2]. False: there are too many, or too few; one alone may be too few. */
function makeCode(code: i32, sizes: i32, symbols: i32): bool {
  const counts = code + COUNTS, offsets = work + OFFSETS;
  memory.fill(code, 0, SYMBOLS);
  for (let n = 0; n < symbols; n++) {
    const count = counts + (<i32>load<u8>(sizes + n) << 1);
    store<u16>(count, load<u16>(count) + 1);
  }
  const used = symbols - <i32>load<u16>(counts);
  store<u16>(counts, 0);
  let left = 1, offset = 0;
  for (let length = 1; length <= LONGEST; length++) {
    const count = <i32>load<u16>(counts + (length << 1));
    store<u16>(offsets + (length << 1), <u16>offset);
    offset += count;
    left = (left << 1) - count;
    if (left < 0) return false;
  }
  if (left > 0 && used > 1) return false;
  for (let n = 0; n < symbols; n++) {
    const length = <i32>load<u8>(sizes + n);
    if (length == 0) continue;
    const place = offsets + (length << 1);
    store<u16>(code + SYMBOLS + (<i32>load<u16>(place) << 1), <u16>n);
    store<u16>(place, load<u16>(place) + 1);
  }
  let value = 0, next = code + SYMBOLS;
  for (let length = 1; length <= FAST_BITS; length++) {
    for (let count = <i32>load<u16>(counts + (length << 1)); count > 0; count--, value++, next += 2) {
      const entry = (load<u16>(next) << 4) | <u16>length;
      for (let place = reversed(value, length); place < FAST; place += 1 << length) store<u16>(code + (place << 1), entry);
    }
    value <<= 1;
  }
  return true;
}
function reversed(value: i32, length: i32): i32 {
  let result = 0;
  for (; length > 0; length--, value >>= 1) result = (result << 1) | (value & 1);
  return result;
}

/** The next symbol, -1 where there is none. */
// @ts-ignore: decorator
@inline
function decode(code: i32): i32 {
  if (bits < LONGEST) refill();
  const entry = <i32>load<u16>(code + ((<i32>hold & (FAST - 1)) << 1));
  if (entry == 0) return longCode(code);
  hold >>= entry & 15;
  bits -= entry & 15;
  return entry >>> 4;
}
function longCode(code: i32): i32 {
  let value = 0, first = 0, index = 0;
  for (let length = 1; length <= LONGEST; length++) {
    value |= <i32>(hold >> (length - 1)) & 1;
    const count = <i32>load<u16>(code + COUNTS + (length << 1));
    if (value - first < count) {
      hold >>= length;
      bits -= length;
      return <i32>load<u16>(code + SYMBOLS + ((index + value - first) << 1));
    }
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  return -1;
}

/** Of a length's or a distance's code from `plain` on, each so many of which have one bit more [RFC 1951, 3.2.5]. */
// @ts-ignore: decorator
@inline
function extended(code: i32, plain: i32, shift: i32): i32 {
  if (code < plain) return code;
  const more = (code >>> shift) - 1;
  return (((1 << shift) | (code & ((1 << shift) - 1))) << more) + take(more);
}

function codes(enough: i32): bool {
  while (out < enough) {
    if (at > end && at - (bits >>> 3) > end) return false;
    const symbol = decode(work + LITERALS);
    if (symbol < END_OF_BLOCK) {
      if (symbol < 0 || out == limit) return false;
      store<u8>(out++, <u8>symbol);
      continue;
    }
    if (symbol == END_OF_BLOCK) {
      inCodes = false;
      return true;
    }
    if (symbol > LAST_LENGTH) return false;
    const length = symbol == LAST_LENGTH ? 258 : 3 + extended(symbol - 257, 8, 2);
    const distanceCode = decode(work + DISTANCES);
    if (distanceCode < 0 || distanceCode > LAST_DISTANCE) return false;
    const distance = 1 + extended(distanceCode, 4, 1);
    if (distance > out - start || length > limit - out) return false;
    const stop = out + length;
    if (distance >= CHUNK) for (let to = out; to < stop; to += CHUNK) v128.store(to, v128.load(to - distance));
    // A match may overlap what it makes.
    else for (let to = out; to < stop; to++) store<u8>(to, load<u8>(to - distance));
    out = stop;
  }
  return true;
}
