/** Jumps, calls, the stack, and interrupts that programs raise [SDM1 6, SDM2]. */
import * as L from '../../cpu/layout.ts';
import { SYSTEM_KERNEL_TYPES } from '../../cpu/system/kernel-interface.ts';
import type { Bits, Body, Condition, I32, I64, Ops, Val } from '../ops.ts';
import { setAllFlags } from './fast-calls.ts';
import { perCondition } from './integer.ts';

const VECTOR_BR = 5;
const VECTOR_UD = 6;
const CX = 1;
const SP = 4;
const BP = 5;

const jcc = (code: Condition): Body => (o) => o.e.if(o.condition(code), () => o.jumpRelative(0));

const loop = (more: ((o: Ops) => I32) | undefined): Body => (o) => {
  const bits = o.asize;
  const count = o.zeroExtend(o.sub(o.reg(CX, bits), o.int(1, bits)), bits);
  const notZero = o.eqz(o.eqz(count));
  const taken = more ? o.and(notZero, more(o)) : notZero;
  // The count is written only after the target has been checked against the limit of CS.
  o.e.if(taken, () => {
    o.checkTarget(o.target(0));
    o.setReg(CX, bits, count);
    o.jumpRelative(0);
  });
  o.setReg(CX, bits, count);
};

const call: Body = (o) => {
  o.checkTarget(o.target(0));
  o.push(o.nextIp(), o.osize);
  o.jumpRelative(0);
};
const callIndirect: Body = (o) => {
  const to = o.get(0);
  o.checkTarget(to);
  o.push(o.nextIp(), o.osize);
  o.jumpTo(to);
};
const ret: Body = (o) => {
  const to = o.stackTop(o.osize);
  o.checkTarget(to);
  const bytes = o.i32(o.osize / 8);
  o.adjustStack(o.operandCount > 0 ? o.add(bytes, o.get(0) as I32) : bytes);
  o.jumpTo(to);
};

const push: Body = (o) => o.push(o.get(0), o.osize);
const pop: Body = (o) => {
  const value = o.stackTop(o.osize);
  if (o.inMemory(0)) {
    o.put(0, value);
    o.adjustStack(o.osize / 8);
    return;
  }
  // The pointer first: POP ESP leaves what was popped.
  o.adjustStack(o.osize / 8);
  o.put(0, value);
};
const pusha: Body = (o) => {
  const bits = o.osize as 16 | 32;
  o.pushAll([0, 1, 2, 3, 4, 5, 6, 7].map((n) => o.reg(n, bits)), bits);
};
const popa: Body = (o) => {
  const bits = o.osize as 16 | 32;
  const size = bits / 8;
  // What is in the place of (E)SP is not read [SDM2 POPA].
  const values = [7, 6, 5, 3, 2, 1, 0].map((n) => [n, o.stackTop(bits, (7 - n) * size)] as const);
  o.adjustStack(8 * size);
  for (const [n, value] of values) o.setReg(n, bits, value);
};

const pushSegment = (segment: number): Body => (o) => o.push(o.segmentSelector(segment), o.osize);
/** Whether the kernel did it, as for nearly all loads of data segment registers. */
const loadedSegment = (o: Ops, segment: I32, selector: I32): I32 =>
  o.kernel('load_data_segment', SYSTEM_KERNEL_TYPES.load_data_segment.result, segment, selector);
const loadSegment: Body = (o) => {
  const selector = o.get(1) as I32;
  o.e.if(o.eqz(loadedSegment(o, o.field(0), selector)), () => o.helper('LOAD_SEGMENT', o.field(0), selector));
};
const popSegment = (segment: number): Body => (o) => {
  const selector = o.fit(o.stackTop(o.osize), 32) as I32;
  o.e.if(
    loadedSegment(o, o.i32(segment), selector),
    () => o.adjustStack(o.osize / 8),
    () => o.helper('POP_SEGMENT', o.i32(segment), o.i32(o.osize)),
  );
};

const leave: Body = (o) => {
  const frame = o.reg(BP, o.long ? 64 : 32);
  const value = o.loadStack(frame, o.osize);
  o.setStackPointer(o.add(frame, o.constantLike(frame, o.osize / 8)));
  o.setReg(BP, o.osize, value);
};
const enter: Body = (o) => o.helper('ENTER', o.field(0), o.immediate2(), o.i32(o.osize));

const bound: Body = (o) => {
  const bits = o.osize as 16 | 32;
  const index = o.signExtend(o.get(0), bits) as I32;
  const kind = bits === 16 ? 's16' : 'i32';
  const lower = o.loadOperand(1, kind) as I32;
  const upper = o.loadOperand(1, kind, bits / 8) as I32;
  o.raiseIf(o.or(o.ltS(index, lower), o.ltS(upper, index)), VECTOR_BR);
};

/** Offset and selector of a far pointer in memory. */
const farPointer = (o: Ops, n: number): [Val, I32] => {
  const offset = o.loadOperand(n, ({ 16: 'u16', 32: 'i32', 64: 'i64' } as const)[o.osize]);
  return [o.address(offset), o.loadOperand(n, 'u16', o.osize / 8)];
};
const loadFarPointer = (segment: number): Body => (o) => {
  // The helper writes the register too: a changed mode, or the shadow of SS, leaves the block at once.
  if (o.osize === 64) {
    const value = o.loadOperand(1, 'i64');
    const halves = [o.wrap(value), o.wrap(o.shrU(value, o.i64(32)))];
    return o.helper('LOAD_FAR_POINTER64', o.i32(segment), o.loadOperand(1, 'u16', 8), o.field(0), ...halves);
  }
  const [offset, selector] = farPointer(o, 1);
  o.helper('LOAD_FAR_POINTER', o.i32(segment), selector, o.field(0), offset, o.i32(o.osize));
};

/** After a transfer that the kernel made: the stack, and on at RIP. */
function goOn(o: Ops): void {
  o.setReg(SP, 64, o.stateLoad('i64', L.TRANSFER_RSP));
  o.transferTo(o.stateLoad(o.long ? 'i64' : 'i32', L.RIP));
}
const interrupt: Body = (o) => {
  const vector = o.get(0) as I32;
  const flags = o.or(o.readFlags(), o.stateLoad('i32', L.EFLAGS));
  const next = o.fit(o.nextIp(), 64) as I64;
  o.e.if(
    o.kernel('software_interrupt', SYSTEM_KERNEL_TYPES.software_interrupt.result, vector, flags, o.reg(SP, 64) as I64, next),
    () => goOn(o),
    () => o.helper('INT', vector),
  );
};
const interruptReturn: Body = (o) => {
  const byHelper = (): void => o.helper('IRET', o.i32(o.osize));
  if (o.osize !== (o.long ? 64 : 32)) return byHelper();
  o.e.if(
    o.kernel('interrupt_return', SYSTEM_KERNEL_TYPES.interrupt_return.result, o.reg(SP, 64) as I64),
    () => {
      setAllFlags(o, o.stateLoad('i32', L.TRANSFER_FLAGS));
      goOn(o);
    },
    byHelper,
  );
};

export const controlBodies: Record<string, Body> = {
  ...perCondition('J', jcc),
  JCXZ: (o) => o.e.if(o.eqz(o.reg(CX, o.asize as Bits)), () => o.jumpRelative(0)),
  LOOP: loop(undefined), LOOPE: loop((o) => o.flag('ZF')), LOOPNE: loop((o) => o.eqz(o.flag('ZF'))),
  JMP: (o) => o.jumpRelative(0),
  JMP_INDIRECT: (o) => o.jumpTo(o.get(0)),
  CALL: call, CALL_INDIRECT: callIndirect, RET: ret,
  PUSH: push, POP: pop, PUSHA: pusha, POPA: popa, LEAVE: leave, ENTER: enter, BOUND: bound,
  PUSH_ES: pushSegment(0), PUSH_CS: pushSegment(1), PUSH_SS: pushSegment(2), PUSH_DS: pushSegment(3), PUSH_FS: pushSegment(4), PUSH_GS: pushSegment(5),
  POP_ES: popSegment(0), POP_SS: popSegment(2), POP_DS: popSegment(3), POP_FS: popSegment(4), POP_GS: popSegment(5),
  MOV_FROM_SEG: (o) => o.put(0, o.selectorOf(1)),
  MOV_TO_SEG: loadSegment,
  LES: loadFarPointer(0), LSS: loadFarPointer(2), LDS: loadFarPointer(3), LFS: loadFarPointer(4), LGS: loadFarPointer(5),
  CALL_FAR: (o) => o.helper('FAR_CALL', o.immediate2(), o.address(o.field(0)), o.i32(o.osize)),
  JMP_FAR: (o) => o.helper('FAR_JMP', o.immediate2(), o.address(o.field(0)), o.i32(o.osize)),
  CALL_FAR_INDIRECT: (o) => {
    const [offset, selector] = farPointer(o, 0);
    o.helper('FAR_CALL', selector, offset, o.i32(o.osize));
  },
  JMP_FAR_INDIRECT: (o) => {
    const [offset, selector] = farPointer(o, 0);
    o.helper('FAR_JMP', selector, offset, o.i32(o.osize));
  },
  RET_FAR: (o) => o.helper('RETF', o.i32(o.osize), o.operandCount > 0 ? (o.get(0) as I32) : o.i32(0)),
  IRET: interruptReturn,
  INT3: (o) => o.helper('INT3'),
  INT: interrupt,
  INTO: (o) => o.helper('INTO'),
  ICEBP: (o) => o.helper('ICEBP'),
  UD: (o) => o.raise(VECTOR_UD),
};
