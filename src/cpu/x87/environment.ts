/**
 * The x87 state as it lies in memory: the environment of FSTENV and FLDENV in its four formats, and the state of FSAVE and
 * FRSTOR. [SDM1 8.1.10] Encoders and decoders only; environment-helpers.ts moves the bytes.
 *
 * In the state FIP and FDP are offsets with FCS and FDS beside them; the real-mode formats hold linear addresses, which
 * come back as offsets to a selector of 0.
 */
import * as L from '../layout.ts';
import type { CpuState } from '../state.ts';

/** Operand size in bits, and whether the processor is in protected mode (virtual-8086 mode counts as real). */
export interface EnvironmentFormat {
  readonly operandSize: 16 | 32;
  readonly isProtected: boolean;
}

const FSW_TOP_SHIFT = 11;
const FSW_EXCEPTIONS = 0x3f;
const FSW_ES_B = 0x8080;
/** FCW's bits that exist and can be written; bit 6 reads as 1. */
const FCW_WRITABLE = 0x1f3f;
const FCW_FIXED = 0x40;
const FCW_MASKS = 0x3f;
export const FOP_BITS = 0x7ff;
const REAL_SIZE = 10;
export const FPU_REGISTERS_SIZE = 8 * REAL_SIZE;

const TAG_VALID = 0, TAG_ZERO = 1, TAG_SPECIAL = 2, TAG_EMPTY = 3;

/** Bytes of an environment: 14 or 28. */
export const environmentSize = (format: EnvironmentFormat): number => (format.operandSize === 16 ? 14 : 28);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function abridgedTags(state: CpuState): number {
  return state.arena.u8[state.base + L.FTW];
}

function setAbridgedTags(state: CpuState, tags: number): void {
  state.arena.u8[state.base + L.FTW] = tags;
}

/** TOP: which register is ST(0). */
export const stackTop = (state: CpuState): number => state.arena.u8[state.base + L.FTOP];

export function setStatusWord(state: CpuState, fsw: number): void {
  state.setU16(L.FSW, fsw);
  state.arena.u8[state.base + L.FTOP] = (fsw >> FSW_TOP_SHIFT) & 7;
}

/** Sets ES and B by the exception flags and their masks. */
function updateSummary(state: CpuState): void {
  const fsw = state.getU16(L.FSW);
  const pending = (fsw & ~state.getU16(L.FCW) & FSW_EXCEPTIONS) !== 0;
  state.setU16(L.FSW, pending ? fsw | FSW_ES_B : fsw & ~FSW_ES_B);
}

/** The full tag word: two bits for each register, by its contents [SDM1 8.1.7]. */
export function fullTagWord(state: CpuState): number {
  const present = abridgedTags(state);
  let tags = 0;
  for (let n = 0; n < 8; n++) tags |= ((present >> n) & 1 ? tagOf(state, n) : TAG_EMPTY) << (2 * n);
  return tags;
}

function tagOf(state: CpuState, n: number): number {
  const significand = state.getU64(L.FPR + 16 * n);
  const exponent = state.getU16(L.FPR + 16 * n + 8) & 0x7fff;
  if (exponent === 0) return significand === 0n ? TAG_ZERO : TAG_SPECIAL;
  return exponent === 0x7fff || significand >> 63n === 0n ? TAG_SPECIAL : TAG_VALID;
}

/** What FNSTENV stores: 14 or 28 bytes. */
export function encodeEnvironment(state: CpuState, format: EnvironmentFormat): Uint8Array {
  const wide = format.operandSize === 32;
  const step = wide ? 4 : 2;
  const bytes = new Uint8Array(environmentSize(format));
  // The upper halves of 32-bit fields that hold 16 bits read as ones.
  if (wide) bytes.fill(0xff);
  const view = viewOf(bytes);
  const word = (index: number, value: number): void => view.setUint16(index * step, value, true);
  const long = (index: number, value: number): void => view.setUint32(index * step, value, true);
  word(0, state.getU16(L.FCW));
  word(1, state.getU16(L.FSW));
  word(2, fullTagWord(state));
  const fop = state.getU16(L.FOP) & FOP_BITS;
  if (format.isProtected) {
    const put = wide ? long : word;
    put(3, state.getU32(L.FIP));
    put(4, wide ? (fop << 16) | state.getU16(L.FCS) : state.getU16(L.FCS));
    put(5, state.getU32(L.FDP));
    word(6, state.getU16(L.FDS));
    return bytes;
  }
  const ip = (state.getU16(L.FCS) * 16 + state.getU32(L.FIP)) >>> 0;
  const dp = (state.getU16(L.FDS) * 16 + state.getU32(L.FDP)) >>> 0;
  word(3, ip);
  word(5, dp);
  if (wide) {
    long(4, ((ip >>> 16) << 12) | fop);
    long(6, (dp >>> 16) << 12);
  } else {
    word(4, ((ip >>> 4) & 0xf000) | fop);
    word(6, (dp >>> 4) & 0xf000);
  }
  return bytes;
}

/** What FNSTENV does after its store: masks every exception. */
export function maskExceptions(state: CpuState): void {
  state.setU16(L.FCW, state.getU16(L.FCW) | FCW_MASKS);
  updateSummary(state);
}

/** FLDENV of 14 or 28 bytes. */
export function decodeEnvironment(state: CpuState, format: EnvironmentFormat, bytes: Uint8Array): void {
  const wide = format.operandSize === 32;
  const step = wide ? 4 : 2;
  const view = viewOf(bytes);
  const word = (index: number): number => view.getUint16(index * step, true);
  const field = (index: number): number => (wide ? view.getUint32(index * step, true) : word(index));
  const tags = word(2);
  let present = 0;
  for (let n = 0; n < 8; n++) if (((tags >> (2 * n)) & 3) !== TAG_EMPTY) present |= 1 << n;
  setControl(state, word(0), word(1), present);
  if (format.isProtected) {
    state.setLinear(L.FIP, field(3) >>> 0);
    state.setU16(L.FCS, word(4));
    if (wide) state.setU16(L.FOP, (field(4) >>> 16) & FOP_BITS);
    state.setLinear(L.FDP, field(5) >>> 0);
    state.setU16(L.FDS, word(6));
    return;
  }
  const upper = (index: number): number => (wide ? (field(index) >>> 12) & 0xffff : word(index) >>> 12) << 16;
  state.setLinear(L.FIP, (upper(4) | word(3)) >>> 0);
  state.setLinear(L.FDP, (upper(6) | word(5)) >>> 0);
  state.setU16(L.FOP, word(4) & FOP_BITS);
  state.setU16(L.FCS, 0);
  state.setU16(L.FDS, 0);
}

/** Control and status word and which registers are not empty, as a load sets them. */
export function setControl(state: CpuState, fcw: number, fsw: number, present: number): void {
  state.setU16(L.FCW, (fcw & FCW_WRITABLE) | FCW_FIXED);
  setStatusWord(state, fsw);
  setAbridgedTags(state, present);
  updateSummary(state);
}

/** ST(i), 10 bytes, to `bytes` at `at`. */
function encodeRegister(state: CpuState, i: number, bytes: Uint8Array, at: number): void {
  const slot = state.base + L.FPR + (((stackTop(state) + i) & 7) << 4);
  bytes.set(state.arena.u8.subarray(slot, slot + REAL_SIZE), at);
}

function decodeRegister(state: CpuState, i: number, bytes: Uint8Array, at: number): void {
  const slot = state.base + L.FPR + (((stackTop(state) + i) & 7) << 4);
  state.arena.u8.set(bytes.subarray(at, at + REAL_SIZE), slot);
}

/** What FNSAVE stores: 94 or 108 bytes. */
export function encodeState(state: CpuState, format: EnvironmentFormat): Uint8Array {
  const size = environmentSize(format);
  const bytes = new Uint8Array(size + FPU_REGISTERS_SIZE);
  bytes.set(encodeEnvironment(state, format));
  for (let i = 0; i < 8; i++) encodeRegister(state, i, bytes, size + i * REAL_SIZE);
  return bytes;
}

/** What FNSAVE does after its store, and FNINIT: the initial state, registers left as they are but empty. */
export function initialise(state: CpuState): void {
  setControl(state, 0x037f, 0, 0);
  for (const field of [L.FOP, L.FCS, L.FDS]) state.setU16(field, 0);
  for (const field of [L.FIP, L.FDP]) state.setLinear(field, 0);
}

/** FRSTOR of 94 or 108 bytes. */
export function decodeState(state: CpuState, format: EnvironmentFormat, bytes: Uint8Array): void {
  const size = environmentSize(format);
  decodeEnvironment(state, format, bytes.subarray(0, size));
  for (let i = 0; i < 8; i++) decodeRegister(state, i, bytes, size + i * REAL_SIZE);
}
