/**
 * Compares the x87 kernel with the host's processor: `npx tsx tests/oracle/x87/compare.ts [CASES] [SEED] [OPCODE...]`.
 * Needs gcc and an x86-64 host. Prints the number of differences per encoding and the first few of each.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { buildX87Kernel } from '../../../src/cpu/x87/build-kernel.ts';
import { MEMORY_OPCODES, REGISTER_OPCODES, TRANSCENDENTAL_OPCODES } from './opcodes.ts';
import { RECORD_SIZE, Subject, describe } from './run-case.ts';

const SHOWN = 4;
/** Cases a run of the native program writes at once. */
const BATCH = 50_000;

function buildOracle(): string {
  const directory = new URL('../../../.cache/x87/', import.meta.url).pathname;
  mkdirSync(directory, { recursive: true });
  const path = `${directory}x87-oracle`;
  execFileSync('gcc', ['-O1', '-o', path, new URL('x87-oracle.c', import.meta.url).pathname]);
  return path;
}

async function main(): Promise<void> {
  const [cases = '20000', seed = '1', ...chosen] = process.argv.slice(2);
  const opcodes = chosen.length ? chosen : [...MEMORY_OPCODES, ...REGISTER_OPCODES, ...TRANSCENDENTAL_OPCODES];
  const subject = new Subject(new WebAssembly.Module(new Uint8Array(await buildX87Kernel())));
  const oracle = buildOracle();
  let total = 0;
  let wrong = 0;
  for (const opcode of opcodes) {
    let bad = 0;
    for (let done = 0; done < Number(cases); done += BATCH) {
      const count = Math.min(BATCH, Number(cases) - done);
      const bytes = execFileSync(oracle, [String(Number(seed) + done), String(count), opcode], { maxBuffer: RECORD_SIZE * BATCH });
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at < bytes.length; at += RECORD_SIZE) {
        const differences = subject.check(view, at);
        if (differences.length === 0) continue;
        if (bad++ < SHOWN) console.log(`  ${describe(view, at)}\n    ${differences.join(', ')}`);
      }
    }
    total += Number(cases);
    wrong += bad;
    if (bad > 0) console.log(`${opcode}: ${bad} of ${cases} differ`);
  }
  console.log(`${wrong} of ${total} cases differ`);
}

await main();
