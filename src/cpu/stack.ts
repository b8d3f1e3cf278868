/**
 * The stack as slow paths use it: pushes and pops through SS with its limit, size and page checks.
 * A `Stack` moves a pointer of its own; ESP changes only when the caller commits, after everything that can fault.
 * [SDM1 6.2] stacks, [SDM3 5.8.5] stack switching.
 */
import type { CpuContext } from './context.ts';
import { checkDataBreakpoint } from './debug-registers.ts';
import { ATTR_DB, type Descriptor, selectorError, TYPE_32 } from './descriptors.ts';
import { fault } from './fault.ts';
import { RSP, SS, TR, VECTOR_SS, VECTOR_TS } from './registers.ts';
import { type AccessRange, accessRange, checkStackSegment } from './segments.ts';

export type OperandSize = 16 | 32;

export class Stack {
  private readonly cpu: CpuContext;
  private readonly base: number;
  private readonly range: AccessRange;
  private readonly mask: number;
  private readonly user: boolean;
  /** Error code of the #SS that an access past the limits raises. */
  private readonly errorCode: number;
  private pointer: number;

  private constructor(
    cpu: CpuContext, base: number, limit: number, attributes: number, pointer: number, cpl: number, errorCode: number,
  ) {
    this.cpu = cpu;
    this.base = base;
    this.range = accessRange(limit, attributes);
    this.mask = attributes & ATTR_DB ? 0xffffffff : 0xffff;
    this.pointer = pointer;
    this.user = cpl === 3;
    this.errorCode = errorCode;
  }

  /** The stack in use. `ext` is the EXT bit for faults while an event is being delivered. */
  static current(cpu: CpuContext, ext = 0): Stack {
    const s = cpu.state;
    return new Stack(cpu, s.segBase(SS), s.segLimit(SS), s.segAttributes(SS), s.reg(RSP), s.cpl, ext);
  }

  /** A stack that a transfer is about to switch to; its #SS names the new selector. */
  static switchTo(cpu: CpuContext, selector: number, d: Descriptor, pointer: number, cpl: number, ext = 0): Stack {
    return new Stack(cpu, d.base, d.limit, d.attributes, pointer, cpl, selectorError(selector, ext));
  }

  /** Faults with #SS unless `count` values can be pushed; pages are not looked at. */
  requireRoom(count: number, size: OperandSize): void {
    const bytes = size >>> 3;
    for (let i = 1; i <= count; i++) {
      const offset = this.offset(-i * bytes);
      if (offset < this.range.start || offset + bytes > this.range.writeEnd) fault(VECTOR_SS, this.errorCode);
    }
  }

  push(value: number, size: OperandSize): void {
    const bytes = size >>> 3;
    const offset = this.offset(-bytes);
    if (offset < this.range.start || offset + bytes > this.range.writeEnd) fault(VECTOR_SS, this.errorCode);
    const linear = (this.base + offset) >>> 0;
    if (size === 32) this.cpu.mmu.write32(linear, value >>> 0, this.user);
    else this.cpu.mmu.write16(linear, value & 0xffff, this.user);
    checkDataBreakpoint(this.cpu, linear, bytes, true);
    this.move(-bytes);
  }

  pop(size: OperandSize): number {
    const value = this.peek(0, size);
    this.move(size >>> 3);
    return value;
  }

  /** Reads a value `skip` bytes above the top. */
  peek(skip: number, size: OperandSize): number {
    const offset = this.offset(skip);
    if (offset < this.range.start || offset + (size >>> 3) > this.range.readEnd) fault(VECTOR_SS, this.errorCode);
    const linear = (this.base + offset) >>> 0;
    const value = size === 32 ? this.cpu.mmu.read32(linear, this.user) : this.cpu.mmu.read16(linear, this.user);
    checkDataBreakpoint(this.cpu, linear, size >>> 3, false);
    return value;
  }

  /** Moves the pointer without an access, as the immediate of RET does. */
  move(bytes: number): void {
    this.pointer = ((this.pointer & ~this.mask) | this.offset(bytes)) >>> 0;
  }

  /** Puts the pointer elsewhere in the segment, as ENTER does to walk the display. */
  moveTo(pointer: number): void {
    this.pointer = pointer;
  }

  /** Faults as a write of one value at the top would. */
  requireWritableTop(size: OperandSize): void {
    const offset = this.offset(0);
    const bytes = size >>> 3;
    if (offset < this.range.start || offset + bytes > this.range.writeEnd) fault(VECTOR_SS, this.errorCode);
    this.cpu.mmu.probeWrite((this.base + offset) >>> 0, bytes, this.user);
  }

  /** ESP as it is to be after the pushes and pops; a 16-bit stack leaves the upper half alone. */
  get esp(): number { return this.pointer; }

  commit(): void {
    this.cpu.state.setReg(RSP, this.pointer);
  }

  private offset(delta: number): number {
    return ((this.pointer + delta) & this.mask) >>> 0;
  }
}

export interface InnerStack {
  readonly selector: number;
  readonly descriptor: Descriptor;
  readonly stack: Stack;
}

/** Fetches and checks the stack for privilege level `cpl` from the current TSS [SDM3 5.8.5, 7.2.1]. */
export function innerStack(cpu: CpuContext, cpl: number, ext = 0): InnerStack {
  const state = cpu.state;
  const is32 = (state.segAttributes(TR) & TYPE_32) !== 0;
  const at = is32 ? 4 + cpl * 8 : 2 + cpl * 4;
  if (at + (is32 ? 5 : 3) > state.segLimit(TR)) fault(VECTOR_TS, selectorError(state.selector(TR), ext));
  const linear = (state.segBase(TR) + at) >>> 0;
  const esp = is32 ? cpu.mmu.read32(linear, false) : cpu.mmu.read16(linear, false);
  const selector = cpu.mmu.read16((linear + (is32 ? 4 : 2)) >>> 0, false);
  const descriptor = checkStackSegment(cpu, selector, cpl, VECTOR_TS, ext);
  const pointer = mergePointer(cpu, esp, descriptor.attributes);
  return { selector, descriptor, stack: Stack.switchTo(cpu, selector, descriptor, pointer, cpl, ext) };
}

/** ESP on another stack: a 16-bit one takes SP only, as processors do (the reason for "espfix" in kernels). */
function mergePointer(cpu: CpuContext, esp: number, attributes: number): number {
  if (attributes & ATTR_DB) return esp;
  return ((cpu.state.reg(RSP) & 0xffff0000) | (esp & 0xffff)) >>> 0;
}

/** Loads ESP after a return has loaded SS. */
export function setStackPointer(cpu: CpuContext, esp: number): void {
  const state = cpu.state;
  state.setReg(RSP, mergePointer(cpu, esp, state.segAttributes(SS)));
}

/** A word of the current 32-bit TSS; undefined past its limit and in a 16-bit TSS. */
export function tssWord(cpu: CpuContext, offset: number): number | undefined {
  const state = cpu.state;
  if (!(state.segAttributes(TR) & TYPE_32) || offset + 1 > state.segLimit(TR)) return undefined;
  return cpu.mmu.read16((state.segBase(TR) + offset) >>> 0, false);
}
