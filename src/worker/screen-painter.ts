/** Brings the machine's pictures to the page: onto a canvas that the page gave away, or as pixels where browsers lack that. */
import type { Frame } from '../devices/vga/renderer/renderer.ts';
import type { Report, ScreenSize } from './protocol.ts';

export type Send = (report: Report, transfer?: Transferable[]) => void;

export class ScreenPainter {
  private readonly send: Send;
  private readonly canvas: OffscreenCanvas | undefined;
  private readonly context: OffscreenCanvasRenderingContext2D | undefined;
  private shown: ScreenSize = { width: 0, height: 0, aspect: 0 };

  constructor(canvas: OffscreenCanvas | undefined, send: Send) {
    this.canvas = canvas;
    this.context = canvas?.getContext('2d', { alpha: false }) ?? undefined;
    this.send = send;
  }

  show({ width, height, aspect, pixels }: Frame): void {
    if (width === 0 || height === 0) return;
    const size = { width, height, aspect };
    const { canvas, context } = this;
    if (canvas === undefined || context === undefined) {
      const copy = pixels.slice();
      this.send({ kind: 'frame', pixels: copy, ...size }, [copy.buffer]);
      return;
    }
    const { shown } = this;
    if (width !== shown.width || height !== shown.height || aspect !== shown.aspect) {
      this.shown = size;
      canvas.width = width;
      canvas.height = height;
      this.send({ kind: 'screen', ...size });
    }
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  }
}
