/**
 * Power management function of the 82371AB (PIIX4): ACPI fixed hardware with the PM timer, the SMI command port, and a
 * general-purpose event block where QEMU's pc has it.
 *
 * References: [82371AB] datasheet 290562, "Power Management"; [ACPI 2.0] 4.7.3 (fixed hardware registers).
 * Deviations: no system management mode: the command port only switches between APM and ACPI, and the bit that tells
 * SeaBIOS that its SMM handler is installed is set from the start, as QEMU does without SMM. Sleep type 0 is S5 (power
 * off), the other types do nothing. No SMBus.
 */
import type { BusRegistrar, Clock, Device, IrqLine, Region, Timer, Width } from '../device.ts';
import { cyclesAt, timeOfCycle } from '../frequency.ts';
import { PciConfig, type PciConfigState } from './pci-config.ts';
import { PCI_INTERRUPT_LINE } from './registers.ts';

export const PM_TIMER_HZ = 3579545;
/** Where SeaBIOS puts the registers. */
export const PM_IO_BASE = 0x600;
/** What the ACPI tables tell the guest. */
export const PM1_EVT = 0x00, PM1_CNT = 0x04, PM_TMR = 0x08, SCI_IRQ = 9;
export const GPE0_BASE = 0xafe0, GPE0_SIZE = 4;
export const PORT_SMI_COMMAND = 0xb2, SMI_ACPI_ENABLE = 0xf1, SMI_ACPI_DISABLE = 0xf0;
/** SLP_TYP that turns the machine off. */
export const SLP_TYP_S5 = 0;

const PMBA = 0x40, DEVACTB = 0x58, PMREGMISC = 0x80, SMBBA = 0x90, SMBHSTCFG = 0xd2;
const PM_IO_SIZE = 0x40, PMBA_ADDRESS = 0xffc0, PMREGMISC_PMIOSE = 0x01;
const DEVACTB_APMC_EN = 0x02000000;

const TMR_STS = 0x0001, GBL_STS = 0x0020, PWRBTN_STS = 0x0100, RTC_STS = 0x0400;
/** Status bits that a write of one clears, and enable bits. */
const STS_CLEARABLE = 0x8d31, EN_WRITABLE = TMR_STS | GBL_STS | PWRBTN_STS | RTC_STS;
const CNT_SCI_EN = 0x0001, CNT_SLP_TYP = 0x1c00, CNT_SLP_TYP_SHIFT = 10, CNT_SLP_EN = 0x2000;
const CNT_WRITABLE = 0x1c07;
/** TMR_STS is set when bit 23 of the timer turns over. */
const TIMER_TOGGLE = 1 << 23, TIMER_MODULUS = 1 << 24;

export interface Piix4PmOptions {
  readonly clock: Clock;
  /** The system control interrupt, interrupt request 9. */
  readonly sci: IrqLine;
  /** The guest turns the machine off. */
  readonly powerOff: () => void;
}

export interface Piix4PmState {
  readonly version: 1;
  readonly config: PciConfigState;
  readonly status: number;
  readonly enable: number;
  readonly control: number;
  readonly gpe: readonly number[];
  readonly apm: readonly number[];
  readonly seenToggles: number;
}

export class Piix4Pm implements Device<Piix4PmState> {
  readonly id = 'piix4-pm';
  readonly config: PciConfig;
  private readonly clock: Clock;
  private readonly sci: IrqLine;
  private readonly powerOff: () => void;
  private readonly timer: Timer;
  private region: Region | undefined = undefined;
  private status = 0;
  private enable = 0;
  private control = 0;
  /** Status (two bytes, cleared by ones), then enable (two bytes). */
  private gpe = [0, 0, 0, 0];
  /** APM control and status. */
  private apm = [0, 0];
  private seenToggles = 0;

  constructor(options: Piix4PmOptions) {
    this.clock = options.clock;
    this.sci = options.sci;
    this.powerOff = options.powerOff;
    this.timer = options.clock.timer('piix4-pm', () => this.update());
    this.config = new PciConfig({
      vendorId: 0x8086,
      deviceId: 0x7113,
      revision: 3,
      classCode: 0x068000,
      interruptPin: 1,
      status: 0x0280,
    });
    this.config.define(PCI_INTERRUPT_LINE, 1, SCI_IRQ, 0xff);
    this.config.define(PMBA, 4, 1, PMBA_ADDRESS);
    this.config.define(DEVACTB, 4, DEVACTB_APMC_EN, 0xffffffff);
    this.config.define(PMREGMISC, 1, 0, 0x0f);
    this.config.define(SMBBA, 4, 1, 0xfff0);
    this.config.define(SMBHSTCFG, 1, 0, 0x0f);
    this.config.onWrite = () => this.mapPmIo();
  }

  attach(bus: BusRegistrar): void {
    const pmIo = {
      read: (offset: number, width: Width) => this.readPmIo(offset, width),
      write: (offset: number, width: Width, value: number) => this.writePmIo(offset, width, value),
    };
    this.region = bus.ports('acpi-pm', PM_IO_SIZE, pmIo, { widths: [1, 2, 4] });
    const gpe = {
      read: (offset: number) => this.gpe[offset],
      write: (offset: number, _width: Width, value: number) => this.writeGpe(offset, value),
    };
    bus.ports('acpi-gpe0', GPE0_SIZE, gpe).mapAt(GPE0_BASE);
    const apm = {
      read: (offset: number) => this.apm[offset],
      write: (offset: number, _width: Width, value: number) => this.writeApm(offset, value),
    };
    bus.ports('apm', 2, apm).mapAt(PORT_SMI_COMMAND);
  }

  reset(): void {
    this.config.reset();
    this.status = 0;
    this.enable = 0;
    this.control = 0;
    this.gpe = [0, 0, 0, 0];
    this.apm = [0, 0];
    this.seenToggles = this.toggles;
    this.timer.cancel();
    this.mapPmIo();
  }

  /** Where firmware has put the registers; undefined while it has not. */
  get ioBase(): number | undefined {
    return (this.config.get(PMBA, 4) & PMBA_ADDRESS) || undefined;
  }

  /** What firmware does: the registers at 600h, ACPI not yet enabled. For boards that start without firmware. */
  configure(): void {
    this.config.write(PMBA, 4, PM_IO_BASE | 1);
    this.config.write(PMREGMISC, 1, PMREGMISC_PMIOSE);
  }

  /** The power button is pressed; a guest with ACPI turns itself off in answer. */
  pressPowerButton(): void {
    this.status |= PWRBTN_STS;
    this.update();
  }

  save(): Piix4PmState {
    this.collect();
    const { status, enable, control, seenToggles } = this;
    return {
      version: 1, status, enable, control, seenToggles,
      config: this.config.save(),
      gpe: this.gpe.slice(),
      apm: this.apm.slice(),
    };
  }

  restore(state: Piix4PmState): void {
    this.config.restore(state.config);
    this.status = state.status;
    this.enable = state.enable;
    this.control = state.control;
    this.gpe = state.gpe.slice();
    this.apm = state.apm.slice();
    this.seenToggles = state.seenToggles;
    this.mapPmIo();
    this.update();
  }

  private mapPmIo(): void {
    const base = this.ioBase;
    const on = (this.config.bytes[PMREGMISC] & PMREGMISC_PMIOSE) !== 0;
    if (!on || base === undefined) this.region?.unmap();
    else if (this.region?.base !== base) this.region?.mapAt(base);
  }

  private readPmIo(offset: number, width: Width): number {
    this.collect();
    const count = cyclesAt(this.clock.now, PM_TIMER_HZ) % TIMER_MODULUS;
    const words = [this.status, this.enable, this.control, 0, count & 0xffff, count >>> 16];
    let value = 0;
    for (let i = width - 1; i >= 0; i--) {
      const at = offset + i;
      value = value * 256 + (((words[at >> 1] ?? 0) >> (8 * (at & 1))) & 0xff);
    }
    return value;
  }

  private writePmIo(offset: number, width: Width, value: number): void {
    this.collect();
    for (let i = 0; i < width; i++) this.writePmByte(offset + i, (value >>> (8 * i)) & 0xff);
    this.update();
  }

  private writePmByte(offset: number, byte: number): void {
    const shift = 8 * (offset & 1);
    const bits = byte << shift;
    const lane = 0xff << shift;
    switch (offset & ~1) {
      case PM1_EVT:
        this.status &= ~(bits & STS_CLEARABLE);
        break;
      case PM1_EVT + 2:
        this.enable = (this.enable & ~lane) | (bits & EN_WRITABLE);
        break;
      case PM1_CNT:
        this.control = (this.control & ~lane) | (bits & CNT_WRITABLE);
        // SLP_EN is the trigger and reads as zero.
        if ((bits & CNT_SLP_EN) !== 0 && (this.control & CNT_SLP_TYP) >> CNT_SLP_TYP_SHIFT === SLP_TYP_S5) this.powerOff();
        break;
      default:
        // The timer is read-only; the rest of the block is not there.
        break;
    }
  }

  private writeGpe(offset: number, value: number): void {
    if (offset < 2) this.gpe[offset] &= ~value;
    else this.gpe[offset] = value;
    this.update();
  }

  private writeApm(offset: number, value: number): void {
    this.apm[offset] = value;
    if (offset !== 0) return;
    if (value === SMI_ACPI_ENABLE) this.control |= CNT_SCI_EN;
    else if (value === SMI_ACPI_DISABLE) this.control &= ~CNT_SCI_EN;
    this.update();
  }

  private get toggles(): number {
    return Math.floor(cyclesAt(this.clock.now, PM_TIMER_HZ) / TIMER_TOGGLE);
  }

  /** Notices that the timer's top bit has turned over. */
  private collect(): void {
    const { toggles } = this;
    if (toggles > this.seenToggles) this.status |= TMR_STS;
    this.seenToggles = toggles;
  }

  private update(): void {
    this.collect();
    const event = (this.status & this.enable) !== 0;
    const general = (this.gpe[0] & this.gpe[2]) !== 0 || (this.gpe[1] & this.gpe[3]) !== 0;
    this.sci.set((this.control & CNT_SCI_EN) !== 0 && (event || general));
    if ((this.enable & TMR_STS) !== 0 && (this.status & TMR_STS) === 0) {
      this.timer.armAt(timeOfCycle((this.toggles + 1) * TIMER_TOGGLE, PM_TIMER_HZ));
    } else {
      this.timer.cancel();
    }
  }
}
