/**
 * The AT's wire for x87 exceptions while CR0.NE is clear: FERR# raises interrupt request 13, a write to port F0h clears it
 * [82371SB, "Coprocessor Error Register"].
 *
 * Deviation: IGNNE# is not driven, since the processor here looks at the exception flags itself.
 */
import type { BusRegistrar, Device, IrqLine } from '../../devices/device.ts';

const PORT_COPROCESSOR_ERROR = 0xf0;

export interface CoprocessorErrorState {
  readonly version: 1;
  readonly asserted: boolean;
}

export class CoprocessorError implements Device<CoprocessorErrorState> {
  readonly id = 'coprocessor-error';
  private readonly irq: IrqLine;
  private asserted = false;

  /** @param irq interrupt request 13 */
  constructor(irq: IrqLine) {
    this.irq = irq;
  }

  attach(bus: BusRegistrar): void {
    const handler = { read: () => 0xff, write: () => this.drive(false) };
    bus.ports(this.id, 1, handler).mapAt(PORT_COPROCESSOR_ERROR);
  }

  /** FERR# went active. */
  signal(): void {
    this.drive(true);
  }

  reset(): void {
    this.asserted = false;
  }

  save(): CoprocessorErrorState {
    return { version: 1, asserted: this.asserted };
  }

  restore(state: CoprocessorErrorState): void {
    this.drive(state.asserted);
  }

  private drive(level: boolean): void {
    this.asserted = level;
    this.irq.set(level);
  }
}
