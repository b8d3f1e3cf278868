/** The common case of x87 arithmetic in compiled code against whole numbers of any length. */
import { expect, it } from 'vitest';
import { Random } from '../../tests/oracle/random.ts';
import type { Emitter } from '../isa/ops.ts';
import { Shorthand } from '../isa/shorthand.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { divide, squareRoot } from './x87-quotient.ts';
import { add, multiply, type Real, type RoundedReal } from './x87-real.ts';

class Values extends Shorthand {
  readonly e: Emitter;

  constructor(e: Emitter) {
    super();
    this.e = e;
  }
}

const BIAS = 0x3fff;
const CASES = 20_000;
interface Number80 { readonly exponent: number; readonly negative: boolean; readonly sig: bigint }
interface Outcome extends Number80 { readonly fits: boolean; readonly up: boolean; readonly inexact: boolean }

const memory = new WebAssembly.Memory({ initial: 1 });
function compile(operation: (o: Shorthand, a: Real, b: Real) => RoundedReal): (a: Number80, b: Number80) => Outcome {
  const module = new ModuleBuilder();
  const e = new FunctionBuilder(module, { params: ['i32', 'i64', 'i64', 'i32', 'i64', 'i64'], results: [] });
  const real = (at: number): Real => ({ exponent: e.param(at, 'i32'), sign: e.param(at + 1, 'i64'), sig: e.param(at + 2, 'i64') });
  const { real: result, fits, up, lost } = operation(new Values(e), real(0), real(3));
  const zero = e.i32(0);
  e.store('i64', zero, result.sig, 0);
  e.store('i64', zero, result.sign, 8);
  e.store('i64', zero, lost, 16);
  [result.exponent, fits, up].forEach((value, i) => e.store('i32', zero, value, 24 + 4 * i));
  module.export('run', module.define(e.finish()));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish() as BufferSource), { env: { memory } });
  const run = instance.exports.run as (...words: (number | bigint)[]) => void;
  const view = new DataView(memory.buffer);
  const words = ({ exponent, negative, sig }: Number80): (number | bigint)[] => [exponent, negative ? -1n : 0n, BigInt.asIntN(64, sig)];
  return (a, b) => {
    run(...words(a), ...words(b));
    return {
      sig: view.getBigUint64(0, true), negative: view.getBigInt64(8, true) < 0n, exponent: view.getInt32(24, true),
      fits: view.getInt32(28, true) !== 0, up: view.getInt32(32, true) !== 0, inexact: view.getBigInt64(16, true) !== 0n,
    };
  };
}

/** A magnitude of numerator / denominator * 2^scale, and whether it is a little more than that: to nearest even, with 64 bits. */
function rounded(numerator: bigint, denominator: bigint, scale: number, more: boolean): { exponent: number; sig: bigint; up: boolean; inexact: boolean } {
  const shift = 66 - (numerator.toString(2).length - denominator.toString(2).length);
  const [n, d] = shift >= 0 ? [numerator << BigInt(shift), denominator] : [numerator, denominator << BigInt(-shift)];
  const quotient = n / d;
  const extra = quotient.toString(2).length - 64;
  const kept = quotient >> BigInt(extra);
  const below = ((quotient - (kept << BigInt(extra))) << 1n) | (n % d !== 0n || more ? 1n : 0n);
  const half = 1n << BigInt(extra);
  const up = below > half || (below === half && (kept & 1n) === 1n);
  const sig = kept + (up ? 1n : 0n);
  const carried = sig >> 64n === 1n;
  return { sig: carried ? sig >> 1n : sig, up, inexact: below !== 0n, exponent: scale - shift + extra + 63 + BIAS + (carried ? 1 : 0) };
}
const scaleOf = ({ exponent }: Number80): number => exponent - BIAS - 63;
const signed = ({ negative, sig }: Number80): bigint => (negative ? -sig : sig);

function root(radicand: bigint): bigint {
  let x = 1n << BigInt((radicand.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + radicand / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

type Expected = ReturnType<typeof rounded> & { negative: boolean };
const OPERATIONS: Record<string, { compiled: ReturnType<typeof compile>; expected: (a: Number80, b: Number80) => Expected | undefined; mostly: number }> = {
  add: {
    compiled: compile((o, a, b) => add(o, a, b, o.i32(0))),
    expected: (a, b) => {
      const least = Math.min(scaleOf(a), scaleOf(b));
      const sum = (signed(a) << BigInt(scaleOf(a) - least)) + (signed(b) << BigInt(scaleOf(b) - least));
      return sum === 0n ? undefined : { ...rounded(sum < 0n ? -sum : sum, 1n, least, false), negative: sum < 0n };
    },
    mostly: 0.5,
  },
  multiply: {
    compiled: compile((o, a, b) => multiply(o, a, b, o.i32(0))),
    expected: (a, b) => ({ ...rounded(a.sig * b.sig, 1n, scaleOf(a) + scaleOf(b), false), negative: a.negative !== b.negative }),
    mostly: 0.95,
  },
  divide: {
    compiled: compile((o, a, b) => divide(o, a, b, o.i32(0))),
    expected: (a, b) => ({ ...rounded(a.sig, b.sig, scaleOf(a) - scaleOf(b), false), negative: a.negative !== b.negative }),
    mostly: 0.75,
  },
  squareRoot: {
    compiled: compile((o, a) => squareRoot(o, a, o.i32(0))),
    expected: (a) => {
      if (a.negative) return undefined;
      const even = scaleOf(a) & 1 ? 201 : 200;
      const radicand = a.sig << BigInt(even);
      const whole = root(radicand);
      return { ...rounded(whole, 1n, (scaleOf(a) - even) / 2, whole * whole !== radicand), negative: false };
    },
    mostly: 0.4,
  },
};

/** Significands that are as good as random, short, or near a power of 2. */
function significand(random: Random): bigint {
  const bits = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
  const near = BigInt(random.below(5)) << BigInt(random.below(40));
  switch (random.below(6)) {
    case 0: return (1n << 63n) + near;
    case 1: return (1n << 64n) - 1n - near;
    case 2: return ((bits >> 60n) << 60n) | (1n << 63n);
    case 3: return ((bits >> 11n) << 11n) | (1n << 63n);
    case 4: return ((bits >> 34n) << 34n) | (1n << 63n) | near;
    default: return bits | (1n << 63n);
  }
}

it.each(Object.keys(OPERATIONS))('%s', (name) => {
  const { compiled, expected, mostly } = OPERATIONS[name] as (typeof OPERATIONS)[string];
  const random = new Random(87);
  let fitting = 0;
  for (let n = 0; n < CASES; n++) {
    const a = { exponent: BIAS + random.below(200), negative: random.chance(50), sig: significand(random) };
    const near = random.chance(50) ? a.exponent + random.below(4) - 2 : BIAS + random.below(200);
    const b = { exponent: near, negative: random.chance(50), sig: random.chance(10) ? a.sig : significand(random) };
    const { fits, ...result } = compiled(a, b);
    if (!fits) continue;
    fitting++;
    expect({ a, b, result }).toEqual({ a, b, result: expected(a, b) });
  }
  expect(fitting / CASES).toBeGreaterThan(mostly);
});
