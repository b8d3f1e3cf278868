/**
 * VGA with the Bochs VBE extension, as QEMU's stdvga: the blocks of the chip behind their ports, the window at A0000
 * and the video memory. The PCI face is vga-pci.ts, the picture is made by renderer/.
 *
 * References: IBM "VGA XGA Technical Reference" (May 1992), chapter 2; QEMU docs/specs/standard-vga.
 * Deviations: no vertical interrupt, no light pen, no monitor sensing beyond "a color monitor is there"; the subsystem
 * enable registers (3C3, 46E8) do nothing. Snapshots hold the registers; the video memory is frames of the machine's
 * page pool and goes with those.
 */
import type { BusRegistrar, Clock, Device, IoHandler, RamRegion, ResetKind, Width } from '../device.ts';
import { AttributeController, type AttributeControllerState } from './attribute-controller.ts';
import { beamStatus, Crtc, type Timing } from './crtc.ts';
import { Dac, type DacState } from './dac.ts';
import { Dispi, type DispiState } from './dispi.ts';
import { GraphicsController, type GraphicsControllerState } from './graphics-controller.ts';
import { MemoryWindow } from './memory-window.ts';
import type { RegisterFileState } from './register-file.ts';
import * as R from './registers.ts';
import { Sequencer } from './sequencer.ts';
import { VideoMemory } from './video-memory.ts';

export interface VgaOptions {
  readonly clock: Clock;
  /** A power of two, 256 KiB to 256 MiB. Default: 16 MiB. */
  readonly vramBytes?: number;
}

export interface VgaState {
  readonly version: 1;
  readonly sequencer: RegisterFileState;
  readonly crtc: RegisterFileState;
  readonly graphics: GraphicsControllerState;
  readonly attribute: AttributeControllerState;
  readonly dac: DacState;
  readonly dispi: DispiState;
  readonly misc: number;
  readonly feature: number;
}

/** Dot clocks by MISC_CLOCK: 25.175 and 28.322 MHz; the external ones are taken for the first. */
const DOT_NS: readonly number[] = [1000 / 25.175, 1000 / 28.322, 1000 / 25.175, 1000 / 25.175];
const VBE_FRAME_NS = 1e9 / 60;
/** Scan lines of vertical blanking in a VBE mode, retrace taking the first of them. */
const VBE_BLANK_LINES = 45,
  VBE_RETRACE_LINES = 6;

export class Vga implements Device<VgaState> {
  readonly id = 'vga';
  readonly sequencer = new Sequencer();
  readonly crtc = new Crtc();
  readonly graphics = new GraphicsController();
  readonly attribute = new AttributeController();
  readonly dac = new Dac();
  readonly dispi: Dispi;
  readonly vramBytes: number;
  /** The video memory, unmapped: the PCI face maps it as the linear frame buffer. Set by `attach`. */
  vram!: RamRegion;
  /** Counts the register changes that may show on the screen. */
  revision = 0;
  private readonly clock: Clock;
  private memory!: VideoMemory;
  private window!: MemoryWindow;
  private misc = 0;
  private feature = 0;
  private timingNow: Timing | undefined = undefined;

  constructor(options: VgaOptions) {
    this.clock = options.clock;
    this.vramBytes = options.vramBytes ?? 16 << 20;
    if (this.vramBytes < R.LEGACY_BYTES || (this.vramBytes & (this.vramBytes - 1)) !== 0) {
      throw new Error('video memory is a power of two of at least 256 KiB');
    }
    this.dispi = new Dispi(this.vramBytes);
  }

  attach(bus: BusRegistrar): void {
    this.vram = bus.ram('vga-vram', this.vramBytes);
    this.memory = new VideoMemory(this.vram);
    this.window = new MemoryWindow(this.sequencer, this.graphics, this.dispi, this.memory);
    bus.memory('vga-window', R.WINDOW_BYTES, this.window, { widths: [1, 2, 4] }).mapAt(R.WINDOW_BASE);
    const claim = (
      name: string,
      port: number,
      size: number,
      handler: IoHandler,
      widths: readonly Width[] = [1],
    ): void => bus.ports(name, size, handler, { widths }).mapAt(port);
    claim('vga', R.PORT_BASE, 16, this.portsAt(0));
    claim('vga-crtc-color', 0x3d4, 2, this.emulationPorts(R.PORT_CRTC_INDEX, true));
    claim('vga-status-color', 0x3da, 1, this.emulationPorts(R.PORT_INPUT_STATUS_1, true));
    claim('vga-crtc-mono', 0x3b4, 2, this.emulationPorts(R.PORT_CRTC_INDEX, false));
    claim('vga-status-mono', 0x3ba, 1, this.emulationPorts(R.PORT_INPUT_STATUS_1, false));
    const dispi: IoHandler = {
      read: (offset) => (offset === 0 ? this.dispi.index : this.dispi.read()),
      write: (offset, _width, value) =>
        offset === 0 ? this.selectDispi(value) : this.writeDispi(this.dispi.index, value),
    };
    claim('vga-dispi', R.DISPI_PORT, 4, dispi, [2]);
  }

  reset(_kind: ResetKind): void {
    for (const block of [this.sequencer, this.crtc, this.graphics, this.attribute, this.dac, this.dispi]) block.reset();
    this.misc = 0;
    this.feature = 0;
    this.registersChanged();
  }

  /** The virtual clock's nanoseconds, for what blinks. */
  get now(): number {
    return this.clock.now;
  }

  /** Timing of the mode that is on. */
  get timing(): Timing {
    this.timingNow ??= this.dispi.enabled ? this.vbeTiming() : this.legacyTiming();
    return this.timingNow;
  }

  /** @param offset from port 3C0; the color emulation's ports lie at 14h, 15h and 1Ah. */
  readPort(offset: number): number {
    switch (offset) {
      case R.PORT_ATC:
        return this.attribute.index;
      case R.PORT_ATC_READ:
        return this.attribute.readData();
      case R.PORT_INPUT_STATUS_0:
        return R.IS0_SWITCH_SENSE;
      case R.PORT_SEQ_INDEX:
        return this.sequencer.index;
      case R.PORT_SEQ_DATA:
        return this.sequencer.readData();
      case R.PORT_PEL_MASK:
        return this.dac.pelMask;
      case R.PORT_DAC_STATE:
        return this.dac.state;
      case R.PORT_DAC_WRITE_INDEX:
        return this.dac.index;
      case R.PORT_DAC_DATA:
        return this.dac.readData();
      case R.PORT_FEATURE_READ:
        return this.feature;
      case R.PORT_MISC_READ:
        return this.misc;
      case R.PORT_GC_INDEX:
        return this.graphics.index;
      case R.PORT_GC_DATA:
        return this.graphics.readData();
      case R.PORT_CRTC_INDEX:
        return this.crtc.index;
      case R.PORT_CRTC_DATA:
        return this.crtc.readData();
      case R.PORT_INPUT_STATUS_1:
        this.attribute.resetFlipFlop();
        return beamStatus(this.timing, this.clock.now);
      default:
        return 0;
    }
  }

  writePort(offset: number, value: number): void {
    switch (offset) {
      case R.PORT_ATC:
        this.changedIf(this.attribute.writeIndexOrData(value));
        break;
      case R.PORT_MISC_WRITE:
        this.misc = value;
        this.registersChanged();
        break;
      case R.PORT_SEQ_INDEX:
        this.sequencer.selectIndex(value);
        break;
      case R.PORT_SEQ_DATA:
        this.writePlaneControl(this.sequencer, value);
        break;
      case R.PORT_PEL_MASK:
        this.changedIf(this.dac.pelMask !== value);
        this.dac.pelMask = value;
        break;
      case R.PORT_DAC_READ_INDEX:
        this.dac.startRead(value);
        break;
      case R.PORT_DAC_WRITE_INDEX:
        this.dac.startWrite(value);
        break;
      case R.PORT_DAC_DATA:
        this.changedIf(this.dac.writeData(value));
        break;
      case R.PORT_GC_INDEX:
        this.graphics.selectIndex(value);
        break;
      case R.PORT_GC_DATA:
        this.writePlaneControl(this.graphics, value);
        break;
      case R.PORT_CRTC_INDEX:
        this.crtc.selectIndex(value);
        break;
      case R.PORT_CRTC_DATA:
        if (this.crtc.writeData(value)) this.displayChanged();
        break;
      case R.PORT_INPUT_STATUS_1:
        this.feature = value;
        break;
    }
  }

  selectDispi(index: number): void {
    this.dispi.index = index;
  }

  /** Writes a register of the Bochs extension, with all that a mode switch brings. */
  writeDispi(index: number, value: number): void {
    const switchedOn = this.dispi.write(value, index);
    this.dac.eightBit = this.dispi.eightBitDac;
    if (this.dispi.enabled) this.adaptToVbe();
    if (switchedOn && this.dispi.clearsMemory) {
      const { lineBytes, height, bpp } = this.dispi.geometry;
      this.memory.clear(lineBytes * height * (bpp === 4 ? 4 : 1));
    }
    this.registersChanged();
  }

  save(): VgaState {
    return {
      version: 1,
      sequencer: this.sequencer.saveFile(),
      crtc: this.crtc.saveFile(),
      graphics: this.graphics.save(),
      attribute: this.attribute.save(),
      dac: this.dac.save(),
      dispi: this.dispi.save(),
      misc: this.misc,
      feature: this.feature,
    };
  }

  restore(state: VgaState): void {
    this.sequencer.restoreFile(state.sequencer);
    this.crtc.restoreFile(state.crtc);
    this.graphics.restore(state.graphics);
    this.attribute.restore(state.attribute);
    this.dac.restore(state.dac);
    this.dispi.restore(state.dispi);
    this.misc = state.misc;
    this.feature = state.feature;
    this.dac.eightBit = this.dispi.eightBitDac;
    this.registersChanged();
  }

  private portsAt(first: number): IoHandler {
    return {
      read: (offset) => this.readPort(first + offset),
      write: (offset, _width, value) => this.writePort(first + offset, value),
    };
  }

  /** Ports that answer in one emulation only: 3Dx in color, 3Bx in monochrome. */
  private emulationPorts(first: number, color: boolean): IoHandler {
    const answers = (): boolean => ((this.misc & R.MISC_COLOR_EMULATION) !== 0) === color;
    return {
      read: (offset) => (answers() ? this.readPort(first + offset) : 0xff),
      write: (offset, _width, value) => {
        if (answers()) this.writePort(first + offset, value);
      },
    };
  }

  /** Map mask, bit mask and their like change with every few pixels: by themselves they change no picture. */
  private writePlaneControl(block: Sequencer | GraphicsController, value: number): void {
    if (!block.writeData(value)) return;
    this.window.configure();
    const shows =
      block === this.sequencer
        ? block.index !== R.SEQ_MAP_MASK
        : block.index === R.GC_GRAPHICS_MODE || block.index === R.GC_MISCELLANEOUS;
    if (shows) this.displayChanged();
  }

  private changedIf(changed: boolean): void {
    if (changed) this.revision++;
  }

  private displayChanged(): void {
    this.revision++;
    this.timingNow = undefined;
  }

  private registersChanged(): void {
    this.window.enabled = (this.misc & R.MISC_ENABLE_RAM) !== 0;
    this.window.configure();
    this.displayChanged();
  }

  /**
   * What the extension does to the VGA's own registers while a mode is on, so that the window at A0000 serves its banks
   * and a driver that knows no extension sees a plausible state.
   */
  private adaptToVbe(): void {
    const { width, height, bpp, lineBytes } = this.dispi.geometry;
    const { crtc, graphics, sequencer } = this;
    const gc = graphics.registers;
    graphics.set(R.GC_MISCELLANEOUS, R.GC_MI_GRAPHICS | (1 << R.GC_MI_MEMORY_MAP_SHIFT));
    crtc.set(R.CRTC_MODE_CONTROL, crtc.registers[R.CRTC_MODE_CONTROL] | R.CRTC_MC_CMS0 | R.CRTC_MC_CMS1);
    crtc.set(R.CRTC_OFFSET, lineBytes >> 3);
    crtc.set(R.CRTC_HORIZONTAL_DISPLAY_END, (width >> 3) - 1);
    crtc.set(R.CRTC_VERTICAL_DISPLAY_END, height - 1);
    const end = height - 1;
    const overflow = crtc.registers[R.CRTC_OVERFLOW] & ~0x42;
    crtc.set(R.CRTC_OVERFLOW, overflow | R.CRTC_OV_LINE_COMPARE_8 | ((end >> 7) & 0x02) | ((end >> 3) & 0x40));
    crtc.set(R.CRTC_LINE_COMPARE, 0xff);
    crtc.set(R.CRTC_MAXIMUM_SCAN_LINE, (crtc.registers[R.CRTC_MAXIMUM_SCAN_LINE] & 0x60) | R.CRTC_MSL_LINE_COMPARE_9);
    const shift = bpp === 4 ? 0 : R.GC_GM_SHIFT_256;
    graphics.set(
      R.GC_GRAPHICS_MODE,
      (gc[R.GC_GRAPHICS_MODE] & ~(R.GC_GM_SHIFT_256 | R.GC_GM_SHIFT_INTERLEAVE)) | shift,
    );
    if (bpp === 4) {
      sequencer.set(R.SEQ_CLOCKING_MODE, sequencer.registers[R.SEQ_CLOCKING_MODE] & ~R.SEQ_CM_DOT_CLOCK_HALF);
    } else {
      sequencer.set(R.SEQ_MEMORY_MODE, sequencer.registers[R.SEQ_MEMORY_MODE] | R.SEQ_MM_CHAIN_4);
      sequencer.set(R.SEQ_MAP_MASK, 0x0f);
    }
  }

  private legacyTiming(): Timing {
    const dots = this.sequencer.dotsPerCharacter * (this.sequencer.dotClockHalved ? 2 : 1);
    return this.crtc.timing(DOT_NS[(this.misc >> R.MISC_CLOCK_SHIFT) & 3], dots);
  }

  private vbeTiming(): Timing {
    const displayLines = this.dispi.geometry.height;
    const lines = displayLines + VBE_BLANK_LINES;
    const lineNs = VBE_FRAME_NS / lines;
    return {
      lineNs,
      visibleNs: lineNs * 0.8,
      lines,
      displayLines,
      retraceStart: displayLines,
      retraceEnd: displayLines + VBE_RETRACE_LINES,
    };
  }
}
