/**
 * SYSENTER and SYSEXIT between flat code of 32 bits at levels 3 and 0 [SDM2 SYSENTER, SYSEXIT], SYSCALL and SYSRET between code
 * of 64 bits [SDM2 SYSCALL, SYSRET]: the mode key stays as it is.
 */
import {
  CR, EFER, EFLAGS, INTERRUPT_WAITS, SEG_ATTRIBUTES, SEG_READ_END, SEG_SELECTOR, SEG_WRITE_END, STAR, SYSENTER_CS, TLB_ACTIVE, TLB_SUPERVISOR, TLB_USER,
} from '../../layout';
import { CR0_AM, CR4_SMAP, CS, EFER_SCE, EFLAGS_AC, EFLAGS_IF, EFLAGS_TF, SS } from '../../registers';
import { currentLevel, DPL_SHIFT, FULL, isFlatCode, segment, set } from './descriptors';

const CR4 = CR + 4 * 8;
/** Present, accessed, of 4 GiB and 32 bits; readable code, writable data [SDM2 SYSENTER]. */
const CODE_ATTRIBUTES = 0xc09b, DATA_ATTRIBUTES = 0xc093;
/** The same for code of 64 bits: L in the place of D. */
const CODE64_ATTRIBUTES = 0xa09b;
/** Addresses whose upper 17 bits are the same are canonical [SDM1 3.3.7.1]. */
const NOT_ADDRESS: i64 = 16;

/** The selector of the code segment of level 0; 0 where this is not the common case. */
function selectorOf(cpu: i32): i32 {
  if (!isFlatCode(cpu) || load<i32>(cpu, CR4) & CR4_SMAP) return 0;
  return load<i32>(cpu, SYSENTER_CS) & 0xfffc;
}

/** CS and SS are flat already: only what depends on the level changes. */
function enterLevel(cpu: i32, level: i32, code: i32, stack: i32): void {
  const dpl = level << DPL_SHIFT;
  const cs = segment(cpu, CS);
  store<u32>(cs, code, SEG_SELECTOR);
  store<u32>(cs, CODE_ATTRIBUTES | dpl, SEG_ATTRIBUTES);
  store<i64>(cs, FULL, SEG_READ_END);
  store<i64>(cs, 0, SEG_WRITE_END);
  const ss = segment(cpu, SS);
  store<u32>(ss, stack, SEG_SELECTOR);
  store<u32>(ss, DATA_ATTRIBUTES | dpl, SEG_ATTRIBUTES);
  store<i32>(cpu, cpu + (level == 3 ? TLB_USER : TLB_SUPERVISOR), TLB_ACTIVE);
}

export function sysenter(cpu: i32): i32 {
  const selector = selectorOf(cpu);
  if (selector == 0) return 0;
  store<i32>(cpu, load<i32>(cpu, EFLAGS) & ~EFLAGS_IF, EFLAGS);
  enterLevel(cpu, 0, selector, selector + 8);
  return 1;
}

export function sysexit(cpu: i32): i32 {
  const selector = selectorOf(cpu);
  const level = currentLevel(cpu);
  const checksAlignment = load<i32>(cpu, CR) & CR0_AM && load<i32>(cpu, EFLAGS) & EFLAGS_AC;
  if (selector == 0 || level != 0 || checksAlignment) return 0;
  enterLevel(cpu, 3, (selector + 16) | 3, (selector + 24) | 3);
  return 1;
}

function enterCode64(cpu: i32, level: i32, code: i32, stack: i32): void {
  const dpl = level << DPL_SHIFT;
  set(segment(cpu, CS), (code | level) & 0xffff, 0, 0xffffffff, CODE64_ATTRIBUTES | dpl, FULL, 0);
  set(segment(cpu, SS), (stack | level) & 0xffff, 0, 0xffffffff, DATA_ATTRIBUTES | dpl, FULL, FULL);
  store<i32>(cpu, cpu + (level == 3 ? TLB_USER : TLB_SUPERVISOR), TLB_ACTIVE);
}

export function syscall(cpu: i32): i32 {
  if ((load<i32>(cpu, EFER) & EFER_SCE) == 0 || load<i32>(cpu, EFLAGS) & EFLAGS_TF) return 0;
  const selector = <i32>load<u16>(cpu, STAR + 4) & 0xfffc;
  enterCode64(cpu, 0, selector, selector + 8);
  return 1;
}

export function sysret(cpu: i32, rip: i64, flags: i32): i32 {
  const level = currentLevel(cpu);
  const old = load<i32>(cpu, EFLAGS);
  if (level != 0 || (load<i32>(cpu, EFER) & EFER_SCE) == 0 || ((rip << NOT_ADDRESS) >> NOT_ADDRESS) != rip) return 0;
  if ((old | flags) & EFLAGS_TF) return 0;
  // What the supervisor's entries know of user pages, and accesses that are checked for alignment, take other ways.
  if (load<i32>(cpu, CR4) & CR4_SMAP && old & EFLAGS_AC) return 0;
  if (load<i32>(cpu, CR) & CR0_AM && flags & EFLAGS_AC) return 0;
  if (flags & ~old & EFLAGS_IF && load<i32>(cpu, INTERRUPT_WAITS)) return 0;
  const selector = <i32>load<u16>(cpu, STAR + 6);
  enterCode64(cpu, 3, selector + 16, selector + 8);
  return 1;
}
