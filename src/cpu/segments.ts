/**
 * The segment registers: their cached form, and loading them in real, virtual-8086 and protected mode.
 * [SDM3 3.4.3] hidden parts, [SDM3 5] protection checks, [SDM3 20.1.1, 20.2.1] real and virtual-8086 addressing.
 *
 * The cached form keeps the ends of the readable and writable ranges, so that an access needs two comparisons and no
 * look at the type. A load in real mode leaves the limit and D/B alone, which is what makes "unreal mode" work; the
 * type becomes writable data, so that code which came from protected mode with a code segment in DS can write. A
 * register that held a null or an expand-down segment gets the 64 KiB of power-on.
 */
import type { CpuContext } from './context.ts';
import {
  ATTR_DB, ATTR_DPL, ATTR_DPL_SHIFT, ATTR_G, ATTR_P, ATTR_S, ATTRIBUTES_REAL, ATTRIBUTES_V86, type Descriptor,
  findDescriptor, isNull, LDT, markAccessed, requireDescriptor, SELECTOR_RPL, selectorError, TSS32_BUSY, TYPE_ACCESSED,
  TYPE_CODE, TYPE_CONFORMING, TYPE_EXPAND_DOWN, TYPE_READABLE, TYPE_WRITABLE,
} from './descriptors.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { CS, DS, ES, FS, GS, LDTR, SS, TR, VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_UD } from './registers.ts';
import type { CpuState } from './state.ts';

const LIMIT_64K = 0xffff;
const LIMIT_4G = 0xffffffff;

export interface AccessRange {
  /** First valid offset. */
  readonly start: number;
  /** One past the last offset that may be read, 0 where none may; likewise for writing. */
  readonly readEnd: number;
  readonly writeEnd: number;
}

const NO_ACCESS: AccessRange = { start: 0, readEnd: 0, writeEnd: 0 };

/** Which offsets a segment lets be read and written [SDM3 5.3, 5.4]. */
export function accessRange(limit: number, attributes: number): AccessRange {
  if ((attributes & (ATTR_P | ATTR_S)) !== (ATTR_P | ATTR_S)) return NO_ACCESS;
  if (attributes & TYPE_CODE) return { start: 0, readEnd: attributes & TYPE_READABLE ? limit + 1 : 0, writeEnd: 0 };
  const expandDown = (attributes & TYPE_EXPAND_DOWN) !== 0;
  const start = expandDown ? limit + 1 : 0;
  const end = expandDown ? (attributes & ATTR_DB ? LIMIT_4G : LIMIT_64K) + 1 : limit + 1;
  if (start >= end) return NO_ACCESS;
  return { start, readEnd: end, writeEnd: attributes & TYPE_WRITABLE ? end : 0 };
}

/** Sets every field of a segment register, system segments included (whose ranges stay empty). */
export function setSegment(
  state: CpuState, n: number, selector: number, base: number, limit: number, attributes: number,
): void {
  const at = state.segment(n);
  const range = accessRange(limit, attributes);
  state.setLinear(at + L.SEG_BASE, base);
  setEnd(state, at + L.SEG_READ_END, range.readEnd);
  setEnd(state, at + L.SEG_WRITE_END, range.writeEnd);
  state.setU32(at + L.SEG_START, range.start);
  state.setU32(at + L.SEG_LIMIT, limit);
  state.setU32(at + L.SEG_SELECTOR, selector & 0xffff);
  state.setU32(at + L.SEG_ATTRIBUTES, attributes);
}

/** An end is up to 2^32, in a slot of 64 bits. */
function setEnd(state: CpuState, offset: number, end: number): void {
  state.setU32(offset, end);
  state.setU32(offset + 4, end > LIMIT_4G ? 1 : 0);
}

/** A null selector, or one that failed its checks during a task switch: every access faults. */
export function setUnusable(state: CpuState, n: number, selector: number, dpl = 0): void {
  setSegment(state, n, selector, 0, 0, dpl << ATTR_DPL_SHIFT);
}

/** Loads a data or system segment from its descriptor. */
export function setFromDescriptor(state: CpuState, n: number, selector: number, d: Descriptor): void {
  const accessed = d.systemType < 0 ? TYPE_ACCESSED : 0;
  setSegment(state, n, selector, d.base, d.limit, d.attributes | accessed);
}

/** Loads CS: its RPL and the cached DPL become the new CPL, also when the segment is conforming [SDM3 5.5]. */
export function setCodeSegment(state: CpuState, selector: number, d: Descriptor, cpl: number): void {
  const attributes = (d.attributes & ~ATTR_DPL) | (cpl << ATTR_DPL_SHIFT) | TYPE_ACCESSED;
  setSegment(state, CS, (selector & ~SELECTOR_RPL) | cpl, d.base, d.limit, attributes);
}

/** A load in real mode: base and selector change, limit and size stay. */
export function setRealSegment(state: CpuState, n: number, selector: number): void {
  const old = state.segAttributes(n);
  const usable = (old & ATTR_P) !== 0 && (old & (TYPE_CODE | TYPE_EXPAND_DOWN)) !== TYPE_EXPAND_DOWN;
  const base = (selector & 0xffff) << 4;
  if (usable) setSegment(state, n, selector, base, state.segLimit(n), ATTRIBUTES_REAL | (old & (ATTR_DB | ATTR_G)));
  else setSegment(state, n, selector, base, LIMIT_64K, ATTRIBUTES_REAL);
}

/** A load in virtual-8086 mode sets the whole register: 64 KiB, writable, DPL 3. */
export function setV86Segment(state: CpuState, n: number, selector: number): void {
  setSegment(state, n, selector, (selector & 0xffff) << 4, LIMIT_64K, ATTRIBUTES_V86);
}

/** A load by the rules of the mode where no descriptor is looked at: real or virtual-8086. */
export function setSegmentByParagraph(state: CpuState, n: number, selector: number): void {
  if (state.protectedMode) setV86Segment(state, n, selector);
  else setRealSegment(state, n, selector);
}

/**
 * The flat 4 GiB segments that SYSENTER, SYSCALL and their returns load without looking at a descriptor [SDM2 SYSENTER];
 * `size` is ATTR_L for 64-bit code.
 */
export function setFlatSegment(state: CpuState, n: number, selector: number, dpl: number, size = ATTR_DB): void {
  const type = n === CS ? TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED : TYPE_WRITABLE | TYPE_ACCESSED;
  setSegment(state, n, selector, 0, LIMIT_4G, ATTR_G | size | ATTR_P | ATTR_S | (dpl << ATTR_DPL_SHIFT) | type);
}

/** SS without a descriptor, as 64-bit code below level 3 may have it: its DPL is the level [SDM3 5.8.5.1]. */
export function setNullStack(state: CpuState, selector: number, cpl: number): void {
  setUnusable(state, SS, selector, cpl);
}

/** Whether selectors name descriptors now: protected mode outside virtual-8086 mode. */
export function usesDescriptors(state: CpuState): boolean {
  return state.protectedMode && !state.v86;
}

/**
 * Checks a selector for SS at privilege level `cpl` and gives its descriptor [SDM2 MOV, RET, IRET].
 * A bad selector raises `vector` (#GP, or #TS for a stack out of a TSS), a segment that is not present #SS.
 */
export function checkStackSegment(cpu: CpuContext, selector: number, cpl: number, vector: number, ext = 0): Descriptor {
  if (isNull(selector)) fault(vector, selectorError(selector, ext));
  const d = requireDescriptor(cpu, selector, vector, ext);
  if ((selector & SELECTOR_RPL) !== cpl || !d.isWritable || d.dpl !== cpl) fault(vector, selectorError(selector, ext));
  if (!d.present) fault(VECTOR_SS, selectorError(selector, ext));
  return d;
}

/** A null selector in SS: only for 64-bit code below level 3, with the level in its RPL [SDM2 MOV]. */
export function isNullStackAllowed(selector: number, cpl: number, code64: boolean): boolean {
  return isNull(selector) && code64 && cpl !== 3 && (selector & SELECTOR_RPL) === cpl;
}

/** Checks a non-null selector for DS, ES, FS or GS [SDM3 5.6]. */
export function checkDataSegment(cpu: CpuContext, selector: number, cpl: number, vector: number, ext = 0): Descriptor {
  const d = requireDescriptor(cpu, selector, vector, ext);
  if (!d.isReadable) fault(vector, selectorError(selector, ext));
  if (!d.isConforming && Math.max(selector & SELECTOR_RPL, cpl) > d.dpl) fault(vector, selectorError(selector, ext));
  if (!d.present) fault(VECTOR_NP, selectorError(selector, ext));
  return d;
}

/** MOV, POP and LDS to a segment register other than CS, in the current mode; faults before anything changes. */
export function loadSegment(cpu: CpuContext, n: number, selector: number): void {
  const state = cpu.state;
  if (n === CS || n > GS) fault(VECTOR_UD);
  if (!usesDescriptors(state)) {
    setSegmentByParagraph(state, n, selector);
  } else if (n === SS && isNullStackAllowed(selector, state.cpl, state.code64)) {
    setNullStack(state, selector, state.cpl);
  } else if (n === SS) {
    const d = checkStackSegment(cpu, selector, state.cpl, VECTOR_GP);
    markAccessed(cpu, d);
    setFromDescriptor(state, n, selector, d);
  } else if (isNull(selector)) {
    setUnusable(state, n, selector);
  } else {
    const d = checkDataSegment(cpu, selector, state.cpl, VECTOR_GP);
    markAccessed(cpu, d);
    setFromDescriptor(state, n, selector, d);
  }
}

/**
 * On a return to an outer level, segments that the new CPL may not use become null [SDM2 RET, IRET]. Null selectors lose
 * their RPL, as processors do; a base that MSRs gave to FS or GS stays.
 */
export function dropInnerSegments(state: CpuState): void {
  const cpl = state.cpl;
  for (const n of [ES, FS, GS, DS]) {
    const attributes = state.segAttributes(n);
    const conforming = (attributes & (TYPE_CODE | TYPE_CONFORMING)) === (TYPE_CODE | TYPE_CONFORMING);
    if (isNull(state.selector(n))) state.setU32(state.segment(n) + L.SEG_SELECTOR, 0);
    else if (attributes & ATTR_P && !conforming && ((attributes >>> ATTR_DPL_SHIFT) & 3) < cpl) setUnusable(state, n, 0);
  }
}

/** The selector's descriptor as LAR, LSL, VERR and VERW see it; undefined where the instruction clears ZF. */
export function visibleDescriptor(cpu: CpuContext, selector: number): Descriptor | undefined {
  if (isNull(selector)) return undefined;
  const d = findDescriptor(cpu, selector);
  if (!d) return undefined;
  if (!d.isConforming && Math.max(selector & SELECTOR_RPL, cpu.state.cpl) > d.dpl) return undefined;
  return d;
}

/** Segment registers after power-on or RESET [SDM3 9.1.1, table 9-1]. */
export function resetSegments(state: CpuState): void {
  for (const n of [ES, SS, DS, FS, GS]) setSegment(state, n, 0, 0, LIMIT_64K, ATTRIBUTES_REAL);
  setSegment(state, CS, 0xf000, 0xffff0000, LIMIT_64K, ATTRIBUTES_REAL);
  setSegment(state, LDTR, 0, 0, LIMIT_64K, ATTR_P | LDT);
  setSegment(state, TR, 0, 0, LIMIT_64K, ATTR_P | TSS32_BUSY);
}
