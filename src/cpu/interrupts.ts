/**
 * Delivery of interrupts and exceptions: the real-mode vector table, the gates of the IDT, task gates, virtual-8086
 * mode with and without the extensions, and double and triple faults. Long mode's gates are in interrupts-long.ts.
 * [SDM3 6.11-6.15], [SDM2 INT n: Operation], [SDM3 20.1.4] real mode, [SDM3 20.3] virtual-8086 mode.
 */
import type { CpuContext } from './context.ts';
import {
  type Descriptor, descriptorAt, ERROR_EXT, ERROR_IDT, INTERRUPT_GATE16, INTERRUPT_GATE32, isNull, markAccessed,
  requireDescriptor, requireGlobalDescriptor, selectorError, TASK_GATE, TRAP_GATE16, TRAP_GATE32,
} from './descriptors.ts';
import { DR7_GD } from './debug-registers.ts';
import { fault, GuestFault } from './fault.ts';
import { deliverLong } from './interrupts-long.ts';
import * as L from './layout.ts';
import {
  CR4_VME, CS, DS, EFLAGS_AC, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, EFLAGS_VIF, EFLAGS_VM, ES, FS,
  GS, SS, TR, VECTOR_DB, VECTOR_DE, VECTOR_DF, VECTOR_GP, VECTOR_MC, VECTOR_NP, VECTOR_PF, VECTOR_TS,
} from './registers.ts';
import { setCodeSegment, setFromDescriptor, setSegmentByParagraph, setUnusable } from './segments.ts';
import type { CpuState } from './state.ts';
import { innerStack, type OperandSize, Stack, tssWord } from './stack.ts';
import { enterTask, switchTask } from './tasks.ts';

export interface CpuEvent {
  /** 'software': INT n, INT3, INTO, which obey the gate's DPL. INT1 counts as an exception with its own `returnIp`. */
  readonly kind: 'exception' | 'software' | 'external' | 'nmi';
  readonly errorCode?: number | undefined;
  /** Offset to return to; by default the next instruction for 'software' and `state.rip` for the rest. */
  readonly returnIp?: number;
  /** It came between the iterations of a repeated instruction: RF is set in the flags that are saved. */
  readonly betweenIterations?: boolean;
}

export interface Delivery {
  readonly vector: number;
  readonly errorCode: number | undefined;
  readonly software: boolean;
  /** EXT bit of the error codes of faults on the way [SDM3 6.13]. */
  readonly ext: number;
  readonly returnIp: number;
  /** EFLAGS to save, with RF as the kind of event asks. */
  readonly eflags: number;
}

/**
 * Delivers an event: the state is then that before the first instruction of its handler. A fault on the way is
 * delivered instead, becomes a double fault, or shuts the processor down. Never throws.
 */
export function deliver(cpu: CpuContext, vector: number, event: CpuEvent): void {
  let current = vector;
  let currentEvent = event;
  for (;;) {
    try {
      deliverOnce(cpu, current, currentEvent);
      // The debug handler may use the debug registers [SDM3 17.2.4].
      if (current === VECTOR_DB && currentEvent.kind === 'exception') {
        cpu.state.setDr(7, cpu.state.dr(7) & ~DR7_GD);
        cpu.msrs.debugException();
      }
      return;
    } catch (second) {
      if (!(second instanceof GuestFault)) throw second;
      const first = currentEvent.kind === 'exception' ? current : -1;
      if (first === VECTOR_DF) {
        cpu.shutdown();
        return;
      }
      const double = isDoubleFault(first, second.vector);
      current = double ? VECTOR_DF : second.vector;
      currentEvent = { kind: 'exception', errorCode: double ? 0 : second.errorCode };
    }
  }
}

/** [SDM3 6.15, table 6-4] */
function isContributory(vector: number): boolean {
  return vector === VECTOR_DE || (vector >= VECTOR_TS && vector <= VECTOR_GP);
}

/** [SDM3 6.15, table 6-5]; `first` is -1 for events that are not exceptions, which are benign. */
function isDoubleFault(first: number, second: number): boolean {
  if (isContributory(first)) return isContributory(second);
  return first === VECTOR_PF && (second === VECTOR_PF || isContributory(second));
}

function deliverOnce(cpu: CpuContext, vector: number, event: CpuEvent): void {
  const state = cpu.state;
  if (cpu.tracer?.events) cpu.tracer.event(state, vector, event);
  const software = event.kind === 'software';
  const delivery: Delivery = {
    vector, errorCode: event.errorCode, software, ext: software ? 0 : ERROR_EXT,
    returnIp: event.returnIp ?? (software ? cpu.nextEip : state.rip),
    eflags: savedFlags(state, vector, event),
  };
  if (state.longMode) deliverLong(cpu, delivery);
  else if (state.protectedMode) deliverProtected(cpu, delivery);
  else deliverReal(cpu, delivery);
}

/** EFLAGS as an event saves it. */
export function savedFlags(state: CpuState, vector: number, event: CpuEvent): number {
  const rf = event.betweenIterations || (event.kind === 'exception' && isFault(vector)) ? EFLAGS_RF : 0;
  return (state.eflags | rf) >>> 0;
}

/**
 * Faults save RF set, so that the restarted instruction does not hit its breakpoint again [SDM3 17.3.1.1]. #DB comes
 * here for instruction breakpoints and traps; what general detect raises has the state set already.
 */
function isFault(vector: number): boolean {
  return vector !== VECTOR_DB && vector !== VECTOR_DF && vector !== VECTOR_MC;
}

function deliverReal(cpu: CpuContext, d: Delivery): void {
  const state = cpu.state;
  if (d.vector * 4 + 3 > state.getU32(L.IDTR_LIMIT)) fault(VECTOR_GP, d.vector * 8 + ERROR_IDT + d.ext);
  const entry = cpu.mmu.read32(state.getU32(L.IDTR_BASE) + d.vector * 4, false);
  enterParagraph(cpu, entry, d.eflags, d.returnIp, EFLAGS_IF | EFLAGS_TF | EFLAGS_RF | EFLAGS_AC);
}

/** Pushes FLAGS, CS and IP and enters a handler given as offset and paragraph. */
function enterParagraph(cpu: CpuContext, entry: number, flags: number, returnEip: number, cleared: number): void {
  const state = cpu.state;
  const stack = Stack.current(cpu);
  stack.requireRoom(3, 16);
  stack.push(flags, 16);
  stack.push(state.selector(CS), 16);
  stack.push(returnEip, 16);
  stack.commit();
  state.eflags = state.eflags & ~cleared;
  setSegmentByParagraph(state, CS, entry >>> 16);
  state.eip = entry & 0xffff;
  cpu.updateMode();
}

function deliverProtected(cpu: CpuContext, d: Delivery): void {
  const state = cpu.state;
  const idtError = d.vector * 8 + ERROR_IDT + d.ext;
  if (d.vector * 8 + 7 > state.getU32(L.IDTR_LIMIT)) fault(VECTOR_GP, idtError);
  const gate = descriptorAt(cpu, state.getU32(L.IDTR_BASE) + d.vector * 8);
  const type = gate.systemType;
  const isInterrupt = type === INTERRUPT_GATE16 || type === INTERRUPT_GATE32;
  const isTrap = type === TRAP_GATE16 || type === TRAP_GATE32;
  if (!isInterrupt && !isTrap && type !== TASK_GATE) fault(VECTOR_GP, idtError);
  if (d.software && gate.dpl < state.cpl) fault(VECTOR_GP, idtError);
  if (!gate.present) fault(VECTOR_NP, idtError);
  if (type === TASK_GATE) deliverToTask(cpu, gate, d);
  else deliverThroughGate(cpu, gate, d, isInterrupt);
}

/** [SDM3 6.12.2] */
function deliverToTask(cpu: CpuContext, gate: Descriptor, d: Delivery): void {
  const selector = gate.gateSelector;
  const tss = requireGlobalDescriptor(cpu, selector, VECTOR_GP, d.ext);
  if (!tss.isTss || tss.isBusy) fault(VECTOR_GP, selectorError(selector, d.ext));
  if (!tss.present) fault(VECTOR_NP, selectorError(selector, d.ext));
  const trap = switchTask(cpu, selector, tss, { cause: 'event', returnEip: d.returnIp, eflags: d.eflags, ext: d.ext });
  if (d.errorCode !== undefined) {
    const stack = Stack.current(cpu, d.ext);
    stack.push(d.errorCode, tss.is32 ? 32 : 16);
    stack.commit();
  }
  enterTask(cpu, trap, d.ext);
}

/** [SDM3 6.12.1] */
function deliverThroughGate(cpu: CpuContext, gate: Descriptor, d: Delivery, isInterrupt: boolean): void {
  const state = cpu.state;
  const selector = gate.gateSelector;
  const error = selectorError(selector, d.ext);
  if (isNull(selector)) fault(VECTOR_GP, error);
  const code = requireDescriptor(cpu, selector, VECTOR_GP, d.ext);
  const { v86, cpl } = state;
  if (!code.isCode || code.dpl > cpl) fault(VECTOR_GP, error);
  if (!code.present) fault(VECTOR_NP, error);
  const inner = !code.isConforming && code.dpl < cpl;
  if (v86 && (!inner || code.dpl !== 0)) fault(VECTOR_GP, error);
  const size: OperandSize = gate.is32 ? 32 : 16;
  const handler = { selector, code, cpl: inner ? code.dpl : cpl, eip: gate.gateOffset, size };
  if (inner) pushInner(cpu, handler, d, v86);
  else pushSame(cpu, handler, d);
  setCodeSegment(state, selector, code, handler.cpl);
  state.eflags = state.eflags & ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM | (isInterrupt ? EFLAGS_IF : 0));
  state.eip = handler.eip;
  cpu.updateMode();
}

interface Handler {
  readonly selector: number;
  readonly code: Descriptor;
  readonly cpl: number;
  readonly eip: number;
  readonly size: OperandSize;
}

function pushFrame(cpu: CpuContext, stack: Stack, size: OperandSize, d: Delivery): void {
  stack.push(d.eflags, size);
  stack.push(cpu.state.selector(CS), size);
  stack.push(d.returnIp, size);
  if (d.errorCode !== undefined) stack.push(d.errorCode, size);
}

function checkHandler(cpu: CpuContext, stack: Stack, handler: Handler, d: Delivery, values: number): void {
  stack.requireRoom(values + (d.errorCode === undefined ? 0 : 1), handler.size);
  if (handler.eip > handler.code.limit) fault(VECTOR_GP, d.ext);
  markAccessed(cpu, handler.code);
}

function pushSame(cpu: CpuContext, handler: Handler, d: Delivery): void {
  const stack = Stack.current(cpu, d.ext);
  checkHandler(cpu, stack, handler, d, 3);
  pushFrame(cpu, stack, handler.size, d);
  stack.commit();
}

/** Switches to the stack of the handler's level. Virtual-8086 mode's data segments are saved there and become null. */
function pushInner(cpu: CpuContext, handler: Handler, d: Delivery, v86: boolean): void {
  const state = cpu.state;
  const size = handler.size;
  const { selector, descriptor, stack } = innerStack(cpu, handler.cpl, d.ext);
  checkHandler(cpu, stack, handler, d, v86 ? 9 : 5);
  markAccessed(cpu, descriptor);
  if (v86) for (const n of [GS, FS, DS, ES]) stack.push(state.selector(n), size);
  stack.push(state.selector(SS), size);
  stack.push(Stack.current(cpu).rsp, size);
  pushFrame(cpu, stack, size, d);
  if (v86) for (const n of [GS, FS, DS, ES]) setUnusable(state, n, 0);
  setFromDescriptor(state, SS, selector, descriptor);
  stack.commit();
}

/**
 * INT n (opcode CD). In virtual-8086 mode IOPL and, with CR4.VME, the TSS's redirection bitmap decide [SDM3 20.3].
 * INT3 (CC), INTO and INT1 go to `deliver` directly: IOPL does not concern them.
 */
export function softwareInterrupt(cpu: CpuContext, vector: number): void {
  const state = cpu.state;
  if (state.v86) {
    const iopl3 = (state.eflags & EFLAGS_IOPL) === EFLAGS_IOPL;
    if (state.cr(4) & CR4_VME && staysInV86(cpu, vector)) {
      enterV86Handler(cpu, vector, iopl3);
      return;
    }
    if (!iopl3) fault(VECTOR_GP, 0);
  }
  deliver(cpu, vector, { kind: 'software' });
}

/** A clear bit in the 32 bytes below the I/O map sends the interrupt to the 8086 program's own handler. */
function staysInV86(cpu: CpuContext, vector: number): boolean {
  const state = cpu.state;
  const mapBase = tssWord(cpu, 0x66);
  if (mapBase === undefined) fault(VECTOR_GP, 0);
  const at = mapBase - 32 + (vector >>> 3);
  if (at < 0 || at > state.segLimit(TR)) fault(VECTOR_GP, 0);
  return ((cpu.mmu.read8(state.segBase(TR) + at, false) >>> (vector & 7)) & 1) === 0;
}

function enterV86Handler(cpu: CpuContext, vector: number, iopl3: boolean): void {
  const entry = cpu.mmu.read32(vector * 4, true);
  const flags = cpu.state.eflags;
  const virtual = (flags & ~EFLAGS_IF) | EFLAGS_IOPL | (flags & EFLAGS_VIF ? EFLAGS_IF : 0);
  const cleared = EFLAGS_TF | EFLAGS_RF | (iopl3 ? EFLAGS_IF : EFLAGS_VIF);
  enterParagraph(cpu, entry, iopl3 ? flags : virtual, cpu.nextEip, cleared);
}
