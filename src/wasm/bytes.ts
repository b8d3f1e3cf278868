/** Byte buffer with LEB128 and the vectors of the WebAssembly binary format [WebAssembly Core 5.1, 5.2]. */

export class Bytes {
  private buffer = new Uint8Array(1024);
  length = 0;

  byte(value: number): this {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
    return this;
  }

  u32(value: number): this {
    let n = value >>> 0;
    while (n > 0x7f) {
      this.byte((n & 0x7f) | 0x80);
      n >>>= 7;
    }
    return this.byte(n);
  }

  s32(value: number): this {
    let n = value | 0;
    for (;;) {
      const low = n & 0x7f;
      n >>= 7;
      if ((n === 0 && !(low & 0x40)) || (n === -1 && low & 0x40)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  s64(value: bigint): this {
    let n = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(n & 0x7fn);
      n >>= 7n;
      if ((n === 0n && !(low & 0x40)) || (n === -1n && low & 0x40)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  raw(source: ArrayLike<number>): this {
    if (this.length + source.length > this.buffer.length) this.grow(source.length);
    this.buffer.set(source, this.length);
    this.length += source.length;
    return this;
  }

  f64(value: number): this {
    return this.raw(new Uint8Array(new Float64Array([value]).buffer));
  }

  f32(value: number): this {
    return this.raw(new Uint8Array(new Float32Array([value]).buffer));
  }

  /** Length-prefixed bytes. */
  sized(content: Uint8Array): this {
    return this.u32(content.length).raw(content);
  }

  /** UTF-8 name; ASCII is all that is used here. */
  name(text: string): this {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
    return this;
  }

  /** Puts another byte in the place of one. */
  patch(at: number, value: number): void {
    this.buffer[at] = value;
  }
  /** Takes back what was put after the first `length` bytes. */
  cut(length: number): void {
    this.length = length;
  }

  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  private grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + by));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }
}
