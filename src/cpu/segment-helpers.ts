/**
 * The slow paths on segments, far transfers and software interrupts, by the names under which both tiers call them.
 * `size` is the operand size in bits, 16, 32 or 64. Selectors and offsets may come with garbage above their width.
 * A GuestFault leaves everything as it was, but for the end of a task switch: there it belongs to the new task, whose
 * EIP is in `state.eip` already. Offsets of 64-bit code are numbers as in linear.ts.
 */
import { type CpuContext, type Helper, HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { farCall, farJump, farReturn, interruptReturn } from './far-transfers.ts';
import { deliver, softwareInterrupt } from './interrupts.ts';
import { EFLAGS_OF, LDTR, TR, VECTOR_BP, VECTOR_DB, VECTOR_OF } from './registers.ts';
import {
  adjustRpl, enter, loadAccessRights, loadFarPointer, loadFarPointer64, loadLocalDescriptorTable, loadSegmentLimit, loadSegmentRegister,
  loadTaskRegister, popSegmentRegister, storeSystemSelector, verifyRead, verifyWrite,
} from './segment-instructions.ts';
import type { OperandSize } from './stack.ts';

const operandSize = (size: number): OperandSize => (size === 64 ? 64 : size === 32 ? 32 : 16);
const word = (value: number): number => value & 0xffff;

/** Delivers and leaves the block; what `deliver` set is where control goes on. */
function raise(cpu: CpuContext, vector: number, kind: 'software' | 'exception'): number {
  deliver(cpu, vector, { kind, returnIp: cpu.nextEip });
  return HELPER_RESYNC;
}

export const segmentHelpers = {
  /** MOV Sreg: (segment, selector). NEXT or RESYNC; for SS always RESYNC, with the interrupt shadow on. */
  LOAD_SEGMENT: (cpu, segment, selector) => loadSegmentRegister(cpu, segment, word(selector)),
  /**
   * LDS, LES, LFS, LGS, LSS: (segment, selector, slot, offset, size). As LOAD_SEGMENT, and writes the general register
   * whose offset in the state is `slot`.
   */
  LOAD_FAR_POINTER: (cpu, segment, selector, slot, offset, size) =>
    loadFarPointer(cpu, segment, word(selector), slot, offset, operandSize(size)),
  /** (segment, selector, slot, low, high): with REX.W, the halves of the general register's value. */
  LOAD_FAR_POINTER64: (cpu, segment, selector, slot, low, high) => loadFarPointer64(cpu, segment, word(selector), slot, low, high),
  /** POP Sreg: (segment, size). As LOAD_SEGMENT, and moves ESP. */
  POP_SEGMENT: (cpu, segment, size) => popSegmentRegister(cpu, segment, operandSize(size)),
  /** (selector, offset, size). RESYNC. */
  FAR_JMP: (cpu, selector, offset, size) => farJump(cpu, word(selector), offset, operandSize(size)),
  /** (selector, offset, size). RESYNC. */
  FAR_CALL: (cpu, selector, offset, size) => farCall(cpu, word(selector), offset, operandSize(size)),
  /** (size, bytes of parameters to release). RESYNC. */
  RETF: (cpu, size, release) => farReturn(cpu, operandSize(size), word(release)),
  /** (size). RESYNC. */
  IRET: (cpu, size) => interruptReturn(cpu, operandSize(size)),
  /** INT n: (vector). RESYNC. */
  INT: (cpu, vector) => {
    softwareInterrupt(cpu, vector & 0xff);
    return HELPER_RESYNC;
  },
  /** INT3 (CC): (). RESYNC. */
  INT3: (cpu) => raise(cpu, VECTOR_BP, 'software'),
  /** INTO: (). NEXT when OF is clear (which it looks up in the lazy flags), else RESYNC. */
  INTO: (cpu) => (cpu.state.eflags & EFLAGS_OF ? raise(cpu, VECTOR_OF, 'software') : HELPER_NEXT),
  /** INT1 (F1): (). RESYNC. */
  ICEBP: (cpu) => raise(cpu, VECTOR_DB, 'exception'),
  /** (selector). NEXT. */
  LLDT: (cpu, selector) => loadLocalDescriptorTable(cpu, word(selector)),
  /** (selector). NEXT. */
  LTR: (cpu, selector) => loadTaskRegister(cpu, word(selector)),
  /** (). The selector. */
  SLDT: (cpu) => storeSystemSelector(cpu, LDTR),
  /** (). The selector. */
  STR: (cpu) => storeSystemSelector(cpu, TR),
  /** (selector). Access rights as LAR r32 gives them, ZF to be set; NOT_VISIBLE (-2): ZF to be cleared, no write. */
  LAR: (cpu, selector) => loadAccessRights(cpu, word(selector)),
  /** (selector). The limit as a signed 32-bit number, ZF to be set; NOT_VISIBLE (-2) as for LAR. */
  LSL: (cpu, selector) => loadSegmentLimit(cpu, word(selector)),
  /** (selector). The new ZF. */
  VERR: (cpu, selector) => verifyRead(cpu, word(selector)),
  /** (selector). The new ZF. */
  VERW: (cpu, selector) => verifyWrite(cpu, word(selector)),
  /** (destination, source). Bits 0-15: the destination's new value; bit 16: the new ZF. */
  ARPL: (cpu, destination, source) => adjustRpl(cpu, destination, source),
  /** (allocate, level, size). NEXT; writes RBP and RSP itself. */
  ENTER: (cpu, allocate, level, size) => enter(cpu, word(allocate), level, operandSize(size)),
} satisfies Record<string, Helper>;
