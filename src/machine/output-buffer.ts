/** What a guest writes to its serial and debug ports, between two turns of the host's event loop. */

/** Bytes by port, until the next turn of the host's event loop. */
export class OutputBuffer {
  private readonly bytes = new Map<number, number[]>();

  add(port: number, byte: number): void {
    const list = this.bytes.get(port);
    if (list) list.push(byte);
    else this.bytes.set(port, [byte]);
  }

  flush(emit: (port: number, data: Uint8Array) => void): void {
    if (this.bytes.size === 0) return;
    const full = [...this.bytes];
    this.bytes.clear();
    for (const [port, list] of full) emit(port, Uint8Array.from(list));
  }
}
