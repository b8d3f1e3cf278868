/** Stores to frames that code was made from (src/interp/record.ts). */
import { CODE_LINES, TLB_ADDEND, TLB_CODE, TLB_WRITE } from '../../layout';
import { CODE_LINES_ENTRIES, CODE_LINES_SIZE, LINE_SHIFT, LINES_BITS, LINES_FRAME } from '../../../interp/record';

export function beside_code(cpu: i32, linear: i32, entry: i32, bytes: i32): i32 {
  if (load<i32>(entry, TLB_WRITE) != ((linear & ~0xfff) | TLB_CODE)) return 0;
  return unmade(cpu, linear + load<i32>(entry, TLB_ADDEND), bytes);
}

export function beside_code64(cpu: i32, linear: i64, entry: i32, bytes: i32): i32 {
  if (load<i64>(entry, TLB_WRITE) != ((linear & ~0xfff) | TLB_CODE)) return 0;
  return unmade(cpu, <i32>linear + load<i32>(entry, TLB_ADDEND), bytes);
}

/** The address of the bytes, if no code was made from their lines; else, and where that is not known, 0. */
function unmade(cpu: i32, host: i32, bytes: i32): i32 {
  const offset = host & 0xfff;
  const end = offset + bytes - 1;
  if (end > 0xfff) return 0;
  const lines = load<i32>(cpu, CODE_LINES) + ((host >>> 12) & (CODE_LINES_ENTRIES - 1)) * CODE_LINES_SIZE;
  if (load<i32>(lines, LINES_FRAME) != (host & ~0xfff)) return 0;
  for (let line = offset >> LINE_SHIFT; line <= end >> LINE_SHIFT; line++) {
    if ((<i32>load<u8>(lines + (line >> 3), LINES_BITS) >> (line & 7)) & 1) return 0;
  }
  return host;
}
