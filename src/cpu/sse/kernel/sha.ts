/** Steps of SHA-1 and SHA-256 [FIPS 180-4]; which words lie in which lanes: SDM2 SHA1RNDS4 and those after it. */

function lane(v: v128, n: i32): u32 {
  if (n < 2) return n == 0 ? i32x4.extract_lane(v, 0) : i32x4.extract_lane(v, 1);
  return n == 2 ? i32x4.extract_lane(v, 2) : i32x4.extract_lane(v, 3);
}

// SHA-1: A in the top lane, then B, C, D; E apart. Words from the top lane down

function sha1Function(kind: i32, b: u32, c: u32, d: u32): u32 {
  if (kind == 0) return (b & c) ^ (~b & d);
  return kind == 2 ? (b & c) ^ (b & d) ^ (c & d) : b ^ c ^ d;
}
function sha1Constant(kind: i32): u32 {
  if (kind == 0) return 0x5a827999;
  if (kind == 1) return 0x6ed9eba1;
  return kind == 2 ? 0x8f1bbcdc : 0xca62c1d6;
}
/** Four rounds. The first word has E in it already. */
export function sha1Rounds(state: v128, words: v128, kind: i32): v128 {
  let a = lane(state, 3);
  let b = lane(state, 2);
  let c = lane(state, 1);
  let d = lane(state, 0);
  let e: u32 = 0;
  for (let n = 3; n >= 0; n--) {
    const next = sha1Function(kind, b, c, d) + rotl<u32>(a, 5) + lane(words, n) + e + sha1Constant(kind);
    e = d;
    d = c;
    c = rotl<u32>(b, 30);
    b = a;
    a = next;
  }
  return i32x4(d, c, b, a);
}
export function sha1NextE(state: v128, words: v128): v128 {
  return i32x4.replace_lane(words, 3, lane(words, 3) + rotl<u32>(lane(state, 3), 30));
}
export function sha1Message1(first: v128, second: v128): v128 {
  return v128.xor(first, v128.shuffle<u32>(second, first, 2, 3, 4, 5));
}
export function sha1Message2(first: v128, second: v128): v128 {
  const w16 = rotl<u32>(lane(first, 3) ^ lane(second, 2), 1);
  const w17 = rotl<u32>(lane(first, 2) ^ lane(second, 1), 1);
  const w18 = rotl<u32>(lane(first, 1) ^ lane(second, 0), 1);
  return i32x4(rotl<u32>(lane(first, 0) ^ w16, 1), w18, w17, w16);
}

// SHA-256: A, B, E, F in one register, C, D, G, H in the other, each from the top lane down. Words from the lowest lane up

/** Two rounds. */
export function sha256Rounds(cdgh: v128, abef: v128, words: v128): v128 {
  let a = lane(abef, 3);
  let b = lane(abef, 2);
  let c = lane(cdgh, 3);
  let d = lane(cdgh, 2);
  let e = lane(abef, 1);
  let f = lane(abef, 0);
  let g = lane(cdgh, 1);
  let h = lane(cdgh, 0);
  for (let n = 0; n < 2; n++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const first = h + choice + lane(words, n) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25));
    const second = majority + (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  return i32x4(f, e, b, a);
}
function spread(v: v128, rotate1: i32, rotate2: i32, shift: i32): v128 {
  const rotated1 = v128.or(i32x4.shr_u(v, rotate1), i32x4.shl(v, 32 - rotate1));
  const rotated2 = v128.or(i32x4.shr_u(v, rotate2), i32x4.shl(v, 32 - rotate2));
  return v128.xor(v128.xor(rotated1, rotated2), i32x4.shr_u(v, shift));
}
export function sha256Message1(first: v128, second: v128): v128 {
  return i32x4.add(first, spread(v128.shuffle<u32>(first, second, 1, 2, 3, 4), 7, 18, 3));
}
export function sha256Message2(first: v128, second: v128): v128 {
  const low = i32x4.add(first, spread(v128.shuffle<u32>(second, i64x2.splat(0), 2, 3, 4, 4), 17, 19, 10));
  const high = i32x4.add(first, spread(v128.shuffle<u32>(low, low, 0, 1, 0, 1), 17, 19, 10));
  return v128.shuffle<u32>(low, high, 0, 1, 6, 7);
}
