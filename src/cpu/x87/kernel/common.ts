/**
 * The common case of the instructions that programs use most: operands and result are normal numbers, rounding is to nearest
 * and to 64 bits, #P is masked, the stack neither over- nor underflows. A function here does the instruction's whole work and
 * returns true, or has changed nothing and leaves it to the general code, which decides every other case.
 */
import { FCW, FPR, FSW, FTW } from '../../layout';
import { isNormal } from './operands';
import { BIAS, C1, EXPONENT_MASK, INTEGER_BIT, PE, SCRATCH_FLAGS, SCRATCH_VALID, SIGN, physical, pop, setTop } from './state';
import { divide, low, multiply } from './wide';

/** RC, PC and PM of the control word [SDM1 8.1.5], and how they stand in the common case. */
const CONTROL = 0xf20;
const CONTROL_COMMON = 0x320;
/** Beyond the exponents of normal numbers, less one. */
const NORMAL_EXPONENTS: u32 = 0x7ffe;

function roundsCommonly(cpu: i32): bool {
  return (<i32>load<u16>(cpu, FCW) & CONTROL) === CONTROL_COMMON;
}

function isFull(cpu: i32, n: i32): bool {
  return ((<i32>load<u8>(cpu, FTW) >> n) & 1) !== 0;
}

// Which way these go is as good as random: no branch depends on it.

/** Rounds high:rest, normalised, into the register at `to`. */
function settle(cpu: i32, to: i32, sign: i32, exponent: i32, high: u64, rest: u64): bool {
  const up = i32(rest > INTEGER_BIT) | (i32(rest === INTEGER_BIT) & i32(high & 1));
  const rounded = high + <u64>up;
  // A carry out of the highest bit leaves 0.
  const carried = i32(rounded === 0);
  exponent += carried;
  if (<u32>(exponent - 1) >= NORMAL_EXPONENTS) return false;
  store<u64>(to, rounded | (<u64>carried << 63), FPR);
  store<u16>(to, <u16>(sign | exponent), FPR + 8);
  store<u16>(cpu, <u16>((<i32>load<u16>(cpu, FSW) & ~C1) | (i32(rest !== 0) * PE) | (up * C1)), FSW);
  return true;
}

function addInto(cpu: i32, to: i32, aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  const difference = (aSe & EXPONENT_MASK) - (bSe & EXPONENT_MASK);
  const swapped = i32(difference < 0) | (i32(difference === 0) & i32(bSig > aSig));
  const distance = select<i32>(-difference, difference, swapped);
  // Further apart, what is shifted out does not fit the second word.
  if (distance > 63) return false;
  const larger = select<i32>(bSe, aSe, swapped);
  const high = select<u64>(bSig, aSig, swapped);
  const other = select<u64>(aSig, bSig, swapped);
  const shifted = other >> <u64>distance;
  const lost = (other << 1) << <u64>(63 - distance);
  // The smaller one negated when the signs differ.
  const differ = <u64>(((aSe ^ bSe) >> 15) & 1);
  const mask = 0 - differ;
  const added = (shifted ^ mask) + (differ & u64(lost === 0));
  let rest = (lost ^ mask) + differ;
  let sum = high + added;
  const carry = u64(sum < high) & ~mask;
  if (differ !== 0 && sum === 0) return false;
  const shift = clz<u64>(sum) & mask;
  sum = (sum << shift) | ((rest >> 1) >> (63 - shift));
  rest <<= shift;
  rest = (rest >> carry) | (rest & carry) | ((sum << 63) & (0 - carry));
  sum = (sum >> carry) | (carry << 63);
  return settle(cpu, to, larger & SIGN, (larger & EXPONENT_MASK) - i32(shift) + i32(carry), sum, rest);
}

function multiplyInto(cpu: i32, to: i32, aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  const high = multiply(aSig, bSig);
  const rest = low();
  const shift = (high >> 63) ^ 1;
  const exponent = (aSe & EXPONENT_MASK) + (bSe & EXPONENT_MASK) - BIAS + 1 - i32(shift);
  return settle(cpu, to, (aSe ^ bSe) & SIGN, exponent, (high << shift) | ((rest >> 63) & shift), rest << shift);
}

function divideInto(cpu: i32, to: i32, aSe: i32, aSig: u64, bSe: i32, bSig: u64): bool {
  const smaller = aSig < bSig;
  const exponent = (aSe & EXPONENT_MASK) - (bSe & EXPONENT_MASK) + BIAS - i32(smaller);
  const quotient = smaller ? divide(aSig, 0, bSig) : divide(aSig >> 1, aSig << 63, bSig);
  // The remainder only has to tell which side of half a unit the rest is on: below, above, or none at all.
  const remainder = low();
  const rest: u64 = remainder === 0 ? 0 : remainder > bSig - remainder ? INTEGER_BIT | 1 : 1;
  return settle(cpu, to, (aSe ^ bSe) & SIGN, exponent, quotient, rest);
}

/** Rounding is common, and neither register is empty. */
function areReady(cpu: i32, a: i32, b: i32): bool {
  return roundsCommonly(cpu) && isFull(cpu, a) && isFull(cpu, b);
}

function se(at: i32): i32 {
  return load<u16>(at, FPR + 8);
}

function sig(at: i32): u64 {
  return load<u64>(at, FPR);
}

// ST(dst) = ST(dst) op ST(src), and ST(0) = ST(0) op a number. Subtractions are additions with a sign changed, by `aFlip` or `bFlip`.

export function commonAdd(cpu: i32, dst: i32, src: i32, aFlip: i32, bFlip: i32, pops: i32): bool {
  const a = physical(cpu, dst);
  const b = physical(cpu, src);
  if (!areReady(cpu, a, b)) return false;
  const to = cpu + (a << 4);
  const from = cpu + (b << 4);
  if (!(isNormal(se(to), sig(to)) && isNormal(se(from), sig(from)))) return false;
  if (!addInto(cpu, to, se(to) ^ aFlip, sig(to), se(from) ^ bFlip, sig(from))) return false;
  if (pops) pop(cpu);
  return true;
}

export function commonMultiply(cpu: i32, dst: i32, src: i32, pops: i32): bool {
  const a = physical(cpu, dst);
  const b = physical(cpu, src);
  if (!areReady(cpu, a, b)) return false;
  const to = cpu + (a << 4);
  const from = cpu + (b << 4);
  if (!(isNormal(se(to), sig(to)) && isNormal(se(from), sig(from)))) return false;
  if (!multiplyInto(cpu, to, se(to), sig(to), se(from), sig(from))) return false;
  if (pops) pop(cpu);
  return true;
}

export function commonDivide(cpu: i32, dst: i32, src: i32, reverse: bool, pops: i32): bool {
  const a = physical(cpu, dst);
  const b = physical(cpu, src);
  if (!areReady(cpu, a, b)) return false;
  const to = cpu + (a << 4);
  const from = cpu + (b << 4);
  if (!(isNormal(se(to), sig(to)) && isNormal(se(from), sig(from)))) return false;
  const dividend = reverse ? from : to;
  const divisor = reverse ? to : from;
  if (!divideInto(cpu, to, se(dividend), sig(dividend), se(divisor), sig(divisor))) return false;
  if (pops) pop(cpu);
  return true;
}

export function commonAddValue(cpu: i32, bSe: i32, bSig: u64, aFlip: i32): bool {
  const a = physical(cpu, 0);
  const to = cpu + (a << 4);
  if (!(areReady(cpu, a, a) && isNormal(se(to), sig(to)) && isNormal(bSe, bSig))) return false;
  return addInto(cpu, to, se(to) ^ aFlip, sig(to), bSe, bSig);
}

export function commonMultiplyValue(cpu: i32, bSe: i32, bSig: u64): bool {
  const a = physical(cpu, 0);
  const to = cpu + (a << 4);
  if (!(areReady(cpu, a, a) && isNormal(se(to), sig(to)) && isNormal(bSe, bSig))) return false;
  return multiplyInto(cpu, to, se(to), sig(to), bSe, bSig);
}

export function commonDivideValue(cpu: i32, bSe: i32, bSig: u64, reverse: bool): bool {
  const a = physical(cpu, 0);
  const to = cpu + (a << 4);
  if (!(areReady(cpu, a, a) && isNormal(se(to), sig(to)) && isNormal(bSe, bSig))) return false;
  return reverse ? divideInto(cpu, to, bSe, bSig, se(to), sig(to)) : divideInto(cpu, to, se(to), sig(to), bSe, bSig);
}

/** Pushes what no conversion judges. */
export function commonPush(cpu: i32, se: i32, sig: u64): bool {
  const n = physical(cpu, -1);
  if (isFull(cpu, n)) return false;
  store<u64>(cpu + (n << 4), sig, FPR);
  store<u16>(cpu + (n << 4), <u16>se, FPR + 8);
  store<u8>(cpu, <u8>(<i32>load<u8>(cpu, FTW) | (1 << n)), FTW);
  setTop(cpu, n);
  store<u16>(cpu, <u16>(<i32>load<u16>(cpu, FSW) & ~C1), FSW);
  return true;
}

/** FXCH of registers that are not empty. */
export function commonExchange(cpu: i32, i: i32): bool {
  const a = physical(cpu, 0);
  const b = physical(cpu, i);
  if (!(isFull(cpu, a) && isFull(cpu, b))) return false;
  const first = cpu + (a << 4);
  const second = cpu + (b << 4);
  const sig = load<u64>(first, FPR);
  const se = load<u16>(first, FPR + 8);
  store<u64>(first, load<u64>(second, FPR), FPR);
  store<u16>(first, load<u16>(second, FPR + 8), FPR + 8);
  store<u64>(second, sig, FPR);
  store<u16>(second, se, FPR + 8);
  store<u16>(cpu, <u16>(<i32>load<u16>(cpu, FSW) & ~C1), FSW);
  return true;
}

/** First phase of a store of ST(0) as a normal single or double, `fractionBits` being 23 or 52: its bits, or 0. */
export function commonNarrow(cpu: i32, fractionBits: i32): u64 {
  const n = physical(cpu, 0);
  if (!(roundsCommonly(cpu) && isFull(cpu, n))) return 0;
  const se: i32 = load<u16>(cpu + (n << 4), FPR + 8);
  const sig = load<u64>(cpu + (n << 4), FPR);
  const top: i32 = fractionBits === 23 ? 0xff : 0x7ff;
  const exponent = (se & EXPONENT_MASK) - BIAS + (top >> 1);
  if (!isNormal(se, sig) || exponent < 1 || exponent >= top) return 0;
  const shift = <u64>(63 - fractionBits);
  const half = <u64>1 << (shift - 1);
  const below = sig & ((half << 1) - 1);
  const kept = sig >> shift;
  const up = below > half || (below === half && (kept & 1) !== 0);
  // The integer bit, and a carry past it, add to the exponent.
  const bits = (<u64>(exponent - 1) << <u64>fractionBits) + kept + u64(up);
  if (i32(bits >> <u64>fractionBits) >= top) return 0;
  store<i32>(cpu, 1, SCRATCH_VALID);
  store<i32>(cpu, below === 0 ? 0 : up ? PE | C1 : PE, SCRATCH_FLAGS);
  return (<u64>(se >> 15) << <u64>(fractionBits === 23 ? 31 : 63)) | bits;
}

/** Ends a store that raised at most #P, which is masked. */
export function commonCommit(cpu: i32, flags: i32, pops: i32): bool {
  if ((flags & ~(PE | C1)) !== 0 || pops > 1 || ((<i32>load<u16>(cpu, FCW) & PE) === 0 && flags !== 0)) return false;
  store<u16>(cpu, <u16>((<i32>load<u16>(cpu, FSW) & ~C1) | flags), FSW);
  if (pops) pop(cpu);
  return true;
}
