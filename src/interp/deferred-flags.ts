/**
 * Flags that compiled regions leave to be worked out when somebody wants them: of an addition or subtraction, its result, its first
 * operand and what it was. The interpreter's module has the function that does.
 */
import type { Bits, I32, I64 } from '../isa/ops.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import type { FunctionImport, ModuleBuilder } from '../wasm/module.ts';
import { AUXILIARY, CARRY_OVERFLOW } from './flags.ts';

/** How flags come about, as bits: how far the highest carry is below bit 31, what was done, and whether CF follows from it or is the one in FLAG_AUX. */
const SHIFT = 0x1f, WIDE = 0x40, SUBTRACTION = 0x80;
export const HOW_TELLS_CARRY = 0x100, HOW_KEEPS_CARRY = 0x200;
export const addSub = (kind: 'add' | 'sub', bits: Bits): number => (bits === 64 ? WIDE : 32 - bits) | (kind === 'sub' ? SUBTRACTION : 0);

/** Result and first operand, how, FLAG_AUX from before: gives FLAG_AUX (cpu/layout.ts). */
export const SETTLE_FLAGS: FunctionImport = {
  module: 'interpreter', name: 'settle_flags', signature: { params: ['i64', 'i64', 'i32', 'i32'], results: ['i32'] },
};

/** Defines and exports it. */
export function defineSettleFlags(module: ModuleBuilder): void {
  const e = new FunctionBuilder(module, SETTLE_FLAGS.signature);
  const [result, first] = [e.param(0, 'i64'), e.param(1, 'i64')];
  const [how, before] = [e.param(2, 'i32'), e.param(3, 'i32')];
  const has = (bit: number): I32 => e.binary('and', how, e.i32(bit));
  const not = (a: I64): I64 => e.binary('xor', a, e.i64(-1));
  const carries = e.variable('i64');
  const carry = (a: I64, b: I64, kept: I64): void => e.set(carries, e.binary('or', e.binary('and', a, b), e.binary('and', e.binary('or', a, b), kept)));
  e.if(
    has(SUBTRACTION),
    () => carry(not(first), e.binary('sub', first, result), result),
    () => carry(first, e.binary('sub', result, first), not(result)),
  );
  const low = e.convert('wrap', e.get(carries));
  const high = e.convert('wrap', e.binary('shrU', e.get(carries), e.i64(32)));
  const top = e.select(has(WIDE), high, e.binary('shl', low, has(SHIFT)));
  const aux = e.binary('or', e.binary('and', top, e.i32(CARRY_OVERFLOW)), e.binary('and', low, e.i32(AUXILIARY)));
  e.if(has(HOW_KEEPS_CARRY), () => {
    const carry = e.binary('and', before, e.i32(0x80000000 | 0));
    // Bit 30 is OF, flipped by CF.
    const flipped = e.binary('and', e.binary('xor', aux, e.binary('shl', aux, e.i32(1))), e.i32(0x80000000 | 0));
    const overflow = e.binary('shrU', e.binary('xor', flipped, carry), e.i32(1));
    e.return(e.binary('or', e.binary('or', carry, overflow), e.binary('and', aux, e.i32(AUXILIARY))));
  });
  e.return(aux);
  e.unreachable();
  module.export(SETTLE_FLAGS.name, module.define(e.finish()));
}
