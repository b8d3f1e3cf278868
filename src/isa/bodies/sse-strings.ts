/** String comparisons of SSE4.2 [SDM1 12.10.1 to 12.10.4]; the kernel compares. Their memory operands need no alignment. */
import type { Body, I32, I64, Int, Ops, V128 } from '../ops.ts';
import { constantVector, IOTA, zeroVector } from './sse-operands.ts';

const RAX = 0, RCX = 1, RDX = 2;
const WORDS = 1;
const OUTPUT = 0x40;
const MOST_ELEMENTS = 16;
// EFLAGS
const CF = 0, ZF_SF = 0xc0, OF = 11;

/** A length in a register, without its sign, and cut off. */
function explicitLength(o: Ops, register: number): I32 {
  const bits = o.osize === 64 ? 64 : 32;
  const value: Int = o.reg(register, bits);
  const negative = o.e.compare('ltS', value, o.constantLike(value, 0));
  const size = o.select(negative, o.sub(o.constantLike(value, 0), value), value);
  const short = o.ltU(size, o.constantLike(value, MOST_ELEMENTS));
  return o.select(short, bits === 64 ? o.wrap(size as I64) : (size as I32), o.i32(MOST_ELEMENTS));
}

interface Comparison {
  /** A bit for each element. */
  readonly result: I32;
  readonly flags: I32;
}
function compare(o: Ops, explicit: boolean): Comparison {
  const second = o.inMemory(1) ? o.loadOperand(1, 'v128') : o.loadRegister(1, 'v128');
  const [n, m] = explicit ? [explicitLength(o, RAX), explicitLength(o, RDX)] : [o.i32(-1), o.i32(-1)];
  const both = o.kernel('sse_compare_strings', 'i32', o.field(2), o.loadRegister(0, 'v128'), n, second, m);
  const result = o.and(both, o.i32(0xffff));
  const some = o.shl(o.ne(result, o.i32(0)), o.i32(CF));
  const first = o.shl(o.and(result, o.i32(1)), o.i32(OF));
  return { result, flags: o.or(o.or(some, first), o.and(o.shrU(both, o.i32(16)), o.i32(ZF_SF))) };
}

/** The first or the last place, or how many elements there are. */
const index = (explicit: boolean): Body => (o) => {
  const { result, flags } = compare(o, explicit);
  const none = o.shrU(o.i32(MOST_ELEMENTS), o.and(o.field(2), o.i32(WORDS)));
  const last = o.sub(o.i32(31), o.e.unary('clz', result));
  const place = o.select(o.and(o.field(2), o.i32(OUTPUT)), last, o.e.unary('ctz', result));
  o.setReg(RCX, 32, o.select(result, place, none));
  o.writeFlags(flags);
};

/** Bits in the low half, or a mask of elements. */
const mask = (explicit: boolean): Body => (o) => {
  const { result, flags } = compare(o, explicit);
  const { e } = o;
  const expand = (shape: 'i8x16' | 'i16x8', bytes: V128): V128 => {
    const own = constantVector(o, shape === 'i8x16' ? 8 : 16, IOTA.slice(0, shape === 'i8x16' ? 16 : 8).map((i) => 1 << (i % 8)));
    return e.simd(`${shape}.eq`, e.simd('v128.and', bytes, own), own);
  };
  const splat = e.simd('i16x8.splat', result);
  const bytes = expand('i8x16', e.shuffle(splat, splat, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]));
  const elements = o.select(o.and(o.field(2), o.i32(WORDS)), expand('i16x8', splat), bytes);
  const bits = e.replaceLane('i32x4.replace_lane', zeroVector(o), 0, result);
  o.storeRegister(XMM0_OPERAND, 'v128', o.select(o.and(o.field(2), o.i32(OUTPUT)), elements, bits));
  if (o.vex) o.storeRegister(XMM0_OPERAND, 'v128', zeroVector(o), 16);
  o.writeFlags(flags);
};
/** The row names XMM0 behind the immediate. */
const XMM0_OPERAND = 3;

export const sseStringBodies: Record<string, Body> = {
  PCMPESTRI: index(true), PCMPISTRI: index(false), PCMPESTRM: mask(true), PCMPISTRM: mask(false),
};
