/**
 * The kernel's exports for SSE; documented in ../kernel-interface.ts. Elements of packed operands go through the scratch
 * area of the vCPU's state, where they can be counted through.
 */
import { SSE_SCRATCH, SSE_UNMASKED } from '../../layout';
import { SSE_ADD, SSE_ADDSUB, SSE_SUB } from '../operations';
import { operate } from './arithmetic';
import { carryless, crc32c, decryptRound, encryptRound, inverseMix, keyAssist } from './crypto';
import { UNORDERED, fromInteger, holds, narrow, relate, toInteger, toWideInteger, widen } from './convert';
import { deposit, extract } from './bits';
import { reciprocal, reciprocalRoot } from './estimate';
import { useDouble, useSingle } from './format';
import { fusedMultiplyAdd } from './fused';
import {
  areModerateDoubles, areModerateSingles, areNormalSingles, fuseDoubles, fuseSingles, isHalfway, roundsUnnoticed,
} from './fused-quick';
import { narrowToHalf, widenHalf } from './half';
import { roundToInteger } from './round-to-integer';
import { sha1Message1, sha1Message2, sha1NextE, sha1Rounds, sha256Message1, sha256Message2, sha256Rounds } from './sha';
import { begin, finish, join, ownRounding, part, roundingControl } from './state';
import { compareStrings, countOf, lengthOf } from './strings';

const A = SSE_SCRATCH;
const B = SSE_SCRATCH + 16;
const RESULT = SSE_SCRATCH + 32;

const SF = 0x80;
const ZF = 0x40;
const PF = 0x04;
const CF = 0x01;

export function sse_join(cpu: i32): void {
  join(cpu);
}

export function sse_part(cpu: i32): void {
  part(cpu);
}

export function sse_f32(cpu: i32, op: i32, a: i32, b: i32): i32 {
  begin(cpu);
  useSingle();
  const result = operate(op, <u32>a, <u32>b);
  finish(cpu);
  return <i32>result;
}

export function sse_f64(cpu: i32, op: i32, a: i64, b: i64): i64 {
  begin(cpu);
  useDouble();
  const result = operate(op, a, b);
  finish(cpu);
  return result;
}

export function sse_f32x4(cpu: i32, op: i32, a: v128, b: v128): v128 {
  start(cpu, a, b);
  useSingle();
  for (let at = cpu; at < cpu + 16; at += 4) store<u32>(at, <u32>operate(inTurn(op, at & 4), load<u32>(at, A), load<u32>(at, B)), RESULT);
  return end(cpu);
}

export function sse_f64x2(cpu: i32, op: i32, a: v128, b: v128): v128 {
  start(cpu, a, b);
  useDouble();
  for (let at = cpu; at < cpu + 16; at += 8) store<u64>(at, operate(inTurn(op, at & 8), load<u64>(at, A), load<u64>(at, B)), RESULT);
  return end(cpu);
}

/** The operation of an even or an odd element. */
function inTurn(op: i32, odd: i32): i32 {
  if (op != SSE_ADDSUB) return op;
  return odd != 0 ? SSE_ADD : SSE_SUB;
}

function start(cpu: i32, a: v128, b: v128): void {
  begin(cpu);
  store<v128>(cpu, a, A);
  store<v128>(cpu, b, B);
  store<v128>(cpu, i64x2(0, 0), RESULT);
}

function end(cpu: i32): v128 {
  finish(cpu);
  return load<v128>(cpu, RESULT);
}

export function sse_compare_f32(cpu: i32, predicate: i32, a: i32, b: i32): i32 {
  begin(cpu);
  useSingle();
  const yes = holds(predicate, <u32>a, <u32>b);
  finish(cpu);
  return -i32(yes);
}

export function sse_compare_f64(cpu: i32, predicate: i32, a: i64, b: i64): i64 {
  begin(cpu);
  useDouble();
  const yes = holds(predicate, a, b);
  finish(cpu);
  return -i64(yes);
}

export function sse_compare_f32x4(cpu: i32, predicate: i32, a: v128, b: v128): v128 {
  start(cpu, a, b);
  useSingle();
  for (let at = cpu; at < cpu + 16; at += 4) store<i32>(at, -i32(holds(predicate, load<u32>(at, A), load<u32>(at, B))), RESULT);
  return end(cpu);
}

export function sse_compare_f64x2(cpu: i32, predicate: i32, a: v128, b: v128): v128 {
  start(cpu, a, b);
  useDouble();
  for (let at = cpu; at < cpu + 16; at += 8) store<i64>(at, -i64(holds(predicate, load<u64>(at, A), load<u64>(at, B))), RESULT);
  return end(cpu);
}

function relationFlags(relation: i32): i32 {
  if (relation == UNORDERED) return ZF | PF | CF;
  return relation == 0 ? ZF : relation < 0 ? CF : 0;
}

export function sse_comi_f32(cpu: i32, quiet: i32, a: i32, b: i32): i32 {
  begin(cpu);
  useSingle();
  const relation = relate(<u32>a, <u32>b, quiet != 0);
  finish(cpu);
  return relationFlags(relation);
}

export function sse_comi_f64(cpu: i32, quiet: i32, a: i64, b: i64): i32 {
  begin(cpu);
  useDouble();
  const relation = relate(a, b, quiet != 0);
  finish(cpu);
  return relationFlags(relation);
}

export function sse_f32_to_i32(cpu: i32, truncate: i32, value: i32): i32 {
  begin(cpu);
  useSingle();
  const result = toInteger(<u32>value, truncate != 0);
  finish(cpu);
  return result;
}

export function sse_f64_to_i32(cpu: i32, truncate: i32, value: i64): i32 {
  begin(cpu);
  useDouble();
  const result = toInteger(value, truncate != 0);
  finish(cpu);
  return result;
}

export function sse_f32_to_i64(cpu: i32, truncate: i32, value: i32): i64 {
  begin(cpu);
  useSingle();
  const result = toWideInteger(<u32>value, truncate != 0, 63);
  finish(cpu);
  return result;
}

export function sse_f64_to_i64(cpu: i32, truncate: i32, value: i64): i64 {
  begin(cpu);
  useDouble();
  const result = toWideInteger(value, truncate != 0, 63);
  finish(cpu);
  return result;
}

export function sse_f32x4_to_i32x4(cpu: i32, truncate: i32, value: v128): v128 {
  start(cpu, value, value);
  useSingle();
  for (let at = cpu; at < cpu + 16; at += 4) store<i32>(at, toInteger(load<u32>(at, A), truncate != 0), RESULT);
  return end(cpu);
}

/** Two integers in the low half, zeros in the high one. */
export function sse_f64x2_to_i32x2(cpu: i32, truncate: i32, value: v128): v128 {
  start(cpu, value, value);
  useDouble();
  for (let i = 0; i < 2; i++) store<i32>(cpu + i * 4, toInteger(load<u64>(cpu + i * 8, A), truncate != 0), RESULT);
  return end(cpu);
}

export function sse_i32_to_f32(cpu: i32, value: i32): i32 {
  begin(cpu);
  useSingle();
  const result = fromInteger(value);
  finish(cpu);
  return <i32>result;
}

export function sse_i64_to_f32(cpu: i32, value: i64): i32 {
  begin(cpu);
  useSingle();
  const result = fromInteger(value);
  finish(cpu);
  return <i32>result;
}

export function sse_i64_to_f64(cpu: i32, value: i64): i64 {
  begin(cpu);
  useDouble();
  const result = fromInteger(value);
  finish(cpu);
  return result;
}

export function sse_i32x4_to_f32x4(cpu: i32, value: v128): v128 {
  start(cpu, value, value);
  useSingle();
  for (let at = cpu; at < cpu + 16; at += 4) store<u32>(at, <u32>fromInteger(load<i32>(at, A)), RESULT);
  return end(cpu);
}

export function sse_f64_to_f32(cpu: i32, value: i64): i32 {
  begin(cpu);
  const result = narrow(value);
  finish(cpu);
  return <i32>result;
}

export function sse_f32_to_f64(cpu: i32, value: i32): i64 {
  begin(cpu);
  const result = widen(<u32>value);
  finish(cpu);
  return result;
}

/** Two singles in the low half, zeros in the high one. */
export function sse_f64x2_to_f32x2(cpu: i32, value: v128): v128 {
  start(cpu, value, value);
  for (let i = 0; i < 2; i++) store<u32>(cpu + i * 4, <u32>narrow(load<u64>(cpu + i * 8, A)), RESULT);
  return end(cpu);
}

export function sse_f32x2_to_f64x2(cpu: i32, value: v128): v128 {
  start(cpu, value, value);
  for (let i = 0; i < 2; i++) store<u64>(cpu + i * 8, widen(load<u32>(cpu + i * 4, A)), RESULT);
  return end(cpu);
}

export function sse_rcp_f32(_cpu: i32, value: i32): i32 {
  return <i32>reciprocal(value);
}

export function sse_rsqrt_f32(_cpu: i32, value: i32): i32 {
  return <i32>reciprocalRoot(value);
}

export function sse_round_f32x4(cpu: i32, control: i32, value: v128): v128 {
  start(cpu, value, value);
  useSingle();
  for (let at = cpu; at < cpu + 16; at += 4) store<u32>(at, <u32>roundToInteger(load<u32>(at, A), control), RESULT);
  return end(cpu);
}

export function sse_round_f64x2(cpu: i32, control: i32, value: v128): v128 {
  start(cpu, value, value);
  useDouble();
  for (let at = cpu; at < cpu + 16; at += 8) store<u64>(at, roundToInteger(load<u64>(at, A), control), RESULT);
  return end(cpu);
}

/** Lengths below 0: up to the first zero. */
export function sse_compare_strings(_cpu: i32, control: i32, first: v128, firstLength: i32, second: v128, secondLength: i32): i32 {
  const count = countOf(control);
  const n = firstLength < 0 ? lengthOf(first, control) : min(firstLength, count);
  const m = secondLength < 0 ? lengthOf(second, control) : min(secondLength, count);
  const flags = (m < count ? ZF : 0) | (n < count ? SF : 0);
  return compareStrings(first, n, second, m, control) | (flags << 16);
}

export function sse_aes_encrypt(_cpu: i32, last: i32, state: v128, key: v128): v128 { return encryptRound(state, key, last != 0); }
export function sse_aes_decrypt(_cpu: i32, last: i32, state: v128, key: v128): v128 { return decryptRound(state, key, last != 0); }
export function sse_aes_inverse_mix(_cpu: i32, state: v128): v128 { return inverseMix(state); }
export function sse_aes_key_assist(_cpu: i32, constant: i32, key: v128): v128 { return keyAssist(key, constant); }
export function sse_carryless(_cpu: i32, a: i64, b: i64): v128 { return carryless(a, b); }
export function sse_crc32c(_cpu: i32, crc: i32, value: i64, bytes: i32): i32 { return <i32>crc32c(crc, value, bytes); }
export function sse_sha1_rounds(_cpu: i32, kind: i32, state: v128, words: v128): v128 { return sha1Rounds(state, words, kind); }
export function sse_sha1_next_e(_cpu: i32, a: v128, b: v128): v128 { return sha1NextE(a, b); }
export function sse_sha1_message1(_cpu: i32, a: v128, b: v128): v128 { return sha1Message1(a, b); }
export function sse_sha1_message2(_cpu: i32, a: v128, b: v128): v128 { return sha1Message2(a, b); }
export function sse_sha256_rounds(_cpu: i32, a: v128, b: v128, words: v128): v128 { return sha256Rounds(a, b, words); }
export function sse_sha256_message1(_cpu: i32, a: v128, b: v128): v128 { return sha256Message1(a, b); }
export function sse_sha256_message2(_cpu: i32, a: v128, b: v128): v128 { return sha256Message2(a, b); }

/** Bits of `how`, by which the signs of product and addend change, the latter in even and in odd elements; or only one element counts. */
const NEGATE_PRODUCT = 1;
const NEGATE_EVEN = 2;
const NEGATE_ODD = 4;
const SCALAR = 8;

/** What changes the addend's signs. */
function addendSigns(how: i32, even: v128, odd: v128): v128 {
  return v128.or(how & NEGATE_EVEN ? even : i64x2.splat(0), how & NEGATE_ODD ? odd : i64x2.splat(0));
}

export function sse_fma_f32x4(cpu: i32, how: i32, x: v128, y: v128, z: v128): v128 {
  if (roundsUnnoticed(cpu) && areModerateSingles(x, y, z)) {
    const product = how & NEGATE_PRODUCT ? v128.xor(x, i32x4.splat(i32.MIN_VALUE)) : x;
    const addend = v128.xor(z, addendSigns(how, i64x2.splat(0x80000000), i64x2.splat(i64.MIN_VALUE)));
    const result = fuseSingles(product, y, addend);
    if (!isHalfway() && areNormalSingles(result)) return quick(cpu, result);
  }
  start(cpu, x, y);
  store<v128>(cpu, z, RESULT);
  useSingle();
  const last = how & SCALAR ? cpu + 4 : cpu + 16;
  for (let at = cpu; at < last; at += 4) {
    const negate = (how & (at & 4 ? NEGATE_ODD : NEGATE_EVEN)) != 0;
    store<u32>(at, <u32>fusedMultiplyAdd(load<u32>(at, A), load<u32>(at, B), load<u32>(at, RESULT), (how & NEGATE_PRODUCT) != 0, negate), RESULT);
  }
  return end(cpu);
}

export function sse_fma_f64x2(cpu: i32, how: i32, x: v128, y: v128, z: v128): v128 {
  if (roundsUnnoticed(cpu) && areModerateDoubles(x, y, z)) {
    const product = how & NEGATE_PRODUCT ? f64x2.neg(x) : x;
    const addend = v128.xor(z, addendSigns(how, i64x2(i64.MIN_VALUE, 0), i64x2(0, i64.MIN_VALUE)));
    return quick(cpu, fuseDoubles(product, y, addend));
  }
  start(cpu, x, y);
  store<v128>(cpu, z, RESULT);
  useDouble();
  const last = how & SCALAR ? cpu + 8 : cpu + 16;
  for (let at = cpu; at < last; at += 8) {
    const negate = (how & (at & 8 ? NEGATE_ODD : NEGATE_EVEN)) != 0;
    store<u64>(at, fusedMultiplyAdd(load<u64>(at, A), load<u64>(at, B), load<u64>(at, RESULT), (how & NEGATE_PRODUCT) != 0, negate), RESULT);
  }
  return end(cpu);
}
/** A result without exceptions. */
function quick(cpu: i32, result: v128): v128 {
  store<u32>(cpu, 0, SSE_UNMASKED);
  return result;
}

/** Four halves in the low half of the vector. */
export function sse_f16x4_to_f32x4(cpu: i32, value: v128): v128 {
  start(cpu, value, value);
  for (let i = 0; i < 4; i++) store<u32>(cpu + i * 4, widenHalf(load<u16>(cpu + i * 2, A)), RESULT);
  return end(cpu);
}

export function sse_f32x4_to_f16x4(cpu: i32, control: i32, value: v128): v128 {
  start(cpu, value, value);
  const rc = control & 4 ? roundingControl() : control & 3;
  for (let i = 0; i < 4; i++) {
    ownRounding();
    store<u16>(cpu + i * 2, <u16>narrowToHalf(load<u32>(cpu + i * 4, A), rc), RESULT);
  }
  return end(cpu);
}

export function bits_deposit(_cpu: i32, value: i64, mask: i64): i64 { return deposit(value, mask); }
export function bits_extract(_cpu: i32, value: i64, mask: i64): i64 { return extract(value, mask); }
