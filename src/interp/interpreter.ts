/** The interpreter's module and function table, made once per process and instantiated per arena. */
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import type { Arena } from '../memory/arena.ts';
import { generateInterpreter } from './generate.ts';
import { enumerateHandlers, FIRST_HANDLER, type HandlerSet } from './variant.ts';

export const HANDLERS: HandlerSet = enumerateHandlers(INSTRUCTION_SET);

/** Runs from a record of a vCPU; returns an EXIT_* reason. */
export type Enter = (record: number, cpu: number, fuel: number) => number;

let compiled: WebAssembly.Module | undefined;

/** The compiled module; `bytes` when the build made them already. */
export function interpreterModule(bytes?: BufferSource): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(bytes ?? (generateInterpreter(HANDLERS) as BufferSource));
  return compiled;
}

export function instantiateInterpreter(arena: Arena, cpu: WebAssembly.ModuleImports, kernel: WebAssembly.ModuleImports): Enter {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: FIRST_HANDLER + HANDLERS.variants.length });
  const instance = new WebAssembly.Instance(interpreterModule(), { env: { memory: arena.memory, table }, cpu, kernel });
  return instance.exports.enter as Enter;
}
