/** Cases as the executors exchange them, one record after the other, little-endian; record.ts and long/record.ts say what is where in them. */
export const FX_BYTES = 512;
/** Offsets of the three data pages from where they begin. */
export const DATA_PAGES = [0, 0x1000, 0xf000] as const;
export const CODE_SIZE = 0x3000;
export const INT3 = 0xcc;
/** Differences of memory that a record lists; all of them are in its hash. */
export const MAX_DIFFERENCES = 24;
export const HASH_START = 0x811c9dc5;
export const hashStep = (hash: number, difference: number): number => Math.imul(hash ^ difference, 0x01000193);

export abstract class Records {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly capacity: number;
  /** Bytes from record to record. */
  readonly stride: number;
  count = 0;
  constructor(capacity: number, stride: number) {
    this.capacity = capacity;
    this.stride = stride;
    this.bytes = new Uint8Array(capacity * stride);
    this.view = new DataView(this.bytes.buffer);
  }
  /** Another of the same kind. */
  protected abstract another(capacity: number): this;

  u32(n: number, field: number): number { return this.view.getUint32(n * this.stride + field, true); }
  setU32(n: number, field: number, value: number): void { this.view.setUint32(n * this.stride + field, value >>> 0, true); }
  u64(n: number, field: number): bigint { return this.view.getBigUint64(n * this.stride + field, true); }
  setU64(n: number, field: number, value: bigint): void { this.view.setBigUint64(n * this.stride + field, value, true); }
  protected part(n: number, field: number, length: number): Uint8Array { return this.bytes.subarray(n * this.stride + field, n * this.stride + field + length); }
  clear(n: number): void { this.bytes.fill(0, n * this.stride, (n + 1) * this.stride); }
  get used(): Uint8Array { return this.bytes.subarray(0, this.count * this.stride); }
  /** The same cases. */
  copy(): this {
    return this.another(this.count).take(this);
  }
  /** Takes the cases of another, of which there may not be more than fit. */
  take(other: Records): this {
    this.count = other.count;
    this.bytes.set(other.used);
    return this;
  }
  /** Some of the cases. */
  select(cases: readonly number[]): this {
    const other = this.another(Math.max(1, cases.length));
    other.count = cases.length;
    for (const [i, n] of cases.entries()) other.bytes.set(this.part(n, 0, this.stride), i * this.stride);
    return other;
  }
}
