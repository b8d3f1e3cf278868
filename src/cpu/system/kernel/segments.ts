/** Loads of data segment registers [SDM2 MOV, POP], [SDM3 5.6]. */
import { CR, EFLAGS } from '../../layout';
import { CR0_PE, DS, EFLAGS_VM, ES, FS, GS } from '../../registers';
import {
  ACCESSED, attributesOf, baseOf, CODE, currentLevel, descriptor, EXPAND_DOWN, FULL, isFlat, levelOf, limitOf, P, S, segment, SELECTOR_RPL, set, WRITABLE,
} from './descriptors';

export function load_data_segment(cpu: i32, n: i32, selector: i32): i32 {
  if ((load<i32>(cpu, CR) & CR0_PE) == 0 || load<i32>(cpu, EFLAGS) & EFLAGS_VM) return 0;
  const at = segment(cpu, n);
  if (n != FS && n != GS && ((n != DS && n != ES) || !isFlat(at))) return 0;
  selector &= 0xffff;
  if ((selector & ~SELECTOR_RPL) == 0) {
    if (n != FS && n != GS) return 0;
    set(at, selector, 0, 0, 0, 0, 0);
    return 1;
  }
  const from = descriptor(cpu, selector);
  if (from == 0) return 0;
  const low = load<u32>(from);
  const high = load<u32>(from, 4);
  if ((high & (P | S | CODE | EXPAND_DOWN | ACCESSED)) != (P | S | ACCESSED)) return 0;
  if (max(currentLevel(cpu), selector & SELECTOR_RPL) > levelOf(high)) return 0;
  const base = baseOf(low, high);
  const limit = limitOf(low, high);
  const end = <i64>limit + 1;
  const writeEnd = high & WRITABLE ? end : 0;
  if (n != FS && n != GS && (base != 0 || writeEnd != FULL)) return 0;
  set(at, selector, base, limit, attributesOf(high), end, writeEnd);
  return 1;
}
