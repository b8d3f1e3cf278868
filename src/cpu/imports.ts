/** Helpers as handlers and regions import them: what each call sets up, and how guest faults and transfers come back. */
import * as R from '../interp/record.ts';
import { type CpuContext, type Helper, HELPER_RESYNC } from './context.ts';
import type { Import } from './engine.ts';
import { GuestFault } from './fault.ts';
import * as L from './layout.ts';
import { linear32 } from './linear.ts';

/** A fault whose EIP is in RIP already, as helpers leave it. */
export const EXIT_FAULT_HERE = 9;

/**
 * Two imports a helper: `helper_NAME` gives the status, `value_NAME` a value, with the status in the state. `afterTransfer`: what
 * the handlers do when a helper has set RIP, R.EXIT_RESYNC or R.EXIT_GO.
 */
export function helperImports(cpu: CpuContext, helpers: Readonly<Record<string, Helper>>, afterTransfer: () => number): Map<string, Import> {
  const imports = new Map<string, Import>();
  for (const [name, helper] of Object.entries(helpers)) {
    imports.set(`helper_${name}`, (base, a, b, c, d, e) => {
      begin(cpu, base);
      try {
        const status = helper(cpu, a, b, c, d, e);
        return status === HELPER_RESYNC ? afterTransfer() : status;
      } catch (raised) {
        return faulted(cpu, raised);
      }
    });
    imports.set(`value_${name}`, (base, a, b, c, d, e) => {
      begin(cpu, base);
      cpu.state.setU32(L.HELPER_STATUS, 0);
      try {
        return helper(cpu, a, b, c, d, e);
      } catch (raised) {
        cpu.state.setU32(L.HELPER_STATUS, faulted(cpu, raised));
        return 0;
      }
    });
  }
  return imports;
}

/** EIP of the instruction that calls, and of the next one. */
function begin(cpu: CpuContext, base: number): void {
  const { state } = cpu;
  const { u8, u16, u32 } = state.arena;
  const record = u32[(base + L.IP) >>> 2];
  const ip = state.getLinear(L.IP_BASE) + u16[(record + R.REC_OFFSET) >>> 1];
  const next = ip + u8[record + R.REC_LENGTH];
  if (state.code64) {
    state.rip = ip;
    cpu.nextEip = next;
  } else {
    state.eip = ip;
    cpu.nextEip = linear32(next);
  }
}

function faulted(cpu: CpuContext, raised: unknown): number {
  if (!(raised instanceof GuestFault)) throw raised;
  const { state } = cpu;
  state.setU32(L.FAULT_VECTOR, raised.vector);
  state.setU32(L.FAULT_ERROR, raised.errorCode ?? 0);
  state.setU32(L.FAULT_HAS_ERROR, raised.errorCode === undefined ? 0 : 1);
  return EXIT_FAULT_HERE;
}
