/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM [SDM1 12.10.1 to 12.10.3]. A set of elements is a mask with a bit for each of
 * them; one vector comparison gives those that equal, or are in order with, a certain element of the other string.
 */

// The immediate
const WORDS = 1;
const SIGNED = 2;
const AGGREGATION_SHIFT = 2;
const EQUAL_ANY = 0;
const RANGES = 1;
const EQUAL_EACH = 2;
const NEGATIVE = 0x10;
const MASKED = 0x20;

export function countOf(control: i32): i32 {
  return control & WORDS ? 8 : 16;
}

function bits(mask: v128, control: i32): i32 {
  return control & WORDS ? i16x8.bitmask(mask) : i8x16.bitmask(mask);
}
function equal(a: v128, b: v128, control: i32): i32 {
  return bits(control & WORDS ? i16x8.eq(a, b) : i8x16.eq(a, b), control);
}
function notAbove(a: v128, b: v128, control: i32): i32 {
  if (control & WORDS) return bits(control & SIGNED ? i16x8.le_s(a, b) : i16x8.le_u(a, b), control);
  return bits(control & SIGNED ? i8x16.le_s(a, b) : i8x16.le_u(a, b), control);
}
/** Element `i` in all places. */
function everywhere(string: v128, i: i32, control: i32): v128 {
  return i8x16.swizzle(string, control & WORDS ? i16x8.splat(<i16>(i * 0x202 + 0x100)) : i8x16.splat(<i8>i));
}

/** How many elements come before the first zero. */
export function lengthOf(string: v128, control: i32): i32 {
  return ctz(equal(string, i64x2.splat(0), control) | (1 << countOf(control)));
}

/** A bit for each element of the second string, in the order of the elements: IntRes2. */
export function compareStrings(first: v128, firstLength: i32, second: v128, secondLength: i32, control: i32): i32 {
  const all = (1 << countOf(control)) - 1;
  const valid = (1 << secondLength) - 1;
  const aggregation = (control >> AGGREGATION_SHIFT) & 3;
  let result = 0;
  if (aggregation == EQUAL_EACH) {
    const alsoValid = (1 << firstLength) - 1;
    result = (equal(first, second, control) & valid & alsoValid) | (all & ~(valid | alsoValid));
  } else if (aggregation == EQUAL_ANY) {
    for (let k = 0; k < firstLength; k++) result |= equal(everywhere(first, k, control), second, control);
    result &= valid;
  } else if (aggregation == RANGES) {
    for (let k = 0; k + 1 < firstLength; k += 2) {
      result |= notAbove(everywhere(first, k, control), second, control) & notAbove(second, everywhere(first, k + 1, control), control);
    }
    result &= valid;
  } else {
    // Where the first string begins in the second, as far as the vector reaches.
    result = all;
    for (let k = 0; k < firstLength; k++) result &= ((equal(everywhere(first, k, control), second, control) & valid) >> k) | ~(all >> k);
  }
  if (control & NEGATIVE) result ^= control & MASKED ? valid : all;
  return result & all;
}
