/** Little-endian fields of images that may be shorter than they should be. */

/** Reads as zero past the end: the callers check sizes where they matter. */
export class ByteReader {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    return at < this.length ? this.bytes[at] : 0;
  }

  u16(at: number): number {
    return at + 2 <= this.length ? this.view.getUint16(at, true) : 0;
  }

  u32(at: number): number {
    return at + 4 <= this.length ? this.view.getUint32(at, true) : 0;
  }

  /** Fields of 64 bits that count bytes; exact up to 2^53. */
  u64(at: number): number {
    return this.u32(at + 4) * 2 ** 32 + this.u32(at);
  }

  /** True when the ASCII `text` stands at `at`. */
  hasText(at: number, text: string): boolean {
    return [...text].every((char, i) => this.u8(at + i) === char.charCodeAt(0));
  }
}

/** A block of guest memory under construction. */
export class ByteWriter {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): void {
    this.view.setUint8(at, value);
  }

  u16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  u64(at: number, value: number): void {
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  set(at: number, source: Uint8Array): void {
    this.bytes.set(source, at);
  }
}

/** The bytes of 16 bits, the lowest first. */
export function le16(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

/** Likewise of 32 bits. */
export function le32(value: number): number[] {
  return [...le16(value), ...le16(value >>> 16)];
}

/** Text as bytes with a terminating zero; characters past 255 become question marks. */
export function zeroTerminated(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes[i] = code < 256 ? code : 0x3f;
  }
  return bytes;
}

export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1).replace(/\.0$/, '');
