import wabtModule from 'wabt';
import { expect, it } from 'vitest';
import { disassemble } from './disassemble.ts';
import { FunctionBuilder, type Val } from './function.ts';
import { ModuleBuilder, type Signature } from './module.ts';
import { BINARY, COMPARE, CONVERT, EXTRACT, LOAD, REPLACE, SIMD, STORE, type Type, UNARY } from './opcodes.ts';

const SIGNATURE: Signature = { params: ['i32', 'i64', 'f32', 'f64', 'v128'], results: ['i32'] };

/** A function with everything that the builder can emit. */
function everything(module: ModuleBuilder): FunctionBuilder {
  const e = new FunctionBuilder(module, SIGNATURE);
  const types: Type[] = ['i32', 'i64', 'f32', 'f64', 'v128'];
  const of = (type: Type): Val => e.param(types.indexOf(type), type);
  const keep = (value: Val): void => e.set(e.variable(value.type), value);
  for (const [name, codes] of Object.entries(BINARY)) for (const type of Object.keys(codes)) keep(e.binary(name as keyof typeof BINARY, of(type as Type), of(type as Type)));
  for (const [name, codes] of Object.entries(COMPARE)) for (const type of Object.keys(codes)) keep(e.compare(name as keyof typeof COMPARE, of(type as Type), of(type as Type)));
  for (const [name, codes] of Object.entries(UNARY)) for (const type of Object.keys(codes)) keep(e.unary(name as keyof typeof UNARY, of(type as Type)));
  for (const [name, [from]] of Object.entries(CONVERT)) keep(e.convert(name as keyof typeof CONVERT, of(from) as never));
  for (const [name, [from]] of Object.entries(SIMD)) keep(e.simd(name as keyof typeof SIMD, ...from.map(of)));
  for (const name of Object.keys(EXTRACT)) keep(e.extractLane(name as keyof typeof EXTRACT, of('v128') as Val<'v128'>, 1));
  for (const [name, [type]] of Object.entries(REPLACE)) keep(e.replaceLane(name as keyof typeof REPLACE, of('v128') as Val<'v128'>, 1, of(type) as never));
  for (const name of Object.keys(LOAD)) keep(e.load(name as keyof typeof LOAD, e.param(0, 'i32'), 300));
  for (const [name, [type]] of Object.entries(STORE)) e.store(name as keyof typeof STORE, e.param(0, 'i32'), of(type) as never);
  keep(e.eqz(e.param(0, 'i32')));
  keep(e.eqz(e.param(1, 'i64')));
  keep(e.select(e.param(0, 'i32'), e.param(1, 'i64'), e.i64(-3n)));
  keep(e.select(e.param(0, 'i32'), e.param(4, 'v128'), e.v128([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])));
  keep(e.shuffle(e.param(4, 'v128'), e.param(4, 'v128'), [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]));
  for (const n of [0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)]) keep(e.i32(n));
  for (const n of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) keep(e.i64(n));
  const other = { module: 'cpu', name: 'other', signature: { params: ['i32'], results: ['i32'] } } as const;
  keep(e.call(other, [e.param(0, 'i32')])!);
  e.block((out) => e.loop((again) => {
    e.if(e.param(0, 'i32'), () => e.branch(out), () => e.branch(again));
    e.branchTable([out, again, out], e.param(0, 'i32'));
  }));
  e.if(e.param(0, 'i32'), () => e.returnCall(other, [e.param(0, 'i32')]));
  e.if(e.param(0, 'i32'), () => e.returnCallIndirect(other.signature, [e.param(0, 'i32')], e.param(0, 'i32')));
  e.if(e.param(0, 'i32'), () => e.unreachable());
  e.return(e.param(0, 'i32'));
  return e;
}

it('says what WABT says', async () => {
  const module = new ModuleBuilder();
  const body = everything(module).finish();
  module.define(body);
  const wabt = await wabtModule();
  const parsed = wabt.readWasm(module.finish(), { simd: true, tail_call: true, readDebugNames: false } as Parameters<typeof wabt.readWasm>[1]);
  const text = parsed.toText({ foldExprs: false, inlineExport: false });
  parsed.destroy();
  const inFunction = text.slice(text.indexOf('(func (;1;)')).split('\n').slice(1).filter((line) => !line.trim().startsWith('(local'));
  const theirs = inFunction.map((line) => line.replace(/\(;.*?;\)|;;.*/g, '').trim().replace(/\s+/g, ' ').replace(/\)+$/, (end) => (line.includes('(') ? end : '')));
  const ours = disassemble(body.code).map((line) => line.text);
  expect(ours).toEqual(theirs.filter((line) => line !== '' && line !== ')').slice(0, ours.length));
  expect(ours.length).toBeGreaterThan(900);
});
