/** What differs between the host's results for 64-bit code and the emulator's, and how reports show it. */
import { EFLAGS_ARITHMETIC } from '../../../src/cpu/registers.ts';
import { flagNames } from '../compare.ts';
import { describeFx, fxDifferences } from '../fx-state.ts';
import type { Undefined } from '../undefined.ts';
import { ENDLESS } from './machine.ts';
import * as R from './record.ts';

const COMPARED_FLAGS = EFLAGS_ARITHMETIC | (1 << 10);
export const BREAKPOINT = 3;
/** The last page below the middle belongs to no program either. */
const LINUX_TASK_SIZE = (1n << 47n) - 4096n;

const hex = (value: bigint): string => value.toString(16);
const registers = (batch: R.Batch, n: number, field: number): string =>
  Array.from({ length: 16 }, (_, i) => hex(batch.u64(n, field + 8 * i))).join(' ');

/** The state before, for a report. */
export function stateBefore(batch: R.Batch, n: number): string {
  const bases = `FS ${hex(batch.u64(n, R.FS_BASE))} GS ${hex(batch.u64(n, R.FS_BASE + 8))}`;
  return `${registers(batch, n, R.REGISTERS)} rip ${hex(batch.u64(n, R.RIP))} ${flagNames(batch.u32(n, R.EFLAGS))} ${bases}`;
}

/** The state after, for a report. */
export function stateAfter(batch: R.Batch, n: number): string {
  const changed = batch.u32(n, R.DIFFERENCES);
  const some = Array.from({ length: Math.min(changed, 8) }, (_, i) => {
    const d = batch.u32(n, R.DIFFERENCE + 4 * i);
    return `+${(d >>> 8).toString(16)}=${(d & 255).toString(16)}`;
  });
  const fault = `vector ${batch.u32(n, R.VECTOR)} error ${batch.u32(n, R.ERROR).toString(16)} cr2 ${hex(batch.u64(n, R.CR2))}`;
  const flags = flagNames(batch.u32(n, R.EFLAGS_AFTER));
  return `${registers(batch, n, R.REGISTERS_AFTER)} rip ${hex(batch.u64(n, R.RIP_AFTER))} ${flags}; ${fault}; ${changed} bytes ${some.join(' ')}`;
}

/** Linux hides from programs whether an address of the kernel's is mapped. */
function errorOf(batch: R.Batch, n: number): number {
  const error = batch.u32(n, R.ERROR);
  return batch.u64(n, R.CR2) >= LINUX_TASK_SIZE ? error | 1 : error;
}

/** Fields that differ in case `n`; `unknown` is not compared after normal completion, `flagsUnknown` never. */
export function fieldsThatDiffer(host: R.Batch, mine: R.Batch, n: number, unknown: Undefined, flagsUnknown = 0): string[] {
  const vector = host.u32(n, R.VECTOR);
  if (vector === ENDLESS && vector === mine.u32(n, R.VECTOR)) return [];
  if (vector !== mine.u32(n, R.VECTOR)) return [`vector ${vector}, here ${mine.u32(n, R.VECTOR)}`];
  const fields: string[] = [];
  const differs = (field: number, unknownBits = 0) => host.u32(n, field + 4) !== mine.u32(n, field + 4) || ((host.u32(n, field) ^ mine.u32(n, field)) & ~unknownBits) !== 0;
  if (differs(R.RIP_AFTER)) fields.push('rip');
  if (errorOf(host, n) !== errorOf(mine, n)) fields.push('error');
  if (differs(R.CR2)) fields.push('cr2');
  const completed = vector === BREAKPOINT;
  const flags = (host.u32(n, R.EFLAGS_AFTER) ^ mine.u32(n, R.EFLAGS_AFTER)) & COMPARED_FLAGS & ~flagsUnknown & ~(completed ? unknown.flags : 0);
  if (flags !== 0) fields.push(flagNames(flags));
  if (completed && unknown.result) return fields;
  for (let i = 0; i < 16; i++) if (differs(R.REGISTERS_AFTER + 8 * i, unknown.bits)) fields.push(`register ${i}`);
  for (const i of [0, 1]) if (differs(R.FS_BASE_AFTER + 8 * i)) fields.push(`base of ${'FG'[i]}S`);
  if (host.u32(n, R.HASH) !== mine.u32(n, R.HASH)) fields.push('memory');
  fields.push(...fxDifferences(host.fxAfter(n), mine.fxAfter(n), 16));
  const [theirs, ours] = [host.ymm(n, R.YMM_AFTER), mine.ymm(n, R.YMM_AFTER)];
  for (let i = 0; i < 16; i++) if (Buffer.compare(theirs.subarray(16 * i, 16 * i + 16), ours.subarray(16 * i, 16 * i + 16)) !== 0) fields.push(`upper half of YMM${i}`);
  return fields;
}

/** The x87, MMX and SSE state before and after, as far as `fields` names it; nothing when it does not. */
export function fxReport(host: R.Batch, mine: R.Batch, n: number, fields: readonly string[]): string[] {
  if (!fields.some((f) => /^(FCW|FSW|C1|FTW|MXCSR|ST\d|XMM\d+)$/.test(f))) return [];
  return [`  before ${describeFx(mine.fxBefore(n), fields)}`, `  host   ${describeFx(host.fxAfter(n), fields)}`, `  here   ${describeFx(mine.fxAfter(n), fields)}`];
}
