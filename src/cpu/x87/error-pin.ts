/**
 * x87 exceptions as waiting instructions meet them: #MF, or with CR0.NE clear the FERR# and IGNNE# pins, by which the
 * board makes IRQ 13 of them. [SDM1 8.7, D.2.1]
 */
import { EXIT_STOP } from '../../interp/record.ts';
import { type CpuContext, HELPER_NEXT } from '../context.ts';
import { fault } from '../fault.ts';
import * as L from '../layout.ts';
import { CR0_NE, VECTOR_MF } from '../registers.ts';

const FSW_ES = 0x80;

export class ErrorPin {
  /** FERR# is active: instructions run one by one, each followed by `watch`. */
  active = false;
  private readonly cpu: CpuContext;

  constructor(cpu: CpuContext) {
    this.cpu = cpu;
  }

  /** Helper, before an instruction that waits, while an exception is pending. Without IGNNE# it waits for an interrupt. */
  readonly report = (): number => {
    const { cpu } = this;
    if (cpu.state.cr(0) & CR0_NE) fault(VECTOR_MF);
    this.active = true;
    if (cpu.host.ferr?.(true) ?? true) return HELPER_NEXT;
    cpu.halt();
    return EXIT_STOP;
  };

  /** FERR# goes away when no exception is pending any more. */
  watch(): void {
    if (this.pending) return;
    this.active = false;
    this.cpu.host.ferr?.(false);
  }

  /** After a snapshot; at worst instructions are watched that need not be. */
  restore(): void {
    this.active = this.pending;
  }

  private get pending(): boolean {
    return (this.cpu.state.getU16(L.FSW) & FSW_ES) !== 0;
  }
}
