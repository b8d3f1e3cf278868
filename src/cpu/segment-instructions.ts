/**
 * Instructions on segment registers and system tables' selectors: MOV, POP and LDS to a segment register, LLDT, LTR,
 * SLDT, STR, LAR, LSL, VERR, VERW, ARPL, and ENTER with nesting. [SDM2], [SDM3 5.10] pointer validation.
 */
import { type CpuContext, HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import {
  CALL_GATE16, CALL_GATE32, type Descriptor, isNull, LDT, requireGlobalDescriptor, SELECTOR_RPL, selectorError, setTssBusy, TASK_GATE,
  TYPE_BUSY, wholeDescriptor,
} from './descriptors.ts';
import { requireVisibleTables } from './control-registers.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { isCanonical } from './linear.ts';
import { LDTR, RBP, SS, TR, VECTOR_GP, VECTOR_NP, VECTOR_UD } from './registers.ts';
import {
  loadSegment, setFromDescriptor, setSegment, setUnusable, usesDescriptors, visibleDescriptor,
} from './segments.ts';
import { type OperandSize, Stack } from './stack.ts';

/** LAR and LSL clear ZF and leave the destination: no access rights and no limit look like this. */
export const NOT_VISIBLE = -2;

/** Bits of the second doubleword that LAR shows: type, S, DPL, P; AVL, L, D/B, G. */
const LAR_MASK = 0x00f0ff00;

/** After a load: falls through where the block's mode key still holds. */
function afterLoad(cpu: CpuContext, n: number): number {
  const state = cpu.state;
  const mode = state.getU32(L.MODE);
  cpu.updateMode();
  if (n === SS) {
    cpu.inhibitInterrupts();
    cpu.inhibitDebug();
  } else if (state.getU32(L.MODE) === mode) return HELPER_NEXT;
  state.rip = cpu.nextEip;
  return HELPER_RESYNC;
}

/** MOV Sreg. */
export function loadSegmentRegister(cpu: CpuContext, n: number, selector: number): number {
  loadSegment(cpu, n, selector);
  return afterLoad(cpu, n);
}

/**
 * LDS, LES, LFS, LGS and LSS: segment register and general register together, because a load that leaves the block
 * lets nothing after it run. `slot` is the general register's offset in the state.
 */
export function loadFarPointer(
  cpu: CpuContext, n: number, selector: number, slot: number, offset: number, size: OperandSize,
): number {
  loadSegment(cpu, n, selector);
  if (size === 32) cpu.state.setLinear(slot, offset >>> 0);
  else cpu.state.setU16(slot, offset);
  return afterLoad(cpu, n);
}

/** Likewise of 64 bits, which may be any, in two halves. */
export function loadFarPointer64(cpu: CpuContext, n: number, selector: number, slot: number, low: number, high: number): number {
  loadSegment(cpu, n, selector);
  cpu.state.setU32(slot, low);
  cpu.state.setU32(slot + 4, high);
  return afterLoad(cpu, n);
}

/** POP Sreg: the pointer moves by the operand size, on the stack that SS had before. */
export function popSegmentRegister(cpu: CpuContext, n: number, size: OperandSize): number {
  const stack = Stack.current(cpu);
  const selector = stack.popLow(size) & 0xffff;
  loadSegment(cpu, n, selector);
  stack.commit();
  return afterLoad(cpu, n);
}

function requireProtectedMode(cpu: CpuContext): void {
  if (!usesDescriptors(cpu.state)) fault(VECTOR_UD);
}

function requirePrivilege(cpu: CpuContext): void {
  requireProtectedMode(cpu);
  if (cpu.state.cpl !== 0) fault(VECTOR_GP, 0);
}

export function loadLocalDescriptorTable(cpu: CpuContext, selector: number): number {
  requirePrivilege(cpu);
  if (isNull(selector)) {
    setUnusable(cpu.state, LDTR, selector);
    return HELPER_NEXT;
  }
  const d = requireGlobalDescriptor(cpu, selector, VECTOR_GP);
  if (d.systemType !== LDT) fault(VECTOR_GP, selectorError(selector));
  if (!d.present) fault(VECTOR_NP, selectorError(selector));
  setFromDescriptor(cpu.state, LDTR, selector, addressable(cpu, selector, d));
  return HELPER_NEXT;
}

export function loadTaskRegister(cpu: CpuContext, selector: number): number {
  requirePrivilege(cpu);
  if (isNull(selector)) fault(VECTOR_GP, 0);
  const d = requireGlobalDescriptor(cpu, selector, VECTOR_GP);
  if (!d.isTss || d.isBusy || (cpu.state.longMode && !d.is32)) fault(VECTOR_GP, selectorError(selector));
  if (!d.present) fault(VECTOR_NP, selectorError(selector));
  const { base } = addressable(cpu, selector, d);
  setTssBusy(cpu, d.address, true);
  setSegment(cpu.state, TR, selector, base, d.limit, d.attributes | TYPE_BUSY);
  return HELPER_NEXT;
}

/** The whole descriptor of a table or TSS, whose base has to be canonical. */
function addressable(cpu: CpuContext, selector: number, d: Descriptor): Descriptor {
  const whole = wholeDescriptor(cpu, selector, d);
  if (!isCanonical(whole.base)) fault(VECTOR_GP, selectorError(selector));
  return whole;
}

export function storeSystemSelector(cpu: CpuContext, n: typeof LDTR | typeof TR): number {
  requireProtectedMode(cpu);
  requireVisibleTables(cpu);
  return cpu.state.selector(n);
}

export function loadAccessRights(cpu: CpuContext, selector: number): number {
  requireProtectedMode(cpu);
  const d = visibleDescriptor(cpu, selector);
  return d && (d.systemType < 0 || isTable(cpu, d) || isGate(cpu, d.systemType)) ? (d.attributes << 8) & LAR_MASK : NOT_VISIBLE;
}

export function loadSegmentLimit(cpu: CpuContext, selector: number): number {
  requireProtectedMode(cpu);
  const d = visibleDescriptor(cpu, selector);
  return d && (d.systemType < 0 || isTable(cpu, d)) ? d.limit | 0 : NOT_VISIBLE;
}

/** An LDT or TSS; long mode knows none of the 80286's. */
function isTable(cpu: CpuContext, d: Descriptor): boolean {
  return d.systemType === LDT || (d.isTss && (d.is32 || !cpu.state.longMode));
}

/** A gate that LAR shows: call gates and task gates, of which long mode has 64-bit call gates only. */
function isGate(cpu: CpuContext, type: number): boolean {
  return type === CALL_GATE32 || (!cpu.state.longMode && (type === CALL_GATE16 || type === TASK_GATE));
}

export function verifyRead(cpu: CpuContext, selector: number): number {
  requireProtectedMode(cpu);
  return visibleDescriptor(cpu, selector)?.isReadable ? 1 : 0;
}

export function verifyWrite(cpu: CpuContext, selector: number): number {
  requireProtectedMode(cpu);
  return visibleDescriptor(cpu, selector)?.isWritable ? 1 : 0;
}

/** ARPL: bits 0-15 the destination's new value, bit 16 the new ZF. */
export function adjustRpl(cpu: CpuContext, destination: number, source: number): number {
  requireProtectedMode(cpu);
  const rpl = source & SELECTOR_RPL;
  if ((destination & SELECTOR_RPL) >= rpl) return destination & 0xffff;
  return (destination & 0xfffc) | rpl | (1 << 16);
}

/** ENTER: pushes BP and the display, makes room for the locals. */
export function enter(cpu: CpuContext, allocate: number, level: number, size: OperandSize): number {
  const state = cpu.state;
  const bytes = size >>> 3;
  const depth = level & 31;
  const stack = Stack.current(cpu);
  const display = Stack.current(cpu);
  if (size === 64) stack.pushRegister(RBP);
  else stack.push(state.reg(RBP), size);
  const frame = stack.rsp;
  if (depth > 0) {
    display.moveTo(state.code64 ? state.reg64(RBP) : state.reg(RBP));
    for (let i = 1; i < depth; i++) {
      display.move(-bytes);
      stack.pushHalves(display.peek(0, size), display.high, size);
    }
    stack.push(frame, size);
  }
  stack.move(-allocate);
  stack.requireWritableTop(size);
  if (size === 16) state.setReg16(RBP, frame);
  else state.setReg64(RBP, frame);
  stack.commit();
  return HELPER_NEXT;
}
