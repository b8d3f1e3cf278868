/** Everything that handlers and regions import from a vCPU, by name: slow paths of accesses, and helpers. */
import type { CodeCache } from '../interp/code-cache.ts';
import { FILL_SIZE, FILL_WRITE } from '../interp/translate.ts';
import { type CpuContext, type Helper, HELPER_RESYNC } from './context.ts';
import type { Import, Kernel } from './engine.ts';
import type { HandlerStop } from './handler-stop.ts';
import { helperImports } from './imports.ts';
import * as L from './layout.ts';
import type { PendingEvents } from './pending-events.ts';
import { segmentHelpers } from './segment-helpers.ts';
import type { SlowAccess } from './slow-access.ts';
import { systemHelpers } from './system-helpers.ts';
import { fldenv, fnsave, fnstenv, frstor } from './x87/environment-helpers.ts';
import type { ErrorPin } from './x87/error-pin.ts';
import { moveState } from './x87/state-area.ts';

export interface HandlerImportParts {
  readonly slow: SlowAccess;
  readonly stop: HandlerStop;
  readonly pending: PendingEvents;
  readonly ferr: ErrorPin;
  readonly kernel: () => Kernel;
  readonly code: () => CodeCache;
  /** Finds the block at RIP for the handlers to go on at. */
  readonly follow: Import;
  /** As `helperImports` has it. */
  readonly afterTransfer: () => number;
  /** Is told of an instruction that enters a handler or a system call, or has not. */
  readonly noteEntry: (entered: boolean) => void;
}

/**
 * For compiled code: makes the TLB serve an access of `what & FILL_SIZE` bytes, a write with FILL_WRITE, by the instruction
 * at `record`. 0: it cannot, or code may have changed; then the interpreter executes the instruction.
 */
function filling({ state }: CpuContext, { slow, stop, code }: HandlerImportParts): Import {
  return (_base, linear, what, record, fuel) => {
    state.setU32(L.IP, record);
    state.setU32(L.FUEL, fuel);
    const { count } = stop;
    const { invalidations } = code();
    const served = slow.fill(linear, what & FILL_SIZE, what & FILL_WRITE ? 'write' : 'read');
    return served && stop.count === count && code().invalidations === invalidations ? 1 : 0;
  };
}

export function handlerImports(cpu: CpuContext, parts: HandlerImportParts): ReadonlyMap<string, Import> {
  const { slow, pending, ferr, kernel, follow, afterTransfer, noteEntry } = parts;
  // Software interrupts and system calls: what they enter runs without the trap that TF asked for.
  const entering = (helper: Helper): Helper => (context, ...args) => {
    const status = helper(context, ...args);
    noteEntry(status === HELPER_RESYNC);
    return status;
  };
  const helpers: Record<string, Helper> = {
    ...segmentHelpers, ...systemHelpers, X87_ERROR: ferr.report,
    FLDENV: fldenv, FNSTENV: fnstenv, FRSTOR: frstor, FNSAVE: fnsave,
    MOVE_STATE: (context, linear, form) => moveState(context, kernel(), linear, form),
    INT: entering(segmentHelpers.INT), INT3: entering(segmentHelpers.INT3), INTO: entering(segmentHelpers.INTO),
    SYSCALL: entering(systemHelpers.SYSCALL), SYSRET: entering(systemHelpers.SYSRET),
    // INT1 is a debug exception: one that waits for the end of the shadow of MOV SS comes with it.
    ICEBP: entering((context) => {
      pending.takeDebugTrap();
      return segmentHelpers.ICEBP(context);
    }),
    // NMIs are blocked until the next IRET [SDM3 6.7.1].
    IRET: (context, size) => {
      context.state.setU32(L.NMI_BLOCKED, 0);
      return segmentHelpers.IRET(context, size);
    },
  };
  return new Map<string, Import>([
    ['slow_read', slow.read], ['slow_write', slow.write], ['slow_modify', slow.modify], ['slow_probe', slow.probe],
    ['slow64_read', slow.read64], ['slow64_write', slow.write64], ['slow64_modify', slow.modify64], ['slow64_probe', slow.probe64],
    ['write_commit', slow.commit], ['fill', filling(cpu, parts)], ['follow', follow], ...helperImports(cpu, helpers, afterTransfer),
  ]);
}
