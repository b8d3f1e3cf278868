/**
 * Makes cases of 64-bit code from the opcode table: an encoding of a row, with operand form, sizes and prefixes drawn at
 * random, and states for it whose registers and addresses lie at the edges.
 */
import { readFileSync } from 'node:fs';
import { isStringRow, longOperandSizes, usesOperandSize64 } from '../../../src/interp/variant.ts';
import type { CodeSize } from '../../../src/isa/decode.ts';
import { featureNamed } from '../../../src/isa/features.ts';
import { hasModrm, type Operand, type Row } from '../../../src/isa/row.ts';
import { type FxOptions, makeFxState } from '../fx-state.ts';
import type { Random } from '../random.ts';
import * as R from './record.ts';

/** What is drawn of an encoding's shape, as coverage and reports name it. */
export interface Form {
  readonly osize: CodeSize;
  readonly asize: 32 | 64;
  readonly memory: boolean;
  readonly lock: boolean;
  readonly repeat: number;
}

/** Where the registers of a memory operand are to lead. */
interface Address {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
}

export interface Encoding extends Form {
  readonly row: Row;
  readonly bytes: Uint8Array;
  readonly rip: number;
  readonly address: Address | undefined;
  /** FS, GS or -1. */
  readonly segment: number;
  readonly immediate: number;
  /** Numbers of the registers in ModRM. */
  readonly reg: number;
  readonly rm: number;
  /** Of a gather: the register with the indices, -1 for others. */
  readonly vectorIndex: number;
}

const RIP_RELATIVE = 16;
const FS = 4;
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e];
const BIT_TESTS = new Set(['BT', 'BTS', 'BTR', 'BTC']);
const REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1;
const FX_IMAGES = 64;
const MASK64 = (1n << 64n) - 1n;

/**
 * What user programs cannot compare: each processor's or the kernel's own results, system calls, what the kernel keeps for
 * itself; far jumps and calls, for which AMD's processors have no 64-bit offsets.
 */
const LEFT_OUT = /^(CPUID|RDTSC|RDTSCP|RDPID|RDPMC|RDRAND|RDSEED|X[GS]ETBV|INVPCID|SYSCALL|SYSRET|SYSENTER|SYSEXIT|(CALL|JMP)_FAR_INDIRECT|SLDT|STR|SGDT|SIDT|SMSW|XSAVE.*|XRSTOR.*)$/;

/** What the host's processor has, by the kernel's names. */
export const hostFlags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ').map(featureNamed));

/** Rows that the host and a random case can do something with. */
export const rowsToTest = (rows: readonly Row[]): Row[] =>
  rows.filter((row) => !row.attributes.has('i64') && !LEFT_OUT.test(row.mnemonic) && (!row.feature || hostFlags.has(row.feature)));
/** It gathers from a vector of addresses. */
const isGather = (row: Row): boolean => row.operands.some((o) => o.kind === 'X');

const little = (value: bigint | number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 0xffn));

/** All sizes, operand forms and prefixes that a row has. */
export function formsOf(row: Row): Form[] {
  const modrm = hasModrm(row) && row.modrm === undefined;
  const register = modrm && row.form !== 'memory' && !row.operands.some((o) => o.kind === 'M');
  const memory = modrm && row.form !== 'register' && !row.operands.some((o) => 'RNUT'.includes(o.kind));
  const implicit = row.attributes.has('asize') || row.operands.some((o) => o.kind === 'O');
  const forms: Form[] = [];
  const plain = { lock: false, repeat: 0 };
  for (const osize of longOperandSizes(row)) {
    if (register || (!memory && !implicit)) forms.push({ osize, asize: 64, memory: false, ...plain });
    if (!memory && !implicit) continue;
    for (const asize of [64, 32] as const) {
      forms.push({ osize, asize, memory, ...plain });
      if (memory && row.attributes.has('lock')) forms.push({ osize, asize, memory, lock: true, repeat: 0 });
      if (isStringRow(row)) for (const repeat of [0xf2, 0xf3]) forms.push({ osize, asize, memory, lock: false, repeat });
    }
  }
  return forms;
}

const PREFIX_NAMES = new Map([[0, ''], [0xf2, ' repne'], [0xf3, ' rep']]);
export const formText = (row: Row, f: Form): string =>
  `${row.source.replace(/\s+/g, ' ')} | osize${f.osize} asize${f.asize} ${f.memory ? 'memory' : 'register'}${f.lock ? ' lock' : ''}${PREFIX_NAMES.get(f.repeat)}`;

export class Generator {
  private readonly random: Random;
  private readonly images: Uint8Array[] = [];
  private readonly fx: FxOptions = { plain: false };

  constructor(random: Random) {
    this.random = random;
  }

  /** A quadword weighted to the edges of 8, 16, 32, 47 and 64 bits. */
  value(): bigint {
    const { random } = this;
    const low = BigInt(random.value());
    switch (random.below(8)) {
      case 0: return low;
      case 1: return BigInt.asUintN(64, BigInt.asIntN(32, low));
      case 2: return (low << 32n) | BigInt(random.value());
      case 3: return 1n << BigInt(random.below(64));
      case 4: return ((1n << BigInt(random.below(64))) - BigInt(random.below(3))) & MASK64;
      case 5: return BigInt.asUintN(64, -BigInt(random.below(64)));
      case 6: return random.pick([1n << 47n, (1n << 47n) - 1n, 0xffff800000000000n, 0x8000000000000000n, 0x7fffffffffffffffn, MASK64]);
      default: return (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    }
  }

  encode(row: Row, form: Form): Encoding {
    const { random } = this;
    const { osize, asize } = form;
    const prefixes: number[] = [];
    if (row.prefix !== undefined && row.prefix !== 'NP' && !row.vex) prefixes.push(Number.parseInt(row.prefix, 16));
    if (osize === 16 && row.prefix !== '66') prefixes.push(0x66);
    if (asize === 32) prefixes.push(0x67);
    if (form.repeat) prefixes.push(form.repeat);
    if (form.lock) prefixes.push(0xf0);
    let segment = -1;
    if (random.chance(12)) prefixes.push(0x60 + (segment = FS + random.below(2)));
    else if (random.chance(5)) prefixes.push(random.pick(SEGMENT_PREFIXES));
    for (let i = prefixes.length - 1; i > 0; i--) {
      const k = random.below(i + 1);
      [prefixes[i], prefixes[k]] = [prefixes[k] as number, prefixes[i] as number];
    }
    // Destination, mask and indices of a gather are three registers [SDM2 2.3.12].
    const vectors = isGather(row) ? random.pick([[0, 1, 2], [3, 9, 4], [12, 7, 15], [8, 11, 0], [5, 2, 10], [15, 14, 13]] as const) : undefined;
    const rex = this.rex(row, osize) & (vectors ? ~(REX_R | REX_X) : -1) | (vectors ? (vectors[0] >> 3) * REX_R | (vectors[2] >> 3) * REX_X : 0);
    const bytes = [...prefixes, ...(row.vex ? this.vex(row, row.vex, rex, vectors?.[1]) : [...(rex ? [rex] : []), ...row.opcode])];
    if (row.plusRegister) bytes[bytes.length - 1] = (bytes.at(-1) as number) + random.below(8);
    const rip = R.CODE_BASE + (random.chance(10) ? 0x1000 - random.below(15) : 0x400 + random.below(0x800));
    let modrm = row.modrm ?? -1;
    let address: Address | undefined;
    let relativeAt = -1;
    if (modrm >= 0) bytes.push(modrm);
    else if (hasModrm(row)) {
      modrm = ((row.digit ?? random.below(8)) << 3) | random.below(8) | (form.memory ? random.below(3) << 6 : 0xc0);
      if (vectors) modrm = (modrm & 0xc0) | (vectors[0] & 7) << 3 | 4;
      bytes.push(modrm);
      if (form.memory) {
        address = this.memory(modrm, rex, bytes, vectors?.[2]);
        if (address.base === RIP_RELATIVE) relativeAt = bytes.length - 4;
      }
    }
    let immediate = 0;
    for (const o of row.operands) immediate = this.immediate(row, o, form, bytes) ?? immediate;
    if (relativeAt >= 0) this.relative(bytes, relativeAt, rip, asize);
    const reg = ((modrm >> 3) & 7) | ((rex & REX_R) << 1);
    const rm = (modrm & 7) | ((rex & REX_B) << 3);
    return { ...form, row, bytes: Uint8Array.from(bytes), rip, address, segment, immediate, reg, rm, vectorIndex: vectors?.[2] ?? -1 };
  }

  private rex(row: Row, osize: CodeSize): number {
    const { random } = this;
    const fixed64 = row.attributes.has('f64') || row.attributes.has('d64');
    let bits = random.chance(60) ? random.below(8) : 0;
    // Where it changes nothing, it comes now and then.
    if (osize === 64 && !fixed64) bits |= REX_W;
    else if ((fixed64 ? osize === 64 : !usesOperandSize64(row)) && random.chance(20)) bits |= REX_W;
    return bits !== 0 || random.chance(20) ? REX | bits : 0;
  }

  /** The VEX prefix and the opcode, with the bits of a REX prefix [SDM2 2.3.5]. */
  private vex(row: Row, vex: NonNullable<Row['vex']>, rex: number, mask: number | undefined): number[] {
    const { random } = this;
    const map = row.opcode.length === 2 ? 1 : row.opcode[1] === 0x38 ? 2 : 3;
    const wide = vex.w ?? ((rex & REX_W) >> 3);
    const long = vex.length === undefined ? random.below(2) : vex.length === 256 ? 1 : 0;
    const vvvv = mask ?? (row.operands.some((o) => o.kind === 'H' || o.kind === 'B') ? random.below(16) : 0);
    const last = (~vvvv & 15) << 3 | long << 2 | ['NP', '66', 'F3', 'F2'].indexOf(row.prefix ?? 'NP');
    const opcode = row.opcode.at(-1) as number;
    // R, X and B are inverted.
    if (map === 1 && wide === 0 && (rex & (REX_X | REX_B)) === 0 && random.chance(70)) return [0xc5, (rex & REX_R ? 0 : 0x80) | last, opcode];
    return [0xc4, (~rex & 7) << 5 | map, wide << 7 | last, opcode];
  }

  /** A memory operand; its bytes after ModRM are added. */
  private memory(modrm: number, rex: number, bytes: number[], vectorIndex?: number): Address {
    const { random } = this;
    const mod = modrm >> 6;
    let base = modrm & 7;
    let index = -1;
    let scale = 0;
    if (base === 5 && mod === 0) {
      bytes.push(0, 0, 0, 0);
      return { base: RIP_RELATIVE, index, scale, displacement: 0 };
    }
    if (base === 4) {
      const sib = vectorIndex === undefined ? random.below(256) : (random.below(4) << 6) | ((vectorIndex & 7) << 3) | random.below(8);
      bytes.push(sib);
      base = sib & 7;
      index = ((sib >> 3) & 7) | ((rex & REX_X) << 2);
      scale = sib >> 6;
      if (index === 4 || vectorIndex !== undefined) index = -1;
    }
    const none = base === 5 && mod === 0;
    const size = mod === 1 ? 1 : mod === 2 || none ? 4 : 0;
    const wanted = none && index < 0 ? R.DATA_LOW + this.offset() : random.value();
    const displacement = size === 1 ? (wanted << 24) >> 24 : size === 4 ? wanted | 0 : 0;
    bytes.push(...little(displacement, size));
    return { base: none ? -1 : base | ((rex & REX_B) << 3), index, scale, displacement };
  }

  /** The displacement that leads from the end of an instruction to the data, which only 64-bit addresses reach. */
  private relative(bytes: number[], at: number, rip: number, asize: number): void {
    const from = rip + bytes.length;
    const distance = asize === 64 ? R.DATA_HIGH + this.offset() - from : R.DATA_LOW + this.offset() - (from % 2 ** 32);
    const value = this.random.chance(92) ? distance : this.random.value();
    for (const [i, byte] of little(value, 4).entries()) bytes[at + i] = byte;
  }

  private immediate(row: Row, o: Operand, form: Form, bytes: number[]): number | undefined {
    const { random } = this;
    const { osize } = form;
    if (o.kind === 'O') {
      bytes.push(...(form.asize === 32 ? little(R.DATA_LOW + this.offset(), 4) : little(this.target(64), 8)));
      return 0;
    }
    if (o.kind === 'J') {
      bytes.push(...this.branch(o));
      return 0;
    }
    if (o.kind === 'L') {
      bytes.push(random.below(256));
      return 0;
    }
    if (o.kind !== 'I') return undefined;
    if (o.size === 'v' && osize === 64) {
      bytes.push(...little(this.value(), 8));
      return 0;
    }
    const size = o.size === 'b' ? 1 : o.size === 'w' ? 2 : Math.min(osize / 8, 4);
    let value = row.mnemonic === 'ENTER' ? random.below(64) : random.value();
    // System calls are none of the processor's.
    if (row.mnemonic === 'INT' && (value & 0xff) === 0x80) value = 0x81;
    bytes.push(...little(value, size));
    if (row.mnemonic === 'ENTER') bytes.push(random.pick([0, 0, 1, 2, 3, 5, 31, 32, 33, 255]));
    return value;
  }

  /** Branches land in the INT3s around, or far away; never on the instruction itself. */
  private branch(o: Operand): number[] {
    const { random } = this;
    const size = o.size === 'b' ? 1 : 4;
    let value = random.chance(70) ? random.below(200) - 100 : random.value();
    const low = size === 1 ? (value << 24) >> 24 : value | 0;
    if (low > -17 && low < 0) value = 16;
    return little(value, size);
  }

  /** An offset from the start of the data, mostly within it. */
  private offset(): number {
    const { random } = this;
    const kind = random.below(16);
    if (kind < 11) return 0x40 + random.below(0x1f00);
    if (kind < 12) return 0x1000 - random.below(20);
    if (kind < 13) return 0x2000 - random.below(20);
    if (kind < 14) return 0x10000 - random.below(20);
    if (kind < 15) return 0xf000 + random.below(8) - 4;
    return random.below(8) - 4;
  }

  /** Where an operand is to be, as an address of so many bits. */
  private target(asize: 32 | 64): bigint {
    const { random } = this;
    if (random.chance(3)) return asize === 64 ? this.value() : BigInt(random.value());
    // An operand at the edge of what is canonical.
    if (asize === 64 && random.chance(2)) return random.pick([(1n << 47n) - BigInt(random.below(20)), 0xffff800000000000n - BigInt(random.below(20))]);
    const low = asize === 32 || random.chance(25);
    return BigInt((low ? R.DATA_LOW : R.DATA_HIGH) + this.offset());
  }

  /** Writes a case for the encoding into the batch. */
  state(e: Encoding, batch: R.Batch, n: number): void {
    const { random } = this;
    const r = Array.from({ length: 16 }, () => this.value());
    const bases = [this.base(), this.base()];
    this.stack(e, r);
    this.shapes(e, r);
    if (e.address) this.solve(e, e.address, r, e.segment < 0 ? 0n : (bases[e.segment - FS] as bigint));
    batch.clear(n);
    batch.setCode(n, e.bytes);
    batch.setU64(n, R.RIP, BigInt(e.rip));
    batch.setU32(n, R.EFLAGS, (random.u32() & 0x8d5) | 0x202 | (random.chance(25) ? 0x400 : 0));
    for (let i = 0; i < 16; i++) batch.setU64(n, R.REGISTERS + 8 * i, BigInt.asUintN(64, r[i] as bigint));
    for (const i of [0, 1]) batch.setU64(n, R.FS_BASE + 8 * i, BigInt.asUintN(64, bases[i] as bigint));
    batch.fxBefore(n).set(this.image());
    batch.ymm(n, R.YMM_BEFORE).set(this.image().subarray(R.YMM_AT, R.YMM_AT + R.YMM_BYTES));
    if (e.vectorIndex >= 0) this.indices(e, batch, n);
  }
  /** Puts small indices, a few of them negative, into the register of a gather; most of its other lanes would miss the data. */
  private indices(e: Encoding, batch: R.Batch, n: number): void {
    const { random } = this;
    const bytes = /GATHERQ/.test(e.row.mnemonic) ? 8 : 4;
    const halves = [batch.fxBefore(n).subarray(R.YMM_AT + 16 * e.vectorIndex), batch.ymm(n, R.YMM_BEFORE).subarray(16 * e.vectorIndex)];
    for (const half of halves) for (let at = 0; at < 16; at += bytes) if (random.chance(95)) half.set(little(random.below(72) - 8, bytes), at);
  }
  /** Of FS or GS: canonical. */
  private base(): bigint {
    const { random } = this;
    if (random.chance(60)) return BigInt(R.DATA_HIGH + random.below(0x100));
    return BigInt.asUintN(64, BigInt.asIntN(48, this.value()));
  }
  /** An FXSAVE image for the state before. */
  image(): Uint8Array {
    const { random, images } = this;
    if (images.length < FX_IMAGES || random.chance(10)) {
      const image = makeFxState(random, this.fx);
      // Eight more registers than the others fill in.
      for (let at = 288; at < 416; at++) image[at] = image[at - 128 + 16] as number;
      images[images.length < FX_IMAGES ? images.length : random.below(FX_IMAGES)] = image;
    }
    return random.pick(images);
  }

  private stack(e: Encoding, r: bigint[]): void {
    const { random } = this;
    if (!e.row.attributes.has('stack') && random.chance(50)) return;
    r[4] = random.chance(85) ? BigInt((random.chance(25) ? R.DATA_LOW : R.DATA_HIGH) + 0x100 + random.below(0x1e00)) : this.target(64);
    if (/^(RET_FAR|IRET)$/.test(e.row.mnemonic) && random.chance(80)) r[4] = BigInt(R.DATA_HIGH + FRAMES + FRAME_BYTES * random.below(FRAME_COUNT));
    if (/^POP_..$/.test(e.row.mnemonic)) r[4] = BigInt(R.DATA_HIGH + POINTERS + 8 + 16 * random.below(32));
    if (e.row.mnemonic === 'ENTER' || e.row.mnemonic === 'LEAVE') r[5] = this.target(64);
  }

  /** Registers that the instruction uses without naming them. */
  private shapes(e: Encoding, r: bigint[]): void {
    const { random } = this;
    const { mnemonic } = e.row;
    const address = () => this.cut(e, this.target(e.asize));
    if (isStringRow(e.row) || mnemonic.startsWith('MASKMOV')) {
      const source = this.target(e.asize);
      r[6] = this.cut(e, e.segment >= 0 ? 0x200n : source);
      r[7] = random.chance(40) ? this.cut(e, source + BigInt(random.below(40) - 20)) : address();
      r[1] = this.cut(e, random.chance(95) ? BigInt(random.below(random.chance(80) ? 20 : 700)) : 0x2000n);
    }
    if (mnemonic.startsWith('LOOP') || mnemonic === 'JCXZ') if (random.chance(70)) r[1] = this.cut(e, BigInt(random.below(3)));
    if (/^(MOV_TO_SEG|LAR|LSL|VERR|VERW)$/.test(mnemonic) && !e.address) r[e.rm] = BigInt(selector(random) | (random.u32() << 16)) & MASK64;
    if (mnemonic === 'XLAT') r[3] = this.cut(e, this.target(e.asize) - BigInt(random.below(256)));
    // Data may hold any instruction: branches there would test those.
    if (/^(CALL|JMP)_INDIRECT$/.test(mnemonic) && !e.address && random.chance(70)) r[e.rm] = BigInt(R.CODE_BASE + 0x400 + random.below(0x800));
    if ((mnemonic === 'DIV' || mnemonic === 'IDIV') && random.chance(60)) {
      r[2] = random.chance(50) ? (mnemonic === 'IDIV' && (r[0] as bigint) >> 63n ? MASK64 : 0n) : BigInt(random.below(64));
      if (random.chance(50)) r[0] = BigInt(random.below(0x4000));
    }
    if (BIT_TESTS.has(mnemonic) && e.address && random.chance(80)) r[e.reg] = BigInt.asUintN(64, BigInt(random.below(0x800) - 0x400));
    if (mnemonic === 'CMPXCHG' && random.chance(30) && !e.address) r[0] = r[e.rm] as bigint;
  }
  /** A value for a register that is used with the address size: with 32 bits the upper half is anything. */
  private cut(e: Encoding, value: bigint): bigint {
    if (e.asize === 64 || this.random.chance(50)) return BigInt.asUintN(64, value);
    return (value & 0xffffffffn) | (this.value() & ~0xffffffffn);
  }

  /** The offset of something that the instruction can use, or undefined. */
  private prepared(e: Encoding): number | undefined {
    const { random } = this;
    const { mnemonic } = e.row;
    if (mnemonic === 'FXRSTOR') return FX_AREAS + R.FX_BYTES * random.below(2) + (random.chance(5) ? 8 : 0);
    if (mnemonic === 'LDMXCSR') return MXCSRS + 4 * random.below(64);
    if (/^(CALL|JMP)_INDIRECT$/.test(mnemonic)) return TARGETS + 8 * random.below(64);
    if (/^L[FGS]S$/.test(mnemonic)) return POINTERS + 16 * random.below(32) + 8 - e.osize / 8;
    if (/^(MOV_TO_SEG|LAR|LSL|VERR|VERW)$/.test(mnemonic)) return POINTERS + 8 + 16 * random.below(32);
    const aligned = mnemonic === 'CMPXCHG8B' || (e.row.attributes.has('sse') && e.row.operands.some((o) => o.size === 'x'));
    return aligned ? 0x40 + 16 * random.below(0x1f0) : undefined;
  }

  /** Gives the base register the value that makes the address the wanted one. */
  private solve(e: Encoding, a: Address, r: bigint[], segmentBase: bigint): void {
    const { random } = this;
    if (random.chance(3)) return;
    const there = random.chance(30) ? undefined : this.prepared(e);
    const data = BigInt(e.asize === 32 || random.chance(25) ? R.DATA_LOW : R.DATA_HIGH);
    const wanted = (there === undefined ? this.target(e.asize) : data + BigInt(there)) - segmentBase - BigInt(a.displacement);
    if (a.index >= 0 && a.index !== a.base && random.chance(50)) r[a.index] = BigInt(random.below(32));
    if (a.base < 0 || a.base === RIP_RELATIVE) {
      if (a.index >= 0 && a.base < 0) r[a.index] = this.cut(e, wanted >> BigInt(a.scale));
      return;
    }
    if (a.index >= 0 && a.index !== a.base) r[a.base] = this.cut(e, wanted - ((r[a.index] as bigint) << BigInt(a.scale)));
    else if (a.index < 0) r[a.base] = this.cut(e, wanted);
    else r[a.base] = this.cut(e, BigInt.asUintN(64, wanted) / ((1n << BigInt(a.scale)) + 1n));
  }
}

/** Two FXSAVE images, values for MXCSR most of which are legal, and addresses in the code. */
const FX_AREAS = 0x1800;
const MXCSRS = 0x1c00;
const TARGETS = 0xc00;
/** Far pointers: selectors eight bytes behind multiples of 16, with offsets of any size before them. */
const POINTERS = 0xe00;
/** What IRETQ pops: RIP, CS, RFLAGS, RSP, SS; far returns pop the first two. */
const FRAMES = 0x800;
const FRAME_BYTES = 40;
const FRAME_COUNT = 24;
/** All flags that may be set, but TF, NT and VM. */
const FRAME_FLAGS = 0x253ed7;

/** Null, the user's code and data, none. */
const selector = (random: Random): number => random.pick([0, 0, 1, 2, 3, 3, 0x23, 0x28, 0x2b, 0x2b, 0x33, 0x33, 0x08, 0x10, 0x13, 0xfff8]);

/** Not that of 32-bit code: what becomes of the upper halves of registers there is undefined [SDM1 3.4.1.1]. */
const frameSelector = (random: Random): number => random.pick([0x33, 0x33, 0x33, 0x2b, 0x2b, 0x2b, 0x30, 0x28, 0x08, 0, 3, 0x10, 0xfff8]);

/** Memory contents: bytes of edge values at all alignments. */
export function makeBaseline(random: Random): Uint8Array {
  const pages = new Uint8Array(3 * 4096);
  const view = new DataView(pages.buffer);
  for (let at = 0; at < pages.length - 4; at += random.pick([1, 2, 4, 4, 4])) view.setUint32(at, random.value(), true);
  for (let at = TARGETS; at < TARGETS + 0x200; at += 8) view.setBigUint64(at, BigInt(R.CODE_BASE + 0x400 + random.below(0x800)), true);
  for (let at = POINTERS; at < POINTERS + 0x200; at += 16) view.setUint16(at + 8, selector(random), true);
  const place = () => BigInt(R.CODE_BASE + 0x400 + random.below(0x800));
  for (let n = 0; n < FRAME_COUNT; n++) {
    const frame = [random.chance(90) ? place() : BigInt(random.u32()) << 32n, BigInt(frameSelector(random)), BigInt(random.u32() & FRAME_FLAGS), BigInt(R.DATA_HIGH + random.below(0x2000)), BigInt(frameSelector(random))];
    for (const [i, value] of frame.entries()) view.setBigUint64(FRAMES + FRAME_BYTES * n + 8 * i, value, true);
  }
  for (const n of [0, 1]) pages.set(makeFxState(random, { plain: false }), FX_AREAS + R.FX_BYTES * n);
  for (let n = 0; n < 64; n++) view.setUint32(MXCSRS + 4 * n, random.chance(90) ? random.u32() & 0xffbf : random.value(), true);
  return pages;
}
