/**
 * Registers, bits and command codes of the ATA/ATAPI command block and of the PIIX3 bus master.
 * Names as in the standards: [ATA6] T13/1410D, [MMC4] T10/1545-D, [SPC3], [BMIDE] Programming Interface for Bus Master
 * IDE Controller, [PIIX3] 82371SB datasheet.
 */

// Command block, offsets from 1F0h/170h [ATA6 7].
export const REG_DATA = 0;
export const REG_ERROR = 1; // read
export const REG_FEATURES = 1; // write
export const REG_SECTOR_COUNT = 2; // interrupt reason for PACKET
export const REG_LBA_LOW = 3;
export const REG_LBA_MID = 4; // byte count low for PACKET
export const REG_LBA_HIGH = 5; // byte count high for PACKET
export const REG_DEVICE = 6;
export const REG_STATUS = 7; // read
export const REG_COMMAND = 7; // write

// Status [ATA6 7.15].
export const ATA_SR_BSY = 0x80;
export const ATA_SR_DRDY = 0x40;
export const ATA_SR_DF = 0x20;
export const ATA_SR_DSC = 0x10;
export const ATA_SR_DRQ = 0x08;
export const ATA_SR_ERR = 0x01;

// Error [ATA6 7.9].
export const ATA_ER_UNC = 0x40;
export const ATA_ER_IDNF = 0x10;
export const ATA_ER_ABRT = 0x04;
/** Diagnostic code "device 0 passed, device 1 passed or not present" [ATA6 table 26]. */
export const DIAGNOSTIC_PASSED = 0x01;

// Device.
export const ATA_DEV_LBA = 0x40;
export const ATA_DEV_DEV = 0x10;
/** Bits 7 and 5 read as one in drives before ATA-5; firmware compares with A0h and B0h. */
export const ATA_DEV_OBSOLETE = 0xa0;

// Device control, 3F6h/376h [ATA6 7.8].
export const ATA_DC_HOB = 0x80;
export const ATA_DC_SRST = 0x04;
export const ATA_DC_NIEN = 0x02;

// Interrupt reason (sector count register of a packet device).
export const ATAPI_IR_CD = 0x01;
export const ATAPI_IR_IO = 0x02;

// Commands [ATA6 8].
export const ATA_DEVICE_RESET = 0x08;
export const ATA_READ_SECTORS = 0x20;
export const ATA_READ_SECTORS_NORETRY = 0x21;
export const ATA_READ_SECTORS_EXT = 0x24;
export const ATA_READ_DMA_EXT = 0x25;
export const ATA_READ_NATIVE_MAX_EXT = 0x27;
export const ATA_READ_MULTIPLE_EXT = 0x29;
export const ATA_WRITE_SECTORS = 0x30;
export const ATA_WRITE_SECTORS_NORETRY = 0x31;
export const ATA_WRITE_SECTORS_EXT = 0x34;
export const ATA_WRITE_DMA_EXT = 0x35;
export const ATA_WRITE_MULTIPLE_EXT = 0x39;
export const ATA_READ_VERIFY = 0x40;
export const ATA_READ_VERIFY_NORETRY = 0x41;
export const ATA_READ_VERIFY_EXT = 0x42;
export const ATA_EXECUTE_DIAGNOSTIC = 0x90;
export const ATA_INITIALIZE_PARAMETERS = 0x91;
export const ATA_PACKET = 0xa0;
export const ATA_IDENTIFY_PACKET = 0xa1;
export const ATA_READ_MULTIPLE = 0xc4;
export const ATA_WRITE_MULTIPLE = 0xc5;
export const ATA_SET_MULTIPLE = 0xc6;
export const ATA_READ_DMA = 0xc8;
export const ATA_READ_DMA_NORETRY = 0xc9;
export const ATA_WRITE_DMA = 0xca;
export const ATA_WRITE_DMA_NORETRY = 0xcb;
export const ATA_STANDBY_IMMEDIATE = 0xe0;
export const ATA_IDLE_IMMEDIATE = 0xe1;
export const ATA_STANDBY = 0xe2;
export const ATA_IDLE = 0xe3;
export const ATA_CHECK_POWER_MODE = 0xe5;
export const ATA_SLEEP = 0xe6;
export const ATA_FLUSH_CACHE = 0xe7;
export const ATA_FLUSH_CACHE_EXT = 0xea;
export const ATA_IDENTIFY = 0xec;
export const ATA_SET_FEATURES = 0xef;
export const ATA_READ_NATIVE_MAX = 0xf8;

// SET FEATURES subcommands [ATA6 table 41].
export const SETFEATURES_WC_ON = 0x02;
export const SETFEATURES_XFER = 0x03;
export const SETFEATURES_RA_OFF = 0x55;
export const SETFEATURES_KEEP_DEFAULTS = 0x66;
export const SETFEATURES_WC_OFF = 0x82;
export const SETFEATURES_RA_ON = 0xaa;
export const SETFEATURES_RESTORE_DEFAULTS = 0xcc;

/** Largest mode numbers that the drives take. */
export const MAX_PIO_MODE = 4;
export const MAX_MWDMA_MODE = 2;
export const MAX_UDMA_MODE = 5;

// Bus master, offsets in a channel's eight ports [BMIDE 2].
export const BMIC = 0; // command
export const BMIS = 2; // status
export const BMIDTP = 4; // descriptor table pointer, 32 bits
export const BMIC_START = 0x01;
export const BMIC_RWCON = 0x08; // 1: writes memory (reads the disk)
export const BMIS_ACTIVE = 0x01;
export const BMIS_ERROR = 0x02;
export const BMIS_INTERRUPT = 0x04;
export const BMIS_DRIVE0_CAPABLE = 0x20;
export const BMIS_DRIVE1_CAPABLE = 0x40;
export const PRD_EOT = 0x80000000;

export const SECTOR_BYTES = 512;
export const CD_SECTOR_BYTES = 2048;
