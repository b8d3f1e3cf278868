/** FXSAVE, FXRSTOR and the XSAVE family [SDM2]: the leaf kernel moves the area, the helper where the TLB does not serve it. */
import * as L from '../../cpu/layout.ts';
import { CR0_TS, CR4_OSXSAVE, CS, VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../../cpu/registers.ts';
import { AREA_AVX, AREA_COMPACTED, AREA_STORED, AREA_WIDE, AREA_XSAVE } from '../../cpu/system/area-forms.ts';
import { SYSTEM_KERNEL_TYPES } from '../../cpu/system/kernel-interface.ts';
import type { Body, I64, Ops } from '../ops.ts';
import { requireAligned } from './sse-operands.ts';

const FXSAVE_BYTES = 512;
const DPL = 3 << 5;

/** The segment is checked here, by the ends of what all forms have. */
function move(o: Ops, form: number, bytes: number): void {
  const first = o.offset(0);
  for (const at of [first, o.add(first, o.constantLike(first, bytes - 1))]) {
    if (form & AREA_STORED) o.probeStore('operand', at, 1);
    else o.load('operand', at, 'u8');
  }
  const all = o.i32(o.osize === 64 ? form | AREA_WIDE : form);
  const moved = o.kernel('move_state', SYSTEM_KERNEL_TYPES.move_state.result, o.fit(o.linear(0), 64) as I64, all);
  o.e.if(o.eqz(moved), () => o.helper('MOVE_STATE', o.address(o.linear(0)), all));
}

const fxArea = (form: number): Body => (o) => {
  requireAligned(o, 0);
  move(o, form, FXSAVE_BYTES);
};

const xsaveArea = (form: number, privileged = false): Body => (o) => {
  o.raiseIf(o.eqz(o.and(o.stateLoad('i32', L.CR + 4 * 8), o.i32(CR4_OSXSAVE))), VECTOR_UD);
  if (privileged) o.raiseIf(o.and(o.stateLoad('i32', L.SEGMENTS + CS * L.SEGMENT_SIZE + L.SEG_ATTRIBUTES), o.i32(DPL)), VECTOR_GP, 0);
  o.raiseIf(o.and(o.stateLoad('i32', L.CR), o.i32(CR0_TS)), VECTOR_NM);
  requireAligned(o, 0, 64);
  move(o, form | AREA_XSAVE, AREA_AVX);
};

export const areaBodies: Record<string, Body> = {
  FXSAVE: fxArea(AREA_STORED), FXRSTOR: fxArea(0),
  XSAVE: xsaveArea(AREA_STORED), XSAVEOPT: xsaveArea(AREA_STORED), XSAVEC: xsaveArea(AREA_STORED | AREA_COMPACTED), XRSTOR: xsaveArea(0),
  XSAVES: xsaveArea(AREA_STORED | AREA_COMPACTED, true), XRSTORS: xsaveArea(AREA_COMPACTED, true),
};
