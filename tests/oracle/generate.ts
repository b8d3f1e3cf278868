/**
 * Makes test cases from the opcode table: an encoding of a row, with operand form, sizes and prefixes drawn at random,
 * and states for it whose registers and addresses lie at the edges.
 */
import { cpuProfile } from '../../src/cpu/profiles.ts';
import { hasModrm, type Operand, type Row } from '../../src/isa/row.ts';
import { isStringRow, usesOperandSize } from '../../src/interp/variant.ts';
import * as E from './environment.ts';
import { type FxOptions, makeFxState } from './fx-state.ts';
import * as R from './record.ts';
import type { Random } from './random.ts';

/** Addressing of a memory operand, for giving its registers values that point somewhere interesting. */
interface Address {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  readonly segment: number;
}

export interface Encoding {
  readonly row: Row;
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly osize: 16 | 32;
  readonly asize: 16 | 32;
  readonly address: Address | undefined;
  readonly segmentOverride: number;
  /** What the segment registers hold, in encoding order; means nothing in virtual-8086 mode. */
  readonly selectors: readonly number[];
  readonly repeat: number;
  readonly lock: boolean;
  /** The immediate, or of two the first. */
  readonly immediate: number;
  readonly modrm: number;
}

const STRINGS = new Set(['MOVSB', 'MOVSW', 'CMPSB', 'CMPSW', 'STOSB', 'STOSW', 'LODSB', 'LODSW', 'SCASB', 'SCASW', 'INSB', 'INSW', 'OUTSB', 'OUTSW']);
const BIT_TESTS = new Set(['BT', 'BTS', 'BTR', 'BTC']);
/** Their results are every processor's own. */
const LEFT_OUT = new Set(['CPUID', 'RDTSC', 'RDTSCP', 'RDRAND', 'RDSEED']);
/** FXSAVE images that cases share, before a new one takes the place of one. */
const FX_IMAGES = 64;
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const EFLAGS_VM = 1 << 17;
const ES = 0, CS = 1, SS = 2, DS = 3;

const MAX = cpuProfile('max').features;
/** Rows of which processors can be had. */
const isThere = (row: Row): boolean => row.feature === undefined || MAX.has(row.feature);
/** Instructions with VEX prefixes have upper halves of registers, which only the SIMD and the 64-bit oracle know. */
export function rowsToTest(rows: readonly Row[]): Row[] {
  return rows.filter((row) => row.vex === undefined && !LEFT_OUT.has(row.mnemonic) && !row.attributes.has('o64') && isThere(row));
}

export interface GeneratorOptions extends FxOptions {
  /** Segment registers hold segments of all kinds, not only those that suit the mode. */
  readonly segments?: boolean;
}

export class Generator {
  protected readonly random: Random;
  private readonly images: Uint8Array[] = [];
  private readonly options: GeneratorOptions;
  constructor(random: Random, options: GeneratorOptions = { plain: false }) {
    this.random = random;
    this.options = options;
  }

  /** Those of the mode, or, where that is asked for, some of any kind. */
  private selectors(mode: number): number[] {
    const { random } = this;
    const [code, data] = mode === R.MODE_FLAT32 ? [E.USER_CODE32, E.USER_DATA32] : [E.USER_CODE16, E.USER_DATA16];
    const plain = [data, code, data, data, E.USER_FS, E.USER_GS];
    if (!this.options.segments || !random.chance(25)) return plain;
    return plain.map((s, n) => (n === CS || random.chance(50) ? s : random.pick(n === SS ? E.STACK_SELECTORS : E.DATA_SELECTORS)));
  }

  /** Without `wanted`, LOCK and REP are drawn too. */
  encode(row: Row, mode: number, osize: 16 | 32, asize: 16 | 32, wantsMemory: boolean, wanted?: FormPrefixes): Encoding {
    const { random } = this;
    const bytes: number[] = [];
    const natural = R.is16(mode) ? 16 : 32;
    let repeat = 0;
    let lock = false;
    let segmentOverride = -1;
    const prefixes: number[] = [];
    if (row.prefix !== undefined && row.prefix !== 'NP') prefixes.push(Number.parseInt(row.prefix, 16));
    if (osize !== natural) prefixes.push(0x66);
    if (asize !== natural) prefixes.push(0x67);
    if (wanted ? wanted.repeat !== 0 : STRINGS.has(row.mnemonic) && random.chance(60)) prefixes.push((repeat = wanted?.repeat ?? random.pick([0xf2, 0xf3])));
    if (wanted ? wanted.lock : row.attributes.has('lock') && wantsMemory && random.chance(15)) {
      lock = true;
      prefixes.push(0xf0);
    }
    if (random.chance(15)) prefixes.push(SEGMENT_PREFIXES[(segmentOverride = random.below(6))] as number);
    for (let i = prefixes.length - 1; i > 0; i--) {
      const k = random.below(i + 1);
      [prefixes[i], prefixes[k]] = [prefixes[k] as number, prefixes[i] as number];
    }
    bytes.push(...prefixes, ...row.opcode);
    if (row.plusRegister) bytes[bytes.length - 1] = (bytes.at(-1) as number) + random.below(8);
    const selectors = this.selectors(mode);
    let address: Address | undefined;
    let modrm = 0;
    if (row.modrm !== undefined) bytes.push((modrm = row.modrm));
    else if (hasModrm(row)) {
      const reg = row.digit ?? random.below(8);
      modrm = (reg << 3) | random.below(8) | (wantsMemory ? random.below(3) << 6 : 0xc0);
      const made = wantsMemory ? this.memory(modrm, asize, mode, segmentOverride, selectors) : undefined;
      if (made) {
        bytes.push(...made.bytes);
        address = made.address;
        modrm = made.bytes[0] as number;
      } else bytes.push(modrm);
    }
    let immediate = 0;
    for (const o of row.operands) {
      const made = this.immediate(row, o, osize, asize, mode);
      if (!made) continue;
      immediate = made.value;
      bytes.push(...made.bytes);
    }
    return { row, bytes: Uint8Array.from(bytes), mode, osize, asize, address, segmentOverride, selectors, repeat, lock, immediate, modrm };
  }

  protected little(value: number, bytes: number): number[] {
    return Array.from({ length: bytes }, (_, i) => (value / 2 ** (8 * i)) & 0xff);
  }

  private immediate(row: Row, o: Operand, osize: 16 | 32, asize: 16 | 32, mode: number): { bytes: number[]; value: number } | undefined {
    const { random } = this;
    if (o.kind === 'O') return { bytes: this.little(this.target(mode) >>> 0, asize / 8), value: 0 };
    if (o.kind === 'A') {
      // In virtual-8086 mode offsets that small selectors do not take into the data, where anything could run.
      if (mode === R.MODE_V86) return { bytes: [...this.little(this.value() & 0x7fff, osize / 8), ...this.little(random.pick([E.V86_CODE, E.V86_CODE, E.V86_CODE - 16, 0x48, 0xffff]), 2)], value: 0 };
      const selector = codeSelector(random);
      return { bytes: [...this.little(this.value(), osize / 8), ...this.little(selector, 2)], value: 0 };
    }
    if (o.kind === 'J') return this.branch(o, osize);
    if (o.kind !== 'I') return undefined;
    const size = o.size === 'b' ? 1 : o.size === 'w' ? 2 : osize / 8;
    const value = row.mnemonic === 'ENTER' ? random.below(64) : this.value();
    const bytes = this.little(value, size);
    if (row.mnemonic === 'ENTER') bytes.push(random.pick([0, 0, 1, 2, 3, 5, 31, 32, 33, 255]));
    return { bytes, value };
  }

  /** Branches land in the INT3s around, or far away; never on the instruction itself. */
  private branch(o: Operand, osize: 16 | 32): { bytes: number[]; value: number } {
    const { random } = this;
    const size = o.size === 'b' ? 1 : osize / 8;
    let value = random.chance(70) ? random.below(200) - 100 : this.value();
    if (value > -17 && value < 0) value = -40;
    const low = size === 1 ? (value << 24) >> 24 : size === 2 ? (value << 16) >> 16 : value | 0;
    if (low > -17 && low < 0) value = 16;
    return { bytes: this.little(value >>> 0, size), value };
  }

  value(): number {
    return this.random.value();
  }

  /** An offset that a memory operand is to have, in the offsets of the mode's plain segment. */
  target(mode: number): number {
    const { random } = this;
    const kind = random.below(20);
    let offset: number;
    if (kind < 12) offset = 0x40 + random.below(0x1f00);
    else if (kind < 14) offset = 0x1000 - random.below(16);
    else if (kind < 15) offset = 0x2000 - random.below(20);
    else if (kind < 16) offset = 0x10000 - random.below(20);
    else if (kind < 17) offset = 0xf000 + random.below(8) - 4;
    else if (kind < 18) offset = random.below(8) - 4;
    else if (kind < 19) offset = 0x800 + 4 * random.below(64);
    else return this.value();
    return mode === R.MODE_FLAT32 ? (R.DATA_BASE + offset) >>> 0 : offset & 0xffff;
  }

  /** What is to be subtracted from a target of the mode, so that it is an offset in the segment. */
  private segmentBase(mode: number, selectors: readonly number[], segment: number): number {
    if (mode === R.MODE_V86) return 0;
    return E.segmentOf(selectors[segment] as number).base - (mode === R.MODE_FLAT32 ? 0 : R.DATA_BASE);
  }
  /** An offset in a segment: where a target is, or at the edge of what the segment holds. */
  private segmentOffset(mode: number, selectors: readonly number[], segment: number): number {
    const { random } = this;
    const selector = selectors[segment] as number;
    if (mode !== R.MODE_V86 && selector !== E.USER_DATA32 && random.chance(20)) return (E.segmentOf(selector).limit + 8 - random.below(24)) >>> 0;
    return (this.target(mode) - this.segmentBase(mode, selectors, segment)) >>> 0;
  }

  protected memory(modrm: number, asize: 16 | 32, mode: number, segmentOverride: number, selectors: readonly number[]): { bytes: number[]; address: Address } {
    const { random } = this;
    const mod = modrm >> 6;
    const rm = modrm & 7;
    if (asize === 16) {
      const base = [3, 3, 5, 5, 6, 7, 5, 3][rm] as number;
      const index = [6, 7, 6, 7, -1, -1, -1, -1][rm] as number;
      const direct = mod === 0 && rm === 6;
      const size = direct ? 2 : mod;
      const displacement = size === 1 ? random.below(256) : this.target(R.MODE_CODE16) & 0xffff;
      const address = { base: direct ? -1 : base, index, scale: 0, displacement: size === 1 ? (displacement << 24) >> 24 : size === 2 ? displacement : 0, segment: segmentOverride >= 0 ? segmentOverride : base === 5 && !direct ? SS : DS };
      return { bytes: [modrm, ...this.little(displacement, size)], address };
    }
    const bytes = [modrm];
    let base = rm;
    let index = -1;
    let scale = 0;
    if (rm === 4) {
      const sib = random.below(256);
      bytes.push(sib);
      base = sib & 7;
      index = (sib >> 3) & 7;
      scale = sib >> 6;
      if (index === 4) {
        index = -1;
        scale = 0;
      }
    }
    const noBase = base === 5 && mod === 0;
    if (noBase) base = -1;
    const size = mod === 1 ? 1 : mod === 2 || noBase ? 4 : 0;
    const segment = segmentOverride >= 0 ? segmentOverride : base === 4 || base === 5 ? SS : DS;
    const wanted = noBase ? this.segmentOffset(mode, selectors, segment) : random.value();
    const displacement = size === 1 ? (wanted << 24) >> 24 : size === 4 ? wanted : 0;
    bytes.push(...this.little(displacement >>> 0, size));
    return { bytes, address: { base, index, scale, displacement, segment } };
  }

  /** Writes a case for the encoding into the batch. */
  state(e: Encoding, batch: R.Batch, n: number): void {
    const { random } = this;
    const r = Array.from({ length: 8 }, () => this.value());
    this.stack(e, r);
    this.shapes(e, r);
    if (e.address) this.solve(e, e.address, r);
    // An IRET to a 16-bit stack leaves the upper half of ESP what it is in the kernel, on processors and in QEMU.
    if (R.is16(e.mode) || !E.isBig(e.selectors[SS] as number)) r[4] = (((r[4] as number) & 0xffff) | 0x100000) >>> 0;
    batch.clear(n);
    batch.setCode(n, e.bytes);
    batch.setU32(n, R.MODE, e.mode);
    batch.setSelectorsBefore(n, e.mode === R.MODE_V86 ? [] : e.selectors);
    const place = random.chance(10) ? 0x1000 - random.below(e.bytes.length + 1) : 0x400 + random.below(0x800);
    batch.setU32(n, R.EIP, e.mode === R.MODE_FLAT32 ? R.CODE_BASE + place : place);
    batch.setU32(n, R.EFLAGS, (random.u32() & 0x8d5) | 0x202 | (random.chance(25) ? 0x400 : 0) | (e.mode === R.MODE_V86 ? EFLAGS_VM | (random.pick([0, 3, 3, 3]) << 12) : 0));
    for (let i = 0; i < 8; i++) batch.setU32(n, R.REGISTERS + 4 * i, r[i] as number);
    if (batch.hasFx) batch.fxBefore(n).set(this.image());
  }
  private image(): Uint8Array {
    const { random, images } = this;
    if (images.length < FX_IMAGES || random.chance(10)) images[images.length < FX_IMAGES ? images.length : random.below(FX_IMAGES)] = makeFxState(random, this.options);
    return random.pick(images);
  }

  /** The offset of a frame, far pointer or selector that the instruction can use; undefined for most. */
  private prepared(e: Encoding): number | undefined {
    const { random } = this;
    const { mnemonic } = e.row;
    const wide = e.osize === 32;
    if (mnemonic === 'IRET' || mnemonic === 'RET_FAR') return wide ? FRAMES32 + 16 * random.below(32) : FRAMES16 + 8 * random.below(64);
    if (mnemonic === 'POPF') return wide ? FRAMES32 + 8 + 16 * random.below(32) : FRAMES16 + 4 + 8 * random.below(64);
    if (/^(L[EDSFG]S|CALL_FAR_INDIRECT|JMP_FAR_INDIRECT)$/.test(mnemonic)) return wide ? POINTERS32 + 8 * random.below(32) : POINTERS16 + 4 * random.below(64);
    if (mnemonic === 'FXRSTOR') return FX_AREAS + R.FX_BYTES * random.below(2) + (random.chance(5) ? 8 : 0);
    if (mnemonic === 'LDMXCSR') return MXCSRS + 4 * random.below(64);
    // Operands that have to be aligned.
    if (e.row.attributes.has('sse') && e.row.operands.some((o) => o.size === 'x')) return 0x40 + 16 * random.below(0x1f0);
    if (mnemonic === 'FXSAVE') return 0x40 + 16 * random.below(0x1d0);
    if (/^(POP_..|MOV_TO_SEG|LAR|LSL|VERR|VERW|ARPL|LLDT|LTR)$/.test(mnemonic)) return 0x800 + 4 * random.below(64);
    return undefined;
  }

  /** The offset in a segment of a place in the data. */
  private placed(e: Encoding, segment: number, at: number): number {
    return ((e.mode === R.MODE_FLAT32 ? R.DATA_BASE : 0) + at - this.segmentBase(e.mode, e.selectors, segment)) >>> 0;
  }

  private stack(e: Encoding, r: number[]): void {
    const { random } = this;
    if (/^(IRET|RET_FAR|POPF|POP_..)$/.test(e.row.mnemonic) && random.chance(80)) {
      const at = this.prepared(e) as number;
      r[4] = this.placed(e, SS, at);
      return;
    }
    const plain = e.row.attributes.has('stack') || random.chance(50);
    if (!plain) return;
    if (random.chance(85)) r[4] = this.placed(e, SS, 0x100 + random.below(0x1e00));
    else r[4] = this.segmentOffset(e.mode, e.selectors, SS);
    if (e.mode !== R.MODE_FLAT32 && random.chance(50)) r[4] = ((r[4] & 0xffff) | (random.u32() << 16)) >>> 0;
    if (e.row.mnemonic === 'ENTER' || e.row.mnemonic === 'LEAVE') r[5] = this.target(e.mode);
  }

  /** Registers that the instruction uses without naming them. */
  private shapes(e: Encoding, r: number[]): void {
    const { random } = this;
    const { mnemonic } = e.row;
    const low = (value: number, from: number) => (e.asize === 16 ? ((value & 0xffff) | (random.chance(50) ? 0 : from & 0xffff0000)) : value) >>> 0;
    if (STRINGS.has(mnemonic)) {
      const source = this.segmentOffset(e.mode, e.selectors, e.segmentOverride >= 0 ? e.segmentOverride : DS);
      r[6] = low(source, r[6] as number);
      r[7] = low(random.chance(40) ? (source + random.below(40) - 20) >>> 0 : this.segmentOffset(e.mode, e.selectors, ES), r[7] as number);
      r[1] = low(random.chance(90) ? random.below(random.chance(80) ? 20 : 700) : 0x2000, r[1] as number);
    }
    if (mnemonic.startsWith('LOOP') || mnemonic === 'JCXZ') if (random.chance(70)) r[1] = low(random.below(3), r[1] as number);
    // Selectors in registers
    if (/^(MOV_TO_SEG|LAR|LSL|VERR|VERW|ARPL|LLDT|LTR)$/.test(mnemonic) && !e.address && random.chance(70)) {
      r[e.modrm & 7] = dataSelector(random) | (random.u32() << 16);
    }
    // Data may hold any instruction: branches there would test those.
    if (/^(CALL|JMP)_INDIRECT$/.test(mnemonic) && !e.address && (((r[e.modrm & 7] as number) ^ R.DATA_BASE) >>> 16) === 0) {
      r[e.modrm & 7] = R.CODE_BASE + 0x400 + random.below(0x800);
    }
    if (mnemonic === 'XLAT') r[3] = low(this.target(e.mode) - random.below(256), r[3] as number);
    if ((mnemonic === 'DIV' || mnemonic === 'IDIV') && random.chance(60)) {
      const sign = mnemonic === 'IDIV' && (r[0] as number) >>> 31 ? 0xffffffff : 0;
      r[2] = random.chance(50) ? sign : random.below(64);
      if (random.chance(50)) r[0] = random.below(0x4000);
    }
    if (BIT_TESTS.has(mnemonic) && e.address && random.chance(80)) r[(e.modrm >> 3) & 7] = (random.below(0x800) - 0x400) >>> 0;
  }

  /** Gives the base register the value that makes the address the wanted one. */
  private solve(e: Encoding, a: Address, r: number[]): void {
    const { random } = this;
    if (random.chance(3)) return;
    const there = e.row.attributes.has('stack') || random.chance(30) ? undefined : this.prepared(e);
    const place = there === undefined ? this.segmentOffset(e.mode, e.selectors, a.segment) : (e.mode === R.MODE_FLAT32 ? R.DATA_BASE : 0) + there - this.segmentBase(e.mode, e.selectors, a.segment);
    const wanted = (e.asize === 16 ? place & 0xffff : place) - a.displacement;
    if (a.base < 0) {
      if (a.index >= 0) r[a.index] = random.chance(80) ? random.below(16) : (r[a.index] as number);
      return;
    }
    if (a.index >= 0 && a.index !== a.base) {
      if (random.chance(50)) r[a.index] = random.below(32);
      r[a.base] = (wanted - ((r[a.index] as number) << a.scale)) >>> 0;
    } else if (a.index < 0) r[a.base] = wanted >>> 0;
    else if (a.scale > 0) r[a.base] = Math.imul(wanted, [0, 0xaaaaaaab, 0xcccccccd, 0x38e38e39][a.scale] as number) >>> 0;
    if (e.asize === 16 && random.chance(50)) r[a.base] = (((r[a.base] as number) & 0xffff) | (random.u32() << 16)) >>> 0;
  }
}

/** Where the baseline holds return frames (16 bytes each with 32-bit words, 8 with 16-bit ones) and far pointers. */
const FRAMES32 = 0xa00;
const FRAMES16 = 0xc00;
const POINTERS32 = 0xe00;
const POINTERS16 = 0xf00;
/** Two FXSAVE images, and values for MXCSR most of which are legal. */
const FX_AREAS = 0x1800;
const MXCSRS = 0x1c00;

const local = (random: Random): number => (8 * random.below(E.LOCAL.length + 1)) | random.pick([7, 7, 7, 4]);
/** The flat segments with other privilege levels, the kernel's, null ones, one beyond the table. */
const codeSelector = (random: Random): number => random.pick([E.USER_CODE32, E.USER_CODE32, E.USER_CODE32, E.USER_CODE16, E.USER_CODE16, 0x20, 0x21, 0x08, E.USER_DATA32, 0, 3, E.TASK, E.LOCAL_TABLE, 0xfff8, ...LOCALS.map(() => local(random))]);
const dataSelector = (random: Random): number => random.pick([E.USER_DATA32, E.USER_DATA32, E.USER_CODE32, 0x28, 0x29, 0, 3, 0x10, 0x13, 0x08, E.TASK, E.LOCAL_TABLE, 0xfff8, ...LOCALS.map(() => local(random))]);
/** Of so many, that many are of the local table. */
const LOCALS = [1, 2, 3, 4, 5, 6, 7, 8];

/** Frames and pointers with selectors that are good for something, each region of 256 bytes or more. */
function addFrames(random: Random, view: DataView): void {
  const code = () => codeSelector(random);
  const data = () => dataSelector(random);
  const flags = () => random.u32() & 0x243ed5;
  for (let at = FRAMES32; at < FRAMES16; at += 16) {
    view.setUint32(at, random.chance(80) ? R.CODE_BASE + 0x400 + random.below(0x800) : 0x400 + random.below(0x800), true);
    view.setUint32(at + 4, code() | (random.u32() << 16), true);
    view.setUint32(at + 8, flags(), true);
  }
  for (let at = FRAMES16; at < POINTERS32; at += 8) {
    view.setUint16(at, 0x400 + random.below(0x800), true);
    view.setUint16(at + 2, code(), true);
    view.setUint16(at + 4, flags(), true);
  }
  for (let at = POINTERS32; at < POINTERS16; at += 8) view.setUint16(at + 4, random.chance(50) ? data() : code(), true);
  for (let at = POINTERS16; at < 0x1000; at += 4) view.setUint16(at + 2, random.chance(50) ? data() : code(), true);
  for (let at = 0x800; at < 0x900; at += 4) view.setUint32(at, data() | (random.u32() << 16), true);
}

/** Memory contents: bytes of edge values at all alignments, and some return frames, far pointers and selectors. */
export function makeBaseline(random: Random): Uint8Array {
  const pages = new Uint8Array(3 * 4096);
  const view = new DataView(pages.buffer);
  let at = 0;
  while (at < pages.length - 4) {
    view.setUint32(at, random.value(), true);
    at += random.pick([1, 2, 4, 4, 4]);
  }
  addFrames(random, view);
  for (const n of [0, 1]) pages.set(makeFxState(random, { plain: false }), FX_AREAS + R.FX_BYTES * n);
  for (let n = 0; n < 64; n++) view.setUint32(MXCSRS + 4 * n, random.chance(90) ? random.u32() & 0xffbf : random.value(), true);
  return pages;
}

/** LOCK, and the byte of REP or REPNE or 0. */
export interface FormPrefixes {
  readonly lock: boolean;
  readonly repeat: number;
}
export interface Form extends FormPrefixes {
  readonly osize: 16 | 32;
  readonly asize: 16 | 32;
  readonly memory: boolean;
}

/** All sizes, operand forms and prefixes that a row has in a mode. */
export function formsOf(row: Row, mode: number): Form[] {
  if (row.attributes.has('o64') || (row.vex !== undefined && mode !== R.MODE_FLAT32)) return [];
  const natural = R.is16(mode) ? 16 : 32;
  const osizes: (16 | 32)[] = usesOperandSize(row) && row.vex === undefined ? [16, 32] : [natural];
  const modrm = hasModrm(row) && row.modrm === undefined;
  const register = modrm && row.form !== 'memory' && !row.operands.some((o) => o.kind === 'M');
  const memory = modrm && row.form !== 'register' && !row.operands.some((o) => 'RNUT'.includes(o.kind));
  const moffs = row.operands.some((o) => o.kind === 'O');
  const plain = { lock: false, repeat: 0 };
  const forms: Form[] = [];
  for (const osize of osizes) {
    if (register || (!memory && !row.attributes.has('asize') && !moffs)) forms.push({ osize, asize: natural, memory: false, ...plain });
    if (!(memory || row.attributes.has('asize') || moffs)) continue;
    for (const asize of row.vex ? ([32] as const) : ([16, 32] as const)) {
      forms.push({ osize, asize, memory, ...plain });
      if (memory && row.attributes.has('lock')) forms.push({ osize, asize, memory, lock: true, repeat: 0 });
      if (isStringRow(row)) for (const repeat of [0xf2, 0xf3]) forms.push({ osize, asize, memory, lock: false, repeat });
    }
  }
  return forms;
}

const PREFIX_NAMES = new Map([[0, ''], [0xf2, ' repne'], [0xf3, ' rep']]);
/** A form of a row, as reports name it. */
export const formText = (row: Row, f: Form): string =>
  `${row.source.replace(/\s+/g, ' ')} | osize${f.osize} asize${f.asize} ${f.memory ? 'memory' : 'register'}${f.lock ? ' lock' : ''}${PREFIX_NAMES.get(f.repeat)}`;
