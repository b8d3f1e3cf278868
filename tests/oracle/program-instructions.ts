/**
 * Single instructions for random programs: rows of the opcode table whose memory operands stay in the data, and which
 * leave alone the registers that the program's loops need.
 */
import { Decoder as Iced, DecoderOptions, Instruction, InstructionInfoFactory, OpAccess, Register } from 'iced-x86';
import { usesOperandSize } from '../../src/interp/variant.ts';
import { hasModrm, type Row } from '../../src/isa/row.ts';
import { type Encoding, Generator } from './generate.ts';
import { flagUse, type Piece } from './program.ts';
import type { Random } from './random.ts';
import * as R from './record.ts';
import { differsInPrograms } from './host-differences.ts';
import { type Undefined, undefinedFor } from './undefined.ts';

export const ECX = 1;
export const ESP = 4;
export const EBP = 5;
export const ESI = 6;
export const EDI = 7;

/** What the place in the program allows. */
export interface Place {
  /** Registers that may not be written. */
  readonly reserved: ReadonlySet<number>;
  /** Registers that point into the data, with the displacements that they take. */
  readonly pointers: readonly { readonly register: number; readonly displacement: number }[];
  /** Bytes above ESP that may be written. */
  readonly stackRoom: number;
  /** EBP points above so many bytes of locals; 0: it does not. */
  readonly locals: number;
}

/** What the program's reference runs. */
export interface Capabilities {
  readonly accepts: (row: Row) => boolean;
  /** Operands of 16 bytes may lie anywhere: where they have to be aligned, #GP. */
  readonly misaligned: boolean;
}

const HOT = 0x100;
const WIDE = 0x80;
const WIDE_BYTES = 0x1280;
const PAGE = 0x1000;
const MAPPED = 0x2000;
/** FS lies in the data too, and all of its first 4 KiB. */
const DS = 3, FS = 4;

class OperandGenerator extends Generator {
  place: Place | undefined;
  /** Bytes of the operand, and whether it is written. */
  size = 4;
  writes = true;
  misaligned = true;
  /** Registers to be made small before the instruction. */
  readonly small: number[] = [];

  private offset(): number {
    const { random, size } = this;
    const kind = random.below(1000);
    let offset: number;
    if (kind < 550) offset = HOT + random.below(0x60);
    else if (kind < 640) offset = PAGE - random.below(size + 12);
    else if (kind < 995) offset = WIDE + random.below(WIDE_BYTES);
    else if (kind < 998) offset = MAPPED - random.below(size + 2);
    else return (this.value() - R.DATA_BASE) | 0;
    return size === 16 && (!this.misaligned || random.chance(97)) ? offset & ~15 : random.chance(60) ? offset & -Math.min(size, 4) : offset;
  }

  protected override memory(modrm: number, asize: 16 | 32, _mode: number, segmentOverride: number) {
    const { random } = this;
    const place = this.place as Place;
    if (asize !== 32 || segmentOverride > FS || segmentOverride === 1) throw new Error('flat operands only');
    const reg = modrm & 0x38;
    const address = { base: -1, index: -1, scale: 0, displacement: 0, segment: DS };
    const absolute = () => [reg | 5, ...this.little((segmentOverride === FS ? this.offset() & 0xfff : R.DATA_BASE + this.offset()) >>> 0, 4)];
    if (segmentOverride === FS || random.chance(15)) return { bytes: absolute(), address };
    if (place.pointers.length > 0 && (this.size < 16 || this.misaligned) && random.chance(45)) {
      const { register, displacement } = random.pick(place.pointers);
      const at = displacement + (random.below(32) & (this.size === 16 ? 16 : -1));
      const wide = at < -128 || at > 127 || random.chance(10);
      return { bytes: [reg | (wide ? 0x80 : 0x40) | register, ...this.little(at >>> 0, wide ? 4 : 1)], address: { ...address, base: register } };
    }
    const alignable = this.size < 16 || (this.misaligned && random.chance(5));
    if (place.locals > 0 && alignable && random.chance(50)) {
      const down = -this.size - random.below(Math.max(1, place.locals - this.size));
      return { bytes: [reg | 0x40 | EBP, ...this.little(down >>> 0, 1)], address: { ...address, base: EBP } };
    }
    if (random.chance(10) && alignable && (!this.writes || place.stackRoom >= this.size)) {
      const up = random.below(this.writes ? place.stackRoom - this.size + 1 : 32);
      return { bytes: [reg | 0x44, 0x24, up], address: { ...address, base: ESP } };
    }
    return this.computed(reg);
  }

  /** A base and perhaps an index of few bits, and a displacement into the data. */
  private computed(reg: number) {
    const { random } = this;
    const usable = [0, 1, 2, 3, 5, 6, 7].filter((r) => !this.place?.reserved.has(r));
    if (usable.length === 0) throw new Error('no register is left');
    const displacement = this.little((R.DATA_BASE + this.offset()) >>> 0, 4);
    const base = random.pick(usable);
    if (random.chance(45)) {
      this.small.push(base);
      return { bytes: [reg | 0x80 | base, ...displacement], address: { base, index: -1, scale: 0, displacement: 0, segment: DS } };
    }
    const index = random.pick(usable);
    const noBase = random.chance(25);
    this.small.push(index, ...(noBase ? [] : [base]));
    const sib = (random.below(4) << 6) | (index << 3) | (noBase ? EBP : base);
    return { bytes: [reg | (noBase ? 0x04 : 0x84), sib, ...displacement], address: { base: noBase ? -1 : base, index, scale: 0, displacement: 0, segment: DS } };
  }
}

export const STRINGS = /^(MOVS|CMPS|STOS|LODS|SCAS)[BW]$/;
/** System instructions, transfers of control (which the program's shape makes), and those whose results no other processor need repeat. */
export const LEFT_OUT =
  /^(IN|OUT|INS[BW]|OUTS[BW]|CL[IT]S?|STI|HLT|L[GIL]DT|LTR|S[GIL]DT|STR|SMSW|LMSW|INVLPG|INVD|WBINVD|RDMSR|WRMSR|RDTSC|RDPMC|CPUID|SYSENTER|SYSEXIT|MOV_(TO|FROM)_(CR|DR|SEG)|INT.?|INTO|ICEBP|IRET|UD|RET|RET_FAR|CALL|JMP|CALL_.*|JMP_.*|J.*|LOOP.*|ENTER|LEAVE|PUSH.*|POP.*|L[EDSFG]S|LAR|LSL|VERR|VERW|ARPL|BOUND|CLFLUSH(OPT)?|CLWB|X[GS]ETBV|XSAVE.*|XRSTORS?|INVPCID|RDRAND|RDSEED|RDPID)$/;
const X87_LEFT_OUT = /^(FLDENV|FNSTENV|FRSTOR|FNSAVE|FXSAVE|FXRSTOR|F2XM1|FYL2X|FPTAN|FPATAN|FYL2XP1|FSINCOS|FSIN|FCOS|LDMXCSR|MASKMOV.*)$/;
const RARE = /^(DIV|IDIV|FLDCW|FNINIT|STD)$/;
const SIZES: Record<string, number> = { b: 1, w: 2, d: 4, q: 8, x: 16, t: 10 };

const isSimd = (row: Row) => row.attributes.has('mmx') || row.attributes.has('sse');
const isX87 = (row: Row) => row.attributes.has('fpu') || row.attributes.has('wait');

export class InstructionMaker {
  private readonly random: Random;
  private readonly generator: OperandGenerator;
  private readonly info = new InstructionInfoFactory();
  private readonly instruction = new Instruction();
  private readonly capabilities: Capabilities;
  private readonly classes: { readonly rows: readonly Row[]; readonly weight: number }[];

  constructor(random: Random, rows: readonly Row[], capabilities: Capabilities) {
    this.random = random;
    this.capabilities = capabilities;
    this.generator = new OperandGenerator(random);
    const usable = rows.filter((row) => !LEFT_OUT.test(row.mnemonic) && !differsInPrograms(row) && !X87_LEFT_OUT.test(row.mnemonic) && capabilities.accepts(row));
    this.classes = [
      { rows: usable.filter((row) => !isSimd(row) && !isX87(row) && !STRINGS.test(row.mnemonic)), weight: 70 },
      { rows: usable.filter(isX87), weight: 10 },
      { rows: usable.filter((row) => row.attributes.has('mmx')), weight: 6 },
      { rows: usable.filter((row) => row.attributes.has('sse')), weight: 14 },
    ].filter((c) => c.rows.length > 0);
    this.strings = usable.filter((row) => STRINGS.test(row.mnemonic));
  }
  private readonly strings: readonly Row[];

  private row(): Row {
    const { random } = this;
    const total = this.classes.reduce((sum, c) => sum + c.weight, 0);
    let n = random.below(total);
    for (const c of this.classes) if ((n -= c.weight) < 0) return random.pick(c.rows);
    throw new Error('no rows');
  }

  /** An instruction and what has to stand before it. */
  make(place: Place): Piece[] {
    for (;;) {
      const row = this.row();
      if (RARE.test(row.mnemonic) && !this.random.chance(4)) continue;
      const made = this.encode(row, place);
      if (made) return made;
    }
  }

  /** A string instruction with its registers set up; nothing where those are reserved. */
  makeString(place: Place): Piece[] {
    const { random } = this;
    if ([ECX, ESI, EDI, 0].some((r) => place.reserved.has(r))) return [];
    const far = random.chance(10);
    const span = far ? 0x600 : 0x100;
    const pieces = [
      this.immediate(ESI, R.DATA_BASE + span + random.below(0x1300 - span)),
      this.immediate(EDI, R.DATA_BASE + span + random.below(0x1300 - span)),
      this.immediate(ECX, random.below(far ? 0x180 : 14)),
    ];
    if (random.chance(30)) pieces.push(this.raw(Uint8Array.of(random.pick([0xfc, 0xfd]))));
    for (;;) {
      const made = this.encode(random.pick(this.strings), place);
      if (made) return [...pieces, ...made];
    }
  }

  immediate(register: number, value: number): Piece {
    return this.raw(Uint8Array.of(0xb8 | register, value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24));
  }

  /** A piece of bytes given; `more` are its other parts. */
  raw(bytes: Uint8Array, more: Partial<Piece> = {}): Piece {
    const whole = Uint8Array.of(...bytes, ...(more.reference ? new Uint8Array(more.reference.kind === 'rel8' ? 1 : 4) : []), ...(more.suffix ?? []));
    return { bytes, flags: flagUse(this.decode(whole), undefined, true), ...more };
  }

  private decode(bytes: Uint8Array): Instruction {
    const decoder = new Iced(32, bytes, DecoderOptions.None);
    decoder.decodeOut(this.instruction);
    decoder.free();
    return this.instruction;
  }

  private encode(row: Row, place: Place): Piece[] | undefined {
    const { random, generator } = this;
    const memory = this.wantsMemory(row);
    const operand = row.operands.find((o) => 'EMQW'.includes(o.kind));
    const osize = usesOperandSize(row) && random.chance(25) ? 16 : 32;
    generator.place = place;
    generator.misaligned = this.capabilities.misaligned;
    generator.size = operand?.size === 'v' || operand?.size === 'z' || operand?.size === '' ? (operand.size === '' ? 16 : osize / 8) : (SIZES[operand?.size ?? 'd'] ?? 4);
    generator.writes = true;
    generator.small.length = 0;
    let e: Encoding;
    try {
      e = generator.encode(row, R.MODE_FLAT32, osize, 32, memory);
    } catch {
      return undefined;
    }
    if (e.segmentOverride > FS || e.segmentOverride === 1 || row.operands.some((o) => o.kind === 'O')) return undefined;
    if (e.segmentOverride === FS && (!e.address || (generator.size === 16 && !generator.misaligned))) return undefined;
    const unknown = unknownAfter(e);
    if (unknown.result || (row.mnemonic === 'BSWAP' && osize === 16)) return undefined;
    const pieces: Piece[] = [];
    for (const register of new Set(generator.small)) {
      if (random.chance(1)) continue;
      pieces.push(this.raw(Uint8Array.of(0x81, 0xe0 | register, generator.size === 16 ? 0xf0 : random.pick([0xff, 0x7f, 0xfc, 0x3f]), 0, 0, 0)));
    }
    if (memory && /^BT/.test(row.mnemonic) && !row.operands.some((o) => o.kind === 'I')) {
      const bit = (e.modrm >> 3) & 7;
      if (bit === ESP || bit === EBP || place.reserved.has(bit)) return undefined;
      pieces.push(this.raw(Uint8Array.of(0x81, 0xe0 | bit, 0x3f, random.below(4), 0, 0)));
    }
    if (row.mnemonic === 'XLAT') {
      if (place.reserved.has(3)) return undefined;
      pieces.push(this.immediate(3, R.DATA_BASE + random.below(0x1200)));
    }
    const instruction = this.decode(e.bytes);
    if (!this.harmless(instruction, place)) return undefined;
    const sure = !/^(SH|SA|RO|RC)/.test(row.mnemonic) || !row.operands.some((o) => o.kind === 'fixed' && o.register === 1);
    return [...pieces, { bytes: e.bytes, flags: flagUse(instruction, unknown, sure && e.repeat === 0) }];
  }

  private wantsMemory(row: Row): boolean {
    if (!hasModrm(row) || row.modrm !== undefined || row.form === 'register' || row.operands.some((o) => 'RNUT'.includes(o.kind))) return false;
    return row.form === 'memory' || row.operands.some((o) => o.kind === 'M') || this.random.chance(45);
  }

  /** Writes neither ESP nor a reserved register. */
  private harmless(instruction: Instruction, place: Place): boolean {
    for (const used of this.info.info(instruction).usedRegisters()) {
      const reads = used.access === OpAccess.Read || used.access === OpAccess.CondRead || used.access === OpAccess.None;
      const number = registerNumber(used.register);
      used.free();
      if (!reads && number >= 0 && (number === ESP || place.reserved.has(number))) return false;
    }
    return true;
  }
}

const NUMBERS = new Map<number, number>();
for (const [i, names] of ['EAX AX AL AH', 'ECX CX CL CH', 'EDX DX DL DH', 'EBX BX BL BH', 'ESP SP', 'EBP BP', 'ESI SI', 'EDI DI'].entries()) {
  for (const name of names.split(' ')) NUMBERS.set(Register[name as 'EAX'], i);
}
const registerNumber = (register: number): number => NUMBERS.get(register) ?? -1;

/** What may be undefined after the instruction, for any count that CL may have. */
function unknownAfter(e: Encoding): Undefined {
  const first = e.row.operands[0];
  const last = e.row.operands.at(-1);
  const bits = first?.size === 'b' ? 8 : first?.size === 'w' ? 16 : e.osize;
  if (last?.kind === 'one') return undefinedFor(e.row.mnemonic, { count: 1, bits });
  if (last?.kind === 'I') return undefinedFor(e.row.mnemonic, { count: e.immediate & 31, bits });
  const few = undefinedFor(e.row.mnemonic, { count: 2, bits });
  const many = undefinedFor(e.row.mnemonic, { count: 31, bits });
  return { flags: few.flags | many.flags, result: few.result === true || many.result === true, section: few.section };
}
