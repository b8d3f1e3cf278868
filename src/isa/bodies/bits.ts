/** Counts of bits, CRC-32C, byte order and the two carry chains [SDM2 POPCNT, LZCNT, TZCNT, CRC32, MOVBE, ADCX, ADOX]. */
import type { Bits, Body, I32, I64, Int, Ops } from '../ops.ts';

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

export const bitBodies: Record<string, Body> = {
  POPCNT: countOnes, LZCNT: countZeros('clz'), TZCNT: countZeros('ctz'), CRC32: crc, MOVBE: moveReversed,
  ADCX: addWith('CF'), ADOX: addWith('OF'),
};
