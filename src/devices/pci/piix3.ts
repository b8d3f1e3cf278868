/**
 * 82371SB (PIIX3) PCI-to-ISA bridge: routes the four PCI interrupt wires to interrupt requests, and resets the machine
 * by its reset control register at CF9h (which the PCI bus decodes, for it lies inside CF8h).
 *
 * References: [82371SB] datasheet 290550, "PIRQx Route Control Registers", "Reset Control Register".
 * Deviation: the registers for ISA timing, chip selects and motherboard devices are stored and mean nothing.
 */
import type { BusRegistrar, Device, IrqLine } from '../device.ts';
import { WiredOr } from '../wired-or.ts';
import type { PciInterruptRouter, ResetControl } from './pci-bus.ts';
import { PciConfig, type PciConfigState } from './pci-config.ts';

const PIRQRC = 0x60, PIRQ_COUNT = 4;
const PIRQRC_DISABLED = 0x80, PIRQRC_IRQ = 0x0f;
/** 0, 1, 2, 8 and 13 are reserved. */
const ROUTABLE = 0xdef8;
const RCR_RCPU = 0x04, RCR_SRST = 0x02;
/** Default and writable bits of registers that firmware programs without effect here. */
const STORED: readonly (readonly [offset: number, value: number, writable: number])[] = [
  [0x4c, 0x4d, 0x7f], [0x4e, 0x03, 0xff], [0x4f, 0x00, 0x01], [0x69, 0x02, 0xfe], [0x6a, 0x00, 0xff], [0x70, 0x80, 0xcf],
  [0x76, 0x0c, 0x8f], [0x77, 0x0c, 0x8f], [0x78, 0x02, 0xff], [0x79, 0x00, 0xff], [0x80, 0x00, 0xff], [0xa0, 0x08, 0x1f],
];

export interface Piix3Options {
  /** A new source for an input of the interrupt controllers: `(irq) => pic.line(irq)`. */
  readonly irqLine: (irq: number) => IrqLine;
  /** The guest resets the machine. */
  readonly resetMachine: () => void;
}

export interface Piix3State {
  readonly version: 1;
  readonly config: PciConfigState;
  readonly resetControl: number;
}

export class Piix3 implements Device<Piix3State>, PciInterruptRouter {
  readonly id = 'piix3';
  readonly config: PciConfig;
  readonly resetControl: ResetControl;
  private readonly irqs: readonly IrqLine[];
  /** PIRQA# to PIRQD#; high is asserted. */
  private readonly pirqs = Array.from({ length: PIRQ_COUNT }, () => new WiredOr(() => this.route()));
  private rcr = 0;

  constructor(options: Piix3Options) {
    this.irqs = Array.from({ length: 16 }, (_, irq) => options.irqLine(irq));
    this.config = new PciConfig({
      vendorId: 0x8086,
      deviceId: 0x7000,
      classCode: 0x060100,
      multifunction: true,
      command: 0x0007,
      commandWritable: 0x0108,
      status: 0x0200,
    });
    for (let i = 0; i < PIRQ_COUNT; i++) this.config.define(PIRQRC + i, 1, PIRQRC_DISABLED, PIRQRC_DISABLED | PIRQRC_IRQ);
    for (const [offset, value, writable] of STORED) this.config.define(offset, 1, value, writable);
    this.config.onWrite = (offset, width) => {
      if (offset < PIRQRC + PIRQ_COUNT && offset + width > PIRQRC) this.route();
    };
    this.resetControl = {
      read: () => this.rcr,
      write: (value) => {
        this.rcr = value & RCR_SRST;
        if ((value & RCR_RCPU) !== 0) options.resetMachine();
      },
    };
  }

  pirq(index: number): IrqLine {
    return this.pirqs[index].source();
  }

  attach(_bus: BusRegistrar): void {}

  /** All wires fall; sources that still mean it drive them again. */
  reset(): void {
    this.config.reset();
    this.rcr = 0;
    for (const wire of this.pirqs) wire.release();
  }

  save(): Piix3State {
    return { version: 1, config: this.config.save(), resetControl: this.rcr };
  }

  /** The wires follow as the functions on the bus drive them again. */
  restore(state: Piix3State): void {
    this.config.restore(state.config);
    this.rcr = state.resetControl;
  }

  private route(): void {
    let high = 0;
    this.pirqs.forEach((wire, i) => {
      const control = this.config.bytes[PIRQRC + i];
      if (wire.level && (control & PIRQRC_DISABLED) === 0) high |= 1 << (control & PIRQRC_IRQ);
    });
    for (let irq = 0; irq < 16; irq++) {
      if ((ROUTABLE & (1 << irq)) !== 0) this.irqs[irq].set((high & (1 << irq)) !== 0);
    }
  }
}
