/**
 * Decodes one instruction from bytes, by the rows of the opcode table [SDM2 2.1]. What it yields is the same for every
 * consumer: interpreter records, the region compiler, the disassembler and the test generator.
 */
import type { FeatureSet } from './features.ts';
import { hasModrm, type Operand, type Row } from './row.ts';
import type { Repeat } from './ops.ts';

export type DecodeResult =
  | 'ok'
  | 'undefined' // #UD
  | 'too-long' // more than 15 bytes: #GP(0)
  | 'truncated'; // the bytes end before the instruction does

const MAX_LENGTH = 15;
const SS = 2;
const DS = 3;
const ESP = 4;
const EBP = 5;

/** For one opcode: which row holds, by mandatory prefix (0 none, 1 66, 2 F3, 3 F2) and ModRM byte. */
interface Entry {
  readonly modrm: boolean;
  /** Row number or -1; one column without ModRM, else 256. */
  readonly choose: readonly [Int16Array, Int16Array, Int16Array, Int16Array];
}

const PREFIX_COLUMN = { NP: 0, '66': 1, F3: 2, F2: 3 } as const;

export class Decoder {
  readonly rows: readonly Row[];
  private readonly one: (Entry | undefined)[];
  private readonly two: (Entry | undefined)[];
  private readonly three38: (Entry | undefined)[];
  private readonly three3a: (Entry | undefined)[];
  readonly takesModrm: readonly boolean[];
  private readonly ignoresMod: boolean[];
  private readonly namesSegment: boolean[];

  // The instruction, after `decode` returned 'ok'
  row!: Row;
  rowIndex = 0;
  length = 0;
  osize: 16 | 32 = 32;
  asize: 16 | 32 = 32;
  repeat: Repeat = 'none';
  lock = false;
  /** Segment of the memory operand, and whether a prefix named it. */
  segment = DS;
  segmentOverride = false;
  opcode = 0;
  modrm = 0;
  /** True when ModRM.rm or the opcode (moffs) names memory. */
  memory = false;
  /** Register numbers, -1 for none; scale as a shift. */
  base = -1;
  index = -1;
  scale = 0;
  displacement = 0;
  immediate = 0;
  immediate2 = 0;

  private bytes!: Uint8Array;
  private at = 0;
  private end = 0;

  /** @param features those of the processor; rows that need others are no instructions. Default: all are there. */
  constructor(rows: readonly Row[], features?: FeatureSet) {
    this.rows = rows;
    this.takesModrm = rows.map(hasModrm);
    const present = rows.map((row) => row.feature === undefined || features === undefined || features.has(row.feature));
    this.ignoresMod = rows.map((row) => row.operands.some((o) => o.kind === 'C' || o.kind === 'D'));
    this.namesSegment = rows.map((row) => row.operands.some((o) => o.kind === 'S'));
    this.one = buildMap(rows, present, (op) => op.length === 1);
    this.two = buildMap(rows, present, (op) => op.length === 2 && op[0] === 0x0f);
    this.three38 = buildMap(rows, present, (op) => op.length === 3 && op[1] === 0x38);
    this.three3a = buildMap(rows, present, (op) => op.length === 3 && op[1] === 0x3a);
  }

  /** `start` and `end` index `bytes`; `size` is the default operand and address size (CS.D). */
  decode(bytes: Uint8Array, start: number, end: number, size: 16 | 32): DecodeResult {
    this.bytes = bytes;
    this.at = start;
    this.end = Math.min(end, start + MAX_LENGTH);
    const result = this.decodeInside(size);
    this.length = this.at - start;
    if (result === 'truncated' && end - start >= MAX_LENGTH) return 'too-long';
    return result;
  }

  private decodeInside(size: 16 | 32): DecodeResult {
    const column = this.prefixes(size);
    if (column < 0) return 'truncated';
    const entry = this.opcodeEntry();
    if (entry === null) return 'truncated';
    if (entry === undefined) return 'undefined';
    let select = 0;
    if (entry.modrm) {
      if (this.at >= this.end) return 'truncated';
      this.modrm = select = this.bytes[this.at++];
    }
    const index = entry.choose[column][select];
    if (index < 0) return 'undefined';
    this.rowIndex = index;
    this.row = this.rows[index];
    this.memory = false;
    // MOV to and from control and debug registers takes any mod for a register [SDM2 MOV].
    if (entry.modrm && this.modrm < 0xc0 && !this.ignoresMod[index] && !this.address()) return 'truncated';
    if (this.namesSegment[index] && !this.segmentIsValid()) return 'undefined';
    for (const operand of this.row.operands) if (!this.operand(operand)) return 'truncated';
    if (this.lock && !(this.memory && this.row.attributes.has('lock'))) return 'undefined';
    return 'ok';
  }

  /** Returns the mandatory-prefix column, or -1 when the bytes end. */
  private prefixes(size: 16 | 32): number {
    this.osize = this.asize = size;
    this.repeat = 'none';
    this.lock = false;
    this.segmentOverride = false;
    this.segment = DS;
    let has66 = false;
    while (this.at < this.end) {
      const byte = this.bytes[this.at];
      switch (byte) {
        case 0x26: case 0x2e: case 0x36: case 0x3e:
          this.segment = (byte >> 3) & 3;
          this.segmentOverride = true;
          break;
        case 0x64: case 0x65:
          this.segment = byte - 0x60;
          this.segmentOverride = true;
          break;
        case 0x66:
          has66 = true;
          this.osize = size === 16 ? 32 : 16;
          break;
        case 0x67:
          this.asize = size === 16 ? 32 : 16;
          break;
        case 0xf0:
          this.lock = true;
          break;
        case 0xf2:
          this.repeat = 'repne';
          break;
        case 0xf3:
          this.repeat = 'rep';
          break;
        default:
          if (this.repeat !== 'none') return this.repeat === 'rep' ? 2 : 3;
          return has66 ? 1 : 0;
      }
      this.at++;
    }
    return -1;
  }

  /** null when the bytes end, undefined where no row begins so. */
  private opcodeEntry(): Entry | undefined | null {
    this.opcode = this.bytes[this.at++];
    if (this.opcode !== 0x0f) return this.one[this.opcode];
    if (this.at >= this.end) return null;
    this.opcode = this.bytes[this.at++];
    if (this.opcode !== 0x38 && this.opcode !== 0x3a) return this.two[this.opcode];
    if (this.at >= this.end) return null;
    const map = this.opcode === 0x38 ? this.three38 : this.three3a;
    this.opcode = this.bytes[this.at++];
    return map[this.opcode];
  }

  /** There are six segment registers, and CS is not loaded by MOV [SDM2 MOV]. */
  private segmentIsValid(): boolean {
    const n = (this.modrm >> 3) & 7;
    return n <= 5 && !(n === 1 && this.row.operands[0].kind === 'S');
  }

  private address(): boolean {
    this.memory = true;
    this.base = this.index = -1;
    this.scale = 0;
    this.displacement = 0;
    return this.asize === 16 ? this.address16() : this.address32();
  }

  /** [SDM2 table 2-1] */
  private address16(): boolean {
    const mod = this.modrm >> 6;
    const rm = this.modrm & 7;
    this.base = [3, 3, 5, 5, 6, 7, 5, 3][rm];
    this.index = [6, 7, 6, 7, -1, -1, -1, -1][rm];
    if (mod === 0 && rm === 6) this.base = -1;
    if (this.base === EBP) this.stackDefault();
    if (mod === 1) return this.displace(1);
    if (mod === 2 || (mod === 0 && rm === 6)) return this.displace(2);
    return true;
  }

  /** [SDM2 tables 2-2 and 2-3] */
  private address32(): boolean {
    const mod = this.modrm >> 6;
    this.base = this.modrm & 7;
    if (this.base === 4) {
      if (this.at >= this.end) return false;
      const sib = this.bytes[this.at++];
      this.base = sib & 7;
      this.index = (sib >> 3) & 7;
      this.scale = sib >> 6;
      if (this.index === 4) {
        this.index = -1;
        this.scale = 0;
      }
    }
    if (this.base === EBP && mod === 0) {
      this.base = -1;
      return this.displace(4);
    }
    if (this.base === EBP || this.base === ESP) this.stackDefault();
    if (mod === 1) return this.displace(1);
    if (mod === 2) return this.displace(4);
    return true;
  }

  private stackDefault(): void {
    if (!this.segmentOverride) this.segment = SS;
  }

  private displace(bytes: 1 | 2 | 4): boolean {
    const value = this.take(bytes);
    if (value === undefined) return false;
    this.displacement = bytes === 1 ? (value << 24) >> 24 : bytes === 2 ? (value << 16) >> 16 : value | 0;
    return true;
  }

  /** Little-endian unsigned, or undefined when the bytes end. */
  private take(bytes: number): number | undefined {
    if (this.at + bytes > this.end) {
      this.at = this.end;
      return undefined;
    }
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.bytes[this.at++] * 2 ** (8 * i);
    return value;
  }

  private operand(o: Operand): boolean {
    switch (o.kind) {
      case 'I':
      case 'J':
        return this.takeImmediate(o);
      case 'O': {
        const value = this.take(this.asize / 8);
        if (value === undefined) return false;
        this.memory = true;
        this.base = this.index = -1;
        this.scale = 0;
        this.displacement = value | 0;
        return true;
      }
      case 'A': {
        const offset = this.take(this.osize / 8);
        const selector = this.take(2);
        if (offset === undefined || selector === undefined) return false;
        this.immediate = offset | 0;
        this.immediate2 = selector;
        return true;
      }
      default:
        return true;
    }
  }

  private takeImmediate(o: Operand): boolean {
    const bytes = o.size === 'b' ? 1 : o.size === 'w' ? 2 : this.osize / 8;
    const value = this.take(bytes);
    if (value === undefined) return false;
    const signed = o.signed || o.kind === 'J';
    this.immediate = signed && bytes < 4 ? (value << (32 - 8 * bytes)) >> (32 - 8 * bytes) : value | 0;
    // ENTER alone has a second immediate, one byte.
    if (this.row.mnemonic !== 'ENTER') return true;
    const level = this.take(1);
    if (level === undefined) return false;
    this.immediate2 = level;
    return true;
  }
}

function buildMap(rows: readonly Row[], present: readonly boolean[], belongs: (opcode: readonly number[]) => boolean): (Entry | undefined)[] {
  const byOpcode = new Map<number, number[]>();
  rows.forEach((row, i) => {
    if (!present[i] || !belongs(row.opcode)) return;
    const first = row.opcode.at(-1) as number;
    for (let op = first; op < first + (row.plusRegister ? 8 : 1); op++) byOpcode.set(op, [...(byOpcode.get(op) ?? []), i]);
  });
  const map: (Entry | undefined)[] = new Array(256).fill(undefined);
  for (const [op, candidates] of byOpcode) {
    // XCHG with rAX is NOP: the row with the exact opcode comes first in the table and wins.
    map[op] = buildEntry(rows, candidates.filter((i) => !rows[i].plusRegister || candidates.every((k) => rows[k].plusRegister)));
  }
  return map;
}

function buildEntry(rows: readonly Row[], candidates: number[]): Entry {
  const modrm = candidates.some((i) => hasModrm(rows[i]));
  const columns = ([0, 1, 2, 3] as const).map((column) => {
    const choose = new Int16Array(modrm ? 256 : 1).fill(-1);
    for (let select = 0; select < choose.length; select++) {
      const fits = candidates.filter((i) => matches(rows[i], column, modrm ? select : undefined));
      // An exact ModRM byte is more specific than a digit, and a mandatory prefix than none (F3 0F BC is BSF to some processors).
      const [chosen, ...rest] = mostSpecific(mostSpecific(fits, (i) => rows[i].modrm !== undefined), (i) => rows[i].prefix !== undefined);
      if (rest.length > 0) throw new Error(`rows "${rows[chosen].source}" and "${rows[rest[0]].source}" are the same instruction`);
      choose[select] = chosen ?? -1;
    }
    return choose;
  });
  return { modrm, choose: columns as unknown as Entry['choose'] };
}

/** Those that a property holds for, if there are any. */
function mostSpecific(candidates: number[], property: (i: number) => boolean): number[] {
  const some = candidates.filter(property);
  return some.length > 0 ? some : candidates;
}

function matches(row: Row, column: number, modrm: number | undefined): boolean {
  if (row.prefix !== undefined && PREFIX_COLUMN[row.prefix] !== column) return false;
  if (modrm === undefined) return true;
  if (row.modrm !== undefined) return row.modrm === modrm;
  if (row.digit !== undefined && row.digit !== ((modrm >> 3) & 7)) return false;
  const register = modrm >= 0xc0;
  const needsMemory = row.form === 'memory' || row.operands.some((o) => o.kind === 'M');
  const needsRegister = row.form === 'register' || row.operands.some((o) => o.kind === 'N' || o.kind === 'U' || o.kind === 'T');
  return register ? !needsMemory : !needsRegister;
}
