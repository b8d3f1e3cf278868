/** The machine's screen: a canvas that the machine's worker draws on, and what stands over it while there is no picture. */
import type { ScreenSize } from '../worker/protocol.ts';
import { byId, make } from './dom.ts';

export type ScreenState = 'empty' | 'loading' | 'running' | 'paused' | 'off';

const MESSAGES: Readonly<Partial<Record<ScreenState, string>>> = {
  empty: 'Choose a guest to start a machine',
  paused: 'Paused',
  off: 'The machine is off',
};

export class ScreenView {
  private readonly box = byId('screen', HTMLDivElement);
  private readonly message = byId('screen-message', HTMLDivElement);
  private canvas: HTMLCanvasElement | undefined;
  private context: CanvasRenderingContext2D | null = null;

  constructor() {
    byId('full-screen', HTMLButtonElement).addEventListener('click', () => this.enterFullScreen());
  }

  /** Takes the canvas of a machine in place of the one that is shown. */
  attach(canvas: HTMLCanvasElement): void {
    this.canvas?.remove();
    this.canvas = canvas;
    this.context = null;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', 'Screen of the machine');
    this.box.prepend(canvas);
  }

  setSize({ width, height, aspect }: ScreenSize): void {
    this.box.style.setProperty('--aspect', String(aspect));
    this.box.dataset.mode = `${width}×${height}`;
  }

  /** Draws a picture that came as pixels. */
  draw(size: ScreenSize, pixels: Uint8ClampedArray<ArrayBuffer>): void {
    if (this.canvas === undefined) return;
    this.context ??= this.canvas.getContext('2d', { alpha: false });
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) {
      this.canvas.width = size.width;
      this.canvas.height = size.height;
    }
    this.setSize(size);
    this.context?.putImageData(new ImageData(pixels, size.width, size.height), 0, 0);
  }

  /** @param detail in place of the usual text */
  setState(state: ScreenState, detail = MESSAGES[state]): void {
    this.box.dataset.state = state;
    this.message.hidden = detail === undefined;
    this.message.dataset.kind = state;
    if (detail === undefined) return;
    const mark = make('span');
    if (state === 'loading' || state === 'empty') mark.innerHTML = '<svg class="mark" aria-hidden="true"><use href="#mark" /></svg>';
    this.message.replaceChildren(mark, detail);
  }

  private enterFullScreen(): void {
    // Phones of one make have no full screen for elements; the view is as large as it goes there.
    this.box.requestFullscreen?.().then(() => this.box.querySelector('textarea')?.focus(), () => {});
  }
}
