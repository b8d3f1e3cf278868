/** The decoder against iced-x86 on random bytes: lengths, #UD, LOCK, memory operands, immediates, branch targets. */
import { Code, CpuidFeature, Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax, Instruction, OpKind, Register } from 'iced-x86';
import { BASE_RIP, type CodeSize, Decoder } from '../../src/isa/decode.ts';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import { Random } from './random.ts';

const CHUNK = 2000;
const SLOT = 16;
const MAX_LENGTH = 15;
const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const REX = 0x40;

/** Features that the instruction set has: an instruction that iced knows by these must decode. */
const FEATURES = new Set([
  'INTEL8086', 'INTEL8086_ONLY', 'INTEL186', 'INTEL286', 'INTEL386', 'INTEL486', 'MSR', 'TSC', 'CX8', 'CPUID', 'CMOV', 'SEP', 'FPU', 'FPU287', 'FPU387',
  'MMX', 'FXSR', 'SSE', 'SSE2', 'SSE3', 'SSSE3', 'SSE4_1', 'SSE4_2', 'POPCNT', 'LZCNT', 'MOVBE', 'ADX', 'AES', 'PCLMULQDQ', 'SHA',
  'AVX', 'AVX2', 'FMA', 'F16C', 'BMI1', 'BMI2', 'CLFSH', 'PAUSE', 'MULTIBYTENOP', 'RDPMC', 'PREFETCHW', 'X64', 'FSGSBASE',
]);

/** Differences that are meant, by a pattern of their kind. */
const MEANT: readonly (readonly [RegExp, string])[] = [
  [/^here ok.* MOV_(TO|FROM)_CR /, 'CR1 and CR5 to CR7 raise #UD when the instruction runs'],
  [/^XLAT: memory/, 'the operand of XLAT is implicit here'],
  [/Fcomp_st0_sti_DED0/, 'undocumented alias'],
];

export interface DecoderFinding {
  count: number;
  readonly example: string;
}

export interface DecoderReport {
  decoded: number;
  readonly findings: Map<string, DecoderFinding>;
  readonly meant: Map<string, number>;
}

/** Numbers of the registers that an address is made of; gathers have vectors for an index. */
const NUMBERS = new Map<number, number>();
for (const [i, n] of ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'].entries()) {
  NUMBERS.set(Register[n as 'AX'], i);
  NUMBERS.set(Register[`E${n}` as 'EAX'], i);
  NUMBERS.set(Register[`R${n}` as 'RAX'], i);
}
for (let n = 8; n < 16; n++) {
  NUMBERS.set(Register[`R${n}` as 'R8'], n);
  NUMBERS.set(Register[`R${n}D` as 'R8D'], n);
}
for (const ip of [Register.EIP, Register.RIP]) NUMBERS.set(ip, BASE_RIP);
for (let n = 0; n < 16; n++) {
  NUMBERS.set(Register.XMM0 + n, n);
  NUMBERS.set(Register.YMM0 + n, n);
}
const SEGMENTS: number[] = [Register.ES, Register.CS, Register.SS, Register.DS, Register.FS, Register.GS];
const FS = 4;
const numberOf = (register: number): number => (register === Register.None ? -1 : (NUMBERS.get(register) ?? -2));

function fill(random: Random, buffer: Uint8Array, size: CodeSize): void {
  for (let slot = 0; slot < buffer.length; slot += SLOT) {
    let at = slot;
    const prefixes = random.chance(1) ? 12 : random.pick([0, 0, 0, 1, 1, 2, 3]);
    for (let i = 0; i < prefixes; i++) buffer[at++] = random.pick(PREFIXES);
    if (size === 64 && random.chance(50)) buffer[at++] = REX | random.below(16);
    if (random.chance(10)) {
      // A VEX prefix: most have a map that there is and no register in VEX.vvvv, which most instructions of random bytes refuse otherwise.
      buffer[at++] = 0xc4;
      buffer[at++] = (random.u32() & 0xe0) | random.pick([1, 1, 2, 2, 3, random.below(32)]);
      buffer[at++] = random.chance(50) ? random.u32() | 0x78 : random.u32();
    } else if (random.chance(45)) {
      buffer[at++] = 0x0f;
      if (random.chance(15)) buffer[at++] = random.pick([0x38, 0x3a]);
    }
    while (at < slot + SLOT) buffer[at++] = random.u32() >>> 8;
  }
}

/** What differs between two instructions that both decode. */
function compare(d: Decoder, size: CodeSize, i: Instruction): string[] {
  const bad: string[] = [];
  if (d.length !== i.length) bad.push('length');
  if (d.lock !== i.hasLockPrefix) bad.push('lock');
  const kinds = Array.from({ length: i.opCount }, (_, n) => i.opKind(n));
  const memory = kinds.includes(OpKind.Memory);
  if (memory !== d.memory) bad.push('memory');
  else if (memory) {
    if (numberOf(i.memoryBase) !== d.base) bad.push('base');
    if (numberOf(i.memoryIndex) !== d.index) bad.push('index');
    if (d.index >= 0 && i.memoryIndexScale !== 1 << d.scale) bad.push('scale');
    if (!sameDisplacement(d, i)) bad.push('displacement');
    if (SEGMENTS[d.segment] !== i.memorySegment && !(size === 64 && d.segment < FS && namesFlat(i))) bad.push('segment');
  }
  for (const [n, kind] of kinds.entries()) if (!sameImmediate(d, i, n, kind)) bad.push('immediate');
  return bad;
}

/** For a disassembler the prefixes ES, CS, SS and DS of 64-bit code name a segment. */
const namesFlat = (i: Instruction): boolean => i.hasSegmentPrefix && SEGMENTS.indexOf(i.segmentPrefix) < FS;

function sameDisplacement(d: Decoder, i: Instruction): boolean {
  if (d.base === BASE_RIP) return BigInt.asIntN(32, i.memoryDisplacement) === BigInt.asIntN(32, BigInt(d.displacement + d.length));
  const wide = d.asize === 64 && d.row.operands.some((o) => o.kind === 'O');
  const mine = wide ? (BigInt(d.immediate2) << 32n) | BigInt(d.immediate >>> 0) : BigInt(d.displacement);
  return BigInt.asIntN(d.asize, i.memoryDisplacement) === BigInt.asIntN(d.asize, mine);
}

function sameImmediate(d: Decoder, i: Instruction, n: number, kind: number): boolean {
  if (kind === OpKind.NearBranch16) return i.nearBranch16 === ((d.length + d.immediate) & 0xffff);
  if (kind === OpKind.NearBranch32) return i.nearBranch32 === (d.length + d.immediate) >>> 0;
  if (kind === OpKind.NearBranch64) return i.nearBranch64 === BigInt.asUintN(64, BigInt(d.length + d.immediate));
  if (kind === OpKind.Immediate64) return i.immediate(n) === BigInt.asUintN(64, (BigInt(d.immediate2) << 32n) | BigInt(d.immediate >>> 0));
  const immediate = d.row.operands.some((o) => o.kind === 'I');
  if (!immediate || kind < OpKind.Immediate8 || kind > OpKind.Immediate32to64 || kind === OpKind.Immediate8_2nd) return true;
  const mask = kind === OpKind.Immediate8 ? 0xff : kind === OpKind.Immediate16 || kind === OpKind.Immediate8to16 ? 0xffff : -1;
  return (Number(BigInt.asIntN(32, i.immediate(n))) & mask) === (d.immediate & mask);
}

export class DecoderCampaign {
  readonly report: DecoderReport = { decoded: 0, findings: new Map(), meant: new Map() };
  private readonly random: Random;
  private readonly decoder = new Decoder(INSTRUCTION_SET);
  private readonly formatter = new Formatter(FormatterSyntax.Nasm);

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  run(count: number, size: CodeSize): void {
    const buffer = new Uint8Array(CHUNK * SLOT);
    const instruction = new Instruction();
    for (let done = 0; done < count; done += CHUNK) {
      fill(this.random, buffer, size);
      const iced = new Iced(size, buffer, DecoderOptions.None);
      for (let at = 0; at < buffer.length; at += SLOT) {
        iced.position = at;
        iced.ip = 0n;
        iced.decodeOut(instruction);
        this.check(buffer.subarray(at, at + SLOT), size, instruction);
      }
      iced.free();
      this.report.decoded += CHUNK;
    }
    instruction.free();
  }

  private check(bytes: Uint8Array, size: CodeSize, i: Instruction): void {
    const d = this.decoder;
    const result = d.decode(bytes, 0, MAX_LENGTH, size);
    const valid = i.code !== Code.INVALID;
    if (result !== 'ok') {
      if (!valid) return;
      const features = Array.from(i.cpuidFeatures(), (f) => CpuidFeature[f] ?? '');
      if (features.every((f) => FEATURES.has(f))) this.note(`here ${result}: ${Code[i.code]} [${features.join(' ')}]`, bytes, size, i);
    } else if (!valid) this.note(`here ok: ${d.row.source}`, bytes, size, i);
    else {
      const bad = compare(d, size, i);
      if (bad.length > 0) this.note(`${d.row.mnemonic}: ${bad.join(', ')}`, bytes, size, i);
    }
  }

  private note(kind: string, bytes: Uint8Array, size: number, i: Instruction): void {
    const reason = MEANT.find(([pattern]) => pattern.test(kind))?.[1];
    if (reason !== undefined) {
      this.report.meant.set(reason, (this.report.meant.get(reason) ?? 0) + 1);
      return;
    }
    const known = this.report.findings.get(kind);
    if (known) known.count++;
    else this.report.findings.set(kind, { count: 1, example: `${kind}: ${size} bits ${Buffer.from(bytes).toString('hex')} iced: ${this.formatter.format(i)}` });
  }
}
