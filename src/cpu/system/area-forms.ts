/** Which instruction moves an area of x87, SSE and AVX state: bits of the `form` of the system kernel's functions. */
export const AREA_STORED = 1 << 0; // saved; else restored
export const AREA_XSAVE = 1 << 1; // with a header, of components that EDX:EAX and XCR0 ask for; else FXSAVE's
export const AREA_COMPACTED = 1 << 2;
export const AREA_WIDE = 1 << 3; // REX.W: instruction and operand pointers of 64 bits, without selectors [SDM1 table 10-2]

// State components [SDM1 13.1]
export const STATE_X87 = 1 << 0, STATE_SSE = 1 << 1, STATE_AVX = 1 << 2;

// Bytes [SDM1 10.5, 13.4]: where XMM registers, the header and AVX state begin, and the end of an area with AVX state.
export const AREA_XMM = 160, AREA_HEADER = 512, AREA_AVX = 576, AREA_BYTES = 832;
