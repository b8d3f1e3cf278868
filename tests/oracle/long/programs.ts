/**
 * Random programs of 64-bit code: instructions whose operands lie in the data, with forward branches, counted loops, calls,
 * indirect jumps and strings. They run on the host as they are.
 */
import { Decoder as Iced, DecoderOptions, Instruction, InstructionInfoFactory, OpAccess, Register } from 'iced-x86';
import { EFLAGS_AF, R13, R14, R15, RBX, RSP } from '../../../src/cpu/registers.ts';
import { Decoder } from '../../../src/isa/decode.ts';
import { INSTRUCTION_SET } from '../../../src/isa/instruction-set.ts';
import type { Row } from '../../../src/isa/row.ts';
import { differsInPrograms, onAmd } from '../host-differences.ts';
import { LEFT_OUT, STRINGS } from '../program-instructions.ts';
import type { Random } from '../random.ts';
import { APPROXIMATE } from '../reference.ts';
import { undefinedFor } from '../undefined.ts';
import { type Encoding, formsOf, type Generator, rowsToTest } from './generate.ts';
import * as R from './record.ts';

interface Piece {
  readonly bytes: number[];
  /** The last bytes are the distance to the piece of this number: one byte or four. */
  readonly to?: number;
  readonly distanceBytes?: 1 | 4;
  /** Where a displacement to this offset in the data lies in the bytes. */
  readonly relative?: { readonly at: number; readonly offset: number };
}

export interface Program {
  readonly code: Uint8Array;
  readonly rip: number;
}

/** Bases, index and counter: no instruction writes them. */
const RESERVED = new Set([RSP, RBX, R13, R14, R15]);
const EXCLUDED = /^(LAHF|PUSHF|POPF|DIV|IDIV|XLAT|MASKMOV.*|FXSAVE|FXRSTOR|FLDENV|FRSTOR|FNSTENV|FNSAVE|LDMXCSR|WR[FG]SBASE|UD|ICEBP|INT.?|X[GS]ETBV|SWAPGS)$/;
const BIT_TESTS = /^BT[SRC]?$/;
const COMPARE = [0x39, 0xc8]; // CMP EAX, ECX: defines all flags
const INT3 = [R.INT3];
const RET = [0xc3];

const usable = (row: Row): boolean => {
  const a = row.attributes;
  if (LEFT_OUT.test(row.mnemonic) || differsInPrograms(row) || EXCLUDED.test(row.mnemonic) || APPROXIMATE.test(row.mnemonic) || STRINGS.test(row.mnemonic)) return false;
  if (row.operands.some((o) => o.kind === 'X')) return false;
  return !a.has('end') && !a.has('branch') && !a.has('stack') && !row.operands.some((o) => o.kind === 'O');
};
const plainRows = rowsToTest(INSTRUCTION_SET).filter(usable);
const stringRows = rowsToTest(INSTRUCTION_SET).filter((row) => STRINGS.test(row.mnemonic));

const little32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const little64 = (value: number): number[] => [...little32(value | 0), ...little32(Math.floor(value / 2 ** 32))];

export class ProgramMaker {
  private readonly random: Random;
  private readonly generator: Generator;
  private readonly info = new InstructionInfoFactory();
  private readonly instruction = new Instruction();
  private pieces: Piece[] = [];
  /** First and last of pieces that no branch from before leads to, but past them: in loops the counter would be anything. */
  private inner: [number, number][] = [];

  constructor(random: Random, generator: Generator) {
    this.random = random;
    this.generator = generator;
  }

  /** undefined when a short branch does not reach. */
  make(): Program | undefined {
    const { random } = this;
    this.pieces = [];
    this.inner = [];
    const wanted = 10 + random.below(50);
    const calls: Piece[] = [];
    while (this.pieces.length < wanted) this.structure(calls);
    this.resolveForward();
    this.pieces.push({ bytes: INT3 });
    for (const call of calls) this.function(call);
    return this.assemble();
  }

  private structure(calls: Piece[]): void {
    const { random } = this;
    const dice = random.below(100);
    if (dice < 68) this.pieces.push(...this.instructions());
    else if (dice < 78) this.forward([0x0f, 0x80 | random.below(16)], [0x70 | random.below(16)]);
    else if (dice < 81) this.forward([0xe9], [0xeb]);
    else if (dice < 85) this.loop();
    else if (dice < 89) this.stack();
    else if (dice < 92) this.indirect();
    else if (dice < 96) this.string();
    else {
      const call = { bytes: [0xe8, 0, 0, 0, 0], to: 0, distanceBytes: 4 as const };
      calls.push(call);
      this.pieces.push(call);
    }
  }

  /** Number of a piece that a little later one will have. */
  private ahead(): number {
    return this.pieces.length + 1 + this.random.below(6);
  }
  private forward(near: number[], short: number[]): void {
    const to = this.ahead();
    if (this.random.chance(50)) this.pieces.push({ bytes: [...near, 0, 0, 0, 0], to, distanceBytes: 4 });
    else this.pieces.push({ bytes: [...short, 0], to, distanceBytes: 1 });
  }
  /** LEA RAX, [RIP+x]; JMP RAX */
  private indirect(): void {
    this.pieces.push({ bytes: [0x48, 0x8d, 0x05, 0, 0, 0, 0], to: this.ahead() + 1, distanceBytes: 4 });
    this.inner.push([this.pieces.length, this.pieces.length]);
    this.pieces.push({ bytes: [0xff, 0xe0] });
  }
  private loop(): void {
    this.pieces.push({ bytes: [0x41, 0xbf, ...little32(1 + this.random.below(6))] }); // MOV R15D, n
    const start = this.pieces.length;
    for (let i = this.random.below(5); i >= 0; i--) this.pieces.push(...this.instructions());
    this.inner.push([start, this.pieces.length + 1]);
    this.pieces.push({ bytes: [0x41, 0xff, 0xcf] }, { bytes: [0x0f, 0x85, 0, 0, 0, 0], to: start, distanceBytes: 4 }); // DEC R15D; JNZ
  }
  private stack(): void {
    const register = this.random.pick([0, 1, 2, 5, 6, 7]);
    const forms = [[0x50 | register], [0x41, 0x50 | register], [0x58 | register], [0x68, ...little32(this.random.value())], [0x6a, this.random.below(256)], [0x66, 0x50 | register], [0x66, 0x58 | register]];
    this.pieces.push({ bytes: this.random.pick(forms) });
  }
  private string(): void {
    const { random, generator } = this;
    const place = () => little64(random.pick([R.DATA_LOW, R.DATA_HIGH]) + 0x300 + random.below(0x1400));
    const row = random.pick(stringRows);
    const form = random.pick(formsOf(row));
    const e = generator.encode(row, form);
    if (e.segment >= 0) return;
    // Jumps lead past the count, and with nothing to do such hosts are different (host-differences.ts).
    if (onAmd && e.asize === 32) return;
    const count = random.below(random.chance(80) ? 12 : 200);
    this.pieces.push({ bytes: [0x48, 0xbe, ...place()] }, { bytes: [0x48, 0xbf, ...place()] }, { bytes: [0xb9, ...little32(count)] });
    this.pieces.push({ bytes: [...e.bytes] });
  }
  /** Branches that point past the end lead there, those into a structure past it. */
  private resolveForward(): void {
    const end = this.pieces.length;
    this.pieces = this.pieces.map((p, i) => {
      if (p.to === undefined || p.to <= i) return p;
      const to = p.to;
      const inner = this.inner.find(([first, last]) => to >= first && to <= last);
      return { ...p, to: Math.min(end, inner ? inner[1] + 1 : to) };
    });
  }
  private function(call: Piece): void {
    const at = this.pieces.findIndex((p) => p.bytes === call.bytes);
    this.pieces[at] = { ...call, to: this.pieces.length };
    for (let i = this.random.below(4); i >= 0; i--) this.pieces.push(...this.instructions());
    this.pieces.push({ bytes: RET });
  }

  /** One instruction, and what defines the flags again that it leaves undefined. */
  private instructions(): Piece[] {
    for (;;) {
      const row = this.random.pick(plainRows);
      const e = this.generator.encode(row, this.random.pick(formsOf(row)));
      const piece = this.suitable(e);
      if (!piece) continue;
      const unknown = [1, 2, 31, 63].map((count) => undefinedFor(row.mnemonic, { count, bits: e.osize }));
      if (unknown.some((u) => u.result) || (row.mnemonic === 'BSWAP' && e.osize === 16)) continue;
      return unknown.some((u) => (u.flags & ~EFLAGS_AF) !== 0) ? [piece, { bytes: COMPARE }] : [piece];
    }
  }

  private suitable(e: Encoding): Piece | undefined {
    if (e.segment >= 0 || e.bytes.length > 15) return undefined;
    const decoder = new Iced(64, e.bytes, DecoderOptions.None);
    decoder.decodeOut(this.instruction);
    const constants = decoder.getConstantOffsets(this.instruction);
    const [at, size] = [constants.displacementOffset, constants.displacementSize];
    constants.free();
    decoder.free();
    if (!this.harmless()) return undefined;
    if (!e.memory) return { bytes: [...e.bytes] };
    return this.withOperand(e, at, size);
  }

  /** Writes no reserved register. */
  private harmless(): boolean {
    for (const used of this.info.info(this.instruction).usedRegisters()) {
      const reads = used.access === OpAccess.Read || used.access === OpAccess.CondRead || used.access === OpAccess.None;
      const number = numberOf(used.register);
      used.free();
      if (!reads && RESERVED.has(number)) return false;
    }
    return true;
  }

  /** The memory operand brought to the data; undefined for one that its registers lead elsewhere. */
  private withOperand(e: Encoding, at: number, size: number): Piece | undefined {
    const { random } = this;
    if (BIT_TESTS.test(e.row.mnemonic) && !e.row.operands.some((o) => o.kind === 'I')) return undefined;
    const base = this.instruction.memoryBase;
    const index = numberOf(this.instruction.memoryIndex);
    const aligned = e.row.operands.some((o) => o.size === 'x') || e.row.mnemonic === 'CMPXCHG8B';
    if (index >= 0 && (index !== R14 || aligned)) return undefined;
    const offset = aligned ? 16 * (random.below(0xe0) - 0x70) : random.below(0xe00) - 0x700;
    const bytes = [...e.bytes];
    if (base === Register.RIP) return e.asize === 32 ? undefined : { bytes, relative: { at, offset: 0x1000 + offset } };
    if (numberOf(base) !== RBX && numberOf(base) !== R13) return undefined;
    if (size === 1) bytes[at] = aligned ? offset & 0x70 : random.below(256);
    if (size >= 4) bytes.splice(at, 4, ...little32(offset));
    return { bytes };
  }

  private assemble(): Program | undefined {
    const { pieces, random } = this;
    const starts: number[] = [];
    let length = 0;
    for (const p of pieces) {
      starts.push(length);
      length += p.bytes.length;
    }
    if (length > R.CODE_BYTES) return undefined;
    const rip = R.CODE_BASE + (random.chance(40) ? 0x1000 - random.below(length) : 0x100 + random.below(0x800));
    const code = new Uint8Array(length);
    for (const [i, p] of pieces.entries()) {
      const at = starts[i] as number;
      const end = at + p.bytes.length;
      code.set(p.bytes, at);
      if (p.to !== undefined) {
        const distance = (starts[p.to] as number) - end;
        if (p.distanceBytes === 1 && (distance < -128 || distance > 127)) return undefined;
        code.set(p.distanceBytes === 1 ? [distance & 255] : little32(distance), end - (p.distanceBytes as number));
      }
      if (p.relative) code.set(little32(R.DATA_HIGH + p.relative.offset - rip - end), at + p.relative.at);
    }
    return { code, rip };
  }
}

/** Writes a program into the batch, with registers that suit it. */
export function putProgram(batch: R.Batch, n: number, program: Program, random: Random, generator: Generator): void {
  batch.clear(n);
  batch.setCode(n, program.code);
  batch.setU64(n, R.RIP, BigInt(program.rip));
  batch.setU32(n, R.EFLAGS, (random.u32() & 0x8d5) | 0x202);
  for (let i = 0; i < 16; i++) batch.setU64(n, R.REGISTERS + 8 * i, BigInt.asUintN(64, generator.value()));
  batch.setU64(n, R.REGISTERS + 8 * RBX, BigInt(R.DATA_HIGH + 0x1000));
  batch.setU64(n, R.REGISTERS + 8 * R13, BigInt(R.DATA_LOW + 0x1000));
  batch.setU64(n, R.REGISTERS + 8 * R14, BigInt(random.below(32)));
  batch.setU64(n, R.REGISTERS + 8 * RSP, BigInt(R.DATA_HIGH + 0x1c00 + 8 * random.below(0x40)));
  batch.fxBefore(n).set(generator.image());
  batch.ymm(n, R.YMM_BEFORE).set(generator.image().subarray(R.YMM_AT, R.YMM_AT + R.YMM_BYTES));
}

const decoder = new Decoder(INSTRUCTION_SET);
/** The mnemonic of the instruction at an address in a program's code. */
export function mnemonicAt(code: Uint8Array, offset: number): string {
  const bytes = Uint8Array.of(...code, ...new Uint8Array(15));
  if (offset < 0 || offset >= code.length) return '';
  return decoder.decode(bytes, offset, offset + 15, 64) === 'ok' ? decoder.row.mnemonic : '';
}

const NUMBERS = new Map<number, number>();
const LEGACY = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'];
for (let i = 0; i < 16; i++) {
  const names = i < 8 ? [`R${LEGACY[i]}`, `E${LEGACY[i]}`, LEGACY[i] as string] : [`R${i}`, `R${i}D`, `R${i}W`, `R${i}L`];
  if (i < 4) names.push(`${'ACDB'[i]}L`, `${'ACDB'[i]}H`);
  else if (i < 8) names.push(`${LEGACY[i]}L`);
  for (const name of names) NUMBERS.set(Register[name as 'RAX'], i);
}
const numberOf = (register: number): number => NUMBERS.get(register) ?? -1;
