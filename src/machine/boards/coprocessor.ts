/**
 * The AT's wires for x87 exceptions while CR0.NE is clear: FERR# raises interrupt request 13; a write to port F0h clears
 * it, and asserts IGNNE# until FERR# goes away [82371SB, "Coprocessor Error Register"], [SDM1 D.2.1].
 */
import type { BusRegistrar, Device, IrqLine } from '../../devices/device.ts';

const PORT_COPROCESSOR_ERROR = 0xf0;

export interface CoprocessorErrorState {
  readonly version: 1;
  readonly asserted: boolean;
  readonly ferr: boolean;
  readonly ignne: boolean;
}

export class CoprocessorError implements Device<CoprocessorErrorState> {
  readonly id = 'coprocessor-error';
  private readonly irq: IrqLine;
  private asserted = false;
  private ferr = false;
  private ignne = false;

  /** @param irq interrupt request 13 */
  constructor(irq: IrqLine) {
    this.irq = irq;
  }

  attach(bus: BusRegistrar): void {
    const handler = { read: () => 0xff, write: () => this.clear() };
    bus.ports(this.id, 1, handler).mapAt(PORT_COPROCESSOR_ERROR);
  }

  /** FERR# has this level. Returns whether IGNNE# is asserted: the processor then goes on in spite of the exception. */
  signal(ferr: boolean): boolean {
    this.ferr = ferr;
    if (!ferr) this.ignne = false;
    else if (!this.ignne) this.drive(true);
    return this.ignne;
  }

  reset(): void {
    this.asserted = this.ferr = this.ignne = false;
  }

  save(): CoprocessorErrorState {
    return { version: 1, asserted: this.asserted, ferr: this.ferr, ignne: this.ignne };
  }

  restore(state: CoprocessorErrorState): void {
    this.ferr = state.ferr;
    this.ignne = state.ignne;
    this.drive(state.asserted);
  }

  private clear(): void {
    this.ignne = this.ferr;
    this.drive(false);
  }

  private drive(level: boolean): void {
    this.asserted = level;
    this.irq.set(level);
  }
}
