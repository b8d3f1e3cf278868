/** The functions of the transcendental instructions to some hundred bits, in fixed point on big integers, for tests of the kernel. */

/** Bits after the point. */
const POINT = 320n;
const ONE = 1n << POINT;
/** pi / 2 as processors reduce by it: 68 bits of pi [SDM1 8.3.8]. */
const PROCESSOR_HALF_PI = 0xc90fdaa22168c234cn << (POINT - 67n);

/** Towards 0, so that series come to an end. */
const multiply = (a: bigint, b: bigint): bigint => (a * b) / ONE;
const divide = (a: bigint, b: bigint): bigint => (a << POINT) / b;
const magnitude = (a: bigint): bigint => (a < 0n ? -a : a);

function squareRoot(a: bigint): bigint {
  const square = a << POINT;
  let root = 1n << BigInt((square.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** first + first * square * ratio(1) + …, until terms vanish. */
function series(first: bigint, factor: bigint, ratio: (n: bigint) => readonly [bigint, bigint]): bigint {
  let sum = 0n;
  let term = first;
  for (let n = 1n; term !== 0n; n++) {
    sum += term;
    const [over, under] = ratio(n);
    term = (multiply(term, factor) * over) / under;
  }
  return sum;
}
/** z + z^3 / 3 + z^5 / 5 …, with alternating signs for the arctangent. */
const oddPowers = (z: bigint, sign: bigint): bigint => {
  let sum = 0n;
  const square = sign * multiply(z, z);
  let power = z;
  for (let n = 1n; power !== 0n; n += 2n) {
    sum += power / n;
    power = multiply(power, square);
  }
  return sum;
};
const LN2 = 2n * oddPowers(ONE / 3n, 1n);
const HALF_PI = 2n * (4n * oddPowers(ONE / 5n, -1n) - oddPowers(ONE / 239n, -1n));

const smallSine = (r: bigint): bigint => series(r, -multiply(r, r), (n) => [1n, 2n * n * (2n * n + 1n)]);
const smallCosine = (r: bigint): bigint => series(ONE, -multiply(r, r), (n) => [1n, (2n * n - 1n) * 2n * n]);

/** Sine and cosine of what is left of the angle after the processors' reduction. */
function circular(x: bigint): { sine: bigint; cosine: bigint } {
  const turns = (2n * magnitude(x) + PROCESSOR_HALF_PI) / (2n * PROCESSOR_HALF_PI) * (x < 0n ? -1n : 1n);
  const rest = x - turns * PROCESSOR_HALF_PI;
  const [s, c] = [smallSine(rest), smallCosine(rest)];
  const [sine, cosine] = ([[s, c], [c, -s], [-s, -c], [-c, s]] as const)[Number(((turns % 4n) + 4n) % 4n)] as readonly [bigint, bigint];
  return { sine, cosine };
}

const exponentialLess1 = (x: bigint): bigint => {
  const y = multiply(x, LN2);
  return series(y, y, (n) => [1n, n + 1n]);
};
/** log2(1 + x) for small x. */
const smallLogarithm = (x: bigint): bigint => divide(2n * oddPowers(divide(x, 2n * ONE + x), 1n), LN2);
function logarithm(x: bigint): bigint {
  const exponent = BigInt(x.toString(2).length - 1) - POINT;
  const mantissa = exponent >= 0n ? x >> exponent : x << -exponent;
  return exponent * ONE + smallLogarithm(mantissa - ONE);
}
function arctangent(y: bigint, x: bigint): bigint {
  // Two halvings of an angle of at most pi / 4.
  const [low, high] = magnitude(y) < magnitude(x) ? [magnitude(y), magnitude(x)] : [magnitude(x), magnitude(y)];
  let t = divide(low, high);
  for (let i = 0; i < 2; i++) t = divide(t, ONE + squareRoot(ONE + multiply(t, t)));
  let angle = 4n * oddPowers(t, -1n);
  if (magnitude(y) >= magnitude(x)) angle = HALF_PI - angle;
  if (x < 0n) angle = 2n * HALF_PI - angle;
  return y < 0n ? -angle : angle;
}

/** By mnemonic; `x` is ST(0), `y` ST(1). */
export const EXACT: Readonly<Record<string, (x: bigint, y: bigint) => bigint>> = {
  f2xm1: exponentialLess1,
  fyl2x: (x, y) => multiply(y, logarithm(x)),
  fyl2xp1: (x, y) => multiply(y, smallLogarithm(x)),
  fpatan: (x, y) => arctangent(y, x),
  fsin: (x) => circular(x).sine,
  fcos: (x) => circular(x).cosine,
  fptan: (x) => divide(circular(x).sine, circular(x).cosine),
};

/** An extended real: sign and exponent, significand. */
export interface Real {
  readonly se: number;
  readonly sig: bigint;
}
const BIAS = 0x3fffn;

export function toFixed({ se, sig }: Real): bigint {
  const shift = BigInt(se & 0x7fff) - BIAS - 63n + POINT;
  const size = shift >= 0n ? sig << shift : sig >> -shift;
  return se & 0x8000 ? -size : size;
}

export const NEAREST = 0, DOWN = 1, UP = 2, ZERO = 3;

/** Rounds to 64 bits as RC says. */
export function toReal(value: bigint, rc: number): Real {
  const size = magnitude(value);
  const cut = BigInt(size.toString(2).length - 64);
  const rest = size & ((1n << cut) - 1n);
  const away = rc === NEAREST ? rest >> (cut - 1n) !== 0n : rc !== ZERO && (rc === UP) === (value > 0n) && rest !== 0n;
  const rounded = (size >> cut) + (away ? 1n : 0n);
  const carried = rounded >> 64n;
  const exponent = Number(cut - POINT + 63n + BIAS + carried);
  return { se: exponent | (value < 0n ? 0x8000 : 0), sig: rounded >> carried };
}
