/**
 * Layout of one vCPU's state in the arena, as byte offsets from its base. Handlers, compiled regions, the leaf kernels
 * and the TypeScript slow paths all use these names; nothing else knows a number.
 */

/** General registers: 16 slots of 8 bytes, in encoding order (RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 …). */
export const GPR = 0x000;
/** Instruction pointer (offset in CS, 8 bytes). Exact whenever control is outside WebAssembly. */
export const RIP = 0x080;
/** Eight bytes that are always zero: the slot of an absent base or index register. */
export const ZERO = 0x088;
/**
 * Arithmetic flags, kept lazily. `FLAG_RESULT` (i64) is the last result sign-extended; `FLAG_AUX` (i32) completes it:
 *   CF = aux bit 31        OF = aux bit 31 ^ bit 30        AF = aux bit 3
 *   ZF = result == 0       SF = result bit 63 ^ aux bit 0  PF = even parity of (result ^ aux >> 8) & 0xff
 * So every combination of the six flags can be represented, and reading one needs no dispatch on the last operation.
 * Bits 30, 31 and 3 of an addition's aux are its carry-outs of the two top bits and of bit 3.
 */
export const FLAG_RESULT = 0x090;
export const FLAG_AUX = 0x098;
/** EFLAGS without CF, PF, AF, ZF, SF, OF (those bits are zero here); bit 1 is set. */
export const EFLAGS = 0x09c;
/** What added to a record's offset in its page gives its RIP (8 bytes): RIP of the page's first byte. */
export const IP_BASE = 0x0a0;
/** Fuel left (instructions, i32) and record that was executing, as stored by an exit or before a slow path. */
export const FUEL = 0x0a8;
export const IP = 0x0ac;
/** Arena address of the active TLB set (user or supervisor). */
export const TLB_ACTIVE = 0x0b0;
/** Mode key: part of every block's key (see src/cpu/mode.ts). */
export const MODE = 0x0b4;
/** 0xffff or 0xffffffff, by SS.B. */
export const STACK_MASK = 0x0b8;
/** Non-zero when something (an interrupt request, a changed deadline) wants the dispatcher at the next block edge. */
export const ATTENTION = 0x0bc;
/** Segment registers, `SEGMENT_SIZE` bytes each, in encoding order ES CS SS DS FS GS, then LDTR and TR. */
export const SEGMENTS = 0x0c0;
export const SEGMENT_SIZE = 48;
export const SEG_BASE = 0; // i64; 64-bit mode counts the bases of ES, CS, SS and DS as 0, whatever is here
export const SEG_READ_END = 8; // i64: one past the last offset that may be read; 0 where reading is not allowed
export const SEG_WRITE_END = 16; // i64: likewise for writing
export const SEG_START = 24; // u32: first valid offset (not 0 only for expand-down segments)
export const SEG_LIMIT = 28; // u32: limit in bytes, after granularity
export const SEG_SELECTOR = 32; // u32
export const SEG_ATTRIBUTES = 36; // u32: descriptor bits 40-47 in bits 0-7 (type, S, DPL, P), bits 52-55 in bits 12-15 (AVL, L, D/B, G)
export const GDTR_BASE = 0x240; // i64
export const GDTR_LIMIT = 0x248; // u32
/** Fuel that was left after the last STI that opened a shadow, since handlers were entered; more than they got: none did. */
export const SHADOW_FUEL = 0x24c; // i32
export const IDTR_BASE = 0x250; // i64
export const IDTR_LIMIT = 0x258; // u32
/** Non-zero when an interrupt request waited as handlers were entered: setting IF is the dispatcher's business. */
export const INTERRUPT_WAITS = 0x25c; // u32
/** Control registers CR0 to CR8, 8 bytes each. */
export const CR = 0x260;
export const CR2 = CR + 16;
/** Debug registers DR0 to DR7, 8 bytes each. */
export const DR = 0x2a8;
/** The exception that a slow path found: vector (u32, 0xffffffff: none), error code (u32), whether it has one (u32). */
export const FAULT_VECTOR = 0x2e8;
export const FAULT_ERROR = 0x2ec;
export const FAULT_HAS_ERROR = 0x2f0;
/** Arena address of the block table (see src/interp/record.ts). */
export const BLOCK_TABLE = 0x2f4; // u32
/** 0, or HELPER_FAULT after a helper with a result has faulted. */
export const HELPER_STATUS = 0x2f8; // u32
/** Non-zero while a debug trap waits: repeated instructions stop between iterations. */
export const TRAP_PENDING = 0x2fc; // u32
/** x87 registers R0 to R7 (physical, not by TOP), 16 bytes each: significand u64, sign and exponent u16. MMn is the significand of Rn. */
export const FPR = 0x300;
export const FCW = 0x380; // u16
export const FSW = 0x382; // u16, with TOP and the condition codes
/** u8: bit n set while Rn is not empty (the abridged tag word of FXSAVE). */
export const FTW = 0x384;
/** u8: TOP once more, for instructions not to wait for what the one before makes of FSW's flags. Whoever sets FSW's TOP sets it. */
export const FTOP = 0x385;
export const FOP = 0x386; // u16
/** Outside 64-bit code only the low halves of FIP and FDP count. */
export const FIP = 0x388; // u64
export const FDP = 0x390; // u64
export const FCS = 0x398; // u16
export const FDS = 0x39a; // u16
/** Scratch of the x87 kernel: 32 bytes. */
export const X87_SCRATCH = 0x3a0;
export const MXCSR = 0x3c0; // u32
/** u32: what the last call of the SSE kernel raised of the exceptions that MXCSR does not mask; 0: nothing. */
export const SSE_UNMASKED = 0x3c4;
/** Eight bytes that are always 8192: with it a displacement reaches a little further than 32 bits do. */
export const TWO_PAGES = 0x3c8;
/** Scratch of the SSE kernel: 48 bytes. */
export const SSE_SCRATCH = 0x3d0;
/** RSP, and flags, after a transfer that the system kernel made: i64, u32. */
export const TRANSFER_RSP = 0x3e0;
export const TRANSFER_FLAGS = 0x3e8;
/** Quotient and remainder of the integer kernel, 8 bytes each. */
export const INTEGER_SCRATCH = 0x3d0;
/** XMM/YMM registers, 32 bytes each. */
export const XMM = 0x400;
export const XMM_STRIDE = 32;
/** Where accesses land that no TLB entry serves (page crossings, device memory, pages with code): 64 bytes. */
export const BOUNCE = 0x600;
/** MSRs of long mode that the processor itself looks at, 8 bytes each [SDM4 2.1]. IA32_FS_BASE and IA32_GS_BASE are SEG_BASE of FS and GS. */
export const EFER = 0x640;
export const KERNEL_GS_BASE = 0x648;
export const STAR = 0x650;
export const LSTAR = 0x658;
export const CSTAR = 0x660;
export const FMASK = 0x668;
/** Which state XSAVE handles: u64, of which bits 0 to 2 exist. */
export const XCR0 = 0x670;
/** u32: not 0 between calls of the SSE kernel whose exceptions are those of one instruction. */
export const SSE_JOINED = 0x67c;
export const TSC_AUX = 0x678; // u32
/** Records of a truncated block, to stop at an exact instruction count. */
export const SCRATCH_RECORDS = 0x680;
/** IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP, 8 bytes each. */
export const SYSENTER_CS = 0xe20;
export const SYSENTER_ESP = 0xe28;
export const SYSENTER_EIP = 0xe30;
/** FLAG_RESULT and FLAG_AUX after the last iteration, where a repeated instruction stopped between two; its own are those from before it. */
export const REPEAT_RESULT = 0xfe0; // i64
export const REPEAT_AUX = 0xfe8; // u32
/** Arena address of the lines of code (see src/interp/record.ts). */
export const CODE_LINES = 0xfec; // u32
/** Instructions retired in compiled code since the reset, as far as its regions count them (`Region.counted`). */
export const COMPILED_COUNT = 0xff0; // i64
/**
 * The guest's time-stamp counter while handlers run: TSC_OFFSET + TSC_START + floor((TSC_COUNT - fuel left after RDTSC) * TSC_RATE),
 * which is exactly what the virtual clock says. A rate of 0: only the helper knows.
 */
export const TSC_START = 0x1000; // f64
export const TSC_RATE = 0x1008; // f64
export const TSC_COUNT = 0x1010; // f64
export const TSC_OFFSET = 0x1018; // i64
/** u32: not 0 from when an NMI is delivered until the next IRET. */
export const NMI_BLOCKED = 0x1020;
/** u32: not 0 while somebody wants to be told of every interrupt and exception. */
export const EVENTS_WATCHED = 0x1024;
/** u32: how often compiled code has left for floating-point numbers, or an MXCSR, that it does not expect, and the arena address of the instruction where it did last. */
export const NUMBERS_MISSED = 0x1028;
export const ROUNDING_MISSED = 0x102c;
export const MISSED_AT = 0x1030;
/** Area of FXSAVE and XSAVE on its way to and from memory that is not in one frame: 832 bytes. */
export const STATE_AREA = 0x1040;
/** Pages that a compiled region keeps for its loops (`interp/translate.ts`): 128 bytes. */
export const LOOP_PAGES = 0x1380;
/** What finds out about numbers in the middle of their format's range (cpu/sse/middle.ts): 64 bytes. */
export const MIDDLE_CONSTANTS = 0x1400;
export const STATE_SIZE = 0x1440;

/**
 * Two TLB sets follow the state: supervisor, then user. Direct-mapped by linear page number, so large (64 MiB) that pages of a kernel
 * seldom displace each other: an entry takes space in the host's caches only where it is used.
 */
export const TLB_ENTRIES = 16384;
export const TLB_ENTRY_SIZE = 32;
export const TLB_READ = 0; // i64: linear page address, or TLB_INVALID
export const TLB_WRITE = 8;
export const TLB_EXECUTE = 16;
export const TLB_ADDEND = 24; // i32: arena address minus linear address, modulo 2^32
export const TLB_PHYSICAL = 28; // u32: guest-physical page number
/** Never equals a page address: tags have their low 12 bits clear. */
export const TLB_INVALID = 1n;
/** In a write tag, which then equals no page address: stores are permitted, but code was made from the frame. */
export const TLB_CODE = 2;
export const TLB_SET_SIZE = TLB_ENTRIES * TLB_ENTRY_SIZE;
export const TLB_SUPERVISOR = STATE_SIZE;
export const TLB_USER = STATE_SIZE + TLB_SET_SIZE;
export const VCPU_SIZE = STATE_SIZE + 2 * TLB_SET_SIZE;
