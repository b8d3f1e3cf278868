/**
 * The window at A0000 to BFFFF: how a processor's address becomes a place in the planes [IBM VGA 2, "Memory modes"].
 *
 * Chain-4 memory is linear in video memory (address a: plane a & 3, place a >> 2) and odd/even memory is compact (place
 * a >> 1), as on QEMU's stdvga, where IBM's leaves gaps that the CRT controller's word and doubleword modes step over.
 * Every mode displays the same; a program that writes in one arrangement and displays another sees a difference.
 */
import type { IoHandler, Width } from '../device.ts';
import type { Dispi } from './dispi.ts';
import { type GraphicsController, PLANE_MASK } from './graphics-controller.ts';
import { LEGACY_BYTES } from './registers.ts';
import type { Sequencer } from './sequencer.ts';
import type { VideoMemory } from './video-memory.ts';

/** By memory map select: first offset in the window, and size less one. */
const MAP_START: readonly number[] = [0, 0, 0x10000, 0x18000];
const MAP_MASK: readonly number[] = [0x1ffff, 0xffff, 0x7fff, 0x7fff];

const allOnes = (width: Width): number => (width === 4 ? 0xffffffff : width === 2 ? 0xffff : 0xff);

export class MemoryWindow implements IoHandler {
  private readonly sequencer: Sequencer;
  private readonly graphics: GraphicsController;
  private readonly dispi: Dispi;
  private readonly memory: VideoMemory;
  /** Misc output's enable RAM bit. */
  enabled = false;
  private start = 0;
  private mask = 0;
  private chain4 = false;
  private planeMask = 0;
  /** Writes that put bytes where they are told without looking at anything else. */
  private plainChain4 = false;
  private plainText = false;

  constructor(sequencer: Sequencer, graphics: GraphicsController, dispi: Dispi, memory: VideoMemory) {
    this.sequencer = sequencer;
    this.graphics = graphics;
    this.dispi = dispi;
    this.memory = memory;
    this.configure();
  }

  /** To be called after every change of a register that this reads. */
  configure(): void {
    const { sequencer, graphics } = this;
    this.start = MAP_START[graphics.memoryMap];
    this.mask = MAP_MASK[graphics.memoryMap];
    this.chain4 = sequencer.chain4;
    this.planeMask = sequencer.mapMask;
    // The banks of a VBE mode pass the graphics controller by: drivers of the extension need not have set it up.
    this.plainChain4 = this.chain4 && (this.dispi.enabled || graphics.writesPlain) && this.planeMask === 0x0f;
    this.plainText =
      !this.chain4 && graphics.writesPlain && graphics.chainOddEven && sequencer.oddEven && this.planeMask === 3;
  }

  read(offset: number, width: Width): number {
    const at = offset - this.start;
    if (!this.enabled || at < 0 || at + width > this.mask + 1) return allOnes(width);
    if (width === 1) return this.readByte(at);
    if (width === 4 && this.chain4 && (at & 3) === 0 && !this.graphics.readMode1) {
      this.graphics.latch = this.memory.read32(this.linear(at));
      return this.graphics.latch >>> 0;
    }
    let value = 0;
    for (let i = 0; i < width; i++) value |= this.readByte(at + i) << (i * 8);
    return value >>> 0;
  }

  write(offset: number, width: Width, value: number): void {
    const at = offset - this.start;
    if (!this.enabled || at < 0 || at + width > this.mask + 1) return;
    if (this.plainChain4 && (at & (width - 1)) === 0) {
      this.writeLinear(this.linear(at), width, value);
    } else if (this.plainText && width > 1 && (at & 1) === 0) {
      this.memory.write16(this.planar(at >> 1), value);
      if (width === 4) this.memory.write16(this.planar((at >> 1) + 1), value >>> 16);
    } else {
      for (let i = 0; i < width; i++) this.writeByte(at + i, (value >>> (i * 8)) & 0xff);
    }
  }

  private readByte(at: number): number {
    const { graphics } = this;
    const place = this.chain4 ? at >> 2 : graphics.chainOddEven ? at >> 1 : at;
    graphics.latch = this.memory.read32(this.planar(place));
    if (graphics.readMode1) return graphics.compare();
    const plane = this.chain4 ? at & 3 : graphics.oddEven ? (graphics.readPlane & 2) | (at & 1) : graphics.readPlane;
    return (graphics.latch >>> (plane * 8)) & 0xff;
  }

  private writeByte(at: number, value: number): void {
    const { graphics } = this;
    let planes = this.planeMask;
    let place = at;
    if (this.chain4) {
      planes &= 1 << (at & 3);
      place = at >> 2;
    } else {
      if (this.sequencer.oddEven) planes &= at & 1 ? 0x0a : 0x05;
      if (graphics.chainOddEven) place = at >> 1;
    }
    if (planes !== 0) this.store(this.planar(place), graphics.combine(value), planes);
  }

  private store(offset: number, data: number, planes: number): void {
    if (planes === 0x0f) {
      this.memory.write32(offset, data);
    } else if ((planes & (planes - 1)) === 0) {
      const plane = 31 - Math.clz32(planes);
      this.memory.write8(offset + plane, data >>> (plane * 8));
    } else {
      const mask = PLANE_MASK[planes];
      this.memory.write32(offset, (this.memory.read32(offset) & ~mask) | (data & mask));
    }
  }

  private writeLinear(offset: number, width: Width, value: number): void {
    if (width === 4) this.memory.write32(offset, value);
    else if (width === 2) this.memory.write16(offset, value);
    else this.memory.write8(offset, value);
  }

  /** Place in the planes to a byte offset in video memory. A bank of a 4 bpp mode is 64 KiB of each plane. */
  private planar(place: number): number {
    if (!this.dispi.enabled) return (place * 4) & (LEGACY_BYTES - 1);
    return this.chain4 ? place * 4 + this.dispi.bankOffset : (place + this.dispi.bankOffset) * 4;
  }

  private linear(at: number): number {
    return this.dispi.enabled ? at + this.dispi.bankOffset : at & (LEGACY_BYTES - 1);
  }
}
