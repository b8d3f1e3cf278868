/**
 * The x87 leaf kernel as instruction bodies see it: every exported WebAssembly function with its type and meaning.
 * `X87_KERNEL_TYPES` is the single list; the TypeScript interface follows from it, and emitters import from it.
 *
 * The first parameter of every function is the arena address of the vCPU's state. A function does an instruction's
 * whole work on FPR, FCW, FSW and FTW [SDM1 8]: operand checks, stack faults, the result, condition codes, exception
 * flags with ES and B, and the pops. Left to the body: CR0.EM/TS (#NM), the pending #MF before a waiting instruction
 * (`es_pending`), FOP, FIP, FCS, FDP and FDS, and guest memory.
 *
 * Memory sources come as values, read by the body first. Memory destinations have two phases, since the store may
 * fault and no state may have changed by then:
 *     value = fst_f64_begin(cpu)          computes; touches only X87_SCRATCH
 *     if (load32(cpu + X87_STORE_VALID)) store(value)    may fault
 *     fst_commit(cpu, pops)               condition codes, exception flags, pops (none after an unmasked exception)
 */
import { X87_SCRATCH } from '../layout.ts';

/** u32, set by the `_begin` functions: 1 when the value is to be stored, 0 when an unmasked exception forbids it. */
export const X87_STORE_VALID = X87_SCRATCH;
/** u32, set by `fst_f80_begin` and `fbstp_begin`: bytes 8 and 9 of the operand. */
export const X87_STORE_HIGH = X87_SCRATCH + 4;
/** What the functions on numbers in compiled code leave besides (kernel/value-instructions.ts): C1 as 0 or 1 (u32), and a number's sign (u64). */
export const X87_VALUE_C1 = X87_SCRATCH + 8;
export const X87_VALUE_SIGN = X87_SCRATCH + 16;
/** In the exponent of a number in compiled code: it is not a normal number. */
export const X87_VALUE_SPECIAL = 1 << 20;

export type WasmType = 'i32' | 'i64';
export interface KernelFunctionType {
  readonly params: readonly WasmType[];
  readonly result: WasmType | undefined;
}

type Value<T> = T extends 'i64' ? bigint : number;
type Values<P extends readonly WasmType[]> = { -readonly [I in keyof P]: Value<P[I]> };

function fn<const P extends readonly WasmType[]>(params: P): { params: P; result: undefined };
function fn<const P extends readonly WasmType[], R extends WasmType>(params: P, result: R): { params: P; result: R };
function fn(params: readonly WasmType[], result?: WasmType): KernelFunctionType {
  return { params, result };
}

const CPU = ['i32'] as const;
/** (cpu, dst, src, pop): ST(dst) = ST(dst) op ST(src), then `pop` (0 or 1) pops. dst or src is 0. */
const ARITH_ST = ['i32', 'i32', 'i32', 'i32'] as const;
/** (cpu, value): an m32 real's bits, or a sign-extended m16 or m32 integer. */
const OPERAND_32 = ['i32', 'i32'] as const;
/** (cpu, value): an m64 real's bits. */
const OPERAND_64 = ['i32', 'i64'] as const;
/** (cpu, i): a stack register ST(i). */
const REGISTER = ['i32', 'i32'] as const;
/** (cpu, operand, pops): operand is a register number, or bits as for OPERAND_32. */
const COMPARE_32 = ['i32', 'i32', 'i32'] as const;
const COMPARE_64 = ['i32', 'i64', 'i32'] as const;
/** A number in compiled code: exponent, sign (bit 63), significand. See kernel/value-instructions.ts. */
const VALUE = ['i32', 'i64', 'i64'] as const;

export const X87_KERNEL_TYPES = {
  /** 1 when FSW.ES is set: a waiting instruction raises #MF (or signals FERR#, by CR0.NE) before anything else. */
  es_pending: fn(CPU, 'i32'),

  // Control. FNSTCW and FNSTSW read FCW and FSW directly.
  /** FNINIT: FCW 037F, FSW 0, all registers empty; FOP, FIP and FDP cleared. */
  fninit: fn(CPU),
  /** FNCLEX: clears the exception flags, SF, ES and B. */
  fnclex: fn(CPU),
  /** FLDCW m16: takes the value as read; sets or clears ES and B by the new masks. */
  fldcw: fn(OPERAND_32),
  /** Recomputes ES and B after FSW or FCW were written by other means (FLDENV, FRSTOR, FXRSTOR). */
  update_summary: fn(CPU),
  fincstp: fn(CPU),
  fdecstp: fn(CPU),
  /** FFREE ST(i). */
  ffree: fn(REGISTER),

  // Arithmetic on registers.
  fadd_st: fn(ARITH_ST),
  fmul_st: fn(ARITH_ST),
  /** ST(dst) = ST(dst) - ST(src). */
  fsub_st: fn(ARITH_ST),
  /** ST(dst) = ST(src) - ST(dst). */
  fsubr_st: fn(ARITH_ST),
  /** ST(dst) = ST(dst) / ST(src). */
  fdiv_st: fn(ARITH_ST),
  /** ST(dst) = ST(src) / ST(dst). */
  fdivr_st: fn(ARITH_ST),

  // Arithmetic with memory: ST(0) = ST(0) op value; the reversed forms ST(0) = value op ST(0).
  fadd_f32: fn(OPERAND_32),
  fmul_f32: fn(OPERAND_32),
  fsub_f32: fn(OPERAND_32),
  fsubr_f32: fn(OPERAND_32),
  fdiv_f32: fn(OPERAND_32),
  fdivr_f32: fn(OPERAND_32),
  fadd_f64: fn(OPERAND_64),
  fmul_f64: fn(OPERAND_64),
  fsub_f64: fn(OPERAND_64),
  fsubr_f64: fn(OPERAND_64),
  fdiv_f64: fn(OPERAND_64),
  fdivr_f64: fn(OPERAND_64),
  /** FIADD m16/m32 (sign-extended), and so on. */
  fadd_i32: fn(OPERAND_32),
  fmul_i32: fn(OPERAND_32),
  fsub_i32: fn(OPERAND_32),
  fsubr_i32: fn(OPERAND_32),
  fdiv_i32: fn(OPERAND_32),
  fdivr_i32: fn(OPERAND_32),

  // Comparisons. `pops` is 0, 1 or 2.
  /** FCOM, FCOMP, FCOMPP with ST(i). */
  fcom_st: fn(COMPARE_32),
  /** FUCOM, FUCOMP, FUCOMPP with ST(i). */
  fucom_st: fn(COMPARE_32),
  fcom_f32: fn(COMPARE_32),
  fcom_f64: fn(COMPARE_64),
  /** FICOM, FICOMP m16/m32 (sign-extended). */
  fcom_i32: fn(COMPARE_32),
  /** FCOMI, FCOMIP: returns ZF, PF and CF in their EFLAGS positions (OF, SF and AF become 0). */
  fcomi: fn(COMPARE_32, 'i32'),
  /** FUCOMI, FUCOMIP: as `fcomi`. */
  fucomi: fn(COMPARE_32, 'i32'),
  ftst: fn(CPU),
  fxam: fn(CPU),

  // Loads (push).
  fld_st: fn(REGISTER),
  fld_f32: fn(OPERAND_32),
  fld_f64: fn(OPERAND_64),
  /** FLD m80: (cpu, significand, sign and exponent in bits 0-15). */
  fld_f80: fn(['i32', 'i64', 'i32']),
  /** FILD m16/m32/m64, sign-extended to 64 bits. */
  fild: fn(OPERAND_64),
  /** FBLD: (cpu, bytes 0-7, bytes 8-9). */
  fbld: fn(['i32', 'i64', 'i32']),
  fld1: fn(CPU),
  fldl2t: fn(CPU),
  fldl2e: fn(CPU),
  fldpi: fn(CPU),
  fldlg2: fn(CPU),
  fldln2: fn(CPU),
  fldz: fn(CPU),

  // Stores. FST m32/m64, FSTP m32/m64/m80, FIST, FISTP, FISTTP, FBSTP; see the file header.
  fst_f32_begin: fn(CPU, 'i32'),
  fst_f64_begin: fn(CPU, 'i64'),
  /** FSTP m80: returns the significand; sign and exponent in X87_STORE_HIGH. */
  fst_f80_begin: fn(CPU, 'i64'),
  /** (cpu, truncate): truncate is 1 for FISTTP, else 0 (round by RC). The value is in the low 16 bits. */
  fist_i16_begin: fn(['i32', 'i32'], 'i32'),
  fist_i32_begin: fn(['i32', 'i32'], 'i32'),
  fist_i64_begin: fn(['i32', 'i32'], 'i64'),
  /** FBSTP: returns bytes 0-7; bytes 8 and 9 in X87_STORE_HIGH. */
  fbstp_begin: fn(CPU, 'i64'),
  /** (cpu, pops): ends a store that a `_begin` function began. */
  fst_commit: fn(['i32', 'i32']),

  // Register moves.
  /** FST ST(i), FSTP ST(i): (cpu, i, pop). */
  fst_st: fn(['i32', 'i32', 'i32']),
  /** D9 /3 with a register: FSTP that does not check for an empty ST(0). */
  fstpnce: fn(REGISTER),
  fxch: fn(REGISTER),
  /** FCMOVcc ST(0), ST(i): (cpu, i, condition holds: 0 or 1). */
  fcmov: fn(['i32', 'i32', 'i32']),

  // The rest: operands on the stack only.
  fchs: fn(CPU),
  fabs: fn(CPU),
  fsqrt: fn(CPU),
  frndint: fn(CPU),
  fscale: fn(CPU),
  fxtract: fn(CPU),
  fprem: fn(CPU),
  fprem1: fn(CPU),
  f2xm1: fn(CPU),
  fyl2x: fn(CPU),
  fyl2xp1: fn(CPU),
  fptan: fn(CPU),
  fpatan: fn(CPU),
  fsin: fn(CPU),
  fcos: fn(CPU),
  fsincos: fn(CPU),

  // On numbers in compiled code, where it does not compute itself.
  /** (cpu, operation, a, b): FADD, FMUL, FSUB, FSUBR, FDIV and FDIVR by 0 to 5. */
  value_arithmetic: fn(['i32', 'i32', ...VALUE, ...VALUE], 'i64'),
  value_sqrt: fn(['i32', ...VALUE], 'i64'),
  value_rndint: fn(['i32', ...VALUE], 'i64'),
  /** (cpu, quiet, a, b): the condition codes C0, C2 and C3 as FSW has them; quiet as FUCOM is. */
  value_compare: fn(['i32', 'i32', ...VALUE, ...VALUE], 'i32'),
  /** (cpu, 23 or 52, a): the bits of a single or double. */
  value_narrow: fn(['i32', 'i32', ...VALUE], 'i64'),
  /** (cpu, bits, truncate, a): an integer. */
  value_integer: fn(['i32', 'i32', 'i32', ...VALUE], 'i64'),
} satisfies Record<string, KernelFunctionType>;

type Types = typeof X87_KERNEL_TYPES;

/** The instance's exports. In WebAssembly's JavaScript interface an i64 is a bigint. */
export type X87Kernel = {
  readonly [K in keyof Types]: (
    ...args: Values<Types[K]['params']>
  ) => Types[K]['result'] extends WasmType ? Value<Types[K]['result']> : void;
};
