/**
 * The video memory as the VGA's own blocks see it. The bytes live in frames of the page pool, so that the guest reaches
 * the linear frame buffer without passing here. Of what the legacy registers address, byte `a` of plane `p` is byte
 * `4a + p`: the four planes of one address are one 32-bit value, as on the cards that QEMU's stdvga follows.
 */
import type { RamRegion } from '../device.ts';
import { PAGE_SIZE } from '../../memory/address.ts';

export class VideoMemory {
  readonly region: RamRegion;
  private readonly mask: number;
  private readonly byte = new Uint8Array(1);
  private readonly pair = new Uint8Array(2);
  private readonly quad = new Uint8Array(4);
  private readonly quadWord = new Int32Array(this.quad.buffer);
  private readonly page = new Uint8Array(PAGE_SIZE);
  private readonly pageWords = new Int32Array(this.page.buffer);

  /** @param region a power of two of bytes; offsets wrap at its end. */
  constructor(region: RamRegion) {
    this.region = region;
    this.mask = region.size - 1;
  }

  /** The four planes of an aligned offset, signed. */
  read32(offset: number): number {
    this.region.read(offset & this.mask & ~3, this.quad);
    return this.quadWord[0];
  }

  write32(offset: number, value: number): void {
    this.quadWord[0] = value;
    this.region.write(offset & this.mask & ~3, this.quad);
  }

  /** @param offset even. */
  write16(offset: number, value: number): void {
    this.pair[0] = value;
    this.pair[1] = value >> 8;
    this.region.write(offset & this.mask & ~1, this.pair);
  }

  write8(offset: number, value: number): void {
    this.byte[0] = value;
    this.region.write(offset & this.mask, this.byte);
  }

  /** A guest may switch modes in a loop: words, not bytes, and no closure. */
  private pageIsZero(): boolean {
    for (const word of this.pageWords) if (word !== 0) return false;
    return true;
  }

  /** Zeroes bytes from the start; pages that are zero already stay untouched (and without a frame). */
  clear(bytes: number): void {
    const end = Math.min(bytes, this.region.size);
    const zeros = new Uint8Array(PAGE_SIZE);
    for (let at = 0; at < end; at += PAGE_SIZE) {
      this.region.read(at, this.page);
      if (!this.pageIsZero()) this.region.write(at, zeros.subarray(0, Math.min(PAGE_SIZE, end - at)));
    }
  }
}
