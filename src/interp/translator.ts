/** Writes decoded instructions as records: chooses the handler by row, form and mode. */
import * as L from '../cpu/layout.ts';
import { MODE_AVX, MODE_CODE32, MODE_CODE64, MODE_EM, MODE_FLAT, MODE_MP, MODE_OSFXSR, MODE_PROTECTED, MODE_TS } from '../cpu/mode.ts';
import { BASE_RIP, type CodeSize, type Decoder } from '../isa/decode.ts';
import type { Repeat } from '../isa/ops.ts';
import { type Attribute, hasModrm, type Operand, type OperandKind, type Row } from '../isa/row.ts';
import type { Arena } from '../memory/arena.ts';
import type { Decoders } from './decoders.ts';
import type { RecordKernel } from './kernel-interface.ts';
import * as R from './record.ts';
import * as T from './template-layout.ts';
import { Templates } from './templates.ts';
import {
  type Environment, HANDLER_CROSSING, HANDLER_CROSSING_LONG, HANDLER_GP, HANDLER_NEXT, HANDLER_NEXT_LONG, HANDLER_NM, HANDLER_STOP, HANDLER_UD,
  type HandlerSet, isStringRow, legacyForm, longForm, type RmForm, usesEnvironment, usesOperandSize, usesOperandSize64, variantCode,
} from './variant.ts';

const ESP = 4;
const DS = 3;
/** Default size of the code that a mode has. */
const codeSize = (mode: number): CodeSize => (mode & MODE_CODE64 ? 64 : mode & MODE_CODE32 ? 32 : 16);

/** Where an operand stands in a record, by what the decoder has of it. */
const IMMEDIATE = 0, RELATIVE = 1, VECTOR_IMMEDIATE = 2, IN_REG = 3, IN_OPCODE = 4, IN_RM = 5;
/** In bytes, what lies before the first register of a kind, and how far they are apart. */
interface Placement {
  readonly field: number;
  readonly base: number;
  readonly stride: number;
  /** Numbers of which there are no more than eight. */
  readonly mask: number;
  /** Without a REX prefix four of them are AH to BH. */
  readonly hasHigh: boolean;
}
const FIELDS: Partial<Record<OperandKind, number>> = {
  I: IMMEDIATE, A: IMMEDIATE, O: IMMEDIATE, J: RELATIVE, L: VECTOR_IMMEDIATE, G: IN_REG, S: IN_REG, C: IN_REG, D: IN_REG, P: IN_REG, V: IN_REG, Z: IN_OPCODE,
  E: IN_RM, R: IN_RM, Q: IN_RM, N: IN_RM, W: IN_RM, U: IN_RM, T: IN_RM,
};
/** undefined: it stands nowhere. */
function placementOf({ kind, size }: Operand): Placement | undefined {
  const field = FIELDS[kind];
  if (field === undefined) return undefined;
  const registers = (base: number, stride: number, mask = 15, hasHigh = false): Placement => ({ field, base, stride, mask, hasHigh });
  switch (kind) {
    case 'P': case 'Q': case 'N': return registers(L.FPR, 16, 7);
    case 'V': case 'W': case 'U': return registers(L.XMM, L.XMM_STRIDE);
    case 'S': case 'T': return registers(0, 1, 7);
    case 'C': case 'D': return registers(0, 1);
    default: return registers(L.GPR, 8, 15, size === 'b');
  }
}
/** Byte distance of register `n` in the vCPU's state. */
const slotOf = ({ base, stride, mask, hasHigh }: Placement, n: number, rex: number): number =>
  hasHigh && (n & ~3) === 4 && rex === 0 ? base + (n - 4) * stride + 1 : base + (n & mask) * stride;

/** REC_OFFSET, REC_LENGTH and REC_COUNT, which are one word. */
const placeInBlock = (offset: number, length: number, count: number): number => offset | (length << 16) | (count << 24);

/** What of a row matters to its records, worked out once. */
interface Plan {
  readonly row: Row;
  readonly index: number;
  /** Handlers by `shape`, as they were found; the last one that was asked for. */
  readonly handlers: Map<number, number>;
  lastShape: number;
  lastHandler: number;
  readonly placements: readonly Placement[];
  readonly ends: boolean;
  readonly branches: boolean;
  readonly isRelative: boolean;
  readonly isFpu: boolean;
  /** Some mode refuses it. */
  readonly traps: boolean;
  readonly pops: boolean;
  readonly vectorIndex: boolean;
  readonly takesModrm: boolean;
  readonly usesOperandSize: boolean;
  readonly usesOperandSize64: boolean;
  readonly usesAddressSize: boolean;
  readonly usesEnvironment: boolean;
  readonly isString: boolean;
}

const TRAPPING: readonly Attribute[] = ['protected', 'sse', 'mmx', 'avx', 'fpu', 'wait'];

function planOf(row: Row, index: number): Plan {
  const { attributes } = row;
  return {
    row, index, handlers: new Map(), lastShape: -1, lastHandler: 0, placements: row.operands.map(placementOf).filter((p) => p !== undefined),
    ends: attributes.has('end'), branches: attributes.has('branch'), isFpu: attributes.has('fpu'), pops: attributes.has('pop'),
    isRelative: row.operands.some((o) => o.kind === 'J'),
    traps: row.vex !== undefined || TRAPPING.some((attribute) => attributes.has(attribute)),
    vectorIndex: row.operands.some((o) => o.kind === 'X'), takesModrm: hasModrm(row),
    usesOperandSize: usesOperandSize(row), usesOperandSize64: usesOperandSize64(row), usesAddressSize: attributes.has('asize'),
    usesEnvironment: usesEnvironment(row), isString: isStringRow(row),
  };
}

/** A record counts in REC_EDGES; it always leads to the same address; it has REC_TARGET; it is an indirect branch, whose next record has that, and ends its block. */
const COUNTED = 1, DIRECT = 2, LINKED = 4, INDIRECT = 8;
function edgesOf({ row, branches, isRelative, takesModrm }: Plan): number {
  const isLinked = isRelative || row.mnemonic === 'RET';
  return (branches ? COUNTED : 0) | (isRelative ? DIRECT : 0) | (isLinked ? LINKED : branches && takesModrm ? INDIRECT : 0);
}

/** The block goes on after the instruction, ends with it, or the code ends before the instruction does. */
export type Translated = 'more' | 'ended' | 'truncated';

/** The blocks of a page. */
export interface Blocks {
  /** Where the first one of a mode begins at an offset or after it; 4096: nowhere. */
  nextBlock(offset: number, mode: number): number;
}

export class Translator {
  private readonly decoders: Decoders;
  /** That of the instruction at hand, if it is not made from a template. */
  private decoder!: Decoder;
  private readonly templates: Templates;
  readonly arena: Arena;
  private readonly handlers: HandlerSet;
  private readonly wantWide: () => void;
  /** By row, each made when it is first asked for. */
  private readonly plans: Plan[] = [];
  /** What records lead to, by handler: bits as below. */
  private readonly edges: Uint8Array;
  /** How often a branch is taken until what it leads to is hot; 0: never. */
  hotAfter = 0;

  /** `wantWide` is called where a handler of the wide module is found, if not each time that it is used. */
  constructor(arena: Arena, decoders: Decoders, handlers: HandlerSet, kernel: RecordKernel, wantWide: () => void) {
    this.arena = arena;
    this.templates = new Templates(arena, kernel);
    this.handlers = handlers;
    this.wantWide = wantWide;
    this.decoders = decoders;
    this.edges = new Uint8Array(handlers.end);
    for (const handler of [HANDLER_NEXT, HANDLER_NEXT_LONG]) this.edges[handler] = COUNTED | DIRECT | LINKED;
    for (const handler of [HANDLER_CROSSING, HANDLER_CROSSING_LONG]) this.edges[handler] = COUNTED;
  }

  /**
   * Translates instructions from arena address `host` up to the end of its page into records at `record`, at most `limit`
   * of them and up to where another one of its `blocks` begins, and ends them with a record that leaves the block. Returns the number of records written. A block whose first
   * instruction crosses the page is a HANDLER_CROSSING record alone.
   */
  block(host: number, mode: number, record: number, limit: number, blocks: Blocks): number {
    const frame = (host & -4096) >>> 0;
    const pageEnd = frame + 4096;
    let offset = host & 0xfff;
    let stop = blocks.nextBlock(offset + 1, mode);
    let count = 0;
    let out = record;
    let result: Translated = 'more';
    while (result === 'more' && count < limit && offset !== stop) {
      if (offset > stop) {
        stop = blocks.nextBlock(offset, mode);
        continue;
      }
      const filled = this.templates.fill(mode, frame + offset, pageEnd, frame + stop, out, offset, count + 1, limit - count, this.hotAfter);
      count += filled & T.FILLED_RECORDS;
      out += (filled & T.FILLED_RECORDS) * R.RECORD_SIZE;
      offset += filled >> T.FILLED_BYTES_SHIFT;
      if (filled & T.FILLED_END) break;
      if (count === limit || offset >= stop) continue;
      result = this.decode(frame + offset, pageEnd, mode, out, offset, count + 1);
      if (result === 'truncated') {
        this.leave(out, mode & MODE_CODE64 ? HANDLER_CROSSING_LONG : HANDLER_CROSSING, offset, count + 1);
        return count + 1;
      }
      count++;
      out += R.RECORD_SIZE;
      offset += this.decoder.length;
    }
    this.next(out, mode, offset, count + 1);
    return count + 1;
  }

  /** Makes a block of the last `count` records of another one. */
  copy(from: number, count: number, record: number): number {
    const { u8, u32, i32 } = this.arena;
    u8.copyWithin(record, from, from + count * R.RECORD_SIZE);
    for (let n = 1, at = record; n <= count; n++, at += R.RECORD_SIZE) {
      u8[at + R.REC_COUNT] = n;
      const edges = this.edges[u32[at >>> 2]];
      if (edges & COUNTED) i32[(at + R.REC_EDGES) >>> 2] = this.hotAfter;
      if (edges & LINKED) i32[(at + R.REC_TARGET) >>> 2] = 0;
    }
    return count;
  }

  /** Records with a handler count what they lead along, in REC_EDGES. */
  counts(handler: number): boolean {
    return (this.edges[handler] & COUNTED) !== 0;
  }
  /** Records with a handler always lead to the same address. */
  isDirect(handler: number): boolean {
    return (this.edges[handler] & DIRECT) !== 0;
  }
  /** Records with a handler may have REC_TARGET. */
  mayBeLinked(handler: number): boolean {
    return (this.edges[handler] & LINKED) !== 0;
  }
  /** The record that has REC_TARGET for a branch with a handler; 0: none has. */
  linkOf(branch: number, handler: number): number {
    return this.mayBeLinked(handler) ? branch : this.edges[handler] & INDIRECT ? branch + R.RECORD_SIZE : 0;
  }

  /** One record from bytes at `at`, `offset` being its place in its page. */
  instruction(at: number, end: number, mode: number, out: number, offset: number, count: number): Translated {
    const filled = this.templates.fill(mode, at, end, end, out, offset, count, 1, this.hotAfter);
    if (filled === 0) return this.decode(at, end, mode, out, offset, count);
    return filled & T.FILLED_END ? 'ended' : 'more';
  }

  /** Makes a template of the instruction that was decoded last, with its record. */
  private learn(at: number, mode: number, out: number, offset: number, plan: Plan): void {
    const d = this.decoder;
    const next = offset + d.length;
    const displacement = d.memory ? d.displacement : 0;
    if (d.immediateBytes < 0 || displacement > T.FAR_AHEAD || (plan.isRelative && next + d.immediate > 0x7fffffff)) return;
    const head = d.length - d.displacementBytes - d.immediateBytes;
    const isRip = d.memory && d.base === BASE_RIP;
    const { i32 } = this.arena;
    const to = this.templates.add(at, head, mode);
    i32.copyWithin(to >>> 2, out >>> 2, (out + T.TEMPLATE_SIZE) >>> 2);
    i32[(to + T.TEMPLATE_ADJUST) >>> 2] -= displacement + (isRip ? next : 0);
    i32[(to + T.TEMPLATE_FORM) >>> 2] =
      head | (d.displacementBytes << T.FORM_DISPLACEMENT_SHIFT) | (d.immediateBytes << T.FORM_IMMEDIATE_SHIFT) |
      (d.immediateSigned ? T.FORM_SIGNED : 0) | (plan.isRelative ? T.FORM_RELATIVE : 0) | (isRip ? T.FORM_RIP : 0) |
      (plan.branches ? T.FORM_BRANCHES : 0) | (plan.ends ? T.FORM_ENDS : 0);
  }

  /** One record of an instruction whose head is not known. */
  private decode(at: number, end: number, mode: number, out: number, offset: number, count: number): Translated {
    const d = this.decoders.of(mode);
    this.decoder = d;
    const result = d.decode(this.arena.u8, at, end, codeSize(mode));
    if (result === 'truncated') return 'truncated';
    this.clear(out, offset, d.length, count);
    if (result !== 'ok') return this.refuse(out, result === 'undefined' ? HANDLER_UD : HANDLER_GP);
    const plan = (this.plans[d.rowIndex] ??= planOf(d.row, d.rowIndex));
    const trap = plan.traps ? this.trap(d.row, mode) : 0;
    if (trap !== 0) return this.refuse(out, trap);
    this.write(out, mode, offset, plan);
    this.learn(at, mode, out, offset, plan);
    return plan.ends ? 'ended' : 'more';
  }
  private refuse(out: number, handler: number): 'ended' {
    this.arena.u32[out >>> 2] = handler;
    return 'ended';
  }

  /** A record that goes on at an offset in the page. */
  next(out: number, mode: number, offset: number, count: number): void {
    this.leave(out, mode & MODE_CODE64 ? HANDLER_NEXT_LONG : HANDLER_NEXT, offset, count);
  }

  /** A record that ends a block; it is no instruction. */
  leave(out: number, handler: number, offset: number, count: number): void {
    this.clear(out, offset, 0, count);
    this.arena.u32[out >>> 2] = handler;
    this.arena.i32[(out + R.REC_IMMEDIATE) >>> 2] = offset;
    this.arena.i32[(out + R.REC_EDGES) >>> 2] = this.hotAfter;
  }

  stop(out: number, offset: number, count: number): void {
    this.leave(out, HANDLER_STOP, offset, count);
  }

  /** Instructions that this mode refuses: the handler that raises the exception, or 0. */
  private trap(row: Row, mode: number): number {
    const a = row.attributes;
    if (a.has('protected') && !(mode & MODE_PROTECTED)) return HANDLER_UD;
    if (a.has('sse') && (mode & MODE_EM || !(mode & MODE_OSFXSR))) return HANDLER_UD;
    if (a.has('mmx') && mode & MODE_EM) return HANDLER_UD;
    if (row.vex && !(mode & MODE_PROTECTED)) return HANDLER_UD;
    if (a.has('avx') && !(mode & MODE_AVX)) return HANDLER_UD;
    if (a.has('fpu') && mode & (MODE_EM | MODE_TS)) return HANDLER_NM;
    if ((a.has('sse') || a.has('mmx') || a.has('avx')) && mode & MODE_TS) return HANDLER_NM;
    if (a.has('wait') && (mode & (MODE_MP | MODE_TS)) === (MODE_MP | MODE_TS)) return HANDLER_NM;
    return 0;
  }

  private clear(out: number, offset: number, length: number, count: number): void {
    const { i32 } = this.arena;
    const at = out >>> 2;
    i32[at] = i32[at + 1] = i32[at + 2] = i32[at + 3] = i32[at + 4] = i32[at + 5] = i32[at + 6] = 0;
    i32[at + R.REC_OFFSET / 4] = placeInBlock(offset, length, count);
  }

  private write(out: number, mode: number, offset: number, plan: Plan): void {
    const d = this.decoder;
    const { u8, i32 } = this.arena;
    i32[out >>> 2] = this.handlerNumber(mode, plan);
    for (const placement of plan.placements) this.writeOperand(out, placement, offset);
    u8[out + R.REC_SEGMENT] = d.segment;
    if (d.memory) this.writeAddress(out, mode, offset, plan);
    const fop = ((d.opcode & 7) << 8) | d.modrm;
    const edges = plan.branches ? this.hotAfter : d.row.vex ? this.vvvvSlot() : d.immediate2;
    i32[(out + R.REC_IMMEDIATE2) >>> 2] = plan.isFpu ? fop : edges;
  }

  private vvvvSlot(): number {
    const d = this.decoder;
    const general = d.row.operands.some((o) => o.kind === 'B');
    return general ? L.GPR + d.vvvv * 8 : L.XMM + d.vvvv * L.XMM_STRIDE;
  }

  private writeAddress(out: number, mode: number, offset: number, plan: Plan): void {
    const d = this.decoder;
    const { u8, u16, i32 } = this.arena;
    const slot = (n: number) => (n < 0 ? L.ZERO : L.GPR + n * 8);
    u16[(out + R.REC_RM) >>> 1] = d.base === BASE_RIP ? L.IP_BASE : slot(d.base);
    u16[(out + R.REC_INDEX) >>> 1] = plan.vectorIndex ? L.XMM + d.index * L.XMM_STRIDE : slot(d.index);
    const long = (mode & MODE_CODE64) !== 0;
    const narrow = long ? d.asize === 32 : d.asize === 16;
    u8[out + R.REC_SCALE] = d.scale | (narrow ? (long ? R.SCALE_ADDRESS32 : R.SCALE_ADDRESS16) : 0);
    let { displacement } = d;
    if (d.base === ESP && plan.pops) displacement += d.osize / 8;
    if (d.base === BASE_RIP) displacement += offset + d.length;
    if (long && displacement !== (displacement | 0)) {
      // Past what 32 bits hold: a register that is always so large takes a part.
      u16[(out + R.REC_INDEX) >>> 1] = L.TWO_PAGES;
      displacement -= 2 * 4096;
    }
    i32[(out + R.REC_DISPLACEMENT) >>> 2] = displacement;
  }

  private writeOperand(out: number, placement: Placement, offset: number): void {
    const d = this.decoder;
    const { u8, u16, i32 } = this.arena;
    switch (placement.field) {
      case IMMEDIATE:
        i32[(out + R.REC_IMMEDIATE) >>> 2] = d.immediate;
        return;
      case RELATIVE:
        i32[(out + R.REC_IMMEDIATE) >>> 2] = offset + d.length + d.immediate;
        u8[out + R.REC_FAR] = offset + d.length + d.immediate > 0x7fffffff ? 1 : 0;
        return;
      case VECTOR_IMMEDIATE:
        i32[(out + R.REC_IMMEDIATE) >>> 2] = L.XMM + d.immediate * L.XMM_STRIDE;
        return;
      case IN_REG:
        u16[(out + R.REC_REG) >>> 1] = slotOf(placement, d.reg, d.rex);
        return;
      case IN_OPCODE:
        u16[(out + R.REC_REG) >>> 1] = slotOf(placement, d.opcodeRegister, d.rex);
        return;
      default:
        if (!d.memory) u16[(out + R.REC_RM) >>> 1] = slotOf(placement, d.rm, d.rex);
    }
  }

  private handlerNumber(mode: number, plan: Plan): number {
    const shape = this.shape(mode);
    if (shape === plan.lastShape) return plan.lastHandler;
    let number = plan.handlers.get(shape);
    if (number === undefined) {
      number = this.findHandler(mode, plan);
      plan.handlers.set(shape, number);
    }
    plan.lastShape = shape;
    plan.lastHandler = number;
    return number;
  }
  /** What of an instruction chooses among its row's handlers, as bits. */
  private shape(mode: number): number {
    const d = this.decoder;
    const sizes = (d.osize >> 4) | (d.asize >> 1);
    const address = (d.memory ? 0x80 : 0) | (d.index < 0 ? 0x100 : 0) | (d.displacement > T.FAR_AHEAD ? 0x200 : 0);
    const segment = (d.segmentOverride ? 0x400 : 0) | (d.segment << 11);
    const repeat = d.repeat === 'none' ? 0 : d.repeat === 'rep' ? 0x4000 : 0x8000;
    return sizes | address | segment | repeat | (mode & MODE_FLAT ? 0x10000 : 0) | (mode & MODE_CODE64 ? 0x20000 : 0);
  }
  private findHandler(mode: number, plan: Plan): number {
    const code = mode & MODE_CODE64 ? this.longVariant(plan) : this.legacyVariant(plan, (mode & MODE_FLAT) !== 0);
    const number = this.handlers.numberOf(plan.index, code);
    if (number === undefined) throw new Error(`no handler for row "${plan.row.source}"`);
    this.edges[number] |= edgesOf(plan);
    if (number >= this.handlers.firstWide) this.wantWide();
    return number;
  }

  private repeat({ row, isString }: Plan): Repeat {
    const { repeat } = this.decoder;
    if (!isString) return 'none';
    return row.attributes.has('rep') && repeat === 'repne' ? 'rep' : repeat;
  }

  private legacyVariant(plan: Plan, flat: boolean): number {
    const d = this.decoder;
    const osize = plan.usesOperandSize ? d.osize : 32;
    const asize = plan.usesAddressSize ? d.asize : 32;
    // A string whose source has a segment of its own takes the general way.
    const ownSegment = plan.usesAddressSize && d.segmentOverride && !plan.branches;
    const environment: Environment = plan.usesEnvironment && flat && !ownSegment ? 'flat' : 'segmented';
    return variantCode(osize, this.legacyFormOf(plan, flat), asize, environment, this.repeat(plan));
  }

  private legacyFormOf(plan: Plan, flat: boolean): RmForm {
    const d = this.decoder;
    if (!d.memory) return plan.takesModrm ? 'register' : 'none';
    const general = !flat || d.asize === 16 || (d.segmentOverride && (d.segment === 1 || d.segment > DS));
    return legacyForm(plan.row, general ? 'general' : d.index < 0 ? 'flat' : 'indexed');
  }

  private longVariant(plan: Plan): number {
    const d = this.decoder;
    const osize = (d.osize === 64 ? plan.usesOperandSize64 : plan.usesOperandSize) ? d.osize : 32;
    const asize = plan.usesAddressSize ? d.asize : 32;
    const environment: Environment = plan.usesEnvironment || d.memory ? 'long' : 'segmented';
    return variantCode(osize, this.longFormOf(plan, osize), asize, environment, this.repeat(plan));
  }

  private longFormOf({ row, takesModrm }: Plan, osize: CodeSize): RmForm {
    const d = this.decoder;
    if (!d.memory) return takesModrm ? 'register' : 'none';
    const farAhead = d.displacement > T.FAR_AHEAD;
    if (d.asize === 32 || d.segment > DS) return longForm(row, osize, 'general64');
    return longForm(row, osize, d.index >= 0 || farAhead ? 'indexed64' : 'flat64');
  }
}
