/** PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM [SDM1 12.10.1 to 12.10.3]: comparisons of all elements with all. */

// The immediate
const WORDS = 1;
const SIGNED = 2;
const AGGREGATION_SHIFT = 2;
const EQUAL_ANY = 0;
const RANGES = 1;
const EQUAL_EACH = 2;
const NEGATIVE = 0x10;
const MASKED = 0x20;

/** Element `i` of the vector at an address. */
function elementAt(at: usize, i: i32, control: i32): i32 {
  if (control & WORDS) return control & SIGNED ? <i32>load<i16>(at + (i << 1)) : <i32>load<u16>(at + (i << 1));
  return control & SIGNED ? <i32>load<i8>(at + i) : <i32>load<u8>(at + i);
}

/** How many elements come before the first zero. */
export function lengthOf(at: usize, control: i32): i32 {
  const count = control & WORDS ? 8 : 16;
  let i = 0;
  while (i < count && elementAt(at, i, control) != 0) i++;
  return i;
}

/** Whether element `i` of the string is one of the set's. */
function isAny(set: usize, size: i32, element: i32, control: i32): bool {
  for (let k = 0; k < size; k++) if (elementAt(set, k, control) == element) return true;
  return false;
}
/** Whether it lies in one of the ranges, each two elements long. */
function isInRange(set: usize, size: i32, element: i32, control: i32): bool {
  for (let k = 0; k + 1 < size; k += 2) {
    if (element >= elementAt(set, k, control) && element <= elementAt(set, k + 1, control)) return true;
  }
  return false;
}
/** Whether the substring begins at element `i`, as far as the vector reaches. */
function beginsAt(part: usize, size: i32, at: usize, length: i32, i: i32, control: i32): bool {
  const count = control & WORDS ? 8 : 16;
  for (let k = 0; k < size && i + k < count; k++) {
    if (i + k >= length || elementAt(part, k, control) != elementAt(at, i + k, control)) return false;
  }
  return true;
}

/** A bit for each element of the second string, in the order of the elements: IntRes2. */
export function compareStrings(first: usize, firstLength: i32, second: usize, secondLength: i32, control: i32): i32 {
  const count = control & WORDS ? 8 : 16;
  const aggregation = (control >> AGGREGATION_SHIFT) & 3;
  let result = 0;
  for (let i = 0; i < count; i++) {
    const valid = i < secondLength;
    let bit: bool;
    if (aggregation == EQUAL_ANY) bit = valid && isAny(first, firstLength, elementAt(second, i, control), control);
    else if (aggregation == RANGES) bit = valid && isInRange(first, firstLength, elementAt(second, i, control), control);
    else if (aggregation == EQUAL_EACH) {
      const alsoValid = i < firstLength;
      bit = valid && alsoValid ? elementAt(first, i, control) == elementAt(second, i, control) : valid == alsoValid;
    } else bit = beginsAt(first, firstLength, second, secondLength, i, control);
    if (control & NEGATIVE && (!(control & MASKED) || valid)) bit = !bit;
    if (bit) result |= 1 << i;
  }
  return result;
}
