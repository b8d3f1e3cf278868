/** Registers of the 16550A [PC16550D datasheet, table II]. Offsets from the base; 0 and 1 depend on LCR_DLAB. */

export const RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7;

export const IER_ERBFI = 0x01, IER_ETBEI = 0x02, IER_ELSI = 0x04, IER_EDSSI = 0x08, IER_WRITABLE = 0x0f;
/** Interrupt identification, in descending priority. */
export const IIR_NONE = 0x01, IIR_RECEIVER_STATUS = 0x06, IIR_RECEIVED_DATA = 0x04, IIR_CHARACTER_TIMEOUT = 0x0c;
export const IIR_THR_EMPTY = 0x02, IIR_MODEM_STATUS = 0x00, IIR_FIFOS_ENABLED = 0xc0;
export const FCR_ENABLE = 0x01, FCR_RCVR_RESET = 0x02, FCR_TRIGGER_SHIFT = 6;
export const LCR_WORD_LENGTH = 0x03, LCR_STOP = 0x04, LCR_PARITY = 0x08, LCR_DLAB = 0x80;
export const MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10, MCR_WRITABLE = 0x1f;
export const LSR_DR = 0x01, LSR_OE = 0x02, LSR_BI = 0x10, LSR_THRE = 0x20, LSR_TEMT = 0x40;
export const LSR_ERRORS = 0x1e;
export const MSR_DCTS = 0x01, MSR_DDSR = 0x02, MSR_TERI = 0x04, MSR_DDCD = 0x08;
export const MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80;

export const FIFO_SIZE = 16;
/** Receiver FIFO trigger levels by the top bits of FCR. */
export const TRIGGER_LEVELS = [1, 4, 8, 14];
/** The crystal's 1.8432 MHz, divided by 16: one bit lasts `divisor` of these. */
export const UART_BIT_HZ = 115200;
