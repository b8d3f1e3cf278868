/** So many bytes behind what is packed and behind what comes out may be read and written. */
export const SLACK = 16;
/** LZMA2's probabilities, and before them where its data ended. */
export const WORK_END = 0, WORK_PROBABILITIES = 16, WORK_BYTES = 32768;
