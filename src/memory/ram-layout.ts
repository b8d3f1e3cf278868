/** Where RAM lies in a PC's address space: below the hole for devices, and what is left from 4 GiB on. */

/** The hole for PCI memory and the chipset ends at 4 GiB. */
export const FOUR_GIB = 2 ** 32;
/** RAM below the hole; what more there is goes above it. */
export const LOW_RAM_LIMIT = 3 * 2 ** 30;

export interface RamLayout {
  /** Bytes from address 0 on. */
  readonly below: number;
  /** Bytes from 4 GiB on. */
  readonly above: number;
}

export function ramLayout(ramBytes: number): RamLayout {
  const below = Math.min(ramBytes, LOW_RAM_LIMIT);
  return { below, above: ramBytes - below };
}
