/**
 * PCI bus 0 with configuration mechanism #1, and the wires from interrupt pins to the router's four inputs.
 *
 * The address register answers only to doublewords; the byte at CF9h inside it is the chipset's reset control register.
 * References: [PCI 2.1] 3.2.2.3.2 (mechanism #1); [82371SB] "Reset Control Register".
 * Deviation: no PCI-to-PCI bridges; every other bus number reads as all ones.
 */
import type { BusRegistrar, Device, IrqLine, Width } from '../device.ts';
import type { PciConfig } from './pci-config.ts';

const PORT_CONFIG_ADDRESS = 0xcf8;
const CONFIG_ADDRESS_ENABLE = 0x80000000;
/** Offsets from CF8h. */
const RESET_CONTROL = 1;
const CONFIG_DATA = 4;

/** Where PIRQA# to PIRQD# end: the PIIX3 routes them to interrupt requests. */
export interface PciInterruptRouter {
  /** A new contributor to one of the four wires (0 is PIRQA#); they are ORed. */
  pirq(index: number): IrqLine;
}

export interface ResetControl {
  read(): number;
  write(value: number): void;
}

export interface PciBusOptions {
  readonly router: PciInterruptRouter;
  /** The register at CF9h. */
  readonly resetControl: ResetControl;
}

export interface PciBusState {
  readonly version: 1;
  readonly address: number;
}

export class PciBus implements Device<PciBusState> {
  readonly id = 'pci';
  private readonly router: PciInterruptRouter;
  private readonly resetControl: ResetControl;
  private readonly functions = new Map<number, PciConfig>();
  private address = 0;

  constructor(options: PciBusOptions) {
    this.router = options.router;
    this.resetControl = options.resetControl;
  }

  /** Puts a function into slot `device` (0 to 31) and wires its interrupt pin, swizzled as on QEMU's pc. */
  add(device: number, fn: number, config: PciConfig): void {
    const key = (device << 3) | fn;
    if (this.functions.has(key)) throw new Error(`PCI slot ${device}.${fn} is taken`);
    this.functions.set(key, config);
    const pin = config.interruptPin;
    if (pin !== 0) config.connect(this.router.pirq((pin - 1 + device - 1) & 3));
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number, width: Width) => this.readPort(offset, width),
      write: (offset: number, width: Width, value: number) => this.writePort(offset, width, value),
    };
    bus.ports('pci-config', 8, handler, { widths: [1, 2, 4] }).mapAt(PORT_CONFIG_ADDRESS);
  }

  reset(): void {
    this.address = 0;
  }

  /** Configuration access from the host's side, for boards that start a guest without firmware. */
  config(device: number, fn: number): PciConfig | undefined {
    return this.functions.get((device << 3) | fn);
  }

  save(): PciBusState {
    return { version: 1, address: this.address };
  }

  restore(state: PciBusState): void {
    this.address = state.address;
  }

  private readPort(offset: number, width: Width): number {
    if (offset >= CONFIG_DATA) return this.readData(offset - CONFIG_DATA, width);
    if (offset === 0 && width === 4) return this.address;
    if (offset === RESET_CONTROL && width === 1) return this.resetControl.read();
    return ones(width);
  }

  private writePort(offset: number, width: Width, value: number): void {
    if (offset >= CONFIG_DATA) this.writeData(offset - CONFIG_DATA, width, value);
    else if (offset === 0 && width === 4) this.address = (value & 0x80fffffc) >>> 0;
    else if (offset === RESET_CONTROL && width === 1) this.resetControl.write(value);
  }

  private selected(): PciConfig | undefined {
    if (this.address < CONFIG_ADDRESS_ENABLE || (this.address & 0xff0000) !== 0) return undefined;
    return this.functions.get((this.address >>> 8) & 0xff);
  }

  private readData(offset: number, width: Width): number {
    const config = this.selected();
    if (config === undefined || offset + width > 4) return ones(width);
    return config.read((this.address & 0xfc) + offset, width);
  }

  private writeData(offset: number, width: Width, value: number): void {
    if (offset + width > 4) return;
    this.selected()?.write((this.address & 0xfc) + offset, width, value);
  }
}

function ones(width: Width): number {
  return width === 4 ? 0xffffffff : (1 << (8 * width)) - 1;
}
