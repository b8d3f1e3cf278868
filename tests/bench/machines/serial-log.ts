/** What a guest wrote on its serial port and when it arrived here: the outside clock of every measurement. */

interface Waiter {
  readonly marker: string;
  readonly from: number;
  readonly resolve: (arrivalMs: number) => void;
}

export class SerialLog {
  private text = '';
  private waiters: Waiter[] = [];
  private readonly decoder = new TextDecoder('latin1');

  /** All of it, or from a position on. */
  since(position: number): string {
    return this.text.slice(position);
  }

  get length(): number {
    return this.text.length;
  }

  push(data: Uint8Array): void {
    const nowMs = performance.now();
    this.text += this.decoder.decode(data, { stream: true });
    this.waiters = this.waiters.filter(({ marker, from, resolve }) => {
      if (this.text.indexOf(marker, from) < 0) return true;
      resolve(nowMs);
      return false;
    });
  }

  /**
   * The arrival (`performance.now()`) of the first output from `from` on that completes `marker`; call it before the
   * output can be there. Rejects after `timeoutMs` with the last lines.
   */
  waitFor(marker: string, from: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seconds = Math.round(timeoutMs / 1000);
        reject(new Error(`no “${marker}” on the serial port within ${seconds} s; last: ${JSON.stringify(this.text.slice(-300))}`));
      }, timeoutMs);
      const done = (arrivalMs: number): void => {
        clearTimeout(timer);
        resolve(arrivalMs);
      };
      if (this.text.indexOf(marker, from) >= 0) done(performance.now());
      else this.waiters.push({ marker, from, resolve: done });
    });
  }
}
