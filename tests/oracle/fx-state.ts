/** Random x87, MMX and SSE states, as FXSAVE images [SDM2 FXSAVE, table 3-43], and what differs between two of them. */
import * as R from './record.ts';
import type { Random } from './random.ts';

const FCW = 0, FSW = 2, FTW = 4, MXCSR = 24, ST = 32, XMM = 160;
export const FX_XMM = XMM;
export const FX_ST = ST;
const REGISTER_BYTES = 16;
/** All exceptions masked: what FNINIT and RESET leave. */
const FCW_DEFAULT = 0x37f;
const MXCSR_DEFAULT = 0x1f80;
const MXCSR_DE = 1 << 1;
const MXCSR_MASKS = 0x1f80;

export interface FxOptions {
  /**
   * What keeps QEMU's own ways out of sight: the state that MMX instructions leave (it sets TOP and tags before they fault,
   * and no exponents), and DE in MXCSR, which it never sets, set. Exceptions masked, rounding as after FNINIT.
   */
  readonly plain: boolean;
}

function fraction(random: Random): bigint {
  const r = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
  const kind = random.below(6);
  if (kind === 0) return 0n;
  if (kind === 1) return 0xffffffffffffffffn;
  if (kind === 2) return 1n << BigInt(random.below(64));
  if (kind === 3) return BigInt.asUintN(64, r << BigInt(random.below(64)));
  return r;
}

/** A binary floating-point number of so many exponent and fraction bits, weighted to the edges of its format. */
function float(random: Random, exponentBits: number, fractionBits: number): bigint {
  const top = (1 << exponentBits) - 1;
  const bias = top >> 1;
  let f = fraction(random) >> BigInt(64 - fractionBits);
  const kind = random.below(12);
  let e = bias - 3 + random.below(7);
  if (kind === 0) [e, f] = [0, 0n];
  else if (kind === 1) e = 0;
  else if (kind === 2) [e, f] = [top, 0n];
  else if (kind === 3) e = top;
  else if (kind === 4) e = random.below(top);
  else if (kind === 5) e = bias + 20 + random.below(20);
  else if (kind === 6) e = random.pick([1, 2, top - 1, bias / 2]) | 0;
  return (BigInt(random.below(2)) << BigInt(exponentBits + fractionBits)) | (BigInt(e) << BigInt(fractionBits)) | f;
}

/** Sixteen bytes of floats, doubles, or integers at the edges. */
function xmm(random: Random, view: DataView, at: number): void {
  const kind = random.below(4);
  for (let i = 0; i < 16; i += 8) {
    if (kind === 0) view.setBigUint64(at + i, float(random, 11, 52), true);
    else if (kind === 1) view.setBigUint64(at + i, float(random, 8, 23) | (float(random, 8, 23) << 32n), true);
    else for (let b = 0; b < 8; b += 4) view.setUint32(at + i + b, random.value(), true);
  }
}

/** A register of the x87 stack, most of them normal numbers. */
function real(random: Random, view: DataView, at: number): void {
  const kind = random.below(16);
  const negative = random.chance(50) ? 0x8000 : 0;
  let significand = fraction(random) | (1n << 63n);
  let exponent = 0x3ffb + random.below(8);
  if (kind === 0) [exponent, significand] = [0, 0n];
  else if (kind === 1) [exponent, significand] = [0, fraction(random) >> 1n];
  else if (kind === 2) [exponent, significand] = [0x7fff, 1n << 63n];
  else if (kind === 3) exponent = 0x7fff;
  else if (kind === 4) [exponent, significand] = [random.below(0x8000), fraction(random)];
  else if (kind === 5) exponent = random.pick([1, 0x7ffe, 0x3c01, 0x43fe, 0x3f81, 0x407e]);
  else if (kind < 8) exponent = 0x3fff + random.below(66);
  view.setBigUint64(at, significand, true);
  view.setUint16(at + 8, negative | exponent, true);
}

export function makeFxState(random: Random, options: FxOptions): Uint8Array {
  const image = new Uint8Array(R.FX_BYTES);
  const view = new DataView(image.buffer);
  const odd = !options.plain && random.chance(25);
  let fcw = FCW_DEFAULT;
  if (odd) fcw = 0x40 | (random.below(4) << 10) | (random.pick([0, 2, 3, 3, 3]) << 8) | (random.chance(50) ? 0x3f : random.below(64));
  let fsw = options.plain ? 0 : (random.below(8) << 11) | (random.u32() & 0x4700);
  if (!options.plain && random.chance(25)) fsw |= random.below(64) & fcw;
  // An exception that is flagged and not masked is pending: ES and B tell so [SDM1 8.1.3.3].
  if (odd && random.chance(20)) fsw |= random.below(64);
  if ((fsw & ~fcw & 0x3f) !== 0) fsw |= 0x8080;
  view.setUint16(FCW, fcw, true);
  view.setUint16(FSW, fsw, true);
  image[FTW] = options.plain ? 0xff : random.pick([0, 0, 0xff, 0xf0, 0x3c, random.below(256)]);
  let mxcsr = MXCSR_DEFAULT | (options.plain ? MXCSR_DE : 0);
  if (!options.plain && random.chance(30)) mxcsr |= (random.below(4) << 13) | (random.chance(30) ? 0x40 : 0) | (random.chance(30) ? 0x8000 : 0) | random.below(64);
  if (odd && random.chance(50)) mxcsr ^= random.u32() & MXCSR_MASKS;
  view.setUint32(MXCSR, mxcsr, true);
  for (let i = 0; i < 8; i++) {
    real(random, view, ST + REGISTER_BYTES * i);
    if (options.plain) view.setUint16(ST + REGISTER_BYTES * i + 8, 0xffff, true);
    xmm(random, view, XMM + REGISTER_BYTES * i);
  }
  return image;
}

const equal = (a: Uint8Array, b: Uint8Array, at: number, length: number): boolean => {
  for (let i = at; i < at + length; i++) if (a[i] !== b[i]) return false;
  return true;
};
const C1 = 1 << 9;

/** Names of the fields that differ. The pointers to the last instruction are the environment's; processors keep them differently [SDM1 8.1.8]. */
export function fxDifferences(reference: Uint8Array, mine: Uint8Array, xmmRegisters = 8): string[] {
  const fields: string[] = [];
  if (!equal(reference, mine, FCW, 2)) fields.push('FCW');
  if (!equal(reference, mine, FSW, 2)) {
    const difference = ((reference[FSW] as number) ^ (mine[FSW] as number)) | (((reference[FSW + 1] as number) ^ (mine[FSW + 1] as number)) << 8);
    fields.push(difference === C1 ? 'C1' : 'FSW');
  }
  if (!equal(reference, mine, FTW, 1)) fields.push('FTW');
  if (!equal(reference, mine, MXCSR, 4)) fields.push('MXCSR');
  for (let i = 0; i < 8; i++) {
    if (!equal(reference, mine, ST + REGISTER_BYTES * i, 10)) fields.push(`ST${i}`);
  }
  for (let i = 0; i < xmmRegisters; i++) if (!equal(reference, mine, XMM + REGISTER_BYTES * i, REGISTER_BYTES)) fields.push(`XMM${i}`);
  return fields;
}

const hex = (image: Uint8Array, at: number, length: number): string => Buffer.from(image.subarray(at, at + length)).reverse().toString('hex');

/** For reports: control and status, and the registers that `fields` names. */
export function describeFx(image: Uint8Array, fields: readonly string[]): string {
  const head = `FCW ${hex(image, FCW, 2)} FSW ${hex(image, FSW, 2)} FTW ${hex(image, FTW, 1)} MXCSR ${hex(image, MXCSR, 4)}`;
  const registers = fields.flatMap((field) => {
    const i = Number(/\d+$/.exec(field)?.[0]);
    if (/^ST\d$/.test(field)) return `${field} ${hex(image, ST + REGISTER_BYTES * i, 10)}`;
    return /^XMM\d+$/.test(field) ? `${field} ${hex(image, XMM + REGISTER_BYTES * i, REGISTER_BYTES)}` : [];
  });
  return [head, ...registers].join(' ');
}
