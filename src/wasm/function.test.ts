import { expect, it } from 'vitest';
import { FunctionBuilder, type Val } from './function.ts';
import { ModuleBuilder } from './module.ts';

/** A function of one i32 that gives an i32; and how many locals it has. */
function build(body: (f: FunctionBuilder, x: Val<'i32'>) => Val<'i32'>): { call: (x: number) => number; locals: number; code: Uint8Array } {
  const module = new ModuleBuilder();
  const f = new FunctionBuilder(module, { params: ['i32'], results: ['i32'] });
  f.return(body(f, f.param(0, 'i32')));
  f.unreachable();
  const made = f.finish();
  module.export('f', module.define(made));
  const compiled = new WebAssembly.Module(module.finish() as BufferSource);
  const instance = new WebAssembly.Instance(compiled, { env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
  return { call: instance.exports.f as (x: number) => number, locals: made.locals.length, code: made.code };
}

it('values share locals, one after the other', () => {
  const { call, locals } = build((f, x) => {
    let sum = x;
    for (let i = 0; i < 100; i++) {
      // Used twice, so kept in a local; the last use makes the next one.
      const doubled = f.binary('add', sum, sum);
      sum = f.binary('xor', doubled, f.binary('shrU', doubled, f.i32(3)));
    }
    return sum;
  });
  let expected = 12345;
  for (let i = 0; i < 100; i++) {
    const doubled = (expected + expected) | 0;
    expected = doubled ^ (doubled >>> 3);
  }
  expect(call(12345)).toBe(expected);
  expect(locals).toBeLessThan(5);
});

it('variables share locals, those of one scope with those of the next, and not with what is outside', () => {
  const { call, locals } = build((f, x) => {
    const sum = f.variable('i32');
    f.set(sum, x);
    for (let i = 0; i < 50; i++) {
      f.scope(() => {
        const [a, b] = [f.variable('i32'), f.variable('i32')];
        f.set(a, f.binary('mul', f.get(sum), f.i32(3)));
        f.set(b, f.binary('add', f.get(sum), f.i32(i)));
        f.set(sum, f.binary('xor', f.get(a), f.get(b)));
      });
    }
    return f.get(sum);
  });
  let sum = 5;
  for (let i = 0; i < 50; i++) sum = Math.imul(sum, 3) ^ (sum + i);
  expect(call(5)).toBe(sum);
  expect(locals).toBeLessThan(7);
});

it('a value from outside a loop keeps its local until the loop ends', () => {
  const { call } = build((f, x) => {
    const count = f.variable('i32');
    const sum = f.variable('i32');
    f.set(count, f.i32(10));
    const outside = f.binary('mul', x, f.i32(7));
    f.set(sum, f.binary('add', outside, f.i32(0)));
    f.loop((again) => {
      // The last use of `outside` comes before a value that would take its local.
      f.set(sum, f.binary('add', f.get(sum), outside));
      const inside = f.binary('mul', f.get(count), f.i32(1000));
      f.set(sum, f.binary('xor', f.get(sum), f.binary('and', inside, inside)));
      const left = f.binary('sub', f.get(count), f.i32(1));
      f.set(count, left);
      f.if(left, () => f.branch(again));
    });
    return f.get(sum);
  });
  let sum = 3 * 7;
  for (let count = 10; count > 0; count--) sum = (sum + 3 * 7) ^ (count * 1000);
  expect(call(3)).toBe(sum);
});

it('a value that is used where it was just kept stays on the stack', () => {
  const opcodes = ({ code }: { code: Uint8Array }): number[] => [0x20, 0x21, 0x22].map((opcode) => code.filter((byte) => byte === opcode).length);
  const load = (f: FunctionBuilder): Val<'i32'> => f.load('i32', f.i32(0));
  const once = build((f, x) => f.binary('add', load(f), x));
  expect([once.call(5), ...opcodes(once)]).toEqual([5, 1, 0, 0]);
  const twice = build((f, x) => {
    const loaded = load(f);
    return f.binary('add', f.binary('add', loaded, x), loaded);
  });
  expect([twice.call(5), ...opcodes(twice)]).toEqual([5, 2, 0, 1]);
  const places: number[] = [];
  const { code } = build((f, x) => {
    const loaded = load(f);
    f.place((offset) => places.push(offset));
    return f.binary('add', loaded, x);
  });
  expect([...code.subarray(places[0], places[0] + 4)]).toEqual([0x20, 0, 0x6a, 0x0f]);
});

it('a function tail-calls one that is defined after it, whatever is imported meanwhile', () => {
  const module = new ModuleBuilder();
  const signature = { params: ['i32'], results: ['i32'] } as const;
  const first = new FunctionBuilder(module, signature);
  first.returnCallDefined(1, [first.binary('add', first.param(0, 'i32'), first.i32(1))]);
  const second = new FunctionBuilder(module, signature);
  module.export('first', module.define(first.finish()));
  second.returnCall({ module: 'env', name: 'double', signature }, [second.param(0, 'i32')]);
  module.define(second.finish());
  const compiled = new WebAssembly.Module(module.finish() as BufferSource);
  const env = { memory: new WebAssembly.Memory({ initial: 1 }), double: (n: number) => 2 * n };
  const exports = new WebAssembly.Instance(compiled, { env }).exports as { first(n: number): number };
  expect(exports.first(20)).toBe(42);
});

it('hints name the branches that are seldom taken, past the locals of their function', () => {
  const module = new ModuleBuilder();
  const f = new FunctionBuilder(module, { params: ['i32'], results: ['i32'] });
  const result = f.variable('i32');
  f.if(f.param(0, 'i32'), () => f.set(result, f.i32(7)));
  f.ifRarely(f.compare('ltS', f.param(0, 'i32'), f.i32(0)), () => f.set(result, f.i32(9)));
  f.ifMostly(f.get(result), () => f.return(f.get(result)), () => f.return(f.i32(1)));
  f.unreachable();
  const made = f.finish();
  module.export('f', module.define(made));
  const bytes = module.finish();
  const compiled = new WebAssembly.Module(bytes as BufferSource);
  const [section] = WebAssembly.Module.customSections(compiled, 'metadata.code.branch_hint');
  const [functions, index, count, ...hints] = new Uint8Array(section);
  expect([functions, index, count]).toEqual([1, 0, 2]);
  expect([hints.slice(1, 3), hints.slice(4)]).toEqual([[1, 0], [1, 1]]);
  // The code is the end of the module, behind three bytes that say that there is one local of a type.
  const body = bytes.length - 1 - made.code.length - 3;
  for (const at of [hints[0], hints[3]]) expect(bytes[body + at]).toBe(0x04);
});
