/**
 * MXCSR, and the exceptions that one instruction gathers over its elements [SDM1 10.2.3, 11.5]. The module's variables are
 * temporaries of a single call, as in the x87 kernel.
 */
import { MXCSR, SSE_UNMASKED } from '../../layout';

// MXCSR [SDM1 figure 10-3]; the masks of the six exceptions lie `MASK_SHIFT` above their flags.
export const IE = 1 << 0;
export const DE = 1 << 1;
export const ZE = 1 << 2;
export const OE = 1 << 3;
export const UE = 1 << 4;
export const PE = 1 << 5;
const DAZ = 1 << 6;
const MASK_SHIFT = 7;
const EXCEPTIONS = 0x3f;
const RC_SHIFT = 13;
const FTZ = 1 << 15;

export const RC_NEAREST = 0;
export const RC_DOWN = 1;
export const RC_UP = 2;
export const RC_CHOP = 3;

let control: i32 = 0;
/** Found before computing (IE, DE, ZE), and by it (OE, UE, PE). */
let before: i32 = 0;
let after: i32 = 0;

/** Starts an instruction. */
export function begin(cpu: i32): void {
  control = load<u32>(cpu, MXCSR);
  before = 0;
  after = 0;
}

/**
 * Ends it: flags accumulate, and the unmasked ones go to `SSE_UNMASKED`. An unmasked exception found before computing, in
 * any element, keeps all elements from being computed [SDM1 11.5.3].
 */
export function finish(cpu: i32): void {
  const unmasked = ~(control >> MASK_SHIFT) & EXCEPTIONS;
  if (before & unmasked) after = 0;
  const raised = before | after;
  store<u32>(cpu, control | raised, MXCSR);
  store<u32>(cpu, raised & unmasked, SSE_UNMASKED);
}

export function raiseBefore(exceptions: i32): void {
  before |= exceptions;
}

export function raiseAfter(exceptions: i32): void {
  after |= exceptions;
}

export function masked(exception: i32): bool {
  return ((control >> MASK_SHIFT) & exception) != 0;
}

export function roundingControl(): i32 {
  return (control >> RC_SHIFT) & 3;
}

export function denormalsAreZeros(): bool {
  return (control & DAZ) != 0;
}

export function flushesToZero(): bool {
  return (control & FTZ) != 0;
}
