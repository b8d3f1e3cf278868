/** Where the high precision event timers are [HPET 3.2.4]. */
import { HPET_BASE, HPET_ID } from '../hpet.ts';
import { table, words } from './sdt.ts';

export function hpetTable(): Uint8Array {
  // A generic address: memory, 64-bit registers; then number and smallest tick of a periodic interrupt, no page protection.
  return table('HPET', 1, Uint8Array.from([...words(HPET_ID), 0, 64, 0, 0, ...words(HPET_BASE, 0), 0, 0, 0, 0]));
}
