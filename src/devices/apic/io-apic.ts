/**
 * The I/O APIC: 24 inputs, and for each an entry that says which interrupt it sends, and where to.
 *
 * References: [82093AA] datasheet 290566; [ICH9] 13.5.4 (the EOI register).
 * Deviations: all wires of the board arrive active high, so the polarity of an entry is stored and means nothing;
 * messages arrive at once, so delivery status is always idle.
 */
import type { BusRegistrar, Device, IrqLine, Width } from '../device.ts';
import { WiredOr } from '../wired-or.ts';
import { type ApicBus, deliveryOf, isLogical } from './apic-bus.ts';
import * as A from './registers.ts';

export interface IoApicOptions {
  readonly bus: ApicBus;
}

export interface IoApicState {
  readonly version: 1;
  readonly select: number;
  readonly apicId: number;
  readonly entries: readonly (readonly [low: number, high: number])[];
}

const SIZE = 0x1000;
const ID_WRITABLE = 0x0f000000;

class Pin {
  low = A.REDIRECTION_MASKED;
  high = 0;
  level = false;

  get isLevelTriggered(): boolean {
    return (this.low & A.TRIGGER_LEVEL) !== 0;
  }

  get isMasked(): boolean {
    return (this.low & A.REDIRECTION_MASKED) !== 0;
  }
}

export class IoApic implements Device<IoApicState> {
  readonly id = 'io-apic';
  private readonly bus: ApicBus;
  private readonly pins = Array.from({ length: A.IOAPIC_PINS }, () => new Pin());
  private readonly wires = this.pins.map((pin) => new WiredOr((level) => this.drive(pin, level)));
  private select = 0;
  private apicId = 0;

  constructor(options: IoApicOptions) {
    this.bus = options.bus;
    this.bus.onEoi((vector) => this.endOfInterrupt(vector));
  }

  /** A new source for an input, 0 to 23. */
  line(pin: number): IrqLine {
    return this.wires[pin].source();
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number) => this.readPage(offset),
      write: (offset: number, _width: Width, value: number) => this.writePage(offset, value),
    };
    bus.memory('io-apic', SIZE, handler, { widths: [4] }).mapAt(A.IO_APIC_BASE);
  }

  /** All inputs fall; sources that still mean it drive them again. */
  reset(): void {
    this.select = 0;
    this.apicId = 0;
    for (const wire of this.wires) wire.release();
    for (const pin of this.pins) {
      pin.low = A.REDIRECTION_MASKED;
      pin.high = 0;
      pin.level = false;
    }
  }

  save(): IoApicState {
    const { select, apicId } = this;
    return { version: 1, select, apicId, entries: this.pins.map(({ low, high }) => [low, high] as const) };
  }

  /** The inputs follow as their sources drive them again. */
  restore(state: IoApicState): void {
    this.select = state.select;
    this.apicId = state.apicId;
    for (const [i, pin] of this.pins.entries()) [pin.low, pin.high] = state.entries[i];
  }

  private readPage(offset: number): number {
    if (offset === A.IOREGSEL) return this.select;
    return offset === A.IOWIN ? this.readRegister(this.select) : 0;
  }

  private writePage(offset: number, value: number): void {
    if (offset === A.IOREGSEL) this.select = value & 0xff;
    else if (offset === A.IOWIN) this.writeRegister(this.select, value);
    else if (offset === A.IOEOI) this.endOfInterrupt(value & 0xff);
  }

  private readRegister(index: number): number {
    if (index === A.IOAPIC_ID || index === A.IOAPIC_ARB) return this.apicId;
    if (index === A.IOAPIC_VERSION) return A.IOAPIC_VERSION_VALUE;
    const pin = this.pins[(index - A.IOAPIC_REDIRECTION) >> 1];
    if (pin === undefined) return 0;
    return index & 1 ? pin.high : pin.low;
  }

  private writeRegister(index: number, value: number): void {
    if (index === A.IOAPIC_ID) this.apicId = value & ID_WRITABLE;
    const pin = this.pins[(index - A.IOAPIC_REDIRECTION) >> 1];
    if (pin === undefined) return;
    if (index & 1) {
      pin.high = value >>> 0;
      return;
    }
    pin.low = (pin.low & A.REDIRECTION_REMOTE_IRR) | (value & A.REDIRECTION_WRITABLE);
    // How an interrupt is ended on a controller without EOI register: by a detour over edge mode.
    if (!pin.isLevelTriggered) pin.low &= ~A.REDIRECTION_REMOTE_IRR;
    this.serveLevel(pin);
  }

  private drive(pin: Pin, level: boolean): void {
    const rises = level && !pin.level;
    pin.level = level;
    // An edge on a masked input is lost [82093AA 3.2.4].
    if (rises && !pin.isLevelTriggered && !pin.isMasked) this.send(pin);
    this.serveLevel(pin);
  }

  /** A high level sends one message, and the next one after the end of that interrupt. */
  private serveLevel(pin: Pin): void {
    if (!pin.level || !pin.isLevelTriggered || pin.isMasked || pin.low & A.REDIRECTION_REMOTE_IRR) return;
    pin.low |= A.REDIRECTION_REMOTE_IRR;
    this.send(pin);
  }

  private send(pin: Pin): void {
    this.bus.send({ destination: pin.high >>> 24, logical: isLogical(pin.low), ...deliveryOf(pin.low) });
  }

  private endOfInterrupt(vector: number): void {
    for (const pin of this.pins) {
      if ((pin.low & 0xff) !== vector || !pin.isLevelTriggered) continue;
      pin.low &= ~A.REDIRECTION_REMOTE_IRR;
      this.serveLevel(pin);
    }
  }
}
