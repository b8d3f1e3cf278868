/** Configuration space header, type 0 [PCI 2.1, chapter 6]. */

export const PCI_VENDOR_ID = 0x00, PCI_DEVICE_ID = 0x02, PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_REVISION_ID = 0x08;
export const PCI_CLASS_PROG = 0x09, PCI_CLASS_DEVICE = 0x0a, PCI_CACHE_LINE_SIZE = 0x0c, PCI_LATENCY_TIMER = 0x0d;
export const PCI_HEADER_TYPE = 0x0e, PCI_BASE_ADDRESS_0 = 0x10, PCI_SUBSYSTEM_VENDOR_ID = 0x2c, PCI_SUBSYSTEM_ID = 0x2e;
export const PCI_ROM_ADDRESS = 0x30, PCI_CAPABILITY_LIST = 0x34, PCI_INTERRUPT_LINE = 0x3c, PCI_INTERRUPT_PIN = 0x3d;

export const PCI_COMMAND_IO = 0x001, PCI_COMMAND_MEMORY = 0x002, PCI_COMMAND_MASTER = 0x004, PCI_COMMAND_PARITY = 0x040;
export const PCI_COMMAND_SERR = 0x100, PCI_COMMAND_INTX_DISABLE = 0x400;
/** Bits of the command register that a device of this board lets the guest change. */
export const PCI_COMMAND_WRITABLE =
  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE;

export const PCI_STATUS_INTERRUPT = 0x0008, PCI_STATUS_CAP_LIST = 0x0010;
/** Error bits that a write of one clears. */
export const PCI_STATUS_CLEARABLE = 0xf900;

export const PCI_HEADER_TYPE_MULTI_FUNCTION = 0x80;
export const PCI_BASE_ADDRESS_SPACE_IO = 0x1, PCI_BASE_ADDRESS_MEM_PREFETCH = 0x8;
export const PCI_ROM_ADDRESS_ENABLE = 0x1;

/** Red Hat's vendor and QEMU's subsystem identifier: firmware and drivers know the board by them. */
export const SUBSYSTEM_VENDOR_QEMU = 0x1af4, SUBSYSTEM_QEMU = 0x1100;
