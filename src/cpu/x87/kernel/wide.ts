/** 128-bit unsigned arithmetic. A second result word is fetched with `low()` right after the call. */

let lowWord: u64 = 0;

export function low(): u64 {
  return lowWord;
}

/** a * b: returns the high word; low() the low word. */
export function multiply(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const ll = al * bl;
  const t = ah * bl + (ll >> 32);
  const m = al * bh + (t & 0xffffffff);
  lowWord = (m << 32) | (ll & 0xffffffff);
  return ah * bh + (t >> 32) + (m >> 32);
}

/** The high word of a * b. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const t = ah * bl + ((al * bl) >> 32);
  return ah * bh + (t >> 32) + ((al * bh + (t & 0xffffffff)) >> 32);
}

/** (high : lowPart) / d for high < d, d's top bit set: returns the quotient; low() the remainder. */
export function divide(high: u64, lowPart: u64, d: u64): u64 {
  const dh = d >> 32;
  const dl = d & 0xffffffff;
  let q1 = high / dh;
  let r = high - q1 * dh;
  while (q1 >> 32 || q1 * dl > ((r << 32) | (lowPart >> 32))) {
    q1--;
    r += dh;
    if (r >> 32) break;
  }
  const mid = ((high << 32) | (lowPart >> 32)) - q1 * d;
  let q0 = mid / dh;
  r = mid - q0 * dh;
  while (q0 >> 32 || q0 * dl > ((r << 32) | (lowPart & 0xffffffff))) {
    q0--;
    r += dh;
    if (r >> 32) break;
  }
  lowWord = ((mid << 32) | (lowPart & 0xffffffff)) - q0 * d;
  return (q1 << 32) | q0;
}

/** (high : lowPart) >> count with every lost bit gathered in the lowest bit: returns the high word; low() the low. */
export function shiftRightSticky(high: u64, lowPart: u64, count: i32): u64 {
  const n = <u64>count;
  if (count === 0) {
    lowWord = lowPart;
    return high;
  }
  if (count < 64) {
    lowWord = (high << (64 - n)) | (lowPart >> n) | u64(lowPart << (64 - n) !== 0);
    return high >> n;
  }
  if (count === 64) {
    lowWord = high | u64(lowPart !== 0);
    return 0;
  }
  if (count < 128) {
    lowWord = (high >> (n - 64)) | u64(((high << (128 - n)) | lowPart) !== 0);
    return 0;
  }
  lowWord = u64((high | lowPart) !== 0);
  return 0;
}

/** The high 128 bits of a 256-bit product, up to two units low: returns the high word; low() the low one. */
export function multiplyFractions(aHigh: u64, aLow: u64, bHigh: u64, bLow: u64): u64 {
  const high = multiply(aHigh, bHigh);
  const first = multiplyHigh(aHigh, bLow);
  const cross = first + multiplyHigh(aLow, bHigh);
  const sum = lowWord + cross;
  const carries = u64(cross < first) + u64(sum < cross);
  lowWord = sum;
  return high + carries;
}

let restHigh: u64 = 0;
let restLow: u64 = 0;

/** One 64-bit digit of n / d for n < d, d's top bit set; leaves the rest, times 2^64, for the next digit. */
function quotientDigit(nHigh: u64, nLow: u64, dHigh: u64, dLow: u64): u64 {
  let digit: u64;
  let rest: u64;
  let overflow = false;
  if (nHigh < dHigh) {
    digit = divide(nHigh, nLow, dHigh);
    rest = lowWord;
  } else {
    digit = <u64>-1;
    rest = nLow + dHigh;
    overflow = rest < nLow;
  }
  // rest : 0 minus digit * dLow, and dHigh : dLow back for each unit that the estimate is too high.
  const productHigh = multiply(digit, dLow);
  const productLow = lowWord;
  restLow = 0 - productLow;
  restHigh = rest - productHigh - u64(productLow !== 0);
  let negative = !overflow && (rest < productHigh || (rest === productHigh && productLow !== 0));
  while (negative) {
    digit--;
    const sum = restLow + dLow;
    const carry = u64(sum < restLow);
    const next = restHigh + dHigh;
    const top = next + carry;
    negative = !(next < restHigh || top < next);
    restLow = sum;
    restHigh = top;
  }
  return digit;
}

/** n / d as a 128-bit fraction, truncated, for n < d and d's top bit set: returns the high word; low() the low one. */
export function divideFractions(nHigh: u64, nLow: u64, dHigh: u64, dLow: u64): u64 {
  const high = quotientDigit(nHigh, nLow, dHigh, dLow);
  lowWord = quotientDigit(restHigh, restLow, dHigh, dLow);
  return high;
}

/** How many terms of a power series in x matter, at most `all`. */
function termsFor(xHigh: u64, all: i32): i32 {
  const zeros = i32(clz<u64>(xHigh));
  return zeros === 0 ? all : min(all, 124 / zeros + 1);
}

/** c0 - x (c1 - x (c2 - …)) with the coefficients in a table: returns the high word; low() the low one. */
export function alternatingSeries(table: usize, terms: i32, xHigh: u64, xLow: u64): u64 {
  let at = table + (<usize>(termsFor(xHigh, terms) - 1) << 4);
  let high = load<u64>(at);
  let lowPart = load<u64>(at, 8);
  while (at > table) {
    at -= 16;
    const product = multiplyFractions(high, lowPart, xHigh, xLow);
    const coefficient = load<u64>(at, 8);
    high = load<u64>(at) - product - u64(coefficient < lowWord);
    lowPart = coefficient - lowWord;
  }
  lowWord = lowPart;
  return high;
}

/** c0 + x (c1 + x (c2 + …)), likewise; the sum stays below one. */
export function series(table: usize, terms: i32, xHigh: u64, xLow: u64): u64 {
  let at = table + (<usize>(termsFor(xHigh, terms) - 1) << 4);
  let high = load<u64>(at);
  let lowPart = load<u64>(at, 8);
  while (at > table) {
    at -= 16;
    const product = multiplyFractions(high, lowPart, xHigh, xLow);
    const sum = load<u64>(at, 8) + lowWord;
    high = load<u64>(at) + product + u64(sum < lowWord);
    lowPart = sum;
  }
  lowWord = lowPart;
  return high;
}
