/**
 * Compares MMX and SSE instructions with the host's processor: `npx tsx tests/oracle/simd/compare.ts [CASES] [SEED] [MNEMONIC...]`.
 * CASES are run of each encoding. Needs gcc and an x86-64 host. Prints the differences per encoding and the first few of each.
 */
import { pathToFileURL } from 'node:url';
import { simdEncodings } from './encodings.ts';
import { makeModules } from './modules.ts';
import { BATCH, buildNative, runNative } from './native.ts';
import { RECORD_SIZE, Subject, describe } from './run-case.ts';

const SHOWN = 3;

export interface Tally {
  readonly cases: number;
  readonly wrong: number;
  /** The first few that differ. */
  readonly examples: readonly string[];
}

/** Runs recorded cases of the encoding that `subject` has loaded. */
export function checkRecords(subject: Subject, records: Uint8Array): Tally {
  const examples: string[] = [];
  let wrong = 0;
  for (let at = 0; at < records.length; at += RECORD_SIZE) {
    const record = records.subarray(at, at + RECORD_SIZE);
    const differences = subject.check(record);
    if (differences.length > 0 && wrong++ < SHOWN) examples.push(`${describe(record)}\n    ${differences.join(', ')}`);
  }
  return { cases: records.length / RECORD_SIZE, wrong, examples };
}

/** Runs `cases` random cases of one encoding on both. */
export function compareEncoding(subject: Subject, program: string, encoding: string, cases: number, seed: number): Tally {
  subject.load(encoding);
  let tally: Tally = { cases: 0, wrong: 0, examples: [] };
  for (let done = 0; done < cases; done += BATCH) {
    const more = checkRecords(subject, runNative(program, encoding, Math.min(BATCH, cases - done), seed + done));
    tally = { cases: tally.cases + more.cases, wrong: tally.wrong + more.wrong, examples: [...tally.examples, ...more.examples].slice(0, SHOWN) };
  }
  return tally;
}

async function main(): Promise<void> {
  const [cases = '2000', seed = '1', ...chosen] = process.argv.slice(2);
  const subject = new Subject(await makeModules());
  const program = buildNative();
  let total = 0;
  let wrong = 0;
  for (const { row, text } of simdEncodings()) {
    if (chosen.length > 0 && !chosen.includes(row.mnemonic)) continue;
    const tally = compareEncoding(subject, program, text, Number(cases), Number(seed));
    total += tally.cases;
    wrong += tally.wrong;
    for (const example of tally.examples) console.log(`  ${row.mnemonic} ${text} ${example}`);
    if (tally.wrong > 0) console.log(`${row.source} (${text}): ${tally.wrong} of ${tally.cases} differ`);
  }
  console.log(`${wrong} of ${total} cases differ`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
