/**
 * Has the engine compile the loop of the hot handlers before a guest needs it, and optimise it: engines compile a function when it first runs, optimise
 * it when it has gone round often enough, and what they make belongs to the module, whichever of its instances it was that ran.
 */
import { HANDLERS } from '../interp/handlers.ts';
import type { Interpreter } from '../interp/interpreter.ts';
import * as R from '../interp/record.ts';
import { stubImports } from '../wasm/stubs.ts';
import { FIRST_HANDLER, type Variant, variantKey } from '../interp/variant.ts';

/** A jump in 64-bit code: where its record has a link it reads nothing of the state. */
export const JUMP = 'JMP Jb0 64 none 32 long none';
/** Where the only record lies, and the state, in a memory of one page. */
const RECORD = 0x1000, CPU = 0x2000;
/** Some dozens make V8 optimise. */
const ROUNDS = 2000;

/** @param interpreter the interpreter's module @returns how often its loop has gone round */
export function warmUp(interpreter: WebAssembly.Module): number {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: HANDLERS.end });
  const { enter } = new WebAssembly.Instance(interpreter, stubImports(interpreter, { memory, table })).exports as unknown as Interpreter;
  const view = new DataView(memory.buffer);
  view.setUint32(RECORD + R.REC_HANDLER, jump(), true);
  view.setUint32(RECORD + R.REC_LINK, RECORD, true);
  view.setUint8(RECORD + R.REC_COUNT, 1);
  enter(RECORD, CPU, ROUNDS);
  // Each time the jump has counted down from 0.
  return -view.getInt32(RECORD + R.REC_EDGES, true);
}

function jump(): number {
  for (let handler = FIRST_HANDLER; ; handler++) if (variantKey(HANDLERS.variant(handler) as Variant) === JUMP) return handler;
}
