/** Generates the interpreter: WebAssembly modules with a handler for every variant of every row. */
import * as L from '../cpu/layout.ts';
import type { Int } from '../isa/ops.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import { type FunctionBody, ModuleBuilder } from '../wasm/module.ts';
import { type HandlerFrame, handlerFunction, HandlerOps } from './driver.ts';
import { callHandler, defineHotLoop, type HotLoop, loopEntry } from './hot-loop.ts';
import * as R from './record.ts';
import { DISPATCH, GO, GO_DIRECT, GO_INDIRECT, HANDLER_SIGNATURE } from './record-ops.ts';
import { defineTranslation } from './translate.ts';
import { defineSettleFlags } from './deferred-flags.ts';
import {
  FIRST_HANDLER, HANDLER_BUDGET, HANDLER_CROSSING, HANDLER_CROSSING_LONG, HANDLER_FAULT, HANDLER_GO, HANDLER_GO_LONG, HANDLER_GP, HANDLER_LOOKUP,
  HANDLER_NEXT, HANDLER_NEXT_LONG, HANDLER_NM, HANDLER_RESOLVE, HANDLER_STOP, HANDLER_UD, type HandlerSet, type Variant,
} from './variant.ts';

const VECTOR_UD = 6;
const VECTOR_NM = 7;
const VECTOR_GP = 13;

/** For handlers that are no instruction: the driver without operands, in the segmented environment. */
const BARE: Variant = {
  row: {
    source: '', vex: undefined, prefix: undefined, opcode: [], plusRegister: false, digit: undefined, form: 'any', modrm: undefined,
    mnemonic: '', operands: [], attributes: new Set(), feature: undefined, body: () => {},
  },
  osize: 32, rm: 'none', asize: 32, environment: 'segmented', repeat: 'none',
};

const BARE_FLAT: Variant = { ...BARE, environment: 'flat' };
const BARE_LONG: Variant = { ...BARE, environment: 'long' };

/**
 * Bytes of the module that every guest needs. It imports `env.memory`, `env.table`, and the helpers as `cpu.*` and `kernel.*`; exports
 * `enter`, and for compiled regions `dispatch`, what `GO` names, and what translate.ts defines.
 */
export function generateInterpreter(set: HandlerSet): Uint8Array {
  const module = new ModuleBuilder();
  const hot = new Map([
    [HANDLER_NEXT, (frame: HandlerFrame) => leaveBlock(frame, BARE)],
    [HANDLER_NEXT_LONG, (frame: HandlerFrame) => leaveBlock(frame, BARE_LONG)],
    ...Array.from({ length: set.hotEnd - FIRST_HANDLER }, (_, n): [number, (frame: HandlerFrame) => void] => [
      FIRST_HANDLER + n, (frame) => handler(frame, set.variant(FIRST_HANDLER + n) as Variant),
    ]),
  ]);
  const loop = defineHotLoop(module, hot);
  const special = (emit: (o: HandlerOps) => void, variant = BARE, signature = HANDLER_SIGNATURE): FunctionBody => {
    const o = new HandlerOps(handlerFunction(module, loop, signature), variant);
    emit(o);
    o.e.unreachable();
    return o.e.finish();
  };
  const specials: FunctionBody[] = [];
  specials[HANDLER_STOP] = special((o) => o.exit(R.EXIT_STOP));
  specials[HANDLER_CROSSING] = special((o) => o.crossPage());
  specials[HANDLER_UD] = special((o) => o.raise(VECTOR_UD));
  specials[HANDLER_NM] = special((o) => o.raise(VECTOR_NM));
  specials[HANDLER_GP] = special((o) => o.raise(VECTOR_GP, 0));
  specials[HANDLER_GO] = special((o) => o.goTo(o.stateLoad('i32', L.RIP)));
  specials[HANDLER_GO_LONG] = special((o) => o.goTo(o.stateLoad('i64', L.RIP)), BARE_LONG);
  specials[HANDLER_BUDGET] = special((o) => o.exit(R.EXIT_BUDGET));
  specials[HANDLER_CROSSING_LONG] = special((o) => o.crossPage(), BARE_LONG);
  specials[HANDLER_FAULT] = special((o) => o.deliverFault());
  specials[HANDLER_RESOLVE] = special((o) => o.follow(R.EXIT_RESOLVE));
  specials[HANDLER_LOOKUP] = special((o) => o.follow(R.EXIT_LOOKUP));
  const bodies: number[] = [];
  for (let slot = 1; slot < set.hotEnd; slot++) {
    bodies.push(module.define(hot.has(slot) ? loopEntry(module, loop, slot) : (specials[slot] ?? specials[HANDLER_UD])));
  }
  bodies.push(...handlers(module, loop, set, set.hotEnd, set.firstWide));
  module.fillTable(1, bodies);
  module.export('enter', module.define(entry(module, loop)));
  module.export(DISPATCH.name, module.define(dispatch(module, loop)));
  for (const environment of ['segmented', 'flat', 'long'] as const) {
    const { name, signature } = GO[environment];
    const define = (emit: (o: HandlerOps, target: Int) => void): number =>
      module.define(special((o) => emit(o, o.e.param(3, signature.params[3] as 'i32' | 'i64')), { ...BARE, environment }, signature));
    module.export(name, define((o, target) => o.goTo(target)));
    module.export(GO_DIRECT[environment].name, define((o, target) => o.goDirect(target)));
    module.export(GO_INDIRECT[environment].name, define((o, target) => o.goIndirect(target)));
  }
  defineTranslation(module, BARE_FLAT, 'i32');
  defineTranslation(module, BARE_LONG, 'i64');
  defineSettleFlags(module);
  return module.finish();
}

/** Bytes of the module with the handlers of 64-bit code and VEX instructions. It imports the same, and puts them into the table. */
export function generateWideHandlers(set: HandlerSet): Uint8Array {
  const module = new ModuleBuilder();
  module.fillTable(set.firstWide, handlers(module, undefined, set, set.firstWide, set.end));
  return module.finish();
}

/** Defines the handlers of the numbers from `first` to before `end`. */
function handlers(module: ModuleBuilder, loop: HotLoop | undefined, set: HandlerSet, first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, n) => {
    const frame = handlerFunction(module, loop);
    handler(frame, set.variant(first + n) as Variant);
    return module.define(frame.e.finish());
  });
}

function handler(frame: HandlerFrame, variant: Variant): void {
  const o = new HandlerOps(frame, variant);
  try {
    variant.row.body(o);
  } catch (cause) {
    throw new Error(`row "${variant.row.source}", ${variant.osize} bits, ${variant.rm}`, { cause });
  }
  o.next();
}

/** Past the last instruction of a block: to the next one. The record counts one more than the block has instructions. */
function leaveBlock(frame: HandlerFrame, variant: Variant): void {
  const o = new HandlerOps(frame, variant);
  const count = o.sub(o.e.load('u8', o.ip, R.REC_COUNT), o.i32(1));
  const target = o.target(0);
  o.leaveTo(() => target, R.EXIT_RESOLVE, count);
}

/** What the dispatcher calls: runs from a record until something exits. */
function entry(module: ModuleBuilder, loop: HotLoop): FunctionBody {
  const { e, ip, fuel, goOn } = handlerFunction(module, loop);
  goOn(ip, fuel);
  return e.finish();
}

/**
 * The way out of compiled regions. Their instances do not import the table: an engine keeps every instance that does up to
 * date with every slot.
 */
function dispatch(module: ModuleBuilder, loop: HotLoop): FunctionBody {
  const e = new FunctionBuilder(module, DISPATCH.signature);
  const [handler, record, cpu, fuel] = [0, 1, 2, 3].map((n) => e.param(n, 'i32'));
  callHandler(e, record, cpu, fuel, handler, loop);
  return e.finish();
}
