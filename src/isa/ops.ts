/**
 * The machine as an instruction body sees it. A body is written once against this class; a driver decides what an operand
 * is (a field of a decoded record in the interpreter, a constant in a compiled region), where flags are kept and how
 * control leaves. Bodies must write architectural state only after their last access that can fault.
 *
 * Integers: values of 8, 16 and 32 bits are `i32`, zero-extended when read; only the low bits count when written.
 * Values of 64 bits are `i64`.
 */
import type { BINARY, COMPARE, CONVERT, EXTRACT, IntType, LOAD, REPLACE, SIMD, STORE, Type, UNARY } from '../wasm/opcodes.ts';
import type { Label, Val, Variable } from '../wasm/function.ts';
import type { CodeSize } from './decode.ts';
import type { OperandKind, OperandSize } from './row.ts';
import { Shorthand } from './shorthand.ts';

export type { Label, Val, Variable };
export type I32 = Val<'i32'>;
export type I64 = Val<'i64'>;
export type V128 = Val<'v128'>;
export type Int = Val<IntType>;

/** Typed values and structured control; `FunctionBuilder` is one, a region's IR another. */
export interface Emitter {
  i32(value: number): I32;
  i64(value: bigint | number): I64;
  f32(value: number): Val<'f32'>;
  f64(value: number): Val<'f64'>;
  v128(bytes: ArrayLike<number>): V128;
  binary<T extends Type>(op: keyof typeof BINARY, a: Val<T>, b: Val<T>): Val<T>;
  compare<T extends Type>(op: keyof typeof COMPARE, a: Val<T>, b: Val<T>): I32;
  unary<T extends Type>(op: keyof typeof UNARY, a: Val<T>): Val<T>;
  eqz(a: Int): I32;
  convert<K extends keyof typeof CONVERT>(op: K, a: Val<(typeof CONVERT)[K][0]>): Val<(typeof CONVERT)[K][1]>;
  select<T extends Type>(condition: I32, yes: Val<T>, no: Val<T>): Val<T>;
  simd<K extends keyof typeof SIMD>(op: K, ...args: Val[]): Val<(typeof SIMD)[K][1]>;
  extractLane<K extends keyof typeof EXTRACT>(op: K, a: V128, lane: number): Val<(typeof EXTRACT)[K][0]>;
  replaceLane<K extends keyof typeof REPLACE>(op: K, a: V128, lane: number, value: Val<(typeof REPLACE)[K][0]>): V128;
  shuffle(a: V128, b: V128, lanes: readonly number[]): V128;
  variable<T extends Type>(type: T): Variable<T>;
  get<T extends Type>(v: Variable<T>): Val<T>;
  set<T extends Type>(v: Variable<T>, value: Val<T>): void;
  if(condition: I32, then: () => void, otherwise?: () => void): void;
  ifRarely(condition: I32, then: () => void): void;
  block(body: (label: Label) => void): void;
  loop(body: (label: Label) => void): void;
  branch(label: Label): void;
}

/** What `remembered` knows of MXCSR's rounding: PE may have been set since, which does not matter where it makes code careful. */
export const ROUNDING = 'rounding';

/** Width of an integer operand in bits. */
export type Bits = 8 | 16 | 32 | 64;
export type Flag = 'CF' | 'PF' | 'AF' | 'ZF' | 'SF' | 'OF';
/** Condition codes in encoding order [SDM1 appendix B]; the odd ones negate the even ones. */
export type Condition = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
export type Repeat = 'none' | 'rep' | 'repne';
export type LoadKind = keyof typeof LOAD;
export type StoreKind = keyof typeof STORE;

/** A memory or register operand that is read, and then written without a further chance to fault. */
export interface Place<T extends Type = IntType> {
  readonly value: Val<T>;
  put(value: Val<T>): void;
}

export type FloatShape = 'f32x4' | 'f64x2';
export type FloatOperation = 'sum' | 'product' | 'quotient' | 'root';
/** A check of an operation that has been carried out as if no exception but #P could come of it. */
export interface DeferredCheck {
  readonly shape: FloatShape;
  readonly operation: FloatOperation;
  /** Scalars, or vectors of them. If all are normal, it was right. */
  readonly operands: readonly Val[];
  readonly value: Val;
  /** Not 0 when it may not have been. */
  inexact(): I32;
  /** Sets PE if the right result was rounded to nearest. */
  notice(): void;
}

/** Which segment an access goes through: an architectural register number, or that of the instruction's memory operand. */
export type SegmentChoice = number | 'operand';

export abstract class Ops extends Shorthand {
  /** Width of the instruction's `v` operands in bits. */
  abstract readonly osize: CodeSize;
  /** Address size in bits. */
  abstract readonly asize: CodeSize;
  /** 64-bit code: addresses, the stack pointer and instruction pointers are i64. */
  abstract readonly long: boolean;
  abstract readonly repeat: Repeat;

  // Operands, by their position in the table's row

  /** Width of operand `n` in bits (integers). */
  abstract bits(n: number): Bits;
  abstract readonly operandCount: number;
  /** The instruction has a VEX prefix. */
  abstract readonly vex: boolean;
  /** While a body runs: exceptions of a part of its operands may be waiting for those of the other part. */
  joinsParts = false;
  /** Kind code of operand `n` in the table's row. */
  abstract operandKind(n: number): OperandKind;
  /** Size code of operand `n` in the table's row. */
  abstract operandSize(n: number): OperandSize;
  /** True when operand `n` is in memory in this form. */
  abstract inMemory(n: number): boolean;
  abstract isImmediate(n: number): boolean;
  /** The number that a value is known to be while the code is made, if it is. */
  abstract constant(value: I32): number | undefined;
  /** Value of an integer operand, zero-extended. Immediates come extended to the operand size as the row says. May fault. */
  abstract get(n: number): Int;
  /** Writes an integer operand. May fault. */
  abstract put(n: number, value: Int): void;
  /** Reads an operand that will be written: write faults come here, `put` cannot fault. */
  abstract modify(n: number): Place;
  /** As `get` and `modify`, `bytes` further on in memory. */
  abstract getAt(n: number, bytes: Int): Int;
  abstract modifyAt(n: number, bytes: Int): Place;
  /** Effective address (offset in its segment) of memory operand `n`: an i64 in 64-bit code. */
  abstract offset(n: number): Int;
  /** Linear address of memory operand `n`, without a check: an i64 in 64-bit code. */
  abstract linear(n: number): Int;
  /** Selector of the segment of the instruction's memory operand. */
  abstract memorySelector(): I32;
  /** Second immediate: the selector of a far pointer, the nesting level of ENTER, the opcode of an x87 instruction as FOP has it. */
  abstract immediate2(): I32;
  /** The number in a field: register number of a segment, control or debug operand, ST(i), the offset in the state of a general register, or an immediate. */
  abstract field(n: number): I32;
  /** Loads from memory operand `n`, `displacement` bytes further on. May fault. */
  abstract loadOperand<K extends LoadKind>(n: number, kind: K, displacement?: number): Val<(typeof LOAD)[K][0]>;
  abstract storeOperand<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, displacement?: number): void;
  /** Faults as a write of `bytes` bytes to memory operand `n` would, and writes nothing. */
  abstract probeWrite(n: number, bytes: number): void;
  /** Loads from the memory operand `n` with a vector index (VSIB), one of whose elements is `index`. May fault. */
  abstract loadIndexed<K extends LoadKind>(n: number, index: I32 | I64, kind: K): Val<(typeof LOAD)[K][0]>;
  /** A 128-bit XMM register operand, or a field of it at a byte offset. */
  abstract loadRegister<K extends LoadKind>(n: number, kind: K, byte?: number): Val<(typeof LOAD)[K][0]>;
  abstract storeRegister<K extends StoreKind>(n: number, kind: K, value: Val<(typeof STORE)[K][0]>, byte?: number): void;

  // Registers by number, and memory by segment

  /** General register; 8-bit numbers 4-7 are AH, CH, DH, BH. */
  abstract reg(n: number, bits: Bits): Int;
  abstract setReg(n: number, bits: Bits, value: Int): void;
  abstract load<K extends LoadKind>(segment: SegmentChoice, offset: Int, kind: K): Val<(typeof LOAD)[K][0]>;
  abstract store<K extends StoreKind>(segment: SegmentChoice, offset: Int, kind: K, value: Val<(typeof STORE)[K][0]>): void;
  /**
   * Host address of bytes that lie in one page, permission checked as for an access; 0 when they are not in plain memory
   * that the TLB knows (then go element by element). For bulk string operations.
   */
  abstract span(segment: SegmentChoice, offset: Int, bytes: I32, access: 'read' | 'write'): I32;
  /** Bytes from an offset to the end of its page, 1 to 4096. */
  abstract pageRoom(segment: SegmentChoice, offset: Int): I32;
  /** Faults as a write of `bytes` bytes would, and writes nothing. */
  abstract probeStore(segment: SegmentChoice, offset: Int, bytes: number): void;
  /** A field of the vCPU's state by its offset in src/cpu/layout.ts. */
  abstract stateLoad<K extends LoadKind>(kind: K, offset: number): Val<(typeof LOAD)[K][0]>;
  abstract stateStore<K extends StoreKind>(kind: K, offset: number, value: Val<(typeof STORE)[K][0]>): void;

  // Stack [SDM1 6.2]: width of the stack by SS.B; 64 bits in 64-bit code, where the pointer is an i64

  abstract push(value: Int, bits: Bits): void;
  /** Value at the top, without moving the pointer; `depth` bytes further down the stack. */
  abstract stackTop(bits: Bits, depth?: number): Int;
  /** Adds `bytes` to the stack pointer. */
  abstract adjustStack(bytes: number | I32): void;
  /** Stack pointer, masked to the width of the stack. */
  abstract stackPointer(): Int;
  abstract setStackPointer(value: Int): void;

  /** A value on the stack segment at an offset other than the stack pointer, which is masked to the width of the stack. */
  abstract loadStack(offset: Int, bits: Bits): Int;
  /** Pushes several values, first to last; all places are checked before the pointer moves. */
  abstract pushAll(values: readonly Int[], bits: Bits): void;
  /** Selector of a segment register. */
  abstract segmentSelector(segment: number): I32;
  /** Selector of the segment register that operand `n` names. */
  abstract selectorOf(n: number): I32;

  // x87

  /** Not 0: an exception that is not masked is pending. */
  abstract x87Pending(): I32;
  /** Keeps where this instruction is, its opcode and, if operand `n` is in memory, the address of that [SDM1 8.1.8]. */
  abstract keepX87Pointers(n: number | undefined): void;

  // Flags

  /** Sets all six as an addition or subtraction of `bits` bits does (with or without carry in). */
  abstract setFlags(kind: 'add' | 'sub', bits: Bits, a: Int, b: Int, result: Int): void;
  /** SF, ZF, PF from the result; CF and OF cleared; AF cleared. */
  abstract setFlagsLogic(bits: Bits, result: Int): void;
  /** SF, ZF, PF from the result, the others as given (0 or 1); AF 0 unless given. */
  abstract setFlagsWith(bits: Bits, result: Int, cf: I32, of: I32, af?: I32): void;
  /** CF alone. */
  abstract setCarry(cf: I32): void;
  /** CF and OF alone. */
  abstract setCarryOverflow(cf: I32, of: I32): void;
  abstract flag(flag: Flag): I32;
  abstract condition(code: Condition): I32;
  /** The six arithmetic flags at their places in EFLAGS, other bits 0. */
  abstract readFlags(): I32;
  abstract writeFlags(value: I32): void;
  abstract direction(): I32;
  abstract setDirection(value: 0 | 1): void;

  // Control

  // Instruction pointers are i64 in 64-bit code.

  /** RIP of this instruction; outside 64-bit code the low half counts. */
  abstract currentIp(): I64;
  /** EIP or RIP of the next instruction. */
  abstract nextIp(): Int;
  /** Target of a relative branch operand, truncated to the operand size. */
  abstract target(n: number): Int;
  /** Leaves for `target(n)`. Checks the limit of CS. */
  abstract jumpRelative(n: number): void;
  /** Leaves for an offset in CS. Checks the limit of CS, or that the address is canonical. */
  abstract jumpTo(ip: Int): void;
  /** Faults when `ip` is past the limit of CS, or not canonical: for calls, before they push. */
  abstract checkTarget(ip: Int): void;
  /** Leaves for an offset in CS of 32-bit code that may be another segment, at another level, in the same mode. */
  abstract transferTo(ip: Int): void;
  /** Fuel that is left when this instruction is done: tells the dispatcher at which count it was. */
  abstract fuelAfterThis(): I32;
  /** Ends the instruction here in an exception. */
  abstract raise(vector: number, errorCode?: number): void;
  /** A slow path that both tiers call: `HELPER_NEXT` goes on after the call, anything else leaves the block. */
  abstract helper(name: string, ...args: Val[]): void;
  /** A slow path with a result. */
  abstract helperValue(name: string, ...args: Val[]): I32;
  /** A function of a leaf kernel (x87) on the state of this vCPU, which it gets as its first argument. */
  abstract kernel<T extends Type>(name: string, result: T, ...args: Val[]): Val<T>;
  abstract kernel(name: string, result: undefined, ...args: Val[]): undefined;
  /** Iterations of a repeated string instruction that may run in one go, at least 1. */
  abstract iterationsAllowed(): I32;
  /**
   * Between iterations: `done` more of them have run and others follow. Counts them as instructions, and leaves, to come
   * back to this instruction, when the fuel is used up or the dispatcher is wanted [SDM2 REP: interrupts are taken between
   * iterations]. `settle` sets the flags that an interrupt then finds; going on, the instruction has those from before it.
   */
  abstract betweenIterations(done: I32, settle: () => void): void;
  /** Counts `extra` iterations besides the one that is the instruction itself. */
  abstract countIterations(extra: I32): void;

  // What is remembered from one instruction to the next, in compiled code alone

  /** A value that may be as old as the code that surrounds this instruction, made where none is known. */
  remembered<T extends Type>(_what: string, make: () => Val<T>): Val<T> { return make(); }
  /** Whether numbers are remembered to be tame: normal or zero. */
  readonly remembersTame: boolean = false;
  isTame(_shape: FloatShape, _value: Val): boolean { return false; }
  /** Where control gets past this instruction, the values are tame. */
  noteTame(_shape: FloatShape, ..._values: Val[]): void {}
  /** Likewise that a double is an integer of 32 bits. */
  noteInteger(_value: Val): void {}
  /** Takes a check, to be made before anything happens that cannot be taken back: then the instruction may go on, and its numbers are tame. */
  defer(_check: DeferredCheck): boolean { return false; }
  /** Leaves this instruction to the interpreter; nothing of it has been done. */
  giveUp(): void { throw new Error('only compiled code gives up'); }

  raiseIf(condition: I32, vector: number, errorCode?: number): void {
    this.e.ifRarely(condition, () => this.raise(vector, errorCode));
  }
}

export type Body = (o: Ops) => void;
