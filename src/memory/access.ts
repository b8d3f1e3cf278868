/**
 * What the port bus and the memory bus have in common: splitting accesses into widths that a handler takes, and values
 * that are read where nothing answers.
 */
import type { IoHandler, RegionOptions, Width } from '../devices/device.ts';

/** All ones of a width, unsigned. */
export function allOnes(width: Width): number {
  return width === 4 ? 0xffffffff : width === 2 ? 0xffff : 0xff;
}

/** The part of a value that fits a width, unsigned. */
export function truncate(value: number, width: Width): number {
  return width === 4 ? value >>> 0 : width === 2 ? value & 0xffff : value & 0xff;
}

/**
 * A handler behind its widths. A width that the handler takes is passed on as it is, at any alignment (the Bochs VBE
 * data port is a word at an odd port). A wider access becomes several, ascending. An access narrower than every width
 * reads its lane of the aligned unit; such a write has no lane to go to and vanishes.
 */
export class WidthAdapter {
  private readonly handler: IoHandler;
  /** By access width: the width to call the handler with. */
  private readonly unit: readonly Width[];

  constructor(handler: IoHandler, options: RegionOptions = {}) {
    const widths = options.widths ?? [1];
    if (widths.length === 0) throw new Error('a region needs at least one width');
    this.handler = handler;
    this.unit = [1, 2, 3, 4].map((width) => {
      const fitting = widths.filter((w) => w <= width);
      return (fitting.length > 0 ? Math.max(...fitting) : Math.min(...widths)) as Width;
    });
  }

  read(offset: number, width: Width): number {
    const unit = this.unit[width - 1];
    if (unit === width) return truncate(this.handler.read(offset, width), width);
    if (unit > width) {
      const lane = offset & (unit - 1);
      return truncate(this.handler.read(offset - lane, unit) >>> (lane * 8), width);
    }
    let value = 0;
    for (let i = 0; i < width; i += unit) value |= truncate(this.handler.read(offset + i, unit), unit) << (i * 8);
    return value >>> 0;
  }

  write(offset: number, width: Width, value: number): void {
    const unit = this.unit[width - 1];
    if (unit === width) {
      this.handler.write(offset, width, truncate(value, width));
    } else if (unit < width) {
      for (let i = 0; i < width; i += unit) this.handler.write(offset + i, unit, truncate(value >>> (i * 8), unit));
    }
  }
}
