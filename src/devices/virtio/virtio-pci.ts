/**
 * The PCI transport [VIRTIO 4.1]: a transitional function, as QEMU's. Modern drivers use the structures of BAR 4, which
 * vendor capabilities point to, legacy ones the ports of BAR 0; interrupts are MSI-X or the interrupt pin.
 */
import type { MessageTarget } from '../apic/apic-bus.ts';
import type { BusRegistrar, Device, Dma, ResetKind, Width } from '../device.ts';
import { Msix, type MsixState } from '../pci/msix.ts';
import { PciConfig, type PciConfigState } from '../pci/pci-config.ts';
import { readCommon, writeCommon } from './pci-common.ts';
import { readLegacy, writeLegacy } from './pci-legacy.ts';
import {
  CAP_COMMON, CAP_DEVICE, CAP_ISR, CAP_NOTIFY, CAP_PCI, COMMON_SIZE, LEGACY_STATUS, NO_VECTOR, STATUS_ACKNOWLEDGE, STATUS_DRIVER,
} from './registers.ts';
import { VirtioCore, type VirtioCoreState, type VirtioFunction } from './virtio-core.ts';

export interface VirtioPciOptions {
  readonly function: VirtioFunction;
  readonly memory: Dma;
  readonly messages: MessageTarget;
}

export interface VirtioPciState {
  readonly version: 1;
  readonly config: PciConfigState;
  readonly msix: MsixState;
  readonly core: VirtioCoreState;
}

const VENDOR_RED_HAT = 0x1af4;
/** Transitional device identifiers and classes by device type [VIRTIO 4.1.2.1]. */
const IDENTITIES: Readonly<Record<number, readonly [deviceId: number, classCode: number]>> = {
  1: [0x1000, 0x020000], 2: [0x1001, 0x010000], 3: [0x1003, 0x078000], 4: [0x1005, 0x00ff00], 9: [0x1009, 0x000200],
};
const BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4;
const LEGACY_SIZE = 128, MODERN_SIZE = 0x4000;
/** Places in BAR 4, a page each. */
const PLACE_COMMON = 0x0000, PLACE_ISR = 0x1000, PLACE_DEVICE = 0x2000, PLACE_NOTIFY = 0x3000, PLACE_SIZE = 0x1000;
const NOTIFY_MULTIPLIER = 4;
const CAP_VENDOR = 0x09, CAP_BASE_SIZE = 16;
/** Fields of a vendor capability: type, BAR, offset, length, then what the type adds. */
const CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_MORE = 16;

export class VirtioPci implements Device<VirtioPciState> {
  readonly id: string;
  readonly config: PciConfig;
  private readonly core: VirtioCore;
  private readonly msix: Msix;
  /** The capability that is a window into the BARs. */
  private readonly window: number;

  constructor(options: VirtioPciOptions) {
    const fn = options.function;
    this.id = fn.id;
    const [deviceId, classCode] = IDENTITIES[fn.deviceType];
    this.config = new PciConfig({
      vendorId: VENDOR_RED_HAT, deviceId, classCode, interruptPin: 1, subsystemVendorId: VENDOR_RED_HAT, subsystemId: fn.deviceType,
    });
    this.core = new VirtioCore({
      function: fn, memory: options.memory, interrupt: (vector) => this.interrupt(vector), isMaster: () => this.config.busMaster,
    });
    this.msix = new Msix(this.config, BAR_MSIX, fn.queueSizes.length + 1, options.messages);
    this.addStructure(CAP_COMMON, PLACE_COMMON, COMMON_SIZE);
    this.addStructure(CAP_ISR, PLACE_ISR, 1);
    this.addStructure(CAP_DEVICE, PLACE_DEVICE, PLACE_SIZE);
    this.addStructure(CAP_NOTIFY, PLACE_NOTIFY, PLACE_SIZE, NOTIFY_MULTIPLIER);
    this.window = this.addWindow();
  }

  attach(bus: BusRegistrar): void {
    const legacy = {
      read: (offset: number, width: Width) => readLegacy(this.core, offset, width, this.msix.enabled),
      write: (offset: number, _width: Width, value: number) => this.writeLegacy(offset, value),
    };
    const modern = {
      read: (offset: number, width: Width) => this.readModern(offset, width),
      write: (offset: number, width: Width, value: number) => this.writeModern(offset, width, value),
    };
    this.config.addIoBar(BAR_LEGACY, bus.ports(`${this.id}-legacy`, LEGACY_SIZE, legacy, { widths: [1, 2, 4] }));
    this.config.addMemoryBar(BAR_MSIX, this.msix.region(bus, `${this.id}-msix`));
    this.config.addMemoryBar(BAR_MODERN, bus.memory(`${this.id}-modern`, MODERN_SIZE, modern, { widths: [1, 2, 4] }));
    this.config.onWrite = (offset, width) => this.configWritten(offset, width);
    this.config.onRead = (offset, width) => this.configRead(offset, width);
  }

  reset(_kind: ResetKind): void {
    this.config.reset();
    this.msix.reset();
    this.core.reset();
  }

  save(): VirtioPciState {
    return { version: 1, config: this.config.save(), msix: this.msix.save(), core: this.core.save() };
  }

  restore(state: VirtioPciState): void {
    this.config.restore(state.config);
    this.msix.restore(state.msix);
    this.core.restore(state.core);
  }

  private addStructure(type: number, offset: number, length: number, more?: number): void {
    const at = this.config.addCapability(CAP_VENDOR, more === undefined ? CAP_BASE_SIZE : CAP_BASE_SIZE + 4);
    this.config.define(at + 2, 1, more === undefined ? CAP_BASE_SIZE : CAP_BASE_SIZE + 4);
    this.config.define(at + CAP_TYPE, 1, type);
    this.config.define(at + CAP_BAR, 1, BAR_MODERN);
    this.config.define(at + CAP_OFFSET, 4, offset);
    this.config.define(at + CAP_LENGTH, 4, length);
    if (more !== undefined) this.config.define(at + CAP_MORE, 4, more);
  }

  /** BAR, offset and length are the driver's; the data behind them is read and written through the last field. */
  private addWindow(): number {
    const at = this.config.addCapability(CAP_VENDOR, CAP_BASE_SIZE + 4);
    this.config.define(at + 2, 1, CAP_BASE_SIZE + 4);
    this.config.define(at + CAP_TYPE, 1, CAP_PCI);
    this.config.define(at + CAP_BAR, 1, 0, 0xff);
    this.config.define(at + CAP_OFFSET, 4, 0, 0xffffffff);
    this.config.define(at + CAP_LENGTH, 4, 0, 0xffffffff);
    this.config.define(at + CAP_MORE, 4, 0, 0xffffffff);
    return at;
  }

  private configWritten(offset: number, width: Width): void {
    this.msix.configWritten(offset, width);
    if (offset !== this.window + CAP_MORE) return;
    const access = this.windowAccess();
    if (access) this.writeModern(access.offset, access.width, this.config.get(offset, access.width));
  }

  private configRead(offset: number, _width: Width): void {
    if (offset !== this.window + CAP_MORE) return;
    const access = this.windowAccess();
    if (!access) return;
    const value = this.readModern(access.offset, access.width);
    for (let i = 0; i < access.width; i++) this.config.bytes[offset + i] = value >>> (8 * i);
  }

  /** What the window shows; undefined for what is no access to BAR 4. */
  private windowAccess(): { offset: number; width: Width } | undefined {
    const offset = this.config.get(this.window + CAP_OFFSET, 4), length = this.config.get(this.window + CAP_LENGTH, 4);
    if (this.config.bytes[this.window + CAP_BAR] !== BAR_MODERN || offset + length > MODERN_SIZE) return undefined;
    return length === 1 || length === 2 || length === 4 ? { offset, width: length } : undefined;
  }

  private writeLegacy(offset: number, value: number): void {
    // Drivers of old forget to, Linux's before 2.6.34 for instance; QEMU does it for them too.
    if (offset === LEGACY_STATUS && value === (STATUS_ACKNOWLEDGE | STATUS_DRIVER)) this.config.becomeMaster();
    writeLegacy(this.core, offset, value, this.msix.enabled);
  }

  private readModern(offset: number, width: Width): number {
    const inPlace = offset & (PLACE_SIZE - 1);
    switch (offset - inPlace) {
      case PLACE_COMMON: return readCommon(this.core, inPlace);
      case PLACE_ISR: return inPlace === 0 ? this.core.takeIsr() : 0;
      case PLACE_DEVICE: return this.core.readConfig(inPlace, width);
      default: return 0;
    }
  }

  private writeModern(offset: number, width: Width, value: number): void {
    const inPlace = offset & (PLACE_SIZE - 1);
    switch (offset - inPlace) {
      case PLACE_COMMON: writeCommon(this.core, inPlace, width, value); break;
      case PLACE_DEVICE: this.core.writeConfig(inPlace, value); break;
      case PLACE_NOTIFY: this.core.notify(Math.floor(inPlace / NOTIFY_MULTIPLIER)); break;
      default: break;
    }
  }

  private interrupt(vector: number): void {
    if (!this.msix.enabled) this.config.interrupt.set(this.core.isr !== 0);
    else if (vector !== NO_VECTOR) this.msix.send(vector);
  }
}
