/** Ports, commands and bits of the keyboard controller and of the devices behind it [IBM PS/2 HITR, "Keyboard and Auxiliary Device Controller"]. */

export const PORT_DATA = 0x60, PORT_STATUS = 0x64;

export const STATUS_OBF = 0x01, STATUS_SYS = 0x04, STATUS_A2 = 0x08, STATUS_INH = 0x10, STATUS_AUX_OBF = 0x20;

/** Command byte (byte 0 of the controller's memory). */
export const CCB_KBD_INT = 0x01, CCB_AUX_INT = 0x02, CCB_SYS = 0x04, CCB_KBD_DISABLE = 0x10, CCB_AUX_DISABLE = 0x20;
export const CCB_TRANSLATE = 0x40;

export const CMD_READ_RAM = 0x20, CMD_WRITE_RAM = 0x60, CMD_AUX_DISABLE = 0xa7, CMD_AUX_ENABLE = 0xa8, CMD_AUX_TEST = 0xa9;
export const CMD_SELF_TEST = 0xaa, CMD_KBD_TEST = 0xab, CMD_KBD_DISABLE = 0xad, CMD_KBD_ENABLE = 0xae;
export const CMD_READ_INPUT_PORT = 0xc0, CMD_READ_OUTPUT_PORT = 0xd0, CMD_WRITE_OUTPUT_PORT = 0xd1;
export const CMD_WRITE_KBD_BUFFER = 0xd2, CMD_WRITE_AUX_BUFFER = 0xd3, CMD_WRITE_AUX = 0xd4;
export const CMD_A20_OFF = 0xdd, CMD_A20_ON = 0xdf, CMD_READ_TEST_INPUTS = 0xe0, CMD_PULSE_OUTPUT = 0xf0;
export const SELF_TEST_PASSED = 0x55;

/** Output port: system reset (active low), A20 gate, and the two buffer-full lines. */
export const OUT_RESET_N = 0x01, OUT_A20 = 0x02, OUT_KBD_OBF = 0x10, OUT_AUX_OBF = 0x20;
export const OUT_DEFAULT = 0xcf;

// Commands and answers that keyboard and mouse share.
export const PS2_RESET = 0xff, PS2_RESEND = 0xfe, PS2_DEFAULTS = 0xf6, PS2_DISABLE = 0xf5, PS2_ENABLE = 0xf4;
export const PS2_SET_RATE = 0xf3, PS2_IDENTIFY = 0xf2;
export const PS2_ACK = 0xfa, PS2_BAT_OK = 0xaa;

export const KBD_SET_LEDS = 0xed, KBD_ECHO = 0xee, KBD_SCAN_SET = 0xf0;

export const MOUSE_SCALE_1_1 = 0xe6, MOUSE_SCALE_2_1 = 0xe7, MOUSE_SET_RESOLUTION = 0xe8, MOUSE_STATUS = 0xe9;
export const MOUSE_STREAM = 0xea, MOUSE_READ_DATA = 0xeb, MOUSE_RESET_WRAP = 0xec, MOUSE_WRAP = 0xee, MOUSE_REMOTE = 0xf0;
/** Bytes that a device, and here the controller too, holds for a guest that does not take them [IBM PS/2 HITR]. */
export const PS2_BUFFER = 16;
/** First byte of a packet. */
export const PACKET_ALWAYS = 0x08, PACKET_X_SIGN = 0x10, PACKET_Y_SIGN = 0x20;
