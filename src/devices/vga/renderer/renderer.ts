/**
 * Makes pictures of what a VGA shows. One renderer belongs to one VGA (it takes the video memory's dirty mark) and is
 * asked at the pace of the host's screen; it knows nothing of canvases, so it runs in a worker, in Node and in tests.
 */
import { assertNever } from '../../../errors.ts';
import { LEGACY_BYTES } from '../registers.ts';
import type { Vga } from '../vga.ts';
import { type DisplayMode, displayMode } from './display-mode.ts';
import { type Palette, type PlaneMode, renderLinear, renderPlanes } from './graphics.ts';
import { blinkPhase, readText, renderText } from './text.ts';

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** RGBA, opaque, `width * height * 4` bytes. The same buffer is used for the next frame of this size. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  /** Width to height on the monitor: 4/3 in VGA modes, whose pixels are seldom square. */
  readonly aspect: number;
}

const BLACK = 0xff000000;
const NOTHING: Frame = { width: 0, height: 0, pixels: new Uint8ClampedArray(0), aspect: 4 / 3 };

export class VgaRenderer {
  private readonly vga: Vga;
  private frame: Frame = NOTHING;
  private revision = -1;
  /** What the registers of that revision say. */
  private mode: DisplayMode | undefined;
  private phase = -1;
  /** Copy of the part of video memory that is shown. */
  private memory = new Uint8Array(0);

  constructor(vga: Vga) {
    this.vga = vga;
  }

  /** The picture as of the last `render`; empty before the first. */
  get current(): Frame {
    return this.frame;
  }

  /** Brings the picture up to date. Returns it, or undefined when nothing has changed since the last call. */
  render(): Frame | undefined {
    const { vga } = this;
    const mode = vga.revision === this.revision && this.mode ? this.mode : displayMode(vga);
    this.mode = mode;
    const phase = mode.kind === 'text' ? blinkPhase(vga) : 0;
    const dirty = vga.vram.takeDirty();
    if (!dirty && vga.revision === this.revision && phase === this.phase) return undefined;
    this.revision = vga.revision;
    this.phase = phase;
    this.resize(mode);
    this.draw(mode, new Uint32Array(this.frame.pixels.buffer));
    return this.frame;
  }

  /** The characters on the screen, a string a row; undefined unless a text mode is on. Leaves the dirty mark alone. */
  textScreen(): string[] | undefined {
    const mode = displayMode(this.vga);
    return mode.kind === 'text' ? readText(mode, this.fetch(0, LEGACY_BYTES)) : undefined;
  }

  private resize({ width, height, aspect }: DisplayMode): void {
    if (this.frame.width === width && this.frame.height === height && this.frame.aspect === aspect) return;
    this.frame = { width, height, aspect, pixels: new Uint8ClampedArray(width * height * 4) };
  }

  private draw(mode: DisplayMode, pixels: Uint32Array): void {
    switch (mode.kind) {
      case 'blank':
        pixels.fill(BLACK);
        return;
      case 'text':
        renderText(this.vga, mode, this.fetch(0, LEGACY_BYTES), this.palette().attribute, pixels);
        return;
      case 'planar':
      case 'interleaved':
      case 'packed': {
        renderPlanes(mode, this.fetch(0, this.planeBytes(mode)), this.palette(), pixels);
        return;
      }
      case 'linear': {
        // The last lines may be shorter in memory than the pitch; what lies past the end reads as zero.
        const bytes = Math.min(mode.height * mode.lineBytes, this.vga.vramBytes - mode.start);
        renderLinear(mode, this.fetch(mode.start, bytes), this.palette(), pixels);
        return;
      }
      default:
        assertNever(mode);
    }
  }

  /** Memory that a picture through the planes lies in: 64 KiB a plane, more in a large VBE mode. */
  private planeBytes(mode: PlaneMode): number {
    if (!this.vga.dispi.enabled) return LEGACY_BYTES;
    const needed = (mode.start + (mode.height + 1) * mode.rowOffset) * 4;
    let bytes = LEGACY_BYTES;
    while (bytes < needed && bytes < this.vga.vramBytes) bytes *= 2;
    return bytes;
  }

  private fetch(offset: number, bytes: number): Uint8Array {
    if (this.memory.length !== bytes) this.memory = new Uint8Array(bytes);
    this.vga.vram.read(offset, this.memory);
    return this.memory;
  }

  private palette(): Palette {
    const { attribute, dac } = this.vga;
    return {
      attribute: Uint32Array.from({ length: 16 }, (_, color) =>
        dac.color(attribute.dacIndex(color & attribute.colorPlaneEnable)),
      ),
      dac: Uint32Array.from({ length: 256 }, (_, index) => dac.color(index)),
    };
  }
}
