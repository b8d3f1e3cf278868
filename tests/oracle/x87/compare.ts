/**
 * Compares the x87 kernel with the host's processor: `npx tsx tests/oracle/x87/compare.ts [CASES] [SEED] [OPCODE...]`.
 * Prints the number of differences for each encoding and the first few of each. For the transcendental instructions it
 * counts apart what differs by one unit in the last place or in C1 only.
 */
import { pathToFileURL } from 'node:url';
import { buildX87Kernel } from '../../../src/cpu/x87/build-kernel.ts';
import { BATCH, buildNative, runNative } from './native.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './opcodes.ts';
import { RECORD_SIZE, Subject, describe, isUndefined } from './run-case.ts';

export interface Tally {
  readonly opcode: string;
  /** Cases compared: those with a defined result. */
  cases: number;
  wrong: number;
  /** Of transcendental instructions: right but for the last place or C1. */
  rounding: number;
  /** The first few wrong cases. */
  readonly examples: string[];
}

const SHOWN = 4;

/** Compares `cases` random cases of one encoding. */
export function compareOpcode(subject: Subject, program: string, opcode: string, cases: number, seed: number): Tally {
  const tally: Tally = { opcode, cases: 0, wrong: 0, rounding: 0, examples: [] };
  const mayRound = TRANSCENDENTAL_OPCODES.includes(opcode);
  for (let done = 0; done < cases; done += BATCH) {
    const records = runNative(program, opcode, Math.min(BATCH, cases - done), seed + done);
    for (let at = 0; at < records.byteLength; at += RECORD_SIZE) {
      if (isUndefined(records, at)) continue;
      tally.cases++;
      const outcome = subject.check(records, at);
      if (outcome.differences.length === 0) continue;
      if (mayRound && outcome.isRounding) tally.rounding++;
      else {
        tally.wrong++;
        if (tally.examples.length < SHOWN) tally.examples.push(`${describe(records, at)}\n    ${outcome.differences.join(', ')}`);
      }
    }
  }
  return tally;
}

async function main(): Promise<void> {
  const [cases = '20000', seed = '1', ...chosen] = process.argv.slice(2);
  const opcodes = chosen.length ? chosen : [...MEMORY_OPCODES, ...REGISTER_OPCODES, ...TRANSCENDENTAL_OPCODES];
  const subject = new Subject(new WebAssembly.Module(new Uint8Array(await buildX87Kernel())));
  const program = buildNative();
  let total = 0;
  let wrong = 0;
  for (const opcode of opcodes) {
    const tally = compareOpcode(subject, program, opcode, Number(cases), Number(seed));
    total += tally.cases;
    wrong += tally.wrong;
    for (const example of tally.examples) console.log(`  ${example}`);
    if (tally.wrong || tally.rounding) {
      console.log(`${opcode}: ${tally.wrong} of ${tally.cases} differ, ${tally.rounding} in the last place or C1`);
    }
  }
  console.log(`${wrong} of ${total} cases differ`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
