/** One access to guest memory, inline: segment limit, TLB tag, and the slow path for everything that the TLB does not serve. */
import * as L from '../cpu/layout.ts';
import { SS } from '../cpu/registers.ts';
import type { I32, Int, SegmentChoice } from '../isa/ops.ts';
import type { RecordOps } from './record-ops.ts';
import * as R from './record.ts';

/** `modify`: a write whose old value is read; `probe`: a write that stores nothing. */
export type AccessKind = 'read' | 'write' | 'modify' | 'probe';

export interface Access {
  readonly segment: SegmentChoice;
  readonly offset: Int;
  readonly bytes: number;
  readonly kind: AccessKind;
  /** For `write`: stores at the host address. */
  readonly store?: (host: I32) => void;
}

const VECTOR_SS = 12;
const VECTOR_GP = 13;

/** Address of a segment register's cached descriptor. */
export function segmentPointer(o: RecordOps, segment: SegmentChoice): I32 {
  if (typeof segment === 'number') return o.add(o.cpu, o.i32(L.SEGMENTS + segment * L.SEGMENT_SIZE));
  const number = o.recordLoad('u8', R.REC_SEGMENT);
  return o.add(o.add(o.cpu, o.mul(number, o.i32(L.SEGMENT_SIZE))), o.i32(L.SEGMENTS));
}

function isStack(o: RecordOps, segment: SegmentChoice): I32 {
  return typeof segment === 'number' ? o.i32(segment === SS ? 1 : 0) : o.eq(o.recordLoad('u8', R.REC_SEGMENT), o.i32(SS));
}

/** Emits the access; gives the host address (of the bytes themselves, or of the bounce buffer that holds them). */
export function access(o: RecordOps, a: Access): I32 {
  if (!o.long && !o.isFlat(a.segment)) checkLimit(o, a);
  return o.serve(o.throughBase(a.segment, a.offset), a);
}

function checkLimit(o: RecordOps, a: Access): void {
  const { e } = o;
  const { segment } = a;
  const offset = a.offset as I32;
  const pointer = segmentPointer(o, segment);
  const end = e.load('i64', pointer, a.kind === 'read' ? L.SEG_READ_END : L.SEG_WRITE_END);
  const past = o.gtU(o.add(o.toI64(offset), o.i64(a.bytes)), end);
  const before = o.ltU(offset, e.load('i32', pointer, L.SEG_START));
  e.ifRarely(o.or(past, before), () => o.raiseValue(o.select(isStack(o, segment), o.i32(VECTOR_SS), o.i32(VECTOR_GP)), 0));
}
