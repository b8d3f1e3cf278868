/**
 * Conversion between the virtual clock's nanoseconds and the cycles of a crystal, exact for years of virtual time: whole
 * seconds are kept apart, so that no product leaves the 53 bits of a number (good for crystals up to 9 MHz).
 */
import { type Ticks, ticks } from '../memory/address.ts';

const NS_PER_SECOND = 1e9;

/** Whole cycles that have passed at `now`. */
export function cyclesAt(now: Ticks, hz: number): number {
  const seconds = Math.floor(now / NS_PER_SECOND);
  return seconds * hz + Math.floor(((now - seconds * NS_PER_SECOND) * hz) / NS_PER_SECOND);
}

/** The first nanosecond at which `cycles` cycles have passed: the inverse of `cyclesAt`. */
export function timeOfCycle(cycles: number, hz: number): Ticks {
  const seconds = Math.floor(cycles / hz);
  return ticks(seconds * NS_PER_SECOND + Math.ceil(((cycles - seconds * hz) * NS_PER_SECOND) / hz));
}
