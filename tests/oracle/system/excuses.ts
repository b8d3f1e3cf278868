/** Differences of system cases that are QEMU's own, by reason. */
import type { Encoding } from '../generate.ts';
import * as R from '../record.ts';
import type { Case } from './world.ts';

export interface Situation {
  readonly c: Case;
  readonly e: Encoding;
  /** Vectors whose handlers are entered, there and here. */
  readonly there: number | undefined;
  readonly here: number | undefined;
  readonly fields: readonly string[];
  /** Where the emulator goes on. */
  readonly eip: number;
}

const DOUBLE_FAULT = 8;
const PAGE_FAULT = 14;
/** Of a segment's limit or type; on a bad stack that becomes a double fault. */
const IN_SEGMENTS = [DOUBLE_FAULT, 12, 13];
const CS = 1;
const FS = 4;
const CR0_RESERVED = 0x1ffaffc0;

/** `field` is of CR0, and of reserved bits alone. */
function inReservedBits(field: string): boolean {
  const [, here, there] = /^CR0 ([0-9a-f]+) instead of ([0-9a-f]+)$/.exec(field) ?? [];
  return here !== undefined && there !== undefined && ((Number.parseInt(here, 16) ^ Number.parseInt(there, 16)) & ~CR0_RESERVED) === 0;
}

export function excuse({ c, e, here, there, fields, eip }: Situation): string | undefined {
  const { mnemonic } = e.row;
  const all = (pattern: RegExp): boolean => fields.every((f) => pattern.test(f));
  if (here !== there && here !== undefined && IN_SEGMENTS.includes(here)) return 'QEMU checks no segment limits and types';
  if (here === DOUBLE_FAULT && (e.segmentOverride === CS || e.segmentOverride >= FS || c.kind.mode !== 0) && all(/^memory/)) return 'QEMU checks no segment limits and types';
  if (e.repeat !== 0 && eip === c.eip && all(/^EFLAGS/)) return 'the flags of an iteration are set aside for an event that comes';
  if (all(/^memory 20[0-2]... /)) return 'bits of page tables: QEMU reads, and tries to write, before it checks';
  if (/^CL(FLUSH|WB)/.test(mnemonic)) return 'QEMU does nothing for CLFLUSH';
  if (here === PAGE_FAULT && /^(CMPS.|PUSHA|POPA)$/.test(mnemonic)) return 'QEMU accesses in another order';
  if (/^RET(_FAR)?$/.test(mnemonic) && e.immediate & 0x8000) return 'QEMU sign-extends the count of RET';
  if (/^(MOVBE|CRC32)$/.test(mnemonic) && c.kind.mode !== R.MODE_FLAT32) return 'QEMU takes 66 for an operand of 16 bits in 16-bit code too';
  if (fields.every(inReservedBits)) return 'QEMU keeps reserved bits of CR0, which stay clear [SDM3 2.5]';
  if (here === there && (here === PAGE_FAULT || here === DOUBLE_FAULT) && /^S[GI]DT$/.test(mnemonic) && all(/^memory/)) return 'QEMU stores a part before it faults';
  if (mnemonic === 'BSWAP' && e.osize === 16) return 'undefined result';
  return undefined;
}
