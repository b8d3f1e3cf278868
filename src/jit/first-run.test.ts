import { expect, it } from 'vitest';
import { HANDLER_SIGNATURE } from '../interp/record-ops.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { FirstRun } from './first-run.ts';

it('all functions of a module run, in a memory of their own, whatever becomes of the one before', () => {
  const module = new ModuleBuilder();
  const define = (name: string, emit: (f: FunctionBuilder) => void): void => {
    const f = new FunctionBuilder(module, HANDLER_SIGNATURE);
    emit(f);
    module.export(name, module.define(f.finish()));
  };
  define('0.0', (f) => {
    f.store('i32', f.param(1, 'i32'), f.param(2, 'i32'));
    f.unreachable();
  });
  define('1.0', (f) => {
    f.store('i32', f.param(1, 'i32'), f.call({ module: 'cpu', name: 'helper', signature: { params: [], results: ['i32'] } }, []) as never, 4);
    f.store('i32', f.param(1, 'i32'), f.param(0, 'i32'), 8);
    f.return(f.i32(0));
    f.unreachable();
  });
  module.exportGlobal('1.0.slot', 7);
  const memory = new WebAssembly.Memory({ initial: 4 });
  new FirstRun(memory).of(new WebAssembly.Module(module.finish() as BufferSource));
  const words = [...new Uint32Array(memory.buffer)].filter((word) => word !== 0);
  expect(words).toEqual([1000, 65536]);
});
