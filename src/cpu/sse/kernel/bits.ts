/** PDEP and PEXT [SDM2]. */

/** The low bits of `value` at the places of the mask's ones, lowest first. */
export function deposit(value: u64, mask: u64): u64 {
  let out: u64 = 0;
  let rest = value;
  for (let m = mask; m != 0; m &= m - 1) {
    if (rest & 1) out |= m & -m;
    rest >>= 1;
  }
  return out;
}

/** The bits of `value` at those places, side by side. */
export function extract(value: u64, mask: u64): u64 {
  let out: u64 = 0;
  let bit: u64 = 1;
  for (let m = mask; m != 0; m &= m - 1) {
    if (value & (m & -m)) out |= bit;
    bit <<= 1;
  }
  return out;
}
