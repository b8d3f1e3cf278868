/** What the battery-backed memory holds for the firmware: SeaBIOS learns memory size and boot order from it. */
import {
  CMOS_BASE_MEMORY, CMOS_BOOT_ORDER_1_2, CMOS_BOOT_ORDER_3, CMOS_CPU_COUNT, CMOS_DISK_TRANSLATION, CMOS_EQUIPMENT,
  CMOS_EXTENDED_MEMORY, CMOS_EXTENDED_MEMORY_2, CMOS_FLOPPY_TYPES, CMOS_MEMORY_ABOVE_16M, CMOS_MEMORY_ABOVE_4G,
} from './registers.ts';

export type BootDevice = 'floppy' | 'disk' | 'cdrom' | 'network';
const BOOT_CODES: Readonly<Record<BootDevice, number>> = { floppy: 1, disk: 2, cdrom: 3, network: 4 };

/** Floppy drive types: 0 none, 1 360 KiB, 2 1.2 MiB, 3 720 KiB, 4 1.44 MiB, 5 2.88 MiB. */
export type FloppyType = 0 | 1 | 2 | 3 | 4 | 5;

export interface CmosOptions {
  /** RAM below 4 GiB, in bytes. */
  readonly ramBytes: number;
  /** RAM above 4 GiB, in bytes. Default: 0. */
  readonly ramAbove4GBytes?: number;
  /** Up to three devices, in the order in which the firmware tries them. */
  readonly bootOrder: readonly BootDevice[];
  readonly floppies?: readonly FloppyType[];
  /** Sizes of the four IDE drives in sectors (undefined: no drive), which choose the BIOS's disk translation. */
  readonly diskSectors?: readonly (number | undefined)[];
  /** Default: 1. */
  readonly cpus?: number;
}

const KIB = 1024, MIB = 1 << 20, BLOCK = 64 * KIB;
const BASE_MEMORY_KIB = 640;
const EQUIPMENT_FPU = 0x02, EQUIPMENT_MOUSE = 0x04, EQUIPMENT_FLOPPY = 0x01;
/** Larger disks than 1024 cylinders of 16 heads and 63 sectors need LBA translation. */
const UNTRANSLATED_SECTORS = 1024 * 16 * 63;
const TRANSLATION_LBA = 1;

/** The bytes by index; all others are zero. */
export function cmosNvram(options: CmosOptions): Map<number, number> {
  const nvram = new Map<number, number>();
  const put = (index: number, value: number, bytes: number): void => {
    for (let i = 0; i < bytes; i++) nvram.set(index + i, Math.floor(value / 256 ** i) & 0xff);
  };
  const extendedKib = Math.min(Math.max(options.ramBytes - MIB, 0) / KIB, 0xffff);
  put(CMOS_BASE_MEMORY, BASE_MEMORY_KIB, 2);
  put(CMOS_EXTENDED_MEMORY, Math.floor(extendedKib), 2);
  put(CMOS_EXTENDED_MEMORY_2, Math.floor(extendedKib), 2);
  put(CMOS_MEMORY_ABOVE_16M, Math.min(Math.floor(Math.max(options.ramBytes - 16 * MIB, 0) / BLOCK), 0xffff), 2);
  put(CMOS_MEMORY_ABOVE_4G, Math.floor((options.ramAbove4GBytes ?? 0) / BLOCK), 3);
  put(CMOS_CPU_COUNT, (options.cpus ?? 1) - 1, 1);

  const [first = 0, second = 0, third = 0] = options.bootOrder.map((device) => BOOT_CODES[device]);
  put(CMOS_BOOT_ORDER_1_2, first | (second << 4), 1);
  put(CMOS_BOOT_ORDER_3, third << 4, 1);

  const [a = 0, b = 0] = options.floppies ?? [];
  const drives = [a, b].filter((type) => type !== 0).length;
  put(CMOS_FLOPPY_TYPES, (a << 4) | b, 1);
  const floppyBits = drives === 0 ? 0 : EQUIPMENT_FLOPPY | ((drives - 1) << 6);
  put(CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE | floppyBits, 1);

  let translation = 0;
  (options.diskSectors ?? []).forEach((sectors, drive) => {
    if ((sectors ?? 0) > UNTRANSLATED_SECTORS) translation |= TRANSLATION_LBA << (2 * drive);
  });
  put(CMOS_DISK_TRANSLATION, translation, 1);
  return nvram;
}
