/**
 * Runs one case of the x87 oracle (a record of x87-oracle.c) on the kernel and says how the outcome differs from the
 * host processor's. The small decoder here stands in for the instruction bodies.
 */
import * as L from '../../../src/cpu/layout.ts';
import { X87_STORE_HIGH, X87_STORE_VALID, type X87Kernel } from '../../../src/cpu/x87/kernel-interface.ts';

export const RECORD_SIZE = 196;
const IN_FCW = 2, IN_FSW = 4, IN_TAGS = 6, OUT_EFLAGS = 7, IN_ST = 8, IN_MEMORY = 88;
const OUT_FCW = 98, OUT_FSW = 100, OUT_TAGS = 102, OUT_ST = 104, OUT_MEMORY = 184;
const EFLAGS_COMPARISON = 0x45;
const FSW_C1 = 1 << 9;
const UE = 1 << 4, ES = 1 << 7, B = 1 << 15;
/** What an unmasked underflow adds to the exponent [SDM1 8.5.5]. */
const UNDERFLOW_BIAS = 24576n;
/** The magnitude of the smallest normal number, as `magnitude` gives it. */
const SMALLEST_NORMAL = 1n << 63n;
/** An address past the kernel's constants. */
export const CPU_BASE = 0x10000;

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** How a case ended. */
export interface Outcome {
  /** Empty when the kernel did what the processor did. */
  readonly differences: readonly string[];
  /** The differences are one unit in the last place and C1 at most: what the manual leaves open [SDM1 8.3.10]. */
  readonly isRounding: boolean;
}

/** Sign and exponent above the significand, as one number. */
const realAt = (view: DataView, at: number): bigint =>
  (BigInt(view.getUint16(at + 8, true)) << 64n) | view.getBigUint64(at, true);

/** What reals of the same sign count up by one from each to the next. */
const magnitude = (real: bigint, bias = 0n): bigint => (((real >> 64n) & 0x7fffn) - bias) * SMALLEST_NORMAL + (real & (SMALLEST_NORMAL - 1n));
const sign = (real: bigint): bigint => real >> 79n;

/** Whether two reals are neighbours. */
function isNext(a: bigint, b: bigint): boolean {
  const distance = magnitude(a) - magnitude(b);
  return sign(a) === sign(b) && (distance === 1n || distance === -1n);
}
/** Whether they are the smallest normal number and, after an underflow, the one below it. */
const isAtTheEdge = (normal: bigint, tiny: bigint, bias: bigint): boolean =>
  sign(normal) === sign(tiny) && magnitude(normal) === SMALLEST_NORMAL && magnitude(tiny, bias) === SMALLEST_NORMAL - 1n;

/** The kernel on a memory of its own, with the vCPU's state at `CPU_BASE`. */
export class Subject {
  readonly view: DataView;
  readonly x87: X87Kernel;
  private readonly bytes: Uint8Array;
  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: 2 });
    this.view = new DataView(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    this.x87 = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as X87Kernel;
  }

  u16(offset: number): number { return this.view.getUint16(CPU_BASE + offset, true); }
  u32(offset: number): number { return this.view.getUint32(CPU_BASE + offset, true); }

  private slot(i: number): number {
    return CPU_BASE + L.FPR + ((((this.u16(L.FSW) >> 11) + i) & 7) << 4);
  }

  /** Runs the record at `at` and compares the first `registers` stack registers and all else. */
  check(record: DataView, at: number, registers = 8): Outcome {
    const v = this.view;
    v.setUint16(CPU_BASE + L.FCW, record.getUint16(at + IN_FCW, true), true);
    v.setUint16(CPU_BASE + L.FSW, record.getUint16(at + IN_FSW, true), true);
    v.setUint8(CPU_BASE + L.FTOP, (record.getUint16(at + IN_FSW, true) >> 11) & 7);
    v.setUint8(CPU_BASE + L.FTW, record.getUint8(at + IN_TAGS));
    for (let i = 0; i < 8; i++) {
      v.setBigUint64(this.slot(i), record.getBigUint64(at + IN_ST + i * 10, true), true);
      v.setUint16(this.slot(i) + 8, record.getUint16(at + IN_ST + i * 10 + 8, true), true);
    }
    const memory = new DataView(new ArrayBuffer(16));
    for (let i = 0; i < 10; i++) memory.setUint8(i, record.getUint8(at + IN_MEMORY + i));
    const flags = this.execute(record.getUint8(at), record.getUint8(at + 1), memory);
    return this.compare(record, at, registers, memory, flags);
  }

  private compare(record: DataView, at: number, registers: number, memory: DataView, flags: number | undefined): Outcome {
    const differences: string[] = [];
    let isRounding = true;
    const expect = (name: string, got: number | bigint, want: number | bigint, digits: number, close = false): void => {
      if (got === want) return;
      differences.push(`${name} ${hex(got, digits)} instead of ${hex(want, digits)}`);
      if (!close) isRounding = false;
    };
    const fsw = this.u16(L.FSW);
    const wantFsw = record.getUint16(at + OUT_FSW, true);
    // The last place may decide whether a result is tiny, and so whether it underflows.
    const underflows = (record.getUint16(at + IN_FCW, true) & UE) !== 0 ? UE : UE | ES | B;
    const bias = underflows === UE ? 0n : UNDERFLOW_BIAS;
    const edge = ((fsw ^ wantFsw) & UE) !== 0;
    expect('FSW', fsw, wantFsw, 4, ((fsw ^ wantFsw) & ~(edge ? underflows | FSW_C1 : FSW_C1)) === 0);
    expect('FCW', this.u16(L.FCW), record.getUint16(at + OUT_FCW, true), 4);
    const tags = record.getUint16(at + OUT_TAGS, true);
    let valid = 0;
    for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== 3) valid |= 1 << i;
    expect('FTW', this.bytes[CPU_BASE + L.FTW], valid, 2);
    let explained = !edge;
    for (let i = 0; i < registers; i++) {
      const got = realAt(this.view, this.slot(i));
      const want = realAt(record, at + OUT_ST + i * 10);
      const atTheEdge = edge && ((fsw & UE) !== 0 ? isAtTheEdge(want, got, bias) : isAtTheEdge(got, want, bias));
      expect(`ST${i}`, got, want, 20, i < 2 && (atTheEdge || isNext(got, want)));
      explained ||= atTheEdge;
    }
    for (let i = 0; i < 10; i++) expect(`memory+${i}`, memory.getUint8(i), record.getUint8(at + OUT_MEMORY + i), 2);
    if (!explained) isRounding = false;
    if (flags !== undefined) expect('EFLAGS', flags, record.getUint8(at + OUT_EFLAGS) & EFLAGS_COMPARISON, 2);
    return { differences, isRounding };
  }

  /** Commits a store whose value `write` puts into memory. */
  private stored(pops: number, write: () => void): void {
    if (this.u32(X87_STORE_VALID)) write();
    this.x87.fst_commit(CPU_BASE, pops);
  }

  private execute(opcode: number, modrm: number, m: DataView): number | undefined {
    if (modrm >= 0xc0) return this.register(opcode, modrm);
    const op = (modrm >> 3) & 7;
    if (opcode === 0xd8 || opcode === 0xda || opcode === 0xdc || opcode === 0xde) this.memoryArithmetic(opcode, op, m);
    else if (opcode === 0xd9) this.memoryD9(op, m);
    else if (opcode === 0xdb) this.memoryDB(op, m);
    else if (opcode === 0xdd) this.memoryDD(op, m);
    else this.memoryDF(op, m);
    return undefined;
  }

  private memoryArithmetic(opcode: number, op: number, m: DataView): void {
    const x = this.x87;
    if (opcode === 0xdc) {
      const value = m.getBigInt64(0, true);
      if (op === 2 || op === 3) x.fcom_f64(CPU_BASE, value, op - 2);
      else [x.fadd_f64, x.fmul_f64, x.fadd_f64, x.fadd_f64, x.fsub_f64, x.fsubr_f64, x.fdiv_f64, x.fdivr_f64][op](CPU_BASE, value);
    } else if (opcode === 0xd8) {
      const value = m.getInt32(0, true);
      if (op === 2 || op === 3) x.fcom_f32(CPU_BASE, value, op - 2);
      else [x.fadd_f32, x.fmul_f32, x.fadd_f32, x.fadd_f32, x.fsub_f32, x.fsubr_f32, x.fdiv_f32, x.fdivr_f32][op](CPU_BASE, value);
    } else {
      const value = opcode === 0xda ? m.getInt32(0, true) : m.getInt16(0, true);
      if (op === 2 || op === 3) x.fcom_i32(CPU_BASE, value, op - 2);
      else [x.fadd_i32, x.fmul_i32, x.fadd_i32, x.fadd_i32, x.fsub_i32, x.fsubr_i32, x.fdiv_i32, x.fdivr_i32][op](CPU_BASE, value);
    }
  }

  private memoryD9(op: number, m: DataView): void {
    const x = this.x87;
    if (op === 0) x.fld_f32(CPU_BASE, m.getInt32(0, true));
    else if (op === 5) x.fldcw(CPU_BASE, m.getUint16(0, true));
    else {
      const value = x.fst_f32_begin(CPU_BASE);
      this.stored(op - 2, () => m.setInt32(0, value, true));
    }
  }

  private memoryDB(op: number, m: DataView): void {
    const x = this.x87;
    if (op === 0) x.fild(CPU_BASE, BigInt(m.getInt32(0, true)));
    else if (op === 5) x.fld_f80(CPU_BASE, m.getBigInt64(0, true), m.getUint16(8, true));
    else if (op === 7) {
      const value = x.fst_f80_begin(CPU_BASE);
      this.stored(1, () => this.storeTen(m, value));
    } else {
      const value = x.fist_i32_begin(CPU_BASE, op === 1 ? 1 : 0);
      this.stored(op === 2 ? 0 : 1, () => m.setInt32(0, value, true));
    }
  }

  private memoryDD(op: number, m: DataView): void {
    const x = this.x87;
    if (op === 0) x.fld_f64(CPU_BASE, m.getBigInt64(0, true));
    else {
      const value = op === 1 ? x.fist_i64_begin(CPU_BASE, 1) : x.fst_f64_begin(CPU_BASE);
      this.stored(op === 2 ? 0 : 1, () => m.setBigInt64(0, value, true));
    }
  }

  private memoryDF(op: number, m: DataView): void {
    const x = this.x87;
    if (op === 0) x.fild(CPU_BASE, BigInt(m.getInt16(0, true)));
    else if (op === 4) x.fbld(CPU_BASE, m.getBigInt64(0, true), m.getUint16(8, true));
    else if (op === 5) x.fild(CPU_BASE, m.getBigInt64(0, true));
    else if (op === 6) {
      const value = x.fbstp_begin(CPU_BASE);
      this.stored(1, () => this.storeTen(m, value));
    } else if (op === 7) {
      const value = x.fist_i64_begin(CPU_BASE, 0);
      this.stored(1, () => m.setBigInt64(0, value, true));
    } else {
      const value = x.fist_i16_begin(CPU_BASE, op === 1 ? 1 : 0);
      this.stored(op === 2 ? 0 : 1, () => m.setInt16(0, value, true));
    }
  }

  private storeTen(m: DataView, value: bigint): void {
    m.setBigInt64(0, value, true);
    m.setUint16(8, this.u32(X87_STORE_HIGH), true);
  }

  private register(opcode: number, modrm: number): number | undefined {
    const x = this.x87;
    const op = (modrm >> 3) & 7;
    const i = modrm & 7;
    if (opcode === 0xd8 && (op === 2 || op === 3)) x.fcom_st(CPU_BASE, i, op - 2);
    else if (opcode === 0xd8) {
      [x.fadd_st, x.fmul_st, x.fadd_st, x.fadd_st, x.fsub_st, x.fsubr_st, x.fdiv_st, x.fdivr_st][op](CPU_BASE, 0, i, 0);
    } else if (opcode === 0xde && modrm === 0xd9) x.fcom_st(CPU_BASE, 1, 2);
    else if (opcode === 0xdc || opcode === 0xde) {
      const f = [x.fadd_st, x.fmul_st, x.fadd_st, x.fadd_st, x.fsubr_st, x.fsub_st, x.fdivr_st, x.fdiv_st][op];
      f(CPU_BASE, i, 0, opcode === 0xde ? 1 : 0);
    } else if (opcode === 0xd9) this.registerD9(modrm, op, i);
    else if (opcode === 0xda && modrm === 0xe9) x.fucom_st(CPU_BASE, 1, 2);
    else if (opcode === 0xdd) {
      if (op === 0) x.ffree(CPU_BASE, i);
      else if (op < 4) x.fst_st(CPU_BASE, i, op - 2);
      else x.fucom_st(CPU_BASE, i, op - 4);
    } else if (opcode === 0xda) x.fcmov(CPU_BASE, i, 0); // FCMOVcc for carry, zero, parity: EFLAGS are ZF=1, PF=1, CF=0
    else if (opcode === 0xdf && op === 0) {
      // As the body of FFREEP does.
      x.ffree(CPU_BASE, i);
      x.ffree(CPU_BASE, 0);
      x.fincstp(CPU_BASE);
    } else if (modrm === 0xe2) x.fnclex(CPU_BASE);
    else if (modrm === 0xe3) x.fninit(CPU_BASE);
    else if (op === 5) return x.fucomi(CPU_BASE, i, opcode === 0xdf ? 1 : 0);
    else return x.fcomi(CPU_BASE, i, opcode === 0xdf ? 1 : 0);
    return undefined;
  }

  private registerD9(modrm: number, op: number, i: number): void {
    const x = this.x87;
    if (op === 0) x.fld_st(CPU_BASE, i);
    else if (op === 1) x.fxch(CPU_BASE, i);
    else if (op === 3) x.fstpnce(CPU_BASE, i);
    else {
      const nothing = (): void => {};
      [
        x.fchs, x.fabs, nothing, nothing, x.ftst, x.fxam, nothing, nothing,
        x.fld1, x.fldl2t, x.fldl2e, x.fldpi, x.fldlg2, x.fldln2, x.fldz, nothing,
        x.f2xm1, x.fyl2x, x.fptan, x.fpatan, x.fxtract, x.fprem1, x.fdecstp, x.fincstp,
        x.fprem, x.fyl2xp1, x.fsqrt, x.fsincos, x.frndint, x.fscale, x.fsin, x.fcos,
      ][modrm - 0xe0](CPU_BASE);
    }
  }
}

/** One record as text, for a report. */
export function describe(record: DataView, at: number): string {
  const real = (offset: number): string =>
    `${hex(record.getUint16(at + offset + 8, true), 4)}:${hex(record.getBigUint64(at + offset, true), 16)}`;
  const memory = Array.from({ length: 10 }, (_, i) => hex(record.getUint8(at + IN_MEMORY + 9 - i), 2)).join('');
  return (
    `${hex(record.getUint8(at), 2)}${hex(record.getUint8(at + 1), 2)} FCW ${hex(record.getUint16(at + IN_FCW, true), 4)} ` +
    `FSW ${hex(record.getUint16(at + IN_FSW, true), 4)}->${hex(record.getUint16(at + OUT_FSW, true), 4)} ` +
    `FTW ${hex(record.getUint8(at + IN_TAGS), 2)} ` +
    `ST0 ${real(IN_ST)} ST1 ${real(IN_ST + 10)} memory ${memory} -> ST0 ${real(OUT_ST)} ST1 ${real(OUT_ST + 10)}`
  );
}

/** Whether the manual leaves the result undefined: FYL2XP1 from 1 - sqrt(1/2) on, here from 1/4. */
export function isUndefined(record: DataView, at: number): boolean {
  const exponent = record.getUint16(at + IN_ST + 8, true) & 0x7fff;
  return record.getUint16(at, false) === 0xd9f9 && exponent >= 0x3ffd && exponent < 0x7fff;
}
