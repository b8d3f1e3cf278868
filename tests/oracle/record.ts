/**
 * One test case, as the executors exchange it, little-endian: 256 bytes; in records that are longer, two FXSAVE images
 * (x87, MMX and SSE state before and after [SDM2 FXSAVE]); behind those the code of a program when that is longer than 16
 * bytes. Offsets into the record; the C programs in host/ and qemu/ have the same layout as a struct.
 */
export const RECORD_BYTES = 256;
export const CODE = 0; // 16 bytes
export const FX_BYTES = 512;
export const FX_BEFORE = 256;
export const FX_AFTER = FX_BEFORE + FX_BYTES;
/** Records of this length have the FXSAVE images. */
export const FX_RECORD_BYTES = FX_AFTER + FX_BYTES;
/** Where code that is longer than 16 bytes lies; in the host's form (host-form.ts) its translation follows. */
export const LONG_CODE = FX_RECORD_BYTES;
export const LENGTH = 16; // u32: bytes of CODE that count
export const MODE = 20; // u32: MODE_FLAT32 or MODE_CODE16
export const EIP = 24;
export const EFLAGS = 28;
export const REGISTERS = 32; // 8 of u32, in encoding order
// Results
export const VECTOR = 64; // u32: the exception that ended the case; 3 after normal completion
export const ERROR = 68;
export const EIP_AFTER = 72; // for vector 3: of the byte after the INT3
export const EFLAGS_AFTER = 76;
export const REGISTERS_AFTER = 80;
export const CR2 = 112; // for vector 14, else 0
export const DIFFERENCES = 116; // u32: bytes of memory that differ from the baseline
export const HASH = 120; // u32: over all differences
export const DIFFERENCE = 128; // the first of them: offset << 8 | value
export const MAX_DIFFERENCES = 24;
export const SELECTORS = 224; // 6 of u16, in encoding order
// Programs
export const HOST_LENGTH = 236; // u32: bytes of the translation for the host, 0: there is none
export const HOST_PAIRS = 240; // u32: pairs of u16 behind it: offset in the guest's code, offset in the host's
/** u32: not 0: stop when so many instructions are done; one that repeats counts once. The vector is then 1. */
export const STEPS = 244;

/** 32-bit code, all segments but FS and GS flat. */
export const MODE_FLAT32 = 0;
/** 16-bit code at CODE_BASE, 16-bit data and stack segment at DATA_BASE. */
export const MODE_CODE16 = 1;
/** Virtual-8086 mode: the same code and data pages as those of MODE_CODE16, at the paragraphs of environment.ts. */
export const MODE_V86 = 2;
export const is16 = (mode: number): boolean => mode !== MODE_FLAT32;

// Linear addresses of what a case may touch; everything else is not mapped for it.
export const DATA_BASE = 0x10000000;
/** Offsets of the three mapped pages. */
export const DATA_PAGES = [0, 0x1000, 0xf000] as const;
export const CODE_BASE = 0x20000000;
export const CODE_SIZE = 0x3000;
export const INT3 = 0xcc;

export const HASH_START = 0x811c9dc5;
export const hashStep = (hash: number, difference: number): number => Math.imul(hash ^ difference, 0x01000193);

export class Batch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly capacity: number;
  /** Bytes from record to record. */
  readonly stride: number;
  count = 0;
  constructor(capacity: number, stride = RECORD_BYTES) {
    this.capacity = capacity;
    this.stride = stride;
    this.bytes = new Uint8Array(capacity * stride);
    this.view = new DataView(this.bytes.buffer);
  }
  u32(n: number, field: number): number { return this.view.getUint32(n * this.stride + field, true); }
  setU32(n: number, field: number, value: number): void { this.view.setUint32(n * this.stride + field, value >>> 0, true); }
  selector(n: number, segment: number): number { return this.view.getUint16(n * this.stride + SELECTORS + 2 * segment, true); }
  setSelector(n: number, segment: number, value: number): void { this.view.setUint16(n * this.stride + SELECTORS + 2 * segment, value, true); }
  code(n: number): Uint8Array {
    const length = this.u32(n, LENGTH);
    const at = n * this.stride + (length > 16 ? LONG_CODE : CODE);
    return this.bytes.subarray(at, at + length);
  }
  setCode(n: number, code: Uint8Array): void {
    this.setU32(n, LENGTH, code.length);
    this.bytes.set(code, n * this.stride + (code.length > 16 ? LONG_CODE : CODE));
  }
  /** The FXSAVE images are there. */
  get hasFx(): boolean { return this.stride >= FX_RECORD_BYTES; }
  fxBefore(n: number): Uint8Array { return this.bytes.subarray(n * this.stride + FX_BEFORE, n * this.stride + FX_AFTER); }
  fxAfter(n: number): Uint8Array { return this.bytes.subarray(n * this.stride + FX_AFTER, n * this.stride + FX_AFTER + FX_BYTES); }
  clear(n: number): void { this.bytes.fill(0, n * this.stride, (n + 1) * this.stride); }
  get used(): Uint8Array { return this.bytes.subarray(0, this.count * this.stride); }
  /** Some of the cases, in a batch of their own. */
  select(cases: readonly number[]): Batch {
    const other = new Batch(Math.max(1, cases.length), this.stride);
    other.count = cases.length;
    for (const [i, n] of cases.entries()) other.bytes.set(this.bytes.subarray(n * this.stride, (n + 1) * this.stride), i * this.stride);
    return other;
  }
  /** The same cases, without results. */
  copy(): Batch {
    const other = new Batch(this.count, this.stride);
    other.count = this.count;
    other.bytes.set(this.used);
    return other;
  }
}
