/**
 * Segment and gate descriptors: their bits, decoding, and fetching them from the GDT and LDT.
 * [SDM3 3.4.5] segment descriptors, [SDM3 3.5] system descriptors, [SDM3 5.8.3] call gates, [SDM3 6.11] IDT gates.
 * In long mode system descriptors have 16 bytes and addresses of 64 bits [SDM3 3.5.2, 5.8.3.1].
 */
import type { CpuContext } from './context.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { linear64 } from './linear.ts';
import { LDTR, VECTOR_GP } from './registers.ts';
import type { CpuState } from './state.ts';

// Selectors [SDM3 3.4.2]
export const SELECTOR_RPL = 3;
export const SELECTOR_TI = 1 << 2;
/** What an error code keeps of a selector: index and TI [SDM3 6.13]. */
export const SELECTOR_INDEX_TI = 0xfffc;

// Error code bits [SDM3 6.13]
export const ERROR_EXT = 1 << 0;
export const ERROR_IDT = 1 << 1;

// Attributes: descriptor bits 40-47 in bits 0-7 and 52-55 in bits 12-15, as the segment cache holds them.
export const ATTR_TYPE = 0xf;
export const ATTR_S = 1 << 4;
export const ATTR_DPL_SHIFT = 5;
export const ATTR_DPL = 3 << ATTR_DPL_SHIFT;
export const ATTR_P = 1 << 7;
/** 64-bit code, in long mode. */
export const ATTR_L = 1 << 13;
export const ATTR_DB = 1 << 14;
export const ATTR_G = 1 << 15;

// Type bits of code and data segments [SDM3 3.4.5.1]
export const TYPE_ACCESSED = 1 << 0;
export const TYPE_WRITABLE = 1 << 1; // data
export const TYPE_READABLE = 1 << 1; // code
export const TYPE_EXPAND_DOWN = 1 << 2; // data
export const TYPE_CONFORMING = 1 << 2; // code
export const TYPE_CODE = 1 << 3;

// System types [SDM3 3.5, table 3-2]
export const TSS16_AVAILABLE = 0x1;
export const LDT = 0x2;
export const TSS16_BUSY = 0x3;
export const CALL_GATE16 = 0x4;
export const TASK_GATE = 0x5;
export const INTERRUPT_GATE16 = 0x6;
export const TRAP_GATE16 = 0x7;
export const TSS32_AVAILABLE = 0x9;
export const TSS32_BUSY = 0xb;
export const CALL_GATE32 = 0xc;
export const INTERRUPT_GATE32 = 0xe;
export const TRAP_GATE32 = 0xf;
/** Set in the type of a busy TSS. */
export const TYPE_BUSY = 1 << 1;
/** Set in the types of 32-bit gates and TSSs. */
export const TYPE_32 = 1 << 3;

/** Present, DPL 0, writable data, accessed: what real mode uses and power-on leaves in every segment [SDM3 9.1.1]. */
export const ATTRIBUTES_REAL = ATTR_P | ATTR_S | TYPE_WRITABLE | TYPE_ACCESSED;
/** The same with DPL 3: every segment of virtual-8086 mode [SDM3 20.2.1]. */
export const ATTRIBUTES_V86 = ATTRIBUTES_REAL | ATTR_DPL;

/** One descriptor as it was in memory when it was fetched. */
export class Descriptor {
  /** Linear address of its first byte, to set the accessed or busy bit. */
  readonly address: number;
  private readonly low: number;
  private readonly high: number;
  /** Address bits 32 to 63 of a system descriptor of 16 bytes. */
  private readonly upper: number;

  constructor(address: number, low: number, high: number, upper = 0) {
    this.address = address;
    this.low = low;
    this.high = high;
    this.upper = upper;
  }

  /** The same, with the third doubleword of long mode. */
  widened(upper: number): Descriptor { return new Descriptor(this.address, this.low, this.high, upper); }

  get base(): number { return linear64((this.low >>> 16) | ((this.high & 0xff) << 16) | (this.high & 0xff000000), this.upper); }
  /** Limit in bytes, after granularity, unsigned. */
  get limit(): number {
    const raw = (this.low & 0xffff) | (this.high & 0xf0000);
    return (this.high & (1 << 23) ? (raw << 12) | 0xfff : raw) >>> 0;
  }
  get attributes(): number { return (this.high >>> 8) & 0xf0ff; }
  get type(): number { return (this.high >>> 8) & ATTR_TYPE; }
  get dpl(): number { return (this.high >>> 13) & 3; }
  get present(): boolean { return (this.high & (1 << 15)) !== 0; }
  /** Type of a system descriptor (S clear); -1 for code and data. */
  get systemType(): number { return this.high & (1 << 12) ? -1 : this.type; }
  private get isSegment(): boolean { return (this.high & (1 << 12)) !== 0; }
  get isCode(): boolean { return this.isSegment && (this.type & TYPE_CODE) !== 0; }
  get isData(): boolean { return this.isSegment && (this.type & TYPE_CODE) === 0; }
  /** Code that runs in 64-bit mode, if this is long mode; not valid together with D [SDM3 3.4.5.2]. */
  get isCode64(): boolean { return this.isCode && (this.high & (1 << 21)) !== 0; }
  get isCode64Only(): boolean { return this.isCode64 && (this.high & (1 << 22)) === 0; }
  get isConforming(): boolean { return this.isCode && (this.type & TYPE_CONFORMING) !== 0; }
  get isReadable(): boolean { return this.isData || (this.isCode && (this.type & TYPE_READABLE) !== 0); }
  get isWritable(): boolean { return this.isData && (this.type & TYPE_WRITABLE) !== 0; }
  get isTss(): boolean { return (this.systemType & ~(TYPE_BUSY | TYPE_32)) === TSS16_AVAILABLE; }
  get isBusy(): boolean { return (this.type & TYPE_BUSY) !== 0; }
  /** A 32-bit gate or TSS; 16-bit ones are the 80286's. */
  get is32(): boolean { return (this.type & TYPE_32) !== 0; }

  // Gates
  get gateSelector(): number { return this.low >>> 16; }
  get gateOffset(): number { return linear64((this.low & 0xffff) | (this.is32 ? this.high & 0xffff0000 : 0), this.upper); }
  /** Interrupt-stack table index of a 64-bit IDT gate, 0 for none. */
  get gateStack(): number { return this.high & 7; }
  /** Number of parameters that a call gate copies, in words or doublewords by its size. */
  get gateParameters(): number { return this.high & 0x1f; }
}

/** Error code that names a selector. */
export function selectorError(selector: number, ext = 0): number {
  return (selector & SELECTOR_INDEX_TI) | ext;
}

export function isNull(selector: number): boolean {
  return (selector & SELECTOR_INDEX_TI) === 0;
}

/** Reads the descriptor at a linear address with supervisor rights, as every access to a system table has. */
export function descriptorAt(cpu: CpuContext, address: number): Descriptor {
  return new Descriptor(address, cpu.mmu.read32(address, false), cpu.mmu.read32(address + 4, false));
}

/** Where a selector's table lies and its limit; undefined for an LDT that is not there. */
function tableOf(state: CpuState, selector: number): { base: number; limit: number } | undefined {
  if ((selector & SELECTOR_TI) === 0) return { base: state.getLinear(L.GDTR_BASE), limit: state.getU32(L.GDTR_LIMIT) };
  if (!(state.segAttributes(LDTR) & ATTR_P)) return undefined;
  return { base: state.segBase(LDTR), limit: state.segLimit(LDTR) };
}

/** The descriptor that a selector names; undefined past the end of its table. The caller deals with null selectors. */
export function findDescriptor(cpu: CpuContext, selector: number): Descriptor | undefined {
  const table = tableOf(cpu.state, selector);
  if (table === undefined || (selector | 7) > table.limit) return undefined;
  return descriptorAt(cpu, table.base + (selector & 0xfff8));
}

/** Bits of the fourth doubleword that have to be zero: there a segment descriptor would have its type. */
const UPPER_TYPE = 0x1f00;

/** A system descriptor with the second half that it has in long mode; #GP with the selector where that is not valid. */
export function wholeDescriptor(cpu: CpuContext, selector: number, d: Descriptor): Descriptor {
  const { state, mmu } = cpu;
  if (!state.longMode) return d;
  const limit = tableOf(state, selector)?.limit ?? 0;
  if ((selector | 7) + 8 > limit) fault(VECTOR_GP, selectorError(selector));
  if (mmu.read32(d.address + 12, false) & UPPER_TYPE) fault(VECTOR_GP, selectorError(selector));
  return d.widened(mmu.read32(d.address + 8, false));
}

/** Like `findDescriptor`, but a selector past the end of its table raises `vector` with the selector as error code. */
export function requireDescriptor(cpu: CpuContext, selector: number, vector: number, ext = 0): Descriptor {
  return findDescriptor(cpu, selector) ?? fault(vector, selectorError(selector, ext));
}

/** The same for the GDT only: TSS and LDT selectors may not have TI set. */
export function requireGlobalDescriptor(cpu: CpuContext, selector: number, vector: number, ext = 0): Descriptor {
  if (selector & SELECTOR_TI) fault(vector, selectorError(selector, ext));
  return requireDescriptor(cpu, selector, vector, ext);
}

/** Sets the accessed bit in memory where it is clear [SDM3 3.4.5.1]; to call before any architectural state changes. */
export function markAccessed(cpu: CpuContext, descriptor: Descriptor): void {
  if (descriptor.type & TYPE_ACCESSED) return;
  cpu.mmu.write8(descriptor.address + 5, (descriptor.attributes & 0xff) | TYPE_ACCESSED, false);
}

/** Marks a TSS busy or available in the GDT [SDM3 7.2.2]. */
export function setTssBusy(cpu: CpuContext, address: number, busy: boolean): void {
  const at = address + 5;
  const byte = cpu.mmu.read8(at, false);
  cpu.mmu.write8(at, busy ? byte | TYPE_BUSY : byte & ~TYPE_BUSY, false);
}
