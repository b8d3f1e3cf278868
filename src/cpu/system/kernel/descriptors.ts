/** Descriptors of the GDT and the cached segment registers, and bytes that an entry of the TLB serves [SDM3 3.4.5]. */
import {
  CR, EFER, EFLAGS, GDTR_BASE, GDTR_LIMIT, SEG_ATTRIBUTES, SEG_BASE, SEG_LIMIT, SEG_READ_END, SEG_SELECTOR, SEG_START, SEG_WRITE_END, SEGMENT_SIZE,
  SEGMENTS, TLB_ADDEND, TLB_ENTRIES, TLB_READ, TLB_SUPERVISOR,
} from '../../layout';
import { CR0_PE, CS, DS, EFER_LMA, EFLAGS_VM, ES, SS } from '../../registers';

const PAGE_MASK: i64 = ~0xfff;
export const FULL: i64 = 0x100000000;
export const SELECTOR_RPL = 3;
const SELECTOR_TI = 4;
export const DPL_SHIFT = 5;
const ATTRIBUTE_L = 1 << 13;
export const D_B = 1 << 14;

// The high half of a descriptor [SDM3 3.4.5].
export const ACCESSED = 1 << 8;
/** Of data; of code: readable. */
export const WRITABLE = 1 << 9;
/** Of data; of code: conforming. */
export const EXPAND_DOWN = 1 << 10;
export const CODE = 1 << 11;
export const S = 1 << 12;
const HIGH_DPL_SHIFT = 13;
export const P = 1 << 15;
export const HIGH_L = 1 << 21;
export const HIGH_D = 1 << 22;
const G = 1 << 23;
const ATTRIBUTES = 0xf0ff;

export function baseOf(low: u32, high: u32): u32 {
  return (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000);
}
export function limitOf(low: u32, high: u32): u32 {
  const raw = (low & 0xffff) | (high & 0xf0000);
  return high & G ? (raw << 12) | 0xfff : raw;
}
export function attributesOf(high: u32): u32 {
  return (high >> 8) & ATTRIBUTES;
}
export function levelOf(high: u32): i32 {
  return (high >> HIGH_DPL_SHIFT) & 3;
}

export function segment(cpu: i32, n: i32): i32 {
  return cpu + SEGMENTS + n * SEGMENT_SIZE;
}
export function currentLevel(cpu: i32): i32 {
  return (load<u32>(segment(cpu, CS), SEG_ATTRIBUTES) >> DPL_SHIFT) & 3;
}

/** Code of 64 bits runs. */
export function isLongCode(cpu: i32): bool {
  return (load<i32>(cpu, EFER) & EFER_LMA) != 0 && (load<u32>(segment(cpu, CS), SEG_ATTRIBUTES) & ATTRIBUTE_L) != 0;
}
/** Code of 32 bits runs on flat segments in protected mode, outside long mode. */
export function isFlatCode(cpu: i32): bool {
  if ((load<i32>(cpu, CR) & CR0_PE) == 0 || load<i32>(cpu, EFLAGS) & EFLAGS_VM || load<i32>(cpu, EFER) & EFER_LMA) return false;
  const code = segment(cpu, CS);
  const stack = segment(cpu, SS);
  if (!isFlat(segment(cpu, DS)) || !isFlat(segment(cpu, ES)) || !isFlat(stack)) return false;
  if (load<i64>(code) != 0 || load<u32>(code, SEG_LIMIT) != 0xffffffff) return false;
  return (load<u32>(code, SEG_ATTRIBUTES) & load<u32>(stack, SEG_ATTRIBUTES) & D_B) != 0;
}

/** Base 0, limit 4 GiB and writable, as the mode key has it. */
export function isFlat(segment: i32): bool {
  return (
    load<i64>(segment, SEG_BASE) == 0 && load<u32>(segment, SEG_START) == 0 &&
    load<i64>(segment, SEG_READ_END) == FULL && load<i64>(segment, SEG_WRITE_END) == FULL
  );
}

/** Arena address of bytes that one entry of a TLB set serves by the tag at `tag`; 0: none does. */
export function served(set: i32, linear: i64, bytes: i32, tag: i32): i32 {
  const entry = set + ((<i32>(linear >> 7)) & ((TLB_ENTRIES - 1) << 5));
  const page = load<i64>(entry + tag);
  if (page != (linear & PAGE_MASK) || page != ((linear + bytes - 1) & PAGE_MASK)) return 0;
  return <i32>linear + load<i32>(entry, TLB_ADDEND);
}

/** Arena address of the GDT's descriptor; 0 past its limit, in the LDT, or where the TLB does not have all of it. */
export function descriptor(cpu: i32, selector: i32): i32 {
  if (selector & SELECTOR_TI || <u32>(selector | 7) > load<u32>(cpu, GDTR_LIMIT)) return 0;
  const linear = load<i64>(cpu, GDTR_BASE) + (selector & 0xfff8);
  return served(cpu + TLB_SUPERVISOR, linear, 8, TLB_READ);
}

export function set(segment: i32, selector: i32, base: u32, limit: u32, attributes: u32, readEnd: i64, writeEnd: i64): void {
  store<u64>(segment, base, SEG_BASE);
  store<i64>(segment, readEnd, SEG_READ_END);
  store<i64>(segment, writeEnd, SEG_WRITE_END);
  store<u32>(segment, 0, SEG_START);
  store<u32>(segment, limit, SEG_LIMIT);
  store<u32>(segment, selector, SEG_SELECTOR);
  store<u32>(segment, attributes, SEG_ATTRIBUTES);
}
