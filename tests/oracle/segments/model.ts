/**
 * What segmentation allows, straight from the manual and from nothing of the emulator: loading segment registers
 * [SDM2 MOV, SDM3 5.4 to 5.6], and the limit and type checks of accesses [SDM3 5.3, 5.4.1]. A descriptor is its 64 bits;
 * a segment register its selector and the descriptor it was loaded from.
 */

export const GP = 13, SS_FAULT = 12, NP = 11;

export interface Fault {
  readonly vector: number;
  readonly error: number;
}

export interface SegmentRegister {
  readonly selector: number;
  /** Undefined after a null selector. */
  readonly descriptor: bigint | undefined;
}

const bits = (d: bigint, from: number, count: number): number => Number((d >> BigInt(from)) & ((1n << BigInt(count)) - 1n));

// Fields [SDM3 3.4.5]
export const baseOf = (d: bigint): number => bits(d, 16, 24) + bits(d, 56, 8) * 0x1000000;
const rawLimit = (d: bigint): number => bits(d, 0, 16) + bits(d, 48, 4) * 0x10000;
const isGranular = (d: bigint): boolean => bits(d, 55, 1) === 1;
export const isBig = (d: bigint): boolean => bits(d, 54, 1) === 1;
const isPresent = (d: bigint): boolean => bits(d, 47, 1) === 1;
const dplOf = (d: bigint): number => bits(d, 45, 2);
const isCodeOrData = (d: bigint): boolean => bits(d, 44, 1) === 1;
const typeOf = (d: bigint): number => bits(d, 40, 4);
export const isCode = (d: bigint): boolean => isCodeOrData(d) && typeOf(d) >= 8;
const isData = (d: bigint): boolean => isCodeOrData(d) && typeOf(d) < 8;
const isConforming = (d: bigint): boolean => isCode(d) && (typeOf(d) & 4) !== 0;
export const isReadable = (d: bigint): boolean => isData(d) || (isCode(d) && (typeOf(d) & 2) !== 0);
export const isWritable = (d: bigint): boolean => isData(d) && (typeOf(d) & 2) !== 0;
const isExpandDown = (d: bigint): boolean => isData(d) && (typeOf(d) & 4) !== 0;
/** Offset of the last byte, or for an expand-down segment of the last that does not belong to it [SDM3 5.3]. */
export const limitOf = (d: bigint): number => (isGranular(d) ? rawLimit(d) * 4096 + 4095 : rawLimit(d));

export interface Tables {
  readonly gdt: readonly bigint[];
  readonly gdtLimit: number;
  readonly ldt: readonly bigint[];
  /** Undefined: LDTR holds a null selector. */
  readonly ldtLimit: number | undefined;
}

const isNull = (selector: number): boolean => selector >> 2 === 0;
const errorOf = (selector: number): number => selector & 0xfffc;

/** The descriptor that a selector names; undefined past the limit of its table [SDM3 3.4.2, 3.5.1]. */
export function lookUp(tables: Tables, selector: number): bigint | undefined {
  const index = selector >> 3;
  const local = (selector & 4) !== 0;
  const limit = local ? tables.ldtLimit : tables.gdtLimit;
  if (limit === undefined || index * 8 + 7 > limit) return undefined;
  return (local ? tables.ldt : tables.gdt)[index];
}

/** MOV or POP to a segment register: what it holds then, or the exception. */
export function load(tables: Tables, register: 'SS' | 'data', selector: number, cpl: number): SegmentRegister | Fault {
  const rpl = selector & 3;
  const fault = (vector: number): Fault => ({ vector, error: errorOf(selector) });
  if (isNull(selector)) return register === 'SS' ? { vector: GP, error: 0 } : { selector, descriptor: undefined };
  const d = lookUp(tables, selector);
  if (d === undefined) return fault(GP);
  if (register === 'SS') {
    if (rpl !== cpl || !isWritable(d) || dplOf(d) !== cpl) return fault(GP);
    return isPresent(d) ? { selector, descriptor: d } : fault(SS_FAULT);
  }
  if (!isReadable(d)) return fault(GP);
  if (!isConforming(d) && (rpl > dplOf(d) || cpl > dplOf(d))) return fault(GP);
  return isPresent(d) ? { selector, descriptor: d } : fault(NP);
}

export type Access = 'read' | 'write' | 'modify';

/**
 * An access of `size` bytes at an offset: the exception, `wraps` where the manual leaves it to the processor (an operand
 * that runs past the last offset of a segment that reaches to it), or undefined when it is allowed.
 */
export function check(segment: SegmentRegister, isStack: boolean, offset: number, size: number, access: Access): Fault | 'wraps' | undefined {
  const fault: Fault = { vector: isStack ? SS_FAULT : GP, error: 0 };
  const d = segment.descriptor;
  // A null selector raises #GP; SS cannot hold one outside 64-bit mode.
  if (d === undefined) return { vector: GP, error: 0 };
  if (access !== 'read' && !isWritable(d)) return fault;
  if (access !== 'write' && !isReadable(d)) return fault;
  const last = offset + size - 1;
  const limit = limitOf(d);
  if (isExpandDown(d)) {
    const top = isBig(d) ? 0xffffffff : 0xffff;
    if (offset <= limit) return fault;
    if (last > top) return isBig(d) ? 'wraps' : fault;
    return undefined;
  }
  if (last > 0xffffffff && limit === 0xffffffff) return 'wraps';
  return last > limit ? fault : undefined;
}

/** LSL and LAR give it for these types of system descriptors [SDM2 LAR, LSL]. */
const LAR_SYSTEM = [1, 2, 3, 4, 5, 9, 11, 12];
const LSL_SYSTEM = [1, 2, 3, 9, 11];

/** LAR, LSL, VERR and VERW: the value (bits 16 to 19 of LAR's are undefined, and 0 here; 1 for the last two), or undefined where ZF is cleared. */
export function inspect(tables: Tables, what: 'LAR' | 'LSL' | 'VERR' | 'VERW', selector: number, cpl: number): number | undefined {
  if (isNull(selector)) return undefined;
  const d = lookUp(tables, selector);
  if (d === undefined) return undefined;
  if (!isConforming(d) && (cpl > dplOf(d) || (selector & 3) > dplOf(d))) return undefined;
  if (what === 'VERR') return isCodeOrData(d) && isReadable(d) ? 1 : undefined;
  if (what === 'VERW') return isWritable(d) ? 1 : undefined;
  const allowed = what === 'LAR' ? LAR_SYSTEM : LSL_SYSTEM;
  if (!isCodeOrData(d) && !allowed.includes(typeOf(d))) return undefined;
  return what === 'LSL' ? limitOf(d) : Number((d >> 32n) & 0x00f0ff00n);
}
