/**
 * Decodes one instruction from bytes, by the rows of the opcode table [SDM2 2.1]. What it yields is the same for every
 * consumer: interpreter records, the region compiler, the disassembler and the test generator.
 */
import { ANY_NUMBER } from '../any-number.ts';
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
/** `base` of an address relative to the next instruction. */
export const BASE_RIP = 16;
const REX_W = 8;
const REX_R = 4;
const REX_X = 2;
const REX_B = 1;

/** Default operand and address size of code, by CS.D and CS.L. */
export type CodeSize = 16 | 32 | 64;

/**
 * For one opcode: which row holds, by mandatory prefix (0 none, 1 66, 2 F3, 3 F2) and ModRM byte; with a VEX prefix by its
 * length and W too, in bits 2 and 3 of the column.
 */
class Entry {
  readonly modrm: boolean;
  /** The row with a register in its opcode that an exact one hides but for REX.B, or -1. */
  readonly hidden: number;
  private readonly rows: readonly Row[];
  private readonly candidates: readonly number[];
  /** Some row has a whole byte of ModRM to itself: else its digit decides, and whether there is a register or memory. */
  private readonly exact: boolean;
  /** Bits of the index below the column's; columns are alike where no row has a prefix or VEX. */
  private readonly bits: number;
  private readonly alike: boolean;
  /** Rows by column and ModRM, as they were chosen. */
  private readonly chosen: Int16Array;

  constructor(rows: readonly Row[], { rows: candidates, hidden }: Candidates, columns: number) {
    this.rows = rows;
    this.candidates = candidates;
    this.hidden = hidden;
    this.modrm = candidates.some((i) => hasModrm(rows[i]));
    this.exact = candidates.some((i) => rows[i].modrm !== undefined);
    this.alike = candidates.every((i) => rows[i].prefix === undefined && rows[i].vex === undefined);
    this.bits = this.exact ? 8 : this.modrm ? 4 : 0;
    this.chosen = new Int16Array((this.alike ? 1 : columns) << this.bits).fill(UNKNOWN);
  }

  /** Row number, or -1, for a column and, where there is one, a byte of ModRM. */
  row(column: number, modrm: number): number {
    const index = this.exact ? modrm : this.modrm ? (modrm >= 0xc0 ? 8 : 0) | ((modrm >> 3) & 7) : 0;
    const at = this.alike ? index : (column << this.bits) | index;
    if (this.chosen[at] === UNKNOWN) this.chosen[at] = this.choose(column, modrm);
    return this.chosen[at];
  }
  private choose(column: number, modrm: number): number {
    const { rows } = this;
    const fits = this.candidates.filter((i) => matches(rows[i], column, this.modrm ? modrm : undefined));
    // An exact ModRM byte is more specific than a digit, and a mandatory prefix than none (F3 0F BC is BSF to some processors).
    const [chosen, ...rest] = mostSpecific(mostSpecific(fits, (i) => rows[i].modrm !== undefined), (i) => rows[i].prefix !== undefined);
    if (rest.length > 0) throw new Error(`rows "${rows[chosen].source}" and "${rows[rest[0]].source}" are the same instruction`);
    return chosen ?? -1;
  }
}
/** Not yet chosen. */
const UNKNOWN = -2;

/** The entries of a map's opcodes, each made when it is first asked for. */
class OpcodeMap {
  private readonly rows: readonly Row[];
  private readonly candidates: readonly (Candidates | undefined)[];
  private readonly columns: number;
  private readonly entries: (Entry | undefined)[] = [];

  constructor(rows: readonly Row[], candidates: readonly (Candidates | undefined)[], columns: number) {
    this.rows = rows;
    this.candidates = candidates;
    this.columns = columns;
  }

  of(opcode: number): Entry | undefined {
    const found = this.candidates[opcode];
    return found && (this.entries[opcode] ??= new Entry(this.rows, found, this.columns));
  }

  /** @throws Error when two rows are the same instruction. */
  check(): void {
    for (let opcode = 0; opcode < 256; opcode++) {
      const entry = this.of(opcode);
      for (let column = 0; column < this.columns; column++) for (let modrm = 0; modrm < 256; modrm++) entry?.row(column, modrm);
    }
  }
}

/** Rows that share an opcode, and one that they hide but for REX.B, or -1. */
interface Candidates {
  readonly rows: readonly number[];
  readonly hidden: number;
}

/** Opcodes of the maps that 0F, 0F 38 and 0F 3A do not lead to, and those that they do. */
interface Maps {
  readonly one: OpcodeMap;
  readonly two: OpcodeMap;
  readonly three38: OpcodeMap;
  readonly three3a: OpcodeMap;
}

/** What VEX.L and VEX.W add to the column, which VEX.pp is otherwise. */
const VEX_L = 4, VEX_W = 8;
const PREFIX_COLUMN = { NP: 0, '66': 1, F3: 2, F2: 3 } as const;

export class Decoder {
  readonly rows: readonly Row[];
  /** What code of 16 and 32 bits has, and 64-bit code. */
  private readonly legacy: Maps;
  private readonly long: Maps;
  private readonly vexed: Maps;
  private readonly always64: boolean[];
  private readonly default64: boolean[];
  private readonly usesVvvv: boolean[];
  private readonly vectorIndex: boolean[];
  private readonly ignoresMod: boolean[];
  private readonly namesRegister: boolean[];
  /** The operands of each row that have bytes of their own. */
  private readonly inBytes: readonly (readonly Operand[])[];

  // The instruction, after `decode` returned 'ok'
  row!: Row;
  rowIndex = 0;
  length = 0;
  osize: CodeSize = 32;
  asize: CodeSize = 32;
  repeat: Repeat = 'none';
  lock = false;
  /** Segment of the memory operand, and whether a prefix named it. */
  segment = DS;
  segmentOverride = false;
  opcode = 0;
  modrm = 0;
  /** The REX prefix, or the same bits of a VEX prefix, or 0. */
  rex = 0;
  /** The register in VEX.vvvv. */
  vvvv = 0;
  /** True when ModRM.rm or the opcode (moffs) names memory. */
  memory = false;
  /** Register numbers, -1 for none, BASE_RIP; scale as a shift. */
  base = -1;
  index = -1;
  scale = 0;
  displacement = ANY_NUMBER;
  immediate = ANY_NUMBER;
  /** The second immediate, or the high half of one of 64 bits (so too the address of moffs in 64-bit code). */
  immediate2 = ANY_NUMBER;
  /** How many bytes displacement and immediate take, the last ones of the instruction; -1 for other immediates than one of up to 32 bits. */
  displacementBytes = 0;
  immediateBytes = 0;
  /** The immediate is sign-extended. */
  immediateSigned = false;

  private vexMap = 0;
  /** 64-bit code. */
  private wide = false;
  private bytes!: Uint8Array;
  private at = 0;
  private end = 0;

  /** @param features those of the processor; rows that need others are no instructions. Default: all are there. */
  constructor(rows: readonly Row[], features?: FeatureSet) {
    this.rows = rows;
    const present = rows.map((row) => row.feature === undefined || features === undefined || features.has(row.feature));
    this.ignoresMod = rows.map((row) => row.operands.some((o) => o.kind === 'C' || o.kind === 'D'));
    this.namesRegister = rows.map((row) => row.operands.some((o) => o.kind === 'S' || o.kind === 'D'));
    this.always64 = rows.map((row) => row.attributes.has('f64'));
    this.default64 = rows.map((row) => row.attributes.has('d64'));
    this.usesVvvv = rows.map((row) => row.operands.some((o) => o.kind === 'H' || o.kind === 'B'));
    this.inBytes = rows.map((row) => row.operands.filter((o) => 'IJLOA'.includes(o.kind)));
    this.vectorIndex = rows.map((row) => row.operands.some((o) => o.kind === 'X'));
    const has = (row: Row, i: number, without: 'i64' | 'o64') => present[i] && !row.vex && !row.attributes.has(without);
    this.legacy = buildMaps(rows, (row, i) => has(row, i, 'o64'), 4);
    this.long = buildMaps(rows, (row, i) => has(row, i, 'i64'), 4);
    this.vexed = buildMaps(rows, (row, i) => present[i] && row.vex !== undefined, 16);
  }

  /** @throws Error when two rows are the same instruction. */
  check(): void {
    for (const maps of [this.legacy, this.long, this.vexed]) for (const map of [maps.one, maps.two, maps.three38, maps.three3a]) map.check();
  }

  /** Number of the register in ModRM.reg; 8 bits, MMX and others of which there are 8 take the low bits. */
  get reg(): number { return ((this.modrm >> 3) & 7) | ((this.rex & REX_R) << 1); }
  /** Number of the register in ModRM.rm. */
  get rm(): number { return (this.modrm & 7) | ((this.rex & REX_B) << 3); }
  /** Number of the register in the opcode. */
  get opcodeRegister(): number { return (this.opcode & 7) | ((this.rex & REX_B) << 3); }

  /** `start` and `end` index `bytes`; `size` is that of the code segment. */
  decode(bytes: Uint8Array, start: number, end: number, size: CodeSize): DecodeResult {
    this.bytes = bytes;
    this.at = start;
    this.end = Math.min(end, start + MAX_LENGTH);
    const result = this.decodeInside(size);
    this.length = this.at - start;
    if (result === 'truncated' && end - start >= MAX_LENGTH) return 'too-long';
    return result;
  }

  private decodeInside(size: CodeSize): DecodeResult {
    this.wide = size === 64;
    this.vvvv = 0;
    this.displacementBytes = this.immediateBytes = this.immediate2 = 0;
    let column = this.prefixes(size);
    if (column < 0) return 'truncated';
    const legacyPrefix = column > 0 || this.rex !== 0 || this.lock;
    const vex = this.vexPrefix(size);
    if (vex === 'truncated') return vex;
    if (vex !== undefined) {
      if (legacyPrefix) return 'undefined';
      column = vex;
    }
    const entry = vex !== undefined ? this.vexEntry() : this.opcodeEntry(size === 64 ? this.long : this.legacy);
    if (entry === null) return 'truncated';
    if (entry === undefined) return 'undefined';
    let select = 0;
    if (entry.modrm) {
      if (this.at >= this.end) return 'truncated';
      this.modrm = select = this.bytes[this.at++];
    }
    const index = this.rex & REX_B && entry.hidden >= 0 ? entry.hidden : entry.row(column, select);
    if (index < 0) return 'undefined';
    this.rowIndex = index;
    this.row = this.rows[index];
    if (vex !== undefined) {
      if (this.vvvv !== 0 && !this.usesVvvv[index]) return 'undefined';
      // Its top bit names no register outside 64-bit mode [SDM2 2.3.5.6]; where the field is reserved, all of it has to be set.
      if (size !== 64) this.vvvv &= 7;
    }
    if (size === 64) this.longOperandSize();
    this.memory = false;
    // MOV to and from control and debug registers takes any mod for a register [SDM2 MOV].
    if (entry.modrm && this.modrm < 0xc0 && !this.ignoresMod[index] && !this.address(size)) return 'truncated';
    if (this.vectorIndex[index] && !this.vectorsAreValid()) return 'undefined';
    if (this.namesRegister[index] && !this.registerIsValid()) return 'undefined';
    for (const operand of this.inBytes[index]) if (!this.operand(operand)) return 'truncated';
    if (this.inBytes[index].length > 1) this.immediateBytes = -1;
    if (this.lock && !(this.memory && this.row.attributes.has('lock'))) return 'undefined';
    return 'ok';
  }

  /** The operand size where it is not 32 by default, or not changed by a prefix [SDM2 2.2.1.7, appendix A.2.5]. */
  private longOperandSize(): void {
    const { rowIndex } = this;
    if (this.rex & REX_W || this.always64[rowIndex] || (this.default64[rowIndex] && this.osize === 32)) this.osize = 64;
  }

  /** Returns the mandatory-prefix column, or -1 when the bytes end. */
  private prefixes(size: CodeSize): number {
    this.osize = size === 16 ? 16 : 32;
    this.asize = size;
    this.rex = 0;
    this.repeat = 'none';
    this.lock = false;
    this.segmentOverride = false;
    this.segment = DS;
    if (this.at < this.end && !isPrefix(this.bytes[this.at])) return 0;
    let has66 = false;
    while (this.at < this.end) {
      const byte = this.bytes[this.at];
      switch (byte) {
        case 0x26: case 0x2e: case 0x36: case 0x3e:
          // ES, CS, SS and DS have no effect in 64-bit mode [SDM1 3.3.7].
          if (size === 64) break;
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
          this.asize = size === 32 ? 16 : 32;
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
          if (size === 64 && (byte & 0xf0) === 0x40) {
            this.at++;
            // REX counts only directly before the opcode.
            if (this.at < this.end && isPrefix(this.bytes[this.at])) continue;
            this.rex = byte;
          }
          if (this.repeat !== 'none') return this.repeat === 'rep' ? 2 : 3;
          return has66 ? 1 : 0;
      }
      this.at++;
    }
    return -1;
  }

  /**
   * The column of a VEX prefix, or undefined when there is none: outside 64-bit mode LES and LDS have its first byte, with
   * memory operands only [SDM2 2.3.5].
   */
  private vexPrefix(size: CodeSize): number | 'truncated' | undefined {
    const { bytes, at } = this;
    if (at >= this.end || (bytes[at] !== 0xc4 && bytes[at] !== 0xc5)) return undefined;
    const length = bytes[at] === 0xc4 ? 3 : 2;
    if (at + 1 >= this.end) return 'truncated';
    if (size !== 64 && bytes[at + 1] < 0xc0) return undefined;
    if (at + length > this.end) return 'truncated';
    const last = bytes[at + length - 1];
    const wide = length === 3 ? last & 0x80 : 0;
    // R, X and B are inverted; outside 64-bit mode there are eight registers, and W is no operand size.
    const registers = length === 3 ? ~bytes[at + 1] >> 5 : (~bytes[at + 1] >> 5) & REX_R;
    this.rex = size === 64 ? (registers & 7) | (wide >> 4) : 0;
    this.vvvv = (~last >> 3) & 15;
    this.vexMap = length === 3 ? bytes[at + 1] & 0x1f : 1;
    this.at += length;
    return (last & 3) | (last & VEX_L) | (wide ? VEX_W : 0);
  }

  /** As `opcodeEntry`, in the map that the VEX prefix names. */
  private vexEntry(): Entry | undefined | null {
    if (this.at >= this.end) return null;
    this.opcode = this.bytes[this.at++];
    const map = [undefined, this.vexed.two, this.vexed.three38, this.vexed.three3a][this.vexMap];
    return map?.of(this.opcode);
  }

  /** null when the bytes end, undefined where no row begins so. */
  private opcodeEntry(maps: Maps): Entry | undefined | null {
    if (this.at >= this.end) return null;
    this.opcode = this.bytes[this.at++];
    if (this.opcode !== 0x0f) return maps.one.of(this.opcode);
    if (this.at >= this.end) return null;
    this.opcode = this.bytes[this.at++];
    if (this.opcode !== 0x38 && this.opcode !== 0x3a) return maps.two.of(this.opcode);
    if (this.at >= this.end) return null;
    const map = this.opcode === 0x38 ? maps.three38 : maps.three3a;
    this.opcode = this.bytes[this.at++];
    return map.of(this.opcode);
  }

  /** A vector index is in a SIB byte, and destination, index and mask are three registers [SDM2 2.3.12]. */
  private vectorsAreValid(): boolean {
    if (this.asize === 16 || (this.modrm & 7) !== 4) return false;
    return this.reg !== this.index && this.reg !== this.vvvv && this.index !== this.vvvv;
  }

  /** There are eight debug registers and six segment registers, and CS is not loaded by MOV [SDM2 MOV]. */
  private registerIsValid(): boolean {
    if (this.ignoresMod[this.rowIndex]) return this.reg < 8;
    const n = (this.modrm >> 3) & 7;
    return n <= 5 && !(n === 1 && this.row.operands[0].kind === 'S');
  }

  private address(size: CodeSize): boolean {
    this.memory = true;
    this.base = this.index = -1;
    this.scale = 0;
    this.displacement = 0;
    return this.asize === 16 ? this.address16() : this.address32(size);
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

  /** [SDM2 tables 2-2 and 2-3; in 64-bit mode 2.2.1.2, 2.2.1.6] */
  private address32(size: CodeSize): boolean {
    const mod = this.modrm >> 6;
    this.base = this.modrm & 7;
    if (this.base === 4) {
      if (this.at >= this.end) return false;
      const sib = this.bytes[this.at++];
      this.base = sib & 7;
      this.index = (sib >> 3) & 7;
      this.scale = sib >> 6;
      this.index |= (this.rex & REX_X) << 2;
      if (this.index === 4 && !this.vectorIndex[this.rowIndex]) {
        this.index = -1;
        this.scale = 0;
      }
    }
    if (this.base === EBP && mod === 0) {
      this.base = size === 64 && (this.modrm & 7) === EBP ? BASE_RIP : -1;
      return this.displace(4);
    }
    this.base |= (this.rex & REX_B) << 3;
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
    this.displacementBytes = bytes;
    this.displacement = bytes === 1 ? (value << 24) >> 24 : bytes === 2 ? (value << 16) >> 16 : value | 0;
    return true;
  }

  /** Little-endian unsigned, or undefined when the bytes end. */
  private take(bytes: number): number | undefined {
    if (this.at + bytes > this.end) {
      this.at = this.end;
      return undefined;
    }
    const { bytes: from, at } = this;
    this.at += bytes;
    switch (bytes) {
      case 1: return from[at];
      case 2: return from[at] | (from[at + 1] << 8);
      default: return (from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24)) >>> 0;
    }
  }

  private operand(o: Operand): boolean {
    if (o.kind === 'I' || o.kind === 'J') return this.takeImmediate(o);
    this.immediateBytes = -1;
    switch (o.kind) {
      case 'L': {
        const value = this.take(1);
        this.immediate = ((value ?? 0) >> 4) & (this.wide ? 15 : 7);
        return value !== undefined;
      }
      case 'O': {
        if (!this.takeWide(this.asize / 8)) return false;
        this.memory = true;
        this.base = this.index = -1;
        this.scale = 0;
        this.displacement = this.immediate;
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

  /** An unsigned value of up to 8 bytes, as two halves. */
  private takeWide(bytes: number): boolean {
    const low = this.take(Math.min(bytes, 4));
    const high = bytes > 4 ? this.take(bytes - 4) : 0;
    if (low === undefined || high === undefined) return false;
    this.immediate = low | 0;
    this.immediate2 = high | 0;
    return true;
  }

  private takeImmediate(o: Operand): boolean {
    // Of 64 bits only MOV's is (Iv); others are of 32, sign-extended [SDM2 2.2.1.5].
    if (o.size === 'v' && this.osize === 64) {
      this.immediateBytes = -1;
      return this.takeWide(8);
    }
    const bytes = o.size === 'b' ? 1 : o.size === 'w' ? 2 : Math.min(this.osize / 8, 4);
    const value = this.take(bytes);
    if (value === undefined) return false;
    const signed = o.signed || o.kind === 'J';
    this.immediateBytes = bytes;
    this.immediateSigned = signed;
    this.immediate = signed && bytes < 4 ? (value << (32 - 8 * bytes)) >> (32 - 8 * bytes) : value | 0;
    // ENTER alone has a second immediate, one byte.
    if (this.row.mnemonic !== 'ENTER') return true;
    this.immediateBytes = -1;
    const level = this.take(1);
    if (level === undefined) return false;
    this.immediate2 = level;
    return true;
  }
}

const isPrefix = (byte: number): boolean =>
  (byte & 0xf0) === 0x40 || (byte & 0xfe) === 0xf2 || (byte & 0xfc) === 0x64 || (byte & 0xe7) === 0x26 || byte === 0xf0;

/** The maps of the rows that are `present`. */
function buildMaps(rows: readonly Row[], present: (row: Row, index: number) => boolean, columns: number): Maps {
  const map = (belongs: (opcode: readonly number[]) => boolean) => buildMap(rows, (row, i) => present(row, i) && belongs(row.opcode), columns);
  return {
    one: map((op) => op.length === 1),
    two: map((op) => op.length === 2 && op[0] === 0x0f),
    three38: map((op) => op.length === 3 && op[1] === 0x38),
    three3a: map((op) => op.length === 3 && op[1] === 0x3a),
  };
}

function buildMap(rows: readonly Row[], belongs: (row: Row, index: number) => boolean, columns: number): OpcodeMap {
  const byOpcode = new Map<number, number[]>();
  rows.forEach((row, i) => {
    if (!belongs(row, i)) return;
    const first = row.opcode.at(-1) as number;
    for (let op = first; op < first + (row.plusRegister ? 8 : 1); op++) byOpcode.set(op, [...(byOpcode.get(op) ?? []), i]);
  });
  const map: (Candidates | undefined)[] = new Array(256).fill(undefined);
  for (const [op, candidates] of byOpcode) {
    // XCHG of rAX with itself is NOP: the row with the exact opcode wins.
    const exact = candidates.filter((i) => !rows[i].plusRegister);
    const hidden = exact.length > 0 ? candidates.find((i) => rows[i].plusRegister) : undefined;
    map[op] = { rows: exact.length > 0 ? exact : candidates, hidden: hidden ?? -1 };
  }
  return new OpcodeMap(rows, map, columns);
}

/** Those that a property holds for, if there are any. */
function mostSpecific(candidates: number[], property: (i: number) => boolean): number[] {
  const some = candidates.filter(property);
  return some.length > 0 ? some : candidates;
}

function matches(row: Row, column: number, modrm: number | undefined): boolean {
  if (row.prefix !== undefined && PREFIX_COLUMN[row.prefix] !== (column & 3)) return false;
  if (row.vex?.length !== undefined && (row.vex.length === 256) !== ((column & VEX_L) !== 0)) return false;
  if (row.vex?.w !== undefined && (row.vex.w === 1) !== ((column & VEX_W) !== 0)) return false;
  if (modrm === undefined) return true;
  if (row.modrm !== undefined) return row.modrm === modrm;
  if (row.digit !== undefined && row.digit !== ((modrm >> 3) & 7)) return false;
  const register = modrm >= 0xc0;
  const needsMemory = row.form === 'memory' || row.operands.some((o) => o.kind === 'M' || o.kind === 'X');
  const needsRegister = row.form === 'register' || row.operands.some((o) => o.kind === 'N' || o.kind === 'U' || o.kind === 'T');
  return register ? !needsMemory : !needsRegister;
}
