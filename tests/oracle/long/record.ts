/**
 * One test case of 64-bit code, an instruction or a program, as the two executors exchange it, little-endian. Offsets into the record; host/execute64.c has the
 * same layout as a struct.
 */
import { FX_BYTES, Records } from '../batch.ts';

export { CODE_SIZE, DATA_PAGES, FX_BYTES, INT3 } from '../batch.ts';
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
/** FXSAVE64 images [SDM2 FXSAVE]: x87, MMX and SSE state. */
export const FX_BEFORE = 512;
export const FX_AFTER = 1024;
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
/** Within reach of a 32-bit displacement to the data. */
export const CODE_BASE = 0x5a50_2000_0000;

export class Batch extends Records {
  constructor(capacity: number) {
    super(capacity, RECORD_BYTES);
  }
  protected another(capacity: number): this { return new Batch(capacity) as this; }
  code(n: number): Uint8Array { return this.part(n, CODE, this.u32(n, LENGTH)); }
  setCode(n: number, code: Uint8Array): void {
    this.setU32(n, LENGTH, code.length);
    this.bytes.set(code, n * RECORD_BYTES + CODE);
  }
  fxBefore(n: number): Uint8Array { return this.part(n, FX_BEFORE, FX_BYTES); }
  fxAfter(n: number): Uint8Array { return this.part(n, FX_AFTER, FX_BYTES); }
  ymm(n: number, field: number): Uint8Array { return this.part(n, field, YMM_BYTES); }
}
