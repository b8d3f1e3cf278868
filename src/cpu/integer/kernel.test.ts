import { beforeAll, describe, expect, it } from 'vitest';
import * as L from '../layout.ts';
import { buildX87Kernel } from '../x87/build-kernel.ts';
import { exportedTypes } from '../x87/wasm-types-fixture.ts';
import { INTEGER_KERNEL_TYPES } from './kernel-interface.ts';

type Divide = (cpu: number, high: bigint, low: bigint, divisor: bigint) => number;

const CPU = 4096;
const WORDS = [0n, 1n, 2n, 3n, 0x7fffffffn, 0xffffffffn, 1n << 32n, 0x123456789abcdefn, (1n << 63n) - 1n, 1n << 63n, (1n << 63n) + 1n, (1n << 64n) - 2n, (1n << 64n) - 1n];

describe('integer kernel', () => {
  let bytes: Uint8Array<ArrayBuffer>;
  const memory = new WebAssembly.Memory({ initial: 2 });
  let divide: Record<'div128' | 'idiv128', Divide>;

  beforeAll(async () => {
    bytes = new Uint8Array(await buildX87Kernel());
    divide = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as typeof divide;
  }, 120_000);

  /** Quotient and remainder, undefined for #DE. */
  function run(name: 'div128' | 'idiv128', high: bigint, low: bigint, divisor: bigint): [bigint, bigint] | undefined {
    if (divide[name](CPU, high, low, divisor) === 0) return undefined;
    const words = new BigUint64Array(memory.buffer, CPU + L.INTEGER_SCRATCH, 2);
    return [words[0], words[1]];
  }
  function expected(name: 'div128' | 'idiv128', high: bigint, low: bigint, divisor: bigint): [bigint, bigint] | undefined {
    const as = name === 'idiv128' ? BigInt.asIntN : BigInt.asUintN;
    const [n, d] = [as(128, (high << 64n) | low), as(64, divisor)];
    if (d === 0n || as(64, n / d) !== n / d) return undefined;
    return [BigInt.asUintN(64, n / d), BigInt.asUintN(64, n % d)];
  }

  it('exports the interface with its types', () => {
    expect(exportedTypes(bytes)).toMatchObject(INTEGER_KERNEL_TYPES);
  });

  it.each(['div128', 'idiv128'] as const)('%s divides as big integers do', (name) => {
    const wrong: unknown[] = [];
    for (const high of WORDS) for (const low of WORDS) for (const divisor of WORDS) {
      const [here, there] = [run(name, high, low, divisor), expected(name, high, low, divisor)];
      if (here?.join() !== there?.join()) wrong.push([high, low, divisor, here, there]);
    }
    expect(wrong).toEqual([]);
  });
});
