/**
 * The kernel's exports for SSE; documented in ../kernel-interface.ts. Elements of packed operands go through the scratch
 * area of the vCPU's state, where they can be counted through.
 */
import { SSE_SCRATCH } from '../../layout';
import { operate } from './arithmetic';
import { UNORDERED, fromInteger, holds, narrow, relate, toInteger, widen } from './convert';
import { reciprocal, reciprocalRoot } from './estimate';
import { useDouble, useSingle } from './format';
import { begin, finish } from './state';

const A = SSE_SCRATCH;
const B = SSE_SCRATCH + 16;
const RESULT = SSE_SCRATCH + 32;

const ZF = 0x40;
const PF = 0x04;
const CF = 0x01;

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
  for (let at = cpu; at < cpu + 16; at += 4) store<u32>(at, <u32>operate(op, load<u32>(at, A), load<u32>(at, B)), RESULT);
  return end(cpu);
}

export function sse_f64x2(cpu: i32, op: i32, a: v128, b: v128): v128 {
  start(cpu, a, b);
  useDouble();
  for (let at = cpu; at < cpu + 16; at += 8) store<u64>(at, operate(op, load<u64>(at, A), load<u64>(at, B)), RESULT);
  return end(cpu);
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
  const result = toInteger(<u32>value, truncate != 0, 32);
  finish(cpu);
  return <i32>result;
}

export function sse_f32_to_i64(cpu: i32, truncate: i32, value: i32): i64 {
  begin(cpu);
  useSingle();
  const result = toInteger(<u32>value, truncate != 0, 64);
  finish(cpu);
  return result;
}

export function sse_f64_to_i64(cpu: i32, truncate: i32, value: i64): i64 {
  begin(cpu);
  useDouble();
  const result = toInteger(value, truncate != 0, 64);
  finish(cpu);
  return result;
}

export function sse_f64_to_i32(cpu: i32, truncate: i32, value: i64): i32 {
  begin(cpu);
  useDouble();
  const result = toInteger(value, truncate != 0, 32);
  finish(cpu);
  return <i32>result;
}

export function sse_f32x4_to_i32x4(cpu: i32, truncate: i32, value: v128): v128 {
  start(cpu, value, value);
  useSingle();
  for (let at = cpu; at < cpu + 16; at += 4) store<i32>(at, <i32>toInteger(load<u32>(at, A), truncate != 0, 32), RESULT);
  return end(cpu);
}

/** Two integers in the low half, zeros in the high one. */
export function sse_f64x2_to_i32x2(cpu: i32, truncate: i32, value: v128): v128 {
  start(cpu, value, value);
  useDouble();
  for (let i = 0; i < 2; i++) store<i32>(cpu + i * 4, <i32>toInteger(load<u64>(cpu + i * 8, A), truncate != 0, 32), RESULT);
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
