/** LZMA2, the compression of .xz files: chunks of LZMA, or of plain bytes, in one dictionary [LZMA specification, LZMA2]. */

/** What a bit is thought to be, as one of 2048 parts, and how fast that follows the bits. */
const PROBABILITY_BITS = 11, EVEN = 1 << (PROBABILITY_BITS - 1), MOVE_BITS = 5;
const LOWEST_RANGE = 2 ** 24;
const STATES = 12, FIRST_MATCH_STATE = 7, POSITION_STATES = 16;
const LITERAL_PROBABILITIES = 0x300;
const SHORTEST_MATCH = 2, LENGTH_STATES = 4;
const SLOT_BITS = 6, FIRST_MODEL_SLOT = 4, FIRST_DIRECT_SLOT = 14, ALIGN_BITS = 4;
/** Lengths: two bits of choice, then 8 or 8 by position, or 256. */
const CHOICE = 0, CHOICE2 = 1, LOW = 2, MIDDLE = LOW + POSITION_STATES * 8, HIGH = MIDDLE + POSITION_STATES * 8, LENGTH_PROBABILITIES = HIGH + 256;

// Where the probabilities of each kind are.
const IS_MATCH = 0, IS_REPEATED = IS_MATCH + STATES * POSITION_STATES, IS_OTHER0 = IS_REPEATED + STATES, IS_OTHER1 = IS_OTHER0 + STATES;
const IS_OTHER2 = IS_OTHER1 + STATES, IS_LONG0 = IS_OTHER2 + STATES, SLOTS = IS_LONG0 + STATES * POSITION_STATES;
const DISTANCES = SLOTS + (LENGTH_STATES << SLOT_BITS), ALIGN = DISTANCES + 128, MATCH_LENGTH = ALIGN + (1 << ALIGN_BITS);
const REPEATED_LENGTH = MATCH_LENGTH + LENGTH_PROBABILITIES, LITERALS = REPEATED_LENGTH + LENGTH_PROBABILITIES;
const MOST_LITERAL_BITS = 4;

export class Lzma2 {
  private readonly from: Uint8Array;
  /** Next byte. */
  at: number;
  private readonly to: Uint8Array;
  /** End of what has come out, and where the dictionary begins. */
  out: number;
  private start: number;
  private readonly probabilities = new Uint16Array(LITERALS + (LITERAL_PROBABILITIES << MOST_LITERAL_BITS));
  private range = 0;
  private code = 0;
  private state = 0;
  private distance = 0;
  private distance1 = 0;
  private distance2 = 0;
  private distance3 = 0;
  private literalContextBits = 0;
  private literalPositionMask = 0;
  private positionMask = 0;

  constructor(from: Uint8Array, at: number, to: Uint8Array, out: number) {
    this.from = from;
    this.at = at;
    this.to = to;
    this.out = this.start = out;
  }

  /** All chunks. @throws RangeError for damaged input */
  unpack(): void {
    for (let control = this.byte(); control !== 0; control = this.byte()) {
      if (control >= 0x80) this.packedChunk(control);
      else if (control <= 2) this.plainChunk(control);
      else throw new RangeError('LZMA2: no such chunk');
    }
  }

  private byte(): number {
    if (this.at >= this.from.length) throw new RangeError('LZMA2 data are cut off');
    return this.from[this.at++];
  }
  private size(): number {
    return ((this.byte() << 8) | this.byte()) + 1;
  }

  private plainChunk(control: number): void {
    if (control === 1) this.start = this.out;
    const size = this.size();
    if (this.at + size > this.from.length || this.out + size > this.to.length) throw new RangeError('an LZMA2 chunk is too long');
    this.to.set(this.from.subarray(this.at, this.at + size), this.out);
    this.at += size;
    this.out += size;
  }

  /** Bits 5 and 6 of `control`: 0 goes on, 1 begins with a new state, 2 with new properties too, 3 with a new dictionary as well. */
  private packedChunk(control: number): void {
    const unpacked = ((control & 0x1f) << 16) + this.size();
    const end = this.size() + this.at + (control >= 0xc0 ? 1 : 0);
    if (control >= 0xe0) this.start = this.out;
    if (control >= 0xc0) this.setProperties(this.byte());
    if (control >= 0xa0) this.resetState();
    if (end > this.from.length || this.out + unpacked > this.to.length) throw new RangeError('an LZMA2 chunk is too long');
    this.at++;
    this.range = -1;
    this.code = 0;
    for (let n = 0; n < 4; n++) this.code = (this.code << 8) | this.byte();
    const stop = this.out + unpacked;
    while (this.out < stop) this.sequence(stop);
    this.normalize();
    if (this.at !== end) throw new RangeError('an LZMA2 chunk ends in another place');
  }
  private setProperties(properties: number): void {
    this.literalContextBits = properties % 9;
    const positionBits = Math.floor(properties / 9);
    this.literalPositionMask = (1 << positionBits % 5) - 1;
    this.positionMask = (1 << Math.floor(positionBits / 5)) - 1;
    if (this.literalContextBits + (positionBits % 5) > MOST_LITERAL_BITS || this.positionMask >= POSITION_STATES) throw new RangeError('LZMA2: no such properties');
  }
  private resetState(): void {
    this.probabilities.fill(EVEN);
    this.state = this.distance = this.distance1 = this.distance2 = this.distance3 = 0;
  }

  // Range coder

  private normalize(): void {
    if (this.range >>> 0 < LOWEST_RANGE) {
      this.range <<= 8;
      this.code = (this.code << 8) | this.from[this.at++];
    }
  }
  private bit(n: number): number {
    this.normalize();
    const probability = this.probabilities[n];
    const bound = Math.imul(this.range >>> PROBABILITY_BITS, probability);
    if (this.code >>> 0 < bound >>> 0) {
      this.range = bound;
      this.probabilities[n] = probability + (((1 << PROBABILITY_BITS) - probability) >> MOVE_BITS);
      return 0;
    }
    this.range = (this.range - bound) | 0;
    this.code = (this.code - bound) | 0;
    this.probabilities[n] = probability - (probability >> MOVE_BITS);
    return 1;
  }
  /** Highest bit first. */
  private tree(base: number, bits: number): number {
    let node = 1;
    for (let n = 0; n < bits; n++) node = (node << 1) | this.bit(base + node);
    return node - (1 << bits);
  }
  /** Lowest bit first. */
  private reverseTree(base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let n = 0; n < bits; n++) {
      const bit = this.bit(base + node);
      node = (node << 1) | bit;
      value |= bit << n;
    }
    return value;
  }
  /** Bits that are as likely 0 as 1. */
  private direct(bits: number): number {
    let value = 0;
    for (let n = 0; n < bits; n++) {
      this.normalize();
      this.range >>>= 1;
      const isOne = this.code >>> 0 >= this.range >>> 0;
      if (isOne) this.code = (this.code - this.range) | 0;
      value = (value << 1) | (isOne ? 1 : 0);
    }
    return value;
  }

  // Sequences

  /** A literal or a match, which ends at `stop` at the latest. */
  private sequence(stop: number): void {
    const position = (this.out - this.start) & this.positionMask;
    const { state } = this;
    if (this.bit(IS_MATCH + state * POSITION_STATES + position) === 0) return this.literal();
    const byPosition = state * POSITION_STATES + position;
    if (this.bit(IS_REPEATED + state) === 0) {
      this.distance3 = this.distance2;
      this.distance2 = this.distance1;
      this.distance1 = this.distance;
      this.state = state < FIRST_MATCH_STATE ? 7 : 10;
      const length = this.length(MATCH_LENGTH, position);
      this.distance = this.newDistance(length);
      return this.copy(length, stop);
    }
    if (this.bit(IS_OTHER0 + state) === 0) {
      if (this.bit(IS_LONG0 + byPosition) === 0) {
        this.state = state < FIRST_MATCH_STATE ? 9 : 11;
        return this.copy(1, stop);
      }
    } else this.chooseDistance(state);
    this.state = state < FIRST_MATCH_STATE ? 8 : 11;
    this.copy(this.length(REPEATED_LENGTH, position), stop);
  }
  /** One of the last distances but the last, which becomes the last. */
  private chooseDistance(state: number): void {
    const last = this.distance;
    if (this.bit(IS_OTHER1 + state) === 0) this.distance = this.distance1;
    else {
      if (this.bit(IS_OTHER2 + state) === 0) this.distance = this.distance2;
      else {
        this.distance = this.distance3;
        this.distance3 = this.distance2;
      }
      this.distance2 = this.distance1;
    }
    this.distance1 = last;
  }

  private literal(): void {
    const { to, out, state, literalContextBits } = this;
    const before = out > this.start ? to[out - 1] : 0;
    const context = (((out - this.start) & this.literalPositionMask) << literalContextBits) + (before >>> (8 - literalContextBits));
    const base = LITERALS + LITERAL_PROBABILITIES * context;
    let symbol = 1;
    if (state >= FIRST_MATCH_STATE) {
      // What the last match would go on with is a guess, as long as it is right.
      let guess = this.byteBack(this.distance);
      for (let same = true; same && symbol < 0x100; ) {
        const guessed = (guess >>> 7) & 1;
        guess <<= 1;
        const bit = this.bit(base + ((1 + guessed) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        same = bit === guessed;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(base + symbol);
    to[this.out++] = symbol & 0xff;
    this.state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }
  private byteBack(distance: number): number {
    const at = this.out - distance - 1;
    if (at < this.start) throw new RangeError('LZMA2: a match begins before the dictionary');
    return this.to[at];
  }

  private length(base: number, position: number): number {
    if (this.bit(base + CHOICE) === 0) return SHORTEST_MATCH + this.tree(base + LOW + position * 8, 3);
    if (this.bit(base + CHOICE2) === 0) return SHORTEST_MATCH + 8 + this.tree(base + MIDDLE + position * 8, 3);
    return SHORTEST_MATCH + 16 + this.tree(base + HIGH, 8);
  }
  private newDistance(length: number): number {
    const slot = this.tree(SLOTS + (Math.min(length - SHORTEST_MATCH, LENGTH_STATES - 1) << SLOT_BITS), SLOT_BITS);
    if (slot < FIRST_MODEL_SLOT) return slot;
    const bits = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) << bits;
    if (slot < FIRST_DIRECT_SLOT) return high + this.reverseTree(DISTANCES + high - slot, bits);
    return (high | (this.direct(bits - ALIGN_BITS) << ALIGN_BITS) | this.reverseTree(ALIGN, ALIGN_BITS)) >>> 0;
  }
  /** Byte by byte: a match may overlap what it makes. */
  private copy(length: number, stop: number): void {
    const { to, distance } = this;
    let { out } = this;
    const end = out + length;
    if (end > stop || out - distance - 1 < this.start) throw new RangeError('an LZMA2 match reaches outside');
    for (const back = distance + 1; out < end; out++) to[out] = to[out - back];
    this.out = out;
  }
}
