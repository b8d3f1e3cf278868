/** A picture of the screen as a PNG file. */
import { PNG } from 'pngjs';
import type { Frame } from '../index.ts';

export function encodePng(frame: Frame): Uint8Array {
  const png = new PNG({ width: frame.width, height: frame.height });
  png.data.set(frame.pixels);
  return PNG.sync.write(png);
}
