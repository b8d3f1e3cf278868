/**
 * What hardware-reduced ACPI needs of a machine: sleep control and reset registers [ACPI 6.0, 4.8.3.7, 4.8.3.6], and a
 * register of events for the generic event device [ACPI 6.0, 5.6.9], at QEMU's microvm's addresses.
 */
import type { BusRegistrar, Device, IrqLine } from '../device.ts';

export const EVENT_BASE = 0xfea00000, EVENT_SIZE = 4, EVENT_POWER_BUTTON = 2;
export const SLEEP_CONTROL = EVENT_BASE + 0x200, SLEEP_STATUS = EVENT_BASE + 0x201, RESET_REGISTER = EVENT_BASE + 0x202;
export const RESET_VALUE = 0x42;
/** SLP_TYP of S5. */
export const SLEEP_S5 = 5;

const REGISTERS_SIZE = 3;
const SLP_TYP_SHIFT = 2, SLP_TYP_FIELD = 7, SLP_EN = 0x20;

export interface EventDeviceOptions {
  readonly irq: IrqLine;
  readonly powerOff: () => void;
  readonly resetMachine: () => void;
}

export interface EventDeviceState {
  readonly version: 1;
  readonly events: number;
}

export class EventDevice implements Device<EventDeviceState> {
  readonly id = 'acpi-events';
  private readonly options: EventDeviceOptions;
  private events = 0;

  constructor(options: EventDeviceOptions) {
    this.options = options;
  }

  attach(bus: BusRegistrar): void {
    bus.memory('acpi-events', EVENT_SIZE, { read: () => this.takeEvents(), write: () => {} }, { widths: [4] }).mapAt(EVENT_BASE);
    const registers = {
      read: () => 0,
      write: (offset: number, _width: number, value: number) => this.writeRegister(offset, value),
    };
    bus.memory('acpi-sleep', REGISTERS_SIZE, registers).mapAt(SLEEP_CONTROL);
  }

  reset(): void {
    this.events = 0;
  }

  /** A guest turns itself off in answer. */
  pressPowerButton(): void {
    this.events |= EVENT_POWER_BUTTON;
    this.options.irq.set(true);
  }

  save(): EventDeviceState {
    return { version: 1, events: this.events };
  }

  restore(state: EventDeviceState): void {
    this.events = state.events;
    this.options.irq.set(this.events !== 0);
  }

  /** Reading tells what happened, once. */
  private takeEvents(): number {
    const { events } = this;
    this.events = 0;
    this.options.irq.set(false);
    return events;
  }

  private writeRegister(offset: number, value: number): void {
    const type = (value >> SLP_TYP_SHIFT) & SLP_TYP_FIELD;
    if (offset === 0 && (value & SLP_EN) !== 0 && type === SLEEP_S5) this.options.powerOff();
    else if (offset === RESET_REGISTER - SLEEP_CONTROL && value === RESET_VALUE) this.options.resetMachine();
  }
}
