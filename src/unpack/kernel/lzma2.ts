/** LZMA2, the compression of .xz files: chunks of LZMA, or of plain bytes, in one dictionary [LZMA specification, LZMA2]. */
import { WORK_END, WORK_PROBABILITIES } from '../layout';

/** What a bit is thought to be, as one of 2048 parts, and how fast that follows the bits. */
const PROBABILITY_BITS: i32 = 11, EVEN: i32 = 1 << (PROBABILITY_BITS - 1), MOVE_BITS: i32 = 5;
const LOWEST_RANGE: u32 = 1 << 24;
const STATES: i32 = 12, FIRST_MATCH_STATE: i32 = 7, POSITION_STATES: i32 = 16;
const LITERAL_PROBABILITIES: i32 = 0x300;
const SHORTEST_MATCH: i32 = 2, LENGTH_STATES: i32 = 4;
const SLOT_BITS: i32 = 6, FIRST_MODEL_SLOT: i32 = 4, FIRST_DIRECT_SLOT: i32 = 14, ALIGN_BITS: i32 = 4;
/** Lengths: two bits of choice, then 8 or 8 by position, or 256. */
const CHOICE: i32 = 0, CHOICE2: i32 = 1, LOW: i32 = 2, MIDDLE: i32 = LOW + POSITION_STATES * 8, HIGH: i32 = MIDDLE + POSITION_STATES * 8;
const LENGTH_PROBABILITIES: i32 = HIGH + 256;

// Where the probabilities of each kind are, in numbers of 16 bits.
const IS_MATCH: i32 = 0, IS_REPEATED: i32 = IS_MATCH + STATES * POSITION_STATES, IS_OTHER0: i32 = IS_REPEATED + STATES, IS_OTHER1: i32 = IS_OTHER0 + STATES;
const IS_OTHER2: i32 = IS_OTHER1 + STATES, IS_LONG0: i32 = IS_OTHER2 + STATES, SLOTS: i32 = IS_LONG0 + STATES * POSITION_STATES;
const DISTANCES: i32 = SLOTS + (LENGTH_STATES << SLOT_BITS), ALIGN: i32 = DISTANCES + 128, MATCH_LENGTH: i32 = ALIGN + (1 << ALIGN_BITS);
const REPEATED_LENGTH: i32 = MATCH_LENGTH + LENGTH_PROBABILITIES, LITERALS: i32 = REPEATED_LENGTH + LENGTH_PROBABILITIES;
const MOST_LITERAL_BITS: i32 = 4;

/** Next byte, and the end of them all. */
let at: i32 = 0;
let end: i32 = 0;
/** End of what has come out, and of what may; where the dictionary begins. */
let out: i32 = 0;
let limit: i32 = 0;
let start: i32 = 0;
let probabilities: i32 = 0;
let range: u32 = 0;
let code: u32 = 0;
let state: i32 = 0;
let distance: u32 = 0;
let distance1: u32 = 0;
let distance2: u32 = 0;
let distance3: u32 = 0;
let literalContextBits: i32 = 0;
let literalPositionMask: i32 = 0;
let positionMask: i32 = 0;

export function unpack_lzma2(from: i32, fromEnd: i32, to: i32, toLimit: i32, work: i32): i32 {
  at = from;
  end = fromEnd;
  out = start = to;
  limit = toLimit;
  probabilities = work + WORK_PROBABILITIES;
  while (at < end) {
    const control = <i32>load<u8>(at++);
    if (control == 0) {
      store<i32>(work, at, WORK_END);
      return out;
    }
    const isRight = control >= 0x80 ? packedChunk(control) : control <= 2 && plainChunk(control);
    if (!isRight) return 0;
  }
  return 0;
}

/** Two bytes, the higher one first, and one more. */
function size(): i32 {
  const value = ((<i32>load<u8>(at) << 8) | <i32>load<u8>(at, 1)) + 1;
  at += 2;
  return value;
}

function plainChunk(control: i32): bool {
  if (control == 1) start = out;
  if (end - at < 2) return false;
  const bytes = size();
  if (bytes > end - at || bytes > limit - out) return false;
  memory.copy(out, at, bytes);
  at += bytes;
  out += bytes;
  return true;
}

/** Bits 5 and 6 of `control`: 0 goes on, 1 begins with a new state, 2 with new properties too, 3 with a new dictionary as well. */
function packedChunk(control: i32): bool {
  if (end - at < 10) return false;
  const unpacked = ((control & 0x1f) << 16) + size();
  const chunkEnd = size() + at + (control >= 0xc0 ? 1 : 0);
  if (control >= 0xe0) start = out;
  if (control >= 0xc0 && !setProperties(<i32>load<u8>(at++))) return false;
  if (control >= 0xa0) resetState();
  if (chunkEnd > end || unpacked > limit - out) return false;
  at++;
  range = 0xffffffff;
  code = bswap(load<u32>(at));
  at += 4;
  const stop = out + unpacked;
  // A sequence may read some bytes past the chunk before it is found to be damaged: others lie there.
  while (out < stop) if (at > chunkEnd || !sequence(stop)) return false;
  normalize();
  return at == chunkEnd;
}
function setProperties(properties: i32): bool {
  literalContextBits = properties % 9;
  const positionBits = properties / 9;
  literalPositionMask = (1 << (positionBits % 5)) - 1;
  positionMask = (1 << (positionBits / 5)) - 1;
  return literalContextBits + (positionBits % 5) <= MOST_LITERAL_BITS && positionBits / 5 < 5;
}
function resetState(): void {
  const all = LITERALS + (LITERAL_PROBABILITIES << MOST_LITERAL_BITS);
  for (let n = 0; n < all; n++) store<u16>(probabilities + n * 2, EVEN);
  state = 0;
  distance = distance1 = distance2 = distance3 = 0;
}

// Range coder

function normalize(): void {
  if (range >= LOWEST_RANGE) return;
  range <<= 8;
  code = (code << 8) | load<u8>(at++);
}
/** Bits with the probabilities of a tree, the highest one first: from a node down to one of `nodes` or more. The coder is in locals meanwhile. */
function walk(tree: i32, node: i32, nodes: i32): i32 {
  const base = probabilities + tree * 2;
  let width = range;
  let value = code;
  let next = at;
  while (node < nodes) {
    if (width < LOWEST_RANGE) {
      width <<= 8;
      value = (value << 8) | load<u8>(next++);
    }
    const place = base + node * 2;
    const probability = <u32>load<u16>(place);
    const bound = (width >>> PROBABILITY_BITS) * probability;
    if (value < bound) {
      width = bound;
      store<u16>(place, probability + (((1 << PROBABILITY_BITS) - probability) >>> MOVE_BITS));
      node <<= 1;
    } else {
      width -= bound;
      value -= bound;
      store<u16>(place, probability - (probability >>> MOVE_BITS));
      node = (node << 1) | 1;
    }
  }
  range = width;
  code = value;
  at = next;
  return node;
}
/** The bit with the probability of a number. */
function bit(n: i32): i32 {
  normalize();
  const place = probabilities + n * 2;
  const probability = <u32>load<u16>(place);
  const bound = (range >>> PROBABILITY_BITS) * probability;
  const isOne = code >= bound;
  if (isOne) {
    range -= bound;
    code -= bound;
    store<u16>(place, probability - (probability >>> MOVE_BITS));
  } else {
    range = bound;
    store<u16>(place, probability + (((1 << PROBABILITY_BITS) - probability) >>> MOVE_BITS));
  }
  return isOne ? 1 : 0;
}
function tree(base: i32, bits: i32): i32 {
  return walk(base, 1, 1 << bits) - (1 << bits);
}
/** Lowest bit first. */
function reverseTree(base: i32, bits: i32): i32 {
  let node = 1;
  let value = 0;
  for (let n = 0; n < bits; n++) {
    const one = bit(base + node);
    node = (node << 1) | one;
    value |= one << n;
  }
  return value;
}
/** Bits that are as likely 0 as 1. */
function direct(bits: i32): i32 {
  let value = 0;
  for (let n = 0; n < bits; n++) {
    normalize();
    range >>>= 1;
    const isOne = code >= range;
    if (isOne) code -= range;
    value = (value << 1) | (isOne ? 1 : 0);
  }
  return value;
}

// Sequences: false for one that is damaged

/** A literal or a match, which ends at `stop` at the latest. */
function sequence(stop: i32): bool {
  const position = (out - start) & positionMask;
  const byPosition = state * POSITION_STATES + position;
  if (!bit(IS_MATCH + byPosition)) return literal();
  const later = state >= FIRST_MATCH_STATE;
  if (!bit(IS_REPEATED + state)) {
    distance3 = distance2;
    distance2 = distance1;
    distance1 = distance;
    state = later ? 10 : 7;
    const bytes = length(MATCH_LENGTH, position);
    distance = newDistance(bytes);
    return copy(bytes, stop);
  }
  if (!bit(IS_OTHER0 + state)) {
    if (!bit(IS_LONG0 + byPosition)) {
      state = later ? 11 : 9;
      return copy(1, stop);
    }
  } else chooseDistance();
  state = later ? 11 : 8;
  return copy(length(REPEATED_LENGTH, position), stop);
}
/** One of the last distances but the last, which becomes the last. */
function chooseDistance(): void {
  const last = distance;
  if (!bit(IS_OTHER1 + state)) distance = distance1;
  else {
    if (!bit(IS_OTHER2 + state)) distance = distance2;
    else {
      distance = distance3;
      distance3 = distance2;
    }
    distance2 = distance1;
  }
  distance1 = last;
}

function literal(): bool {
  const before = out > start ? <i32>load<u8>(out - 1) : 0;
  const context = (((out - start) & literalPositionMask) << literalContextBits) + (before >>> (8 - literalContextBits));
  const base = LITERALS + LITERAL_PROBABILITIES * context;
  let symbol = 1;
  if (state >= FIRST_MATCH_STATE) {
    if (!isInDictionary(distance)) return false;
    // What the last match would go on with is a guess, as long as it is right.
    let guess = <i32>load<u8>(out - distance - 1);
    for (let same = true; same && symbol < 0x100; ) {
      const guessed = (guess >>> 7) & 1;
      guess <<= 1;
      const one = bit(base + ((1 + guessed) << 8) + symbol);
      symbol = (symbol << 1) | one;
      same = one == guessed;
    }
  }
  store<u8>(out++, walk(base, symbol, 0x100));
  state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  return true;
}
function isInDictionary(back: u32): bool {
  return back < <u32>(out - start);
}

function length(base: i32, position: i32): i32 {
  if (!bit(base + CHOICE)) return SHORTEST_MATCH + tree(base + LOW + position * 8, 3);
  if (!bit(base + CHOICE2)) return SHORTEST_MATCH + 8 + tree(base + MIDDLE + position * 8, 3);
  return SHORTEST_MATCH + 16 + tree(base + HIGH, 8);
}
function newDistance(bytes: i32): u32 {
  const slot = tree(SLOTS + (min(bytes - SHORTEST_MATCH, LENGTH_STATES - 1) << SLOT_BITS), SLOT_BITS);
  if (slot < FIRST_MODEL_SLOT) return slot;
  const bits = (slot >> 1) - 1;
  const high = (2 | (slot & 1)) << bits;
  if (slot < FIRST_DIRECT_SLOT) return high + reverseTree(DISTANCES + high - slot, bits);
  return high | (direct(bits - ALIGN_BITS) << ALIGN_BITS) | reverseTree(ALIGN, ALIGN_BITS);
}
/** Byte by byte: a match may overlap what it makes. */
function copy(bytes: i32, stop: i32): bool {
  if (bytes > stop - out || !isInDictionary(distance)) return false;
  for (let from = out - distance - 1, last = out + bytes; out < last; ) store<u8>(out++, load<u8>(from++));
  return true;
}
