/**
 * Hardware task switching between 32-bit and 16-bit task-state segments [SDM3 7.2, 7.3].
 *
 * Up to the point of commitment a fault belongs to the old task; after it, with all registers of the new task loaded,
 * faults in its segment selectors belong to the new task, whose registers are then unusable but hold their selectors.
 * A 16-bit TSS leaves ones in the upper halves of the general registers, which the SDM does not define.
 */
import type { CpuContext } from './context.ts';
import { writeCr3 } from './control-registers.ts';
import { applyDebugRegisters, DR6_BT } from './debug-registers.ts';
import {
  type Descriptor, isNull, LDT, markAccessed, requireDescriptor, requireGlobalDescriptor, SELECTOR_RPL, selectorError,
  setTssBusy, TYPE_32, TYPE_BUSY,
} from './descriptors.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import {
  CR0_PG, CR0_TS, CS, DS, EFLAGS_NT, EFLAGS_VM, ES, FS, GS, LDTR, SS, TR, VECTOR_GP, VECTOR_NP, VECTOR_TS,
} from './registers.ts';
import {
  checkDataSegment, checkStackSegment, setCodeSegment, setFromDescriptor, setSegment, setUnusable, setV86Segment,
} from './segments.ts';

/** DR7.L0-L3 and LE: a task switch clears the local breakpoints [SDM3 17.2.4]. */
const DR7_LOCAL = 0x155;
/** EFLAGS bits that exist; the rest of a TSS's image is ignored. */
const EFLAGS_DEFINED = 0x3f7fd5;
const CR0 = 0, DR7 = 7;

/** Where a TSS format keeps what a switch saves and loads [SDM3 7.2.1, 7.6]. */
interface TssFormat {
  readonly bytes: 2 | 4;
  readonly ip: number;
  readonly flags: number;
  readonly registers: number;
  readonly segments: number;
  readonly segmentCount: number;
  readonly ldt: number;
  /** Smallest limit of a TSS to switch to, and the last byte that saving writes. */
  readonly minimumLimit: number;
  readonly lastSaved: number;
}

const TSS32: TssFormat = {
  bytes: 4, ip: 0x20, flags: 0x24, registers: 0x28, segments: 0x48, segmentCount: 6, ldt: 0x60,
  minimumLimit: 0x67, lastSaved: 0x5f,
};
const TSS16: TssFormat = {
  bytes: 2, ip: 0x0e, flags: 0x10, registers: 0x12, segments: 0x22, segmentCount: 4, ldt: 0x2a,
  minimumLimit: 0x2b, lastSaved: 0x29,
};
const TSS32_CR3 = 0x1c;
const TSS32_TRAP = 0x64;

export interface TaskSwitch {
  readonly cause: 'jump' | 'call' | 'return' | 'event';
  /** EIP and EFLAGS to save in the old task. */
  readonly returnEip: number;
  readonly eflags: number;
  /** EXT bit of the error codes. */
  readonly ext: number;
}

interface TaskImage {
  readonly cr3: number;
  readonly eip: number;
  readonly eflags: number;
  readonly registers: readonly number[];
  /** In encoding order; a 16-bit TSS has no FS and GS. */
  readonly segments: readonly number[];
  readonly ldt: number;
  readonly trap: boolean;
}

function readImage(cpu: CpuContext, base: number, format: TssFormat): TaskImage {
  const field = (offset: number): number =>
    format.bytes === 4 ? cpu.mmu.read32((base + offset) >>> 0, false) : cpu.mmu.read16((base + offset) >>> 0, false);
  const upper = format.bytes === 4 ? 0 : 0xffff0000;
  const fields = (offset: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => field(offset + i * format.bytes));
  const segments = fields(format.segments, format.segmentCount).map((s) => s & 0xffff);
  return {
    cr3: format.bytes === 4 ? field(TSS32_CR3) : 0,
    eip: field(format.ip),
    eflags: field(format.flags) & EFLAGS_DEFINED,
    registers: fields(format.registers, 8).map((r) => (r | upper) >>> 0),
    segments: [...segments, 0, 0].slice(0, 6),
    ldt: field(format.ldt) & 0xffff,
    trap: format.bytes === 4 && (field(TSS32_TRAP) & 1) !== 0,
  };
}

function saveImage(cpu: CpuContext, base: number, format: TssFormat, eip: number, eflags: number): void {
  const state = cpu.state;
  const put = (offset: number, value: number): void => {
    if (format.bytes === 4) cpu.mmu.write32((base + offset) >>> 0, value, false);
    else cpu.mmu.write16((base + offset) >>> 0, value & 0xffff, false);
  };
  put(format.ip, eip);
  put(format.flags, eflags);
  for (let n = 0; n < 8; n++) put(format.registers + n * format.bytes, state.reg(n));
  for (let n = 0; n < format.segmentCount; n++) put(format.segments + n * format.bytes, state.selector(n));
}

/**
 * Switches to the task of `tss`, a TSS that the caller has found present and available (busy for a return).
 * Returns whether the new TSS's T bit asks for a debug trap; the caller ends with `enterTask`, after any error code.
 */
export function switchTask(cpu: CpuContext, selector: number, tss: Descriptor, options: TaskSwitch): boolean {
  const { state, mmu } = cpu;
  const { cause, ext } = options;
  const nests = cause === 'call' || cause === 'event';
  const oldSelector = state.selector(TR);
  const oldBase = state.segBase(TR);
  const oldFormat = state.segAttributes(TR) & TYPE_32 ? TSS32 : TSS16;
  const oldDescriptor = (state.getU32(L.GDTR_BASE) + (oldSelector & 0xfff8)) >>> 0;
  const format = tss.is32 ? TSS32 : TSS16;
  if (tss.limit < format.minimumLimit) fault(VECTOR_TS, selectorError(selector, ext));
  if (state.segLimit(TR) < oldFormat.lastSaved) fault(VECTOR_TS, selectorError(oldSelector, ext));
  const image = readImage(cpu, tss.base, format);
  mmu.probeWrite((oldBase + oldFormat.ip) >>> 0, oldFormat.lastSaved + 1 - oldFormat.ip, false);
  mmu.probeWrite((tss.address + 5) >>> 0, 1, false);
  if (nests) mmu.probeWrite(tss.base, 2, false);
  else mmu.probeWrite((oldDescriptor + 5) >>> 0, 1, false);

  if (!nests) setTssBusy(cpu, oldDescriptor, false);
  saveImage(cpu, oldBase, oldFormat, options.returnEip, options.eflags);
  if (nests) mmu.write16(tss.base, oldSelector, false);
  if (cause !== 'return') setTssBusy(cpu, tss.address, true);

  setSegment(state, TR, selector, tss.base, tss.limit, tss.attributes | TYPE_BUSY);
  loadImage(cpu, image, nests);
  try {
    if (tss.is32 && state.cr(CR0) & CR0_PG) writeCr3(cpu, image.cr3);
    dropLocalBreakpoints(cpu);
    loadSegments(cpu, image, ext);
  } finally {
    cpu.updateMode();
  }
  return image.trap;
}

/** Everything that cannot fault; segment registers get their selectors and stay unusable until they are checked. */
function loadImage(cpu: CpuContext, image: TaskImage, nests: boolean): void {
  const state = cpu.state;
  state.setCr(CR0, state.cr(CR0) | CR0_TS);
  state.eip = image.eip;
  state.eflags = image.eflags | (nests ? EFLAGS_NT : 0);
  image.registers.forEach((value, n) => state.setReg(n, value));
  const cpl = image.segments[CS] & SELECTOR_RPL;
  image.segments.forEach((selector, n) => setUnusable(state, n, selector, cpl));
  setUnusable(state, LDTR, image.ldt);
}

function dropLocalBreakpoints(cpu: CpuContext): void {
  const dr7 = cpu.state.dr(DR7);
  if ((dr7 & DR7_LOCAL) === 0) return;
  cpu.state.setDr(DR7, dr7 & ~DR7_LOCAL);
  applyDebugRegisters(cpu);
}

/** The checks of [SDM3 7.3, table 7-1] on the new task's selectors, in the new task's context. */
function loadSegments(cpu: CpuContext, image: TaskImage, ext: number): void {
  const state = cpu.state;
  loadLdt(cpu, image.ldt, ext);
  if (image.eflags & EFLAGS_VM) {
    image.segments.forEach((selector, n) => setV86Segment(state, n, selector));
    return;
  }
  const cs = image.segments[CS];
  const cpl = cs & SELECTOR_RPL;
  if (isNull(cs)) fault(VECTOR_TS, selectorError(cs, ext));
  const code = requireDescriptor(cpu, cs, VECTOR_TS, ext);
  if (!code.isCode || (code.isConforming ? code.dpl > cpl : code.dpl !== cpl)) fault(VECTOR_TS, selectorError(cs, ext));
  if (!code.present) fault(VECTOR_NP, selectorError(cs, ext));
  markAccessed(cpu, code);
  setCodeSegment(state, cs, code, cpl);
  const ss = image.segments[SS];
  const stack = checkStackSegment(cpu, ss, cpl, VECTOR_TS, ext);
  markAccessed(cpu, stack);
  setFromDescriptor(state, SS, ss, stack);
  for (const n of [DS, ES, FS, GS]) {
    const selector = image.segments[n];
    if (isNull(selector)) continue;
    const d = checkDataSegment(cpu, selector, cpl, VECTOR_TS, ext);
    markAccessed(cpu, d);
    setFromDescriptor(state, n, selector, d);
  }
}

function loadLdt(cpu: CpuContext, selector: number, ext: number): void {
  if (isNull(selector)) return;
  const d = requireGlobalDescriptor(cpu, selector, VECTOR_TS, ext);
  if (d.systemType !== LDT || !d.present) fault(VECTOR_TS, selectorError(selector, ext));
  setFromDescriptor(cpu.state, LDTR, selector, d);
}

/** The last checks before the new task's first instruction, which the trap of the T bit precedes. */
export function enterTask(cpu: CpuContext, trap: boolean, ext: number): void {
  const state = cpu.state;
  if (state.eip > state.segLimit(CS)) fault(VECTOR_GP, ext);
  if (trap) cpu.debugTrap(DR6_BT);
}
