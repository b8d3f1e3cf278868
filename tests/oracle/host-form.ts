/**
 * Programs for 32-bit mode as the host's processor can run them in 64-bit mode: each piece becomes one or a few
 * instructions that do the same. R10 and R11 are the translation's own (see host/execute.c). What pushes and pops does so
 * by moves, since the stack of 64-bit mode has quadwords; code addresses on the stack and in registers are the guest's.
 */
import { assemble, labelOffsets, type Piece } from './program.ts';
import * as R from './record.ts';

type Bytes = readonly number[];

/** A translated piece: bytes, and perhaps a 32-bit displacement to a label, or a guest address, behind `at` bytes. */
interface Translated {
  readonly bytes: number[];
  readonly branch?: { readonly at: number; readonly to: number };
  /** Where the guest's address of the next piece goes, for calls; of a label, for immediates. */
  readonly next?: number;
  readonly absolute?: { readonly at: number; readonly to: number; readonly beyond: number };
}

const PREFIXES = new Set([0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]);
const little = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
const ESP_MINUS = (n: number): Bytes => [0x67, 0x8d, 0x64, 0x24, -n & 255]; // LEA ESP, [ESP-n]
const ESP_PLUS = (n: number): Bytes => [0x67, 0x8d, 0xa4, 0x24, ...little(n)];
const STORE_R11D: Bytes = [0x44, 0x89, 0x1c, 0x24]; // MOV [RSP], R11D
const LOAD_R11D: Bytes = [0x44, 0x8b, 0x1c, 0x24];
const JUMP_TABLE: Bytes = [0x4f, 0x8b, 0x1c, 0xda, 0x41, 0xff, 0xe3]; // MOV R11, [R10+R11*8]; JMP R11
const PUSH_NEXT: Bytes = [...ESP_MINUS(4), 0xc7, 0x04, 0x24]; // the guest's return address follows

interface Parsed {
  readonly prefixes: number[];
  readonly opcode: number[];
  /** From ModRM, or the immediate, on. */
  readonly rest: number[];
}

function parse(bytes: Uint8Array): Parsed {
  let at = 0;
  while (PREFIXES.has(bytes[at] as number)) at++;
  const prefixes = [...bytes.subarray(0, at)];
  const length = bytes[at] !== 0x0f ? 1 : bytes[at + 1] === 0x38 || bytes[at + 1] === 0x3a ? 3 : 2;
  return { prefixes, opcode: [...bytes.subarray(at, at + length)], rest: [...bytes.subarray(at + length)] };
}

/** A ModRM operand for 64-bit mode: a bare displacement would be relative to RIP, so it gets a SIB byte. */
function operand(rest: readonly number[]): number[] {
  const modrm = rest[0] as number;
  return (modrm & 0xc7) === 5 ? [modrm & 0x38 | 4, 0x25, ...rest.slice(1)] : [...rest];
}
const isMemory = (modrm: number): boolean => modrm < 0xc0;
/** MOV R11D, r/m: the ModRM operand with R11's number. */
const loadR11 = (rest: readonly number[]): number[] => {
  const to = operand(rest);
  to[0] = ((to[0] as number) & 0xc7) | 0x18;
  return [...(isMemory(to[0]) ? [0x67] : []), 0x44, 0x8b, ...to];
};
const storeR11 = (rest: readonly number[]): number[] => {
  const to = operand(rest);
  to[0] = ((to[0] as number) & 0xc7) | 0x18;
  return [...(isMemory(to[0]) ? [0x67] : []), 0x44, 0x89, ...to];
};

/** Pushes and pops of registers, immediates and memory, 32 bits wide. */
function stackForm(opcode: number, rest: readonly number[]): number[] | undefined {
  const n = opcode & 7;
  if ((opcode & 0xf8) === 0x50) return [0x41, 0x89, 0xc3 | (n << 3), ...ESP_MINUS(4), ...STORE_R11D];
  if ((opcode & 0xf8) === 0x58) return [...LOAD_R11D, ...ESP_PLUS(4), 0x44, 0x89, 0xd8 | n];
  if (opcode === 0x68) return [...PUSH_NEXT, ...rest];
  if (opcode === 0x6a) return [...PUSH_NEXT, ...little(((rest[0] as number) << 24) >> 24)];
  if (opcode === 0xff && (((rest[0] as number) >> 3) & 7) === 6) return [...loadR11(rest), ...ESP_MINUS(4), ...STORE_R11D];
  if (opcode === 0x8f) return [...LOAD_R11D, ...ESP_PLUS(4), ...storeR11(rest)];
  // LEAVE: MOV ESP, EBP; MOV EBP, [RSP]; LEA ESP, [ESP+4]
  if (opcode === 0xc9) return [0x89, 0xec, 0x8b, 0x2c, 0x24, ...ESP_PLUS(4)];
  return undefined;
}

/** Instructions that 64-bit mode does not have, or that need what this translation does not keep. */
const UNTRANSLATED = new Set([
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x62, 0x63, 0x82, 0x9a, 0x9c, 0x9d, 0xc4, 0xc5, 0xc8, 0xce, 0xcf, 0xd4,
  0xd5, 0xd6, 0xea,
]);
const MOFFS = new Set([0xa0, 0xa1, 0xa2, 0xa3]);
/** Implicit addresses: strings and XLAT. */
const IMPLICIT = new Set([0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xd7]);

function hasOperand(opcode: readonly number[]): boolean {
  const [first, second] = opcode as [number, number];
  if (first === 0x0f) return !(second === 0x77 || (second & 0xf0) === 0x80 || (second & 0xf8) === 0xc8 || second === 0x0b || second === 0xa2);
  if (first < 0x40) return (first & 7) < 4;
  if (first === 0x69 || first === 0x6b || (first >= 0x80 && first <= 0x8f)) return true;
  return [0xc0, 0xc1, 0xc6, 0xc7, 0xd0, 0xd1, 0xd2, 0xd3, 0xf6, 0xf7, 0xfe, 0xff].includes(first) || (first & 0xf8) === 0xd8;
}

function plain(p: Parsed): number[] | undefined {
  const { prefixes, opcode, rest } = p;
  const first = opcode[0] as number;
  if (prefixes.some((b) => b === 0x67 || b === 0x64 || b === 0x65 || b === 0x2e) || (opcode.length === 1 && UNTRANSLATED.has(first))) return undefined;
  if (opcode.length === 2 && [0xa0, 0xa1, 0xa8, 0xa9].includes(opcode[1] as number)) return undefined;
  const stack = opcode.length === 1 ? stackForm(first, rest) : undefined;
  if (stack) return prefixes.includes(0x66) ? undefined : stack;
  if ((first & 0xf0) === 0x40) return [...prefixes, 0xff, 0xc0 | (first & 15)];
  if (opcode.length === 1 && (MOFFS.has(first) || IMPLICIT.has(first))) return [0x67, ...prefixes, ...opcode, ...rest];
  if (!hasOperand(opcode)) return [...prefixes, ...opcode, ...rest];
  return [...(isMemory(rest[0] as number) ? [0x67] : []), ...prefixes, ...opcode, ...operand(rest)];
}

function branchForm(piece: Piece, p: Parsed, to: number): Translated | undefined {
  const first = p.opcode[0] as number;
  const last = p.opcode.at(-1) as number;
  if (p.prefixes.length > 0) return undefined;
  if (first === 0xe8) return { bytes: [...PUSH_NEXT, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0], next: PUSH_NEXT.length, branch: { at: PUSH_NEXT.length + 5, to } };
  if (first === 0xe9 || first === 0xeb) return { bytes: [0xe9, 0, 0, 0, 0], branch: { at: 1, to } };
  if (first >= 0xe0 && first <= 0xe3) return { bytes: [0x67, first, 2, 0xeb, 5, 0xe9, 0, 0, 0, 0], branch: { at: 6, to } };
  if (piece.flow === 'branch') return { bytes: [0x0f, 0x80 | (last & 15), 0, 0, 0, 0], branch: { at: 2, to } };
  return undefined;
}

/** Near indirect branches and returns. */
function indirectForm(p: Parsed): Translated | undefined {
  const first = p.opcode[0] as number;
  if (p.prefixes.length > 0) return undefined;
  if (first === 0xc3) return { bytes: [...LOAD_R11D, ...ESP_PLUS(4), ...JUMP_TABLE] };
  if (first === 0xc2) return { bytes: [...LOAD_R11D, ...ESP_PLUS(4 + ((p.rest[0] as number) | ((p.rest[1] as number) << 8))), ...JUMP_TABLE] };
  if (first !== 0xff) return undefined;
  const digit = ((p.rest[0] as number) >> 3) & 7;
  const target = loadR11(p.rest);
  if (digit === 4) return { bytes: [...target, ...JUMP_TABLE] };
  return { bytes: [...target, ...PUSH_NEXT, 0, 0, 0, 0, ...JUMP_TABLE], next: target.length + PUSH_NEXT.length };
}

const ABSOLUTE = [1, 2, 3, 4];

/** The translation of a piece; undefined when there is none. Labels and tables have an empty one. */
export function translate(piece: Piece): Translated | undefined {
  if (piece.label !== undefined || piece.data) return { bytes: [] };
  const { reference } = piece;
  if (reference?.kind === 'rel8' || reference?.kind === 'rel32') return branchForm(piece, parse(piece.bytes), reference.to);
  // A marker stands for the address, so that it is found again in the translation.
  const bytes = Uint8Array.of(...piece.bytes, ...(reference ? ABSOLUTE : []), ...(piece.suffix ?? []));
  const p = parse(bytes);
  const done = piece.flow ? indirectForm(p) : undefined;
  const made = done ?? (piece.flow ? undefined : { bytes: plain(p) ?? [] });
  if (!made || made.bytes.length === 0) return undefined;
  if (!reference) return made;
  const at = made.bytes.findIndex((_, i) => ABSOLUTE.every((b, k) => made.bytes[i + k] === b));
  return at < 0 ? undefined : { ...made, absolute: { at, to: reference.to, beyond: reference.beyond ?? 0 } };
}

export interface HostForm {
  readonly code: Uint8Array;
  /** Where each piece begins, and one more: the end. */
  readonly offsets: readonly number[];
}

/** The translation of a program whose guest form lies at `at`. */
export function hostForm(pieces: readonly Piece[], at: number): HostForm | undefined {
  const guest = assemble(pieces, at);
  if (!guest) return undefined;
  const parts: Translated[] = [];
  const offsets: number[] = [];
  let offset = 0;
  for (const piece of pieces) {
    const part = translate(piece);
    if (!part) return undefined;
    parts.push(part);
    offsets.push(offset);
    offset += part.bytes.length;
  }
  offsets.push(offset);
  const labels = labelOffsets(pieces, offsets);
  const guestLabels = labelOffsets(pieces, guest.offsets);
  const code = new Uint8Array(offset);
  const view = new DataView(code.buffer);
  for (const [i, part] of parts.entries()) {
    const start = offsets[i] as number;
    code.set(part.bytes, start);
    if (part.branch) view.setInt32(start + part.branch.at, labels(part.branch.to) - (start + part.branch.at + 4), true);
    if (part.next !== undefined) view.setUint32(start + part.next, at + (guest.offsets[i + 1] as number), true);
    if (part.absolute) view.setUint32(start + part.absolute.at, (at + guestLabels(part.absolute.to) + part.absolute.beyond) >>> 0, true);
  }
  return { code, offsets };
}

/** The low half of where translations run. */
const HOST_CODE = 0x30000000;

/** The guest's EIP for the host's; undefined where the program left its code. */
export function guestEip(pieces: readonly Piece[], form: HostForm, guest: readonly number[], at: number, rip: number): number | undefined {
  const offset = rip - HOST_CODE;
  const end = form.offsets[pieces.length] as number;
  if (offset === end || offset === end + 1) return at + (guest[pieces.length] as number) + offset - end;
  let i = pieces.length - 1;
  while (i >= 0 && !((form.offsets[i] as number) <= offset && offset < (form.offsets[i + 1] as number))) i--;
  if (i < 0) return undefined;
  // Behind an INT3 the saved RIP is that of the next instruction.
  return at + (guest[i] as number);
}

/** Puts the translation behind the guest's code in a record; false when it does not fit. */
export function putHostForm(batch: R.Batch, n: number, pieces: readonly Piece[], form: HostForm, guest: readonly number[]): boolean {
  const length = batch.u32(n, R.LENGTH);
  const codeAt = n * batch.stride + R.LONG_CODE + ((length + 3) & ~3);
  const pairsAt = codeAt + ((form.code.length + 3) & ~3);
  if (pairsAt + 4 * (pieces.length + 1) > (n + 1) * batch.stride) return false;
  batch.bytes.set(form.code, codeAt);
  let count = 0;
  for (let i = 0; i <= pieces.length; i++) {
    if (i < pieces.length && form.offsets[i] === form.offsets[i + 1] && pieces[i]?.label === undefined) continue;
    batch.view.setUint16(pairsAt + 4 * count, guest[i] as number, true);
    batch.view.setUint16(pairsAt + 4 * count + 2, form.offsets[i] as number, true);
    count++;
  }
  batch.setU32(n, R.HOST_LENGTH, form.code.length);
  batch.setU32(n, R.HOST_PAIRS, count);
  return true;
}
