/** Keys, ports and bits of QEMU's firmware configuration device [QEMU docs/specs/fw_cfg]. */

export const PORT_FW_CFG = 0x510, PORT_FW_CFG_DMA = 0x514;

export const FW_CFG_SIGNATURE = 0x00, FW_CFG_ID = 0x01, FW_CFG_UUID = 0x02, FW_CFG_RAM_SIZE = 0x03, FW_CFG_NOGRAPHIC = 0x04;
export const FW_CFG_NB_CPUS = 0x05, FW_CFG_NUMA = 0x0d, FW_CFG_BOOT_MENU = 0x0e, FW_CFG_MAX_CPUS = 0x0f;
export const FW_CFG_FILE_DIR = 0x19, FW_CFG_FILE_FIRST = 0x20;
/** Keys of the architecture: legacy ACPI tables, SMBIOS entries, IRQ 0 override. */
export const FW_CFG_ACPI_TABLES = 0x8000, FW_CFG_SMBIOS_ENTRIES = 0x8001, FW_CFG_IRQ0_OVERRIDE = 0x8002;
/** Bit 14 asks to write the item; bits 0 to 13 and 15 are its number. */
export const FW_CFG_KEY_MASK = 0xbfff;

export const ID_TRADITIONAL = 0x01, ID_DMA = 0x02;

export const DMA_CTL_ERROR = 0x01, DMA_CTL_READ = 0x02, DMA_CTL_SKIP = 0x04, DMA_CTL_SELECT = 0x08, DMA_CTL_WRITE = 0x10;
/** What a read of the DMA address register gives: "QEMU CFG". */
export const DMA_SIGNATURE_HIGH = 0x51454d55, DMA_SIGNATURE_LOW = 0x20434647;

export const FILE_NAME_SIZE = 56, FILE_ENTRY_SIZE = 64;
