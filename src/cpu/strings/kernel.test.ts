import { beforeAll, describe, expect, it } from 'vitest';
import { buildX87Kernel } from '../x87/build-kernel.ts';
import { exportedTypes } from '../x87/wasm-types-fixture.ts';
import { STRING_KERNEL_TYPES } from './kernel-interface.ts';

const CPU = 4096;
const A = 0x10000, B = 0x12000;
const WIDTHS = [1, 2, 4, 8];
const LENGTHS = [...Array.from({ length: 70 }, (_, n) => n), 255, 256, 257, 1000];

interface Kernel {
  move_elements(cpu: number, to: number, from: number, step: number, elements: number): void;
  fill_elements(cpu: number, to: number, pattern: bigint, step: number, elements: number): void;
  scan_elements(cpu: number, at: number, pattern: bigint, step: number, elements: number, equal: number): number;
  compare_elements(cpu: number, at: number, other: number, step: number, elements: number, equal: number): number;
}

describe('string kernel', () => {
  let bytes: Uint8Array<ArrayBuffer>;
  let kernel: Kernel;
  const memory = new WebAssembly.Memory({ initial: 2 });
  const u8 = new Uint8Array(memory.buffer);

  beforeAll(async () => {
    bytes = new Uint8Array(await buildX87Kernel());
    kernel = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as unknown as Kernel;
  }, 120_000);
  const fillWithNumbers = (): void => {
    for (let n = 0; n < 0x4000; n++) u8[A + n] = (n * 167 + (n >> 3)) & 0xff;
  };
  const around = (at: number, length: number): Uint8Array => u8.slice(at - 64, at + length + 64);

  it('exports the interface with its types', () => {
    expect(exportedTypes(bytes)).toMatchObject(STRING_KERNEL_TYPES);
  });

  const DISTANCES = [B - A, 0, -1, -2, -4, -5, -8, -16, -19, 1, 2, 3, 4, 7, 8, 16, 33];
  it.each(WIDTHS.flatMap((width) => [width, -width]))('moves elements one after the other, step %i', (step) => {
    const width = Math.abs(step);
    for (const distance of DISTANCES) for (const elements of LENGTHS.filter((n) => n * width <= 1000)) {
      const [from, to] = [A + 0x1000, A + 0x1000 + distance];
      const [low, high] = [to - 0x440, to + 0x440];
      fillWithNumbers();
      for (let n = 0; n < elements; n++) u8.copyWithin(to + n * step, from + n * step, from + n * step + width);
      const want = u8.slice(low, high);
      fillWithNumbers();
      kernel.move_elements(CPU, to, from, step, elements);
      expect(Buffer.compare(u8.subarray(low, high), want), `${elements} by ${distance}`).toBe(0);
    }
  });

  const PATTERNS: [number, bigint][] = [[1, 0xababababababababn], [2, 0x1234123412341234n], [4, 0x8899aabb8899aabbn], [8, 0x0123456789abcdefn], [4, 0n]];
  it.each(PATTERNS.flatMap(([width, value]) => [[width, value], [-width, value]] as const))('fills with elements, step %i of %i', (step, value) => {
    const width = Math.abs(step);
    for (const elements of LENGTHS.filter((n) => n * width <= 1000)) {
      fillWithNumbers();
      const to = A + 0x1000;
      const low = step < 0 ? to - (elements - 1) * width : to;
      const want = around(low, elements * width);
      for (let n = 0; n < elements * width; n++) want[64 + n] = Number((value >> BigInt((n % 8) * 8)) & 0xffn);
      kernel.fill_elements(CPU, to, BigInt.asIntN(64, value), step, elements);
      expect(Buffer.compare(around(low, elements * width), want), `${elements}`).toBe(0);
    }
  });

  it.each(WIDTHS)('finds the element of %i bytes that ends a search', (width) => {
    const view = new DataView(memory.buffer);
    const put = (at: number, value: bigint): void => {
      for (let n = 0; n < width; n++) view.setUint8(at + n, Number((value >> BigInt(n * 8)) & 0xffn));
    };
    const value = 0x80ff017f00010203n & ((1n << BigInt(width * 8)) - 1n);
    const pattern = Array.from({ length: 8 / width }, (_, n) => value << BigInt(n * width * 8)).reduce((a, b) => a | b);
    // Differs in its highest byte only.
    const other = value ^ (1n << BigInt(width * 8 - 1));
    for (let elements = 1; elements < 40; elements++) for (let place = 0; place <= elements; place++) for (const equal of [0, 1]) {
      const [usual, odd] = equal ? [other, value] : [value, other];
      for (let n = 0; n < elements; n++) {
        put(A + n * width, n === place ? odd : usual);
        put(B + n * width, value);
      }
      // What lies behind would end it.
      put(A + elements * width, odd);
      put(B + elements * width, value);
      const want = Math.min(place + 1, elements);
      expect(kernel.scan_elements(CPU, A, BigInt.asIntN(64, pattern), width, elements, equal)).toBe(want);
      expect(kernel.compare_elements(CPU, A, B, width, elements, equal)).toBe(want);
      const last = (elements - 1) * width;
      const down = place < elements ? elements - place : elements;
      expect(kernel.scan_elements(CPU, A + last, BigInt.asIntN(64, pattern), -width, elements, equal)).toBe(down);
      expect(kernel.compare_elements(CPU, A + last, B + last, -width, elements, equal)).toBe(down);
    }
  });
});
