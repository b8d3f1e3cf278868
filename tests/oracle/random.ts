/** A seeded generator (xorshift128) with the distributions that find bugs at the edges. */
const EDGES = [
  0, 1, 2, 3, 7, 8, 9, 0xf, 0x10, 0x1f, 0x20, 0x21, 0x7e, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x101, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x10000,
  0x10001, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xffff0000, 0xffff7fff, 0xffff8000, 0xffffff7f, 0xffffff80, 0xffffff00, 0xfffffffe, 0xffffffff,
];

export class Random {
  private a: number;
  private b = 0x9e3779b9;
  private c = 0x243f6a88;
  private d = 0xb7e15162;
  constructor(seed: number) {
    this.a = seed | 0;
    for (let i = 0; i < 20; i++) this.u32();
  }
  u32(): number {
    let t = this.d;
    const s = this.a;
    this.d = this.c;
    this.c = this.b;
    this.b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.a = t ^ s ^ (s >>> 19);
    return (this.a + 0x6d2b79f5 * (this.b & 7)) >>> 0;
  }
  /** 0 to n - 1. */
  below(n: number): number { return Math.floor((this.u32() / 0x100000000) * n); }
  chance(percent: number): boolean { return this.below(100) < percent; }
  pick<T>(from: readonly T[]): T { return from[this.below(from.length)] as T; }
  /** A doubleword weighted to the edges of 8, 16 and 32 bits. */
  value(): number {
    const kind = this.below(10);
    if (kind < 4) return this.pick(EDGES);
    if (kind === 4) return this.below(64);
    if (kind === 5) return -this.below(64) >>> 0;
    if (kind === 6) return (1 << this.below(32)) >>> 0;
    return this.u32();
  }
}
