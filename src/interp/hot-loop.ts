/**
 * The handlers that guests execute most, in one function: a loop around a table of branches. The way from one to the next is a jump, of which
 * engines make half as many instructions as of a tail call through the module's table, and the engine optimises all of them at once,
 * soon after the guest has started.
 */
import type { I32 } from '../isa/ops.ts';
import { FunctionBuilder, type Label } from '../wasm/function.ts';
import type { FunctionBody, ModuleBuilder, Signature } from '../wasm/module.ts';
import type { HandlerFrame } from './driver.ts';
import * as R from './record.ts';
import { HANDLER_SIGNATURE } from './record-ops.ts';

/** As a handler's, and the number of the first handler: regions leave to that of a record which has become theirs. */
const LOOP_SIGNATURE: Signature = { params: [...HANDLER_SIGNATURE.params, 'i32'], results: HANDLER_SIGNATURE.results };

/** The loop in its module. */
export interface HotLoop {
  /** What `define` gave for it. */
  readonly body: number;
  /** Handlers from this number on are not in it; of those before, all that are not go on through the table. */
  readonly end: number;
}

/** @param handlers what makes the code of each, by number, those first that are to be nearest */
export function defineHotLoop(module: ModuleBuilder, handlers: ReadonlyMap<number, (frame: HandlerFrame) => void>): HotLoop {
  const end = Math.max(...handlers.keys()) + 1;
  return { body: module.define(hotLoop(module, handlers, end)), end };
}

function hotLoop(module: ModuleBuilder, handlers: ReadonlyMap<number, (frame: HandlerFrame) => void>, end: number): FunctionBody {
  const e = new FunctionBuilder(module, LOOP_SIGNATURE);
  const [ip, fuel, handler] = ['ip', 'fuel', 'handler'].map((name) => e.variable('i32', name));
  e.set(ip, e.param(0, 'i32'));
  e.set(fuel, e.param(2, 'i32'));
  e.set(handler, e.param(3, 'i32'));
  const bodies = [...handlers];
  const labels = new Map<number, Label>();
  e.loop((again) => {
    const table = (): void => {
      e.block((other) => e.branchTable(Array.from({ length: end + 1 }, (_, n) => labels.get(n) ?? other), e.get(handler)));
      e.returnCallIndirect(HANDLER_SIGNATURE, [e.get(ip), e.param(1, 'i32'), e.get(fuel)], e.get(handler));
    };
    /** The code of a handler comes after the block that all further ones are in: a branch out of that leads to it. */
    const nest = (n: number): void => {
      if (n === bodies.length) return table();
      const [number, code] = bodies[n];
      e.block((label) => {
        labels.set(number, label);
        nest(n + 1);
      });
      e.scope(() => {
        const before = e.get(fuel);
        const goOn = (record: I32, left: I32): void => {
          e.set(handler, e.load('i32', record, R.REC_HANDLER));
          e.set(ip, record);
          if (left !== before) e.set(fuel, left);
          e.branch(again);
        };
        code({ e, ip: e.get(ip), fuel: before, goOn });
      });
    };
    nest(0);
  });
  e.unreachable();
  return e.finish();
}

/** A handler that stands in the loop, as a function for the module's table. */
export function loopEntry(module: ModuleBuilder, loop: HotLoop, handler: number): FunctionBody {
  const f = new FunctionBuilder(module, HANDLER_SIGNATURE);
  f.returnCallDefined(loop.body, [f.param(0, 'i32'), f.param(1, 'i32'), f.param(2, 'i32'), f.i32(handler)]);
  f.unreachable();
  return f.finish();
}

/** On to a handler: to the loop, if it stands in it, else through the table. Nothing comes after it. */
export function callHandler(e: FunctionBuilder, record: I32, cpu: I32, fuel: I32, handler: I32, loop: HotLoop | undefined): void {
  const to = [record, cpu, fuel];
  if (loop) e.if(e.compare('ltU', handler, e.i32(loop.end)), () => e.returnCallDefined(loop.body, [...to, handler]));
  e.returnCallIndirect(HANDLER_SIGNATURE, to, handler);
}
