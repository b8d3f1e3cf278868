/**
 * FXSAVE, FXRSTOR and the XSAVE family where the TLB does not serve their area: device memory, faults, breakpoints, pages with code. The bytes go
 * by way of a buffer, on which the system kernel works. A store probes its whole range and a load reads it all before any state changes. Left to
 * the body: the segment's limits and all that is looked at before memory.
 */
import { type CpuContext, HELPER_NEXT } from '../context.ts';
import { fault } from '../fault.ts';
import * as L from '../layout.ts';
import { VECTOR_GP } from '../registers.ts';
import { AREA_AVX, AREA_HEADER, AREA_STORED, STATE_AVX } from '../system/area-forms.ts';
import { probe, readBytes, writeBytes } from './environment-helpers.ts';

/** Functions of the system kernel. */
export interface AreaKernel {
  move_area(cpu: number, at: number, form: number): number;
  area_bytes(cpu: number, form: number): number;
}

/** Returns HELPER_NEXT. */
export function moveState(cpu: CpuContext, kernel: AreaKernel, linear: number, form: number): number {
  const { state } = cpu;
  const buffer = state.base + L.STATE_AREA;
  const fetch = (from: number, to: number): void => state.arena.u8.set(readBytes(cpu, linear + from, to - from), buffer + from);
  const bytes = kernel.area_bytes(state.base, form);
  const legacy = Math.min(bytes, AREA_AVX);
  const stored = (form & AREA_STORED) !== 0;
  if (stored) probe(cpu, linear, bytes);
  fetch(0, legacy);
  // AVX state that the area does not hold is not read.
  const present = stored ? STATE_AVX : state.getU32(L.STATE_AREA + AREA_HEADER);
  if (bytes > legacy && present & STATE_AVX) fetch(legacy, bytes);
  if (kernel.move_area(state.base, buffer, form) === 0) fault(VECTOR_GP, 0);
  if (stored) writeBytes(cpu, linear, state.arena.u8.slice(buffer, buffer + bytes));
  return HELPER_NEXT;
}
