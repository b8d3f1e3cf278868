/**
 * MXCSR, and the exceptions that one instruction gathers over its elements [SDM1 10.2.3, 11.5]. The module's variables are
 * temporaries of a single call, as in the x87 kernel.
 */
import { MXCSR, SSE_JOINED, SSE_UNMASKED } from '../../layout';

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
/** The same but for what an instruction says itself. */
let mode: i32 = 0;
/** Found before computing (IE, DE, ZE), and by it (OE, UE, PE). */
let before: i32 = 0;
let after: i32 = 0;

let joined: bool = false;

/** From here on calls are parts of one instruction, until `part`. */
export function join(cpu: i32): void {
  if (joined) return;
  begin(cpu);
  joined = true;
  store<u32>(cpu, 1, SSE_JOINED);
}
export function part(cpu: i32): void {
  joined = false;
  store<u32>(cpu, 0, SSE_JOINED);
  finish(cpu);
}

/** Starts an instruction, or a part of one. */
export function begin(cpu: i32): void {
  if (joined) {
    mode = control;
    return;
  }
  control = load<u32>(cpu, MXCSR);
  mode = control;
  before = 0;
  after = 0;
}

/**
 * Ends it: flags accumulate, and the unmasked ones go to `SSE_UNMASKED`. An unmasked exception found before computing, in
 * any element, keeps all elements from being computed [SDM1 11.5.3].
 */
export function finish(cpu: i32): void {
  if (joined) return;
  const unmasked = ~(control >> MASK_SHIFT) & EXCEPTIONS;
  if (before & unmasked) after = 0;
  const raised = before | after;
  store<u32>(cpu, control | raised, MXCSR);
  store<u32>(cpu, raised & unmasked, SSE_UNMASKED);
}

/** From here on the instruction rounds so, and neither takes denormals for zeros nor makes zeros of them. */
export function useRounding(rc: i32): void {
  mode = (mode & ~((3 << RC_SHIFT) | DAZ | FTZ)) | (rc << RC_SHIFT);
}

/** Back to what MXCSR says. */
export function ownRounding(): void {
  mode = control;
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
  return (mode >> RC_SHIFT) & 3;
}

export function denormalsAreZeros(): bool {
  return (mode & DAZ) != 0;
}

export function flushesToZero(): bool {
  return (mode & FTZ) != 0;
}
