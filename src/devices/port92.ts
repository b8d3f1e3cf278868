/** System control port A (92h): the fast A20 gate and the fast reset [82371SB, "Port 92 Register"]. */
import type { BusRegistrar, Device, Width } from './device.ts';

const PORT_SYSTEM_CONTROL_A = 0x92;
const FAST_INIT = 0x01, FAST_A20 = 0x02;

export interface Port92Options {
  /** The A20 gate opens or closes. The keyboard controller has one too; the board lets the last one that moved win. */
  readonly a20: (enabled: boolean) => void;
  /** The processor is reset. */
  readonly resetCpu: () => void;
}

export interface Port92State {
  readonly version: 1;
  readonly value: number;
}

export class Port92 implements Device<Port92State> {
  readonly id = 'port92';
  private readonly options: Port92Options;
  private value = FAST_A20;

  constructor(options: Port92Options) {
    this.options = options;
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: () => this.value,
      write: (_offset: number, _width: Width, value: number) => this.write(value),
    };
    bus.ports(this.id, 1, handler).mapAt(PORT_SYSTEM_CONTROL_A);
  }

  /** The A20 gate is open afterwards; the board opens it. */
  reset(): void {
    this.value = FAST_A20;
  }

  save(): Port92State {
    return { version: 1, value: this.value };
  }

  restore(state: Port92State): void {
    this.value = state.value;
  }

  private write(value: number): void {
    const rising = value & ~this.value;
    // The reset bit reads back as written, but only its rise pulses the line.
    this.options.a20((value & FAST_A20) !== 0);
    this.value = value;
    if ((rising & FAST_INIT) !== 0) this.options.resetCpu();
  }
}
