/** Moves of MMX and XMM registers, logic and shuffles of floats, MXCSR and ordering [SDM1 9.4, 10.4, 11.4]. */
import * as L from '../../cpu/layout.ts';
import type { Body, I64, Ops, V128, Val } from '../ops.ts';
import {
  and, andNot, fieldIndices, or, unpackHighDoublewords, unpackHighQuadwords, unpackLowDoublewords, unpackLowQuadwords, xor,
} from './mmx.ts';
import {
  both, combine, firstSource, fromLow, highHalf, immediateOf, isMmx, lowHalf, partsOf, quadword, requireAligned, setMmx, vector, withMmx,
} from './sse-operands.ts';

const VECTOR_GP = 13;
const DI = 7;
const MXCSR_RESERVED = 0xffff0000 | 0;
/** Where the registers' other halves lie. */
const HIGH = 8;

const moveVector = (aligned: boolean): Body => (o) => {
  const parts = partsOf(o, 0);
  for (const n of [0, 1]) if (aligned && o.inMemory(n)) requireAligned(o, n, 16 * parts.length);
  const values = parts.map((byte) => (o.inMemory(1) ? o.loadOperand(1, 'v128', byte) : o.loadRegister(1, 'v128', byte)));
  if (o.inMemory(0) && parts.length > 1) o.probeWrite(0, 16 * parts.length);
  for (const [i, byte] of parts.entries()) {
    if (o.inMemory(0)) o.storeOperand(0, 'v128', values[i], byte);
    else o.storeRegister(0, 'v128', values[i], byte);
  }
};

/** Writes 64 bits: all of an MMX register or of memory; an XMM register is zero-extended. */
function putQuadword(o: Ops, value: I64): void {
  if (o.inMemory(0)) o.storeOperand(0, 'i64', value);
  else if (isMmx(o, 0)) setMmx(o, 0, value);
  else o.storeRegister(0, 'v128', fromLow(o, value));
}
const moveQuadword: Body = (o) => withMmx(o, () => putQuadword(o, quadword(o, 1)));
/** MOVD, and MOVQ with a general register. */
const moveGeneral: Body = (o) =>
  withMmx(o, () => {
    const isVector = (n: number) => o.operandKind(n) !== 'E';
    const wide = o.bits(isVector(0) ? 1 : 0) === 64;
    const value = isVector(1) ? o.loadRegister(1, wide ? 'i64' : 'i32') : o.get(1);
    if (isVector(0)) putQuadword(o, o.fit(value, 64) as I64);
    else o.put(0, value);
  });

/** MOVSS and MOVSD: a load clears the rest of the register, a move between registers leaves it. */
const moveScalar = (kind: 'f32' | 'f64'): Body => (o) => {
  if (o.inMemory(1)) return o.storeRegister(0, 'v128', o.loadOperand(1, kind === 'f32' ? 'z32' : 'z64'));
  if (o.inMemory(0)) return o.storeOperand(0, kind, o.loadRegister(1, kind) as never);
  if (firstSource(o) === 0) return o.storeRegister(0, kind, o.loadRegister(1, kind) as never);
  const value = o.loadRegister(2, kind);
  const rest = o.loadRegister(1, 'v128');
  const [single, double] = [value as Val<'f32'>, value as Val<'f64'>];
  o.storeRegister(0, 'v128', kind === 'f32' ? o.e.replaceLane('f32x4.replace_lane', rest, 0, single) : o.e.replaceLane('f64x2.replace_lane', rest, 0, double));
};
const replaceHalf = (o: Ops, v: V128, byte: number, half: I64): V128 => o.e.replaceLane('i64x2.replace_lane', v, byte / HIGH, half);
/** Between memory and one half of a register, or between halves of two registers; the other half is the first source's. */
const moveHalf = (to: number, from: number): Body => (o) => {
  if (o.inMemory(0)) return o.storeOperand(0, 'i64', o.loadRegister(1, 'i64', from));
  const source = firstSource(o) + 1;
  const half = o.inMemory(source) ? o.loadOperand(source, 'i64') : o.loadRegister(source, 'i64', from);
  if (source === 1) o.storeRegister(0, 'i64', half, to);
  else o.storeRegister(0, 'v128', replaceHalf(o, o.loadRegister(1, 'v128'), to, half));
};

const signMask = (op: 'i32x4.bitmask' | 'i64x2.bitmask'): Body => (o) => {
  const lanes = op === 'i32x4.bitmask' ? 4 : 2;
  const masks = partsOf(o, 1).map((byte, i) => o.shl(o.e.simd(op, vector(o, 1, byte)), o.i32(i * lanes)));
  o.put(0, masks.reduce((a, b) => o.or(a, b)));
};

/** Stores the bytes whose mask has its top bit set, to [EDI]; nothing is stored when one of them would fault. */
const storeMasked = (bytes: number): Body => (o) =>
  withMmx(o, () => {
    const { e } = o;
    const at = o.reg(DI, o.asize);
    const mask = e.variable('i32');
    e.set(mask, o.and(e.simd('i8x16.bitmask', vector(o, 1)), o.i32((1 << bytes) - 1)));
    const value = vector(o, 0);
    e.if(e.get(mask), () => {
      o.probeStore('operand', at, bytes);
      e.loop((again) => {
        const lane = e.unary('ctz', e.get(mask));
        const byte = e.extractLane('i8x16.extract_lane_u', e.simd('i8x16.swizzle', value, e.simd('i8x16.splat', lane)), 0);
        o.store('operand', o.zeroExtend(o.add(at, o.fit(lane, at.type === 'i64' ? 64 : 32)), o.asize), 'u8', byte);
        e.set(mask, o.and(e.get(mask), o.sub(e.get(mask), o.i32(1))));
        e.if(e.get(mask), () => e.branch(again));
      });
    });
  });

const HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31];
/** Low lanes from the first source, high ones from the second. */
const shuffleSingles = combine((o, a, b) => {
  const indices = fieldIndices(o, 32, immediateOf(o), 0);
  const pick = (v: V128) => o.e.simd('i8x16.swizzle', v, indices);
  return o.e.shuffle(pick(a), pick(b), HALVES);
});
const shuffleDoubles = combine((o, a, b, byte) => {
  const first = byte === 0 ? 0 : 2;
  const choose = (bit: number, v: V128) => o.select(o.bit(immediateOf(o), bit), highHalf(o, v), lowHalf(o, v));
  return o.e.replaceLane('i64x2.replace_lane', both(o, choose(first, a)), 1, choose(first + 1, b));
});

const loadMxcsr: Body = (o) => {
  const value = o.loadOperand(0, 'i32');
  o.raiseIf(o.and(value, o.i32(MXCSR_RESERVED)), VECTOR_GP, 0);
  o.stateStore('i32', L.MXCSR, value);
};
/** There are no caches; what is left are the faults of a load of one byte. */
const touchesLine: Body = (o) => void o.loadOperand(0, 'u8');

export const sseMoveBodies: Record<string, Body> = {
  MOVAPS: moveVector(true), MOVAPD: moveVector(true), MOVDQA: moveVector(true),
  MOVUPS: moveVector(false), MOVUPD: moveVector(false), MOVDQU: moveVector(false),
  MOVNTPS: moveVector(true), MOVNTPD: moveVector(true), MOVNTDQ: moveVector(true), MOVNTDQA: moveVector(true), LDDQU: moveVector(false),
  MOVQ: moveQuadword, MOVNTQ: moveQuadword, MOVDQ2Q: moveQuadword, MOVQ2DQ: moveQuadword, MOVD: moveGeneral,
  MOVSS: moveScalar('f32'), MOVSD: moveScalar('f64'),
  MOVLPS: moveHalf(0, 0), MOVLPD: moveHalf(0, 0), MOVHPS: moveHalf(HIGH, HIGH), MOVHPD: moveHalf(HIGH, HIGH),
  MOVHLPS: moveHalf(0, HIGH), MOVLHPS: moveHalf(HIGH, 0),
  MOVMSKPS: signMask('i32x4.bitmask'), MOVMSKPD: signMask('i64x2.bitmask'),
  MASKMOVQ: storeMasked(8), MASKMOVDQU: storeMasked(16),
  ANDPS: and, ANDPD: and, ANDNPS: andNot, ANDNPD: andNot, ORPS: or, ORPD: or, XORPS: xor, XORPD: xor,
  UNPCKLPS: unpackLowDoublewords, UNPCKHPS: unpackHighDoublewords, UNPCKLPD: unpackLowQuadwords, UNPCKHPD: unpackHighQuadwords,
  SHUFPS: shuffleSingles, SHUFPD: shuffleDoubles,
  LDMXCSR: loadMxcsr, STMXCSR: (o) => o.storeOperand(0, 'i32', o.stateLoad('i32', L.MXCSR)),
  LFENCE: () => {}, MFENCE: () => {}, SFENCE: () => {},
  CLFLUSH: touchesLine, CLFLUSHOPT: touchesLine, CLWB: touchesLine,
};
