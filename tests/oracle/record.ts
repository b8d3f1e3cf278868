/**
 * One test case, as the executors exchange it, little-endian: 256 bytes; in records that are longer, two FXSAVE images
 * (x87, MMX and SSE state before and after [SDM2 FXSAVE]); behind those the code of a program when that is longer than 16
 * bytes. Offsets into the record; the C programs in host/ and qemu/ have the same layout as a struct.
 */
import { FX_BYTES, Records } from './batch.ts';

export { CODE_SIZE, DATA_PAGES, FX_BYTES, HASH_START, hashStep, INT3, MAX_DIFFERENCES } from './batch.ts';
export const RECORD_BYTES = 256;
export const CODE = 0; // 16 bytes
export const FX_BEFORE = 256;
export const FX_AFTER = FX_BEFORE + FX_BYTES;
/** Records of this length have the FXSAVE images. */
export const FX_RECORD_BYTES = FX_AFTER + FX_BYTES;
/** Where code that is longer than 16 bytes lies. */
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
export const SELECTORS = 224; // 6 of u16, in encoding order
// Programs
/** u32: not 0: stop when so many instructions are done; one that repeats counts once. The vector is then 1. */
export const STEPS = 244;

/** 6 of u8: the selectors before, in encoding order; not of virtual-8086 mode. */
export const SELECTORS_BEFORE = 248;

/** 32-bit code, all segments but FS and GS flat. */
export const MODE_FLAT32 = 0;
/** 16-bit code at CODE_BASE, 16-bit data and stack segment at DATA_BASE. */
export const MODE_CODE16 = 1;
/** Virtual-8086 mode: the same code and data pages as those of MODE_CODE16, at the paragraphs of environment.ts. */
export const MODE_V86 = 2;
export const is16 = (mode: number): boolean => mode !== MODE_FLAT32;

// Linear addresses of what a case may touch; everything else is not mapped for it.
export const DATA_BASE = 0x10000000;
export const CODE_BASE = 0x20000000;

export class Batch extends Records {
  constructor(capacity: number, stride = RECORD_BYTES) {
    super(capacity, stride);
  }
  protected another(capacity: number): this { return new Batch(capacity, this.stride) as this; }
  selector(n: number, segment: number): number { return this.view.getUint16(n * this.stride + SELECTORS + 2 * segment, true); }
  setSelector(n: number, segment: number, value: number): void { this.view.setUint16(n * this.stride + SELECTORS + 2 * segment, value, true); }
  selectorBefore(n: number, segment: number): number { return this.view.getUint8(n * this.stride + SELECTORS_BEFORE + segment); }
  setSelectorsBefore(n: number, selectors: readonly number[]): void { this.bytes.set(selectors, n * this.stride + SELECTORS_BEFORE); }
  code(n: number): Uint8Array {
    const length = this.u32(n, LENGTH);
    return this.part(n, length > 16 ? LONG_CODE : CODE, length);
  }
  setCode(n: number, code: Uint8Array): void {
    this.setU32(n, LENGTH, code.length);
    this.bytes.set(code, n * this.stride + (code.length > 16 ? LONG_CODE : CODE));
  }
  /** The FXSAVE images are there. */
  get hasFx(): boolean { return this.stride >= FX_RECORD_BYTES; }
  fxBefore(n: number): Uint8Array { return this.part(n, FX_BEFORE, FX_BYTES); }
  fxAfter(n: number): Uint8Array { return this.part(n, FX_AFTER, FX_BYTES); }
}
