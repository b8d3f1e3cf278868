/** CRC-32 of what has come out, as gzip and XZ have it [RFC 1952, 8]. */
import type { Workspace } from './kernel-interface.ts';
import { ENOUGH } from './layout.ts';

/** Of the bytes from `start` to before `end`. What the work area held is lost. */
export function crc32({ kernel, work }: Workspace, start: number, end: number): number {
  kernel.start_crc32(work);
  let crc = -1;
  for (let at = start; at < end; at += ENOUGH) crc = kernel.go_on_crc32(crc, at, Math.min(at + ENOUGH, end), work);
  return ~crc >>> 0;
}
