/** What waits to happen between instructions, and what keeps it waiting: NMIs, debug traps, and the shadows of STI and MOV SS [SDM3 6.8]. */
import { ANY_NUMBER } from '../any-number.ts';
import * as L from './layout.ts';
import type { CpuState } from './state.ts';

export class PendingEvents {
  nmi = false;
  /** Interrupts are inhibited while fewer instructions than this have retired. */
  shadowUntil = ANY_NUMBER;
  /** Likewise for debug exceptions. */
  debugShadowUntil = ANY_NUMBER;
  private readonly state: CpuState;
  /** DR6 bits of a trap that follows the instruction, and those that waited before it. */
  private debug = 0;
  private debugBefore = 0;

  constructor(state: CpuState) {
    this.state = state;
    this.reset();
  }

  reset(): void {
    this.nmi = false;
    this.shadowUntil = this.debugShadowUntil = this.debug = this.debugBefore = 0;
  }

  /** A debug trap waits for the end of the instruction or of the shadow. */
  get hasDebugTrap(): boolean {
    return this.debug !== 0;
  }
  isDebugTrapDue(retired: number): boolean {
    return this.debug !== 0 && retired >= this.debugShadowUntil;
  }
  /** Adds bits of DR6 to those of the trap. */
  addDebugTrap(dr6: number): void {
    this.debug |= dr6;
  }
  /** Tells DR6: the debug exception comes. */
  takeDebugTrap(): void {
    const { state } = this;
    state.setDr(6, state.dr(6) | this.debug);
    this.debug = 0;
    state.setU32(L.TRAP_PENDING, 0);
  }

  /** An instruction begins. */
  begin(): void {
    this.debugBefore = this.debug;
  }
  /** It has faulted, and so has not been executed: breakpoints that its accesses met do not count. */
  faulted(): void {
    this.debug = this.debugBefore;
    this.state.setU32(L.TRAP_PENDING, this.debug === 0 ? 0 : 1);
  }
}
