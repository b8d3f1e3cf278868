/**
 * Where templates lie in the arena: steps of heads, then the templates. TypeScript learns them (templates.ts), the leaf kernel makes
 * records from them (kernel/index.ts). Zeroed memory knows none.
 */

/** How many bytes of heads are told apart, by a direct-mapped table; heads that lose a place in it are decoded again. */
export const STEP_BITS = 15;
/** Of a step: the node it starts from, above the byte; where it leads, a node, or below 0 the complement of a template's distance from the first step. */
export const STEP_SIZE = 8, STEP_KEY = 0, STEP_TARGET = 4;

/**
 * A template is the first part of its record but for two words: what to add to the displacement, in the place of REC_DISPLACEMENT, sizes
 * and flags in that of REC_IMMEDIATE.
 */
export const TEMPLATE_SIZE = 24;
export const TEMPLATE_ADJUST = 12, TEMPLATE_FORM = 16;
/** In TEMPLATE_FORM: bytes of head, displacement and immediate, four bits each, and flags. */
export const FORM_BYTES = 15, FORM_DISPLACEMENT_SHIFT = 4, FORM_IMMEDIATE_SHIFT = 8;
/** The immediate is sign-extended; it is relative to the next instruction; so is the displacement. */
export const FORM_SIGNED = 0x1000, FORM_RELATIVE = 0x2000, FORM_RIP = 0x4000;
/** The record counts branches; it ends a block. */
export const FORM_BRANCHES = 0x8000, FORM_ENDS = 0x10000;

/** Displacements above it need an index register: no template has them. */
export const FAR_AHEAD = 0x7fff0000;

/** What comes of filling records: how many, whether the last one ends its block, and above that the bytes of their instructions. */
export const FILLED_RECORDS = 0x7f, FILLED_END = 0x80, FILLED_BYTES_SHIFT = 8;
