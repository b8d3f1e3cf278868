/**
 * The kernel's exports for integers: what WebAssembly has no instruction for. Results of 64 bits are left in the scratch
 * area of the vCPU's state, the quotient first, then the remainder.
 */
import { INTEGER_SCRATCH } from '../../layout';
import { divide, low } from '../../x87/kernel/wide';

const REMAINDER = 8;
const SIGN: u64 = 1 << 63;

function keep(cpu: i32, quotient: u64, remainder: u64): void {
  store<u64>(cpu, quotient, INTEGER_SCRATCH);
  store<u64>(cpu, remainder, INTEGER_SCRATCH + REMAINDER);
}

/** (high : lowPart) / d, for high < d. */
function quotient(high: u64, lowPart: u64, d: u64): u64 {
  const shift = clz(d);
  const top = shift === 0 ? high : (high << shift) | (lowPart >> (64 - shift));
  return divide(top, lowPart << shift, d << shift);
}

/** [SDM2 DIV]: 0 when the quotient does not fit, or for a division by zero. */
export function div128(cpu: i32, high: u64, lowPart: u64, d: u64): i32 {
  if (high >= d) return 0;
  if (high === 0) {
    keep(cpu, lowPart / d, lowPart % d);
    return 1;
  }
  const q = quotient(high, lowPart, d);
  keep(cpu, q, low() >> clz(d));
  return 1;
}

/** [SDM2 IDIV]: truncated; the remainder has the dividend's sign. */
export function idiv128(cpu: i32, high: u64, lowPart: u64, d: u64): i32 {
  const negative = (high & SIGN) !== 0;
  const opposite = negative !== ((d & SIGN) !== 0);
  if (negative) {
    high = ~high + u64(lowPart === 0);
    lowPart = 0 - lowPart;
  }
  const magnitude = (d & SIGN) !== 0 ? 0 - d : d;
  if (!div128(cpu, high, lowPart, magnitude)) return 0;
  const q = load<u64>(cpu, INTEGER_SCRATCH);
  const r = load<u64>(cpu, INTEGER_SCRATCH + REMAINDER);
  if (opposite ? q > SIGN : q >= SIGN) return 0;
  keep(cpu, opposite ? 0 - q : q, negative ? 0 - r : r);
  return 1;
}
