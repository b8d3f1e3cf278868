/** The memory map that firmware would report (E820), for entries that bypass firmware. */

import { FOUR_GIB, ramLayout } from '../../memory/ram-layout.ts';

export const E820_RAM = 1;
export const E820_RESERVED = 2;

export interface MemoryRange {
  readonly base: number;
  readonly size: number;
  readonly type: typeof E820_RAM | typeof E820_RESERVED;
}

/** Start of the extended BIOS data area, below 640 KiB: the end of conventional memory. */
export const EBDA_BASE = 0x9fc00;
/** Where firmware's tables lie: ACPI's in direct boots. */
export const FIRMWARE_BASE = 0xe0000;
export const HIGH_MEMORY = 0x100000;

export function memoryMap(ramBytes: number): readonly MemoryRange[] {
  const map: MemoryRange[] = [
    { base: 0, size: EBDA_BASE, type: E820_RAM },
    { base: EBDA_BASE, size: 0xa0000 - EBDA_BASE, type: E820_RESERVED },
    { base: FIRMWARE_BASE, size: HIGH_MEMORY - FIRMWARE_BASE, type: E820_RESERVED },
  ];
  const { below, above } = ramLayout(ramBytes);
  if (below > HIGH_MEMORY) map.push({ base: HIGH_MEMORY, size: below - HIGH_MEMORY, type: E820_RAM });
  map.push({ base: 0xfffc0000, size: 0x40000, type: E820_RESERVED });
  if (above > 0) map.push({ base: FOUR_GIB, size: above, type: E820_RAM });
  return map;
}
