/**
 * The code of a function as WebAssembly text, for people: what `FunctionBuilder` emits, an instruction a line
 * [WebAssembly Core 6.5]. No library does it with the places of the instructions and tail calls.
 */
import { BINARY, COMPARE, CONVERT, EXTRACT, LOAD, REPLACE, SIMD, STORE, type Type, TYPE_CODE, UNARY } from './opcodes.ts';

export interface TextLine {
  /** Byte offset in the code. */
  readonly offset: number;
  /** How many structures enclose it. */
  readonly depth: number;
  readonly text: string;
}

const PREFIXED = 0x100;
const SIMD_PREFIX = 0xfd, MISC_PREFIX = 0xfc;
const CONVERSIONS: Readonly<Record<keyof typeof CONVERT, string>> = {
  wrap: 'i32.wrap_i64', extendS: 'i64.extend_i32_s', extendU: 'i64.extend_i32_u',
  i32TruncSatF32: 'i32.trunc_sat_f32_s', i32TruncSatF64: 'i32.trunc_sat_f64_s', i64TruncSatF32: 'i64.trunc_sat_f32_s', i64TruncSatF64: 'i64.trunc_sat_f64_s',
  f32FromI32: 'f32.convert_i32_s', f32FromI64: 'f32.convert_i64_s', f64FromI32: 'f64.convert_i32_s', f64FromI64: 'f64.convert_i64_s',
  demote: 'f32.demote_f64', promote: 'f64.promote_f32',
  i32FromF32Bits: 'i32.reinterpret_f32', i64FromF64Bits: 'i64.reinterpret_f64', f32FromBits: 'f32.reinterpret_i32', f64FromBits: 'f64.reinterpret_i64',
};
/** Bytes that are loaded and how they become the result; also the natural alignment. */
const ACCESS: Readonly<Record<keyof typeof LOAD | keyof typeof STORE, readonly [suffix: string, bytes: number]>> = {
  i32: ['', 4], i64: ['', 8], f32: ['', 4], f64: ['', 8], v128: ['', 16], u8: ['8_u', 1], s8: ['8_s', 1], u16: ['16_u', 2], s16: ['16_s', 2],
  u32: ['32_u', 4], s32: ['32_s', 4], z32: ['32_zero', 4], z64: ['64_zero', 8],
};

/** Text of what has no operand in the code, and of accesses to memory, by opcode. */
const PLAIN = new Map<number, string>([
  [0x00, 'unreachable'], [0x0f, 'return'], [0x1a, 'drop'], [0x1b, 'select'], [0x45, 'i32.eqz'], [0x50, 'i64.eqz'],
]);
const MEMORY = new Map<number, { readonly text: string; readonly bytes: number }>();
const LANE = new Map<number, string>();
/** `shrU` is `shr_u` in the text, `extend8S` `extend8_s`. */
const inText = (name: string): string => name.replace(/[SU]$/, (sign) => `_${sign.toLowerCase()}`);
for (const table of [BINARY, COMPARE, UNARY]) {
  for (const [name, codes] of Object.entries(table)) {
    for (const [type, code] of Object.entries(codes)) PLAIN.set(code, `${type}.${inText(name)}`);
  }
}
const prefixed = (code: number): number => SIMD_PREFIX * PREFIXED + code;
for (const [name, text] of Object.entries(CONVERSIONS)) PLAIN.set(CONVERT[name as keyof typeof CONVERT][2], text);
for (const [name, [, , code]] of Object.entries(SIMD)) PLAIN.set(prefixed(code), name);
for (const table of [EXTRACT, REPLACE]) for (const [name, [, , code]] of Object.entries(table)) LANE.set(prefixed(code), name);
for (const [operation, table] of [['load', LOAD], ['store', STORE]] as const) {
  for (const [kind, [type, code]] of Object.entries(table) as [keyof typeof ACCESS, readonly [Type, number]][]) {
    const [suffix, bytes] = ACCESS[kind];
    MEMORY.set(code, { text: `${type}.${operation}${operation === 'store' ? suffix.replace(/_.*/, '') : suffix}`, bytes });
  }
}

/** @param code of one function, without its locals and its final `end`; @param nameOf a function by its index, for calls */
export function disassemble(code: Uint8Array, nameOf: (index: number) => string = String): TextLine[] {
  const reader = new Reader(code);
  const lines: TextLine[] = [];
  let depth = 0;
  while (reader.at < code.length) {
    const offset = reader.at;
    const text = instruction(reader, nameOf);
    if (text === 'end' || text === 'else') depth--;
    lines.push({ offset, depth, text });
    if (text === 'else' || /^(block|loop|if)\b/.test(text)) depth++;
  }
  return lines;
}

function instruction(r: Reader, nameOf: (index: number) => string): string {
  const first = r.byte();
  const code = first === SIMD_PREFIX || first === MISC_PREFIX ? first * PREFIXED + r.u32() : first;
  const memory = MEMORY.get(code);
  if (memory) return `${memory.text}${memoryArgument(r, memory.bytes)}`;
  const lane = LANE.get(code);
  if (lane) return `${lane} ${r.byte()}`;
  const plain = PLAIN.get(code);
  if (plain) return plain;
  switch (code) {
    case 0x02: return `block${blockType(r)}`;
    case 0x03: return `loop${blockType(r)}`;
    case 0x04: return `if${blockType(r)}`;
    case 0x05: return 'else';
    case 0x0b: return 'end';
    case 0x0c: return `br ${r.u32()}`;
    case 0x0d: return `br_if ${r.u32()}`;
    case 0x0e: return `br_table ${Array.from({ length: r.u32() + 1 }, () => r.u32()).join(' ')}`;
    case 0x10: return `call ${nameOf(r.u32())}`;
    case 0x12: return `return_call ${nameOf(r.u32())}`;
    case 0x13: {
      const type = r.u32();
      r.u32();
      return `return_call_indirect (type ${type})`;
    }
    case 0x1c: return `select (result ${Array.from({ length: r.u32() }, () => typeName(r.byte())).join(' ')})`;
    case 0x20: return `local.get ${r.u32()}`;
    case 0x21: return `local.set ${r.u32()}`;
    case 0x22: return `local.tee ${r.u32()}`;
    case 0x23: return `global.get ${r.u32()}`;
    case 0x41: return `i32.const ${r.signed(32)}`;
    case 0x42: return `i64.const ${r.signed(64)}`;
    case 0x43: return `f32.const ${r.float(4)}`;
    case 0x44: return `f64.const ${r.float(8)}`;
    case prefixed(0x0c): return `v128.const i32x4 ${Array.from({ length: 4 }, () => hex(r.word())).join(' ')}`;
    case prefixed(0x0d): return `i8x16.shuffle ${Array.from({ length: 16 }, () => r.byte()).join(' ')}`;
    default: throw new Error(`no text for WebAssembly opcode ${hex(code)}`);
  }
}

const hex = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;
const TYPE_NAMES = new Map(Object.entries(TYPE_CODE).map(([name, code]) => [code, name]));
const typeName = (code: number): string => TYPE_NAMES.get(code) ?? hex(code);
const blockType = (r: Reader): string => {
  const code = r.byte();
  return code === 0x40 ? '' : ` (result ${typeName(code)})`;
};

function memoryArgument(r: Reader, natural: number): string {
  const alignment = 2 ** r.u32();
  const offset = r.u32();
  return `${offset === 0 ? '' : ` offset=${offset}`}${alignment === natural ? '' : ` align=${alignment}`}`;
}

class Reader {
  at = 0;
  private readonly view: DataView;

  constructor(code: Uint8Array) {
    this.view = new DataView(code.buffer, code.byteOffset, code.length);
  }

  byte(): number {
    return this.view.getUint8(this.at++);
  }
  word(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }
  u32(): number {
    return Number(this.leb().value);
  }
  signed(bits: 32 | 64): bigint {
    const { value, length } = this.leb();
    return BigInt.asIntN(Math.min(length, bits), value);
  }
  float(bytes: 4 | 8): number {
    this.at += bytes;
    return bytes === 4 ? this.view.getFloat32(this.at - 4, true) : this.view.getFloat64(this.at - 8, true);
  }
  /** LEB128, and how many bits it has. */
  private leb(): { value: bigint; length: number } {
    let value = 0n;
    for (let length = 0; ; ) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(length);
      length += 7;
      if (byte < 0x80) return { value, length };
    }
  }
}
