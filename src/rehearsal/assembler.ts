/** Machine code under construction: bytes, little-endian values, and places with names that may come later. */
import { le32 } from '../machine/loaders/bytes.ts';

interface Reference {
  readonly at: number;
  readonly name: string;
  /** Relative to the place behind it; else the address itself. */
  readonly relative: boolean;
}

export class Assembler {
  readonly bytes: number[] = [];
  private readonly places = new Map<string, number>();
  private readonly references: Reference[] = [];
  private readonly base: number;

  /** @param base the address of the first byte */
  constructor(base: number) {
    this.base = base;
  }

  get here(): number {
    return this.base + this.bytes.length;
  }

  put(...bytes: readonly number[]): this {
    for (const byte of bytes) this.bytes.push(byte & 0xff);
    return this;
  }

  u32(value: number): this {
    return this.put(...le32(value));
  }

  /** Pads with one-byte NOPs up to a multiple of `size`. */
  align(size: number): this {
    while (this.bytes.length % size !== 0) this.put(0x90);
    return this;
  }

  /** Names this place. */
  name(name: string): this {
    this.places.set(name, this.here);
    return this;
  }

  addressOf(name: string): number {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`no place has the name ${name}`);
    return place;
  }

  /** The distance to a place, in 32 bits, as jumps and calls have it. */
  distance(name: string): this {
    return this.refer(name, true);
  }

  /** The address of a place, in 32 bits. */
  address(name: string): this {
    return this.refer(name, false);
  }

  /** All bytes, with the places filled in that they refer to. */
  finish(): Uint8Array {
    const bytes = Uint8Array.from(this.bytes);
    const view = new DataView(bytes.buffer);
    for (const { at, name, relative } of this.references) {
      const place = this.addressOf(name);
      view.setUint32(at, relative ? place - (this.base + at + 4) : place, true);
    }
    return bytes;
  }

  private refer(name: string, relative: boolean): this {
    this.references.push({ at: this.bytes.length, name, relative });
    return this.u32(0);
  }
}
