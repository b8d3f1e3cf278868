/**
 * Names of the VGA's registers and bits, and of the Bochs VBE extension's.
 *
 * References: IBM "VGA XGA Technical Reference" (May 1992), chapter 2; FreeVGA project pages for what clones do;
 * QEMU docs/specs/standard-vga for the PCI face and the DISPI registers.
 */

/** Number of registers of each block. */
export const SEQ_COUNT = 5, CRTC_COUNT = 25, GC_COUNT = 9, ATC_COUNT = 21;

// Sequencer
export const SEQ_RESET = 0, SEQ_CLOCKING_MODE = 1, SEQ_MAP_MASK = 2, SEQ_CHARACTER_MAP_SELECT = 3, SEQ_MEMORY_MODE = 4;
export const SEQ_CM_8_DOT = 1 << 0, SEQ_CM_DOT_CLOCK_HALF = 1 << 3, SEQ_CM_SCREEN_OFF = 1 << 5;
export const SEQ_MM_ODD_EVEN_DISABLE = 1 << 2, SEQ_MM_CHAIN_4 = 1 << 3;

// CRT controller
export const CRTC_HORIZONTAL_TOTAL = 0x00, CRTC_HORIZONTAL_DISPLAY_END = 0x01, CRTC_OVERFLOW = 0x07;
export const CRTC_PRESET_ROW_SCAN = 0x08, CRTC_MAXIMUM_SCAN_LINE = 0x09, CRTC_CURSOR_START = 0x0a, CRTC_CURSOR_END = 0x0b;
export const CRTC_START_ADDRESS_HIGH = 0x0c, CRTC_START_ADDRESS_LOW = 0x0d;
export const CRTC_CURSOR_LOCATION_HIGH = 0x0e, CRTC_CURSOR_LOCATION_LOW = 0x0f;
export const CRTC_VERTICAL_TOTAL = 0x06, CRTC_VERTICAL_RETRACE_START = 0x10, CRTC_VERTICAL_RETRACE_END = 0x11;
export const CRTC_VERTICAL_DISPLAY_END = 0x12, CRTC_OFFSET = 0x13, CRTC_UNDERLINE_LOCATION = 0x14;
export const CRTC_MODE_CONTROL = 0x17, CRTC_LINE_COMPARE = 0x18;
export const CRTC_OV_LINE_COMPARE_8 = 1 << 4;
export const CRTC_MSL_LINE_COMPARE_9 = 1 << 6, CRTC_MSL_DOUBLE_SCAN = 1 << 7;
export const CRTC_CS_CURSOR_OFF = 1 << 5;
export const CRTC_VRE_PROTECT = 1 << 7;
export const CRTC_UL_DOUBLEWORD = 1 << 6;
export const CRTC_MC_CMS0 = 1 << 0, CRTC_MC_CMS1 = 1 << 1, CRTC_MC_BYTE_MODE = 1 << 6;

// Graphics controller
export const GC_SET_RESET = 0, GC_ENABLE_SET_RESET = 1, GC_COLOR_COMPARE = 2, GC_DATA_ROTATE = 3, GC_READ_MAP_SELECT = 4;
export const GC_GRAPHICS_MODE = 5, GC_MISCELLANEOUS = 6, GC_COLOR_DONT_CARE = 7, GC_BIT_MASK = 8;
export const GC_GM_WRITE_MODE = 3, GC_GM_READ_MODE_1 = 1 << 3, GC_GM_ODD_EVEN = 1 << 4;
export const GC_GM_SHIFT_INTERLEAVE = 1 << 5, GC_GM_SHIFT_256 = 1 << 6;
export const GC_MI_GRAPHICS = 1 << 0, GC_MI_CHAIN_ODD_EVEN = 1 << 1, GC_MI_MEMORY_MAP_SHIFT = 2;

// Attribute controller
export const ATC_MODE_CONTROL = 0x10, ATC_OVERSCAN_COLOR = 0x11, ATC_COLOR_PLANE_ENABLE = 0x12;
export const ATC_HORIZONTAL_PIXEL_PANNING = 0x13, ATC_COLOR_SELECT = 0x14;
export const ATC_MC_LINE_GRAPHICS = 1 << 2, ATC_MC_BLINK = 1 << 3, ATC_MC_PIXEL_PANNING_COMPATIBLE = 1 << 5;
export const ATC_MC_P54_SELECT = 1 << 7;
/** Bit of the index register: the display takes the palette (otherwise the screen is blank). */
export const ATC_INDEX_PAS = 1 << 5;

// General registers
export const MISC_COLOR_EMULATION = 1 << 0, MISC_ENABLE_RAM = 1 << 1, MISC_CLOCK_SHIFT = 2;
export const IS0_SWITCH_SENSE = 1 << 4;
export const IS1_DISPLAY_DISABLED = 1 << 0, IS1_VERTICAL_RETRACE = 1 << 3;

// Ports, as offsets from 0x3c0
export const PORT_BASE = 0x3c0;
export const PORT_ATC = 0x0, PORT_ATC_READ = 0x1, PORT_MISC_WRITE = 0x2, PORT_INPUT_STATUS_0 = 0x2, PORT_SEQ_INDEX = 0x4;
export const PORT_SEQ_DATA = 0x5, PORT_PEL_MASK = 0x6, PORT_DAC_READ_INDEX = 0x7, PORT_DAC_STATE = 0x7;
export const PORT_DAC_WRITE_INDEX = 0x8, PORT_DAC_DATA = 0x9, PORT_FEATURE_READ = 0xa, PORT_MISC_READ = 0xc;
export const PORT_GC_INDEX = 0xe, PORT_GC_DATA = 0xf;
/** The ports that move with MISC_COLOR_EMULATION, in their place of color emulation. */
export const PORT_CRTC_INDEX = 0x14, PORT_CRTC_DATA = 0x15, PORT_INPUT_STATUS_1 = 0x1a;

// Bochs VBE ("DISPI")
export const DISPI_ID = 0, DISPI_XRES = 1, DISPI_YRES = 2, DISPI_BPP = 3, DISPI_ENABLE = 4, DISPI_BANK = 5;
export const DISPI_VIRT_WIDTH = 6, DISPI_VIRT_HEIGHT = 7, DISPI_X_OFFSET = 8, DISPI_Y_OFFSET = 9, DISPI_VIDEO_MEMORY_64K = 10;
export const DISPI_COUNT = 11;
export const DISPI_ID0 = 0xb0c0, DISPI_ID5 = 0xb0c5;
export const DISPI_ENABLED = 1 << 0, DISPI_GETCAPS = 1 << 1, DISPI_8BIT_DAC = 1 << 5, DISPI_LFB_ENABLED = 1 << 6;
export const DISPI_NOCLEARMEM = 1 << 7;
export const DISPI_MAX_XRES = 16000, DISPI_MAX_YRES = 12000, DISPI_MAX_BPP = 32;
/** First port: index at +0, data at +1 and (word-aligned) +2. */
export const DISPI_PORT = 0x1ce;

/** Bytes of memory that the legacy registers reach: four planes of 64 KiB. */
export const LEGACY_BYTES = 0x40000;
export const WINDOW_BASE = 0xa0000, WINDOW_BYTES = 0x20000;
