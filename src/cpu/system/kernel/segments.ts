/** Loads of data segment registers [SDM2 MOV, POP], [SDM3 5.6]. */
import {
  CR, EFLAGS, GDTR_BASE, GDTR_LIMIT, SEG_ATTRIBUTES, SEG_BASE, SEG_LIMIT, SEG_READ_END, SEG_SELECTOR, SEG_START, SEG_WRITE_END, SEGMENT_SIZE,
  SEGMENTS, TLB_ADDEND, TLB_ENTRIES, TLB_READ, TLB_SUPERVISOR,
} from '../../layout';
import { CR0_PE, CS, DS, EFLAGS_VM, ES, FS, GS } from '../../registers';

const PAGE_MASK: i64 = ~0xfff;
export const FULL: i64 = 0x100000000;
const SELECTOR_RPL = 3;
const SELECTOR_TI = 4;
export const DPL_SHIFT = 5;
export const D_B = 1 << 14;

// The high half of a descriptor [SDM3 3.4.5].
const ACCESSED = 1 << 8;
const WRITABLE = 1 << 9;
const EXPAND_DOWN = 1 << 10;
const CODE = 1 << 11;
const S = 1 << 12;
const HIGH_DPL_SHIFT = 13;
const P = 1 << 15;
const G = 1 << 23;
const ATTRIBUTES = 0xf0ff;

export function load_data_segment(cpu: i32, n: i32, selector: i32): i32 {
  if ((load<i32>(cpu, CR) & CR0_PE) == 0 || load<i32>(cpu, EFLAGS) & EFLAGS_VM) return 0;
  const segment = cpu + SEGMENTS + n * SEGMENT_SIZE;
  if (n != FS && n != GS && ((n != DS && n != ES) || !isFlat(segment))) return 0;
  selector &= 0xffff;
  if ((selector & ~SELECTOR_RPL) == 0) {
    if (n != FS && n != GS) return 0;
    set(segment, selector, 0, 0, 0, 0, 0);
    return 1;
  }
  const at = descriptor(cpu, selector);
  if (at == 0) return 0;
  const low = load<u32>(at);
  const high = load<u32>(at, 4);
  if ((high & (P | S | CODE | EXPAND_DOWN | ACCESSED)) != (P | S | ACCESSED)) return 0;
  const cpl = (load<u32>(cpu + CS * SEGMENT_SIZE, SEGMENTS + SEG_ATTRIBUTES) >> DPL_SHIFT) & 3;
  const level = max(cpl, selector & SELECTOR_RPL);
  if (level > ((high >> HIGH_DPL_SHIFT) & 3)) return 0;
  const base = (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000);
  const raw = (low & 0xffff) | (high & 0xf0000);
  const limit = high & G ? (raw << 12) | 0xfff : raw;
  const end = <i64>limit + 1;
  const writeEnd = high & WRITABLE ? end : 0;
  if (n != FS && n != GS && (base != 0 || writeEnd != FULL)) return 0;
  set(segment, selector, base, limit, (high >> 8) & ATTRIBUTES, end, writeEnd);
  return 1;
}

/** Base 0, limit 4 GiB and writable, as the mode key has it. */
export function isFlat(segment: i32): bool {
  return (
    load<i64>(segment, SEG_BASE) == 0 && load<u32>(segment, SEG_START) == 0 &&
    load<i64>(segment, SEG_READ_END) == FULL && load<i64>(segment, SEG_WRITE_END) == FULL
  );
}

/** Arena address of the GDT's descriptor; 0 past its limit, in the LDT, or where the TLB does not have all of it. */
function descriptor(cpu: i32, selector: i32): i32 {
  if (selector & SELECTOR_TI || <u32>(selector | 7) > load<u32>(cpu, GDTR_LIMIT)) return 0;
  const linear = load<i64>(cpu, GDTR_BASE) + (selector & 0xfff8);
  const entry = cpu + TLB_SUPERVISOR + ((<i32>(linear >> 7)) & ((TLB_ENTRIES - 1) << 5));
  const tag = load<i64>(entry, TLB_READ);
  if (tag != (linear & PAGE_MASK) || tag != ((linear + 7) & PAGE_MASK)) return 0;
  return <i32>linear + load<i32>(entry, TLB_ADDEND);
}

function set(segment: i32, selector: i32, base: u32, limit: u32, attributes: u32, readEnd: i64, writeEnd: i64): void {
  store<u64>(segment, base, SEG_BASE);
  store<i64>(segment, readEnd, SEG_READ_END);
  store<i64>(segment, writeEnd, SEG_WRITE_END);
  store<u32>(segment, 0, SEG_START);
  store<u32>(segment, limit, SEG_LIMIT);
  store<u32>(segment, selector, SEG_SELECTOR);
  store<u32>(segment, attributes, SEG_ATTRIBUTES);
}
