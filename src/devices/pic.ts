/**
 * The two cascaded 8259A interrupt controllers of the PIIX3, with the edge/level control registers.
 *
 * Every input is a wired OR of the sources that asked for it. A request in edge mode lasts while its input stays high:
 * an input that falls before the acknowledge cycle leaves a spurious interrupt 7, as on the chip. Both pulses of the cycle
 * come at once here, so that no slave's request can fall between them, which would leave a spurious interrupt 15.
 * References: [8259A] datasheet 231468-003; [82371SB] "Interrupt Controller Registers".
 * Deviations: the 8080 mode of ICW4 and the buffered mode are stored but mean nothing on this board; LTIM of ICW1 is
 * ignored, because the ELCR replaces it in the PIIX3.
 */
import type { BusRegistrar, Device, IrqLine, Width } from './device.ts';
import { WiredOr } from './wired-or.ts';

const PORT_MASTER = 0x20, PORT_SLAVE = 0xa0, PORT_ELCR = 0x4d0;
const CASCADE = 2;
const LOWEST_DEFAULT = 7;
const SPURIOUS = 7;

const ICW1 = 0x10, ICW1_IC4 = 0x01, ICW1_SNGL = 0x02;
const ICW4_AEOI = 0x02, ICW4_SFNM = 0x10;
/** OCW2: rotate, specific, end of interrupt. */
const OCW2_R = 0x80, OCW2_SL = 0x40, OCW2_EOI = 0x20, OCW2_LEVEL = 0x07;
const OCW3 = 0x08, OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_P = 0x04, OCW3_SMM = 0x20, OCW3_ESMM = 0x40;
const POLL_INTERRUPT = 0x80;
/** Inputs whose trigger mode the ELCR lets one change: not the timer, keyboard, cascade, RTC and coprocessor. */
const ELCR_MASTER_WRITABLE = 0xf8, ELCR_SLAVE_WRITABLE = 0xde;

export interface I8259State {
  readonly inputs: number;
  readonly edges: number;
  readonly elcr: number;
  readonly isr: number;
  readonly imr: number;
  readonly vectorBase: number;
  readonly lowest: number;
  readonly expect: number;
  readonly needsIcw4: boolean;
  readonly single: boolean;
  readonly icw3: number;
  readonly icw4: number;
  readonly readIsr: boolean;
  readonly poll: boolean;
  readonly specialMask: boolean;
  readonly rotateOnAeoi: boolean;
}

export interface PicState {
  readonly version: 1;
  readonly master: I8259State;
  readonly slave: I8259State;
}

/** One 8259A. `int` is its INT output. */
class I8259 {
  private readonly int: IrqLine;
  private readonly master: boolean;
  private inputs = 0;
  /** Edge sense latches: set by a rising edge, cleared by the acknowledge cycle. */
  private edges = 0;
  private elcr = 0;
  private isr = 0;
  private imr = 0;
  private vectorBase = 0;
  /** The level that has the lowest priority; rotation moves it. */
  private lowest = LOWEST_DEFAULT;
  /** The ICW that the next write to A0=1 is; 0 outside an initialisation: it is OCW1. */
  private expect = 0;
  private needsIcw4 = false;
  private single = false;
  private icw3 = 0;
  private icw4 = 0;
  private readIsr = false;
  private poll = false;
  private specialMask = false;
  private rotateOnAeoi = false;

  constructor(master: boolean, int: IrqLine) {
    this.master = master;
    this.int = int;
  }

  reset(): void {
    this.inputs = 0;
    this.elcr = 0;
    this.vectorBase = 0;
    this.icw3 = 0;
    this.initialise(0);
    this.expect = 0;
    // Until it is programmed, nothing gets through.
    this.imr = 0xff;
    this.update();
  }

  input(level: number, high: boolean): void {
    const bit = 1 << level;
    if (high) this.edges |= bit & ~this.inputs;
    this.inputs = high ? this.inputs | bit : this.inputs & ~bit;
    this.edges &= this.inputs | ~bit;
    this.update();
  }

  get irr(): number {
    return this.inputs & (this.edges | this.elcr);
  }

  /** The level that INT stands for, or -1. */
  request(): number {
    const requesting = this.priority(this.irr & ~this.imr);
    if (requesting < 0) return -1;
    let serving = this.isr;
    if (this.specialMask) serving &= ~this.imr;
    if (this.master && (this.icw4 & ICW4_SFNM) !== 0) serving &= ~(1 << CASCADE);
    const blocking = this.priority(serving);
    return blocking >= 0 && this.rank(blocking) <= this.rank(requesting) ? -1 : requesting;
  }

  /** The acknowledge cycle: takes the request and gives its level; `SPURIOUS` when it has gone. */
  acknowledge(): number {
    const level = this.request();
    if (level < 0) return SPURIOUS;
    const bit = 1 << level;
    this.edges &= ~bit;
    if ((this.icw4 & ICW4_AEOI) === 0) this.isr |= bit;
    else if (this.rotateOnAeoi) this.lowest = level;
    // INT falls during the cycle; what still waits makes a new edge for the master.
    this.int.set(false);
    this.update();
    return level;
  }

  vector(level: number): number {
    return this.vectorBase | level;
  }

  readPort(a0: number): number {
    if (this.poll) {
      this.poll = false;
      return this.request() < 0 ? 0 : POLL_INTERRUPT | this.acknowledge();
    }
    if (a0 === 1) return this.imr;
    return this.readIsr ? this.isr : this.irr;
  }

  writePort(a0: number, value: number): void {
    if (a0 === 1) this.writeData(value);
    else if ((value & ICW1) !== 0) this.initialise(value);
    else if ((value & OCW3) !== 0) this.writeOcw3(value);
    else this.writeOcw2(value);
    this.update();
  }

  readElcr(): number {
    return this.elcr;
  }

  writeElcr(value: number): void {
    this.elcr = value & (this.master ? ELCR_MASTER_WRITABLE : ELCR_SLAVE_WRITABLE);
    this.update();
  }

  save(): I8259State {
    const { inputs, edges, elcr, isr, imr, vectorBase, lowest, expect, needsIcw4, single, icw3, icw4 } = this;
    const { readIsr, poll, specialMask, rotateOnAeoi } = this;
    return {
      inputs, edges, elcr, isr, imr, vectorBase, lowest, expect, needsIcw4, single, icw3, icw4,
      readIsr, poll, specialMask, rotateOnAeoi,
    };
  }

  restore(state: I8259State): void {
    this.inputs = state.inputs;
    this.edges = state.edges;
    this.elcr = state.elcr;
    this.isr = state.isr;
    this.imr = state.imr;
    this.vectorBase = state.vectorBase;
    this.lowest = state.lowest;
    this.expect = state.expect;
    this.needsIcw4 = state.needsIcw4;
    this.single = state.single;
    this.icw3 = state.icw3;
    this.icw4 = state.icw4;
    this.readIsr = state.readIsr;
    this.poll = state.poll;
    this.specialMask = state.specialMask;
    this.rotateOnAeoi = state.rotateOnAeoi;
  }

  update(): void {
    this.int.set(this.request() >= 0);
  }

  /** 0 is the highest priority. */
  private rank(level: number): number {
    return (level - this.lowest - 1) & 7;
  }

  private priority(mask: number): number {
    if (mask === 0) return -1;
    let level = (this.lowest + 1) & 7;
    while ((mask & (1 << level)) === 0) level = (level + 1) & 7;
    return level;
  }

  /** ICW1 [8259A, "Initialization Command Words"]: a) to f) of its list of effects. */
  private initialise(icw1: number): void {
    this.edges = 0;
    this.isr = 0;
    this.imr = 0;
    this.lowest = LOWEST_DEFAULT;
    this.specialMask = false;
    this.readIsr = false;
    this.poll = false;
    this.rotateOnAeoi = false;
    this.icw4 = 0;
    this.needsIcw4 = (icw1 & ICW1_IC4) !== 0;
    this.single = (icw1 & ICW1_SNGL) !== 0;
    this.expect = 2;
  }

  private writeData(value: number): void {
    switch (this.expect) {
      case 2:
        this.vectorBase = value & 0xf8;
        this.expect = this.single ? (this.needsIcw4 ? 4 : 0) : 3;
        break;
      case 3:
        this.icw3 = value;
        this.expect = this.needsIcw4 ? 4 : 0;
        break;
      case 4:
        this.icw4 = value;
        this.expect = 0;
        break;
      default:
        this.imr = value;
    }
  }

  private writeOcw2(value: number): void {
    const rotate = (value & OCW2_R) !== 0;
    const specific = (value & OCW2_SL) !== 0;
    if ((value & OCW2_EOI) === 0) {
      if (specific) {
        if (rotate) this.lowest = value & OCW2_LEVEL;
      } else {
        this.rotateOnAeoi = rotate;
      }
      return;
    }
    // A non-specific EOI in special mask mode does not see levels that are masked.
    const level = specific ? value & OCW2_LEVEL : this.priority(this.specialMask ? this.isr & ~this.imr : this.isr);
    if (level < 0) return;
    this.isr &= ~(1 << level);
    if (rotate) this.lowest = level;
  }

  private writeOcw3(value: number): void {
    if ((value & OCW3_ESMM) !== 0) this.specialMask = (value & OCW3_SMM) !== 0;
    if ((value & OCW3_P) !== 0) this.poll = true;
    else if ((value & OCW3_RR) !== 0) this.readIsr = (value & OCW3_RIS) !== 0;
  }
}

export interface PicOptions {
  /** The processor's INTR pin. */
  readonly intr: IrqLine;
}

/** The pair; also the processor's interrupt source (`pending`, `acknowledge`). */
export class Pic implements Device<PicState> {
  readonly id = 'pic';
  private intrHigh = false;
  private readonly master: I8259;
  private readonly slave: I8259;
  private readonly wires = Array.from({ length: 16 }, (_, irq) => new WiredOr((level) => this.drive(irq, level)));

  constructor(options: PicOptions) {
    this.master = new I8259(true, {
      set: (level) => {
        this.intrHigh = level;
        options.intr.set(level);
      },
    });
    this.slave = new I8259(false, { set: (level) => this.master.input(CASCADE, level) });
  }

  /** A new source for interrupt request 0 to 15 (2, the cascade, is not wired outside): sources of one input are ORed. */
  line(irq: number): IrqLine {
    return this.wires[irq].source();
  }

  attach(bus: BusRegistrar): void {
    const chip = (i8259: I8259) => ({
      read: (offset: number) => i8259.readPort(offset),
      write: (offset: number, _width: Width, value: number) => i8259.writePort(offset, value),
    });
    bus.ports('pic-master', 2, chip(this.master)).mapAt(PORT_MASTER);
    bus.ports('pic-slave', 2, chip(this.slave)).mapAt(PORT_SLAVE);
    const elcr = {
      read: (offset: number) => (offset === 0 ? this.master : this.slave).readElcr(),
      write: (offset: number, _width: Width, value: number) => (offset === 0 ? this.master : this.slave).writeElcr(value),
    };
    bus.ports('elcr', 2, elcr).mapAt(PORT_ELCR);
  }

  /** INTR is asserted. */
  get pending(): boolean {
    return this.intrHigh;
  }

  /** The processor's INTA cycles: gives the vector. */
  acknowledge(): number {
    const level = this.master.acknowledge();
    return level === CASCADE ? this.slave.vector(this.slave.acknowledge()) : this.master.vector(level);
  }

  /** All inputs fall; sources that still mean it drive them again. */
  reset(): void {
    for (const wire of this.wires) wire.release();
    this.slave.reset();
    this.master.reset();
  }

  save(): PicState {
    return { version: 1, master: this.master.save(), slave: this.slave.save() };
  }

  restore(state: PicState): void {
    this.slave.restore(state.slave);
    this.master.restore(state.master);
    this.master.update();
  }

  private drive(irq: number, high: boolean): void {
    if (irq < 8) this.master.input(irq, high);
    else this.slave.input(irq - 8, high);
  }
}
