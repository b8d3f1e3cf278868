/**
 * Transfers to another code segment: far JMP, CALL, RET and IRET in every mode, through call gates and to tasks. Long mode
 * has 64-bit call gates and no tasks; a code segment may be 64-bit, and then its limit does not count [SDM3 5.8.3.1].
 * The order of the checks is that of the operation sections in [SDM2 JMP, CALL, RET, IRET].
 * A return to an outer 16-bit stack loads SP only; the upper half of ESP stays, as on processors.
 */
import { type CpuContext, HELPER_RESYNC } from './context.ts';
import {
  CALL_GATE16, CALL_GATE32, type Descriptor, isNull, markAccessed, requireDescriptor, requireGlobalDescriptor,
  SELECTOR_RPL, SELECTOR_TI, selectorError, TASK_GATE, TSS16_AVAILABLE, TSS32_AVAILABLE, wholeDescriptor,
} from './descriptors.ts';
import { fault } from './fault.ts';
import { isCanonical } from './linear.ts';
import {
  CR4_VME, CS, DS, EFLAGS_AC, EFLAGS_ARITHMETIC, EFLAGS_DF, EFLAGS_ID, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_IOPL_SHIFT,
  EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, EFLAGS_VIF, EFLAGS_VIP, EFLAGS_VM, ES, FS, GS, RSP, SS, TR, VECTOR_GP, VECTOR_NP,
  VECTOR_TS,
} from './registers.ts';
import {
  checkStackSegment, dropInnerSegments, isNullStackAllowed, setCodeSegment, setFromDescriptor, setNullStack, setSegmentByParagraph,
  setV86Segment, usesDescriptors,
} from './segments.ts';
import { innerStack, type OperandSize, setStackPointer, Stack, tssStackPointer } from './stack.ts';
import { enterTask, switchTask } from './tasks.ts';

/** What every return loads; IF, IOPL, VIF and VIP depend on the privilege level. */
const FLAGS_RETURN16 = EFLAGS_ARITHMETIC | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT;
const FLAGS_RETURN32 = FLAGS_RETURN16 | EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;

const truncate = (offset: number, size: OperandSize): number =>
  size === 16 ? offset & 0xffff : size === 32 ? offset >>> 0 : offset;

function requireOffset(offset: number, limit: number): void {
  if (offset > limit) fault(VECTOR_GP, 0);
}

/** An offset in the segment that control goes to: within its limit, or canonical in 64-bit code. */
function requireTarget(cpu: CpuContext, d: Descriptor, offset: number): void {
  if (!cpu.state.longMode || !d.isCode64) requireOffset(offset >= 0 ? offset : Infinity, d.limit);
  else if (!isCanonical(offset)) fault(VECTOR_GP, 0);
}

/** The end of every transfer: control goes on at `ip`, perhaps in another mode. */
function continueAt(cpu: CpuContext, ip: number): number {
  cpu.state.rip = ip;
  cpu.updateMode();
  return HELPER_RESYNC;
}

function enterCode(cpu: CpuContext, selector: number, d: Descriptor, cpl: number, eip: number): number {
  setCodeSegment(cpu.state, selector, d, cpl);
  return continueAt(cpu, eip);
}

/** JMP ptr16:16, ptr16:32, m16:16, m16:32. */
export function farJump(cpu: CpuContext, selector: number, offset: number, size: OperandSize): number {
  const state = cpu.state;
  const eip = truncate(offset, size);
  if (!usesDescriptors(state)) {
    requireOffset(eip, state.segLimit(CS));
    setSegmentByParagraph(state, CS, selector);
    return continueAt(cpu, eip);
  }
  const d = fetchTarget(cpu, selector);
  if (!d.isCode) return transferThroughSystem(cpu, selector, d, 'jump');
  checkDirectTarget(cpu, selector, d);
  requireTarget(cpu, d, eip);
  markAccessed(cpu, d);
  return enterCode(cpu, selector, d, state.cpl, eip);
}

/** CALL ptr16:16, ptr16:32, m16:16, m16:32. */
export function farCall(cpu: CpuContext, selector: number, offset: number, size: OperandSize): number {
  const state = cpu.state;
  const eip = truncate(offset, size);
  const stack = Stack.current(cpu);
  if (!usesDescriptors(state)) {
    stack.requireRoom(2, size);
    requireOffset(eip, state.segLimit(CS));
    pushReturn(cpu, stack, size);
    setSegmentByParagraph(state, CS, selector);
    stack.commit();
    return continueAt(cpu, eip);
  }
  const d = fetchTarget(cpu, selector);
  if (!d.isCode) return transferThroughSystem(cpu, selector, d, 'call');
  checkDirectTarget(cpu, selector, d);
  return callSameLevel(cpu, stack, selector, d, eip, size);
}

function callSameLevel(cpu: CpuContext, stack: Stack, selector: number, d: Descriptor, eip: number, size: OperandSize): number {
  stack.requireRoom(2, size);
  requireTarget(cpu, d, eip);
  markAccessed(cpu, d);
  pushReturn(cpu, stack, size);
  stack.commit();
  return enterCode(cpu, selector, d, cpu.state.cpl, eip);
}

function pushReturn(cpu: CpuContext, stack: Stack, size: OperandSize): void {
  stack.push(cpu.state.selector(CS), size);
  stack.push(cpu.nextEip, size);
}

function fetchTarget(cpu: CpuContext, selector: number): Descriptor {
  if (isNull(selector)) fault(VECTOR_GP, 0);
  return requireDescriptor(cpu, selector, VECTOR_GP);
}

/** A code segment that JMP or CALL names itself: the level does not change [SDM3 5.8.1]. */
function checkDirectTarget(cpu: CpuContext, selector: number, d: Descriptor): void {
  const cpl = cpu.state.cpl;
  const allowed = d.isConforming ? d.dpl <= cpl : (selector & SELECTOR_RPL) <= cpl && d.dpl === cpl;
  if (!allowed || isImpossibleCode(cpu, d)) fault(VECTOR_GP, selectorError(selector));
  if (!d.present) fault(VECTOR_NP, selectorError(selector));
}

/** L and D together are reserved in long mode [SDM3 3.4.5.2]. */
function isImpossibleCode(cpu: CpuContext, d: Descriptor): boolean {
  return cpu.state.longMode && d.isCode64 && !d.isCode64Only;
}

/** JMP and CALL to a gate or a TSS. */
function transferThroughSystem(cpu: CpuContext, selector: number, d: Descriptor, cause: 'jump' | 'call'): number {
  if (cpu.state.longMode) return transferThroughLongGate(cpu, selector, d, cause);
  const type = d.systemType;
  const isGate = type === CALL_GATE16 || type === CALL_GATE32 || type === TASK_GATE;
  if (!isGate && type !== TSS16_AVAILABLE && type !== TSS32_AVAILABLE) fault(VECTOR_GP, selectorError(selector));
  if (d.dpl < Math.max(cpu.state.cpl, selector & SELECTOR_RPL)) fault(VECTOR_GP, selectorError(selector));
  // A TSS lies in the GDT [SDM3 7.2.2].
  if (!isGate && selector & SELECTOR_TI) fault(VECTOR_GP, selectorError(selector));
  if (!d.present) fault(VECTOR_NP, selectorError(selector));
  if (!isGate) return transferToTask(cpu, selector, d, cause);
  if (type !== TASK_GATE) return transferThroughCallGate(cpu, d, cause);
  const tss = requireGlobalDescriptor(cpu, d.gateSelector, VECTOR_GP);
  if (!tss.isTss || tss.isBusy) fault(VECTOR_GP, selectorError(d.gateSelector));
  if (!tss.present) fault(VECTOR_NP, selectorError(d.gateSelector));
  return transferToTask(cpu, d.gateSelector, tss, cause);
}

function transferToTask(cpu: CpuContext, selector: number, tss: Descriptor, cause: 'jump' | 'call'): number {
  const trap = switchTask(cpu, selector, tss, { cause, returnEip: cpu.nextEip, eflags: cpu.state.eflags, ext: 0 });
  enterTask(cpu, trap, 0);
  return HELPER_RESYNC;
}

/** [SDM3 5.8.4]. The gate's type, not the operand size, says how wide offset and pushes are. */
function transferThroughCallGate(cpu: CpuContext, gate: Descriptor, cause: 'jump' | 'call'): number {
  const cpl = cpu.state.cpl;
  const selector = gate.gateSelector;
  const d = fetchTarget(cpu, selector);
  const inner = !d.isConforming && d.dpl < cpl;
  if (!d.isCode || d.dpl > cpl || (inner && cause === 'jump')) fault(VECTOR_GP, selectorError(selector));
  if (!d.present) fault(VECTOR_NP, selectorError(selector));
  if (inner) return callInnerLevel(cpu, gate, d);
  if (cause === 'call') return callSameLevel(cpu, Stack.current(cpu), selector, d, gate.gateOffset, gate.is32 ? 32 : 16);
  requireOffset(gate.gateOffset, d.limit);
  markAccessed(cpu, d);
  return enterCode(cpu, selector, d, cpl, gate.gateOffset);
}

/** JMP and CALL through a call gate of long mode, the only system descriptor that they take there [SDM3 5.8.3.1]. */
function transferThroughLongGate(cpu: CpuContext, selector: number, d: Descriptor, cause: 'jump' | 'call'): number {
  const { state } = cpu;
  const { cpl } = state;
  if (d.systemType !== CALL_GATE32) fault(VECTOR_GP, selectorError(selector));
  if (d.dpl < Math.max(cpl, selector & SELECTOR_RPL)) fault(VECTOR_GP, selectorError(selector));
  if (!d.present) fault(VECTOR_NP, selectorError(selector));
  const gate = wholeDescriptor(cpu, selector, d);
  const target = gate.gateSelector;
  const code = fetchTarget(cpu, target);
  const inner = !code.isConforming && code.dpl < cpl;
  const wrong = !code.isCode64Only || code.dpl > cpl || (inner && cause === 'jump');
  if (wrong) fault(VECTOR_GP, selectorError(target));
  if (!code.present) fault(VECTOR_NP, selectorError(target));
  if (inner) return callInnerLong(cpu, target, code, gate.gateOffset);
  // The handler's mode has flat stacks, and so has the push of its return address.
  if (cause === 'call') return callSameLevel(cpu, Stack.at(cpu, state.reg64(RSP), cpl), target, code, gate.gateOffset, 64);
  requireTarget(cpu, code, gate.gateOffset);
  markAccessed(cpu, code);
  return enterCode(cpu, target, code, cpl, gate.gateOffset);
}

/** A call to more privilege in long mode: a stack from the TSS, a null SS, no parameters [SDM3 5.8.5.1]. */
function callInnerLong(cpu: CpuContext, selector: number, code: Descriptor, offset: number): number {
  const { state } = cpu;
  const cpl = code.dpl;
  const stack = Stack.at(cpu, tssStackPointer(cpu, cpl, 0), cpl);
  stack.requireRoom(4, 64);
  requireTarget(cpu, code, offset);
  markAccessed(cpu, code);
  stack.push(state.selector(SS), 64);
  stack.pushRegister(RSP);
  pushReturn(cpu, stack, 64);
  setNullStack(state, cpl, cpl);
  setCodeSegment(state, selector, code, cpl);
  stack.commit();
  return continueAt(cpu, offset);
}

/** A call to more privilege: switches to the TSS's stack and copies the parameters [SDM3 5.8.5]. */
function callInnerLevel(cpu: CpuContext, gate: Descriptor, code: Descriptor): number {
  const state = cpu.state;
  const size = gate.is32 ? 32 : 16;
  const { selector, descriptor, stack } = innerStack(cpu, code.dpl);
  stack.requireRoom(4 + gate.gateParameters, size);
  requireOffset(gate.gateOffset, code.limit);
  markAccessed(cpu, code);
  markAccessed(cpu, descriptor);
  const outer = Stack.current(cpu);
  stack.push(state.selector(SS), size);
  stack.push(outer.rsp, size);
  for (let i = gate.gateParameters - 1; i >= 0; i--) stack.push(outer.peek((i * size) >>> 3, size), size);
  pushReturn(cpu, stack, size);
  setFromDescriptor(state, SS, selector, descriptor);
  stack.commit();
  return enterCode(cpu, gate.gateSelector, code, code.dpl, gate.gateOffset);
}

/** RETF and RETF imm16; `release` is the number of bytes of parameters to drop. */
export function farReturn(cpu: CpuContext, size: OperandSize, release: number): number {
  const state = cpu.state;
  const stack = Stack.current(cpu);
  const eip = stack.pop(size);
  const selector = stack.popLow(size) & 0xffff;
  if (usesDescriptors(state)) return returnToSegment(cpu, { stack, selector, eip, size, release });
  requireOffset(eip, state.segLimit(CS));
  stack.move(release);
  stack.commit();
  setSegmentByParagraph(state, CS, selector);
  return continueAt(cpu, eip);
}

interface ReturnTarget {
  readonly stack: Stack;
  readonly selector: number;
  readonly eip: number;
  readonly size: OperandSize;
  readonly release: number;
  readonly flags?: number;
  /** RSP and SS are popped whatever the level: an IRET of 64-bit code. */
  readonly popsStack?: boolean;
  /** Which bits of `flags` to take. */
  readonly flagMask?: number;
}

/**
 * The part that RETF and IRET share. RIP and CS are popped already; an outer level's RSP and SS follow `release` bytes
 * up. Flags change once nothing can fault any more.
 */
function returnToSegment(cpu: CpuContext, target: ReturnTarget): number {
  const state = cpu.state;
  const { stack, selector, eip, release } = target;
  const rpl = selector & SELECTOR_RPL;
  const code = fetchTarget(cpu, selector);
  const allowed = code.isCode && rpl >= state.cpl && (code.isConforming ? code.dpl <= rpl : code.dpl === rpl);
  if (!allowed || isImpossibleCode(cpu, code)) fault(VECTOR_GP, selectorError(selector));
  if (!code.present) fault(VECTOR_NP, selectorError(selector));
  stack.move(release);
  if (rpl !== state.cpl || target.popsStack) return returnWithStack(cpu, target, code);
  requireTarget(cpu, code, eip);
  markAccessed(cpu, code);
  mergeFlags(cpu, target.flags ?? 0, target.flagMask ?? 0);
  stack.commit();
  return enterCode(cpu, selector, code, rpl, eip);
}

/** The end of a return to an outer level, and of every IRET of 64-bit code. */
function returnWithStack(cpu: CpuContext, target: ReturnTarget, code: Descriptor): number {
  const state = cpu.state;
  const { stack, selector, eip, size, release } = target;
  const rpl = selector & SELECTOR_RPL;
  const pointer = stack.popLow(size);
  const pointerHigh = stack.high;
  const outerSelector = stack.popLow(size) & 0xffff;
  const toCode64 = state.longMode && code.isCode64;
  const outer = isNullStackAllowed(outerSelector, rpl, toCode64) ? undefined : checkStackSegment(cpu, outerSelector, rpl, VECTOR_GP);
  requireTarget(cpu, code, eip);
  markAccessed(cpu, code);
  if (outer) markAccessed(cpu, outer);
  mergeFlags(cpu, target.flags ?? 0, target.flagMask ?? 0);
  if (outer) setFromDescriptor(state, SS, outerSelector, outer);
  else setNullStack(state, outerSelector, rpl);
  setCodeSegment(state, selector, code, rpl);
  setStackPointer(cpu, pointer, pointerHigh);
  if (release !== 0) releaseParameters(cpu, release);
  dropInnerSegments(state);
  return continueAt(cpu, eip);
}

/** Parameters on the caller's stack, as on the callee's. */
function releaseParameters(cpu: CpuContext, bytes: number): void {
  const stack = Stack.current(cpu);
  stack.move(bytes);
  stack.commit();
}

function mergeFlags(cpu: CpuContext, flags: number, mask: number): void {
  cpu.state.eflags = (cpu.state.eflags & ~mask) | (flags & mask);
}

/** IRET, IRETD and IRETQ. */
export function interruptReturn(cpu: CpuContext, size: OperandSize): number {
  const state = cpu.state;
  if (!state.protectedMode) return returnByParagraph(cpu, size, EFLAGS_IF | EFLAGS_IOPL);
  if (state.v86) {
    if ((state.eflags & EFLAGS_IOPL) === EFLAGS_IOPL) return returnByParagraph(cpu, size, EFLAGS_IF);
    if (state.cr(4) & CR4_VME && size === 16) return returnWithVirtualInterrupts(cpu);
    fault(VECTOR_GP, 0);
  }
  const { longMode } = state;
  if (state.eflags & EFLAGS_NT) {
    if (longMode) fault(VECTOR_GP, 0);
    return returnFromTask(cpu);
  }
  const stack = Stack.current(cpu);
  const eip = stack.pop(size);
  const selector = stack.popLow(size) & 0xffff;
  const flags = stack.popLow(size);
  if (flags & EFLAGS_VM && state.cpl === 0 && !longMode) return returnToV86(cpu, stack, selector, eip, flags);
  let flagMask = size === 16 ? FLAGS_RETURN16 : FLAGS_RETURN32;
  if (state.cpl <= (state.eflags & EFLAGS_IOPL) >>> EFLAGS_IOPL_SHIFT) flagMask |= EFLAGS_IF;
  if (state.cpl === 0) flagMask |= EFLAGS_IOPL | (size === 16 ? 0 : EFLAGS_VIF | EFLAGS_VIP);
  return returnToSegment(cpu, { stack, selector, eip, size, release: 0, flags, flagMask, popsStack: state.code64 });
}

/** IRET in real mode, and in virtual-8086 mode with IOPL 3. */
function returnByParagraph(cpu: CpuContext, size: OperandSize, extraFlags: number): number {
  const state = cpu.state;
  const stack = Stack.current(cpu);
  const eip = stack.pop(size);
  const selector = stack.pop(size) & 0xffff;
  const flags = stack.pop(size);
  requireOffset(eip, state.segLimit(CS));
  stack.commit();
  mergeFlags(cpu, flags, (size === 32 ? FLAGS_RETURN32 : FLAGS_RETURN16) | extraFlags);
  setSegmentByParagraph(state, CS, selector);
  return continueAt(cpu, eip);
}

/** IRET of a virtual-8086 task with CR4.VME and IOPL below 3: IF of the image goes to VIF [SDM3 20.3.3]. */
function returnWithVirtualInterrupts(cpu: CpuContext): number {
  const state = cpu.state;
  const stack = Stack.current(cpu);
  const eip = stack.pop(16);
  const selector = stack.pop(16);
  const flags = stack.pop(16);
  if (flags & EFLAGS_TF || (flags & EFLAGS_IF && state.eflags & EFLAGS_VIP)) fault(VECTOR_GP, 0);
  requireOffset(eip, state.segLimit(CS));
  stack.commit();
  mergeFlags(cpu, flags | (flags & EFLAGS_IF ? EFLAGS_VIF : 0), FLAGS_RETURN16 | EFLAGS_VIF);
  setSegmentByParagraph(state, CS, selector);
  return continueAt(cpu, eip);
}

/** IRETD at CPL 0 with VM in the image [SDM3 20.2.5]. */
function returnToV86(cpu: CpuContext, stack: Stack, selector: number, eip: number, flags: number): number {
  const state = cpu.state;
  const esp = stack.pop(32);
  const selectors = [SS, ES, DS, FS, GS].map((n) => [n, stack.pop(32) & 0xffff] as const);
  requireOffset(eip, 0xffff);
  mergeFlags(cpu, flags, FLAGS_RETURN32 | EFLAGS_IF | EFLAGS_IOPL | EFLAGS_VM | EFLAGS_VIF | EFLAGS_VIP);
  setV86Segment(state, CS, selector);
  for (const [n, value] of selectors) setV86Segment(state, n, value);
  state.setReg(RSP, esp);
  return continueAt(cpu, eip);
}

/** IRET with NT set: back to the task in the current TSS's link field [SDM3 7.4]. */
function returnFromTask(cpu: CpuContext): number {
  const state = cpu.state;
  const selector = cpu.mmu.read16(state.segBase(TR), false);
  const tss = requireGlobalDescriptor(cpu, selector, VECTOR_TS);
  if (!tss.isTss || !tss.isBusy) fault(VECTOR_TS, selectorError(selector));
  if (!tss.present) fault(VECTOR_NP, selectorError(selector));
  const eflags = state.eflags & ~EFLAGS_NT;
  const trap = switchTask(cpu, selector, tss, { cause: 'return', returnEip: cpu.nextEip, eflags, ext: 0 });
  enterTask(cpu, trap, 0);
  return HELPER_RESYNC;
}
