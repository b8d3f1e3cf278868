/** What is said of results, against results. */
import { describe, expect, it } from 'vitest';
import type { FloatOperation, FloatShape } from '../isa/ops.ts';
import { INTEGERS, MIDDLE_RANGES, NORMAL_RANGES, type NumberRange, resultRange } from './number-ranges.ts';

const rounded = { f32x4: Math.fround, f64x2: (x: number) => x };
const compute: Record<Exclude<FloatOperation, 'root'>, (a: number, b: number) => number> = { sum: (a, b) => a + b, product: (a, b) => a * b, quotient: (a, b) => a / b };
let seed = 1;
const random = (): number => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
/** Of a range, its ends among them. */
function member({ shape, low, high, grain }: NumberRange): number {
  const precision = shape === 'f32x4' ? 24 : 53;
  const exponent = random() < 0.3 ? low : random() < 0.3 ? high - 1 : low + Math.floor(random() * (high - low));
  const unit = 2 ** Math.max(grain, exponent - precision + 1);
  const size = random() < 0.2 ? 2 ** exponent : random() < 0.2 ? 2 ** (exponent + 1) - unit : Math.floor((2 ** exponent * (1 + random())) / unit) * unit;
  return (random() < 0.5 ? -1 : 1) * (random() < 0.05 ? 0 : Math.min(size, 2 ** high));
}
const within = (x: number, { low, high, grain }: NumberRange): boolean => x === 0 || (Math.abs(x) >= 2 ** low && Math.abs(x) <= 2 ** high && x % 2 ** grain === 0);

describe.each(['f32x4', 'f64x2'] as const)('ranges of %s', (shape: FloatShape) => {
  it.each(['sum', 'product', 'quotient'] as const)('hold each %s, over several of them', (operation) => {
    const round = rounded[shape];
    for (let n = 0; n < 20_000; n++) {
      let range = MIDDLE_RANGES[shape];
      let value = member(range);
      for (let more = 0; more < 4; more++) {
        const other = member(MIDDLE_RANGES[shape]);
        const next = resultRange(operation, range, MIDDLE_RANGES[shape]);
        if (!next || (operation === 'quotient' && other === 0)) break;
        value = round(compute[operation](value, other));
        if (!within(value, next)) expect.fail(`${value} is not in ${JSON.stringify(next)}`);
        range = next;
      }
    }
  });
  it('say of a product of four that it may be too small, and of three that it is not', () => {
    const middle = MIDDLE_RANGES[shape];
    const two = resultRange('product', middle, middle) as NumberRange;
    const three = resultRange('product', two, middle);
    expect(three).toBeDefined();
    expect(resultRange('product', two, two)).toBeUndefined();
    expect(resultRange('sum', NORMAL_RANGES[shape], middle)).toBeUndefined();
  });
});
it('hold sums of integers', () => {
  const range = resultRange('sum', INTEGERS, INTEGERS);
  expect(range).toMatchObject({ low: 0, high: 32, grain: 0 });
});
