/**
 * Random programs for lockstep: instructions from the opcode table whose memory operands stay in the mapped data, with
 * forward branches, calls and bounded loops. A program is a list of pieces, so that one that fails can be shortened by
 * leaving pieces out: branches name pieces, not distances.
 */
import { InstructionInfoFactory, Decoder as Iced, DecoderOptions, Instruction, OpAccess, Register } from 'iced-x86';
import { hasModrm, type Row } from '../../src/isa/row.ts';
import { type Encoding, Generator } from './generate.ts';
import type { Random } from './random.ts';
import * as R from './record.ts';
import { undefinedFor } from './undefined.ts';

const EBP = 5;
const ESP = 4;

export interface Piece {
  /** Bytes, or for a branch the opcode that a displacement follows. */
  readonly bytes: Uint8Array;
  /** Branches: how many pieces further the target is (negative: back), and the displacement's size. */
  readonly target?: number;
  readonly displacement?: 1 | 4;
  /** The target is an absolute address, as an immediate or displacement, plus `beyond`; `suffix` follows it. */
  readonly absolute?: boolean;
  readonly beyond?: number;
  readonly suffix?: Uint8Array;
}

/** A generator whose memory operands point into the data, given base and index registers of few bits. */
class ProgramGenerator extends Generator {
  protected override memory(modrm: number, asize: 16 | 32, _mode: number, segmentOverride: number) {
    const { random } = this;
    if (asize !== 32 || segmentOverride >= 4 || segmentOverride === 1) throw new Error('flat operands only');
    const reg = modrm & 0x38;
    const offset = 0x80 + random.below(random.chance(10) ? 0xf80 : 0x400) + (random.chance(10) ? 0x700 : 0);
    const displacement = R.DATA_BASE + offset;
    if (random.chance(20)) {
      const bytes = [reg | 5, ...this.little(displacement, 4)];
      return { bytes, address: { base: -1, index: -1, scale: 0, displacement, segmentBase: 0 } };
    }
    let base = random.below(8);
    if (base === ESP) {
      const small = random.below(32);
      return { bytes: [reg | 0x44, 0x24, small], address: { base, index: -1, scale: 0, displacement: small, segmentBase: 0 } };
    }
    if (random.chance(50)) return { bytes: [reg | 0x80 | base, ...this.little(displacement, 4)], address: { base, index: -1, scale: 0, displacement, segmentBase: 0 } };
    let index = random.below(8);
    if (index === ESP) index = 0;
    const scale = random.below(4);
    const noBase = random.chance(20);
    if (noBase) base = EBP;
    const sib = (scale << 6) | (index << 3) | base;
    const bytes = [reg | (noBase ? 0x04 : 0x84), sib, ...this.little(displacement, 4)];
    return { bytes, address: { base: noBase ? -1 : base, index, scale, displacement, segmentBase: 0 } };
  }
}

const STRINGS = /^(MOVS|CMPS|STOS|LODS|SCAS)[BW]$/;
/** System instructions, those that fault at this level, and those whose results are not defined or tell where AF is. */
const LEFT_OUT =
  /^(IN|OUT|INS[BW]|OUTS[BW]|CL[IT]S?|STI|HLT|L[GIL]DT|LTR|S[GIL]DT|STR|SMSW|LMSW|INVLPG|INVD|WBINVD|RDMSR|WRMSR|RDTSC|RDPMC|CPUID|SYSENTER|SYSEXIT|MOV_(TO|FROM)_(CR|DR|SEG)|INT.?|INTO|ICEBP|IRET|UD|RET|RET_FAR|CALL|JMP|CALL_.*|JMP_.*|J.*|LOOP.*|ENTER|LEAVE|POP_.*|L[EDSFG]S|LAR|LSL|VERR|VERW|BOUND|LAHF|PUSHF|POPF|AA.|DA.|XLAT|DIV|IDIV|BSWAP|ARPL)$/;

export class ProgramMaker {
  private readonly random: Random;
  private readonly generator: ProgramGenerator;
  private readonly rows: Row[];
  private readonly info = new InstructionInfoFactory();
  private readonly accept: (e: Encoding) => boolean;

  private readonly selfModifying: boolean;

  /** `accept` says which instructions the other side can run too. */
  constructor(random: Random, rows: readonly Row[], accept: (e: Encoding) => boolean, selfModifying = false) {
    this.selfModifying = selfModifying;
    this.random = random;
    this.accept = accept;
    this.generator = new ProgramGenerator(random);
    this.rows = rows.filter((row) => !LEFT_OUT.test(row.mnemonic) && !['fpu', 'mmx', 'sse', 'wait'].some((a) => row.attributes.has(a as never)));
  }

  make(length: number): Piece[] {
    const { random } = this;
    const pieces: Piece[] = [];
    let loopStart = -1;
    while (pieces.length < length) {
      if (loopStart < 0 && random.chance(4)) {
        pieces.push({ bytes: Uint8Array.from([0xbd, random.pick([2, 3, 5, 20, 70]), 0, 0, 0]) });
        loopStart = pieces.length;
      } else if (loopStart >= 0 && pieces.length - loopStart > 3 && random.chance(10)) {
        // DEC EBP; JG in one piece: no branch gets between them, and a counter that starts below zero ends the loop.
        const far = random.chance(30);
        pieces.push({ bytes: far ? Uint8Array.of(0x4d, 0x0f, 0x8f) : Uint8Array.of(0x4d, 0x7f), target: loopStart - pieces.length - 1, displacement: far ? 4 : 1 });
        loopStart = -1;
      } else {
        const kind = random.below(100);
        if (kind < 12) this.branch(pieces);
        else if (kind < 23 && this.selfModifying) this.modification(pieces);
        else this.instruction(pieces);
      }
    }
    return pieces;
  }

  /** Stores to the immediate of a MOV up to some pieces back or a few forward; in a loop both ways count. */
  private modification(pieces: Piece[]): void {
    const { random } = this;
    const patchable = pieces.map((p, i) => ({ p, i })).filter(({ p }) => p.displacement === undefined && p.bytes.length === 5 && ((p.bytes[0] as number) & 0xf8) === 0xb8 && p.bytes[0] !== 0xbd);
    const wide = random.chance(40);
    const bytes = wide ? Uint8Array.of(0xc7, 0x05) : Uint8Array.of(0xc6, 0x05);
    const suffix = Uint8Array.from({ length: wide ? 4 : 1 }, () => random.below(256));
    const beyond = wide ? 1 : 1 + random.below(4);
    if (patchable.length > 0 && random.chance(60)) {
      const { i } = patchable[Math.max(0, patchable.length - 1 - random.below(4))] as { i: number };
      pieces.push({ bytes, target: i - pieces.length - 1, displacement: 4, absolute: true, beyond, suffix });
      return;
    }
    pieces.push({ bytes, target: 0, displacement: 4, absolute: true, beyond, suffix });
    pieces.push(this.immediateMove(random.pick([0, 1, 2, 3, 6, 7]), random.value()));
  }

  /** Forward, over at most three pieces. */
  private branch(pieces: Piece[]): void {
    const { random } = this;
    const target = random.below(4);
    const kind = random.below(10);
    if (kind < 4) pieces.push({ bytes: Uint8Array.of(0x70 | random.below(16)), target, displacement: 1 });
    else if (kind < 6) pieces.push({ bytes: Uint8Array.of(0x0f, 0x80 | random.below(16)), target, displacement: 4 });
    else if (kind === 6) pieces.push({ bytes: Uint8Array.of(random.pick([0xe8, 0xe9])), target, displacement: 4 });
    else if (kind === 7) pieces.push({ bytes: Uint8Array.of(random.pick([0xeb, 0xe3])), target, displacement: 1 });
    else if (kind === 8) {
      // MOV reg, target; JMP or CALL reg: one piece, as no branch may get between them
      const reg = random.below(4);
      const suffix = Uint8Array.of(0xff, random.pick([0xd0, 0xe0]) | reg);
      pieces.push({ bytes: Uint8Array.of(0xb8 | reg), target, displacement: 4, absolute: true, suffix });
    } else pieces.push({ bytes: Uint8Array.of(0x68), target, displacement: 4, absolute: true, suffix: Uint8Array.of(0xc3) });
  }

  private instruction(pieces: Piece[]): void {
    const { random } = this;
    for (let tries = 0; tries < 50; tries++) {
      const row = random.pick(this.rows);
      const string = STRINGS.test(row.mnemonic);
      if (string && random.chance(50)) continue;
      const canMemory = hasModrm(row) && row.form !== 'register';
      const mustMemory = row.form === 'memory' || row.operands.some((o) => o.kind === 'M');
      const memory = canMemory && (mustMemory || random.chance(50));
      let e: Encoding;
      try {
        e = this.generator.encode(row, R.MODE_FLAT32, random.chance(30) && usesSize(row) ? 16 : 32, 32, memory);
      } catch {
        continue;
      }
      if (e.segmentOverride >= 4 || e.segmentOverride === 1 || row.operands.some((o) => o.kind === 'O')) continue;
      if (!this.accept(e) || !this.harmless(e)) continue;
      const rule = undefinedFor(row.mnemonic, { count: 2, bits: 32 });
      if (undefinedFor(row.mnemonic, { count: 31, bits: 16 }).result && e.osize === 16) continue;
      if (string) this.beforeString(pieces);
      if (e.address) this.beforeMemory(e, pieces);
      pieces.push({ bytes: e.bytes });
      // CMP makes flags known again; AF alone stays unknown, and nothing here reads it.
      if ((rule.flags & ~0x10) !== 0) pieces.push({ bytes: Uint8Array.of(0x39, 0xc0 | random.below(64)) });
      return;
    }
  }

  private immediateMove(register: number, value: number): Piece {
    return { bytes: Uint8Array.of(0xb8 | register, value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24) };
  }
  private beforeString(pieces: Piece[]): void {
    const { random } = this;
    pieces.push(this.immediateMove(6, R.DATA_BASE + 0x200 + random.below(0x1c00)));
    pieces.push(this.immediateMove(7, R.DATA_BASE + 0x200 + random.below(0x1c00)));
    pieces.push(this.immediateMove(1, random.below(random.chance(20) ? 0x180 : 12)));
    if (random.chance(30)) pieces.push({ bytes: Uint8Array.of(random.pick([0xfc, 0xfd])) });
  }
  private beforeMemory(e: Encoding, pieces: Piece[]): void {
    const address = e.address as NonNullable<Encoding['address']>;
    if (this.random.chance(2)) return;
    for (const n of new Set([address.base, address.index])) {
      if (n < 0 || n === ESP || n === EBP) continue;
      pieces.push({ bytes: Uint8Array.of(0x81, 0xe0 | n, this.random.pick([0xff, 0x7f, 0xfc]), 0, 0, 0) });
    }
    if (/^BT/.test(e.row.mnemonic) && !e.row.operands.some((o) => o.kind === 'I')) {
      const reg = (e.modrm >> 3) & 7;
      if (reg !== ESP && reg !== EBP) pieces.push({ bytes: Uint8Array.of(0x81, 0xe0 | reg, 0xff, 3, 0, 0) });
    }
  }

  /** Does not write the loop counter EBP, and ESP only as the stack does. */
  private harmless(e: Encoding): boolean {
    const decoder = new Iced(32, e.bytes, DecoderOptions.None);
    const instruction = new Instruction();
    decoder.decodeOut(instruction);
    const used = this.info.info(instruction).usedRegisters();
    const writes = used.filter((u) => u.access !== OpAccess.Read && u.access !== OpAccess.CondRead && u.access !== OpAccess.None).map((u) => u.register);
    const stack = e.row.attributes.has('stack');
    const bad = writes.some((r) => r === Register.EBP || r === Register.BP || (!stack && (r === Register.ESP || r === Register.SP)));
    decoder.free();
    instruction.free();
    if (!bad && stack && e.row.mnemonic === 'POP' && !e.address && ((e.bytes.at(-1) as number) & 7) === ESP) return false;
    return !bad;
  }
}

const usesSize = (row: Row): boolean => row.attributes.has('osize') || row.operands.some((o) => o.size === 'v' || o.size === 'z');

/** Machine code of the pieces at an address; undefined when a short branch does not reach. */
export function assemble(pieces: readonly Piece[], at: number): { code: Uint8Array; offsets: number[] } | undefined {
  const offsets: number[] = [];
  let offset = 0;
  for (const p of pieces) {
    offsets.push(offset);
    offset += p.bytes.length + (p.displacement ?? 0) + (p.suffix?.length ?? 0);
  }
  offsets.push(offset);
  const code = new Uint8Array(offset);
  for (const [i, p] of pieces.entries()) {
    const start = offsets[i] as number;
    code.set(p.bytes, start);
    if (p.suffix) code.set(p.suffix, (offsets[i + 1] as number) - p.suffix.length);
    if (p.target === undefined) continue;
    const to = offsets[Math.max(0, Math.min(pieces.length, i + 1 + p.target))] as number;
    const size = p.displacement as number;
    const value = p.absolute ? at + to + (p.beyond ?? 0) : to - (start + p.bytes.length + size);
    if (size === 1 && (value < -128 || value > 127)) return undefined;
    for (let b = 0; b < size; b++) code[start + p.bytes.length + b] = value >> (8 * b);
  }
  return { code, offsets };
}
