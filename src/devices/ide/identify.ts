/** The words that IDENTIFY DEVICE and IDENTIFY PACKET DEVICE share, and their encodings [ATA6 8.15, 8.16]. */
import { MAX_MWDMA_MODE, MAX_UDMA_MODE } from './registers.ts';

export class IdentifyData {
  readonly bytes = new Uint8Array(512);

  word(index: number, value: number): void {
    this.bytes[index * 2] = value;
    this.bytes[index * 2 + 1] = value >>> 8;
  }

  dword(index: number, value: number): void {
    this.word(index, value & 0xffff);
    this.word(index + 1, value >>> 16);
  }

  /** ATA strings: padded with spaces, the two characters of a word swapped. */
  text(index: number, words: number, value: string): void {
    const padded = value.padEnd(words * 2).slice(0, words * 2);
    for (let i = 0; i < padded.length; i++) this.bytes[index * 2 + (i ^ 1)] = padded.charCodeAt(i) & 0x7f;
  }

  /** Words 49 to 53, 62 to 68, 80, 81, 88, 93: DMA and PIO modes of a PIIX3-era drive that knows Ultra DMA. */
  transferModes(chosen: number): void {
    this.word(51, 0x0200);
    this.word(52, 0x0200);
    this.word(53, 0x0007);
    const selected = (kind: number): number => (chosen >> 3 === kind ? 1 << (8 + (chosen & 7)) : 0);
    this.word(63, ((1 << (MAX_MWDMA_MODE + 1)) - 1) | selected(4));
    this.word(64, 0x0003);
    for (let i = 65; i <= 68; i++) this.word(i, 120);
    this.word(80, 0x0070);
    this.word(81, 0x0018);
    this.word(88, ((1 << (MAX_UDMA_MODE + 1)) - 1) | selected(8));
    this.word(93, 0x6001);
  }

  /** Word 255: signature A5h and a checksum that makes the sum of all bytes zero. */
  seal(): Uint8Array {
    this.bytes[510] = 0xa5;
    let sum = 0;
    for (let i = 0; i < 511; i++) sum += this.bytes[i];
    this.bytes[511] = -sum;
    return this.bytes;
  }
}
