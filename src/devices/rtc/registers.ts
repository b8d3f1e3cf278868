/** Registers of the MC146818A and the PC's use of its memory [MC146818A datasheet; SeaBIOS and QEMU for 2Fh and above]. */

export const PORT_RTC = 0x70;

export const RTC_SECONDS = 0x00, RTC_SECONDS_ALARM = 0x01, RTC_MINUTES = 0x02, RTC_MINUTES_ALARM = 0x03, RTC_HOURS = 0x04;
export const RTC_HOURS_ALARM = 0x05, RTC_DAY_OF_WEEK = 0x06, RTC_DAY_OF_MONTH = 0x07, RTC_MONTH = 0x08, RTC_YEAR = 0x09;
export const RTC_A = 0x0a, RTC_B = 0x0b, RTC_C = 0x0c, RTC_D = 0x0d, RTC_CENTURY = 0x32;

export const A_UIP = 0x80, A_DV = 0x70, A_DV_32KHZ = 0x20, A_DV_RESET = 0x60, A_RS = 0x0f;
export const B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_DM = 0x04, B_24H = 0x02;
export const C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10;
export const D_VRT = 0x80;
export const HOURS_PM = 0x80;
/** An alarm byte with both top bits set matches every value. */
export const ALARM_ANY = 0xc0;

export const CMOS_FLOPPY_TYPES = 0x10, CMOS_EQUIPMENT = 0x14, CMOS_BASE_MEMORY = 0x15, CMOS_EXTENDED_MEMORY = 0x17;
export const CMOS_EXTENDED_MEMORY_2 = 0x30, CMOS_MEMORY_ABOVE_16M = 0x34, CMOS_BOOT_ORDER_3 = 0x38;
export const CMOS_DISK_TRANSLATION = 0x39, CMOS_BOOT_ORDER_1_2 = 0x3d, CMOS_MEMORY_ABOVE_4G = 0x5b, CMOS_CPU_COUNT = 0x5f;
