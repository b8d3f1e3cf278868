/** Instantiates the interpreter's modules (see generate.ts) on an arena; their handlers fill the function table. */
import { gunzipSync } from 'fflate';
import type { Arena } from '../memory/arena.ts';

/** Runs from a record of a vCPU; returns an EXIT_* reason. */
export type Enter = (record: number, cpu: number, fuel: number) => number;

/** What the module exports. */
export interface Interpreter {
  readonly enter: Enter;
  /** And what compiled regions import. */
  readonly [name: string]: WebAssembly.ExportValue;
}

/** What the modules import. `cpu`: the helpers and slow paths; `kernel`: the exports of the leaf kernels. */
export interface InterpreterImports {
  readonly cpu: WebAssembly.ModuleImports;
  readonly kernel: WebAssembly.ModuleImports;
}

const importsOf = (arena: Arena, table: WebAssembly.Table, { cpu, kernel }: InterpreterImports): WebAssembly.Imports => ({
  env: { memory: arena.memory, table }, cpu, kernel,
});

export function instantiateInterpreter(module: WebAssembly.Module, arena: Arena, table: WebAssembly.Table, imports: InterpreterImports): Interpreter {
  return new WebAssembly.Instance(module, importsOf(arena, table, imports)).exports as unknown as Interpreter;
}

/**
 * Fills the slots of the handlers that only 64-bit code and VEX instructions have, from the module or its compressed bytes (gzip). At
 * once, in the middle of a guest's slice: a worker may compile any size without waiting, and engines compile no function before it runs.
 */
export function instantiateWideHandlers(from: WebAssembly.Module | Uint8Array, arena: Arena, table: WebAssembly.Table, imports: InterpreterImports): void {
  const module = from instanceof WebAssembly.Module ? from : new WebAssembly.Module(gunzipSync(from) as BufferSource);
  new WebAssembly.Instance(module, importsOf(arena, table, imports));
}
