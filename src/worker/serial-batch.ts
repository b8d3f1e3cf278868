/** Gathers serial output so that a chatty guest costs the page one message a frame; the first byte after a pause goes at once. */

const FRAME_MS = 16;

export class SerialBatch {
  private readonly send: (data: Uint8Array<ArrayBuffer>) => void;
  private waiting: Uint8Array[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sentMs = -Infinity;

  constructor(send: (data: Uint8Array<ArrayBuffer>) => void) {
    this.send = send;
  }

  push(data: Uint8Array): void {
    this.waiting.push(data);
    if (this.timer !== undefined) return;
    const wait = this.sentMs + FRAME_MS - performance.now();
    if (wait <= 0) this.flush();
    else this.timer = setTimeout(() => this.flush(), wait);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting.length === 0) return;
    const all = new Uint8Array(this.waiting.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.waiting) {
      all.set(part, at);
      at += part.length;
    }
    this.waiting = [];
    this.sentMs = performance.now();
    this.send(all);
  }
}
