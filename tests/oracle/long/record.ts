/**
 * One test case of 64-bit code, an instruction or a program, as the two executors exchange it, little-endian. Offsets into the record; host.c has the
 * same layout as a struct.
 */
export const RECORD_BYTES = 2560;
export const LENGTH = 16; // u32: bytes of code
export const EFLAGS = 20; // u32
export const RIP = 24; // u64
export const REGISTERS = 32; // 16 of u64, in encoding order
export const FS_BASE = 160; // u64, and that of GS
// Results
export const REGISTERS_AFTER = 176;
export const FS_BASE_AFTER = 304;
export const RIP_AFTER = 320; // u64; for vector 3: of the byte after the INT3
export const CR2 = 328; // u64; for vector 14, else 0
export const VECTOR = 336; // u32: the exception that ended the case; 3 after normal completion
export const ERROR = 340;
export const EFLAGS_AFTER = 344;
export const DIFFERENCES = 348; // u32: bytes of memory that differ from the baseline
export const HASH = 352; // u32: over all differences
export const DIFFERENCE = 356; // the first of them: offset << 8 | value
export const MAX_DIFFERENCES = 24;
/** FXSAVE64 images [SDM2 FXSAVE]: x87, MMX and SSE state. */
export const FX_BEFORE = 512;
export const FX_AFTER = 1024;
export const FX_BYTES = 512;
export const CODE = 1536;
export const CODE_BYTES = 512;
/** The upper halves of the YMM registers. */
export const YMM_BEFORE = 2048;
export const YMM_AFTER = 2304;
export const YMM_BYTES = 256;
/** Where an FXSAVE image has values that suit them: its XMM registers. */
export const YMM_AT = 160;

/** Linear addresses of the data pages: out of the reach of 32-bit addresses, and within it. */
export const DATA_HIGH = 0x5a50_1000_0000;
export const DATA_LOW = 0x1000_0000;
/** Offsets of the three mapped pages. */
export const DATA_PAGES = [0, 0x1000, 0xf000] as const;
/** Within reach of a 32-bit displacement to the data. */
export const CODE_BASE = 0x5a50_2000_0000;
export const CODE_SIZE = 0x3000;
export const INT3 = 0xcc;

export const HASH_START = 0x811c9dc5;
export const hashStep = (hash: number, difference: number): number => Math.imul(hash ^ difference, 0x01000193);

export class Batch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  count = 0;
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity * RECORD_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }
  u32(n: number, field: number): number { return this.view.getUint32(n * RECORD_BYTES + field, true); }
  setU32(n: number, field: number, value: number): void { this.view.setUint32(n * RECORD_BYTES + field, value >>> 0, true); }
  u64(n: number, field: number): bigint { return this.view.getBigUint64(n * RECORD_BYTES + field, true); }
  setU64(n: number, field: number, value: bigint): void { this.view.setBigUint64(n * RECORD_BYTES + field, value, true); }
  code(n: number): Uint8Array { return this.bytes.subarray(n * RECORD_BYTES + CODE, n * RECORD_BYTES + CODE + this.u32(n, LENGTH)); }
  setCode(n: number, code: Uint8Array): void {
    this.setU32(n, LENGTH, code.length);
    this.bytes.set(code, n * RECORD_BYTES + CODE);
  }
  fxBefore(n: number): Uint8Array { return this.bytes.subarray(n * RECORD_BYTES + FX_BEFORE, n * RECORD_BYTES + FX_AFTER); }
  fxAfter(n: number): Uint8Array { return this.bytes.subarray(n * RECORD_BYTES + FX_AFTER, n * RECORD_BYTES + FX_AFTER + FX_BYTES); }
  ymm(n: number, field: number): Uint8Array { return this.bytes.subarray(n * RECORD_BYTES + field, n * RECORD_BYTES + field + YMM_BYTES); }
  clear(n: number): void { this.bytes.fill(0, n * RECORD_BYTES, (n + 1) * RECORD_BYTES); }
  get used(): Uint8Array { return this.bytes.subarray(0, this.count * RECORD_BYTES); }
  /** The same cases. */
  copy(): Batch {
    const other = new Batch(this.count);
    other.count = this.count;
    other.bytes.set(this.used);
    return other;
  }
}
