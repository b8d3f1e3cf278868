/**
 * The stack as slow paths use it: pushes and pops through SS with its limit, size and page checks; in 64-bit mode there are
 * none but that addresses are canonical. A `Stack` moves a pointer of its own; RSP changes only when the caller commits,
 * after everything that can fault.
 * [SDM1 6.2] stacks, [SDM3 5.8.5] stack switching, [SDM3 6.14.2] stacks of 64-bit handlers.
 */
import type { CpuContext } from './context.ts';
import { checkDataBreakpoint } from './debug-registers.ts';
import { ATTR_DB, type Descriptor, selectorError, TYPE_32 } from './descriptors.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { isCanonical, linear32, linear64 } from './linear.ts';
import { RSP, SS, TR, VECTOR_SS, VECTOR_TS } from './registers.ts';
import { type AccessRange, accessRange, checkStackSegment } from './segments.ts';

export type OperandSize = 16 | 32 | 64;

export class Stack {
  private readonly cpu: CpuContext;
  private readonly base: number;
  /** undefined: a stack of 64-bit mode. */
  private readonly range: AccessRange | undefined;
  private readonly mask: number;
  private readonly user: boolean;
  /** Error code of the #SS that an access past the limits raises. */
  private readonly errorCode: number;
  private pointer: number;
  /** Upper half of what `popLow` read last. */
  high = 0;

  private constructor(
    cpu: CpuContext, base: number, range: AccessRange | undefined, attributes: number, pointer: number, cpl: number, errorCode: number,
  ) {
    this.cpu = cpu;
    this.base = base;
    this.range = range;
    this.mask = attributes & ATTR_DB ? 0xffffffff : 0xffff;
    this.pointer = pointer;
    this.user = cpl === 3;
    this.errorCode = errorCode;
  }

  /** The stack in use. `ext` is the EXT bit for faults while an event is being delivered. */
  static current(cpu: CpuContext, ext = 0): Stack {
    const s = cpu.state;
    if (s.code64) return Stack.at(cpu, s.reg64(RSP), s.cpl, ext);
    const attributes = s.segAttributes(SS);
    return new Stack(cpu, s.segBase(SS), accessRange(s.segLimit(SS), attributes), attributes, s.reg(RSP), s.cpl, ext);
  }

  /** A stack that a transfer is about to switch to; its #SS names the new selector. */
  static switchTo(cpu: CpuContext, selector: number, d: Descriptor, pointer: number, cpl: number, ext = 0): Stack {
    return new Stack(cpu, d.base, accessRange(d.limit, d.attributes), d.attributes, pointer, cpl, selectorError(selector, ext));
  }

  /** A stack of 64-bit mode. */
  static at(cpu: CpuContext, pointer: number, cpl: number, ext = 0): Stack {
    return new Stack(cpu, 0, undefined, 0, pointer, cpl, ext);
  }

  /** Faults with #SS unless `count` values can be pushed; pages are not looked at. */
  requireRoom(count: number, size: OperandSize): void {
    const bytes = size >>> 3;
    for (let i = 1; i <= count; i++) this.requireAccess(this.offset(-i * bytes), bytes, true);
  }

  push(value: number, size: OperandSize): void {
    const linear = this.makeRoom(size);
    const { mmu } = this.cpu;
    if (size === 64) mmu.writeLinear(linear, value, this.user);
    else if (size === 32) mmu.write32(linear, value >>> 0, this.user);
    else mmu.write16(linear, value & 0xffff, this.user);
    this.pushed(linear, size);
  }

  /** Pushes all 64 bits of a general register, which need be no address. */
  pushRegister(n: number): void {
    const { state } = this.cpu;
    this.pushHalves(state.reg(n), state.getU32(L.GPR + n * 8 + 4), 64);
  }

  /** Pushes a value of any size, given as two halves. */
  pushHalves(low: number, high: number, size: OperandSize): void {
    if (size !== 64) {
      this.push(low, size);
      return;
    }
    const linear = this.makeRoom(64);
    const { mmu } = this.cpu;
    mmu.probeWrite(linear, 8, this.user);
    mmu.write32(linear, low, this.user);
    mmu.write32(linear + 4, high, this.user);
    this.pushed(linear, 64);
  }

  /** Pops an address or offset. */
  pop(size: OperandSize): number {
    const low = this.popLow(size);
    return linear64(low, this.high);
  }

  /** Pops a value of which the low half counts; `high` is the other one. */
  popLow(size: OperandSize): number {
    const low = this.peek(0, size);
    this.move(size >>> 3);
    return low;
  }

  /** Reads a value `skip` bytes above the top, as `popLow` does. */
  peek(skip: number, size: OperandSize): number {
    const offset = this.offset(skip);
    this.requireAccess(offset, size >>> 3, false);
    const linear = this.linear(offset);
    const { mmu } = this.cpu;
    const value = size === 16 ? mmu.read16(linear, this.user) : mmu.read32(linear, this.user);
    this.high = size === 64 ? mmu.read32(linear + 4, this.user) : 0;
    checkDataBreakpoint(this.cpu, linear, size >>> 3, false);
    return value;
  }

  /** Moves the pointer without an access, as the immediate of RET does. */
  move(bytes: number): void {
    if (this.range === undefined) this.pointer += bytes;
    else this.pointer = ((this.pointer & ~this.mask) | this.offset(bytes)) >>> 0;
  }

  /** Puts the pointer elsewhere in the segment, as ENTER does to walk the display. */
  moveTo(pointer: number): void {
    this.pointer = pointer;
  }

  /** Faults as a write of one value at the top would. */
  requireWritableTop(size: OperandSize): void {
    const offset = this.offset(0);
    const bytes = size >>> 3;
    this.requireAccess(offset, bytes, true);
    this.cpu.mmu.probeWrite(this.linear(offset), bytes, this.user);
  }

  /** RSP as it is to be after the pushes and pops; a 16-bit stack leaves the upper half alone. */
  get rsp(): number { return this.pointer; }

  commit(): void {
    if (this.range === undefined) this.cpu.state.setReg64(RSP, this.pointer);
    else this.cpu.state.setReg(RSP, this.pointer);
  }

  private offset(delta: number): number {
    return this.range === undefined ? this.pointer + delta : ((this.pointer + delta) & this.mask) >>> 0;
  }

  private linear(offset: number): number {
    return this.range === undefined ? offset : linear32(this.base + offset);
  }

  private requireAccess(offset: number, bytes: number, write: boolean): void {
    const { range } = this;
    const inside = range === undefined
      ? isCanonical(offset) && isCanonical(offset + bytes - 1)
      : offset >= range.start && offset + bytes <= (write ? range.writeEnd : range.readEnd);
    if (!inside) fault(VECTOR_SS, this.errorCode);
  }

  /** The linear address that a push writes. */
  private makeRoom(size: OperandSize): number {
    const bytes = size >>> 3;
    const offset = this.offset(-bytes);
    this.requireAccess(offset, bytes, true);
    return this.linear(offset);
  }

  private pushed(linear: number, size: OperandSize): void {
    const bytes = size >>> 3;
    checkDataBreakpoint(this.cpu, linear, bytes, true);
    this.move(-bytes);
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
  const linear = state.segBase(TR) + at;
  const esp = is32 ? cpu.mmu.read32(linear, false) : cpu.mmu.read16(linear, false);
  const selector = cpu.mmu.read16(linear + (is32 ? 4 : 2), false);
  const descriptor = checkStackSegment(cpu, selector, cpl, VECTOR_TS, ext);
  const pointer = mergePointer(cpu, esp, descriptor.attributes);
  return { selector, descriptor, stack: Stack.switchTo(cpu, selector, descriptor, pointer, cpl, ext) };
}

/** Offsets in a 64-bit TSS [SDM3 7.7]. */
const TSS64_RSP0 = 4, TSS64_IST1 = 0x24;

/** RSP for privilege level `cpl` from the current 64-bit TSS, or the entry of the interrupt-stack table where `ist` is not 0. */
export function tssStackPointer(cpu: CpuContext, cpl: number, ist: number, ext = 0): number {
  const { state, mmu } = cpu;
  const at = ist === 0 ? TSS64_RSP0 + cpl * 8 : TSS64_IST1 + (ist - 1) * 8;
  if (at + 7 > state.segLimit(TR)) fault(VECTOR_TS, selectorError(state.selector(TR), ext));
  return mmu.readLinear(state.segBase(TR) + at, false);
}

/** ESP on another stack: a 16-bit one takes SP only, as processors do (the reason for "espfix" in kernels). */
function mergePointer(cpu: CpuContext, esp: number, attributes: number): number {
  if (attributes & ATTR_DB) return esp;
  return ((cpu.state.reg(RSP) & 0xffff0000) | (esp & 0xffff)) >>> 0;
}

/** Loads RSP, or as much of it as the stack has, after a return has loaded CS and SS. */
export function setStackPointer(cpu: CpuContext, low: number, high = 0): void {
  const { state } = cpu;
  state.setReg(RSP, state.code64 ? low : mergePointer(cpu, low, state.segAttributes(SS)));
  if (state.code64) state.setU32(L.GPR + RSP * 8 + 4, high);
}

/** A word of the current 32-bit TSS; undefined past its limit and in a 16-bit TSS. */
export function tssWord(cpu: CpuContext, offset: number): number | undefined {
  const state = cpu.state;
  if (!(state.segAttributes(TR) & TYPE_32) || offset + 1 > state.segLimit(TR)) return undefined;
  return cpu.mmu.read16(state.segBase(TR) + offset, false);
}
