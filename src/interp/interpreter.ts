/** Instantiates the interpreter's module (see generate.ts) on an arena, with a function table of its own. */
import type { Arena } from '../memory/arena.ts';
import { HANDLERS } from './handlers.ts';
import { FIRST_HANDLER } from './variant.ts';

/** Runs from a record of a vCPU; returns an EXIT_* reason. */
export type Enter = (record: number, cpu: number, fuel: number) => number;

/** `cpu`: the helpers and slow paths; `kernel`: the exports of the leaf kernels. */
export function instantiateInterpreter(module: WebAssembly.Module, arena: Arena, cpu: WebAssembly.ModuleImports, kernel: WebAssembly.ModuleImports): Enter {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: FIRST_HANDLER + HANDLERS.variants.length });
  const instance = new WebAssembly.Instance(module, { env: { memory: arena.memory, table }, cpu, kernel });
  return instance.exports.enter as Enter;
}
