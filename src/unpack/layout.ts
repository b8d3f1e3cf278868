/** So many bytes behind what is packed and behind what comes out may be read and written. */
export const SLACK = 16;
/** LZMA2's probabilities, or DEFLATE's codes, and before them where the data ended. */
export const WORK_END = 0, WORK_PROBABILITIES = 16, WORK_TABLES = 16, WORK_BYTES = 32768;
/** So much comes out, or is looked at, at once: engines put better code in the place of a function between two calls, not while it loops. */
export const ENOUGH = 65536;
