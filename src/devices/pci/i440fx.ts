/**
 * 82441FX (i440FX) host bridge: the PAM registers that shadow the firmware's area in RAM, and the SMRAM register.
 *
 * References: [82441FX] datasheet 290549, "Programmable Attribute Map", "System Management RAM Control".
 * Deviation: there is no system management mode; SMRAM is RAM while it is open, and never otherwise.
 */
import type { BusRegistrar, Device } from '../device.ts';
import { PciConfig, type PciConfigState } from './pci-config.ts';

const PAM0 = 0x59, PAM_COUNT = 7, SMRAM = 0x72;
const PAM_RE = 1, PAM_WE = 2;
const SMRAM_D_OPEN = 0x40, SMRAM_D_CLS = 0x20, SMRAM_D_LCK = 0x10, SMRAM_G_SMRAME = 0x08, SMRAM_C_BASE_SEG = 0x02;
const SMRAM_WRITABLE = SMRAM_D_OPEN | SMRAM_D_CLS | SMRAM_D_LCK | SMRAM_G_SMRAME;
const SMRAM_BASE = 0xa0000, SMRAM_SIZE = 0x20000;
const SYSTEM_BIOS_BASE = 0xf0000, SYSTEM_BIOS_SIZE = 0x10000;
const EXPANSION_BASE = 0xc0000, EXPANSION_SIZE = 0x4000;

/** What PAM steers; GuestMemory. */
export interface ShadowControl {
  setShadow(base: number, size: number, read: 'ram' | 'bus', write: 'ram' | 'bus' | 'none'): void;
}

export interface I440fxOptions {
  readonly memory: ShadowControl;
}

export interface I440fxState {
  readonly version: 1;
  readonly config: PciConfigState;
}

export class I440fx implements Device<I440fxState> {
  readonly id = 'i440fx';
  readonly config: PciConfig;
  private readonly memory: ShadowControl;

  constructor(options: I440fxOptions) {
    this.memory = options.memory;
    this.config = new PciConfig({
      vendorId: 0x8086,
      deviceId: 0x1237,
      revision: 2,
      classCode: 0x060000,
      command: 0x0006,
      commandWritable: 0x0100,
      status: 0x0280,
    });
    for (let i = 0; i < PAM_COUNT; i++) this.config.define(PAM0 + i, 1, 0, i === 0 ? 0x30 : 0x33);
    this.config.define(SMRAM, 1, SMRAM_C_BASE_SEG, SMRAM_WRITABLE);
    this.config.onWrite = (offset, width) => {
      if (offset < PAM0 + PAM_COUNT && offset + width > PAM0) this.applyPam();
      if (offset <= SMRAM && offset + width > SMRAM) this.writeSmram();
    };
  }

  attach(_bus: BusRegistrar): void {}

  reset(): void {
    this.config.reset();
    this.config.setWritable(SMRAM, SMRAM_WRITABLE);
    this.applyPam();
    this.applySmram();
  }

  /** What firmware does: C0000h to FFFFFh is RAM. For boards that start a guest without firmware. */
  configure(): void {
    for (let i = 0; i < PAM_COUNT; i++) this.config.write(PAM0 + i, 1, 0x33);
  }

  save(): I440fxState {
    return { version: 1, config: this.config.save() };
  }

  restore(state: I440fxState): void {
    this.config.restore(state.config);
    this.config.setWritable(SMRAM, (this.config.bytes[SMRAM] & SMRAM_D_LCK) === 0 ? SMRAM_WRITABLE : 0);
    this.applyPam();
    this.applySmram();
  }

  /** PAM0 steers F0000h to FFFFFh; each of the others two segments of 16 KiB from C0000h on. */
  private applyPam(): void {
    const { bytes } = this.config;
    this.shadow(SYSTEM_BIOS_BASE, SYSTEM_BIOS_SIZE, bytes[PAM0] >> 4);
    for (let i = 0; i < 12; i++) {
      const attributes = bytes[PAM0 + 1 + (i >> 1)] >> ((i & 1) * 4);
      this.shadow(EXPANSION_BASE + i * EXPANSION_SIZE, EXPANSION_SIZE, attributes);
    }
  }

  private shadow(base: number, size: number, attributes: number): void {
    this.memory.setShadow(base, size, attributes & PAM_RE ? 'ram' : 'bus', attributes & PAM_WE ? 'ram' : 'bus');
  }

  private writeSmram(): void {
    const { bytes } = this.config;
    if ((bytes[SMRAM] & SMRAM_D_LCK) !== 0) {
      // Locking closes it until the next reset.
      bytes[SMRAM] &= ~SMRAM_D_OPEN;
      this.config.setWritable(SMRAM, 0);
    }
    this.applySmram();
  }

  private applySmram(): void {
    const open = SMRAM_D_OPEN | SMRAM_G_SMRAME;
    const target = (this.config.bytes[SMRAM] & open) === open ? 'ram' : 'bus';
    this.memory.setShadow(SMRAM_BASE, SMRAM_SIZE, target, target);
  }
}
