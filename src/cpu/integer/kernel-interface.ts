/**
 * The integer part of the leaf kernel as instruction bodies see it. The first parameter of every function is the arena
 * address of the vCPU's state, where INTEGER_SCRATCH gets the quotient and, behind it, the remainder.
 */

const fn = <const P extends readonly ('i32' | 'i64')[]>(params: P) => ({ params, result: 'i32' as const });

export const INTEGER_KERNEL_TYPES = {
  /** (cpu, high, low, divisor): 0 for a division by zero and for a quotient that does not fit 64 bits, else 1. */
  div128: fn(['i32', 'i64', 'i64', 'i64']),
  idiv128: fn(['i32', 'i64', 'i64', 'i64']),
};
