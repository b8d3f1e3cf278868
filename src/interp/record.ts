/**
 * A decoded instruction as the interpreter runs it: 32 bytes in the arena, followed by the next one of its block. Slots
 * are byte offsets into the vCPU's state, so one handler serves every register.
 */
export const RECORD_SIZE = 32;
export const REC_HANDLER = 0; // u32: slot in the function table
export const REC_REG = 4; // u16: register of ModRM.reg or of the opcode (a slot, or a number for S, C, D operands)
export const REC_RM = 6; // u16: register of ModRM.rm, or the base register of a memory operand; a number for ST(i)
export const REC_INDEX = 8; // u16: index register of a memory operand
export const REC_SCALE = 10; // u8: shift of the index; general forms have flags beside it
/** Of a relative branch in 64-bit code: 1 when its distance is 2^32 more than REC_IMMEDIATE says. */
export const REC_FAR = REC_SCALE;
export const SCALE_MASK = 3;
/** The address is cut off at 32 bits: what 64-bit addresses are longer by. */
export const SCALE_ADDRESS32 = 32;
/** Likewise at 16 bits: what 32-bit addresses are longer by. */
export const SCALE_ADDRESS16 = 16;
export const REC_SEGMENT = 11; // u8: number of the segment register
export const REC_DISPLACEMENT = 12; // i32
/**
 * u32, in direct branches, returns and records that leave a block: arena address of the first byte that they lead to and the
 * record there, where it is known and REC_LINK does not serve; else 0. Good where the address leads to that byte: a return is
 * thought to go where it went before, and so is another indirect branch, which has this in the record after its own.
 */
export const REC_TARGET = REC_DISPLACEMENT, REC_TARGET_RECORD = REC_REG;
/**
 * i32; for relative branches: target minus the RIP of the page's first byte. An i64 together with REC_IMMEDIATE2 for an
 * immediate of 64 bits and for the address of moffs in 64-bit code.
 */
export const REC_IMMEDIATE = 16;
/** i32; for a crossing instruction that has a record: arena address of the page that it ends in. */
export const REC_IMMEDIATE2 = 20;
/** u16, in records of VEX instructions: the slot of VEX.vvvv. */
export const REC_VVVV = 20;
/** i32, in records that branch or leave a block: how often they may yet be taken until what they lead to is hot. */
export const REC_EDGES = 20;
/** As often as this, powers of two, a branch is taken by way of the block table until it gets a link, or another one. */
export const EDGES_TO_LINK = 64, EDGES_TO_RELINK = 1024;
/**
 * u32: record of the branch target, or of the crossing instruction, when it is known, else 0. In indirect branches: low
 * half of the RIP that the last one went to, which is where the next is thought to go.
 */
export const REC_LINK = 24;
export const REC_OFFSET = 28; // u16: offset of the instruction in its page
export const REC_LENGTH = 30; // u8: length in bytes
/** u8: position in the block, from 1: instructions retired when this one is done. */
export const REC_COUNT = 31;

/** A block never has more instructions than this; fuel handed to handlers leaves as much in reserve. */
export const BLOCK_LIMIT = 60;

/**
 * The block table: direct-mapped, from the arena address of a block's first guest byte (which names the frame, whatever
 * maps it) and the mode to its first record.
 */
export const BLOCK_TABLE_ENTRIES = 65536;
export const BLOCK_ENTRY_SIZE = 16;
export const BLOCK_HOST = 0; // u32
export const BLOCK_MODE = 4; // u32
export const BLOCK_RECORD = 8; // u32
/** i32: how often compiled code may yet go on at the block until it is hot. */
export const BLOCK_HEAT = 12;
/** Index of an arena address in the block table: its low bits, stirred with the frame's. */
export const BLOCK_HASH_SHIFT = 10;

/**
 * Lines of code: direct-mapped by frame, which of a frame's lines of 16 bytes code was made from, a bit each. Frames with
 * code that have been written to lately are in it; stores to their other lines need no slow path.
 */
export const CODE_LINES_ENTRIES = 512;
export const CODE_LINES_SIZE = 64;
export const LINES_FRAME = 0; // u32: arena address, 0: none
export const LINES_BITS = 32; // 32 bytes
export const LINE_SHIFT = 4;

/** Beside the size of an access that 64-bit code hands to a slow path: the segment that it goes through. */
export const SLOW_STACK = 0x100;
/** As REC_SEGMENT says. */
export const SLOW_OPERAND = 0x200;

/** Why handlers return to the dispatcher. */
export const EXIT_NEXT = 0; // not an exit: a helper's "go on"
export const EXIT_RESYNC = 1; // the instruction is done and has set RIP; mode, TLB or interrupt state may have changed
export const EXIT_FAULT = 2; // the instruction at IP faulted; FAULT_* says how
export const EXIT_BUDGET = 3; // fuel ran out at a branch; RIP is its target
export const EXIT_RESOLVE = 4; // a direct branch at IP to RIP has no link yet
export const EXIT_LOOKUP = 5; // an indirect branch to RIP found no block
export const EXIT_STOP = 6; // stopped before the record at IP (end of a truncated block, dropped code, attention)
export const EXIT_RESTART = 7; // a repeated instruction at IP is to go on later
export const EXIT_CROSSING = 8; // the instruction after the block crosses into the next page; RIP is its address
export const EXIT_HOT = 10; // the block at RIP has become hot: what led there was taken as often as the threshold says
export const EXIT_HOT_ENTRY = 11; // the block at RIP has become hot: compiled code went on there as often as the threshold says
/** Not exits: a helper is done and has set RIP, where the handlers go on; 64-bit code is there. */
export const EXIT_GO = 12;
export const EXIT_GO_LONG = 13;
