/** A VGA on a small board, for the unit tests: real guest memory behind it, ports and time by hand. */
import { Arena } from '../../memory/arena.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { PagePool } from '../../memory/pool.ts';
import type { BusRegistrar } from '../device.ts';
import { TestBus, TestClock } from '../test-rig.ts';
import { VgaRenderer } from './renderer/renderer.ts';
import type { Mode } from './text-mode.ts';
import { VgaPci } from './vga-pci.ts';

export class Board {
  readonly clock = new TestClock();
  readonly ports = new TestBus();
  readonly memory = new GuestMemory(new PagePool(new Arena()), 2 << 20);
  readonly pci: VgaPci;
  readonly renderer: VgaRenderer;

  constructor(rom?: Uint8Array) {
    this.pci = new VgaPci({ clock: this.clock, ...(rom ? { rom } : {}) });
    const bus: BusRegistrar = {
      ports: (name, size, handler, options) => this.ports.ports(name, size, handler, options),
      memory: (name, size, handler, options) => this.memory.memory(name, size, handler, options),
      ram: (name, size, options) => this.memory.ram(name, size, options),
    };
    this.pci.attach(bus);
    this.memory.seal();
    this.pci.reset('power-on');
    this.renderer = new VgaRenderer(this.pci.vga);
  }

  get vga() {
    return this.pci.vga;
  }

  /** An index register and the data register after it. */
  indexed(port: number, index: number, value: number): void {
    this.ports.out8(port, index);
    this.ports.out8(port + 1, value);
  }

  /** Makes the next write to 3C0 an index, in either emulation. */
  resetFlipFlop(): void {
    this.ports.in8(0x3da);
    this.ports.in8(0x3ba);
  }

  attribute(index: number, value: number): void {
    this.resetFlipFlop();
    this.ports.out8(0x3c0, index);
    this.ports.out8(0x3c0, value);
  }

  dispi(index: number, value: number): void {
    this.ports.out16(0x1ce, index);
    this.ports.out16(0x1cf, value);
  }

  readDispi(index: number): number {
    this.ports.out16(0x1ce, index);
    return this.ports.in16(0x1cf);
  }

  color(index: number, red: number, green: number, blue: number): void {
    this.ports.out8(0x3c8, index);
    for (const component of [red, green, blue]) this.ports.out8(0x3c9, component);
  }

  setMode(mode: Mode): void {
    this.ports.out8(0x3c2, mode.misc);
    mode.sequencer.forEach((value, i) => {
      this.indexed(0x3c4, i, value);
    });
    const crtc = mode.misc & 1 ? 0x3d4 : 0x3b4;
    this.indexed(crtc, 0x11, 0);
    mode.crtc.forEach((value, i) => {
      this.indexed(crtc, i, value);
    });
    mode.graphics.forEach((value, i) => {
      this.indexed(0x3ce, i, value);
    });
    mode.attribute.forEach((value, i) => {
      this.attribute(i, value);
    });
    this.resetFlipFlop();
    this.ports.out8(0x3c0, 0x20);
  }

  poke(address: number, ...bytes: number[]): void {
    bytes.forEach((byte, i) => {
      this.memory.writePhys(address + i, 1, byte);
    });
  }

  peek(address: number): number {
    return this.memory.readPhys(address, 1);
  }

  /** Bytes of video memory. */
  vram(offset: number, length: number): number[] {
    const bytes = new Uint8Array(length);
    this.vga.vram.read(offset, bytes);
    return [...bytes];
  }

  /** Maps the frame buffer and the register page as firmware does. */
  mapBars(framebuffer: number, mmio: number): void {
    this.pci.config.write(0x10, 4, framebuffer);
    this.pci.config.write(0x18, 4, mmio);
    this.pci.config.write(0x04, 2, 7);
  }

  /** A pixel of the current picture as 0xrrggbb. */
  pixel(x: number, y: number): number {
    const { pixels, width } = this.renderer.current;
    const at = (y * width + x) * 4;
    return (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
  }
}
