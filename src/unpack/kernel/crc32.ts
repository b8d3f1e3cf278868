/** CRC-32 [RFC 1952, 8], eight bytes at a time: each by the table of what it is worth that many bytes later. */
import { WORK_TABLES } from '../layout';

const POLYNOMIAL: u32 = 0xedb88320;
const TABLE_BYTES: i32 = 1024;

export function start_crc32(work: i32): void {
  const tables = work + WORK_TABLES;
  for (let n = 0; n < 256; n++) {
    let remainder = <u32>n;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
    store<u32>(tables + (n << 2), remainder);
  }
  for (let at = tables; at < tables + 7 * TABLE_BYTES; at += 4) {
    const before = load<u32>(at);
    store<u32>(at, (before >>> 8) ^ load<u32>(tables + ((before & 255) << 2)), TABLE_BYTES);
  }
}

// @ts-ignore: decorator
@inline
function later(tables: i32, bytes: i32, value: u64, shift: u64): u32 {
  return load<u32>(tables + bytes * TABLE_BYTES + (<i32>((value >> shift) & 255) << 2));
}

export function go_on_crc32(crc: u32, at: i32, end: i32, work: i32): u32 {
  const tables = work + WORK_TABLES;
  for (; at + 8 <= end; at += 8) {
    const value = load<u64>(at) ^ <u64>crc;
    crc = later(tables, 7, value, 0) ^ later(tables, 6, value, 8) ^ later(tables, 5, value, 16) ^ later(tables, 4, value, 24)
      ^ later(tables, 3, value, 32) ^ later(tables, 2, value, 40) ^ later(tables, 1, value, 48) ^ later(tables, 0, value, 56);
  }
  for (; at < end; at++) crc = later(tables, 0, <u64>(crc ^ <u32>load<u8>(at)), 0) ^ (crc >>> 8);
  return crc;
}
