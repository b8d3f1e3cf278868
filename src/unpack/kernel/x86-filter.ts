/** The filter for x86 code of .xz files. */

/** E8, a call, and E9, a jump. */
const CALL: i32 = 0xe8;
/** By the three bytes before an opcode, a bit for each that looks like one: whether the opcode is one, and, two bits each, which byte of its operand decides. */
const MASKS_ALLOWED: i32 = 0b10111, MASK_BYTES: i32 = 0b1111111110100100;

/** The highest byte of a distance that is converted. */
// @ts-ignore: decorator
@inline
function isSign(byte: i32): bool {
  return byte == 0 || byte == 0xff;
}

export function undo_x86(start: i32, end: i32): void {
  let mask = 0;
  let before = start - 1;
  for (let at = start; at + 5 <= end; at++) {
    if ((load<u8>(at) & 0xfe) != CALL) continue;
    const gap = at - before;
    before = at;
    mask = gap > 3 ? 0 : (mask << (gap - 1)) & 7;
    const deciding = (MASK_BYTES >> (mask * 2)) & 3;
    const isOpcode = mask == 0 || (((MASKS_ALLOWED >> mask) & 1) != 0 && !isSign(load<u8>(at + 4 - deciding)));
    if (!isOpcode || !isSign(load<u8>(at, 4))) {
      mask = (mask << 1) | 1;
      continue;
    }
    let target = load<i32>(at, 1);
    let distance: i32;
    for (;;) {
      distance = target - (at - start + 5);
      if (mask == 0) break;
      const shift = deciding * 8;
      if (!isSign((distance >>> (24 - shift)) & 0xff)) break;
      target = distance ^ ((1 << (32 - shift)) - 1);
    }
    store<i32>(at, (distance & 0xffffff) | ((distance << 7 >> 31) << 24), 1);
    at += 4;
    mask = 0;
  }
}
