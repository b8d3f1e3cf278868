/** The instruction set: all rows of the opcode table with their bodies. */
import { controlBodies } from './bodies/control.ts';
import { decimalBodies } from './bodies/decimal.ts';
import { integerBodies } from './bodies/integer.ts';
import { shiftBodies } from './bodies/shifts.ts';
import { stringBodies } from './bodies/strings.ts';
import { systemBodies } from './bodies/system.ts';
import { x87Bodies } from './bodies/x87.ts';
import { parseRows, type Row } from './row.ts';
import { INTEGER_TABLE } from './table/integer.ts';
import { X87_TABLE } from './table/x87.ts';

const bodies = { ...integerBodies, ...shiftBodies, ...decimalBodies, ...controlBodies, ...stringBodies, ...systemBodies, ...x87Bodies };

export const INSTRUCTION_SET: readonly Row[] = parseRows(INTEGER_TABLE + X87_TABLE, bodies);
