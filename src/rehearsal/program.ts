/**
 * Programs of the rehearsal: 64-bit code as compilers make it, of random functions that call each other, loop and jump. They are
 * only there to be decoded, run and compiled; what they compute means nothing.
 */
import { le16, le32 } from '../machine/loaders/bytes.ts';
import { Assembler } from './assembler.ts';

/** So many bytes of data, from RDI on, a program reads and writes. */
const DATA_BYTES = 0x10000;

const RCX = 1, RSP = 4, RDI = 7;
/** What instructions compute with: RAX, RDX, RBX, RSI, R8 to R12, R14. RCX counts rounds, RDI points to data. */
const REGISTERS = [0, 2, 3, 6, 8, 9, 10, 11, 12, 14];
/** PUSH RBX, RBP, RCX, R12; POP of the same, RET. */
const PROLOGUE = [0x53, 0x55, 0x51, 0x41, 0x54], EPILOGUE = [0x41, 0x5c, 0x59, 0x5d, 0x5b, 0xc3];

type Size = 8 | 16 | 32 | 64;
const SIZES: readonly Size[] = [8, 16, 32, 32, 32, 32, 64, 64, 64];
const WIDE: readonly Size[] = [32, 64];
/** How often compilers use them: ADD, OR, AND, SUB, XOR, CMP; and more seldom ADC and SBB. */
const ARITHMETIC = [...repeated(0, 12), ...repeated(1, 6), ...repeated(4, 8), ...repeated(5, 6), ...repeated(6, 6), ...repeated(7, 6), 2, 3];
/** E, NE; B, AE, BE, A; S, NS; L, GE, LE, G. */
const CONDITIONS = [...repeated(4, 6), ...repeated(5, 6), 2, 2, 3, 6, 7, 7, 8, 9, 12, 13, 14, 15];
/** ROL, SHL, SHR, SAR as they extend an opcode. */
const SHIFTS = [0, 4, 4, 4, 5, 5, 5, 7];
const ALL_SHIFTS = [0, 1, 2, 3, 4, 5, 7];
const NOT_BYTES: readonly Size[] = [16, 32, 64];
const MOVZX_MOVSX = [0xb6, 0xb7, 0xbe, 0xbf];
/** XMM, memory: MOVUPS, MOVUPD, MOVDQU, MOVQ, CVTSI2SD, ADDSD, MULSD. XMM, XMM: PXOR, PADDD, PUNPCKLBW, UNPCKLPS, ADDSD, UCOMISD. */
const VECTOR_MEMORY = [[0x0f, 0x10], [0x66, 0x0f, 0x11], [0xf3, 0x0f, 0x6f], [0xf3, 0x0f, 0x7e], [0xf2, 0x0f, 0x2a], [0xf2, 0x0f, 0x58], [0xf2, 0x0f, 0x59]];
const VECTOR_REGISTERS = [[0x66, 0x0f, 0xef], [0x66, 0x0f, 0xfe], [0x66, 0x0f, 0x60], [0x0f, 0x14], [0xf2, 0x0f, 0x58], [0x66, 0x0f, 0x2e]];

/** Instructions in the loop of a function. */
const LEAST_BODY = 12, MORE_BODY = 40;
/** Functions call those of lower levels only, so that a program ends soon. */
const LEVELS = 3;
/** Rounds of most loops, and of every so manieth that calls nothing. */
const FEW_ROUNDS = 5, MANY_ROUNDS = 300, EVERY = 16;
/** A function is no longer than this, and for each a call at the end. */
const LONGEST = 3072, CALL = 5;

/**
 * A program: it begins at its first byte, wherever it lies, with RDI at its data and a stack, and ends with SYSCALL.
 * @param bytes how long it is at most
 */
export function randomProgram(seed: number, bytes: number): Uint8Array {
  return new ProgramWriter(seed).write(bytes);
}

class ProgramWriter {
  private readonly code = new Assembler(0);
  private functions = 0;
  /** Of the random numbers, not 0. */
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  write(bytes: number): Uint8Array {
    const { code } = this;
    code.put(0xe9).distance('main');
    while (code.here < bytes - LONGEST - CALL * this.functions) this.writeFunction();
    code.align(16).name('main');
    for (let number = 0; number < this.functions; number++) code.put(0xe8).distance(`function${number}`);
    code.put(0x0f, 0x05);
    return code.finish();
  }

  private writeFunction(): void {
    const { code } = this;
    const number = this.functions++;
    const level = number % LEVELS;
    const rounds = level === 0 && this.below(EVERY) === 0 ? MANY_ROUNDS : 1 + this.below(FEW_ROUNDS);
    code.align(16).name(`function${number}`).put(...PROLOGUE);
    code.put(0xb9).u32(rounds).name(`loop${number}`); // mov ecx, rounds
    for (let left = LEAST_BODY + this.below(MORE_BODY); left > 0; left--) {
      const kind = this.below(28);
      if (kind < 5) this.skip();
      else if (kind === 5 && level > 0) this.call(number - 1 - this.below(level));
      else code.put(...this.instruction());
    }
    code.put(0xff, 0xc9, 0x0f, 0x85).distance(`loop${number}`); // dec ecx; jnz
    code.put(...EPILOGUE);
  }

  private call(number: number): void {
    const { code } = this;
    if (this.below(4) === 0) code.put(0x48, 0x8d, 0x05).distance(`function${number}`).put(0xff, 0xd0); // lea rax, [rip + …]; call rax
    else code.put(0xe8).distance(`function${number}`);
  }

  /** A comparison, and a jump on its result over some instructions. */
  private skip(): void {
    const skipped = [...this.instruction(), ...(this.below(2) === 0 ? this.instruction() : [])];
    this.code.put(...this.comparison(), 0x70 + this.oneOf(CONDITIONS), skipped.length, ...skipped);
  }

  private comparison(): number[] {
    const register = this.register();
    switch (this.below(6)) {
      case 0: case 1: return this.toRegister([0x85], register, register, this.oneOf(WIDE)); // test
      case 2: return this.toRegister([0x39], register, this.register(), this.oneOf(WIDE)); // cmp
      case 3: return this.either([0x3b], register); // cmp
      case 4: return [...this.either([0x83], 7, this.oneOf(WIDE)), this.below(128)]; // cmp, imm8
      default: return [...this.either([0xf6], 0, 8), this.below(256)]; // test, imm8
    }
  }

  private instruction(): number[] {
    const register = this.register();
    const size = this.oneOf(WIDE);
    switch (this.below(62)) {
      case 0: case 1: case 2: case 3: case 4: return this.toRegister([8 * this.oneOf(ARITHMETIC) + 1], register, this.register(), size);
      case 5: return this.toMemory([8 * this.oneOf(ARITHMETIC) + 1], register, size);
      case 6: case 7: return this.either([8 * this.oneOf(ARITHMETIC) + 3], register, this.oneOf(SIZES));
      case 8: case 9: case 10: case 11: return [...this.either([0x83], this.oneOf(ARITHMETIC), size), this.below(256)];
      case 12: return [...this.toRegister([0x81], this.oneOf(ARITHMETIC), register, size), ...this.immediate()];
      case 13: case 14: case 15: case 16: case 17: return this.toRegister([0x89], register, this.register(), size); // mov
      case 18: case 19: case 20: case 21: case 22: case 23: case 24: case 25: return this.toMemory([0x8b], register, size);
      case 26: case 27: case 28: case 29: return this.toMemory([0x89], register, this.oneOf(SIZES));
      case 30: return [...this.toMemory([0xc7], 0, size), ...this.immediate()]; // mov, imm32
      case 31: case 32: return [...rex(0, 0, 0, register), 0xb8 | (register & 7), ...this.immediate()];
      case 33: return [...this.toRegister([0xc7], 0, register, size), ...this.immediate()];
      case 34: case 35: case 36: return this.either([0x0f, this.oneOf(MOVZX_MOVSX)], register, size);
      case 37: return this.either([0x63], register, 64); // movsxd
      case 38: case 39: case 40: return this.toMemory([0x8d], register, size); // lea
      case 41: case 42: return [...this.toRegister([0xc1], this.oneOf(SHIFTS), register, size), 1 + this.below(30)];
      case 43: return this.toRegister([0xd3], this.oneOf(SHIFTS), register, size); // by CL
      case 44: return this.toRegister([0x0f, 0x40 + this.oneOf(CONDITIONS)], register, this.register(), size); // cmov
      case 45: return this.toRegister([0x0f, 0x90 + this.oneOf(CONDITIONS)], 0, register, 8); // set
      case 46: return this.toRegister([0x0f, 0xaf], register, this.register(), size); // imul
      case 47: return [...this.toRegister([0x6b], register, this.register(), size), this.below(256)]; // imul, imm8
      case 48: return this.toRegister([0xf7], 2 + this.below(4), register, size); // not, neg, mul, imul
      case 49: return this.either([0xff], this.below(2), 32); // inc, dec
      case 50: return [...this.toRegister([0x0f, 0xba], 4 + this.below(4), register, size), this.below(32)]; // bt, bts, btr, btc
      case 51: return this.toRegister([0x0f, 0xbc + this.below(2)], register, this.register(), size); // bsf, bsr
      case 52: return [0xf0, ...this.toMemory([0x0f, this.oneOf([0xb1, 0xc1])], register, 64)]; // lock cmpxchg, xadd
      case 53: case 54: return this.throughStack(register);
      case 55: return [0x31, 0xd2, 0xb8 + 3, ...le32(1 + this.below(1000)), 0xf7, 0xf3]; // xor edx, edx; mov ebx, …; div ebx
      case 56: return this.stringOperation();
      case 57: return [0x48, 0x98, 0x99]; // cdqe; cdq
      case 58: return [0x0f, 0x1f, 0x44, 0, 0]; // nop
      case 59: return this.vector();
      default: return this.rare();
    }
  }

  /** What is seldom executed, but by nearly every guest at some time: engines compile the handler of each when it first runs. */
  private rare(): number[] {
    const register = this.register();
    const size = this.oneOf(WIDE), any = this.oneOf(SIZES);
    const operation = this.below(8);
    switch (this.below(21)) {
      case 0: return this.toMemory([8 * operation + 1], register, any);
      case 1: return this.either([8 * operation + 3], register, any);
      case 2: return [...this.either([0x81], operation, size), ...this.immediate()];
      case 3: return [...this.either([0x81], operation, 16), ...le16(this.below(0x10000))];
      case 4: return [...this.either([0x80], operation, 8), this.below(256)];
      case 5: return [...this.either([0x83], operation, this.oneOf(NOT_BYTES)), this.below(256)];
      case 6: return [0x48, 8 * operation + 5, ...this.immediate()]; // RAX and an imm32
      case 7: return [...this.either([0xc1], this.oneOf(ALL_SHIFTS), any), 1 + this.below(7)];
      case 8: return this.either([this.oneOf([0xd1, 0xd3])], this.oneOf(ALL_SHIFTS), any);
      case 9: return this.either([0x0f, 0x90 + this.below(16)], 0, 8); // set
      case 10: return this.either([0x0f, 0x40 + this.below(16)], register, size); // cmov
      case 11: return [...this.either([0x69], register, size), ...this.immediate()]; // imul, imm32
      case 12: return this.either([0x0f, 0xaf], register, size); // imul
      case 13: return this.either([0xf7], 2 + this.below(4), any); // not, neg, mul, imul
      case 14: return this.either([0xff], this.below(2), any); // inc, dec
      case 15: return [...this.either([0x0f, 0xba], 4 + this.below(4), size), this.below(32)]; // bt, bts, btr, btc
      case 16: return this.toRegister([0x0f, 0xa3 + 8 * this.below(4)], register, this.register(), size); // the same, by a register
      case 17: return this.either([0x0f, 0xbc + this.below(2)], register, size); // bsf, bsr
      case 18: return this.either([this.oneOf([0x85, 0x87, 0x89, 0x8b])], register, any); // test, xchg, mov
      case 19: return [...this.toRegister([0x0f, this.oneOf([0xa4, 0xac])], register, this.register(), size), this.below(32)]; // shld, shrd
      default: return this.toRegister([0x0f, 0xc8 | (register & 7)], 0, register, 64).slice(0, -1); // bswap
    }
  }

  /** PUSH of a register, a small number or memory; POP of a register. */
  private throughStack(register: number): number[] {
    const pushes = [[...rex(0, 0, 0, register), 0x50 | (register & 7)], [0x6a, this.below(128)], this.toMemory([0xff], 6, 32)];
    const other = this.register();
    return [...this.oneOf(pushes), ...rex(0, 0, 0, other), 0x58 | (other & 7)];
  }

  /** REP MOVSB, MOVSQ, STOSB or STOSQ of some elements within the data, with RCX and RDI kept. */
  private stringOperation(): number[] {
    const operation = this.oneOf([[0xa4], [0x48, 0xa5], [0xaa], [0x48, 0xab]]);
    const source = [0x48, 0x8d, 0xb7, ...le32(this.below(DATA_BYTES / 2))]; // lea rsi, [rdi + …]
    return [0x51, 0x57, ...source, 0xb9, ...le32(this.below(100)), 0xf3, ...operation, 0x5f, 0x59]; // push rcx, rdi; mov ecx, …; pop rdi, rcx
  }

  private vector(): number[] {
    const register = this.below(8);
    if (this.below(2) === 0) return [...this.oneOf(VECTOR_REGISTERS), 0xc0 | (register << 3) | this.below(8)];
    return [...this.oneOf(VECTOR_MEMORY), 0x80 | (register << 3) | RDI, ...le32(this.below(DATA_BYTES / 2))];
  }

  /** An instruction on a register, or an extension of its opcode, and either another register or memory. */
  private either(opcode: readonly number[], reg: number, size: Size = this.oneOf(WIDE)): number[] {
    return this.below(3) !== 0 ? this.toRegister(opcode, reg, this.register(), size) : this.toMemory(opcode, reg, size);
  }

  private toRegister(opcode: readonly number[], reg: number, rm: number, size: Size): number[] {
    return [...prefixes(size, reg, 0, rm), ...sized(opcode, size), 0xc0 | ((reg & 7) << 3) | (rm & 7)];
  }

  /** The place is RDI or RDI + 8 * RCX with a displacement of 8 or 32 bits, or the top of the stack; some lie across pages, some in GS, whose base is 0. */
  private toMemory(opcode: readonly number[], reg: number, size: Size): number[] {
    return [...(this.below(16) === 0 ? [0x65] : []), ...this.inMemory(opcode, reg, size)];
  }
  private inMemory(opcode: readonly number[], reg: number, size: Size): number[] {
    const kind = this.below(12);
    const field = (reg & 7) << 3;
    if (kind === 0) return [...prefixes(size, reg, 0, RSP), ...sized(opcode, size), 0x40 | field | RSP, 0x24, 0x80 | (8 * this.below(8))];
    const far = kind < 5, indexed = kind % 4 === 1;
    const displacement = far ? le32(this.below(8) === 0 ? 0x1000 * this.below(8) - this.below(8) : 8 * this.below(DATA_BYTES / 16)) : [8 * this.below(16)];
    const mode = (far ? 0x80 : 0x40) | field;
    const place = indexed ? [mode | RSP, 0xc0 | (RCX << 3) | RDI] : [mode | RDI];
    return [...prefixes(size, reg, indexed ? RCX : 0, RDI), ...sized(opcode, size), ...place, ...displacement];
  }

  private register(): number {
    return this.oneOf(REGISTERS);
  }

  private immediate(): number[] {
    return le32(this.below(2 ** 31));
  }

  /** A number from 0 up to but not including `n`, by Marsaglia's xorshift. */
  private below(n: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % n;
  }

  private oneOf<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

/** Of opcodes that have one form for bytes and one for the other sizes, the one; others stay as they are. */
function sized(opcode: readonly number[], size: Size): readonly number[] {
  return size === 8 ? [...opcode.slice(0, -1), byteForm(opcode)] : opcode;
}
function byteForm(opcode: readonly number[]): number {
  const last = opcode[opcode.length - 1];
  return opcode.length === 1 ? last & 0xfe : last;
}

/** The operand size and a REX prefix, where they are needed. */
function prefixes(size: Size, reg: number, index: number, rm: number): number[] {
  return [...(size === 16 ? [0x66] : []), ...rex(size === 64 ? 1 : 0, reg, index, rm)];
}

function rex(w: number, reg: number, index: number, rm: number): number[] {
  const byte = 0x40 | (w << 3) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (rm >> 3);
  return byte === 0x40 ? [] : [byte];
}

function repeated(value: number, times: number): number[] {
  return Array.from({ length: times }, () => value);
}
