/**
 * The SSE part of the leaf kernel as instruction bodies see it. Its functions compute what the plain WebAssembly operation
 * does not get right: other roundings, FTZ and DAZ, exception flags, NaNs and denormals [SDM1 10.2.3, 11.5].
 *
 * The first parameter of every function is the arena address of the vCPU's state. A function sets the flags in MXCSR,
 * and SSE_UNMASKED to those that are not masked; when it is not 0 the body raises #XM, and drops the result. Singles and
 * doubles are passed as their bits. Scalar results are the low element; upper elements are the body's business.
 */
export type SseType = 'i32' | 'i64' | 'v128';
export interface SseFunctionType {
  readonly params: readonly SseType[];
  readonly result: SseType;
}

const fn = <const R extends SseType>(params: readonly SseType[], result: R) => ({ params, result });

/** (cpu, operation or predicate, a, b) */
const SINGLE = ['i32', 'i32', 'i32', 'i32'] as const;
const DOUBLE = ['i32', 'i32', 'i64', 'i64'] as const;
const PACKED = ['i32', 'i32', 'v128', 'v128'] as const;

export const SSE_KERNEL_TYPES = {
  /** Operations by the numbers of operations.ts. */
  sse_f32: fn(SINGLE, 'i32'),
  sse_f64: fn(DOUBLE, 'i64'),
  sse_f32x4: fn(PACKED, 'v128'),
  sse_f64x2: fn(PACKED, 'v128'),

  /** CMPPS and its kin: masks of all ones where predicate 0 to 31 holds [SDM2 CMPPS]. */
  sse_compare_f32: fn(SINGLE, 'i32'),
  sse_compare_f64: fn(DOUBLE, 'i64'),
  sse_compare_f32x4: fn(PACKED, 'v128'),
  sse_compare_f64x2: fn(PACKED, 'v128'),

  /** (cpu, quiet, a, b): ZF, PF and CF at their places in EFLAGS; quiet is 1 for UCOMISS and UCOMISD. */
  sse_comi_f32: fn(SINGLE, 'i32'),
  sse_comi_f64: fn(DOUBLE, 'i32'),

  /** (cpu, truncate, a): to signed integers, by RC or towards zero; the integer indefinite where they do not fit. */
  sse_f32_to_i32: fn(['i32', 'i32', 'i32'], 'i32'),
  sse_f64_to_i32: fn(['i32', 'i32', 'i64'], 'i32'),
  sse_f32_to_i64: fn(['i32', 'i32', 'i32'], 'i64'),
  sse_f64_to_i64: fn(['i32', 'i32', 'i64'], 'i64'),
  sse_f32x4_to_i32x4: fn(['i32', 'i32', 'v128'], 'v128'),
  /** Two elements in the low half, zeros in the high one. */
  sse_f64x2_to_i32x2: fn(['i32', 'i32', 'v128'], 'v128'),

  /** (cpu, a) */
  sse_i32_to_f32: fn(['i32', 'i32'], 'i32'),
  sse_i64_to_f32: fn(['i32', 'i64'], 'i32'),
  sse_i64_to_f64: fn(['i32', 'i64'], 'i64'),
  sse_i32x4_to_f32x4: fn(['i32', 'v128'], 'v128'),
  sse_f64_to_f32: fn(['i32', 'i64'], 'i32'),
  sse_f32_to_f64: fn(['i32', 'i32'], 'i64'),
  /** Two elements in the low half, zeros in the high one. */
  sse_f64x2_to_f32x2: fn(['i32', 'v128'], 'v128'),
  /** From the two elements of the low half. */
  sse_f32x2_to_f64x2: fn(['i32', 'v128'], 'v128'),

  /** (cpu, a): RCPPS and RSQRTPS; they have no exceptions and leave SSE_UNMASKED alone. */
  sse_rcp_f32: fn(['i32', 'i32'], 'i32'),
  sse_rsqrt_f32: fn(['i32', 'i32'], 'i32'),

  /** (cpu, immediate, a): ROUNDPS and ROUNDPD. */
  sse_round_f32x4: fn(['i32', 'i32', 'v128'], 'v128'),
  sse_round_f64x2: fn(['i32', 'i32', 'v128'], 'v128'),

  /** (cpu, how, x, y, z): x * y + z; how: the product's sign changes 1, the addend's in even 2 and odd elements 4, one element only 8. */
  sse_fma_f32x4: fn(['i32', 'i32', 'v128', 'v128', 'v128'], 'v128'),
  sse_fma_f64x2: fn(['i32', 'i32', 'v128', 'v128', 'v128'], 'v128'),
  /** From the low half, and to it. */
  sse_f16x4_to_f32x4: fn(['i32', 'v128'], 'v128'),
  /** (cpu, immediate, a) */
  sse_f32x4_to_f16x4: fn(['i32', 'i32', 'v128'], 'v128'),

  // Those that follow have no exceptions and leave MXCSR and SSE_UNMASKED alone.

  /**
   * (cpu, immediate, first, length, second, length): PCMPESTRI and its kin; a length below 0 is that of a string with a zero
   * behind it. IntRes2 in the low half, ZF and SF in the high one.
   */
  sse_compare_strings: fn(['i32', 'i32', 'v128', 'i32', 'v128', 'i32'], 'i32'),
  /** (cpu, last round, state, key) */
  sse_aes_encrypt: fn(PACKED, 'v128'),
  sse_aes_decrypt: fn(PACKED, 'v128'),
  sse_aes_inverse_mix: fn(['i32', 'v128'], 'v128'),
  /** (cpu, round constant, key) */
  sse_aes_key_assist: fn(['i32', 'i32', 'v128'], 'v128'),
  sse_carryless: fn(['i32', 'i64', 'i64'], 'v128'),
  /** (cpu, CRC so far, value, its bytes) */
  sse_crc32c: fn(['i32', 'i32', 'i64', 'i32'], 'i32'),
  /** (cpu, which twenty rounds, state, words) */
  sse_sha1_rounds: fn(PACKED, 'v128'),
  sse_sha1_next_e: fn(['i32', 'v128', 'v128'], 'v128'),
  sse_sha1_message1: fn(['i32', 'v128', 'v128'], 'v128'),
  sse_sha1_message2: fn(['i32', 'v128', 'v128'], 'v128'),
  sse_sha256_rounds: fn(['i32', 'v128', 'v128', 'v128'], 'v128'),
  sse_sha256_message1: fn(['i32', 'v128', 'v128'], 'v128'),
  sse_sha256_message2: fn(['i32', 'v128', 'v128'], 'v128'),
  /** (cpu, value, mask): PDEP and PEXT. */
  bits_deposit: fn(['i32', 'i64', 'i64'], 'i64'),
  bits_extract: fn(['i32', 'i64', 'i64'], 'i64'),
} satisfies Record<string, SseFunctionType>;
