/** Counts of bits, CRC-32C, byte order and the two carry chains [SDM2 POPCNT, LZCNT, TZCNT, CRC32, MOVBE, ADCX, ADOX], BMI1 and BMI2. */
import type { Bits, Body, I32, I64, Int, Ops } from '../ops.ts';
import { highProduct } from './integer.ts';

const CF = 1, ZF = 0x40;

const wide = (o: Ops, value: Int): I64 => (value.type === 'i64' ? (value as I64) : o.toI64(value as I32));
/** A result below 2^32 in the type of a destination. */
const asWide = (o: Ops, like: Int, value: I32): Int => (like.type === 'i64' ? o.toI64(value) : value);

const countOnes: Body = (o) => {
  const source = o.get(1);
  o.put(0, o.e.unary('popcnt', source));
  o.writeFlags(o.mul(o.eqz(source), o.i32(ZF)));
};

/** The operand's width where it is zero, which CF tells; ZF tells of a count of zero. The other flags are cleared. */
const countZeros = (op: 'clz' | 'ctz'): Body => (o) => {
  const bits = o.bits(0);
  const source = o.get(1);
  const count = bits !== 16 ? o.e.unary(op, source) : op === 'clz' ? o.sub(o.e.unary('clz', source), o.i32(16)) : o.e.unary('ctz', o.or(source, o.i32(0x10000)));
  o.put(0, count);
  o.writeFlags(o.or(o.mul(o.eqz(source), o.i32(CF)), o.mul(o.eqz(count), o.i32(ZF))));
};

const crc: Body = (o) => {
  const value = wide(o, o.get(1));
  const result = o.kernel('sse_crc32c', 'i32', low(o, o.get(0)), value, o.i32(o.bits(1) / 8));
  o.put(0, asWide(o, o.bits(0) === 64 ? value : result, result));
};
const low = (o: Ops, value: Int): I32 => (value.type === 'i64' ? o.wrap(value as I64) : (value as I32));

/** Bytes in reverse, by halves, quarters and so on down to bytes. */
function reverseBytes(o: Ops, value: Int, bits: Bits): Int {
  if (bits === 16) return o.zeroExtend(o.e.binary('rotl', o.or(o.shl(value, o.constantLike(value, 16)), value), o.constantLike(value, 8)), 16);
  if (bits === 32) {
    const pairs = o.e.binary('rotl', value as I32, o.i32(16));
    const mask = o.i32(0x00ff00ff);
    return o.or(o.shl(o.and(pairs, mask), o.i32(8)), o.and(o.shrU(pairs, o.i32(8)), mask));
  }
  const halves = [o.wrap(value as I64), o.wrap(o.shrU(value as I64, o.i64(32)))].map((half) => o.toI64(reverseBytes(o, half, 32) as I32));
  return o.or(o.shl(halves[0], o.i64(32)), halves[1]);
}
const moveReversed: Body = (o) => o.put(0, reverseBytes(o, o.get(1), o.bits(0)));

/** Adds with a carry of its own: CF or OF, which alone change. */
const addWith = (carry: 'CF' | 'OF'): Body => (o) => {
  const b = o.get(1);
  const a = o.get(0);
  const withB = o.add(a, b);
  const result = o.add(withB, asWide(o, a, o.flag(carry)));
  const out = o.or(o.ltU(withB, a), o.ltU(result, withB));
  if (carry === 'CF') o.setCarry(out);
  else o.setCarryOverflow(o.flag('CF'), out);
  o.put(0, result);
};

// BMI1 and BMI2: the result's flags, with CF as given

/** AF and PF, which the manual leaves undefined, are cleared, as Intel's processors do. */
const logicFlags = (o: Ops, result: Int, carry: I32): void => {
  const sign = o.shl(o.bit(result, o.bits(0) - 1), o.i32(7));
  o.writeFlags(o.or(o.or(carry, sign), o.mul(o.eqz(result), o.i32(ZF))));
};
const andNot: Body = (o) => {
  const b = o.get(2);
  const result = o.and(o.not(o.get(1)), b);
  o.put(0, result);
  logicFlags(o, result, o.i32(0));
};
/** Of the source and what it is less one. */
const lowest = (compute: (o: Ops, v: Int) => Int, carryWithZero: 0 | 1): Body => (o) => {
  const source = o.get(1);
  const result = compute(o, source);
  o.put(0, result);
  logicFlags(o, result, carryWithZero === 1 ? o.eqz(source) : o.eqz(o.eqz(source)));
};
const lessOne = (o: Ops, v: Int): Int => o.sub(v, o.constantLike(v, 1));
/** The low `count` bits; all for a count that is not below the width. */
const lowBits = (o: Ops, v: Int, count: I32): Int => {
  const bits = o.bits(0);
  const mask = o.sub(o.shl(o.constantLike(v, 1), asWide(o, v, count)), o.constantLike(v, 1));
  return o.select(o.ltU(count, o.i32(bits)), o.and(v, mask), v);
};
const extractField: Body = (o) => {
  const source = o.get(1);
  const control = low(o, o.get(2));
  const start = o.and(control, o.i32(0xff));
  const shifted = o.select(o.ltU(start, o.i32(o.bits(0))), o.shrU(source, asWide(o, source, start)), o.constantLike(source, 0));
  const result = lowBits(o, shifted, o.and(o.shrU(control, o.i32(8)), o.i32(0xff)));
  o.put(0, result);
  // SF too is undefined, and cleared.
  o.writeFlags(o.mul(o.eqz(result), o.i32(ZF)));
};
const zeroHigh: Body = (o) => {
  const count = o.and(low(o, o.get(2)), o.i32(0xff));
  const result = lowBits(o, o.get(1), count);
  o.put(0, result);
  logicFlags(o, result, o.gtU(count, o.i32(o.bits(0) - 1)));
};
/** The high half goes to the first operand, which wins where both are one. */
const multiplyWithoutFlags: Body = (o) => {
  const bits = o.bits(0);
  const a = o.reg(RDX, bits);
  const b = o.get(2);
  if (bits === 64) {
    o.put(1, o.mul(a, b));
    o.put(0, highProduct(o, a as I64, b as I64, false));
    return;
  }
  const product = o.mul(o.toI64(a as I32), o.toI64(b as I32));
  o.put(1, o.wrap(product));
  o.put(0, o.wrap(o.shrU(product, o.i64(32))));
};
const RDX = 2;
const scatter = (name: 'bits_deposit' | 'bits_extract'): Body => (o) => {
  const mask = o.get(2);
  const result = o.kernel(name, 'i64', wide(o, o.get(1)), wide(o, mask));
  o.put(0, mask.type === 'i64' ? result : o.wrap(result));
};
const rotateWithoutFlags: Body = (o) => {
  const source = o.get(1);
  o.put(0, o.e.binary('rotr', source, asWide(o, source, o.field(2))));
};
const shiftWithoutFlags = (op: 'shl' | 'shrU' | 'shrS'): Body => (o) => {
  const source = o.get(1);
  o.put(0, o[op](source, o.get(2)));
};

export const bitBodies: Record<string, Body> = {
  ANDN: andNot, BEXTR: extractField, BZHI: zeroHigh, MULX: multiplyWithoutFlags, PDEP: scatter('bits_deposit'), PEXT: scatter('bits_extract'),
  BLSI: lowest((o, v) => o.and(o.sub(o.constantLike(v, 0), v), v), 0), BLSR: lowest((o, v) => o.and(lessOne(o, v), v), 1),
  BLSMSK: lowest((o, v) => o.xor(lessOne(o, v), v), 1),
  RORX: rotateWithoutFlags, SHLX: shiftWithoutFlags('shl'), SHRX: shiftWithoutFlags('shrU'), SARX: shiftWithoutFlags('shrS'),
  POPCNT: countOnes, LZCNT: countZeros('clz'), TZCNT: countZeros('ctz'), CRC32: crc, MOVBE: moveReversed,
  ADCX: addWith('CF'), ADOX: addWith('OF'),
};
