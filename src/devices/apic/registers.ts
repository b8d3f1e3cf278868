/** Registers and fields of the local APIC [SDM3 10.4 to 10.12] and of the I/O APIC [82093AA] [ICH9]. */

export const LOCAL_APIC_BASE = 0xfee00000, LOCAL_APIC_SIZE = 0x1000;
export const IO_APIC_BASE = 0xfec00000;

// Offsets in the local APIC's page [SDM3 table 10-1]. An x2APIC's MSR is 800H plus the offset divided by 16.
export const APIC_ID = 0x020, APIC_VERSION = 0x030, APIC_TPR = 0x080, APIC_APR = 0x090, APIC_PPR = 0x0a0;
export const APIC_EOI = 0x0b0, APIC_LDR = 0x0d0, APIC_DFR = 0x0e0, APIC_SVR = 0x0f0;
export const APIC_ISR = 0x100, APIC_TMR = 0x180, APIC_IRR = 0x200, APIC_ESR = 0x280;
export const APIC_ICR_LOW = 0x300, APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320, APIC_LVT_THERMAL = 0x330;
export const APIC_LVT_PERFORMANCE = 0x340, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370;
export const APIC_INITIAL_COUNT = 0x380, APIC_CURRENT_COUNT = 0x390, APIC_DIVIDE = 0x3e0;
/** Of the x2APIC only. */
export const APIC_SELF_IPI = 0x3f0;

/** Version 14H, with the index of the last local vector table entry [SDM3 10.4.8]. */
export const LOCAL_APIC_VERSION = 0x00050014;
export const SVR_ENABLE = 1 << 8, SVR_WRITABLE = 0x3ff;

// Local vector table and interrupt messages [SDM3 10.5.1, 10.6.1]
export const LVT_MASKED = 1 << 16, LVT_TIMER_MODE_SHIFT = 17;
export const TIMER_ONE_SHOT = 0, TIMER_PERIODIC = 1, TIMER_TSC_DEADLINE = 2;
export const MODE_SHIFT = 8, MODE_FIELD = 7;
export const MODE_FIXED = 0, MODE_LOWEST_PRIORITY = 1, MODE_NMI = 4, MODE_EXTINT = 7;
export const DESTINATION_LOGICAL = 1 << 11, TRIGGER_LEVEL = 1 << 15;
export const SHORTHAND_SHIFT = 18, SHORTHAND_SELF = 1, SHORTHAND_ALL = 2, SHORTHAND_OTHERS = 3;

// Error status register [SDM3 10.5.3]
export const ESR_SEND_ILLEGAL_VECTOR = 1 << 5, ESR_RECEIVED_ILLEGAL_VECTOR = 1 << 6, ESR_ILLEGAL_REGISTER = 1 << 7;
/** Vectors below are reserved. */
export const LOWEST_VECTOR = 16;
export const DFR_FLAT = 0xf;

// IA32_APIC_BASE [SDM3 10.4.4, 10.12.1]
export const APIC_BASE_BSP = 1n << 8n, APIC_BASE_EXTD = 1n << 10n, APIC_BASE_ENABLE = 1n << 11n;

// I/O APIC
export const IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40;
export const IOAPIC_ID = 0x00, IOAPIC_VERSION = 0x01, IOAPIC_ARB = 0x02, IOAPIC_REDIRECTION = 0x10;
export const IOAPIC_PINS = 24;
/** Version 20H has an EOI register; bits 16 to 23 are the index of the last entry. */
export const IOAPIC_VERSION_VALUE = 0x20 | ((IOAPIC_PINS - 1) << 16);
export const REDIRECTION_MASKED = 1 << 16, REDIRECTION_REMOTE_IRR = 1 << 14;
/** All but delivery status, remote IRR and the reserved bits. */
export const REDIRECTION_WRITABLE = 0x1afff;
