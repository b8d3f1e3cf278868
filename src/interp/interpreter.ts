/** Instantiates the interpreter's module (see generate.ts) on an arena; its handlers fill the function table. */
import type { Arena } from '../memory/arena.ts';

/** Runs from a record of a vCPU; returns an EXIT_* reason. */
export type Enter = (record: number, cpu: number, fuel: number) => number;

/** What the module exports. */
export interface Interpreter {
  readonly enter: Enter;
  /** And what compiled regions import. */
  readonly [name: string]: WebAssembly.ExportValue;
}

/** `cpu`: the helpers and slow paths; `kernel`: the exports of the leaf kernels. */
export function instantiateInterpreter(
  module: WebAssembly.Module, arena: Arena, table: WebAssembly.Table, cpu: WebAssembly.ModuleImports, kernel: WebAssembly.ModuleImports,
): Interpreter {
  const instance = new WebAssembly.Instance(module, { env: { memory: arena.memory, table }, cpu, kernel });
  return instance.exports as unknown as Interpreter;
}
