/** Registers, status bits and commands of the 82077AA [82077AA datasheet, 2.1, 5.1, 6.0]. */

// Offsets from 3F0h.
export const FD_SRA = 0;
export const FD_SRB = 1;
export const FD_DOR = 2;
export const FD_TDR = 3;
export const FD_MSR = 4; // read
export const FD_DSR = 4; // write
export const FD_FIFO = 5;
/** 3F7h, a region of its own since 3F6h is the IDE channel's. */
export const PORT_DIR_CCR = 0x3f7;

export const DOR_SELECT = 0x03;
export const DOR_NRESET = 0x04;
export const DOR_DMAGATE = 0x08;
export const DSR_SWRESET = 0x80;
export const DSR_RATE = 0x03;
export const DIR_DSKCHG = 0x80;

export const MSR_CMDBUSY = 0x10;
export const MSR_NONDMA = 0x20;
export const MSR_DIO = 0x40;
export const MSR_RQM = 0x80;

export const ST0_EQUIPMENT_CHECK = 0x10;
export const ST0_SEEK_END = 0x20;
export const ST0_ABNORMAL = 0x40;
export const ST0_INVALID = 0x80;
/** Reported four times after a reset: the ready line changed. */
export const ST0_POLLING = 0xc0;
export const ST0_HEAD = 0x04;
export const ST0_NOT_READY = 0x08;
export const ST1_MISSING_ADDRESS_MARK = 0x01;
export const ST1_NOT_WRITABLE = 0x02;
export const ST1_NO_DATA = 0x04;
export const ST1_DATA_ERROR = 0x20;
export const ST1_END_OF_CYLINDER = 0x80;
export const ST2_WRONG_CYLINDER = 0x10;
export const ST2_DATA_ERROR = 0x20;
export const ST3_TWO_SIDE = 0x08;
export const ST3_TRACK_0 = 0x10;
export const ST3_READY = 0x20;
export const ST3_WRITE_PROTECTED = 0x40;

// Commands. The data commands carry MT, MFM and SK in the upper three bits.
export const CMD_MT = 0x80;
export const CMD_OPCODE = 0x1f;
export const CMD_READ_TRACK = 0x02;
export const CMD_SPECIFY = 0x03;
export const CMD_SENSE_DRIVE_STATUS = 0x04;
export const CMD_WRITE_DATA = 0x05;
export const CMD_READ_DATA = 0x06;
export const CMD_RECALIBRATE = 0x07;
export const CMD_SENSE_INTERRUPT = 0x08;
export const CMD_WRITE_DELETED = 0x09;
export const CMD_READ_ID = 0x0a;
export const CMD_READ_DELETED = 0x0c;
export const CMD_FORMAT_TRACK = 0x0d;
export const CMD_DUMPREG = 0x0e;
export const CMD_SEEK = 0x0f;
export const CMD_VERSION = 0x10;
export const CMD_PERPENDICULAR = 0x12;
export const CMD_CONFIGURE = 0x13;
export const CMD_LOCK = 0x14;
export const CMD_VERIFY = 0x16;
/** RELATIVE SEEK is SEEK with bit 7, and bit 6 for the direction in. */
export const RELATIVE = 0x80;
export const RELATIVE_IN = 0x40;

export const CONFIGURE_IMPLIED_SEEK = 0x40;
export const VERSION_82077AA = 0x90;
