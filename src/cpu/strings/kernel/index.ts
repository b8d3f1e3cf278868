/** The kernel's exports for repeated string instructions, documented in ../kernel-interface.ts. */

/** From so many bytes on, the engine's bulk instructions are faster than a loop. */
const BULK = 256;
const CHUNK = 16;

/** Upwards, to outside of the source or to below it. */
// @ts-ignore: decorator
@inline
function moveUp(to: i32, from: i32, bytes: i32): void {
  const end = from + bytes;
  for (; from + CHUNK <= end; from += CHUNK, to += CHUNK) v128.store(to, v128.load(from));
  if (bytes & 8) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
  if (bytes & 4) {
    store<u32>(to, load<u32>(from));
    from += 4;
    to += 4;
  }
  if (bytes & 2) {
    store<u16>(to, load<u16>(from));
    from += 2;
    to += 2;
  }
  if (bytes & 1) store<u8>(to, load<u8>(from));
}

// @ts-ignore: decorator
@inline
function element(at: i32, width: i32): u64 {
  switch (width) {
    case 1: return load<u8>(at);
    case 2: return load<u16>(at);
    case 4: return load<u32>(at);
    default: return load<u64>(at);
  }
}
// @ts-ignore: decorator
@inline
function put(at: i32, value: u64, width: i32): void {
  switch (width) {
    case 1: store<u8>(at, u8(value)); break;
    case 2: store<u16>(at, u16(value)); break;
    case 4: store<u32>(at, u32(value)); break;
    default: store<u64>(at, value);
  }
}

export function move_elements(_cpu: i32, to: i32, from: i32, step: i32, elements: i32): void {
  const width = abs(step);
  const bytes = elements * width;
  const below = step < 0 ? bytes - width : 0;
  const distance = to - from;
  if (abs(distance) >= bytes || (step > 0 ? distance < 0 : distance > 0)) {
    // As if by way of a copy: nothing is read again that was written.
    if (bytes >= BULK || (step < 0 && abs(distance) < bytes)) memory.copy(to - below, from - below, bytes);
    else moveUp(to - below, from - below, bytes);
    return;
  }
  for (; elements > 0; elements--, from += step, to += step) put(to, element(from, width), width);
}

export function fill_elements(_cpu: i32, to: i32, pattern: i64, step: i32, elements: i32): void {
  const bytes = elements * abs(step);
  if (step < 0) to -= bytes + step;
  if (bytes >= BULK && rotl(pattern, 8) === pattern) {
    memory.fill(to, u8(pattern), bytes);
    return;
  }
  const end = to + bytes;
  const wide = i64x2.splat(pattern);
  for (; to + CHUNK <= end; to += CHUNK) v128.store(to, wide);
  if (bytes & 8) {
    store<u64>(to, pattern);
    to += 8;
  }
  if (bytes & 4) {
    store<u32>(to, u32(pattern));
    to += 4;
  }
  if (bytes & 2) {
    store<u16>(to, u16(pattern));
    to += 2;
  }
  if (bytes & 1) store<u8>(to, u8(pattern));
}

/** Which bytes belong to elements that are equal, as bits. */
// @ts-ignore: decorator
@inline
function matching(a: v128, b: v128, width: i32): i32 {
  switch (width) {
    case 1: return i8x16.bitmask(i8x16.eq(a, b));
    case 2: return i8x16.bitmask(i16x8.eq(a, b));
    case 4: return i8x16.bitmask(i32x4.eq(a, b));
    default: return i8x16.bitmask(i64x2.eq(a, b));
  }
}

/** Elements up to the one that ends the search. They are compared with those at `other` when `paired`, else with the pattern. */
// @ts-ignore: decorator
@inline
function search(at: i32, other: i32, pattern: i64, paired: bool, step: i32, elements: i32, equal: i32): i32 {
  const width = abs(step);
  const shift = ctz(width);
  let n = 0;
  if (step > 0) {
    const wide = i64x2.splat(pattern);
    for (; n + (CHUNK >> shift) <= elements; n += CHUNK >> shift) {
      const there = paired ? v128.load(other + (n << shift)) : wide;
      const equals = matching(v128.load(at + (n << shift)), there, width);
      const found = equal ? equals : equals ^ 0xffff;
      if (found) return n + (ctz(found) >> shift) + 1;
    }
  }
  const wanted = pattern & (u64(-1) >> (64 - (width << 3)));
  for (; n < elements; n++) {
    const there = paired ? element(other + n * step, width) : wanted;
    if ((element(at + n * step, width) === there) === (equal !== 0)) return n + 1;
  }
  return elements;
}

export function scan_elements(_cpu: i32, at: i32, pattern: i64, step: i32, elements: i32, equal: i32): i32 {
  return search(at, 0, pattern, false, step, elements, equal);
}
export function compare_elements(_cpu: i32, at: i32, other: i32, step: i32, elements: i32, equal: i32): i32 {
  return search(at, other, 0, true, step, elements, equal);
}
