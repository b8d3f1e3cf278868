/** What AVX and AVX2 add to the operations of SSE: broadcasts, permutations across halves, masks, shifts by lanes, gathers [SDM1 14.1, 14.7]. */
import * as L from '../../cpu/layout.ts';
import type { Body, I32, I64, Ops, V128, Val } from '../ops.ts';
import { fieldIndices } from './mmx.ts';
import { both, combine, constantVector, eachPart, highHalf, IOTA, lowHalf, partsOf, transform, vector, zeroVector } from './sse-operands.ts';

const REGISTERS = 16, REGISTERS_OUTSIDE_64 = 8;
const UPPER = 16;

// Moves

/** The source's lowest element everywhere. */
const broadcast = (bits: 8 | 16 | 32 | 64): Body => (o) => {
  const load = (): V128 => {
    if (bits === 64) return both(o, o.inMemory(1) ? o.loadOperand(1, 'i64') : o.loadRegister(1, 'i64'));
    const kind = ({ 8: 'u8', 16: 'u16', 32: 'i32' } as const)[bits];
    const shape = ({ 8: 'i8x16', 16: 'i16x8', 32: 'i32x4' } as const)[bits];
    return o.e.simd(`${shape}.splat`, o.inMemory(1) ? o.loadOperand(1, kind) : o.loadRegister(1, kind));
  };
  const value = load();
  eachPart(o, () => value);
};
const broadcastHalf: Body = (o) => {
  const value = o.loadOperand(1, 'v128');
  eachPart(o, () => value);
};
/** The first source with one half replaced, by the immediate's lowest bit. */
const insertHalf: Body = (o) => {
  const value = o.inMemory(2) ? o.loadOperand(2, 'v128') : o.loadRegister(2, 'v128');
  const high = o.bit(o.field(3), 0);
  eachPart(o, (byte) => {
    const kept = o.loadRegister(1, 'v128', byte);
    return byte === 0 ? o.select(high, kept, value) : o.select(high, value, kept);
  });
};
const extractHalf: Body = (o) => {
  const value = o.select(o.bit(o.field(2), 0), o.loadRegister(1, 'v128', UPPER), o.loadRegister(1, 'v128'));
  if (o.inMemory(0)) o.storeOperand(0, 'v128', value);
  else o.storeRegister(0, 'v128', value);
};

const clearRegisters = (from: number): Body => (o) => {
  const count = o.osize === 64 ? REGISTERS : REGISTERS_OUTSIDE_64;
  for (let n = 0; n < count; n++) {
    for (let byte = from; byte < 32; byte += 16) o.stateStore('v128', L.XMM + n * L.XMM_STRIDE + byte, zeroVector(o));
  }
};

// Permutations

/** Within each 16 bytes, by two-bit fields of the immediate; or of doublewords of the second source. */
const permuteSingles: Body = (o) => {
  if (o.isImmediate(2)) return transform((p, v) => p.e.simd('i8x16.swizzle', v, fieldIndices(p, 32, p.field(2), 0)))(o);
  combine((p, v, control) => p.e.simd('i8x16.swizzle', v, laneBytes(p, 'i32x4', control, 3)))(o);
};
/** Byte indices for lanes whose numbers are the low bits of lanes. */
function laneBytes(o: Ops, shape: 'i32x4', numbers: V128, mask: number): V128 {
  const low = o.e.simd('v128.and', numbers, constantVector(o, 32, [mask, mask, mask, mask]));
  const scaled = o.e.simd(`${shape}.mul`, low, constantVector(o, 32, Array.from({ length: 4 }, () => 0x04040404)));
  return o.e.simd('i8x16.add', scaled, constantVector(o, 8, IOTA.map((i) => i % 4)));
}
/** Within each 16 bytes, by one bit for each element: of the immediate, or bit 1 of the second source's. */
const permuteDoubles: Body = (o) => {
  const pick = (p: Ops, v: V128, bit: I32): I64 => p.select(bit, highHalf(p, v), lowHalf(p, v));
  const pair = (p: Ops, v: V128, first: I32, second: I32): V128 =>
    p.e.replaceLane('i64x2.replace_lane', both(p, pick(p, v, first)), 1, pick(p, v, second));
  if (o.isImmediate(2)) {
    return transform((p, v, byte) => pair(p, v, p.bit(p.field(2), byte / 8), p.bit(p.field(2), byte / 8 + 1)))(o);
  }
  combine((p, v, control) => pair(p, v, p.bit(lowHalf(p, control), 1), p.bit(highHalf(p, control), 1)))(o);
};
/** Each half is one of four, or zero, by four bits of the immediate. */
const permuteHalves: Body = (o) => {
  const halves = [o.loadRegister(1, 'v128'), o.loadRegister(1, 'v128', UPPER), vector(o, 2), vector(o, 2, UPPER)];
  eachPart(o, (byte) => {
    const at = byte === 0 ? 0 : 4;
    const bit = (n: number) => o.bit(o.field(3), at + n);
    const chosen = o.select(bit(1), o.select(bit(0), halves[3], halves[2]), o.select(bit(0), halves[1], halves[0]));
    return o.select(bit(3), zeroVector(o), chosen);
  });
};
/** Doublewords of the second source, by the low three bits of those of the first. */
const permuteAcross: Body = (o) => {
  const halves = [vector(o, 2), vector(o, 2, UPPER)];
  eachPart(o, (byte) => {
    const control = o.loadRegister(1, 'v128', byte);
    const [low, high] = halves.map((half) => o.e.simd('i8x16.swizzle', half, laneBytes(o, 'i32x4', control, 3)));
    const fromHigh = o.e.simd('i32x4.shr_s', o.e.simd('i32x4.shl', control, o.i32(29)), o.i32(31));
    return o.e.simd('v128.bitselect', high, low, fromHigh);
  });
};
/** Quadwords, by two-bit fields of the immediate. */
const permuteQuadwords: Body = (o) => {
  const halves = [vector(o, 1), vector(o, 1, UPPER)];
  const quadwords = halves.flatMap((half) => [lowHalf(o, half), highHalf(o, half)]);
  const pick = (n: number): I64 => {
    const bit = (k: number) => o.bit(o.field(2), 2 * n + k);
    return o.select(bit(1), o.select(bit(0), quadwords[3], quadwords[2]), o.select(bit(0), quadwords[1], quadwords[0]));
  };
  eachPart(o, (byte) => o.e.replaceLane('i64x2.replace_lane', both(o, pick(byte / 8)), 1, pick(byte / 8 + 1)));
};

// Masks: elements whose mask's sign is set are loaded or stored, and they alone can fault

type Width = 32 | 64;
const signOf = (o: Ops, bits: Width, mask: V128, lane: number): I32 =>
  bits === 32
    ? o.e.compare('ltS', o.e.extractLane('i32x4.extract_lane', mask, lane), o.i32(0))
    : o.e.compare('ltS', o.e.extractLane('i64x2.extract_lane', mask, lane), o.i64(0));
const lanesOf = (bits: Width): number[] => IOTA.slice(0, 128 / bits);
const insertLane = (o: Ops, bits: Width, v: V128, lane: number, value: Val): V128 =>
  bits === 32 ? o.e.replaceLane('i32x4.replace_lane', v, lane, value as I32) : o.e.replaceLane('i64x2.replace_lane', v, lane, value as I64);

const moveMasked = (bits: Width): Body => (o) => (o.inMemory(0) ? storeMasked(o, bits) : loadMasked(o, bits));
function loadMasked(o: Ops, bits: Width): void {
  const kind = bits === 32 ? 'i32' : 'i64';
  o.offset(2);
  eachPart(o, (byte) => {
    const mask = o.loadRegister(1, 'v128', byte);
    return lanesOf(bits).reduce((v, lane) => {
      const element = o.e.variable(kind);
      o.e.set(element, bits === 32 ? o.i32(0) : (o.i64(0) as never));
      o.e.if(signOf(o, bits, mask, lane), () => o.e.set(element, o.loadOperand(2, kind, byte + (lane * bits) / 8) as never));
      return insertLane(o, bits, v, lane, o.e.get(element));
    }, zeroVector(o));
  });
}
function storeMasked(o: Ops, bits: Width): void {
  const kind = bits === 32 ? 'i32' : 'i64';
  const bytes = bits / 8;
  const first = o.offset(0);
  const at = (displacement: number) => o.add(first, o.constantLike(first, displacement));
  const each = (act: (byte: number, lane: number) => void): void => {
    for (const byte of partsOf(o, 2)) {
      const mask = o.loadRegister(1, 'v128', byte);
      for (const lane of lanesOf(bits)) o.e.if(signOf(o, bits, mask, lane), () => act(byte, lane));
    }
  };
  each((byte, lane) => o.probeStore('operand', at(byte + lane * bytes), bytes));
  each((byte, lane) => {
    const value = o.loadRegister(2, 'v128', byte);
    const element = bits === 32 ? o.e.extractLane('i32x4.extract_lane', value, lane) : o.e.extractLane('i64x2.extract_lane', value, lane);
    o.storeOperand(0, kind, element as never, byte + lane * bytes);
  });
}

/**
 * Elements are loaded one by one, and each that has been loaded is in the destination and out of the mask before the next may
 * fault; at the end the mask is zero [SDM2 VPGATHERDD]. `index`: bits of an index.
 */
const gather = (bits: Width, index: Width): Body => (o) => {
  const kind = bits === 32 ? 'i32' : 'i64';
  const bytes = bits / 8;
  const whole = o.operandSize(0) === 'Y' ? 32 : 16;
  const indexBytes = index / 8;
  // Fewer elements where indices are wider than they are.
  const count = Math.min(whole / bytes, (o.operandSize(1) === 'Y' ? 32 : 16) / indexBytes);
  for (let n = 0; n < count; n++) {
    const mask = o.loadRegister(2, kind, n * bytes);
    o.e.if(o.e.compare('ltS', mask, bits === 32 ? o.i32(0) : (o.i64(0) as never)), () => {
      const place = index === 32 ? o.loadRegister(1, 'i32', n * indexBytes) : o.loadRegister(1, 'i64', n * indexBytes);
      o.storeRegister(0, kind, o.loadIndexed(1, place, kind) as never, n * bytes);
    });
    o.storeRegister(2, kind, (bits === 32 ? o.i32(0) : o.i64(0)) as never, n * bytes);
  }
  const used = count * bytes;
  for (let byte = 0; byte < 32; byte += 8) {
    if (byte >= used) o.storeRegister(0, 'i64', o.i64(0), byte);
    o.storeRegister(2, 'i64', o.i64(0), byte);
  }
};

/** Each element by its own count; counts past the width give zeros, or signs. */
const shiftEach = (op: 'shl' | 'shr_u' | 'shr_s', bits: Width): Body =>
  combine((o, a, counts) => {
    const shift = ({ shl: 'shl', shr_u: 'shrU', shr_s: 'shrS' } as const)[op];
    return lanesOf(bits).reduce((v, lane) => {
      if (bits === 32) {
        const count = o.e.extractLane('i32x4.extract_lane', counts, lane);
        const value = o.e.extractLane('i32x4.extract_lane', a, lane);
        return o.e.replaceLane('i32x4.replace_lane', v, lane, shiftLane(o, shift, value, count, 32));
      }
      const count = o.e.extractLane('i64x2.extract_lane', counts, lane);
      const value = o.e.extractLane('i64x2.extract_lane', a, lane);
      return o.e.replaceLane('i64x2.replace_lane', v, lane, shiftLane(o, shift, value, count, 64));
    }, a);
  });
function shiftLane<T extends 'i32' | 'i64'>(o: Ops, op: 'shl' | 'shrU' | 'shrS', value: Val<T>, count: Val<T>, bits: number): Val<T> {
  const inRange = o.ltU(count, o.constantLike(count, bits));
  const most = o.constantLike(count, bits - 1);
  if (op === 'shrS') return o.shrS(value, o.select(inRange, count, most));
  return o.select(inRange, o[op](value, count), o.constantLike(count, 0));
}

export const avxBodies: Record<string, Body> = {
  VBROADCASTSS: broadcast(32), VBROADCASTSD: broadcast(64), VBROADCASTF128: broadcastHalf, VBROADCASTI128: broadcastHalf,
  VPBROADCASTB: broadcast(8), VPBROADCASTW: broadcast(16), VPBROADCASTD: broadcast(32), VPBROADCASTQ: broadcast(64),
  VINSERTF128: insertHalf, VINSERTI128: insertHalf, VEXTRACTF128: extractHalf, VEXTRACTI128: extractHalf,
  VPERMILPS: permuteSingles, VPERMILPD: permuteDoubles, VPERM2F128: permuteHalves, VPERM2I128: permuteHalves,
  VPERMD: permuteAcross, VPERMPS: permuteAcross, VPERMQ: permuteQuadwords, VPERMPD: permuteQuadwords,
  VMASKMOVPS: moveMasked(32), VMASKMOVPD: moveMasked(64), VPMASKMOVD: moveMasked(32), VPMASKMOVQ: moveMasked(64),
  VGATHERDPS: gather(32, 32), VGATHERQPS: gather(32, 64), VGATHERDPD: gather(64, 32), VGATHERQPD: gather(64, 64),
  VPGATHERDD: gather(32, 32), VPGATHERQD: gather(32, 64), VPGATHERDQ: gather(64, 32), VPGATHERQQ: gather(64, 64),
  VPSLLVD: shiftEach('shl', 32), VPSLLVQ: shiftEach('shl', 64), VPSRLVD: shiftEach('shr_u', 32), VPSRLVQ: shiftEach('shr_u', 64),
  VPSRAVD: shiftEach('shr_s', 32), VZEROUPPER: clearRegisters(UPPER), VZEROALL: clearRegisters(0),
};
