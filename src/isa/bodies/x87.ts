/**
 * x87 instructions: operands are fetched and stored here, the arithmetic is the kernel's (src/cpu/x87), which does an
 * instruction's whole work on the registers, the status word and the tags. [SDM1 8]
 */
import * as L from '../../cpu/layout.ts';
import { X87_KERNEL_TYPES, X87_STORE_HIGH, X87_STORE_VALID } from '../../cpu/x87/kernel-interface.ts';
import type { Body, Condition, I32, I64, Ops } from '../ops.ts';
import type { OperandSize } from '../row.ts';

/** Bytes of what FST, FIST and FBSTP store. */
const STORE_BYTES: Partial<Record<OperandSize, number>> = { w: 2, d: 4, q: 8, t: 10 };

type KernelName = keyof typeof X87_KERNEL_TYPES;
/** Calls a kernel function with the type that its interface declares. */
const kernel = (o: Ops, name: KernelName, ...args: (I32 | I64)[]): I32 | I64 | undefined => {
  const { result } = X87_KERNEL_TYPES[name] as { result: 'i32' | 'i64' | undefined };
  return result === undefined ? o.kernel(name, undefined, ...args) : o.kernel(name, result, ...args);
};

/** A pending unmasked exception is reported before a waiting instruction does anything [SDM1 8.7]. */
const waiting = (o: Ops): void => o.e.ifRarely(o.x87Pending(), () => o.helper('X87_ERROR'));
/** An instruction on the stack alone, or with what `operands` gives. */
const arithmetic = (body: (o: Ops) => void, memory?: number): Body => (o) => {
  waiting(o);
  body(o);
  o.keepX87Pointers(memory);
};
const simple = (name: KernelName): Body => arithmetic((o) => void kernel(o, name));
const zero = (o: Ops): I32 => o.i32(0);

type Source = { suffix: 'f32' | 'i32'; value: I32 } | { suffix: 'f64'; value: I64 };
/** Memory operand 0 as a real (or, for `integer`, an integer of 16 or 32 bits, sign-extended). */
const source = (o: Ops, integer: boolean): Source => {
  const size = o.operandSize(0);
  if (size === 'q') return { suffix: 'f64', value: o.loadOperand(0, 'i64') as I64 };
  const value = o.loadOperand(0, size === 'w' ? 's16' : 'i32') as I32;
  return { suffix: integer ? 'i32' : 'f32', value };
};

/** FADD and its kin: with memory, or ST(0) = ST(0) op ST(i). */
const operation = (name: 'fadd' | 'fmul' | 'fsub' | 'fsubr' | 'fdiv' | 'fdivr', integer = false): Body => (o) => {
  waiting(o);
  if (!o.inMemory(0)) {
    kernel(o, `${name}_st`, zero(o), o.field(0), zero(o));
    o.keepX87Pointers(undefined);
    return;
  }
  const { suffix, value } = source(o, integer);
  kernel(o, `${name}_${suffix}`, value);
  o.keepX87Pointers(0);
};
/** ST(i) = ST(i) op ST(0), and perhaps a pop. */
const toRegister = (name: 'fadd' | 'fmul' | 'fsub' | 'fsubr' | 'fdiv' | 'fdivr', pop: number): Body =>
  arithmetic((o) => void kernel(o, `${name}_st`, o.field(0), zero(o), o.i32(pop)));

const compare = (pops: number, integer = false): Body => (o) => {
  waiting(o);
  if (!o.inMemory(0)) {
    kernel(o, 'fcom_st', o.field(0), o.i32(pops));
    o.keepX87Pointers(undefined);
    return;
  }
  const { suffix, value } = source(o, integer);
  kernel(o, `fcom_${suffix}`, value, o.i32(pops));
  o.keepX87Pointers(0);
};
/** FCOMI and FUCOMI set ZF, PF and CF. */
const compareFlags = (name: 'fcomi' | 'fucomi', pops: number): Body =>
  arithmetic((o) => o.writeFlags(kernel(o, name, o.field(0), o.i32(pops)) as I32));

const load: Body = (o) => {
  waiting(o);
  if (!o.inMemory(0)) {
    kernel(o, 'fld_st', o.field(0));
    o.keepX87Pointers(undefined);
    return;
  }
  if (o.operandSize(0) === 't') kernel(o, 'fld_f80', ...tenBytes(o));
  else {
    const { suffix, value } = source(o, false);
    kernel(o, suffix === 'f64' ? 'fld_f64' : 'fld_f32', value);
  }
  o.keepX87Pointers(0);
};
const tenBytes = (o: Ops): [I64, I32] => [o.loadOperand(0, 'i64') as I64, o.loadOperand(0, 'u16', 8) as I32];
const loadInteger: Body = arithmetic((o) => {
  const size = o.operandSize(0);
  const value = size === 'q' ? (o.loadOperand(0, 'i64') as I64) : o.toI64S(o.loadOperand(0, size === 'w' ? 's16' : 'i32') as I32);
  kernel(o, 'fild', value);
}, 0);

/**
 * Stores in two phases: the kernel computes, the store may fault, the kernel commits. An exception that is not masked
 * keeps the store from happening, but not from faulting.
 */
const storing = (pops: number, begin: (o: Ops) => () => void): Body => (o) => {
  waiting(o);
  const store = begin(o);
  o.offset(0); // once for both arms
  o.e.if(o.stateLoad('i32', X87_STORE_VALID), store, () => o.probeWrite(0, STORE_BYTES[o.operandSize(0)] as number));
  kernel(o, 'fst_commit', o.i32(pops));
  o.keepX87Pointers(0);
};
const store = (pops: number): Body => (o) => {
  if (!o.inMemory(0)) {
    arithmetic(() => void kernel(o, 'fst_st', o.field(0), o.i32(pops)))(o);
    return;
  }
  storing(pops, () => {
    const size = o.operandSize(0);
    if (size === 't') return storeTenBytes(o, kernel(o, 'fst_f80_begin') as I64);
    if (size === 'q') {
      const value = kernel(o, 'fst_f64_begin') as I64;
      return () => o.storeOperand(0, 'i64', value);
    }
    const value = kernel(o, 'fst_f32_begin') as I32;
    return () => o.storeOperand(0, 'i32', value);
  })(o);
};
const storeTenBytes = (o: Ops, low: I64) => () => {
  const high = o.stateLoad('u16', X87_STORE_HIGH);
  o.probeWrite(0, 10);
  o.storeOperand(0, 'i64', low);
  o.storeOperand(0, 'u16', high, 8);
};
const storeInteger = (pops: number, truncate: 0 | 1 = 0): Body => storing(pops, (o) => {
  const size = o.operandSize(0);
  const rounding = o.i32(truncate);
  if (size === 'q') {
    const value = kernel(o, 'fist_i64_begin', rounding) as I64;
    return () => o.storeOperand(0, 'i64', value);
  }
  const value = kernel(o, size === 'w' ? 'fist_i16_begin' : 'fist_i32_begin', rounding) as I32;
  return () => o.storeOperand(0, size === 'w' ? 'u16' : 'i32', value);
});

const moveIf = (code: Condition): Body => arithmetic((o) => void kernel(o, 'fcmov', o.field(0), o.condition(code)));

/** Sizes in bytes with a 16-bit and a 32-bit operand size [SDM1 8.1.10]. The body checks the segment, the helper pages. */
const loadImage = (helper: string, sizes: readonly [number, number]): Body => (o) => {
  waiting(o);
  o.loadOperand(0, 'u8');
  o.loadOperand(0, 'u8', sizes[o.osize === 16 ? 0 : 1] - 1);
  o.helper(helper, o.address(o.linear(0)), o.i32(o.osize === 16 ? 16 : 32));
};
const storeImage = (helper: string, sizes: readonly [number, number]): Body => (o) => {
  o.probeWrite(0, sizes[o.osize === 16 ? 0 : 1]);
  o.helper(helper, o.address(o.linear(0)), o.i32(o.osize === 16 ? 16 : 32));
};

/** Control instructions leave the instruction and operand pointers alone. */
const control: Record<string, Body> = {
  FNOP: waiting,
  // The 8087's interrupt enables and the 80287's mode switch do nothing, without waiting.
  FNENI: () => {}, FNDISI: () => {}, FNSETPM: () => {},
  FWAIT: waiting,
  FNINIT: (o) => void kernel(o, 'fninit'),
  FNCLEX: (o) => void kernel(o, 'fnclex'),
  FINCSTP: (o) => {
    waiting(o);
    kernel(o, 'fincstp');
  },
  FDECSTP: (o) => {
    waiting(o);
    kernel(o, 'fdecstp');
  },
  FFREE: (o) => {
    waiting(o);
    kernel(o, 'ffree', o.field(0));
  },
  // Not in the manual; processors free ST(i) and then pop ST(0).
  FFREEP: (o) => {
    waiting(o);
    kernel(o, 'ffree', o.field(0));
    kernel(o, 'ffree', o.i32(0));
    kernel(o, 'fincstp');
  },
  FLDCW: (o) => {
    waiting(o);
    kernel(o, 'fldcw', o.loadOperand(0, 'u16') as I32);
  },
  FNSTCW: (o) => o.storeOperand(0, 'u16', o.stateLoad('u16', L.FCW)),
  FNSTSW: (o) => {
    const fsw = o.stateLoad('u16', L.FSW);
    if (o.inMemory(0)) o.storeOperand(0, 'u16', fsw);
    else o.put(0, fsw);
  },
  FLDENV: loadImage('FLDENV', [14, 28]),
  FRSTOR: loadImage('FRSTOR', [94, 108]),
  FNSTENV: storeImage('FNSTENV', [14, 28]),
  FNSAVE: storeImage('FNSAVE', [94, 108]),
};

const onStack: KernelName[] = [
  'fchs', 'fabs', 'ftst', 'fxam', 'fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz', 'f2xm1', 'fyl2x', 'fptan', 'fpatan',
  'fxtract', 'fprem1', 'fprem', 'fyl2xp1', 'fsqrt', 'fsincos', 'frndint', 'fscale', 'fsin', 'fcos',
];

export const x87Bodies: Record<string, Body> = {
  ...control,
  ...Object.fromEntries(onStack.map((name) => [name.toUpperCase(), simple(name)])),
  FADD: operation('fadd'), FMUL: operation('fmul'), FSUB: operation('fsub'), FSUBR: operation('fsubr'), FDIV: operation('fdiv'), FDIVR: operation('fdivr'),
  FIADD: operation('fadd', true), FIMUL: operation('fmul', true), FISUB: operation('fsub', true), FISUBR: operation('fsubr', true),
  FIDIV: operation('fdiv', true), FIDIVR: operation('fdivr', true),
  FADD_TO: toRegister('fadd', 0), FMUL_TO: toRegister('fmul', 0), FSUB_TO: toRegister('fsub', 0), FSUBR_TO: toRegister('fsubr', 0),
  FDIV_TO: toRegister('fdiv', 0), FDIVR_TO: toRegister('fdivr', 0),
  FADDP: toRegister('fadd', 1), FMULP: toRegister('fmul', 1), FSUBP: toRegister('fsub', 1), FSUBRP: toRegister('fsubr', 1),
  FDIVP: toRegister('fdiv', 1), FDIVRP: toRegister('fdivr', 1),
  FCOM: compare(0), FCOMP: compare(1), FICOM: compare(0, true), FICOMP: compare(1, true),
  FCOMPP: arithmetic((o) => void kernel(o, 'fcom_st', o.i32(1), o.i32(2))),
  FUCOM: arithmetic((o) => void kernel(o, 'fucom_st', o.field(0), o.i32(0))),
  FUCOMP: arithmetic((o) => void kernel(o, 'fucom_st', o.field(0), o.i32(1))),
  FUCOMPP: arithmetic((o) => void kernel(o, 'fucom_st', o.i32(1), o.i32(2))),
  FCOMI: compareFlags('fcomi', 0), FCOMIP: compareFlags('fcomi', 1), FUCOMI: compareFlags('fucomi', 0), FUCOMIP: compareFlags('fucomi', 1),
  FLD: load, FILD: loadInteger, FBLD: arithmetic((o) => void kernel(o, 'fbld', ...tenBytes(o)), 0),
  FST: store(0), FSTP: store(1), FIST: storeInteger(0), FISTP: storeInteger(1), FISTTP: storeInteger(1, 1),
  FBSTP: storing(1, (o) => storeTenBytes(o, kernel(o, 'fbstp_begin') as I64)),
  FSTPNCE: arithmetic((o) => void kernel(o, 'fstpnce', o.field(0))),
  FXCH: arithmetic((o) => void kernel(o, 'fxch', o.field(0))),
  FCMOVB: moveIf(2), FCMOVE: moveIf(4), FCMOVBE: moveIf(6), FCMOVU: moveIf(10),
  FCMOVNB: moveIf(3), FCMOVNE: moveIf(5), FCMOVNBE: moveIf(7), FCMOVNU: moveIf(11),
};
