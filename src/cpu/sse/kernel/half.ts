/**
 * Between half and single precision [SDM2 VCVTPH2PS, VCVTPS2PH]. Neither takes denormal halves for zeros, or makes zeros of them.
 *
 * Deviation: an unmasked #U of VCVTPS2PH sets PE as those of other instructions do; Intel's processors do so in other cases.
 */
import {
  accept, exponentBias, exponentOf, isDenormal, isInfinity, isNan, isSignalling, isZero, significandOf, useHalf, useSingle,
} from './format';
import { encode } from './round';
import { DE, IE, raiseBefore, useRounding } from './state';

/** Always exact. Works in the half format and leaves the single one. */
export function widenHalf(value: u32): u32 {
  useHalf();
  const x = <u64>value;
  const sign: u32 = (value & 0x8000) << 16;
  if (isSignalling(x)) raiseBefore(IE);
  if (isNan(x)) return sign | 0x7fc00000 | ((value & 0x3ff) << 13);
  if (isInfinity(x)) return sign | 0x7f800000;
  if (isZero(x)) return sign;
  const exponent = exponentOf(x) - exponentBias();
  const sig = significandOf(x);
  useSingle();
  return <u32>encode(sign, exponent + exponentBias(), sig);
}

export function narrowToHalf(value: u32, rc: i32): u32 {
  useSingle();
  const x = accept(<u64>value);
  const sign: u32 = (value >> 16) & 0x8000;
  if (isSignalling(x)) raiseBefore(IE);
  if (isNan(x)) return sign | 0x7e00 | ((value >> 13) & 0x1ff);
  if (isInfinity(x)) return sign | 0x7c00;
  if (isZero(x)) return sign;
  if (isDenormal(x)) raiseBefore(DE);
  const exponent = exponentOf(x) - exponentBias();
  const sig = significandOf(x);
  useHalf();
  useRounding(rc);
  return <u32>encode(sign, exponent + exponentBias(), sig);
}
