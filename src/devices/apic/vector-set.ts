/** A set of interrupt vectors, as the registers IRR, ISR and TMR hold one: 256 bits in eight words. */
export class VectorSet {
  readonly words = new Uint32Array(8);

  has(vector: number): boolean {
    return (this.words[vector >> 5] & (1 << (vector & 31))) !== 0;
  }

  set(vector: number, on: boolean): void {
    const bit = 1 << (vector & 31);
    if (on) this.words[vector >> 5] |= bit;
    else this.words[vector >> 5] &= ~bit;
  }

  /** The vector of the highest priority; -1 when the set is empty. */
  get highest(): number {
    for (let i = 7; i >= 0; i--) {
      if (this.words[i] !== 0) return i * 32 + 31 - Math.clz32(this.words[i]);
    }
    return -1;
  }
}
