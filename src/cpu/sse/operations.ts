/** Numbers by which instruction bodies tell the SSE kernel what to compute; both sides import them from here. */

export const SSE_ADD = 0;
export const SSE_SUB = 1;
export const SSE_MUL = 2;
export const SSE_DIV = 3;
/** Of the second operand. */
export const SSE_SQRT = 4;
export const SSE_MIN = 5;
export const SSE_MAX = 6;
/** In packed operands: differences in even elements, sums in odd ones. */
export const SSE_ADDSUB = 7;
