/** AES-NI, PCLMULQDQ and SHA: the kernel's steps on operands [SDM1 12.13, SDM2]. */
import type { SSE_KERNEL_TYPES } from '../../cpu/sse/kernel-interface.ts';
import type { Body, I32, I64, Ops, V128 } from '../ops.ts';
import { combine, firstSource, highHalf, immediateOf, lowHalf, transform } from './sse-operands.ts';

type Name = keyof typeof SSE_KERNEL_TYPES;

const round = (name: 'sse_aes_encrypt' | 'sse_aes_decrypt', last: 0 | 1): Body =>
  combine((o, state, key) => o.kernel(name, 'v128', o.i32(last), state, key));
const step = (name: Name): Body => combine((o, a, b) => o.kernel(name, 'v128', a, b));

/** Halves are chosen by bits 0 and 4 of the immediate. */
const carryless = combine((o, a, b) => {
  const half = (v: V128, bit: number): I64 => o.select(o.bit(immediateOf(o), bit), highHalf(o, v), lowHalf(o, v));
  return o.kernel('sse_carryless', 'v128', half(a, 0), half(b, 4));
});
const sha1Rounds = combine((o, state, words) => o.kernel('sse_sha1_rounds', 'v128', o.and(immediateOf(o), o.i32(3)), state, words));
const sha256Rounds = combine((o, a, b) => o.kernel('sse_sha256_rounds', 'v128', a, b, wordsOf(o)));
/** XMM0, which the row names. */
const wordsOf = (o: Ops): V128 => o.loadRegister(firstSource(o) + 2, 'v128');

export const cryptoBodies: Record<string, Body> = {
  AESENC: round('sse_aes_encrypt', 0), AESENCLAST: round('sse_aes_encrypt', 1),
  AESDEC: round('sse_aes_decrypt', 0), AESDECLAST: round('sse_aes_decrypt', 1),
  AESIMC: transform((o, v) => o.kernel('sse_aes_inverse_mix', 'v128', v)),
  AESKEYGENASSIST: transform((o, v) => o.kernel('sse_aes_key_assist', 'v128', o.field(2) as I32, v)),
  PCLMULQDQ: carryless,
  SHA1RNDS4: sha1Rounds, SHA1NEXTE: step('sse_sha1_next_e'), SHA1MSG1: step('sse_sha1_message1'), SHA1MSG2: step('sse_sha1_message2'),
  SHA256RNDS2: sha256Rounds, SHA256MSG1: step('sse_sha256_message1'), SHA256MSG2: step('sse_sha256_message2'),
};
