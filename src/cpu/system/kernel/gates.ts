/**
 * Interrupts and exceptions through the IDT, and IRET: between flat code of 32 bits in protected mode, and between code of 64
 * bits, where the TLB has the tables and the stack. [SDM3 6.12.1, 6.14], [SDM2 IRET]
 */
import {
  ATTENTION, CR, DR, EFER, EFLAGS, EVENTS_WATCHED, FAULT_ERROR, FAULT_HAS_ERROR, FAULT_VECTOR, GPR, IDTR_BASE, IDTR_LIMIT, INTERRUPT_WAITS,
  IP_BASE, NMI_BLOCKED, RIP, SEG_ATTRIBUTES, SEG_BASE, SEG_LIMIT, SEG_SELECTOR, TLB_ACTIVE, TLB_READ, TLB_SUPERVISOR, TLB_USER, TLB_WRITE, TRANSFER_FLAGS,
  TRANSFER_RSP, TRAP_PENDING,
} from '../../layout';
import { REC_OFFSET } from '../../../interp/record';
import {
  CR0_AM, CR4_SMAP, CS, DS, EFER_LMA, EFLAGS_AC, EFLAGS_ARITHMETIC, EFLAGS_DF, EFLAGS_FIXED, EFLAGS_ID, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_IOPL_SHIFT,
  EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, EFLAGS_VIF, EFLAGS_VIP, EFLAGS_VM, ES, FS, GS, RSP, SS, TR, VECTOR_DB, VECTOR_DF, VECTOR_MC,
} from '../../registers';
import {
  ACCESSED, attributesOf, baseOf, CODE, currentLevel, D_B, descriptor, DPL_SHIFT, EXPAND_DOWN, FULL, HIGH_D, HIGH_L, isFlatCode, isLongCode,
  levelOf, limitOf, P, S, segment, SELECTOR_RPL, served, set, WRITABLE,
} from './descriptors';

const CR4 = CR + 4 * 8, DR7 = DR + 7 * 8;
const DR7_ENABLES = 0xff;

/** What `kind` says of an event. */
const HAS_ERROR = 1, SOFTWARE = 2;
/** How code goes on after an event. */
const REFUSED = 0, AT_CODE32 = 1, AT_CODE64 = 2;

// Gates [SDM3 6.11, 6.14.1]: the high half's type with S, and the index in the interrupt-stack table.
const GATE_TYPE = 0x1f00, INTERRUPT_GATE = 0xe00, TRAP_GATE = 0xf00;
const GATE_STACK = 7;

// Task-state segments [SDM3 7.2.1, 7.7]
const TSS_IS_32 = 8;
const TSS_ESP0 = 4, TSS_RSP0 = 4, TSS_IST1 = 0x24;

/** Data of a flat segment: its descriptor's high half without base, limit and level. */
const FLAT_DATA = P | S | WRITABLE | ACCESSED | HIGH_D;

/** What every return loads [SDM2 IRET]. */
const RETURNED = EFLAGS_ARITHMETIC | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT | EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;

function isCanonical(address: i64): bool {
  return ((address << 16) >> 16) == address;
}

/** The high half of the descriptor of flat code of 32 bits, or of code of 64 bits, that does not conform; 0: it is something else. */
function codeAt(at: i32, long: bool): u32 {
  if (at == 0) return 0;
  const low = load<u32>(at);
  const high = load<u32>(at, 4);
  if ((high & (P | S | CODE | EXPAND_DOWN | ACCESSED)) != (P | S | CODE | ACCESSED)) return 0;
  if (long) return (high & (HIGH_L | HIGH_D)) == HIGH_L ? high : 0;
  return (high & HIGH_D) != 0 && baseOf(low, high) == 0 && limitOf(low, high) == 0xffffffff ? high : 0;
}
/** Likewise of a flat stack for a level. */
function stackAt(cpu: i32, selector: i32, level: i32): u32 {
  if ((selector & SELECTOR_RPL) != level) return 0;
  const at = descriptor(cpu, selector);
  if (at == 0) return 0;
  const low = load<u32>(at);
  const high = load<u32>(at, 4);
  const isFlat = (high & (FLAT_DATA | CODE | EXPAND_DOWN)) == FLAT_DATA && baseOf(low, high) == 0 && limitOf(low, high) == 0xffffffff;
  return isFlat && levelOf(high) == level ? high : 0;
}

function setCode(cpu: i32, selector: i32, at: i32, high: u32, level: i32): void {
  const low = load<u32>(at);
  const limit = limitOf(low, high);
  const attributes = (attributesOf(high) & ~(3 << DPL_SHIFT)) | (level << DPL_SHIFT);
  set(segment(cpu, CS), (selector & ~SELECTOR_RPL) | level, baseOf(low, high), limit, attributes, high & WRITABLE ? <i64>limit + 1 : 0, 0);
}
function setStack(cpu: i32, selector: i32, high: u32): void {
  set(segment(cpu, SS), selector, 0, 0xffffffff, attributesOf(high), FULL, FULL);
}
/** SS without a descriptor, as code of 64 bits may have it [SDM3 5.8.5.1]. */
function setNullStack(cpu: i32, selector: i32, level: i32): void {
  set(segment(cpu, SS), selector, 0, 0, level << DPL_SHIFT, 0, 0);
}

/** Goes through a gate to code below level 3; RIP is where the handler is to return, `flags` EFLAGS as it is to be saved. */
function enter(cpu: i32, vector: i32, error: i32, kind: i32, flags: i32, rsp: i64): i32 {
  if (flags & EFLAGS_TF || load<i32>(cpu, EVENTS_WATCHED)) return REFUSED;
  if (vector == VECTOR_DB || vector == VECTOR_DF || vector == VECTOR_MC) return REFUSED;
  if (isLongCode(cpu)) return enterLong(cpu, vector, error, kind, flags, rsp);
  return isFlatCode(cpu) ? enterFlat(cpu, vector, error, kind, flags, <u32>rsp) : REFUSED;
}

/** The type of a gate that may be gone through; 0: it may not. */
function gateType(cpu: i32, gate: i32, kind: i32): u32 {
  const high = load<u32>(gate, 4);
  const type = high & GATE_TYPE;
  if ((type != INTERRUPT_GATE && type != TRAP_GATE) || (high & P) == 0) return 0;
  return kind & SOFTWARE && levelOf(high) < currentLevel(cpu) ? 0 : type;
}

function enterFlat(cpu: i32, vector: i32, error: i32, kind: i32, flags: i32, esp: u32): i32 {
  if (<u32>(vector * 8 + 7) > load<u32>(cpu, IDTR_LIMIT)) return REFUSED;
  const gate = served(cpu + TLB_SUPERVISOR, load<i64>(cpu, IDTR_BASE) + vector * 8, 8, TLB_READ);
  const type = gate == 0 ? 0 : gateType(cpu, gate, kind);
  if (type == 0) return REFUSED;
  const selector = <i32>load<u16>(gate, 2);
  const codeDescriptor = descriptor(cpu, selector);
  const code = codeAt(codeDescriptor, false);
  const cpl = currentLevel(cpu);
  const level = levelOf(code);
  if (code == 0 || level > cpl || level == 3) return REFUSED;
  let top = esp;
  let stackSelector = 0;
  let stack: u32 = 0;
  if (level < cpl) {
    const place = tssField(cpu, TSS_ESP0 + level * 8, 6);
    if (place == 0 || (load<u32>(segment(cpu, TR), SEG_ATTRIBUTES) & TSS_IS_32) == 0) return REFUSED;
    top = load<u32>(place);
    stackSelector = load<u16>(place, 4);
    stack = stackAt(cpu, stackSelector, level);
    if (stack == 0) return REFUSED;
  }
  const bytes = ((level < cpl ? 5 : 3) + (kind & HAS_ERROR)) * 4;
  if (top < <u32>bytes) return REFUSED;
  let at = served(cpu + TLB_SUPERVISOR, <i64>top - bytes, bytes, TLB_WRITE);
  if (at == 0) return REFUSED;
  if (kind & HAS_ERROR) {
    store<i32>(at, error);
    at += 4;
  }
  store<i32>(at, load<i32>(cpu, RIP));
  store<i32>(at, load<i32>(segment(cpu, CS), SEG_SELECTOR), 4);
  store<i32>(at, flags, 8);
  if (level < cpl) {
    store<u32>(at, esp, 12);
    store<i32>(at, load<i32>(segment(cpu, SS), SEG_SELECTOR), 16);
    setStack(cpu, stackSelector, stack);
  }
  setCode(cpu, selector, codeDescriptor, code, level);
  store<i64>(cpu, (load<u32>(gate) & 0xffff) | (load<u32>(gate, 4) & 0xffff0000), RIP);
  entered(cpu, type, <i64>top - bytes);
  return AT_CODE32;
}

function enterLong(cpu: i32, vector: i32, error: i32, kind: i32, flags: i32, rsp: i64): i32 {
  if (<u32>(vector * 16 + 15) > load<u32>(cpu, IDTR_LIMIT)) return REFUSED;
  const gate = served(cpu + TLB_SUPERVISOR, load<i64>(cpu, IDTR_BASE) + vector * 16, 16, TLB_READ);
  const type = gate == 0 ? 0 : gateType(cpu, gate, kind);
  if (type == 0) return REFUSED;
  const selector = <i32>load<u16>(gate, 2);
  const codeDescriptor = descriptor(cpu, selector);
  const code = codeAt(codeDescriptor, true);
  const cpl = currentLevel(cpu);
  const level = levelOf(code);
  const target = (<i64>load<i32>(gate, 8) << 32) | <i64>((load<u32>(gate) & 0xffff) | (load<u32>(gate, 4) & 0xffff0000));
  if (code == 0 || level > cpl || level == 3 || !isCanonical(target)) return REFUSED;
  const index = load<u32>(gate, 4) & GATE_STACK;
  let top = rsp;
  if (index != 0 || level < cpl) {
    const place = tssField(cpu, index != 0 ? TSS_IST1 + (index - 1) * 8 : TSS_RSP0 + level * 8, 8);
    if (place == 0) return REFUSED;
    top = load<i64>(place);
  }
  const bytes = (5 + (kind & HAS_ERROR)) * 8;
  const bottom = (top & ~15) - bytes;
  let at = served(cpu + TLB_SUPERVISOR, bottom, bytes, TLB_WRITE);
  if (at == 0) return REFUSED;
  if (kind & HAS_ERROR) {
    store<u64>(at, <u32>error);
    at += 8;
  }
  store<i64>(at, load<i64>(cpu, RIP));
  store<u64>(at, load<u32>(segment(cpu, CS), SEG_SELECTOR), 8);
  store<u64>(at, <u32>flags, 16);
  store<i64>(at, rsp, 24);
  store<u64>(at, load<u32>(segment(cpu, SS), SEG_SELECTOR), 32);
  if (level < cpl) setNullStack(cpu, level, level);
  setCode(cpu, selector, codeDescriptor, code, level);
  store<i64>(cpu, target, RIP);
  entered(cpu, type, bottom);
  return AT_CODE64;
}

/** Arena address of a field of the task-state segment; 0 where the TLB does not have it, or it has no such field. */
function tssField(cpu: i32, offset: i32, bytes: i32): i32 {
  const tss = segment(cpu, TR);
  if (<u32>(offset + bytes - 1) > load<u32>(tss, SEG_LIMIT)) return 0;
  return served(cpu + TLB_SUPERVISOR, load<i64>(tss, SEG_BASE) + offset, bytes, TLB_READ);
}

function entered(cpu: i32, type: u32, rsp: i64): void {
  const cleared = EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM | (type == INTERRUPT_GATE ? EFLAGS_IF : 0);
  store<i32>(cpu, load<i32>(cpu, EFLAGS) & ~cleared, EFLAGS);
  store<i32>(cpu, cpu + TLB_SUPERVISOR, TLB_ACTIVE);
  store<i64>(cpu, rsp, TRANSFER_RSP);
}

export function software_interrupt(cpu: i32, vector: i32, flags: i32, rsp: i64, next: i64): i32 {
  store<i64>(cpu, next, RIP);
  return enter(cpu, vector, 0, SOFTWARE, flags, rsp);
}

export function deliver_event(cpu: i32, vector: i32, error: i32, hasError: i32, flags: i32): i32 {
  const to = enter(cpu, vector, error, hasError, flags, load<i64>(cpu, GPR + RSP * 8));
  if (to != REFUSED) store<i64>(cpu, load<i64>(cpu, TRANSFER_RSP), GPR + RSP * 8);
  return to;
}

export function deliver_fault(cpu: i32, record: i32, arithmetic: i32): i32 {
  // What a slow path on the way to the fault asked the dispatcher for.
  if (load<i32>(cpu, ATTENTION) | load<i32>(cpu, TRAP_PENDING)) return REFUSED;
  const ip = load<i64>(cpu, IP_BASE) + load<u16>(record, REC_OFFSET);
  store<i64>(cpu, isLongCode(cpu) ? ip : ip & 0xffffffff, RIP);
  const flags = load<i32>(cpu, EFLAGS) | arithmetic | EFLAGS_RF;
  return deliver_event(cpu, load<i32>(cpu, FAULT_VECTOR), load<i32>(cpu, FAULT_ERROR), load<i32>(cpu, FAULT_HAS_ERROR), flags);
}

/** EFLAGS as a return to a level makes them of those on the stack; -1: the helper has to see to that. */
function returnedFlags(cpu: i32, image: i32, level: i32): i32 {
  const old = load<i32>(cpu, EFLAGS);
  const cpl = currentLevel(cpu);
  if ((old | image) & EFLAGS_TF || old & EFLAGS_NT || image & EFLAGS_VM || load<i32>(cpu, NMI_BLOCKED)) return -1;
  let mask = RETURNED;
  if (cpl <= (old & EFLAGS_IOPL) >> EFLAGS_IOPL_SHIFT) mask |= EFLAGS_IF;
  if (cpl == 0) mask |= EFLAGS_IOPL | EFLAGS_VIF | EFLAGS_VIP;
  const flags = (old & ~mask) | (image & mask);
  if (flags & ~old & EFLAGS_IF && load<i32>(cpu, INTERRUPT_WAITS)) return -1;
  if (flags & EFLAGS_RF && load<i32>(cpu, DR7) & DR7_ENABLES) return -1;
  // Accesses that are checked for alignment, and what the supervisor's entries know of user pages, take other ways.
  if (load<i32>(cpu, CR) & CR0_AM && flags & EFLAGS_AC && level == 3) return -1;
  if (load<i32>(cpu, CR4) & CR4_SMAP && (old | flags) & EFLAGS_AC) return -1;
  return (flags & ~EFLAGS_RF) | EFLAGS_FIXED;
}

/** True when no data segment is to become null at a level: the helper does that [SDM2 IRET]. */
function keepsSegments(cpu: i32, level: i32): bool {
  return keepsSegment(segment(cpu, ES), level) && keepsSegment(segment(cpu, DS), level) && keepsSegment(segment(cpu, FS), level) && keepsSegment(segment(cpu, GS), level);
}
function keepsSegment(at: i32, level: i32): bool {
  const attributes = load<u32>(at, SEG_ATTRIBUTES);
  const selector = load<u32>(at, SEG_SELECTOR);
  if ((selector & ~SELECTOR_RPL) == 0) return selector == 0;
  return (attributes & (P >> 8)) == 0 || <i32>((attributes >> DPL_SHIFT) & 3) >= level;
}

export function interrupt_return(cpu: i32, rsp: i64): i32 {
  if (isLongCode(cpu)) return returnLong(cpu, rsp);
  return isFlatCode(cpu) ? returnFlat(cpu, <u32>rsp) : 0;
}

function returnFlat(cpu: i32, esp: u32): i32 {
  const active = load<i32>(cpu, TLB_ACTIVE);
  let at = served(active, esp, 12, TLB_READ);
  if (at == 0) return 0;
  const eip = load<u32>(at);
  const selector = <i32>load<u16>(at, 4);
  const level = selector & SELECTOR_RPL;
  const cpl = currentLevel(cpu);
  const flags = returnedFlags(cpu, load<i32>(at, 8), level);
  const codeDescriptor = descriptor(cpu, selector);
  const code = codeAt(codeDescriptor, false);
  if (flags == -1 || code == 0 || level < cpl || levelOf(code) != level) return 0;
  let to: i64 = <u32>(esp + 12);
  if (level > cpl) {
    at = served(active, esp, 20, TLB_READ);
    if (at == 0 || !keepsSegments(cpu, level)) return 0;
    const stackSelector = <i32>load<u16>(at, 16);
    const stack = stackAt(cpu, stackSelector, level);
    if (stack == 0) return 0;
    to = load<u32>(at, 12);
    setStack(cpu, stackSelector, stack);
  }
  setCode(cpu, selector, codeDescriptor, code, level);
  returned(cpu, level, eip, to, flags);
  return 1;
}

function returnLong(cpu: i32, rsp: i64): i32 {
  const at = served(load<i32>(cpu, TLB_ACTIVE), rsp, 40, TLB_READ);
  if (at == 0) return 0;
  const rip = load<i64>(at);
  const selector = <i32>load<u16>(at, 8);
  const level = selector & SELECTOR_RPL;
  const flags = returnedFlags(cpu, load<i32>(at, 16), level);
  const codeDescriptor = descriptor(cpu, selector);
  const code = codeAt(codeDescriptor, true);
  if (flags == -1 || code == 0 || level < currentLevel(cpu) || levelOf(code) != level || !isCanonical(rip)) return 0;
  const stackSelector = <i32>load<u16>(at, 32);
  const isNull = (stackSelector & ~SELECTOR_RPL) == 0;
  const stack = isNull ? 0 : stackAt(cpu, stackSelector, level);
  if (isNull ? level == 3 || stackSelector != level : stack == 0) return 0;
  if (!keepsSegments(cpu, level)) return 0;
  if (isNull) setNullStack(cpu, stackSelector, level);
  else setStack(cpu, stackSelector, stack);
  setCode(cpu, selector, codeDescriptor, code, level);
  returned(cpu, level, rip, load<i64>(at, 24), flags);
  return 1;
}

function returned(cpu: i32, level: i32, rip: i64, rsp: i64, flags: i32): void {
  store<i64>(cpu, rip, RIP);
  store<i64>(cpu, rsp, TRANSFER_RSP);
  store<i32>(cpu, flags, TRANSFER_FLAGS);
  store<i32>(cpu, cpu + (level == 3 ? TLB_USER : TLB_SUPERVISOR), TLB_ACTIVE);
}
