/**
 * Delivery of interrupts and exceptions in long mode: gates of 16 bytes, the interrupt-stack table, stacks without a
 * segment. Handlers run in 64-bit mode always [SDM3 6.14].
 */
import type { CpuContext } from './context.ts';
import {
  type Descriptor, descriptorAt, ERROR_IDT, INTERRUPT_GATE32, isNull, markAccessed, requireDescriptor, selectorError, TRAP_GATE32,
} from './descriptors.ts';
import { fault } from './fault.ts';
import type { Delivery } from './interrupts.ts';
import * as L from './layout.ts';
import { isCanonical } from './linear.ts';
import { CS, EFLAGS_IF, EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, EFLAGS_VM, RSP, SS, VECTOR_GP, VECTOR_NP } from './registers.ts';
import { setCodeSegment, setNullStack } from './segments.ts';
import { Stack, tssStackPointer } from './stack.ts';

const GATE_SIZE = 16;
/** Values of a frame: SS, RSP, RFLAGS, CS and RIP. */
const FRAME_VALUES = 5;

/** Delivers through the IDT; faults before anything changes. */
export function deliverLong(cpu: CpuContext, d: Delivery): void {
  const { state } = cpu;
  const gate = fetchGate(cpu, d);
  const { selector, code, cpl } = fetchHandler(cpu, gate, d.ext);
  const stack = handlerStack(cpu, gate, cpl, d.ext);
  stack.requireRoom(d.errorCode === undefined ? FRAME_VALUES : FRAME_VALUES + 1, 64);
  if (!isCanonical(gate.gateOffset)) fault(VECTOR_GP, d.ext);
  markAccessed(cpu, code);
  stack.push(state.selector(SS), 64);
  stack.pushRegister(RSP);
  stack.push(d.eflags, 64);
  stack.push(state.selector(CS), 64);
  stack.push(d.returnIp, 64);
  if (d.errorCode !== undefined) stack.push(d.errorCode, 64);
  if (cpl !== state.cpl) setNullStack(state, cpl, cpl);
  setCodeSegment(state, selector, code, cpl);
  stack.commit();
  const isInterrupt = gate.systemType === INTERRUPT_GATE32;
  state.eflags = state.eflags & ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM | (isInterrupt ? EFLAGS_IF : 0));
  state.rip = gate.gateOffset;
  cpu.updateMode();
}

function fetchGate(cpu: CpuContext, d: Delivery): Descriptor {
  const { state, mmu } = cpu;
  const error = d.vector * 8 + ERROR_IDT + d.ext;
  if (d.vector * GATE_SIZE + GATE_SIZE - 1 > state.getU32(L.IDTR_LIMIT)) fault(VECTOR_GP, error);
  const address = state.getLinear(L.IDTR_BASE) + d.vector * GATE_SIZE;
  const gate = descriptorAt(cpu, address);
  if (gate.systemType !== INTERRUPT_GATE32 && gate.systemType !== TRAP_GATE32) fault(VECTOR_GP, error);
  if (d.software && gate.dpl < state.cpl) fault(VECTOR_GP, error);
  if (!gate.present) fault(VECTOR_NP, error);
  return gate.widened(mmu.read32(address + 8, false));
}

interface Handler {
  readonly selector: number;
  readonly code: Descriptor;
  /** Level that it runs at. */
  readonly cpl: number;
}

function fetchHandler(cpu: CpuContext, gate: Descriptor, ext: number): Handler {
  const { cpl } = cpu.state;
  const selector = gate.gateSelector;
  const error = selectorError(selector, ext);
  if (isNull(selector)) fault(VECTOR_GP, ext);
  const code = requireDescriptor(cpu, selector, VECTOR_GP, ext);
  if (!code.isCode || code.dpl > cpl || !code.isCode64Only) fault(VECTOR_GP, error);
  if (!code.present) fault(VECTOR_NP, error);
  return { selector, code, cpl: code.isConforming ? cpl : code.dpl };
}

/** From the interrupt-stack table if the gate says so, from the TSS for an inner level, else the one in use; aligned to 16. */
function handlerStack(cpu: CpuContext, gate: Descriptor, cpl: number, ext: number): Stack {
  const { state } = cpu;
  const ist = gate.gateStack;
  const top = ist !== 0 || cpl !== state.cpl ? tssStackPointer(cpu, cpl, ist, ext) : state.reg64(RSP);
  return Stack.at(cpu, top - (top & 15), cpl, ext);
}
