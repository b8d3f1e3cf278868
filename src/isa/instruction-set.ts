/** The instruction set: all rows of the opcode table with their bodies. */
import { areaBodies } from './bodies/areas.ts';
import { avxBodies } from './bodies/avx.ts';
import { bitBodies } from './bodies/bits.ts';
import { controlBodies } from './bodies/control.ts';
import { cryptoBodies } from './bodies/crypto.ts';
import { decimalBodies } from './bodies/decimal.ts';
import { eflagsBodies } from './bodies/eflags.ts';
import { fastCallBodies } from './bodies/fast-calls.ts';
import { fmaBodies } from './bodies/fma.ts';
import { integerBodies } from './bodies/integer.ts';
import { mmxBodies } from './bodies/mmx.ts';
import { shiftBodies } from './bodies/shifts.ts';
import { sseConvertBodies } from './bodies/sse-convert.ts';
import { sseFloatBodies } from './bodies/sse-float.ts';
import { sseIntegerBodies } from './bodies/sse-integer.ts';
import { sseMoveBodies } from './bodies/sse-move.ts';
import { sseRoundBodies } from './bodies/sse-round.ts';
import { sseSelectBodies } from './bodies/sse-select.ts';
import { sseStringBodies } from './bodies/sse-strings.ts';
import { stringBodies } from './bodies/strings.ts';
import { systemBodies } from './bodies/system.ts';
import { x87Bodies } from './bodies/x87.ts';
import { parseRows, type Row } from './row.ts';
import { AVX_TABLE } from './table/avx.ts';
import { INTEGER_TABLE } from './table/integer.ts';
import { MMX_TABLE } from './table/mmx.ts';
import { SSE_TABLE } from './table/sse.ts';
import { SSE4_TABLE } from './table/sse4.ts';
import { X87_TABLE } from './table/x87.ts';

const bodies = {
  ...integerBodies, ...shiftBodies, ...decimalBodies, ...controlBodies, ...stringBodies, ...eflagsBodies, ...fastCallBodies, ...systemBodies,
  ...x87Bodies, ...mmxBodies, ...sseMoveBodies, ...sseFloatBodies, ...sseConvertBodies, ...sseIntegerBodies, ...sseSelectBodies,
  ...sseRoundBodies, ...sseStringBodies, ...cryptoBodies, ...bitBodies, ...avxBodies, ...fmaBodies, ...areaBodies,
};

export const INSTRUCTION_SET: readonly Row[] = parseRows(INTEGER_TABLE + X87_TABLE + MMX_TABLE + SSE_TABLE + SSE4_TABLE + AVX_TABLE, bodies);
