/** FMA: x * y + z with one rounding [SDM1 14.5]. The kernel computes: WebAssembly has no operation that surely rounds once. */
import type { Body, Ops, V128 } from '../ops.ts';
import type { Shape } from './sse-checks.ts';
import { DOUBLE, SINGLE } from './sse-float.ts';
import { combine, element, exact } from './sse-operands.ts';

/** Which operands are x, y and z: by the digits of the mnemonic. */
type Order = '132' | '213' | '231';
const ORDERS: Readonly<Record<Order, readonly [number, number, number]>> = { '132': [0, 2, 1], '213': [1, 0, 2], '231': [1, 2, 0] };

/** What the kernel changes signs of (src/cpu/sse/kernel-interface.ts). */
const KINDS: Readonly<Record<string, number>> = { FMADD: 0, FMSUB: 6, FNMADD: 1, FNMSUB: 7, FMADDSUB: 2, FMSUBADD: 4 };
const SCALAR = 8;

const fused = (o: Ops, shape: Shape, how: number, order: Order, operands: readonly V128[]): V128 => {
  const [x, y, z] = ORDERS[order].map((n) => operands[n]);
  return exact(o, `sse_fma_${shape}`, 'v128', o.i32(how), x, y, z) as V128;
};
const packed = (shape: Shape, how: number, order: Order): Body =>
  combine((o, second, third, byte) => fused(o, shape, how, order, [o.loadRegister(0, 'v128', byte), second, third]));
/** The other elements of the destination stay. */
const single = (how: number, order: Order): Body => (o) => {
  const operands = [0, 1, 2].map((n) => o.e.simd('f32x4.splat', element(o, n, 'f32')));
  o.storeRegister(0, SINGLE.kind, o.e.extractLane('f32x4.extract_lane', fused(o, 'f32x4', how | SCALAR, order, operands), 0));
};
const double = (how: number, order: Order): Body => (o) => {
  const operands = [0, 1, 2].map((n) => o.e.simd('f64x2.splat', element(o, n, 'f64')));
  o.storeRegister(0, DOUBLE.kind, o.e.extractLane('f64x2.extract_lane', fused(o, 'f64x2', how | SCALAR, order, operands), 0));
};

export const fmaBodies: Record<string, Body> = {};
for (const [name, how] of Object.entries(KINDS)) {
  for (const order of Object.keys(ORDERS) as Order[]) {
    fmaBodies[`V${name}${order}PS`] = packed('f32x4', how, order);
    fmaBodies[`V${name}${order}PD`] = packed('f64x2', how, order);
    fmaBodies[`V${name}${order}SS`] = single(how, order);
    fmaBodies[`V${name}${order}SD`] = double(how, order);
  }
}
