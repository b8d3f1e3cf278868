/** Which instruction bytes are, by the table. */
import { Decoder } from '../../src/isa/decode.ts';
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';

const LONGEST = 15;
const decoder = new Decoder(INSTRUCTION_SET);

/** The mnemonic of the instruction that `bytes` begin with; empty where there is none. */
export function mnemonicOf(bytes: Uint8Array, size: 16 | 32): string {
  const padded = Uint8Array.of(...bytes, ...new Uint8Array(LONGEST));
  return decoder.decode(padded, 0, padded.length, size) === 'ok' ? decoder.row.mnemonic : '';
}
