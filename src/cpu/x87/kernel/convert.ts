/** Conversions between the register format and the memory formats: single, double, integers and packed BCD [SDM1 4.2, 8.5]. */
import { isInfinity, isUnordered, isUnsupported, isZero, normalSig } from './operands';
import { overflowsToInfinity, raiseInexact, roundAt, wasCarried, wasInexact } from './round';
import {
  BIAS, C1, EXPONENT_MASK, IE, INTEGER_BIT, OE, PE, QUIET_BIT, SIGN, UE, masked, raise, raiseBefore,
} from './state';
import { low, shiftRightSticky } from './wide';

let valueSe: i32 = 0;
let valueSig: u64 = 0;
let valid: bool = false;

export function getValueSe(): i32 {
  return valueSe;
}

export function getValueSig(): u64 {
  return valueSig;
}

/** Whether the last conversion to a memory format may be stored. */
export function isValid(): bool {
  return valid;
}

function setValue(se: i32, sig: u64): void {
  valueSe = se;
  valueSig = sig;
}

/**
 * Widens a memory real without judging it: NaNs keep their kind. A denormal comes out normalised, so the caller asks
 * `isDenormal32` or `isDenormal64` for #D.
 */
export function widen32(bits: u32): void {
  widen((bits >> 16) & SIGN, (bits >> 23) & 0xff, <u64>(bits & 0x7fffff) << 40, 0xff, 127);
}

export function widen64(bits: u64): void {
  widen(i32(bits >> 48) & SIGN, i32(bits >> 52) & 0x7ff, (bits & 0xfffffffffffff) << 11, 0x7ff, 1023);
}

function widen(sign: i32, exponent: i32, fraction: u64, top: i32, bias: i32): void {
  if (exponent === top) setValue(sign | EXPONENT_MASK, INTEGER_BIT | fraction);
  else if (exponent !== 0) setValue(sign | (exponent - bias + BIAS), INTEGER_BIT | fraction);
  else if (fraction === 0) setValue(sign, 0);
  else setValue(sign | (1 - bias + BIAS - i32(clz<u64>(fraction))), normalSig(fraction));
}

export function isDenormal32(bits: u32): bool {
  return (bits & 0x7f800000) === 0 && bits << 1 !== 0;
}

export function isDenormal64(bits: u64): bool {
  return (bits & 0x7ff0000000000000) === 0 && bits << 1 !== 0;
}

export function widenInteger(value: i64): void {
  if (value === 0) {
    setValue(0, 0);
    return;
  }
  const magnitude: u64 = value < 0 ? <u64>-value : <u64>value;
  const shift = clz<u64>(magnitude);
  setValue((value < 0 ? SIGN : 0) | (BIAS + 63 - i32(shift)), magnitude << shift);
}

/** FBLD: 18 digits, and the sign in bit 15 of `high`. */
export function widenBcd(digits: u64, high: i32): void {
  let magnitude: u64 = 0;
  for (let shift: i32 = 4; shift >= 0; shift -= 4) magnitude = magnitude * 10 + <u64>((high >> shift) & 15);
  for (let shift: i32 = 60; shift >= 0; shift -= 4) magnitude = magnitude * 10 + ((digits >> <u64>shift) & 15);
  widenInteger(<i64>magnitude);
  valueSe |= high & SIGN;
}

/** Narrows to single or double; `fractionBits` is 23 or 52. */
export function narrow(se: i32, sig: u64, fractionBits: i32): u64 {
  valid = true;
  const top: i32 = fractionBits === 23 ? 0xff : 0x7ff;
  const shift = <u64>(63 - fractionBits);
  const sign: u64 = <u64>(se >> 15) << <u64>(fractionBits === 23 ? 31 : 63);
  const infinity = <u64>top << <u64>fractionBits;
  if (isUnordered(se, sig)) {
    if (isUnsupported(se, sig) || (sig & QUIET_BIT) === 0) valid = raiseBefore(IE);
    if (isUnsupported(se, sig)) return ((<u64>top << 1) | 1) << <u64>(fractionBits - 1) | (<u64>1 << <u64>(fractionBits === 23 ? 31 : 63));
    return sign | infinity | (((sig | QUIET_BIT) & ~INTEGER_BIT) >> shift);
  }
  if (isZero(se, sig)) return sign;
  if (isInfinity(se, sig)) return sign | infinity;
  return sign | narrowNumber(se, sig, shift, top, infinity);
}

function narrowNumber(se: i32, sig: u64, shift: u64, top: i32, infinity: u64): u64 {
  const negative = (se & SIGN) !== 0;
  const mask = (<u64>1 << shift) - 1;
  let exponent = (se & EXPONENT_MASK) - BIAS + (top >> 1);
  if ((se & EXPONENT_MASK) === 0) exponent = -0x4000;
  let rounded = roundAt(negative, sig, 0, mask);
  const tiny = exponent < 0 || (exponent === 0 && !wasCarried());
  if (tiny) {
    if (!masked(UE)) {
      raise(UE);
      valid = false;
      return 0;
    }
    const shifted = shiftRightSticky(sig, 0, 1 - exponent);
    rounded = roundAt(negative, shifted, low(), mask);
    raiseInexact();
    if (wasInexact()) raise(UE);
    return rounded >> shift;
  }
  if (wasCarried()) exponent++;
  if (exponent >= top) {
    raise(OE);
    if (!masked(OE)) {
      valid = false;
      return 0;
    }
    if (overflowsToInfinity(negative)) {
      raise(PE | C1);
      return infinity;
    }
    raise(PE);
    return infinity - 1;
  }
  raiseInexact();
  return (<u64>exponent << (63 - shift)) | ((rounded & ~INTEGER_BIT) >> shift);
}

/** |value| rounded to an integer by RC; `isValid` is false where it does not fit 64 bits or is no number. */
function magnitude(se: i32, sig: u64): u64 {
  valid = false;
  const exponent = (se & EXPONENT_MASK) - BIAS;
  if (isUnordered(se, sig) || exponent > 63) return 0;
  valid = true;
  if (exponent === 63) {
    roundAt(false, sig, 0, 0);
    return sig;
  }
  const whole = shiftRightSticky(sig, 0, (se & EXPONENT_MASK) === 0 ? 128 : 63 - exponent);
  return roundAt((se & SIGN) !== 0, whole, low(), 0);
}

/** FIST, FISTP, FISTTP: to a two's complement integer of `bits` bits; the integer indefinite where it does not fit. */
export function toInteger(se: i32, sig: u64, bits: i32): i64 {
  const size = magnitude(se, sig);
  const negative = (se & SIGN) !== 0;
  const limit = <u64>1 << <u64>(bits - 1);
  if (!valid || size > limit || (size === limit && !negative)) {
    valid = raiseBefore(IE);
    return -(<i64>limit);
  }
  raiseInexact();
  return negative ? -(<i64>size) : <i64>size;
}

const BCD_LIMIT: u64 = 1000000000000000000;

/** FBSTP: returns bytes 0 to 7; `getValueSe` gives bytes 8 and 9. */
export function toBcd(se: i32, sig: u64): u64 {
  let size = magnitude(se, sig);
  if (!valid || size >= BCD_LIMIT) {
    valid = raiseBefore(IE);
    valueSe = 0xffff;
    return 0xc000000000000000;
  }
  raiseInexact();
  let digits: u64 = 0;
  for (let shift: u64 = 0; shift < 64; shift += 4) {
    digits |= (size % 10) << shift;
    size /= 10;
  }
  valueSe = i32(((size / 10) << 4) | (size % 10)) | (se & SIGN);
  return digits;
}
